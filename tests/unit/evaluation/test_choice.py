from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from aclf_fhir.evaluation import Choice, Reason, Window, choose
from aclf_fhir.evaluation.choice import converted
from aclf_fhir.record import Fact, FactKind, FactStatus
from aclf_fhir.units import Interval, TimeRange
from tests.unit.evaluation.facts import T, ago, fact, graded, measured, record, rules


def bilirubin(*facts: Fact, **options: object) -> Choice:
    return choose(
        record(*facts),
        FactKind.MEASUREMENT,
        "bilirubin_total",
        rules=rules(),
        unit="mg/dL",
        **options,
    )


def test_newest_value_is_converted_from_what_was_sent() -> None:
    old, new = (
        measured("bilirubin_total", "3 mg/dL", 20),
        measured("bilirubin_total", "205.2 umol/L"),
    )
    choice = bilirubin(old, new)
    assert choice.fact == new
    assert choice.value == Interval.exact(Decimal(12))
    assert choice.unit == "mg/dL"
    assert choice.age == timedelta(hours=1)
    assert choice.why == "newest within the age limit"
    assert choice.fresh_until == T + timedelta(hours=47)
    assert choice.facts == (new,)


@pytest.mark.parametrize(("hours", "taken"), [(47, True), (48, True), (48.01, False), (72, False)])
def test_age_limit_is_included(hours: float, taken: bool) -> None:
    choice = bilirubin(measured("bilirubin_total", "3 mg/dL", hours))
    assert (choice.fact is not None) is taken
    assert choice.reason is (None if taken else Reason.STALE)


def test_nothing_on_file() -> None:
    choice = bilirubin()
    assert (choice.fact, choice.value, choice.reason) == (None, None, Reason.NO_DATA)
    assert choice.facts == ()


def test_a_day_that_reaches_beyond_the_limit_is_stale() -> None:
    choice = bilirubin(measured("bilirubin_total", "3 mg/dL", start=ago(60, until=40)))
    assert choice.reason is Reason.STALE


TODAY = ago(12, until=-12)
MONTH = ago(350, until=-390)
LATER = T + timedelta(days=30)


def test_a_day_that_is_not_over_counts_if_it_was_told_by_then() -> None:
    today = measured("bilirubin_total", "3 mg/dL", start=TODAY)
    choice = bilirubin(today)
    assert (choice.fact, choice.age) == (today, timedelta(0))


def test_a_day_that_is_not_over_and_was_told_later_may_lie_outside() -> None:
    today = measured("bilirubin_total", "3 mg/dL", start=TODAY, known=LATER)
    choice = bilirubin_known_later(today)
    assert (choice.fact, choice.reason) == (None, Reason.OUTSIDE_WINDOW)
    assert choice.passed_over == ((today, Reason.OUTSIDE_WINDOW),)


def bilirubin_known_later(*facts: Fact, **options: object) -> Choice:
    return choose(
        record(*facts, known_at=LATER),
        FactKind.MEASUREMENT,
        "bilirubin_total",
        rules=rules(),
        unit="mg/dL",
        **options,
    )


@pytest.mark.parametrize("start", [TODAY, MONTH])
@pytest.mark.parametrize("known", [T, LATER])
@pytest.mark.parametrize("hours", [2, 30])
def test_a_value_that_may_be_the_newer_one_is_a_rival(
    start: TimeRange, known: datetime, hours: float
) -> None:
    if hours == 30 and known == T and start == TODAY:
        return  # Drawn today and told by now: it certainly is the newer one.
    chosen = measured("bilirubin_total", "3 mg/dL", hours)
    rival = measured("bilirubin_total", "9 mg/dL", start=start, known=known)
    choice = bilirubin_known_later(chosen, rival)
    assert (choice.fact, choice.reason) == (None, Reason.CONFLICTING)
    assert (rival, Reason.CONFLICTING) in choice.passed_over
    same = measured("bilirubin_total", "3 mg/dL", start=start, known=known)
    assert bilirubin_known_later(chosen, same).value == Interval.exact(Decimal(3))


def test_what_is_not_fit_or_taken_back_is_no_rival() -> None:
    chosen = measured("bilirubin_total", "3 mg/dL", 2)
    rest = {"start": TODAY, "known": LATER}
    gone = measured("bilirubin_total", "9 mg/dL", status=FactStatus.RETRACTED, **rest)
    assert bilirubin_known_later(chosen, gone).fact == chosen
    odd = measured("bilirubin_total", "9 mg/dL", **rest)
    choice = bilirubin_known_later(chosen, odd, refuse=lambda one: "no" if one == odd else "")
    assert choice.fact == chosen


def test_a_visit_takes_no_rival_of_an_unknown_hour() -> None:
    near = measured("bilirubin_total", "3 mg/dL", 2)
    wide = measured("bilirubin_total", "9 mg/dL", start=MONTH)
    window = Window(T - timedelta(hours=6), T, T - timedelta(hours=2))
    assert bilirubin(near, wide, window=window).fact == near


@pytest.mark.parametrize("status", [FactStatus.PRELIMINARY, FactStatus.NO_VALUE])
def test_a_newer_result_that_cannot_be_used_is_flagged(status: FactStatus) -> None:
    newer = measured("bilirubin_total", "9 mg/dL", 1, status=status)
    choice = bilirubin(measured("bilirubin_total", "3 mg/dL", 5), newer)
    assert "newer_result_not_usable" in choice.flags
    assert choice.passed_over[0][0] == newer


@pytest.mark.parametrize(
    ("status", "hours"), [(FactStatus.RETRACTED, 1), (FactStatus.PRELIMINARY, 5)]
)
def test_a_result_taken_back_or_of_the_same_draw_is_not(status: FactStatus, hours: float) -> None:
    other = measured("bilirubin_total", "9 mg/dL", hours, status=status)
    choice = bilirubin(measured("bilirubin_total", "3 mg/dL", 5), other)
    assert choice.flags == frozenset()


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (FactStatus.PRELIMINARY, Reason.PRELIMINARY),
        (FactStatus.NO_VALUE, Reason.NO_DATA),
        (FactStatus.RETRACTED, Reason.RETRACTED),
    ],
)
def test_unusable_facts_are_passed_over_and_shown(status: FactStatus, reason: Reason) -> None:
    newest = measured("bilirubin_total", "9 mg/dL", status=status)
    alone = bilirubin(newest)
    assert alone.reason is reason
    assert alone.passed_over == ((newest, reason),)
    older = measured("bilirubin_total", "3 mg/dL", 5)
    choice = bilirubin(older, newest)
    assert choice.fact == older
    assert choice.passed_over == ((newest, reason),)


def test_a_newer_conflict_leaves_nothing() -> None:
    disputed = measured("bilirubin_total", "9 mg/dL", status=FactStatus.CONFLICTING)
    choice = bilirubin(measured("bilirubin_total", "3 mg/dL", 5), disputed)
    assert (choice.fact, choice.reason) == (None, Reason.CONFLICTING)


def test_an_older_conflict_does_not_matter() -> None:
    disputed = measured("bilirubin_total", "9 mg/dL", 5, status=FactStatus.CONFLICTING)
    newest = measured("bilirubin_total", "3 mg/dL")
    assert bilirubin(disputed, newest).fact == newest


def test_two_values_of_one_instant_contradict_each_other() -> None:
    choice = bilirubin(
        measured("bilirubin_total", "3 mg/dL", 1), measured("bilirubin_total", "4 mg/dL", 1)
    )
    assert choice.reason is Reason.CONFLICTING
    assert {reason for _, reason in choice.passed_over} == {Reason.CONFLICTING}


def test_the_same_value_in_two_units_does_not() -> None:
    choice = bilirubin(
        measured("bilirubin_total", "12 mg/dL", 1), measured("bilirubin_total", "205.2 umol/L", 1)
    )
    assert choice.value == Interval.exact(Decimal(12))


def test_a_unit_that_does_not_convert() -> None:
    odd = fact(FactKind.MEASUREMENT, "bilirubin_total", Interval.exact(Decimal(3)), unit="g/L")
    choice = bilirubin(odd)
    assert choice.reason is Reason.UNIT_NOT_CONVERTIBLE
    assert choice.passed_over[0] == (odd, Reason.UNIT_NOT_CONVERTIBLE)


def test_a_grade_without_a_value() -> None:
    empty = fact(FactKind.GRADE, "he_grade", None)
    choice = choose(record(empty), FactKind.GRADE, "he_grade", rules=rules())
    assert choice.reason is Reason.NO_DATA


def test_a_measurement_without_a_number_is_a_programming_error() -> None:
    with pytest.raises(TypeError, match="no number"):
        converted(fact(FactKind.MEASUREMENT, "inr", None), "{INR}", rules())


def test_what_is_not_fit_is_refused_with_the_reason() -> None:
    choice = bilirubin(measured("bilirubin_total", "3 mg/dL"), refuse=lambda _: "drawn from a line")
    assert choice.reason is Reason.NO_DATA
    assert choice.passed_over[0][1] == "drawn from a line"


def test_an_age_limit_of_the_caller() -> None:
    choice = bilirubin(measured("bilirubin_total", "3 mg/dL", 5), max_age=timedelta(hours=4))
    assert choice.reason is Reason.STALE


def test_the_value_nearest_to_a_visit() -> None:
    early, near, late = (
        measured("bilirubin_total", f"{n} mg/dL", h) for n, h in ((1, 90), (2, 50), (3, 2))
    )
    window = Window(T - timedelta(hours=96), T, T - timedelta(hours=48))
    choice = bilirubin(early, near, late, window=window)
    assert choice.fact == near
    assert choice.why == "nearest to the visit"
    assert choice.fresh_until is None


def test_facts_without_a_time_are_never_chosen() -> None:
    undated = fact(FactKind.GRADE, "he_grade", Interval.exact(Decimal(2)), hours=None)
    assert choose(record(undated), FactKind.GRADE, "he_grade", rules=rules()).fact is None
    dated = graded("he_grade", 1)
    assert choose(record(undated, dated), FactKind.GRADE, "he_grade", rules=rules()).fact == dated


def test_an_earlier_instant_of_the_same_record() -> None:
    old, new = measured("bilirubin_total", "3 mg/dL", 20), measured("bilirubin_total", "4 mg/dL", 1)
    assert bilirubin(old, new, at=T - timedelta(hours=10)).fact == old


def test_age_limit_of_something_the_catalog_does_not_know() -> None:
    assert rules().age_limit("pain") == timedelta(hours=24)
    assert rules().age_limit("ascites") == timedelta(hours=48)
