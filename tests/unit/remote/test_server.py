from collections.abc import Iterator
from typing import Any

import pytest
import requests
import responses

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.remote import FhirServer, RetryPolicy, issues_of

BASE = "http://127.0.0.1:9/fhir"


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def server(pauses: list[float]) -> FhirServer:
    retry = RetryPolicy(attempts=4, first_s=1.0, longest_s=3.0)
    return FhirServer(BASE, retry=retry, sleep=pauses.append, chance=lambda: 1.0)


def test_a_request_speaks_fhir_json(wire: Any, server: FhirServer) -> None:
    wire.post(f"{BASE}/Patient", status=201, body=b"{}")
    answer = server.request("POST", "Patient", body=b"{}", headers={"X-Push-Id": "p"})
    assert answer.ok
    sent = wire.calls[0].request
    assert sent.headers["Content-Type"] == "application/fhir+json"
    assert sent.headers["Accept"] == "application/fhir+json"
    assert sent.headers["X-Push-Id"] == "p"


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again_with_longer_and_longer_pauses(
    wire: Any, server: FhirServer, pauses: list[float], status: int
) -> None:
    for _ in range(3):
        wire.get(f"{BASE}/x", status=status)
    wire.get(f"{BASE}/x", status=200, body=b"done")
    assert server.request("GET", "x").body == b"done"
    assert pauses == [1.0, 2.0, 3.0]


def test_after_the_last_attempt_the_answer_is_handed_on(wire: Any, server: FhirServer) -> None:
    for _ in range(4):
        wire.get(f"{BASE}/x", status=503)
    assert server.request("GET", "x").status == 503


@pytest.mark.parametrize("status", [400, 404, 422, 500])
def test_what_will_not_get_better_is_not_asked_again(
    wire: Any, server: FhirServer, status: int
) -> None:
    wire.get(f"{BASE}/x", status=status)
    assert server.request("GET", "x").status == status


def test_a_write_that_failed_inside_the_server_is_tried_again_where_that_does_no_harm(
    wire: Any, server: FhirServer, pauses: list[float]
) -> None:
    wire.post(BASE, status=500)
    wire.post(BASE, status=200)
    assert server.request("POST", "", body=b"{}").ok
    assert len(pauses) == 1
    wire.post(BASE, status=500)
    assert server.request("POST", "", body=b"{}", repeatable=False).status == 500
    assert len(pauses) == 1


def test_jitter_takes_away_at_most_half_of_a_pause() -> None:
    policy = RetryPolicy(first_s=1.0, longest_s=30.0)
    assert policy.pause_s(3, 0.0) == 2.0
    assert policy.pause_s(3, 1.0) == 4.0
    assert policy.pause_s(50, 1.0) == 30.0


def test_retry_after_in_seconds_is_honoured(
    wire: Any, server: FhirServer, pauses: list[float]
) -> None:
    wire.get(f"{BASE}/x", status=429, headers={"Retry-After": "7"})
    wire.get(f"{BASE}/x", status=200)
    server.request("GET", "x")
    assert len(pauses) == 1
    assert pauses[0] >= 7.0


def test_retry_after_as_a_date_is_honoured(
    wire: Any, server: FhirServer, pauses: list[float]
) -> None:
    date = "Thu, 31 Dec 2026 16:30:20 GMT"  # 20 s after the frozen clock
    wire.get(f"{BASE}/x", status=503, headers={"Retry-After": date})
    wire.get(f"{BASE}/x", status=200)
    server.request("GET", "x")
    assert 20.0 <= pauses[0] <= 22.0


def test_a_retry_after_that_is_neither_is_ignored(
    wire: Any, server: FhirServer, pauses: list[float]
) -> None:
    wire.get(f"{BASE}/x", status=503, headers={"Retry-After": "soon"})
    wire.get(f"{BASE}/x", status=200)
    server.request("GET", "x")
    assert pauses == [1.0]


def test_a_retry_after_beyond_all_patience_ends_the_command(wire: Any, server: FhirServer) -> None:
    wire.get(f"{BASE}/x", status=503, headers={"Retry-After": "3600"})
    with pytest.raises(AclfError) as caught:
        server.request("GET", "x")
    assert caught.value.category is Category.UNAVAILABLE


def test_a_lost_connection_is_tried_again_where_that_does_no_harm(
    wire: Any, server: FhirServer, pauses: list[float]
) -> None:
    wire.put(f"{BASE}/Patient/1", body=requests.ConnectionError("reset"))
    wire.put(f"{BASE}/Patient/1", status=200)
    assert server.request("PUT", "Patient/1", body=b"{}").ok
    assert len(pauses) == 1


def test_a_create_whose_fate_is_unknown_is_not_sent_again(wire: Any, server: FhirServer) -> None:
    wire.post(f"{BASE}/Patient", body=requests.ReadTimeout("late"))
    with pytest.raises(AclfError) as caught:
        server.request("POST", "Patient", body=b"{}", repeatable=False)
    assert caught.value.category is Category.UNAVAILABLE
    assert "late" not in str(caught.value)


@pytest.mark.parametrize("status", [502, 504])
def test_a_create_behind_a_broken_gateway_is_not_sent_again(
    wire: Any, server: FhirServer, status: int
) -> None:
    wire.post(f"{BASE}/Patient", status=status)
    assert server.request("POST", "Patient", body=b"{}", repeatable=False).status == status


def test_a_create_that_never_left_is_sent_again(wire: Any, server: FhirServer) -> None:
    wire.post(f"{BASE}/Patient", body=requests.ConnectTimeout("no route"))
    wire.post(f"{BASE}/Patient", status=503)
    wire.post(f"{BASE}/Patient", status=201)
    assert server.request("POST", "Patient", body=b"{}", repeatable=False).status == 201


@pytest.mark.real_clock
def test_a_refused_connection_is_tried_as_often_as_allowed(pauses: list[float]) -> None:
    server = FhirServer(
        "http://127.0.0.1:1/fhir", retry=RetryPolicy(attempts=3), sleep=pauses.append
    )
    with pytest.raises(AclfError) as caught:
        server.request("POST", "", body=b"{}", repeatable=False)
    assert caught.value.category is Category.UNAVAILABLE
    assert len(pauses) == 2


@pytest.mark.parametrize("url", ["", "fhir", "file:///x", "ftp://127.0.0.1/fhir", "http://"])
def test_what_is_no_base_url_is_refused(url: str) -> None:
    with pytest.raises(AclfError) as caught:
        FhirServer(url)
    assert caught.value.category is Category.INVALID


@pytest.mark.parametrize(
    ("status", "category"),
    [
        (401, Category.UNAUTHENTICATED),
        (403, Category.FORBIDDEN),
        (404, Category.NOT_FOUND),
        (410, Category.GONE),
        (413, Category.TOO_LARGE),
        (418, Category.INVALID),
        (500, Category.UNAVAILABLE),
    ],
)
def test_a_failure_becomes_an_error_of_its_category(
    wire: Any, server: FhirServer, status: int, category: Category
) -> None:
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "invalid", "diagnostics": "not like that"}],
    }
    wire.get(f"{BASE}/x", status=status, json=outcome)
    with pytest.raises(AclfError) as caught:
        server.expect(server.request("GET", "x"))
    assert caught.value.category is category
    assert "not like that" in str(caught.value)


def test_a_failure_without_an_outcome_is_told_by_its_status(wire: Any, server: FhirServer) -> None:
    wire.get(f"{BASE}/x", status=404, body=b"<html>")
    with pytest.raises(AclfError, match="404: Not Found"):
        server.expect(server.request("GET", "x"))


def test_the_texts_of_an_outcome_are_its_diagnostics_details_or_codes() -> None:
    body = (
        b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"a",'
        b'"diagnostics":"one"},{"severity":"error","code":"b","details":{"text":"two"}},'
        b'{"severity":"error","code":"three"}]}'
    )
    assert issues_of(body) == ["one", "two", "three"]
    assert issues_of(b'{"resourceType":"Patient"}') == []
    assert issues_of(b"<xml>") == []


def test_a_proxy_never_sees_what_stays_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:3128")
    assert not FhirServer("http://127.0.0.1:8000/fhir")._session.trust_env
    assert FhirServer("https://fhir.example.org/r4")._session.trust_env
