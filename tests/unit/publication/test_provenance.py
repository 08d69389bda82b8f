import json
from datetime import UTC, datetime
from typing import Any

import pytest

from aclf_fhir.publication.derived import Derived
from aclf_fhir.publication.provenance import EvaluationReason, gateway_device, provenance
from aclf_fhir.record import SourceVersion

T = datetime(2024, 3, 9, 8, tzinfo=UTC)
K = datetime(2024, 3, 9, 9, tzinfo=UTC)
CONDITION = SourceVersion("Condition", "c", 2, "Condition.code")
BILIRUBIN = SourceVersion("Observation", "b", 1)


def evaluated(**changes: Any) -> Derived:
    given: dict[str, Any] = {
        "site": "north",
        "subject": "p1",
        "evaluation": "e1",
        "targets": [SourceVersion("Observation", "score", 3)],
        "sources": [BILIRUBIN, CONDITION, SourceVersion("Condition", "c", 2)],
        "versions": {"score/meld_optn": "1", "mapping": "7"},
        "software_version": "0.1.0",
        "recorded": datetime(2024, 3, 9, 9, 0, 1, tzinfo=UTC),
        "as_of": T,
        "known_at": K,
    }
    return provenance(**(given | changes))


def test_it_names_what_was_written_from_what_under_which_rules() -> None:
    body = json.loads(evaluated().body)
    assert body["target"] == [{"reference": "Observation/score/_history/3"}]
    assert [entity["what"]["reference"] for entity in body["entity"]] == [
        "Condition/c/_history/2",
        "Observation/b/_history/1",
    ]
    assert body["policy"] == [
        "https://aclf-fhir.example/fhir/rules/mapping|7",
        "https://aclf-fhir.example/fhir/rules/score/meld_optn|1",
    ]
    assert body["agent"][0]["who"]["reference"] == gateway_device("0.1.0").reference
    assert body["recorded"] == "2024-03-09T09:00:01.000Z"
    clocks = body["extension"][0]["extension"]
    assert [part["valueDateTime"] for part in clocks] == [
        "2024-03-09T08:00:00Z",
        "2024-03-09T09:00:00Z",
    ]


def test_the_order_of_sources_does_not_matter() -> None:
    assert evaluated() == evaluated(sources=[CONDITION, BILIRUBIN])


@pytest.mark.parametrize("reason", EvaluationReason)
def test_it_says_why(reason: EvaluationReason) -> None:
    body = json.loads(evaluated(reason=reason).body)
    assert body["reason"][0]["coding"][0]["code"] == reason.value


def test_each_evaluation_has_its_own() -> None:
    assert evaluated().id != evaluated(evaluation="e2").id
    assert evaluated().id != evaluated(subject=None).id


def test_another_software_version_is_another_device() -> None:
    assert gateway_device("0.1.0").id != gateway_device("0.2.0").id
    assert json.loads(gateway_device("0.2.0").body)["version"] == [{"value": "0.2.0"}]
