"""Create, update, read: statuses, headers, preferences (R4 http.html)."""

import json
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.integration.api.conftest import bundle, expressions, observation, patient

pytestmark = pytest.mark.real_clock


def test_a_create_answers_201_with_location_version_and_representation(client: TestClient) -> None:
    client.put("/fhir/Patient/pat-1", json=patient())
    answer = client.post("/fhir/Observation", json=observation(None))
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/fhir+json"
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.headers["last-modified"].endswith(" GMT")
    body = answer.json()
    location = answer.headers["location"]
    assert location == f"http://127.0.0.1/fhir/Observation/{body['id']}/_history/1"
    assert body["meta"]["versionId"] == "1"
    assert client.get(location).json() == body


def test_a_create_of_a_known_unique_identifier_names_what_is_known(client: TestClient) -> None:
    client.put("/fhir/Patient/pat-1", json=patient())
    own = next(iter(client.app.state.gateway.site_map.unique_identifiers))
    sent = observation(None, identifier=[{"system": own, "value": "A-1"}])
    first = client.post("/fhir/Observation", json=sent)
    again = client.post("/fhir/Observation", json=sent)
    assert again.status_code == 200
    assert again.headers["location"] == first.headers["location"]


def test_a_create_ignores_the_id_in_the_body(client: TestClient) -> None:
    client.put("/fhir/Patient/pat-1", json=patient())
    first = client.post("/fhir/Observation", json=observation("mine"))
    assert first.status_code == 201
    assert first.json()["id"] != "mine"


def test_an_update_creates_under_the_senders_id_then_makes_versions(client: TestClient) -> None:
    created = client.put("/fhir/Patient/pat-1", json=patient())
    assert created.status_code == 201
    assert created.headers["location"].endswith("/fhir/Patient/pat-1/_history/1")
    changed = client.put("/fhir/Patient/pat-1", json=patient(gender="male"))
    assert changed.status_code == 200
    assert changed.headers["etag"] == 'W/"2"'
    assert "location" not in changed.headers
    assert client.get("/fhir/Patient/pat-1").json()["gender"] == "male"
    assert client.get("/fhir/Patient/pat-1/_history/1").json()["gender"] == "female"


def test_an_update_with_the_same_content_makes_no_version(client: TestClient) -> None:
    client.put("/fhir/Patient/pat-1", json=patient())
    again = client.put("/fhir/Patient/pat-1", json=patient())
    assert again.status_code == 200
    assert again.headers["etag"] == 'W/"1"'


def test_the_bytes_come_back_as_they_were_sent(client: TestClient) -> None:
    client.put("/fhir/Patient/pat-1", json=patient())
    body = json.dumps(observation(), indent=3).replace('"value": 4.2', '"value": 4.20')
    client.put(
        "/fhir/Observation/obs-1",
        content=body,
        headers={"content-type": "application/fhir+json"},
    )
    answer = client.get("/fhir/Observation/obs-1")
    assert '"value": 4.20' in answer.text
    spliced = re.sub(r'"meta":\{[^}]*\},', "", answer.text)
    assert spliced.replace(" ", "").replace("\n", "") == body.replace(" ", "").replace("\n", "")


@pytest.mark.parametrize(
    ("wish", "kind"),
    [
        ("return=minimal", None),
        ("return=representation", "Patient"),
        ("return=OperationOutcome", "OperationOutcome"),
        ("respond-async; wait=10", "Patient"),
    ],
)
def test_a_client_chooses_what_an_answer_holds(
    client: TestClient, wish: str, kind: str | None
) -> None:
    answer = client.put("/fhir/Patient/pat-1", json=patient(), headers={"Prefer": wish})
    assert answer.status_code == 201
    assert answer.headers["etag"] == 'W/"1"'
    assert (answer.json()["resourceType"] if answer.content else None) == kind


def test_a_held_create_answers_201_and_says_that_it_is_held(client: TestClient) -> None:
    unitless = observation(None)
    del unitless["valueQuantity"]["unit"]
    del unitless["valueQuantity"]["code"]
    del unitless["valueQuantity"]["system"]
    client.put("/fhir/Patient/pat-1", json=patient())
    answer = client.post("/fhir/Observation", json=unitless)
    assert answer.status_code == 201
    assert answer.headers["location"]
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert {issue["severity"] for issue in outcome["issue"]} == {"warning"}
    assert "unit-missing" in outcome["issue"][0]["diagnostics"]
    assert client.get(answer.headers["location"]).json()["resourceType"] == "Observation"


def test_a_client_that_insists_gets_the_representation_of_a_held_create(
    client: TestClient,
) -> None:
    answer = client.post(
        "/fhir/Observation", json=observation(None), headers={"Prefer": "return=representation"}
    )
    assert answer.status_code == 201
    assert answer.json()["resourceType"] == "Observation"


def test_if_match_lets_only_the_current_version_be_updated(client: TestClient) -> None:
    client.put("/fhir/Patient/pat-1", json=patient())
    stale = client.put(
        "/fhir/Patient/pat-1", json=patient(gender="male"), headers={"If-Match": 'W/"7"'}
    )
    assert stale.status_code == 412
    assert stale.json()["issue"][0]["code"] == "conflict"
    good = client.put(
        "/fhir/Patient/pat-1", json=patient(gender="male"), headers={"If-Match": 'W/"1"'}
    )
    assert good.status_code == 200
    assert good.headers["etag"] == 'W/"2"'


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/fhir/Patient/nobody", 404),
        ("/fhir/Patient/pat-1/_history/2", 404),
        ("/fhir/Patient/pat-1/_history/x", 404),
        ("/fhir/Patent/pat-1", 404),
        ("/fhir/Patient/pat-1/$nothing", 404),
        ("/nothing", 404),
    ],
)
def test_what_is_not_there_is_an_outcome(client: TestClient, path: str, status: int) -> None:
    client.put("/fhir/Patient/pat-1", json=patient())
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.json()["issue"][0]["code"] == "not-found"


def test_each_entry_of_a_batch_is_told_how_it_ended_in_order(client: TestClient) -> None:
    bad = observation("bad")
    del bad["status"]
    body = bundle("batch", observation("held", subject={"reference": "Patient/x"}), bad, patient())
    answer = client.post("/fhir", json=body)
    assert answer.status_code == 200
    result = answer.json()
    assert result["type"] == "batch-response"
    responses = [entry["response"] for entry in result["entry"]]
    assert [one["status"][:3] for one in responses] == ["201", "422", "201"]
    assert responses[0]["location"] == "Observation/held/_history/1"
    assert responses[0]["etag"] == 'W/"1"'
    assert responses[0]["outcome"]["issue"][0]["severity"] == "warning"
    assert "Bundle.entry[1].resource.status" in expressions(responses[1]["outcome"])
    assert "outcome" not in responses[2]
    assert client.get("/fhir/Observation/bad").status_code == 404


def test_a_transaction_resolves_what_its_entries_point_at(client: TestClient) -> None:
    urn = "urn:uuid:0b1f7c3e-8f6b-4b5f-9d4c-1f0e6a7b8c9d"
    who = patient()
    del who["id"]
    body = bundle("transaction", observation(None, subject={"reference": urn}), who)
    body["entry"][1]["fullUrl"] = urn
    answer = client.post("/fhir", json=body)
    assert answer.status_code == 200, answer.text
    result = answer.json()
    assert result["type"] == "transaction-response"
    result_location, patient_location = (entry["response"]["location"] for entry in result["entry"])
    stored = client.get(f"/fhir/{result_location}").json()
    assert stored["subject"]["reference"] == patient_location.partition("/_history")[0]


def test_entries_are_returned_whole_on_request(client: TestClient) -> None:
    answer = client.post(
        "/fhir", json=bundle("batch", patient()), headers={"Prefer": "return=representation"}
    )
    assert answer.json()["entry"][0]["resource"]["id"] == "pat-1"


def test_an_empty_bundle_is_answered_by_an_empty_bundle(client: TestClient) -> None:
    answer = client.post("/fhir", json={"resourceType": "Bundle", "type": "batch"})
    assert answer.status_code == 200
    assert answer.json() == {"resourceType": "Bundle", "type": "batch-response"}


def test_the_base_is_known_with_and_without_a_slash(client: TestClient) -> None:
    body: Any = {"resourceType": "Bundle", "type": "batch"}
    assert client.post("/fhir/", json=body).status_code == 200
