import json
from typing import Any

import pytest

from aclf_fhir.publication import protocol_code_system, questionnaire, research_study
from aclf_fhir.publication.derived import Derived
from tests.unit.publication.cases import protocol


def read(derived: Derived) -> dict[str, Any]:
    return json.loads(derived.body)


def test_a_study_says_who_asks_what() -> None:
    body = read(research_study(protocol()))
    assert body["id"] == "example-aclf-01"
    assert body["identifier"] == [
        {"system": "https://clinicaltrials.gov", "value": "NCT00000000"},
        {"value": "2020-000000-00"},
    ]
    assert body["sponsor"] == {"display": "An invented hospital"}
    assert body["site"] == [{"display": "An invented ward"}]
    assert body["description"].splitlines() == [
        "Inclusion:",
        "- I1: Adult",
        "Exclusion:",
        "- E1: Too old",
        "Outcomes:",
        "- O1: Dead on day 84",
    ]
    assert body["extension"][0]["extension"][0]["valueString"] == "2.0"


def test_a_study_names_no_arm() -> None:
    body = research_study(protocol()).body
    assert b"Verum" not in body
    assert b'"arm"' not in body


@pytest.mark.parametrize(
    ("registered", "status"),
    [
        ("terminated", "administratively-completed"),
        ("recruiting", "active"),
        ("completed", "completed"),
    ],
)
def test_the_registered_status_is_said_as_r4_says_it(registered: str, status: str) -> None:
    assert read(research_study(protocol(status=registered)))["status"] == status


def test_a_status_the_registry_does_not_know_is_absent() -> None:
    body = read(research_study(protocol(status="unknown", phase="", outcomes=())))
    assert "status" not in body
    assert body["_status"]["extension"][0]["valueCode"] == "unknown"
    assert "phase" not in body
    assert "Outcomes" not in body["description"]


def test_the_code_system_names_every_criterion_and_outcome() -> None:
    body = read(protocol_code_system(protocol()))
    assert [one["code"] for one in body["concept"]] == ["I1", "E1", "O1", "verdict"]
    assert body["count"] == 4
    assert body["name"] == "EXAMPLE_ACLF_01"


def test_the_questionnaire_asks_every_item_in_order() -> None:
    body = read(questionnaire(protocol()))
    assert body["url"].endswith("/Questionnaire/example-aclf-01-attestation")
    assert [(one["linkId"], one["type"]) for one in body["item"]] == [
        ("consent-signed", "choice"),
        ("decompensation-onset-date", "date"),
        ("he-grade", "integer"),
        ("weight-for-dosing", "quantity"),
    ]
    consent, onset, grade, weight = body["item"]
    assert [one["valueCoding"]["code"] for one in consent["answerOption"]] == ["yes", "no"]
    assert onset["definition"].endswith("/CodeSystem/attestations#decompensation-onset-date")
    assert [list(one.values()) for one in grade["extension"]] == [
        ["http://hl7.org/fhir/StructureDefinition/minValue", 0],
        ["http://hl7.org/fhir/StructureDefinition/maxValue", 4],
    ]
    assert weight["extension"][0]["valueDecimal"] == 20
    assert weight["extension"][1]["valueCoding"]["code"] == "kg"


def test_a_phase_has_r4s_code_where_there_is_one() -> None:
    assert read(research_study(protocol()))["phase"]["coding"][0]["code"] == "phase-2"
    assert read(research_study(protocol(phase="pilot")))["phase"] == {"text": "pilot"}
