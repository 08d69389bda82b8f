from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from aclf_fhir.evaluation import Choice, Reason, Snapshot, evaluate, score_points
from aclf_fhir.evaluation.findings import choose_days_to_decompensation
from aclf_fhir.evaluation.supports import NO, UNKNOWN, YES
from aclf_fhir.record import Fact, FactKind, FactStatus
from aclf_fhir.units import Interval
from tests.unit.evaluation.facts import (
    T,
    ago,
    attested,
    fact,
    found,
    given,
    graded,
    measured,
    record,
    rules,
)

CLD = "chronic_liver_disease"
DAY = 24


@pytest.mark.parametrize(
    ("facts", "value", "reason"),
    [
        ([], UNKNOWN, Reason.NO_DATA),
        ([found(CLD, hours=9000)], YES, None),
        ([found(CLD, hours=None)], YES, None),
        ([found("cirrhosis", hours=9000)], YES, None),
        ([found("cirrhosis", "absent")], UNKNOWN, Reason.NO_DATA),
        ([found(CLD, "absent", 23)], NO, None),
        ([found(CLD, "absent", 24)], NO, None),
        ([found(CLD, "absent", 24.1)], UNKNOWN, Reason.NO_DATA),
        ([found(CLD, "absent", None)], UNKNOWN, Reason.NO_DATA),
        ([found(CLD, "absent"), found("cirrhosis")], UNKNOWN, Reason.CONFLICTING),
        ([found(CLD, qualifiers=frozenset({"provisional"}))], UNKNOWN, Reason.NO_DATA),
        ([found(CLD, qualifiers=frozenset({"review", "active"}))], UNKNOWN, Reason.NO_DATA),
        ([found(CLD, status=FactStatus.PRELIMINARY)], UNKNOWN, Reason.NO_DATA),
        ([found(CLD, hours=90, end=ago(1))], UNKNOWN, Reason.NO_DATA),
        ([found(CLD, hours=-1)], UNKNOWN, Reason.NO_DATA),
        # Today: presence counts where it may have begun, absence where it must have.
        ([found(CLD, start=ago(12, until=-12))], YES, None),
        ([found(CLD, "absent", start=ago(12, until=-12))], UNKNOWN, Reason.NO_DATA),
    ],
)
def test_a_finding(facts: list[Fact], value: frozenset[str], reason: Reason | None) -> None:
    choice = Snapshot(record(*facts), rules()).finding(CLD)
    assert (choice.value, choice.reason) == (value, reason)


def test_suppressed_encephalopathy_counts_only_where_it_is_recorded() -> None:
    facts = [
        measured("bilirubin_total", "1 mg/dL"),
        measured("albumin", "4 g/dL"),
        measured("inr", "1 {INR}"),
        graded("ascites", "none"),
        graded("he_grade", 0),
    ]
    # That there is a vasopressor says nothing of an encephalopathy.
    on_a_drug = record(*facts, attested("vasopressor-support", "yes"))
    plain = evaluate(on_a_drug, "child_pugh", rules())
    assert plain.result.rounded == 5
    assert next(c for c in plain.choices if c.input == "he_controlled_by_medication").value is None
    suppressed = record(*facts, found("he_controlled_by_medication"))
    assert evaluate(suppressed, "child_pugh", rules()).result.rounded == 6


def days(*facts: Fact, zone: str = "UTC") -> Choice:
    known = replace(rules(), zone=ZoneInfo(zone))
    return choose_days_to_decompensation(record(*facts), known, at=T, name="days")


def number(count: int) -> Interval:
    return Interval.exact(Decimal(count))


@pytest.mark.parametrize("apart", [27, 28, 29])
def test_days_from_jaundice_to_decompensation(apart: int) -> None:
    yellow = found("jaundice", hours=(apart + 5) * DAY)
    wet = found("ascites_finding", hours=5 * DAY)
    choice = days(yellow, wet)
    assert choice.value == number(apart)
    assert choice.facts == (wet, yellow)


@pytest.mark.parametrize("apart", [27, 28, 29])
def test_apasl_from_a_record(apart: int) -> None:
    facts = record(
        found("cirrhosis"),
        found("jaundice", hours=(apart + 1) * DAY),
        measured("bilirubin_total", "6 mg/dL"),
        measured("inr", "1.6 {INR}"),
        graded("he_grade", 0),
        graded("ascites", "moderate", DAY),
    )
    result = evaluate(facts, "apasl_aclf_definition", rules()).result
    assert (result.status, result.value) == ("ok", apart <= 28)


def test_the_first_sign_counts_and_a_grade_is_one() -> None:
    yellow = found("jaundice", hours=20 * DAY)
    facts = [yellow, graded("he_grade", 2, 9 * DAY), found("ascites_finding", hours=5 * DAY)]
    assert days(*facts).value == number(11)
    none = [graded("he_grade", 0, 12 * DAY), graded("ascites", "none", 12 * DAY)]
    assert days(*facts, *none).value == number(11)
    vague = fact(FactKind.GRADE, "ascites", frozenset({"none", "mild"}), 12 * DAY)
    empty = fact(FactKind.GRADE, "ascites", None, 12 * DAY)
    assert days(*facts, vague, empty).value == number(11)
    later = graded("ascites", "severe", -1)
    assert days(*facts, later).value == number(11)
    early = graded("he_grade", 2, 12 * DAY, status=FactStatus.PRELIMINARY)
    undated = fact(FactKind.GRADE, "ascites", "mild", None)
    assert days(*facts, early, undated).value == number(11)
    mild = graded("ascites", "mild", 12 * DAY)
    assert days(*facts, mild).value == number(8)


def test_days_that_cannot_be_told() -> None:
    yellow, wet = found("jaundice", hours=9 * DAY), found("ascites_finding", hours=5 * DAY)
    assert days(wet).why == "no dated jaundice on record"
    assert days(yellow).why == "no dated ascites or encephalopathy on record"
    assert days(found("jaundice", hours=None), wet).reason is Reason.NO_DATA
    assert days(yellow, found("ascites_finding", hours=None)).reason is Reason.NO_DATA
    older = days(found("jaundice", hours=4 * DAY), wet)
    assert (older.value, older.reason) == (None, Reason.DEFINITION_OPEN)
    again = days(found("jaundice", hours=100 * DAY), yellow, wet)
    assert again.value == Interval(Decimal(4), Decimal(95))
    assert again.reason is Reason.COMPARATOR_STRADDLES


def test_days_are_those_of_the_site() -> None:
    facts = found("jaundice", hours=13), found("ascites_finding", hours=1)
    assert days(*facts).value == number(1)
    assert days(*facts, zone="Asia/Tokyo").value == number(0)


def test_points_of_scores_with_findings_and_courses() -> None:
    facts = record(
        measured("bilirubin_total", "300 umol/L", 40),
        measured("inr", "1.6 {INR}", 40),
        measured("mean_arterial_pressure", "80 mm[Hg]", 40),
        found("cirrhosis", hours=30),
        given("milrinone", None, 20),
        measured("prothrombin_time", "20 s", 10),
        measured("creatinine", "2 mg/dL", 5),
        measured("albumin", "3 g/dL", 3),
    )

    def hours(score: str) -> list[float]:
        points = score_points(facts, [score], rules("vasopressor", "milrinone"))[score]
        return [(T - point) / timedelta(hours=1) for point in points]

    assert hours("chinese_aclf_definition") == [40]
    assert hours("clif_sofa") == [40, 20, 5]
    assert hours("child_pugh_pt") == [40, 10, 3]
    assert hours("kdigo_aki_creatinine") == [5]
