"""Search by URL and form, paging, unknown parameters."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient

from tests.integration.api.conftest import LOINC, bundle, observation, patient

pytestmark = pytest.mark.real_clock

SODIUM = "2951-2"


@pytest.fixture
def filled(client: TestClient) -> TestClient:
    results = [
        observation(
            f"na-{day}",
            SODIUM,
            130 + day,
            "mmol/L",
            f"2024-11-{day:02}T08:00:00+08:00",
            identifier=[{"system": "http://a.example", "value": f"order-{day}"}],
            category=[
                {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                            "code": "laboratory",
                        }
                    ]
                }
            ],
        )
        for day in range(1, 8)
    ]
    other = observation("other", "3094-0", 7, "mg/dL", status="preliminary")
    answer = client.post("/fhir", json=bundle("batch", patient(), *results, other))
    assert answer.status_code == 200, answer.text
    return client


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["resourceType"], body["type"]) == ("Bundle", "searchset")
    return [
        entry["resource"]["id"]
        for entry in body.get("entry", ())
        if entry["search"]["mode"] == "match"
    ]


def link(answer: Any, relation: str) -> str | None:
    urls = [one["url"] for one in answer.json()["link"] if one["relation"] == relation]
    return urls[0] if urls else None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("_id=na-1,na-3", {"na-1", "na-3"}),
        (f"code={SODIUM}&date=ge2024-11-06", {"na-6", "na-7"}),
        (f"code={LOINC}|{SODIUM}&date=2024-11-02", {"na-2"}),
        (f"code={SODIUM}&date=gt2024-11-01&date=lt2024-11-03", {"na-2"}),
        ("status=preliminary", {"other"}),
        ("identifier=http://a.example|order-4", {"na-4"}),
        ("identifier=order-5", {"na-5"}),
        ("category=laboratory&_count=100&date=le2024-11-02", {"na-1", "na-2"}),
        ("patient=nobody", set()),
        ("patient=pat-1&status=preliminary", {"other"}),
        ("subject=Patient/pat-1&status=preliminary", {"other"}),
        ("_lastUpdated=lt2020-01-01", set()),
    ],
)
def test_parameters_narrow_a_search(filled: TestClient, query: str, found: set[str]) -> None:
    assert set(ids(filled.get(f"/fhir/Observation?{query}"))) == found


def test_entries_carry_their_url(filled: TestClient) -> None:
    entry = filled.get("/fhir/Observation?_id=na-1").json()["entry"][0]
    assert entry["fullUrl"] == "http://127.0.0.1/fhir/Observation/na-1"
    assert entry["resource"]["meta"]["versionId"] == "1"


def test_a_form_searches_as_a_url_does(filled: TestClient) -> None:
    answer = filled.post("/fhir/Observation/_search", data={"_id": "na-1,na-2"})
    assert set(ids(answer)) == {"na-1", "na-2"}
    answer = filled.post("/fhir/Observation/_search?_id=na-1", data={"code": "3094-0"})
    assert ids(answer) == []


def test_pages_follow_their_links_and_leave_nothing_out(filled: TestClient) -> None:
    first = filled.get(f"/fhir/Observation?code={SODIUM}&_count=3")
    assert first.json()["total"] == 7
    assert parse_qs(urlsplit(link(first, "self")).query)["_count"] == ["3"]
    seen = ids(first)
    assert len(seen) == 3
    following = link(first, "next")
    pages = 1
    while following:
        page = filled.get(following)
        seen += ids(page)
        following = link(page, "next")
        pages += 1
    assert pages == 3
    assert sorted(seen) == [f"na-{day}" for day in range(1, 8)]


def test_a_count_of_zero_asks_for_the_total_only(filled: TestClient) -> None:
    answer = filled.get(f"/fhir/Observation?code={SODIUM}&_count=0")
    assert ids(answer) == []
    assert answer.json()["total"] == 7


@pytest.mark.parametrize(
    "query", ["colour=red", "code:text=sodium", "_include=Observation:subject", "date=yesterday"]
)
def test_what_cannot_be_asked_is_refused(filled: TestClient, query: str) -> None:
    answer = filled.get(f"/fhir/Observation?{query}")
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_every_unknown_parameter_is_told_at_once(filled: TestClient) -> None:
    answer = filled.get("/fhir/Observation?colour=red&taste=bitter")
    told = " ".join(issue["diagnostics"] for issue in answer.json()["issue"])
    assert "colour" in told
    assert "taste" in told


def test_a_lenient_client_gets_an_answer_without_the_unknown(filled: TestClient) -> None:
    answer = filled.get(
        "/fhir/Observation?_id=na-1&colour=red", headers={"Prefer": "handling=lenient"}
    )
    assert ids(answer) == ["na-1"]


@pytest.mark.parametrize("cursor", ["x", "bm90IG1pbmU", "%00"])
def test_a_made_up_cursor_is_refused(filled: TestClient, cursor: str) -> None:
    answer = filled.get(f"/fhir/Observation?_cursor={cursor}")
    assert answer.status_code in {400, 422}
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_an_unknown_type_cannot_be_searched(filled: TestClient) -> None:
    assert filled.get("/fhir/Observations").status_code == 404
