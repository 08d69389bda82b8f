from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from aclf_fhir.evaluation import DayWorst, Reason, daily_course
from aclf_fhir.evaluation.daily import LOWER_IS_WORSE, WITHOUT_WORST
from aclf_fhir.record import Fact, FactKind, FactStatus
from aclf_fhir.scores import SCORES
from aclf_fhir.units import Interval, TimeRange
from tests.unit.evaluation.facts import T, done, fact, graded, measured, record, rules, stay

BERLIN = ZoneInfo("Europe/Berlin")
SINCE = T - timedelta(days=2)


def at(text: str) -> datetime:
    """Read a local time of the site."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def drawn(concept: str, text: str, when: str, **rest: object) -> Fact:
    return measured(concept, text, start=TimeRange.exact(at(when).astimezone(UTC)), **rest)


def course(concept: str, *facts: Fact, since: str, until: str) -> tuple[DayWorst, ...]:
    end = at(until)
    known = record(*facts, as_of=end + timedelta(days=9), known_at=max(end, T))
    site = replace(rules("renal_replacement"), zone=BERLIN)
    return daily_course(known, concept, site, since=at(since), until=end)


def worst(concept: str, *facts: Fact) -> DayWorst:
    """Return the worst of the day that ends at T."""
    (day,) = daily_course(
        record(*facts), concept, rules("renal_replacement"), since=T - timedelta(hours=11), until=T
    )
    return day


def exact(text: str) -> Interval:
    return Interval.exact(Decimal(text))


def test_a_day_ends_before_midnight_at_the_site() -> None:
    days = course(
        "bilirubin_total",
        drawn("bilirubin_total", "3 mg/dL", "2024-01-10T00:00"),
        drawn("bilirubin_total", "5 mg/dL", "2024-01-10T23:59:59"),
        drawn("bilirubin_total", "9 mg/dL", "2024-01-11T00:00"),
        since="2024-01-10T00:00",
        until="2024-01-12T12:00",
    )
    assert [(day.day, day.value, day.count) for day in days] == [
        (date(2024, 1, 10), exact("5"), 2),
        (date(2024, 1, 11), exact("9"), 1),
        (date(2024, 1, 12), None, 0),
    ]
    assert days[2].reason is Reason.NO_DATA
    assert days[0].end == days[1].start == at("2024-01-11T00:00")
    assert days[2].end == at("2024-01-12T12:00")
    assert days[0].unit == "mg/dL"


@pytest.mark.parametrize(
    ("day", "following", "hours"),
    [
        ("2024-03-31", "2024-04-01", 23),
        ("2024-10-27", "2024-10-28", 25),
        ("2024-05-05", "2024-05-06", 24),
    ],
)
def test_days_on_which_the_clocks_change(day: str, following: str, hours: int) -> None:
    last = at(f"{following}T00:00").astimezone(UTC) - timedelta(minutes=1)
    late = measured("creatinine", "2 mg/dL", start=TimeRange.exact(last))
    early = drawn("creatinine", "1 mg/dL", f"{day}T00:00")
    first, second = course(
        "creatinine", early, late, since=f"{day}T00:00", until=f"{following}T12:00"
    )
    assert first.end - first.start == timedelta(hours=hours)
    assert (first.value, first.count, second.value) == (exact("2"), 2, None)


def test_both_ends_are_included() -> None:
    facts = [
        drawn("creatinine", f"{number} mg/dL", when)
        for number, when in (
            (9, "2024-01-10T07:59"),
            (1, "2024-01-10T08:00"),
            (2, "2024-01-10T20:00"),
            (8, "2024-01-10T20:01"),
        )
    ]
    (day,) = course("creatinine", *facts, since="2024-01-10T08:00", until="2024-01-10T20:00")
    assert (day.value, day.count, day.passed_over) == (exact("2"), 2, ())
    assert course("creatinine", since="2024-01-10T08:00", until="2024-01-09T08:00") == ()


@pytest.mark.parametrize(
    ("concept", "values", "expected"),
    [
        ("bilirubin_total", ("3 mg/dL", "4 mg/dL"), "4"),
        ("platelets", ("90 10*9/L", "40 10*9/L"), "40"),
        ("mean_arterial_pressure", ("80 mm[Hg]", "60 mm[Hg]"), "60"),
        ("sodium", ("140 mmol/L", "125 mmol/L"), "125"),
        ("prothrombin_activity", ("40 %", "30 %"), "30"),
    ],
)
def test_what_worst_means(concept: str, values: tuple[str, str], expected: str) -> None:
    one, other = (measured(concept, text, 2 + place) for place, text in enumerate(values))
    assert worst(concept, one, other).value == exact(expected)
    assert worst(concept, other, one).facts == (other,)


def test_directions_are_those_that_the_scores_declare() -> None:
    declared: dict[str, set[int]] = {}
    for score in SCORES.values():
        for each in score.inputs:
            if each.kind in {"analyte", "grade"} and each.direction:
                declared.setdefault(each.concept, set()).add(each.direction)
    for concept, directions in declared.items():
        if len(directions) == 1:
            assert (directions == {-1}) is (concept in LOWER_IS_WORSE), concept
    known = {*SCORES, *rules().analytes, *rules().scales}
    assert known >= LOWER_IS_WORSE | WITHOUT_WORST
    assert not LOWER_IS_WORSE & WITHOUT_WORST


@pytest.mark.parametrize("concept", [*sorted(WITHOUT_WORST), "bilirubim"])
def test_what_has_no_worst(concept: str) -> None:
    with pytest.raises(ValueError, match=concept):
        worst(concept)


def test_ranges_leave_a_range() -> None:
    below, plain = measured("creatinine", "<2 mg/dL", 3), measured("creatinine", "1 mg/dL", 2)
    day = worst("creatinine", below, plain)
    assert day.value == Interval(Decimal(1), Decimal(2), high_closed=False)
    assert (day.reason, day.facts) == (Reason.COMPARATOR_STRADDLES, (below, plain))
    sure = worst("creatinine", below, measured("creatinine", "3 mg/dL", 2))
    assert (sure.value, sure.reason) == (exact("3"), None)
    above = worst("creatinine", measured("creatinine", ">5 mg/dL", 4), plain)
    assert above.value == Interval(Decimal(5), None, low_closed=False, high_closed=False)
    both = worst(
        "creatinine", measured("creatinine", ">=5 mg/dL", 4), measured("creatinine", ">5 mg/dL", 3)
    )
    assert both.value == Interval(Decimal(5), None, low_closed=False, high_closed=False)
    tie = worst(
        "creatinine", measured("creatinine", "<2 mg/dL", 4), measured("creatinine", "<=2 mg/dL", 3)
    )
    assert tie.value == Interval(None, Decimal(2), low_closed=False)
    low = worst(
        "platelets", measured("platelets", "<20 10*9/L", 4), measured("platelets", "90 10*9/L", 3)
    )
    assert low.value == Interval(None, Decimal(20), low_closed=False, high_closed=False)


def test_a_disputed_value_may_be_the_worst() -> None:
    plain = measured("creatinine", "1 mg/dL", 2)
    disputed = measured("creatinine", "4 mg/dL", 3, status=FactStatus.CONFLICTING)
    day = worst("creatinine", plain, disputed)
    assert (day.value, day.reason, day.passed_over) == (
        None,
        Reason.CONFLICTING,
        ((disputed, Reason.CONFLICTING),),
    )
    twice = worst("creatinine", plain, measured("creatinine", "2 mg/dL", 2))
    assert twice.reason is Reason.CONFLICTING


def test_what_does_not_count_is_shown() -> None:
    early = measured("creatinine", "4 mg/dL", 3, status=FactStatus.PRELIMINARY)
    around = measured("creatinine", "5 mg/dL", 4, qualifiers=frozenset({"pre_dialysis"}))
    some_time = measured(
        "creatinine", "6 mg/dL", start=TimeRange(T - timedelta(hours=30), T - timedelta(hours=2))
    )
    day = worst("creatinine", early, around, some_time, measured("creatinine", "1 mg/dL", 2))
    assert day.value == exact("1")
    assert dict(day.passed_over) == {
        early: Reason.PRELIMINARY,
        around: "drawn around dialysis: proves dialysis, is no plain creatinine",
        some_time: Reason.OUTSIDE_WINDOW,
    }
    other = daily_course(
        record(some_time), "creatinine", rules(), since=SINCE, until=T + timedelta(days=1)
    )
    assert [len(each.passed_over) for each in other] == [0, 1, 1, 0]
    assert worst("creatinine", measured("creatinine", "7 mg/dL", 40)).count == 0
    assert (
        worst("pao2", measured("pao2", "40 mm[Hg]", qualifiers=frozenset({"venous"}))).value is None
    )


def test_a_day_without_an_hour_is_one_day() -> None:
    midnight = T.replace(hour=0)
    day = TimeRange(midnight, T)
    found = worst("creatinine", measured("creatinine", "2 mg/dL", start=day))
    assert found.reason is Reason.NO_DATA  # it may have been before 01:00
    (whole,) = daily_course(
        record(measured("creatinine", "2 mg/dL", start=day)), "creatinine", rules(),
        since=midnight, until=T,
    )  # fmt: skip
    assert whole.value == exact("2")
    undated = fact(FactKind.MEASUREMENT, "creatinine", exact("9"), None, unit="mg/dL")
    assert worst("creatinine", undated).count == 0


def test_grades() -> None:
    assert worst("he_grade", graded("he_grade", 1, 3), graded("he_grade", 3, 2)).value == exact("3")
    wet = [graded("ascites", "mild", 4), graded("ascites", "severe", 3), graded("ascites", "none")]
    day = worst("ascites", *wet)
    assert (day.value, day.facts) == (frozenset({"severe"}), (wet[1],))
    vague = fact(FactKind.GRADE, "ascites", frozenset({"mild", "refractory"}), 5)
    assert worst("ascites", *wet, vague).value == {"severe", "refractory"}
    empty = fact(FactKind.GRADE, "ascites", None, 5)
    assert worst("ascites", empty).passed_over == ((empty, Reason.NO_DATA),)


def panel(hours: float, creatinine: str, *, inr: bool = True) -> list[Fact]:
    facts = [
        measured("creatinine", f"{creatinine} mg/dL", hours),
        measured("bilirubin_total", "5 mg/dL", hours),
    ]
    return [*facts, measured("inr", "1.3 {INR}", hours)] if inr else facts


def test_the_worst_score_of_a_day() -> None:
    facts = [*panel(9, "1.2"), *panel(6, "2"), *panel(2, "1.5")]
    day = worst("meld_optn", *facts)
    assert (day.value, day.count) == (exact("22"), 3)
    assert [point.at for point in day.evaluations] == [T - timedelta(hours=6)]
    assert day.unit == "{score}"
    alone = worst("meld_optn", *panel(9, "1.2", inr=False))
    assert isinstance(alone.value, Interval)
    assert alone.reason is Reason.COMPARATOR_STRADDLES
    # A point that lacks an input does not count beside one that lacks none.
    assert worst("meld_optn", *panel(9, "1.2", inr=False), *panel(6, "2")).value == exact("22")
    assert worst("meld_optn").reason is Reason.NO_DATA
    assert worst("meld_optn", *panel(9, "1.2"), *panel(-2, "9")).count == 1


def test_points_after_the_end_do_not_count() -> None:
    days = daily_course(
        record(*panel(9, "1.2"), *panel(2, "2")), "meld_optn", rules("renal_replacement"),
        since=T - timedelta(hours=11), until=T - timedelta(hours=3),
    )  # fmt: skip
    assert [day.value for day in days] == [exact("17")]


def test_the_worst_grade_and_the_worst_truth_of_a_day() -> None:
    kidney = [
        stay(60),
        measured("creatinine", "1.0 mg/dL", 59),
        measured("creatinine", "2.5 mg/dL", 9),
        measured("creatinine", "1.6 mg/dL", 2),
    ]
    assert worst("ica_aki", *kidney).value == {"2"}
    assert worst("ica_aki_response", *kidney).value == {"none"}
    recovered = [*kidney, measured("creatinine", "1.1 mg/dL", 1)]
    assert worst("ica_aki_response", *recovered).value == {"none"}
    treated = [*kidney, done("renal_replacement", 8, status=FactStatus.PRELIMINARY)]
    assert worst("ica_aki", *treated).value == {"2", "3"}
    grades = [*panel(9, "1.2"), *panel(6, "2")]
    assert isinstance(worst("easl_clif_aclf_grade", *grades).value, frozenset)
    chinese = [
        measured("bilirubin_total", "1 mg/dL", 5),
        measured("inr", "1.0 {INR}", 5),
        measured("inr", "1.6 {INR}", 2),
    ]
    assert worst("chinese_aclf_stage", *chinese).value == {"early"}
    assert worst("chinese_aclf_definition", *chinese).value == {"no"}
    unusable = measured("inr", "-1 {INR}", 3)
    assert worst("chinese_aclf_stage", unusable).reason is Reason.NO_DATA
