import sys
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest

from aclf_fhir.evaluation import Reason, ScoreEvaluation, evaluate
from aclf_fhir.evaluation.choice import Choice
from aclf_fhir.evaluation.kidney_course import (
    admission,
    choose_ica_baseline,
    choose_kdigo_baseline,
    choose_rise,
    creatinine_course,
    plain_course,
)
from aclf_fhir.evaluation.snapshot import Snapshot
from aclf_fhir.record import Fact, FactKind, FactStatus
from aclf_fhir.scores.kidney_injury import (
    TimedCreatinine,
    rise_in_48_hours,
    rises_in_48_hours,
)
from aclf_fhir.units import Interval
from tests.unit.evaluation.facts import T, ago, fact, measured, record, rules, stay

DAY = 24
NO_RENAL_REPLACEMENT = rules("renal_replacement")


def creatinine(mg_dl: str, hours: float, **rest: object) -> Fact:
    return measured("creatinine", f"{mg_dl} mg/dL", hours, **rest)


def exact(text: str) -> Interval:
    return Interval.exact(Decimal(text))


def ica(*facts: Fact) -> Choice:
    snapshot = Snapshot(record(*facts), rules())
    return choose_ica_baseline(snapshot.record, snapshot.creatinines, at=T, name="baseline")


def kdigo(*facts: Fact) -> Choice:
    snapshot = Snapshot(record(*facts), rules())
    staged = snapshot.analyte("creatinine", "mg/dL", "creatinine")
    return choose_kdigo_baseline(snapshot.creatinines, staged, at=T, name="baseline")


def rise(*facts: Fact) -> Choice:
    snapshot = Snapshot(record(*facts), rules())
    staged = snapshot.analyte("creatinine", "mg/dL", "creatinine")
    return choose_rise(snapshot.creatinines, staged, at=T, name="increase_48h")


@pytest.mark.parametrize(
    ("days_before", "value", "why"),
    [
        (89.9, "0.8", "last outpatient value before admission"),
        (90, "0.8", "last outpatient value before admission"),
        (90.1, "1.4", "first value since admission"),
    ],
)
def test_ica_baseline_of_an_outpatient(days_before: float, value: str, why: str) -> None:
    admitted = 2 * DAY
    found = ica(
        stay(admitted),
        creatinine("0.8", admitted + days_before * DAY),
        creatinine("1.4", admitted - 1),
        creatinine("2.1", 1),
    )
    assert (found.value, found.why) == (exact("0.8") if value == "0.8" else exact("1.4"), why)
    assert found.unit == "mg/dL"


def test_ica_baseline_is_nearest_to_admission_and_not_from_a_stay() -> None:
    found = ica(
        stay(2 * DAY),
        stay(20 * DAY, lasted=5 * DAY),
        stay(3 * DAY, lasted=6, kind="emergency"),
        creatinine("0.7", 60 * DAY),
        creatinine("0.9", 30 * DAY),
        creatinine("3.0", 18 * DAY),
        creatinine("2.5", 3 * DAY - 1),
        creatinine("2.0", 1),
    )
    assert found.value == exact("0.9")
    assert found.age == timedelta(days=30)


def test_ica_baseline_of_a_value_at_admission() -> None:
    assert ica(stay(DAY), creatinine("1.4", DAY), creatinine("2", 1)).value == exact("1.4")


def test_ica_baseline_that_cannot_be_told() -> None:
    assert ica(creatinine("1.4", 5)).why == "no stay in hospital on record"
    assert ica(stay(DAY)).why == "no creatinine before or since admission"
    inside = creatinine("3", 30 * DAY)
    only = ica(stay(DAY), stay(31 * DAY, lasted=2 * DAY), inside)
    assert only.why == "no creatinine before or since admission"
    disputed = creatinine("0.9", 5 * DAY, status=FactStatus.CONFLICTING)
    found = ica(stay(DAY), creatinine("0.8", 9 * DAY), disputed)
    assert (found.value, found.reason) == (None, Reason.CONFLICTING)
    assert found.passed_over == ((disputed, Reason.CONFLICTING),)
    two = ica(stay(DAY), creatinine("0.8", 9 * DAY), creatinine("0.9", 9 * DAY))
    assert two.reason is Reason.CONFLICTING


def test_ica_baseline_known_as_a_range() -> None:
    found = ica(stay(DAY), creatinine("<0.5", 9 * DAY), creatinine("2", 1))
    assert found.value == Interval(None, Decimal("0.5"), low_closed=False, high_closed=False)
    assert found.reason is Reason.COMPARATOR_STRADDLES


def test_stays_that_touch_are_one() -> None:
    def admitted(*stays: Fact) -> float | None:
        began = admission(record(*stays), T)
        return None if began is None else (T - began) / timedelta(hours=1)

    assert admitted() is None
    assert admitted(stay(40, lasted=20), stay(20)) == 40
    assert admitted(stay(40, lasted=19), stay(20)) == 20
    assert admitted(stay(99), stay(20)) == 20  # an end that was not sent joins nothing
    assert admitted(stay(90, lasted=85), stay(60, lasted=9), stay(20)) == 90
    assert admitted(stay(20, kind="ambulatory")) is None
    doubtful = fact(FactKind.ENCOUNTER, "inpatient", "in_progress", status=FactStatus.PRELIMINARY)
    assert admitted(doubtful) is None
    assert admitted(fact(FactKind.ENCOUNTER, "inpatient", "in_progress", None)) is None
    assert admitted(stay(-5)) is None


@pytest.mark.parametrize(("days", "taken"), [(6.9, True), (7, True), (7.1, False)])
def test_kdigo_baseline_is_the_lowest_of_seven_days(days: float, taken: bool) -> None:
    found = kdigo(creatinine("0.9", 1 + days * DAY), creatinine("1.2", 50), creatinine("2", 1))
    assert found.value == exact("0.9" if taken else "1.2")


def test_kdigo_baseline_needs_a_second_value() -> None:
    alone = kdigo(creatinine("9", 1))
    assert (alone.value, alone.reason) == (None, Reason.ONLY_ONE_OF_A_PAIR)
    assert kdigo().reason is Reason.NO_DATA
    falling = kdigo(creatinine("2", 50), creatinine("1.5", 1))
    assert falling.value == exact("1.5")
    disputed = creatinine("1", 50, status=FactStatus.CONFLICTING)
    assert kdigo(disputed, creatinine("2", 1)).reason is Reason.CONFLICTING


def test_kdigo_baseline_known_in_part() -> None:
    day = creatinine("0.9", start=ago(7 * DAY + 13, until=7 * DAY - 11), hours=1)
    found = kdigo(day, creatinine("1.2", 50), creatinine("2", 1))
    assert found.value == Interval(Decimal("0.9"), Decimal("1.2"))
    low = kdigo(creatinine("<0.5", 50), creatinine("2", 1))
    assert low.value == Interval(Decimal(0), Decimal("0.5"))
    high = kdigo(creatinine(">5", 50), creatinine("6", 1))
    assert high.value == Interval(Decimal(5), Decimal(6))


@pytest.mark.parametrize(("hours", "paired"), [(47.9, True), (48, True), (48.1, False)])
def test_rise_within_48_hours(hours: float, paired: bool) -> None:
    found = rise(creatinine("1.0", 1 + hours), creatinine("1.3", 1))
    assert found.value == (exact("0.3") if paired else None)
    assert found.reason is (None if paired else Reason.ONLY_ONE_OF_A_PAIR)


def test_rise_from_the_lowest_value() -> None:
    lowest, newest = creatinine("1.0", 30), creatinine("1.6", 1)
    found = rise(creatinine("1.4", 40), lowest, newest)
    assert found.value == exact("0.6")
    assert found.facts == (lowest, newest)
    assert rise().reason is Reason.NO_DATA
    disputed = creatinine("1", 30, status=FactStatus.CONFLICTING)
    assert rise(disputed, newest).reason is Reason.CONFLICTING


def test_rise_known_in_part() -> None:
    assert rise(creatinine("<1", 30), creatinine("1.6", 1)).value == Interval(
        Decimal("0.6"), Decimal("1.6")
    )
    assert rise(creatinine(">1", 30), creatinine("1.6", 1)).value == Interval(None, Decimal("0.6"))
    assert rise(creatinine("1", 30), creatinine(">1.6", 1)).value == Interval(Decimal("0.6"), None)
    day = creatinine("1.0", start=ago(60, until=37), hours=1)
    assert rise(day, creatinine("1.6", 1)).value == Interval(None, Decimal("0.6"))


def test_what_is_no_part_of_the_course() -> None:
    odd = fact(FactKind.MEASUREMENT, "creatinine", exact("1"), 4, unit="g/L")
    around = creatinine("5", 3, qualifiers=frozenset({"post_dialysis"}))
    early = creatinine("1", 2, status=FactStatus.PRELIMINARY)
    undated = fact(FactKind.MEASUREMENT, "creatinine", exact("1"), None, unit="mg/dL")
    plain = creatinine("1", 1)
    course = creatinine_course(record(odd, around, early, undated, plain), rules(), until=T)
    assert [drawn.fact for drawn in course] == [plain]


def test_stages_of_kidney_injury_from_a_record() -> None:
    facts = record(stay(60), creatinine("1.0", 59), creatinine("2.0", 1))
    assert evaluate(facts, "ica_aki", NO_RENAL_REPLACEMENT).result.value == "1B"
    assert evaluate(facts, "kdigo_aki_creatinine", NO_RENAL_REPLACEMENT).result.value == 2
    open_ = evaluate(facts, "ica_aki", rules()).result
    assert open_.possible == ("1B", "3")  # renal replacement is not known
    without = record(creatinine("1.0", 59), creatinine("2.0", 1))
    assert "baseline" in evaluate(without, "ica_aki", NO_RENAL_REPLACEMENT).result.missing


def response(*facts: Fact) -> ScoreEvaluation:
    return evaluate(record(*facts), "ica_aki_response", NO_RENAL_REPLACEMENT)


def test_response_of_kidney_injury() -> None:
    course = [stay(99), creatinine("1.0", 98), creatinine("2.5", 50)]
    better = response(*course, creatinine("1.6", 1))
    assert better.result.value == "partial"
    by_input = {choice.input: choice.value for choice in better.choices}
    assert by_input["worst_stage"] == {"2"}
    assert by_input["stage"] == {"1B"}
    assert response(*course, creatinine("1.2", 1)).result.value == "full"
    assert response(*course).result.value is None  # the newest value is too old
    assert response(*course, creatinine("2.6", 1)).result.value == "none"


def test_without_an_injury_there_is_no_response() -> None:
    found = response(stay(99), creatinine("1.0", 98), creatinine("1.2", 50), creatinine("1.1", 1))
    assert (found.result.status, found.result.reason) == ("error", "not_applicable")


def test_a_disputed_stage_leaves_the_worst_one_open() -> None:
    course = [stay(99), creatinine("1.0", 98), creatinine("1.6", 1)]
    disputed = creatinine("2", 50, status=FactStatus.CONFLICTING)
    found = response(*course, disputed)
    worst = next(choice for choice in found.choices if choice.input == "worst_stage")
    assert worst.value == {"1B", "2", "3"}
    assert not found.span_exceeded
    assert "span_over_24_h" not in found.result.flags
    nobody = evaluate(record(stay(99)), "ica_aki_response", NO_RENAL_REPLACEMENT)
    assert nobody.result.status == "indeterminate"


def drawn_at_random(seed: int) -> list[Fact]:
    """A stay and its creatinines, some of them at one instant or in another unit."""
    chance = Random(seed)  # noqa: S311 # a repeatable course, no secret
    facts = [stay(200)]
    for _ in range(chance.randrange(2, 14)):
        number = Decimal(chance.randrange(40, 500)) / 100
        text = f"{number} mg/dL" if chance.random() < 0.8 else f"{number * 88} umol/L"
        status = chance.choice([FactStatus.USABLE] * 9 + list(FactStatus))
        hours = chance.choice([chance.uniform(0, 40), chance.randrange(300)])
        facts.append(measured("creatinine", text, hours, status=status))
    return facts


@pytest.mark.parametrize("seed", range(40))
def test_a_plain_course_is_staged_as_any_other(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = drawn_at_random(seed)
    in_one_pass = response(*facts)
    module = sys.modules["aclf_fhir.evaluation.evaluate"]
    monkeypatch.setattr(module, "plain_course", lambda *_, **__: None)
    assert response(*facts) == in_one_pass


def test_what_makes_a_course_plain() -> None:
    plain = [creatinine("1.0", 98), creatinine("1.6", 40), creatinine("1.2", 1)]

    def course(*more: Fact) -> object:
        since = T - timedelta(hours=60)
        snapshot = Snapshot(record(*plain, *more), rules())
        return plain_course(snapshot.record, snapshot.creatinines, since=since)

    expected = [(exact("1.2"), exact("-0.4")), (exact("1.6"), None)]
    assert course() == expected
    pre_dialysis = creatinine("9", 30, qualifiers=frozenset({"pre_dialysis"}))
    preliminary = creatinine("9", 30, status=FactStatus.PRELIMINARY)
    assert course(pre_dialysis, preliminary) == expected
    assert course(creatinine("9", 30, status=FactStatus.CONFLICTING)) is None
    assert course(creatinine("1.7", 40)) is None
    assert course(creatinine("<0.5", 30)) is None
    assert course(creatinine("1.7", 30, start=ago(30, until=20))) is None


def test_every_rise_is_that_within_48_hours() -> None:
    chance = Random(1)  # noqa: S311 # a repeatable course, no secret
    hours = sorted(chance.sample(range(400), 40))
    values = [
        TimedCreatinine(T - timedelta(hours=each), Decimal(chance.randrange(40, 500)) / 100)
        for each in (*hours, 448, 496)
    ]
    assert rises_in_48_hours(values) == [rise_in_48_hours(values, at=each.at) for each in values]
