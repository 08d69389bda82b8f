"""What the gateway makes of what was pushed: read, searched, asked for, protected."""

import json
from base64 import b64decode
from typing import Any

import pytest
from fastapi.testclient import TestClient

from aclf_fhir.codes import local_system
from tests.integration.api.conftest import bundle, laboratory, observation, patient

pytestmark = pytest.mark.real_clock

MELD = f"{local_system('scores')}|meld_optn"


def matches(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    entries = answer.json().get("entry", ())
    return [one["resource"] for one in entries if one["search"]["mode"] == "match"]


def melds(client: TestClient) -> list[dict[str, Any]]:
    return matches(client.get(f"/fhir/Observation?patient=pat-1&code={MELD}"))


def test_a_read_after_the_acknowledgement_sees_the_score(meld: TestClient) -> None:
    (score,) = melds(meld)
    assert score["valueQuantity"]["value"] == 25
    assert score["effectiveDateTime"] == "2024-11-20T00:00:00Z"
    assert {one["reference"] for one in score["derivedFrom"]} == {
        "Observation/lab-bili/_history/1",
        "Observation/lab-inr/_history/1",
        "Observation/lab-crea/_history/1",
    }
    read = meld.get(f"/fhir/Observation/{score['id']}")
    assert read.json() == score
    provenance = matches(meld.get(f"/fhir/Provenance?target=Observation/{score['id']}"))
    assert provenance


def test_the_same_push_again_changes_nothing(meld: TestClient) -> None:
    before = [meld.get(f"/fhir/{type_}?_count=1000").json() for type_ in ("Observation",)]
    again = meld.post("/fhir", json=bundle("batch", patient(), *laboratory()))
    assert {one["response"]["status"][:3] for one in again.json()["entry"]} == {"200"}
    after = [meld.get(f"/fhir/{type_}?_count=1000").json() for type_ in ("Observation",)]
    assert after == before


def test_units_do_not_change_a_score(meld: TestClient) -> None:
    meld.put(
        "/fhir/Observation/lab-bili",
        json=observation("lab-bili", "14631-6", 71.82, "umol/L"),
    )
    (score,) = melds(meld)
    assert score["valueQuantity"]["value"] == 25


def test_what_was_entered_in_error_is_taken_back(meld: TestClient) -> None:
    assert melds(meld)
    meld.put(
        "/fhir/Observation/lab-inr",
        json=observation("lab-inr", "6301-6", 1.8, "{INR}", status="entered-in-error"),
    )
    assert all(
        score["status"] == "entered-in-error" or "valueQuantity" not in score
        for score in melds(meld)
    )


def test_a_client_cannot_write_a_score(meld: TestClient) -> None:
    (score,) = melds(meld)
    score["valueQuantity"]["value"] = 6
    answer = meld.put(f"/fhir/Observation/{score['id']}", json=score)
    assert answer.status_code == 403
    assert answer.json()["issue"][0]["code"] == "forbidden"
    assert melds(meld)[0]["valueQuantity"]["value"] == 25


def test_a_derived_resource_that_comes_back_is_not_needed(meld: TestClient) -> None:
    (score,) = melds(meld)
    answer = meld.post(
        "/fhir/Observation", json=score, headers={"Prefer": "return=OperationOutcome"}
    )
    assert answer.status_code == 201
    assert "not needed" in answer.text.lower()


def test_scores_can_be_asked_for_any_pair_of_clocks(meld: TestClient) -> None:
    def score(query: str) -> dict[str, Any]:
        answer = meld.get(f"/fhir/Patient/pat-1/$score?score=meld_optn&{query}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["entry"][0]["resource"]
        return found

    assert score("asOf=last")["valueQuantity"]["value"] == 25
    assert score("asOf=2024-11-20T09:00:00%2B08:00")["valueQuantity"]["value"] == 25
    assert "valueQuantity" not in score("asOf=2024-11-19")
    assert "valueQuantity" not in score("asOf=last&knownAt=2026-01-01")


def test_parameters_may_come_in_a_resource(meld: TestClient) -> None:
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "score", "valueCode": "meld_optn"},
            {"name": "asOf", "valueDateTime": "2024-11-20T09:00:00+08:00"},
        ],
    }
    answer = meld.post("/fhir/Patient/pat-1/$score", json=body)
    assert answer.json()["entry"][0]["resource"]["valueQuantity"]["value"] == 25


def test_a_bundle_is_scored_and_screened_without_being_stored(client: TestClient) -> None:
    body = bundle("collection", patient(), *laboratory())
    for entry in body["entry"]:
        del entry["request"]
    answer = client.post("/fhir/$score?score=meld_optn&asOf=last", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["entry"][0]["resource"]["valueQuantity"]["value"] == 25
    screened = client.post("/fhir/$screen?asOf=last", json=body)
    assert screened.status_code == 200
    kinds = {entry["resource"]["resourceType"] for entry in screened.json()["entry"]}
    assert "Observation" in kinds
    wrapped = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "resource", "resource": body},
            {"name": "asOf", "valueString": "last"},
            {"name": "score", "valueCode": "meld_optn"},
        ],
    }
    assert client.post("/fhir/$score", json=wrapped).json() == answer.json()
    assert client.get("/fhir/Patient/pat-1").status_code == 404
    assert client.get("/fhir/Observation?_count=0").json()["total"] == 0


def test_every_trial_is_screened_unless_one_is_named(meld: TestClient) -> None:
    trials = [study["id"] for study in matches(meld.get("/fhir/ResearchStudy"))]
    assert {"nct03668171", "nct02857010"} <= set(trials)
    every = meld.get("/fhir/Patient/pat-1/$screen?asOf=last")
    one = meld.get("/fhir/Patient/pat-1/$screen?asOf=last&trial=nct03668171")
    assert every.status_code == one.status_code == 200
    assert len(every.json()["entry"]) > len(one.json()["entry"]) > 1


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/fhir/Patient/nobody/$score", 404),
        ("/fhir/Patient/nobody/$screen", 404),
        ("/fhir/Patient/pat-1/$score?score=none", 404),
        ("/fhir/Patient/pat-1/$screen?trial=none", 404),
        ("/fhir/Patient/pat-1/$score?asOf=soon", 400),
        ("/fhir/Patient/pat-1/$score?trial=x", 400),
        ("/fhir/Patient/pat-1/$score?asOf=last&asOf=now", 400),
        ("/fhir/$held?reason=none", 422),
        ("/fhir/$intake", 400),
        ("/fhir/$intake?push=none", 404),
    ],
)
def test_operations_say_what_is_wrong_with_their_parameters(
    meld: TestClient, path: str, status: int
) -> None:
    answer = meld.get(path)
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"


def parameters(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return {
        one["name"]: next((value for key, value in one.items() if key.startswith("value")), None)
        for one in answer.json()["parameter"]
        if "part" not in one
    }


def test_a_push_is_accounted_for_to_the_last_entry(client: TestClient) -> None:
    bad = observation("bad")
    del bad["status"]
    strange = observation("strange", subject={"reference": "Patient/unknown"})
    basic = {"resourceType": "Basic", "id": "b", "code": {"text": "x"}}
    body = bundle("batch", patient(), *laboratory(), bad, strange, basic)
    answer = client.post("/fhir", json=body, headers={"X-Push-Id": "push-7"})
    assert answer.headers["x-push-id"] == "push-7"
    sums = parameters(client.get("/fhir/$intake?push=push-7"))
    assert sums["total"] == len(body["entry"]) == 7
    assert sums["stored"] + sums["duplicate"] + sums["refused"] == 7
    assert sums["refused"] == 1
    assert sums["mapped"] + sums["not-needed"] + sums["held"] == 6
    assert sums["held"] == 1
    client.put("/fhir/Observation/other", json=observation("other", valueQuantity={"value": 3}))
    answer = client.get("/fhir/$intake?push=push-7").json()["parameter"]
    held = [one["part"] for one in answer if one["name"] == "holding"]
    assert [part[0]["valueCode"] for part in held] == ["unknown-patient"]  # of this push alone
    assert held[0][-1] == {"name": "count", "valueInteger": 1}


def test_a_request_without_a_push_name_is_a_push_of_its_own(client: TestClient) -> None:
    answer = client.put("/fhir/Patient/pat-1", json=patient())
    name = answer.headers["x-request-id"]
    assert parameters(client.get(f"/fhir/$intake?push={name}"))["total"] == 1


def test_what_is_held_stands_on_the_work_list_until_it_is_solved(client: TestClient) -> None:
    client.put("/fhir/Observation/lab-bili", json=laboratory()[0])
    listed = client.get("/fhir/$held").json()
    text = json.dumps(listed)
    assert "unknown-patient" in text
    assert "Observation/lab-bili/_history/1" in text
    nothing = {
        "resourceType": "Parameters",
        "parameter": [{"name": "total", "valueInteger": 0}],
    }
    assert client.get("/fhir/$held?reason=unit-missing").json() == nothing
    client.put("/fhir/Patient/pat-1", json=patient())
    assert client.get("/fhir/$held").json() == nothing


def test_a_long_work_list_is_cut_but_counted_whole(client: TestClient) -> None:
    lost = [observation(f"o{number}") for number in range(3)]
    client.post("/fhir", json=bundle("batch", *lost))

    def names(query: str) -> list[str]:
        listed = client.get(f"/fhir/$held{query}").json()["parameter"]
        assert listed[0] == {"name": "total", "valueInteger": 3}
        return [one["name"] for one in listed[1:]]

    assert names("") == ["group", "item", "item", "item"]
    assert names("?_count=1") == ["group", "item"]
    assert names("?_count=0") == ["group"]


@pytest.mark.parametrize("text", ["-1", "x", "1.5", ""])
def test_a_count_of_the_work_list_that_is_none_is_refused(client: TestClient, text: str) -> None:
    answer = client.get(f"/fhir/$held?_count={text}")
    assert answer.status_code == 400
    assert "http._count" in answer.json()["issue"][0]["diagnostics"]


@pytest.mark.parametrize(
    "body",
    [
        '{"resourceType": "Bundle"',
        '{"resourceType":"Bundle","type":"collection"}',
        json.dumps(bundle("batch", *(patient(f"p{number}") for number in range(51)))),
        " " * 200_001,
    ],
)
def test_a_push_that_is_refused_whole_has_an_account(client: TestClient, body: str) -> None:
    headers = {"Content-Type": "application/fhir+json", "X-Push-Id": "whole"}
    assert client.post("/fhir", content=body, headers=headers).status_code >= 400
    sums = parameters(client.get("/fhir/$intake?push=whole"))
    assert (sums["total"], sums["unread"]) == (0, 1)  # nobody knows what was in it


def test_a_person_moves_a_subject_with_if_match_only(meld: TestClient) -> None:
    subjects = matches(meld.get("/fhir/ResearchSubject?patient=pat-1"))
    if not subjects:
        pytest.skip("both trials find this patient ineligible")
    subject = subjects[0]
    assert subject["status"] == "potential-candidate"
    path = f"/fhir/ResearchSubject/{subject['id']}"
    moved = {
        **subject,
        "status": "on-study",
        "period": {"start": "2024-11-20T10:00:00+08:00"},
    }
    assert meld.put(path, json=moved).status_code == 412
    version = {"If-Match": f'W/"{subject["meta"]["versionId"]}"'}
    changed = {**moved, "extension": []}
    del changed["extension"]
    assert meld.put(path, json=changed, headers=version).status_code == 403
    answer = meld.put(path, json=moved, headers=version)
    assert answer.status_code == 200, answer.text
    again = matches(meld.get(f"/fhir/ResearchSubject?_id={subject['id']}"))[0]
    assert again["status"] == "on-study"


def test_scores_over_time_are_a_picture_without_the_name(client: TestClient) -> None:
    named = patient(name=[{"family": "Okonkwo", "given": ["Adaeze"]}])
    assert client.post("/fhir", json=bundle("batch", named, *laboratory())).status_code == 200
    # Evaluated now, for the picture names the known time, which an evaluation moves.
    assert client.get("/fhir/Observation?patient=pat-1&category=score").status_code == 200
    address = "/fhir/Patient/pat-1/$score-timeline?asOf=last"
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "MELD, OPTN form" in answer.text
    for secret in ("Okonkwo", "Adaeze", "1971"):
        assert secret not in answer.text
    browser = client.get(address, headers={"Accept": "text/html,image/svg+xml,*/*;q=0.8"})
    assert browser.content == answer.content
    resource = client.get(address, headers={"Accept": "application/fhir+json"})
    assert resource.headers["content-type"].startswith("application/fhir+json")
    assert resource.json()["resourceType"] == "Binary"
    assert resource.json()["contentType"] == "image/svg+xml"
    assert b64decode(resource.json()["data"]) == answer.content
    assert client.get(f"{address}&_format=json").json() == resource.json()
    one = client.get(f"{address}&score=child_pugh&_format=image/svg%2Bxml")
    assert "Child-Pugh" in one.text
    assert "MELD" not in one.text


@pytest.mark.parametrize(
    ("path", "accept", "status"),
    [
        ("/fhir/Patient/nobody/$score-timeline", "*/*", 404),
        ("/fhir/Patient/pat-1/$score-timeline?score=none", "*/*", 404),
        ("/fhir/Patient/pat-1/$score-timeline?trial=x", "*/*", 400),
        ("/fhir/Patient/pat-1/$score-timeline", "image/png", 406),
        ("/fhir/Patient/pat-1/$score-timeline?_format=xml", "*/*", 406),
    ],
)
def test_a_picture_that_cannot_be_drawn(
    meld: TestClient, path: str, accept: str, status: int
) -> None:
    answer = meld.get(path, headers={"Accept": accept})
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_the_statement_offers_the_picture(client: TestClient) -> None:
    rest = client.get("/fhir/metadata").json()["rest"][0]
    (one,) = (each for each in rest["resource"] if each["type"] == "Patient")
    assert {"score", "score-timeline", "screen"} <= {each["name"] for each in one["operation"]}
