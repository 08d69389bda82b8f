from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from aclf_fhir.evaluation import Choice, Reason, Snapshot, evaluate
from aclf_fhir.evaluation.bilirubin_course import (
    choose_daily_rise,
    choose_upper_limit,
    treatment_start,
)
from aclf_fhir.record import Fact, FactKind, FactStatus
from aclf_fhir.units import Interval, TimeRange
from tests.unit.evaluation.facts import T, ago, fact, found, given, measured, record, rules

DAY = 24


def bilirubin(text: str, hours: float, **rest: object) -> Fact:
    return measured("bilirubin_total", text, hours, **rest)


def newest(*facts: Fact) -> Choice:
    return Snapshot(record(*facts), rules()).analyte("bilirubin_total", "umol/L", "bilirubin")


def limit(text: str) -> Interval:
    number, unit = text.split()
    table = rules().analytes["bilirubin_total"].units
    return table.convert(Interval.exact(Decimal(number)), unit, "mg/dL")


@pytest.mark.parametrize("text", ["20.5 umol/L", "17.1 umol/L", "21 umol/L", "1.2 mg/dL"])
def test_the_limit_of_the_same_result_is_exact(text: str) -> None:
    result = bilirubin("300 umol/L", 1, reference_high=limit(text))
    found_ = choose_upper_limit(newest(result), rules(), name="bilirubin_uln")
    number, unit = text.split()
    expected = Decimal(number) * (Decimal("17.1") if unit == "mg/dL" else 1)
    assert found_.value == Interval.exact(expected)
    assert found_.fact == result


def test_no_limit_is_assumed() -> None:
    without = choose_upper_limit(newest(bilirubin("300 umol/L", 1)), rules(), name="uln")
    assert (without.value, without.reason) == (None, Reason.NO_DATA)
    nothing = choose_upper_limit(newest(), rules(), name="uln")
    assert nothing.reason is Reason.NO_DATA
    open_ = bilirubin("300 umol/L", 1, reference_high=Interval(Decimal(1), None, high_closed=False))
    assert choose_upper_limit(newest(open_), rules(), name="uln").value == Interval(
        Decimal("17.1"), None, high_closed=False
    )


def rise(*facts: Fact) -> Choice:
    return choose_daily_rise(record(*facts), rules(), newest(*facts), at=T, name="bilirubin_rise")


@pytest.mark.parametrize(
    ("hours", "paired"), [(11.9, False), (12, True), (24, True), (72, True), (72.1, False)]
)
def test_a_pair_lies_12_to_72_hours_apart(hours: float, paired: bool) -> None:
    found_ = rise(bilirubin("100 umol/L", 1 + hours), bilirubin("120 umol/L", 1))
    assert (found_.value is not None) is paired
    assert found_.reason is (None if paired else Reason.ONLY_ONE_OF_A_PAIR)


def test_rise_per_day() -> None:
    earlier = bilirubin("100 umol/L", 49)
    found_ = rise(bilirubin("10 umol/L", 60), earlier, bilirubin("134.2 umol/L", 1))
    assert found_.value == Interval.exact(Decimal("17.1"))
    assert found_.also == (earlier,)
    part = rise(bilirubin("<100 umol/L", 25), bilirubin("134.2 umol/L", 1))
    assert part.value == Interval(Decimal("34.2"), None, low_closed=False, high_closed=False)
    assert part.reason is Reason.COMPARATOR_STRADDLES
    above = rise(bilirubin("100 umol/L", 25), bilirubin(">400 umol/L", 1))
    assert above.value == Interval(Decimal(300), None, low_closed=False, high_closed=False)


def test_a_rise_that_cannot_be_told() -> None:
    now = bilirubin("134.2 umol/L", 1)
    assert rise().reason is Reason.NO_DATA
    day = bilirubin("134.2 umol/L", 1, start=ago(9, until=1))
    assert rise(bilirubin("100 umol/L", 30), day).reason is Reason.OUTSIDE_WINDOW
    disputed = bilirubin("100 umol/L", 25, status=FactStatus.CONFLICTING)
    assert rise(bilirubin("90 umol/L", 30), disputed, now).reason is Reason.CONFLICTING
    some_day = bilirubin("90 umol/L", 1, start=ago(40, until=20))
    assert rise(some_day, now).reason is Reason.ONLY_ONE_OF_A_PAIR
    odd = fact(FactKind.MEASUREMENT, "bilirubin_total", Interval.exact(Decimal(1)), 30, unit="g/L")
    assert rise(odd, now).reason is Reason.ONLY_ONE_OF_A_PAIR
    early = bilirubin("100 umol/L", 25, status=FactStatus.PRELIMINARY)
    older = bilirubin("100 umol/L", 49)
    assert rise(older, early, now).also == (older,)


@pytest.mark.parametrize(("value", "aclf"), [("204.9", False), ("205", True), ("205.1", True)])
def test_ten_times_the_limit_of_normal(value: str, aclf: bool) -> None:
    facts = record(
        bilirubin(f"{value} umol/L", 1, reference_high=limit("20.5 umol/L")),
        measured("inr", "1.6 {INR}"),
        found("cirrhosis"),
    )
    result = evaluate(facts, "chinese_aclf_definition", rules()).result
    assert (result.status, result.value) == ("ok", aclf)


def steroid(hours: float, **rest: object) -> Fact:
    return given("corticosteroid", None, hours, **rest)


def began(*facts: Fact) -> datetime | None:
    return treatment_start(record(*facts), rules(), at=T)


def test_a_course_of_treatment() -> None:
    assert began() is None
    assert began(steroid(100), steroid(50), steroid(2)) == T - timedelta(hours=100)
    assert began(steroid(74), steroid(2)) == T - timedelta(hours=74)
    assert began(steroid(74.1), steroid(2)) == T - timedelta(hours=2)
    assert began(steroid(200, lasted=198), steroid(1)) == T - timedelta(hours=200)
    assert began(steroid(200, qualifiers=frozenset({"requested"}))) is None
    assert began(steroid(200, status=FactStatus.PRELIMINARY)) is None
    assert began(steroid(1, start=None)) is None
    overlapping = steroid(30, lasted=2), steroid(90, lasted=80)
    assert began(*overlapping) == T - timedelta(hours=90)


def day_zero() -> list[Fact]:
    born = TimeRange(T.replace(year=1970, month=1, day=1), T.replace(year=1970, month=1, day=1))
    drawn = 8 * DAY
    return [
        fact(FactKind.DEMOGRAPHIC, "birth_date", born, None),
        measured("albumin", "28 g/L", drawn),
        bilirubin("300 umol/L", drawn),
        measured("prothrombin_time", "20 s", drawn),
        measured("creatinine", "1.0 mg/dL", drawn),
        measured("creatinine", "4.0 mg/dL", 2),
        measured("albumin", "20 g/L", 2),
        steroid(8 * DAY - 1),
        steroid(6 * DAY),
        steroid(4 * DAY),
        steroid(2 * DAY),
    ]


@pytest.mark.parametrize(
    ("days", "taken"), [(5.9, False), (6, True), (7, True), (8, True), (8.01, False)]
)
def test_lille_sets_the_seventh_day_against_the_first(days: float, taken: bool) -> None:
    start = 8 * DAY - 1
    facts = [*day_zero(), bilirubin("200 umol/L", start - days * DAY)]
    at = T + timedelta(hours=2 * DAY)
    found_ = evaluate(record(*facts, as_of=at, known_at=at), "lille", rules())
    assert (found_.result.status == "ok") is taken
    by_input = {choice.input: choice for choice in found_.choices}
    assert by_input["albumin"].value == Interval.exact(Decimal(28))
    assert by_input["creatinine"].value == Interval.exact(Decimal("1.0"))
    assert found_.fresh_until is None
    if taken:
        assert by_input["bilirubin_day7"].value == Interval.exact(Decimal(200))
        # R = 3.19 - 0.101 x 54 + 0.147 x 28 + 0.0165 x 100 - 0.0065 x 300 - 0.0096 x 20
        assert found_.result.details["R"] == Decimal("1.3600000000")


def test_lille_before_the_seventh_day_and_without_a_treatment() -> None:
    early = evaluate(record(*day_zero(), as_of=T - timedelta(days=3)), "lille", rules())
    assert early.result.missing == ("bilirubin_day7",)
    assert early.choices[3].why == "the seventh day has not come"
    none = evaluate(record(), "lille", rules())
    assert none.choices[3].why == "no corticosteroid on record"
