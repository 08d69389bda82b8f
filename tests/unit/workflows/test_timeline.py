"""What a picture of scores shows, before anything is drawn."""

from datetime import timedelta
from decimal import Decimal

import pytest

from aclf_fhir.catalog import load_catalog
from aclf_fhir.record import FactStatus, Record
from aclf_fhir.units import Interval
from aclf_fhir.workflows.timeline import ACLF_GRADE, Curve, Timeline, timeline_of
from tests.unit.evaluation.facts import T, measured
from tests.unit.workflows.courses import course, record, site

CATALOG = load_catalog()


def prepared(*scores: str, of: Record | None = None) -> Timeline:
    return timeline_of(of or record(), scores, rules=site(), protocols=CATALOG.protocols)


def curve(timeline: Timeline, score: str) -> Curve:
    return next(each for each in timeline.curves if each.score == score)


def ago(days: int) -> object:
    return T - timedelta(days=days)


def test_a_curve_has_the_values_as_reported() -> None:
    points = curve(prepared("meld_optn"), "meld_optn").points
    assert [point.at for point in points] == [ago(days) for days in (12, 11, 10, 9, 4, 3, 2, 1)]
    assert points[0].values == Interval.exact(Decimal(20))
    assert points[4].values == Interval(Decimal(25), Decimal(32))
    assert points[5].values is not None
    assert points[5].values.high == 40


def test_a_line_has_gaps_where_inputs_were_old_or_inexact() -> None:
    points = curve(prepared("meld_optn"), "meld_optn").points
    assert [point.joined for point in points] == [
        False, True, True, True,  # daily
        False,  # after five days
        False, False,  # inexact, and from inexact to exact
        True,
    ]  # fmt: skip


def test_a_result_that_cannot_be_computed_is_a_point_without_values() -> None:
    facts = [*course(), measured("inr", "45 {INR}", 12)]
    late = Record.of("p-1", facts, as_of=T, known_at=T)
    last = curve(prepared("meld_optn", of=late), "meld_optn").points[-1]
    assert last.values is None
    assert not last.joined


def test_the_grade_of_aclf_comes_first_and_holds_until_its_inputs_are_old() -> None:
    (band,) = prepared("meld_optn").bands
    assert band.score == ACLF_GRADE
    labels = ["none", "2", "3a", "none–1a", "none–1b", "none"]
    assert [span.label for span in band.spans] == labels
    assert [span.grades for span in band.spans][3] == ("none", "1a")
    first, _, worst, after, *_, last = band.spans
    assert (first.start, first.end) == (ago(12), ago(10))  # two results, one span
    assert worst.end == ago(8)  # a pressure is used for 24 h
    assert after.start == ago(4)
    assert last.end == T
    assert first.ranks == (0.0, 0.0)
    assert worst.ranks == (0.8, 0.8)
    assert after.ranks == (0.0, 0.2)


def test_other_graded_scores_are_bands_too() -> None:
    timeline = prepared("chinese_aclf_stage", "cossh_aclf_grade")
    assert [band.score for band in timeline.bands] == [
        ACLF_GRADE, "chinese_aclf_stage", "cossh_aclf_grade",
    ]  # fmt: skip
    stages = {span.label for span in timeline.bands[1].spans}
    assert {"early", "middle", "late"} <= stages
    assert timeline.curves == ()


def test_thresholds_are_where_categories_begin_and_what_protocols_ask() -> None:
    timeline = prepared("child_pugh", "clif_c_ad", "meld_optn", "meld_3_0")
    limits = {
        each.score: [(threshold.value, threshold.label) for threshold in each.thresholds]
        for each in timeline.curves
    }
    assert limits["child_pugh"] == [(Decimal(6), "B: > 6"), (Decimal(9), "C: > 9")]
    assert limits["clif_c_ad"] == [
        (Decimal(45), "intermediate: > 45"),
        (Decimal(60), "high: ≥ 60"),
    ]
    assert [value for value, _ in limits["meld_optn"]] == [17, 30]
    assert all("≥ 17" in label or "≤ 30" in label for _, label in limits["meld_optn"])
    assert limits["meld_3_0"] == []


def test_scores_without_a_result_are_named() -> None:
    assert prepared("inr_from_pt", "meld_optn").without == ("INR from prothrombin time",)


def test_a_record_without_results_has_no_extent() -> None:
    nothing = prepared("meld_optn", of=Record.of("p-1", [], as_of=T, known_at=T))
    assert nothing.extent is None
    assert nothing.bands == nothing.curves == ()
    assert nothing.without == ("EASL-CLIF grade of ACLF", "MELD, OPTN form")


def test_the_extent_reaches_from_the_first_result_to_the_end_of_the_last() -> None:
    assert prepared("meld_optn").extent == (ago(12), T)


def test_it_does_not_depend_on_the_order_of_the_facts() -> None:
    backwards = Record.of("p-1", reversed(record_facts()), as_of=T, known_at=T)
    assert prepared("meld_optn", "clif_sofa", of=backwards) == prepared("meld_optn", "clif_sofa")


def record_facts() -> list[object]:
    return list(course())


@pytest.mark.parametrize("status", [status for status in FactStatus if status != "usable"])
def test_facts_that_are_not_usable_are_not_shown(status: FactStatus) -> None:
    facts = [measured(fact, value, 24, status=status) for fact, value in (("inr", "2 {INR}"),)]
    timeline = prepared("meld_optn", of=Record.of("p-1", facts, as_of=T, known_at=T))
    assert timeline.extent is None
