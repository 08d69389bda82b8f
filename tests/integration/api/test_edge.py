"""Ids, logs, faults, pages, the CapabilityStatement: what every request has."""

import logging
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from aclf_fhir.api import create_app, site
from aclf_fhir.api.logs import EventFormatter
from aclf_fhir.errors import AclfError, Category
from aclf_fhir.fhir import resource_types
from aclf_fhir.settings import Settings
from tests.integration.api.conftest import LOOPBACK, bundle, laboratory, observation, patient

pytestmark = pytest.mark.real_clock

NAMES = ("Okonkwo-Lindqvist", "Zebulon", "MRN-77183-Q", "Unterschleichach", "pat-zq7")
SECRET = patient(
    "pat-zq7",
    name=[{"family": "Okonkwo-Lindqvist", "given": ["Zebulon"]}],
    identifier=[{"system": "http://hospital.example/mrn", "value": "MRN-77183-Q"}],
    address=[{"city": "Unterschleichach"}],
)


def logged(records: list[logging.LogRecord]) -> str:
    formatter = EventFormatter()
    ours = [one for one in records if not one.name.startswith(("httpx", "httpcore", "asyncio"))]
    return "\n".join(formatter.format(one) for one in ours)


def test_logs_hold_event_codes_and_nothing_of_the_patient(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    results = [
        {**one, "subject": {"reference": "Patient/pat-zq7", "display": "Zebulon"}}
        for one in laboratory()
    ]
    broken = {**results[0], "status": "Zebulon", "id": "pat-zq7"}
    client.post("/fhir", json=bundle("batch", SECRET, *results, broken))
    client.post("/fhir/Observation", json=broken)
    client.post("/fhir/Patient", content=b'{"resourceType":"Patient","name":"Zebulon')
    client.put("/fhir/Patient/pat-zq7", json=SECRET, headers={"X-Request-Id": "MRN-77183-Q"})
    client.get("/fhir/Patient?family=Okonkwo-Lindqvist&identifier=MRN-77183-Q")
    client.get("/fhir/Patient?Zebulon=1")
    client.get("/fhir/Patient/pat-zq7/$score?asOf=last")
    client.get("/fhir/Zebulon/MRN-77183-Q")
    client.get("/Unterschleichach")
    text = logged(caplog.records)
    assert "event=request" in text
    assert "route=/fhir/{resource_type}/{resource_id}" in text
    assert not [name for name in NAMES if name in text]


def test_errors_do_not_repeat_what_was_sent(client: TestClient) -> None:
    broken = observation("o", status="Okonkwo-Lindqvist", effectiveDateTime="Zebulon")
    answers = [
        client.post("/fhir/Observation", json=broken),
        client.put("/fhir/Patient/other", json=SECRET),
        client.get("/fhir/Patient?MRN-77183-Q=1"),
        client.get("/fhir/Patient?birthdate=Zebulon"),
        client.get("/fhir/Patient/Okonkwo-Lindqvist"),
    ]
    assert all(answer.status_code >= 400 for answer in answers)
    for answer in answers[:2] + answers[3:]:
        assert not [name for name in NAMES if name in answer.text]


def test_a_request_id_is_echoed_or_made(client: TestClient) -> None:
    assert client.get("/health", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == (
        "abc-1"
    )
    made = {client.get("/health").headers["x-request-id"] for _ in range(2)}
    assert len(made) == 2
    unsafe = client.get("/health", headers={"X-Request-Id": "a b"}).headers["x-request-id"]
    assert unsafe != "a b"


@pytest.mark.parametrize("push", ["a b", "", "x" * 129, "a/b"])
def test_a_push_is_named_with_plain_letters(client: TestClient, push: str) -> None:
    answer = client.put("/fhir/Patient/pat-1", json=patient(), headers={"X-Push-Id": push})
    if push:
        assert answer.status_code == 422
        assert client.get("/fhir/Patient/pat-1").status_code == 404
    else:
        assert answer.status_code == 201


def broken_app(settings: Settings) -> FastAPI:
    app = create_app(settings)

    @app.get("/broken")
    async def broken() -> None:
        raise ZeroDivisionError("Okonkwo-Lindqvist / 0")

    return app


def test_a_fault_of_ours_is_an_outcome_without_a_trace(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with TestClient(broken_app(settings), LOOPBACK, raise_server_exceptions=False) as client:
        answer = client.get("/broken")
    assert answer.status_code == 500
    issue = answer.json()["issue"][0]
    assert issue["code"] == "exception"
    assert "Traceback" not in answer.text
    assert "Okonkwo" not in answer.text
    text = logged(caplog.records)
    assert "event=fault" in text
    assert "ZeroDivisionError@" in text
    assert "Okonkwo" not in text


def test_the_root_leads_to_pages_that_load_nothing_from_elsewhere(client: TestClient) -> None:
    answer = client.get("/", follow_redirects=True)
    assert answer.status_code == 200
    assert answer.url.path == "/docs"
    for path in ("/fhir/{resource_type}", "/trials/{trial}/fhir/{resource_type}", "$screen"):
        assert path in answer.text
    assert "src=" not in answer.text
    assert "https://" not in answer.text
    assert client.get("/openapi.json").json()["info"]["title"] == "aclf-fhir"


def test_it_says_that_it_is_up_and_ready(client: TestClient) -> None:
    assert client.get("/health").json()["status"] == "up"
    assert client.get("/ready").json() == {"status": "ready"}


def test_it_is_not_ready_without_its_database(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away:
        def read(self) -> Any:
            raise AclfError.of(Category.UNAVAILABLE, "", "The database does not answer.")

    class Gateway:
        store = Away()

    monkeypatch.setattr(client.app.state, "gateway", Gateway())
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["issue"][0]["code"] == "transient"
    assert int(answer.headers["retry-after"]) > 0
    assert client.get("/health").status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7"])  # noqa: S104 - refused
def test_an_application_for_another_address_is_not_made(settings: Settings, host: str) -> None:
    with pytest.raises(AclfError) as caught:
        create_app(Settings(host=host, database=settings.database))
    assert caught.value.category is Category.FORBIDDEN


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1", 200), ("192.0.2.7", 403), ("2001:db8::7", 403), ("::1", 200)],
)
def test_what_came_in_over_a_network_is_refused_however_it_was_bound(
    client: TestClient, host: str, status: int
) -> None:
    answer = client.get(f"http://[{host}]/health" if ":" in host else f"http://{host}/health")
    assert answer.status_code == status


def statement(client: TestClient) -> dict[str, Any]:
    answer = client.get("/fhir/metadata")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


def test_the_statement_offers_what_is_registered(client: TestClient) -> None:
    rest = statement(client)["rest"][0]
    assert statement(client)["fhirVersion"] == "4.0.1"
    assert statement(client)["implementation"]["url"] == "http://127.0.0.1/fhir"
    assert {one["type"] for one in rest["resource"]} == set(resource_types())
    for one in rest["resource"]:
        codes = {code["code"] for code in one["interaction"]}
        written = set() if one["type"] == "Bundle" else {"create", "update"}
        assert codes == {"history-instance", "read", "search-type", "vread"} | written
    assert {one["code"] for one in rest["interaction"]} == {"batch", "transaction"}
    assert {one["name"] for one in rest["operation"]} == {"score", "screen", "held", "intake"}


def test_nothing_is_advertised_that_is_not_there() -> None:
    methods = {method for route in site.router.routes for method in route.methods}
    assert methods == {"GET", "POST", "PUT"}


def test_every_parameter_it_offers_can_be_asked(client: TestClient) -> None:
    values = {"date": "2024", "reference": "Patient/1", "token": "x", "string": "x"}
    rest = statement(client)["rest"][0]
    common = rest["searchParam"]
    kept = ("Patient", "Observation", "ResearchSubject", "Provenance", "Basic", "Device", "Consent")
    for one in rest["resource"]:
        if one["type"] not in kept:
            continue
        for parameter in (*one["searchParam"], *common):
            value = values[parameter["type"]]
            answer = client.get(f"/fhir/{one['type']}?{parameter['name']}={value}")
            assert answer.status_code == 200, (one["type"], parameter, answer.text)
            answer = client.get(f"/fhir/{one['type']}?{parameter['name']}:nothing={value}")
            assert answer.status_code == 400


@pytest.mark.parametrize(
    ("name", "text", "status"),
    [
        *(
            ("Host", text, 200)
            for text in ("localhost", "LocalHost:8000", "localhost.", "127.0.0.1:9", "[::1]:80")
        ),
        *(("Host", text, 403) for text in ("attacker.example", "127.0.0.1.attacker.example:8000")),
        *(("Host", text, 403) for text in ("192.0.2.7", "[2001:db8::7]:80", "[", "", "192.0.2.8.")),
        *(
            ("Host", text, 403)
            for text in ("someone@127.0.0.1", "localhost/.a.example", "localhost#a", "x//localhost")
        ),
        *(("Origin", text, 200) for text in ("http://localhost:8000", "http://[::1]")),
        *(
            ("Origin", text, 403)
            for text in ("http://attacker.example", "null", "http://localhost.a")
        ),
    ],
)
def test_a_page_of_another_site_gets_no_answer(
    client: TestClient, name: str, text: str, status: int
) -> None:
    answer = client.get("/fhir/metadata", headers={name: text})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/fhir+json"
    written = client.put("/fhir/Patient/pat-1", json=patient(), headers={name: text})
    assert written.status_code == (201 if status == 200 else 403)
    assert client.get("/fhir/Patient/pat-1").status_code == (200 if status == 200 else 404)
    if status == 403:
        assert answer.json()["issue"][0]["code"] == "forbidden"
        assert text not in answer.text or text in {"", "["}
