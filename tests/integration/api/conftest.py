"""A real application on both databases; bodies that are small, invented and valid R4."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from aclf_fhir.api import create_app
from aclf_fhir.catalog import Catalog, load_catalog
from aclf_fhir.settings import Settings
from aclf_fhir.workflows import opening
from tests.conftest import ROOT

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
LOOPBACK = "http://127.0.0.1"
"""Where a client addresses the server; another Host is refused."""


def patient(id_: str = "pat-1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": id_,
        "gender": "female",
        "birthDate": "1971-03-09",
        **more,
    }


def observation(
    id_: str | None = "obs-1",
    code: str = "1975-2",
    value: Any = 4.2,
    unit: str = "mg/dL",
    at: str = "2024-11-20T08:00:00+08:00",
    **more: Any,
) -> dict[str, Any]:
    resource = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "subject": {"reference": "Patient/pat-1"},
        "effectiveDateTime": at,
        "valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit},
        **more,
    }
    return {"id": id_, **resource} if id_ else resource


def laboratory(at: str = "2024-11-20T08:00:00+08:00") -> list[dict[str, Any]]:
    """A bilirubin, an INR and a creatinine: what a MELD needs."""
    return [
        observation("lab-bili", "1975-2", 4.2, "mg/dL", at),
        observation("lab-inr", "6301-6", 1.8, "{INR}", at),
        observation("lab-crea", "2160-0", 1.9, "mg/dL", at),
    ]


def bundle(type_: str, *resources: dict[str, Any], **requests: Any) -> dict[str, Any]:
    entries = []
    for resource in resources:
        kind, id_ = resource["resourceType"], resource.get("id")
        request = (
            {"method": "PUT", "url": f"{kind}/{id_}"} if id_ else {"method": "POST", "url": kind}
        )
        entries.append({"resource": resource, "request": {**request, **requests}})
    return {"resourceType": "Bundle", "type": type_, "entry": entries}


def expressions(outcome: dict[str, Any]) -> list[str]:
    assert outcome["resourceType"] == "OperationOutcome"
    return [path for issue in outcome["issue"] for path in issue.get("expression", ())]


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(autouse=True)
def one_catalog(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Load the data files once for all tests; each would load the same."""
    monkeypatch.setattr(opening, "load_catalog", lambda **_folders: catalog)


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(
        database=database_url,
        site="demo",  # declares that its feed of dialysis is complete
        as_of="last",
        max_body_bytes=200_000,
        max_entries=50,
    )


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings), LOOPBACK, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def meld(client: TestClient) -> TestClient:
    """A client of a gateway that knows one patient with a MELD."""
    answer = client.post("/fhir", json=bundle("batch", patient(), *laboratory()))
    assert answer.status_code == 200, answer.text
    return client


TRIAL = "nct02857010"
CANDIDATE = "invented-l-eligible"


@pytest.fixture
def candidate(client: TestClient) -> TestClient:
    """A client of a gateway that finds one patient, `CANDIDATE`, eligible for `TRIAL`."""
    for name in ("hospital", "l-eligible/screening"):
        lines = (ROOT / f"examples/invented/{name}.ndjson").read_text().splitlines()
        answer = client.post("/fhir", json=bundle("batch", *map(json.loads, lines)))
        assert answer.status_code == 200, answer.text
        assert {one["response"]["status"][:3] for one in answer.json()["entry"]} == {"201"}
    return client
