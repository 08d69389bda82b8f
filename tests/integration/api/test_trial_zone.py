"""The trial's endpoint: read-only, pseudonymised."""

import ast
import inspect
from typing import Any

import pytest
from fastapi.testclient import TestClient

from aclf_fhir.api import trials
from tests.integration.api.conftest import bundle, laboratory, patient

pytestmark = pytest.mark.real_clock

BASE = "/trials/nct03668171/fhir"
NAMED = patient(
    "pat-1",
    name=[{"family": "Okonkwo-Lindqvist", "given": ["Zebulon"]}],
    identifier=[{"system": "http://hospital.example/mrn", "value": "MRN-77183-Q"}],
    address=[{"city": "Unterschleichach"}],
)
SECRETS = ("Okonkwo", "Zebulon", "MRN-77183-Q", "Unterschleichach", "pat-1", "lab-", "1971")


@pytest.fixture
def known(client: TestClient) -> TestClient:
    answer = client.post("/fhir", json=bundle("batch", NAMED, *laboratory()))
    assert answer.status_code == 200
    assert client.get("/fhir/ResearchSubject?patient=pat-1").status_code == 200
    return client


def search(client: TestClient, path: str) -> list[dict[str, Any]]:
    answer = client.get(f"{BASE}/{path}")
    assert answer.status_code == 200, answer.text
    entries = answer.json().get("entry", ())
    return [one["resource"] for one in entries if one["search"]["mode"] == "match"]


def test_the_study_is_there_and_links_stay_in_the_zone(known: TestClient) -> None:
    (study,) = search(known, "ResearchStudy")
    assert study["id"] == "nct03668171"
    entry = known.get(f"{BASE}/ResearchStudy").json()["entry"][0]
    assert entry["fullUrl"] == f"http://127.0.0.1{BASE}/ResearchStudy/nct03668171"
    assert known.get(entry["fullUrl"]).json() == study


def test_nothing_identified_passes(known: TestClient) -> None:
    for type_ in trials.TRIAL_TYPES:
        text = known.get(f"{BASE}/{type_}?_count=1000").text
        assert not [secret for secret in SECRETS if secret in text], type_


def test_a_subject_can_be_followed_from_study_to_score(known: TestClient) -> None:
    subjects = search(known, "ResearchSubject")
    if not subjects:
        pytest.skip("the trial finds this patient ineligible")
    who = subjects[0]["individual"]["reference"]
    assert who != "Patient/pat-1"
    assert search(known, f"Observation?subject={who}")
    assert known.get(f"{BASE}/{who}").status_code == 200
    form = known.post(f"{BASE}/Observation/_search", data={"patient": who.partition("/")[2]})
    assert form.json()["entry"]


def test_identified_ids_lead_nowhere(known: TestClient) -> None:
    assert known.get(f"{BASE}/Patient/pat-1").status_code == 404
    assert known.get(f"{BASE}/Observation/lab-bili").status_code == 404
    assert known.get(f"{BASE}/Observation/lab-bili/_history/1").status_code == 404
    assert search(known, "Observation?patient=pat-1") == []


@pytest.mark.parametrize("type_", ["Encounter", "Condition", "Consent", "Nothing"])
def test_other_types_are_not_served(known: TestClient, type_: str) -> None:
    assert known.get(f"{BASE}/{type_}").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ""),
        ("POST", "/Observation"),
        ("PUT", "/Observation/x"),
        ("DELETE", "/Observation/x"),
        ("PATCH", "/Patient/x"),
        ("POST", "/$score"),
    ],
)
def test_nothing_can_be_written(known: TestClient, method: str, path: str) -> None:
    answer = known.request(method, f"{BASE}{path}", json=patient())
    assert answer.status_code in {404, 405}
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_an_unknown_trial_is_404(known: TestClient) -> None:
    answer = known.get("/trials/nct00000000/fhir/metadata")
    assert answer.status_code == 404
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_its_statement_offers_reading_only(known: TestClient) -> None:
    statement = known.get(f"{BASE}/metadata").json()
    offered = {
        code["code"] for one in statement["rest"][0]["resource"] for code in one["interaction"]
    }
    assert offered == {"read", "vread", "search-type"}
    assert {one["type"] for one in statement["rest"][0]["resource"]} == set(trials.TRIAL_TYPES)
    assert "interaction" not in statement["rest"][0]


def test_its_module_reaches_the_trials_desk_and_no_store(known: TestClient) -> None:
    tree = ast.parse(inspect.getsource(trials))
    imported = {
        node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module
    }
    ours = {name for name in imported if name.startswith("aclf_fhir")}
    assert ours == {
        "aclf_fhir.api.answers",
        "aclf_fhir.api.asking",
        "aclf_fhir.api.capability",
        "aclf_fhir.errors",
        "aclf_fhir.workflows.trial_reading",
    }
    zone = known.app.state.trial_zone
    assert not hasattr(zone.state, "gateway")
