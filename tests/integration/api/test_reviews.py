"""Later results after a signature: they alter no document, they open a Task."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.integration.api.conftest import CANDIDATE, TRIAL, observation
from tests.integration.api.test_screen_diff import FETOPROTEIN, fetoprotein
from tests.integration.api.test_signing import sign, subject_of

pytestmark = pytest.mark.real_clock


@pytest.fixture
def document(candidate: TestClient) -> dict[str, Any]:
    answer = sign(candidate)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def tasks(client: TestClient) -> list[dict[str, Any]]:
    answer = client.get(f"/fhir/Task?patient={CANDIDATE}")
    assert answer.status_code == 200, answer.text
    return [one["resource"] for one in answer.json().get("entry", ())]


def correct(client: TestClient, value: int) -> None:
    """Correct the alpha-fetoprotein that was signed, in IU/mL (1.21 ng each)."""
    answer = client.put(f"/fhir/Observation/{FETOPROTEIN}", json=fetoprotein(value))
    assert answer.status_code == 200, answer.text


def said(task: dict[str, Any], name: str) -> list[Any]:
    return [
        one["valueCodeableConcept"]["coding"][0]["code"]
        if "valueCodeableConcept" in one
        else one["valueReference"]["reference"]
        for one in task["input"]
        if one["type"]["coding"][0]["code"] == name
    ]


def answer(client: TestClient, task: dict[str, Any], **changes: Any) -> Any:
    version = {"If-Match": f'W/"{task["meta"]["versionId"]}"'}
    return client.put(f"/fhir/Task/{task['id']}", json={**task, **changes}, headers=version)


def test_nothing_is_asked_while_what_was_signed_holds(
    candidate: TestClient, document: dict[str, Any]
) -> None:
    assert document["type"] == "document"
    later = observation("later", at="2024-05-07T06:00:00Z")
    later["subject"] = {"reference": f"Patient/{CANDIDATE}"}
    assert candidate.put("/fhir/Observation/later", json=later).is_success
    correct(candidate, 330)  # 399.3 ng/mL: another value on the same side
    assert tasks(candidate) == []


def test_a_correction_that_flips_a_criterion_opens_a_task(
    candidate: TestClient, document: dict[str, Any]
) -> None:
    subject = subject_of(candidate)
    correct(candidate, 331)  # 400.51 ng/mL
    (task,) = tasks(candidate)
    assert task["status"] == "requested"
    assert said(task, "criterion") == ["X3"]
    assert said(task, "before") == ["not-met"]
    assert said(task, "after") == ["met"]
    assert f"Observation/{FETOPROTEIN}/_history/2" in said(task, "evidence")
    assert task["focus"] == {"reference": f"ResearchSubject/{subject['id']}"}
    assert task["reasonReference"] == {"reference": f"Bundle/{document['id']}"}
    assert task["reasonCode"]["coding"][0]["code"] == "new-data"
    assert candidate.get(f"/fhir/Bundle/{document['id']}").json() == document
    assert subject_of(candidate)["status"] == subject["status"]
    proofs = candidate.get(f"/fhir/Provenance?target=Task/{task['id']}").json()
    assert proofs["total"] == 1
    found = candidate.get(f"/fhir/Task?focus=ResearchSubject/{subject['id']}&status=requested")
    assert found.json()["total"] == 1


def test_a_task_is_a_persons_to_close(candidate: TestClient, document: dict[str, Any]) -> None:
    assert document
    correct(candidate, 331)
    (task,) = tasks(candidate)
    assert candidate.put(f"/fhir/Task/{task['id']}", json=task).status_code == 412
    assert answer(candidate, task, status="failed").status_code == 403
    assert answer(candidate, task, intent="plan").status_code == 403
    assert answer(candidate, task, input=task["input"][:1]).status_code == 403
    assert answer(candidate, task, description="x").status_code == 403
    (task,) = tasks(candidate)
    assert answer(candidate, task, status="in-progress").status_code == 200
    assert answer(candidate, task, status="completed").status_code == 412
    (task,) = tasks(candidate)
    note = [{"text": "Informed the sponsor."}]
    assert answer(candidate, task, status="completed", note=note).status_code == 200
    correct(candidate, 340)  # met as before: nothing new to ask
    (task,) = tasks(candidate)
    assert (task["status"], task["note"]) == ("completed", note)


def test_what_changes_again_is_noted_or_asked_again(
    candidate: TestClient, document: dict[str, Any]
) -> None:
    assert document
    correct(candidate, 331)
    (task,) = tasks(candidate)
    assert answer(candidate, task, status="completed").status_code == 200
    correct(candidate, 10)
    (task,) = tasks(candidate)
    assert (task["status"], said(task, "after")) == ("completed", ["not-met"])
    correct(candidate, 331)
    (task,) = tasks(candidate)
    assert (task["status"], said(task, "after")) == ("requested", ["met"])


def test_a_retraction_and_a_death_are_asked_about(
    candidate: TestClient, document: dict[str, Any]
) -> None:
    assert document
    wrong = {**fetoprotein(10), "status": "entered-in-error"}
    assert candidate.put(f"/fhir/Observation/{FETOPROTEIN}", json=wrong).is_success
    assert [(said(one, "criterion"), said(one, "after")) for one in tasks(candidate)] == [
        (["X3"], ["unknown"])
    ]
    person = candidate.get(f"/fhir/Patient/{CANDIDATE}").json()
    dead = {**person, "deceasedDateTime": "2024-05-06T03:00:00Z"}
    assert candidate.put(f"/fhir/Patient/{CANDIDATE}", json=dead).is_success
    found = {said(one, "criterion")[0]: said(one, "after") for one in tasks(candidate)}
    assert found["verdict"] == ["ineligible"]
    assert set(found) == {"X3", "verdict"}


def test_each_document_is_asked_about(candidate: TestClient, document: dict[str, Any]) -> None:
    later = sign(candidate, asOf={"valueDateTime": "2024-05-06T08:00:00Z"})
    assert later.status_code == 201
    correct(candidate, 331)
    about = {one["reasonReference"]["reference"] for one in tasks(candidate)}
    assert about == {f"Bundle/{document['id']}", f"Bundle/{later.json()['id']}"}


def test_a_task_of_somebody_else_is_theirs(candidate: TestClient) -> None:
    theirs = {"resourceType": "Task", "id": "t", "status": "draft", "intent": "plan"}
    assert candidate.put("/fhir/Task/t", json=theirs).status_code == 201
    assert candidate.put("/fhir/Task/t", json={**theirs, "status": "failed"}).status_code == 200


def test_the_trial_zone_learns_nothing_of_a_task(
    candidate: TestClient, document: dict[str, Any]
) -> None:
    correct(candidate, 331)
    (task,) = tasks(candidate)
    assert candidate.get(f"/trials/{TRIAL}/fhir/Task/{task['id']}").status_code == 404
    for type_ in ("ResearchSubject", "Observation", "Patient"):
        text = candidate.get(f"/trials/{TRIAL}/fhir/{type_}?_count=1000").text
        assert document["id"] not in text
        assert task["id"] not in text
