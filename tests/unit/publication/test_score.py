import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from aclf_fhir.evaluation import Choice, Reason, ScoreEvaluation
from aclf_fhir.publication.score import score_observation, score_observations
from aclf_fhir.record import Fact, FactKind, SourceVersion
from aclf_fhir.scores import SCORES
from aclf_fhir.units import Interval, TimeRange
from tests.unit.publication.cases import (
    SUBJECT,
    K,
    T,
    chosen,
    evaluated,
    exact,
    inputs,
    measured,
    meld,
)


def published(evaluation: ScoreEvaluation, **options: Any) -> dict[str, Any]:
    return json.loads(
        score_observation(evaluation, site="north", subject=SUBJECT, **options).body,
        parse_float=Decimal,
    )


def component(body: dict[str, Any], code: str) -> dict[str, Any]:
    (found,) = components(body, code)
    return found


def components(body: dict[str, Any], code: str) -> list[dict[str, Any]]:
    return [one for one in body["component"] if one["code"]["coding"][0]["code"] == code]


def parts(extension: dict[str, Any]) -> dict[str, Any]:
    return {
        part["url"]: part["extension"] if "extension" in part else part[list(part)[1]]
        for part in extension["extension"]
    }


def test_the_main_value_is_rounded_and_a_component_is_not() -> None:
    body = published(meld())
    assert body["valueQuantity"]["value"] == 29
    assert component(body, "unrounded")["valueQuantity"]["value"] == Decimal("28.5487")
    assert component(body, "unrounded")["valueQuantity"]["unit"] == "{score}"


def test_it_says_which_score_by_which_version_for_whom_and_when() -> None:
    body = published(meld())
    assert [coding["code"] for coding in body["code"]["coding"]] == ["44760-7", "meld_optn"]
    assert body["method"]["coding"][0]["code"] == "meld_optn-1"
    assert body["method"]["extension"][0]["valueCode"] == "V2"
    assert body["subject"] == {"reference": f"Patient/{SUBJECT}"}
    assert body["effectiveDateTime"] == "2024-03-09T08:00:00Z"
    assert body["status"] == "final"
    assert "issued" not in body


@pytest.mark.parametrize(
    ("score", "loinc"),
    [
        ("meld_optn", "44760-7"),
        ("meld_na_optn2016", "100348-2"),
        ("child_pugh", "98152-2"),
        ("meld_3_0", None),
        ("easl_clif_aclf_grade", None),
    ],
)
def test_only_verified_loinc_codes_are_used(score: str, loinc: str | None) -> None:
    body = published(evaluated(score, values=inputs(score)))
    found = [one["code"] for one in body["code"]["coding"] if one["system"] == "http://loinc.org"]
    assert found == ([loinc] if loinc else [])


def test_it_is_derived_from_versions_of_what_r4_lets_it_point_at() -> None:
    derived = score_observation(meld(), site="north", subject=SUBJECT)
    assert [one["reference"] for one in json.loads(derived.body)["derivedFrom"]] == [
        "Observation/bilirubin-total-0/_history/1",
        "Observation/creatinine-2/_history/1",
    ]
    assert [source.reference for source in derived.sources] == [
        "DiagnosticReport/inr-0/_history/1",
        "Observation/bilirubin-total-0/_history/1",
        "Observation/creatinine-2/_history/1",
    ]


def test_each_input_shows_its_choice() -> None:
    bilirubin = component(published(meld()), "input.bilirubin")
    assert bilirubin["valueQuantity"]["value"] == Decimal("12.0")
    assert parts(bilirubin["extension"][0]) == {
        "why": "newest within the age limit",
        "source": [
            {
                "url": "resource",
                "valueReference": {"reference": "Observation/bilirubin-total-0/_history/1"},
            },
            {"url": "effective", "valueDateTime": "2024-03-09T08:00:00Z"},
            {"url": "sent", "valueString": "12.0 mg/dL"},
        ],
        "passedOver": [
            {
                "url": "resource",
                "valueReference": {"reference": "Observation/bilirubin-total-30/_history/2"},
            },
            {"url": "effective", "valueDateTime": "2024-03-08T02:00:00Z"},
            {"url": "sent", "valueString": "205.2 umol/L"},
            {"url": "reason", "valueString": "stale"},
        ],
    }


def test_an_input_may_be_a_code_a_choice_of_codes_or_missing() -> None:
    one = Choice(input="ascites", concept="ascites", value=frozenset({"mild"}))
    two = Choice(input="ascites", concept="ascites", value=frozenset({"mild", "none"}))
    none = Choice(
        input="ascites", concept="ascites", why="no-data", reason=Reason.NO_DATA, flags=frozenset()
    )
    shown = [
        component(published(evaluated("child_pugh", [choice])), "input.ascites")
        for choice in (one, two, none)
    ]
    assert shown[0]["valueCodeableConcept"]["coding"][0]["code"] == "mild"
    assert shown[1]["dataAbsentReason"]["text"] == "one of: mild, none"
    assert shown[2]["dataAbsentReason"]["text"] == "no-data"
    assert "extension" not in shown[0]


def test_a_fact_without_a_time_or_a_sent_value_shows_its_version() -> None:
    fact = Fact(
        subject=SUBJECT,
        kind=FactKind.DEMOGRAPHIC,
        concept="birth_date",
        value=TimeRange.exact(T),
        known=K,
        source=SourceVersion("Patient", SUBJECT, 1),
    )
    choice = Choice(
        input="age", concept="birth_date", fact=fact, value=exact("60"), flags=frozenset({"x"})
    )
    body = published(evaluated("clif_c_aclf", [choice]))
    shown = component(body, "input.age")["extension"][0]["extension"]
    assert [one["url"] for one in shown] == ["source", "flag"]
    assert [one["url"] for one in shown[0]["extension"]] == ["resource"]
    assert "derivedFrom" not in body


def test_a_score_that_cannot_be_computed_names_what_is_missing() -> None:
    body = published(evaluated("meld_optn", [chosen(measured("inr", "1.8", "{INR}"), "inr")]))
    why = body["dataAbsentReason"]
    assert why["coding"][0]["code"] == "unknown"
    assert why["text"] == "Not computable; missing: creatinine, bilirubin"
    assert [one["valueCode"] for one in why["extension"]] == ["creatinine", "bilirubin"]
    assert "valueQuantity" not in body
    assert components(body, "unrounded") == []
    assert component(body, "bounds")["valueRange"]["low"]["value"] > 0


def test_an_unusable_input_is_an_error() -> None:
    body = published(evaluated("meld_optn", values={"bilirubin": exact("-1")}))
    codes = [coding["code"] for coding in body["dataAbsentReason"]["coding"]]
    assert codes == ["error", "non_positive_input"]
    assert component(body, "detail.field")["valueString"] == "bilirubin"


def test_a_score_not_meant_for_the_subject_says_so() -> None:
    evaluation = evaluated("clif_c_aclf", values=inputs("clif_c_aclf"))
    beside = evaluation.result._replace(reason="not_applicable")
    body = published(replace(evaluation, result=beside))
    assert "valueQuantity" in body
    reason = component(body, "reason")["valueCodeableConcept"]["coding"][0]["code"]
    assert reason == "not_applicable"
    instead = beside._replace(status="error", value=None, rounded=None)
    body = published(replace(evaluation, result=instead))
    codes = [coding["code"] for coding in body["dataAbsentReason"]["coding"]]
    assert codes == ["not-applicable", "not_applicable"]


def test_a_grade_is_a_coded_value() -> None:
    body = published(evaluated("easl_clif_aclf_grade", values=inputs("easl_clif_aclf_grade")))
    grade = body["valueCodeableConcept"]
    assert grade["coding"][0]["code"] == f"easl_clif_aclf_grade.{grade['text']}"
    assert body["interpretation"] == [grade]
    assert component(body, "detail.aclf_present")["valueBoolean"] in (True, False)
    assert components(body, "possible") == []


def test_possible_grades_are_listed_when_several_are() -> None:
    body = published(evaluated("easl_clif_aclf_grade"))
    texts = [one["valueCodeableConcept"]["text"] for one in components(body, "possible")]
    assert texts == ["none", "1a", "1b", "2", "3a", "3b"]


def test_points_are_shown_per_part_and_absent_where_several_are_possible() -> None:
    body = published(evaluated("child_pugh", values={"albumin": exact("2.7")}))
    assert component(body, "points.albumin")["valueQuantity"]["value"] == 3
    assert "dataAbsentReason" in component(body, "points.bilirubin")


def test_a_truth_is_a_boolean() -> None:
    evaluation = evaluated("meld_optn", values=inputs("meld_optn"))
    truth = evaluation.result._replace(value=True, rounded=None)
    body = published(replace(evaluation, result=truth))
    assert body["valueBoolean"] is True


def test_a_number_that_is_never_rounded_is_shown_to_four_decimals() -> None:
    evaluation = evaluated("meld_optn", values=inputs("meld_optn"))
    number = evaluation.result._replace(value=Decimal("1.23456"), rounded=None)
    body = published(replace(evaluation, result=number))
    assert body["valueQuantity"]["value"] == Decimal("1.2346")


def test_flags_are_components() -> None:
    body = published(evaluated("meld_lactate", values=inputs("meld_lactate")))
    flags = [one["valueCodeableConcept"]["coding"][0]["code"] for one in components(body, "flag")]
    assert "formula_unverified" in flags
    assert body["method"]["extension"][0]["valueCode"] == "M"


def test_details_keep_their_type() -> None:
    evaluation = evaluated("meld_optn", values=inputs("meld_optn"))
    details = {
        "a": {"b": Decimal("0.12345"), "c": Interval(Decimal(0), Decimal(1))},
        "d": 3,
        "e": True,
        "f": "text",
        "g": ("x", "y"),
        "h": (),
        "i": None,
    }
    body = published(replace(evaluation, result=evaluation.result._replace(details=details)))
    shown = {
        one["code"]["coding"][0]["code"]: list(one.values())[1]
        for one in body["component"]
        if one["code"]["coding"][0]["code"].startswith("detail.")
    }
    assert shown == {
        "detail.a.b": {"value": Decimal("0.1235")},
        "detail.a.c": {"low": {"value": 0}, "high": {"value": 1}},
        "detail.d": 3,
        "detail.e": True,
        "detail.f": "text",
        "detail.g": "x, y",
        "detail.h": "none",
    }
    odd = evaluation.result._replace(details={"a": 1.5})
    with pytest.raises(TypeError, match="float"):
        published(replace(evaluation, result=odd))


def test_subject_score_and_instant_are_the_identity() -> None:
    one = meld()
    same = replace(one, result=one.result._replace(flags=("x",)))
    later = replace(one, at=T + timedelta(microseconds=1))

    def identity(evaluation: ScoreEvaluation, site: str = "north", subject: str = SUBJECT) -> str:
        return score_observation(evaluation, site=site, subject=subject).id

    assert identity(one) == identity(same)
    others = {
        identity(later),
        identity(evaluated("ukeld")),
        identity(one, "south"),
        identity(one, "north", "p2"),
    }
    assert len(others | {identity(one)}) == 5


def test_the_same_evaluation_gives_the_same_bytes() -> None:
    again = [score_observation(meld(), site="north", subject=SUBJECT) for _ in range(2)]
    assert again[0] == again[1]


def test_reference_and_status_are_the_callers() -> None:
    body = published(meld(), subject_reference="Patient/x", status="amended")
    assert body["subject"]["reference"] == "Patient/x"
    assert body["status"] == "amended"


def test_the_span_of_the_inputs_is_shown_where_there_is_one() -> None:
    assert component(published(meld()), "span")["valueQuantity"]["value"] == 120
    assert components(published(replace(meld(), span=None)), "span") == []


def test_child_pugh_is_the_member_of_its_panel() -> None:
    evaluation = evaluated("child_pugh", values=inputs("child_pugh"))
    total, panel = score_observations(evaluation, site="north", subject=SUBJECT)
    body = json.loads(panel.body)
    assert [coding["code"] for coding in body["code"]["coding"]] == [
        "98153-0",
        "child_pugh-panel",
    ]
    assert body["hasMember"] == [{"reference": total.reference}]
    assert not any(name.startswith("value") for name in body)
    assert panel.id != total.id
    assert panel.subject == SUBJECT


@pytest.mark.parametrize("score", sorted(SCORES))
def test_only_child_pugh_has_a_panel(score: str) -> None:
    made = score_observations(evaluated(score), site="north", subject=SUBJECT)
    assert len(made) == (2 if score == "child_pugh" else 1)
