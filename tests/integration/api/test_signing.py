"""`$sign`: what it freezes, what refuses it, and that nobody alters it afterwards."""

import json
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from fhir.resources.R4B import get_fhir_model_class

from aclf_fhir.fhir import split_bundle, validate
from aclf_fhir.publication import STATUS_REASON
from aclf_fhir.workflows import signing
from aclf_fhir.workflows.trial_reading import TRIAL_TYPES
from tests.conftest import ROOT
from tests.integration.api.conftest import CANDIDATE, TRIAL, observation

pytestmark = pytest.mark.real_clock

SIGNER = "Practitioner/invented-physician"
VERIFICATION = "1.2.840.10065.1.12.1.5"
T = "2024-05-06T07:30:00Z"


def subject_of(client: TestClient) -> dict[str, Any]:
    answer = client.get(f"/fhir/ResearchSubject?patient={CANDIDATE}&study=ResearchStudy/{TRIAL}")
    (entry,) = answer.json()["entry"]
    found: dict[str, Any] = entry["resource"]
    return found


def sign(client: TestClient, version: str | None = None, **given: Any) -> Any:
    """Sign as one should, but for what is given otherwise; None leaves a parameter out."""
    subject = subject_of(client)
    values = {
        "signer": {"valueReference": {"reference": SIGNER}},
        "meaning": {"valueCode": VERIFICATION},
        "acknowledge": {"valueCode": "derived"},
        "asOf": None,
    } | given
    body = {
        "resourceType": "Parameters",
        "parameter": [{"name": name, **value} for name, value in values.items() if value],
    }
    headers = {"If-Match": version or f'W/"{subject["meta"]["versionId"]}"'}
    if version == "":
        del headers["If-Match"]
    return client.post(f"/fhir/ResearchSubject/{subject['id']}/$sign", json=body, headers=headers)


@pytest.fixture
def signed(candidate: TestClient) -> dict[str, Any]:
    answer = sign(candidate)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


def resources(document: dict[str, Any], type_: str) -> list[dict[str, Any]]:
    found = [entry["resource"] for entry in document["entry"]]
    return [one for one in found if one["resourceType"] == type_]


def diagnostics(answer: Any) -> str:
    return " ".join(one["diagnostics"] for one in answer.json()["issue"])


def test_the_document_holds_what_was_decided_and_on_what(
    candidate: TestClient, signed: dict[str, Any]
) -> None:
    assert signed["type"] == "document"
    (composition,) = resources(signed, "Composition")
    assert signed["entry"][0]["resource"] == composition
    assert composition["author"] == [{"reference": SIGNER}]
    (proof,) = resources(signed, "Provenance")
    (signature,) = proof["signature"]
    assert signature["who"] == {"reference": SIGNER}
    assert [one["code"] for one in signature["type"]] == [VERIFICATION]
    assert signature["when"] == signed["timestamp"]
    assert "data" not in signature
    assert f"/rules/protocol/{TRIAL}|" in " ".join(proof["policy"])
    assert "/rules/score/easl_clif_aclf_grade|" in " ".join(proof["policy"])
    present = {entry["fullUrl"].split("/fhir/")[1] for entry in signed["entry"]}
    versions = {
        f"{one['resourceType']}/{one['id']}/_history/{one['meta']['versionId']}"
        for one in (entry["resource"] for entry in signed["entry"])
        if "versionId" in one["meta"]
    }
    cited = {one["what"]["reference"] for one in proof["entity"]}
    assert len(cited) > 10
    assert cited <= versions
    listed = [
        entry["reference"]
        for section in composition["section"]
        for entry in section.get("entry", ())
    ]
    assert {one.partition("/_history/")[0] for one in listed} <= present
    assert {f"Patient/{CANDIDATE}", SIGNER, f"ResearchStudy/{TRIAL}"} <= present
    flags = [one for one in composition["section"] if one["title"] == "Acknowledged flags"]
    assert [one["code"]["coding"][0]["code"] for one in flags[0]["section"]] == ["derived"]
    verdict = [one for one in resources(signed, "Observation") if "hasMember" in one]
    assert verdict[0]["effectiveDateTime"] == T
    stored = candidate.get(f"/fhir/Observation/{verdict[0]['id']}").json()
    assert stored["valueCodeableConcept"] == verdict[0]["valueCodeableConcept"]


def test_the_document_is_r4_with_all_that_is_in_it(candidate: TestClient) -> None:
    body = sign(candidate).content
    assert validate(body) == ()
    get_fhir_model_class("Bundle").model_validate_json(body)
    for entry in split_bundle(body).entries:
        assert entry.resource is not None
        assert validate(entry.resource) == ()


def test_the_hash_can_be_checked_as_the_how_to_says(candidate: TestClient) -> None:
    document = sign(candidate).content
    page = (ROOT / "docs/how-to/sign-eligibility.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the page's own code
    assert names["holds"](document)
    for before, after in (
        (b'"not met"', b'"unknown"'),
        (b'"value":9.9', b'"value":9.90'),
        (b"Practitioner/invented-physician", b"Practitioner/another-physician"),
    ):
        altered = document.replace(before, after, 1)
        assert altered != document
        assert not names["holds"](altered)
    body = json.loads(document)
    (proof,) = resources(body, "Provenance")
    assert body["identifier"]["value"] in [one.get("valueString") for one in proof["extension"]]


def test_it_can_be_found_again_and_nobody_alters_it(
    candidate: TestClient, signed: dict[str, Any]
) -> None:
    path = f"/fhir/Bundle/{signed['id']}"
    assert candidate.get(path).json() == signed
    subject = subject_of(candidate)
    query = f"target=ResearchSubject/{subject['id']}&signature-type={VERIFICATION}"
    (found,) = candidate.get(f"/fhir/Provenance?{query}").json()["entry"]
    targets = [one["reference"] for one in found["resource"]["target"]]
    assert f"Bundle/{signed['id']}" in targets
    value = signed["identifier"]["value"]
    assert candidate.get(f"/fhir/Bundle?identifier={value}").json()["total"] == 1
    altered = json.loads(json.dumps(signed).replace("eligible", "ineligible"))
    for headers in ({}, {"If-Match": 'W/"1"'}):
        assert candidate.put(path, json=altered, headers=headers).status_code == 403
    proof = found["resource"]
    answer = candidate.put(f"/fhir/Provenance/{proof['id']}", json={**proof, "policy": ["urn:x"]})
    assert answer.status_code == 403
    assert candidate.get(path).json() == signed
    entry = {"resource": altered, "request": {"method": "PUT", "url": f"Bundle/{signed['id']}"}}
    body = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    assert candidate.post("/fhir", json=body).status_code == 403
    assert candidate.get(path).json() == signed


def test_later_results_do_not_alter_it_and_signing_moves_nobody(candidate: TestClient) -> None:
    before = subject_of(candidate)
    document = sign(candidate).json()
    assert subject_of(candidate) == before
    about = {"reference": f"Patient/{CANDIDATE}"}
    later = observation("later", at="2024-05-07T06:00:00Z", subject=about)
    assert candidate.put("/fhir/Observation/later", json=later).is_success
    assert candidate.get(f"/fhir/Patient/{CANDIDATE}").is_success
    assert candidate.get(f"/fhir/Observation?patient={CANDIDATE}").is_success
    assert candidate.get(f"/fhir/Bundle/{document['id']}").json() == document


@pytest.mark.parametrize("version", ["", 'W/"7"', "x"])
def test_the_signer_has_seen_the_current_version(candidate: TestClient, version: str) -> None:
    answer = sign(candidate, version)
    assert answer.status_code == 412
    assert candidate.get("/fhir/Bundle").json()["total"] == 0


def test_the_same_decision_is_signed_once(candidate: TestClient, signed: dict[str, Any]) -> None:
    again = sign(candidate)
    assert again.status_code == 409
    assert signed["id"] in diagnostics(again)
    assert sign(candidate, asOf={"valueDateTime": "2024-05-06T08:00:00Z"}).status_code == 201
    assert candidate.get("/fhir/Bundle?type=document").json()["total"] == 2


def test_two_signatures_at_once_are_one(
    candidate: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first: list[Any] = []
    signable = signing._signable

    def interrupted(*given: Any) -> tuple[str, ...]:
        monkeypatch.setattr(signing, "_signable", signable)
        first.append(sign(candidate))
        return signable(*given)

    monkeypatch.setattr(signing, "_signable", interrupted)
    second = sign(candidate)
    assert [first[0].status_code, second.status_code] == [201, 409]
    stored = candidate.get(f"/fhir/Bundle/{first[0].json()['id']}")
    assert stored.headers["etag"] == 'W/"1"'
    assert stored.json() == first[0].json()


def test_each_flag_is_acknowledged_by_name(candidate: TestClient) -> None:
    answer = sign(candidate, acknowledge=None)
    assert answer.status_code == 409
    assert "The flag derived of I2, X2" in diagnostics(answer)
    assert (
        sign(candidate, acknowledge={"valueCode": "rounding_sensitive,derived"}).status_code == 422
    )


def test_what_is_open_refuses_the_signature_criterion_by_criterion(candidate: TestClient) -> None:
    answer = sign(candidate, asOf={"valueDateTime": "2024-05-20T12:00:00Z"})
    assert answer.status_code == 409
    assert "Criterion I2 is open (" in diagnostics(answer)
    about = {"reference": f"Patient/{CANDIDATE}"}
    high = observation("afp", "1834-1", 400.1, "ng/mL", "2024-05-06T05:00:00Z", subject=about)
    assert candidate.put("/fhir/Observation/afp", json=high).is_success
    answer = sign(candidate)
    assert answer.status_code == 409
    assert "Criterion X3 fails" in diagnostics(answer)
    assert candidate.get("/fhir/Bundle").json()["total"] == 0


def test_the_limit_itself_refuses_nobody(candidate: TestClient) -> None:
    about = {"reference": f"Patient/{CANDIDATE}"}
    exact = observation("afp", "1834-1", 400, "ng/mL", "2024-05-06T05:00:00Z", subject=about)
    assert candidate.put("/fhir/Observation/afp", json=exact).is_success
    assert sign(candidate).status_code == 201


def test_the_dead_are_not_signed_for(candidate: TestClient) -> None:
    assert subject_of(candidate)["status"] == "potential-candidate"
    person = candidate.get(f"/fhir/Patient/{CANDIDATE}").json()
    dead = {**person, "deceasedDateTime": "2024-05-06T03:00:00Z"}
    assert candidate.put(f"/fhir/Patient/{CANDIDATE}", json=dead).is_success
    answer = sign(candidate)
    assert answer.status_code == 409
    assert "deceased" in diagnostics(answer)


def test_a_person_who_said_no_is_not_signed_over(candidate: TestClient) -> None:
    subject = subject_of(candidate)
    why = {"url": STATUS_REASON, "valueCode": "subject-decision"}
    moved = {**subject, "status": "withdrawn", "extension": [*subject["extension"], why]}
    answer = candidate.put(
        f"/fhir/ResearchSubject/{subject['id']}",
        json=moved,
        headers={"If-Match": f'W/"{subject["meta"]["versionId"]}"'},
    )
    assert answer.status_code == 200, answer.text
    refused = sign(candidate)
    assert refused.status_code == 409
    assert "withdrawn" in diagnostics(refused)


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"signer": None}, 422),
        ({"signer": {"valueReference": {"reference": "Practitioner/nobody"}}}, 422),
        ({"signer": {"valueReference": {"reference": f"Patient/{CANDIDATE}"}}}, 422),
        ({"signer": {"valueReference": {"reference": "#x"}}}, 422),
        ({"meaning": None}, 422),
        ({"meaning": {"valueCode": "1.2.840.10065.1.12.1.18"}}, 422),
        ({"asOf": {"valueDateTime": "2999-01-01T00:00:00Z"}}, 422),
        ({"asOf": {"valueString": "soon"}}, 400),
        ({"trial": {"valueCode": TRIAL}}, 400),
    ],
)
def test_what_is_wrong_with_the_parameters_is_said(
    candidate: TestClient, given: dict[str, Any], status: int
) -> None:
    answer = sign(candidate, **given)
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_only_subjects_of_the_gateway_are_signed(candidate: TestClient) -> None:
    assert candidate.post("/fhir/ResearchSubject/none/$sign", json=_asked()).status_code == 404
    theirs = {
        "resourceType": "ResearchSubject",
        "id": "theirs",
        "status": "candidate",
        "study": {"reference": "ResearchStudy/another"},
        "individual": {"reference": f"Patient/{CANDIDATE}"},
    }
    assert candidate.put("/fhir/ResearchSubject/theirs", json=theirs).is_success
    assert candidate.post("/fhir/ResearchSubject/theirs/$sign", json=_asked()).status_code == 422


def _asked() -> dict[str, Any]:
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "signer", "valueReference": {"reference": SIGNER}},
            {"name": "meaning", "valueCode": VERIFICATION},
        ],
    }


def test_minimal_answers_where_the_document_is(candidate: TestClient) -> None:
    candidate.headers["Prefer"] = "return=minimal"
    answer = sign(candidate)
    assert answer.status_code == 201
    assert answer.content == b""
    assert candidate.get(answer.headers["location"]).json()["type"] == "document"


def test_the_trial_zone_learns_nothing_of_it(candidate: TestClient) -> None:
    def zone() -> list[str]:
        pages = [candidate.get(f"/trials/{TRIAL}/fhir/{one}?_count=1000") for one in TRIAL_TYPES]
        assert all(one.status_code == 200 for one in pages)
        return [one.text for one in pages]

    assert subject_of(candidate)
    before = zone()
    document = sign(candidate).json()
    assert zone() == before
    for type_ in ("Bundle", "Composition", "Task", "Practitioner"):
        answer = candidate.get(f"/trials/{TRIAL}/fhir/{type_}/{document['id']}")
        assert answer.status_code == 404, type_
        assert candidate.get(f"/trials/{TRIAL}/fhir/{type_}").status_code == 404, type_


def test_the_statement_offers_it(client: TestClient) -> None:
    rest = client.get("/fhir/metadata").json()["rest"][0]
    (one,) = (each for each in rest["resource"] if each["type"] == "ResearchSubject")
    assert [each["name"] for each in one["operation"]] == ["sign"]
    assert one["operation"][0]["definition"].endswith("OperationDefinition/sign")
