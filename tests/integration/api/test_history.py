"""Instance history on both databases: R4 http.html#history."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.integration.api.conftest import patient

pytestmark = pytest.mark.real_clock

REASON = "https://aclf-fhir.example/fhir/StructureDefinition/status-reason"


@pytest.fixture
def thrice(client: TestClient) -> TestClient:
    """A client of a gateway that was told of one patient three times."""
    for year in (1971, 1972, 1973):
        sent = client.put("/fhir/Patient/pat-1", json=patient(birthDate=f"{year}-03-09"))
        assert sent.status_code in {200, 201}
    return client


def page(client: TestClient, url: str) -> dict[str, Any]:
    answer = client.get(url)
    assert answer.status_code == 200, answer.text
    bundle: dict[str, Any] = answer.json()
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "history")
    return bundle


def years(bundle: dict[str, Any]) -> list[str]:
    return [entry["resource"]["birthDate"][:4] for entry in bundle.get("entry", ())]


def test_versions_come_newest_first_with_what_made_them(thrice: TestClient) -> None:
    bundle = page(thrice, "/fhir/Patient/pat-1/_history")
    assert years(bundle) == ["1973", "1972", "1971"]
    newest, _, oldest = bundle["entry"]
    assert newest["fullUrl"] == "http://127.0.0.1/fhir/Patient/pat-1"
    assert newest["request"] == {"method": "PUT", "url": "Patient/pat-1"}
    assert (newest["response"]["status"], newest["response"]["etag"]) == ("200 OK", 'W/"3"')
    assert newest["response"]["lastModified"] == newest["resource"]["meta"]["lastUpdated"]
    assert oldest["response"]["status"] == "201 Created"
    assert oldest["resource"] == thrice.get("/fhir/Patient/pat-1/_history/1").json()


def test_pages_follow_each_other(thrice: TestClient) -> None:
    url, seen = "/fhir/Patient/pat-1/_history?_count=1", []
    while url:
        bundle = page(thrice, url)
        seen += years(bundle)
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        assert len(bundle["entry"]) == 1
        url = links.get("next", "")
    assert seen == ["1973", "1972", "1971"]
    assert bundle["entry"][0]["response"]["status"] == "201 Created"


def test_since_leaves_out_what_was_stored_earlier(thrice: TestClient) -> None:
    entries = page(thrice, "/fhir/Patient/pat-1/_history")["entry"]
    second = entries[1]["response"]["lastModified"]
    for since, expected in (
        (second, ["1973", "1972"]),
        ("2000-01-01", ["1973", "1972", "1971"]),
        ("2999-01-01T00:00:00Z", []),
    ):
        found = thrice.get("/fhir/Patient/pat-1/_history", params={"_since": since})
        assert years(found.json()) == expected


@pytest.mark.parametrize("url", ["/fhir/Patient/other/_history", "/fhir/Nothing/pat-1/_history"])
def test_what_never_was_has_none(thrice: TestClient, url: str) -> None:
    assert thrice.get(url).status_code == 404


@pytest.mark.parametrize(
    ("asked", "location"),
    [
        ("_count=-1", "http._count"),
        ("_count=few", "http._count"),
        ("_since=yesterday", "http._since"),
        ("_at=2024", "http._at"),
        ("_cursor=x", "http._cursor"),
    ],
)
def test_what_cannot_be_read_is_refused(thrice: TestClient, asked: str, location: str) -> None:
    answer = thrice.get(f"/fhir/Patient/pat-1/_history?{asked}")
    assert answer.status_code == 400
    assert location in answer.json()["issue"][0]["diagnostics"]


def test_what_is_not_known_may_be_left_out_on_request(thrice: TestClient) -> None:
    lenient = {"Prefer": "handling=lenient"}
    answer = thrice.get("/fhir/Patient/pat-1/_history?_at=2024&_count=0", headers=lenient)
    assert answer.status_code == 200
    assert "entry" not in answer.json()


def test_it_is_in_the_statement_of_the_site_and_not_of_a_trial(client: TestClient) -> None:
    for base, offered in (("/fhir", True), ("/trials/nct03668171/fhir", False)):
        resources = client.get(f"{base}/metadata").json()["rest"][0]["resource"]
        found = {code["code"] for one in resources for code in one["interaction"]}
        assert ("history-instance" in found) == offered
    assert client.get("/trials/nct03668171/fhir/Patient/x/_history").status_code == 404


def test_a_subjects_history_tells_every_move_and_its_reason(meld: TestClient) -> None:
    entry = meld.get("/fhir/ResearchSubject?patient=pat-1").json()["entry"][0]["resource"]
    path = f"/fhir/ResearchSubject/{entry['id']}"
    for status, reason in (("ineligible", "died"), ("screening", "decided-in-error")):
        subject = meld.get(path).json()
        said = [one for one in subject["extension"] if one["url"] != REASON]
        subject["extension"] = [*said, {"url": REASON, "valueCode": reason}]
        version = subject["meta"]["versionId"]
        moved = meld.put(path, json={**subject, "status": status}, headers={"If-Match": version})
        assert moved.status_code == 200, moved.text
    refused = meld.put(
        path, json={**meld.get(path).json(), "status": "off-study"}, headers={"If-Match": "3"}
    )
    assert (refused.status_code, refused.json()["issue"][0]["code"]) == (409, "conflict")
    moves = [
        (
            one["resource"]["status"],
            *(said["valueCode"] for said in one["resource"]["extension"] if said["url"] == REASON),
        )
        for one in page(meld, f"{path}/_history")["entry"]
    ]
    assert moves == [
        ("screening", "decided-in-error"),
        ("ineligible", "died"),
        ("potential-candidate",),
    ]
