"""`$screen-diff`: what was learnt after, or what time did, between two verdicts."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.conftest import ROOT
from tests.integration.api.conftest import CANDIDATE, TRIAL, patient

pytestmark = pytest.mark.real_clock

DIFF = f"/fhir/Patient/{CANDIDATE}/$screen-diff"
FETOPROTEIN = f"{CANDIDATE}-afp-iu-2405060600"


def compared(client: TestClient, query: str = "") -> dict[str, Any]:
    answer = client.get(f"{DIFF}?trial={TRIAL}{query}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["resourceType"] == "Parameters"
    (only,) = answer.json()["parameter"]
    return read(only)


def read(parameter: dict[str, Any]) -> dict[str, Any]:
    """Read parts by name; those that repeat as a list."""
    found: dict[str, Any] = {"criterion": [], "evidence": []}
    for one in parameter["part"]:
        value = read(one) if "part" in one else next(v for k, v in one.items() if k != "name")
        if one["name"] in {"criterion", "evidence"}:
            found[one["name"]].append(value)
        else:
            found[one["name"]] = value
    return found


def fetoprotein(value: int) -> dict[str, Any]:
    """Return the candidate's alpha-fetoprotein corrected to a value, in the unit it had."""
    lines = (ROOT / "examples/invented/l-eligible/screening.ndjson").read_text().splitlines()
    (sent,) = (one for one in map(json.loads, lines) if one["id"] == FETOPROTEIN)
    quantity = {**sent["valueQuantity"], "value": value}
    corrected: dict[str, Any] = {**sent, "status": "corrected", "valueQuantity": quantity}
    return corrected


def known_now(client: TestClient) -> str:
    """Return an instant at which everything pushed so far was known."""
    answer = client.put("/fhir/Patient/somebody-else", json=patient("somebody-else"))
    updated: str = answer.json()["meta"]["lastUpdated"]
    return updated


def test_nothing_differs_from_itself(candidate: TestClient) -> None:
    found = compared(candidate)
    assert found["before"] == {**found["after"], "knownAt": found["before"]["knownAt"]}
    assert found["before"]["verdict"] == "eligible"
    assert found["criterion"] == []
    assert found["unchanged"] == 22


def test_a_later_correction_shows_before_and_after(candidate: TestClient) -> None:
    known = known_now(candidate)
    assert candidate.put(f"/fhir/Observation/{FETOPROTEIN}", json=fetoprotein(400)).is_success
    found = compared(candidate, f"&knownAt={known}")
    assert found["before"]["verdict"] == "eligible"
    assert found["after"]["verdict"] == "ineligible"
    assert found["before"]["asOf"] == found["after"]["asOf"]
    (criterion,) = found["criterion"]
    assert criterion["id"] == "X3"
    assert criterion["before"]["outcome"] == "not-met"
    assert criterion["after"]["outcome"] == "met"
    changed = [one for one in criterion["evidence"] if one["change"] == "changed"]
    assert [(one["before"]["resource"], one["after"]["resource"]) for one in changed] == [
        (
            {"reference": f"Observation/{FETOPROTEIN}/_history/1"},
            {"reference": f"Observation/{FETOPROTEIN}/_history/2"},
        )
    ]
    turned = compared(candidate, f"&otherKnownAt={known}")
    assert turned["before"]["verdict"] == "ineligible"
    assert turned["after"]["verdict"] == "eligible"


def test_time_alone_makes_a_difference(candidate: TestClient) -> None:
    found = compared(candidate, "&otherAsOf=2024-05-20T12:00:00Z")
    assert found["after"]["asOf"] == "2024-05-20T12:00:00Z"
    stale = [one for one in found["criterion"] if one["after"].get("reason") == "stale"]
    assert stale
    assert all(one["before"]["passes"] for one in stale)


def test_every_trial_is_compared_unless_one_is_named(candidate: TestClient) -> None:
    every = candidate.get(DIFF).json()["parameter"]
    assert {read(one)["trial"] for one in every} >= {"nct03668171", TRIAL}
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "trial", "valueCode": TRIAL},
            {"name": "otherAsOf", "valueDateTime": "2024-05-20T12:00:00Z"},
        ],
    }
    posted = candidate.post(DIFF, json=body).json()["parameter"]
    by_url = compared(candidate, "&otherAsOf=2024-05-20T12:00:00Z")
    assert read(posted[0])["criterion"] == by_url["criterion"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/fhir/Patient/nobody/$screen-diff", 404),
        (f"{DIFF}?trial=none", 404),
        (f"{DIFF}?otherAsOf=soon", 400),
        (f"{DIFF}?otherKnownAt=2024-13-01", 400),
        (f"{DIFF}?score=meld_optn", 400),
    ],
)
def test_what_is_wrong_is_said(candidate: TestClient, path: str, status: int) -> None:
    answer = candidate.get(path)
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_the_statement_offers_it(client: TestClient) -> None:
    rest = client.get("/fhir/metadata").json()["rest"][0]
    (one,) = (each for each in rest["resource"] if each["type"] == "Patient")
    assert "screen-diff" in {each["name"] for each in one["operation"]}
