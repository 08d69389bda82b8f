"""Whatever is sent or asked, the answer is a clear one, and never a fault of ours."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.integration.api.conftest import bundle, expressions, laboratory, observation, patient

pytestmark = pytest.mark.real_clock

BEYOND = ["0001", "0001-01-01", "9999", "9999-12", "9999-12-31", "0001-01-01T00:00:00+14:00"]
BEYOND += ["9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:60Z"]


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [entry["resource"]["id"] for entry in answer.json().get("entry", ())]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        *((f"date=le{text}", True) for text in BEYOND if text.startswith("9999")),
        *((f"date=ge{text}", True) for text in BEYOND if text.startswith("0001")),
        *((f"date=gt{text}", False) for text in BEYOND if text.startswith("9999")),
        *((f"date=lt{text}", False) for text in BEYOND if text.startswith("0001")),
        ("date=ap9990", False),
        ("date=ap9999-12-31", False),
        ("date=ap0005", False),
        ("date=2024-11-20T00:00Z", True),
        ("date=2024-11-20T00:00", True),
        ("date=2024-11-20T00:01", False),
        ("date=2024-11-20T00:00:00Z", True),
        ("date=2024-11-20T00:00:01Z", False),
        ("_lastUpdated=le9999-12-31", True),
        ("_count=" + "9" * 5000, True),
        ("_count=" + "0" * 5000, False),
    ],
)
def test_a_search_reaches_from_the_first_day_to_the_last(
    client: TestClient, query: str, found: bool
) -> None:
    client.post("/fhir", json=bundle("batch", patient(), observation("obs-1")))
    assert ids(client.get(f"/fhir/Observation?code=1975-2&{query.replace('+', '%2B')}")) == (
        ["obs-1"] if found else []
    )


@pytest.mark.parametrize("text", BEYOND)
def test_a_date_that_means_none_is_stored_and_harms_no_evaluation(
    meld: TestClient, text: str
) -> None:
    period = {"start": "2024-11-19", "end": text} if text > "2" else {"start": text}
    encounter = {
        "resourceType": "Encounter",
        "id": "enc-1",
        "status": "finished",
        "class": {"code": "IMP"},
        "subject": {"reference": "Patient/pat-1"},
        "period": period,
    }
    assert meld.put("/fhir/Encounter/enc-1", json=encounter).status_code == 201
    assert ids(meld.get("/fhir/Encounter?date=2024-11-20,lt2024,gt2025")) == ["enc-1"]
    answer = meld.put("/fhir/Observation/odd", json=observation("odd", at=text))
    assert answer.status_code == 201
    assert "no-effective-time" in answer.text
    dead = patient(deceasedDateTime=text)
    assert meld.put("/fhir/Patient/pat-1", json=dead).status_code == 200
    for path in ("$score?asOf=last", "$screen?asOf=last", "$screen"):
        assert meld.get(f"/fhir/Patient/pat-1/{path}").status_code == 200
    assert ids(meld.get("/fhir/Observation?patient=pat-1&_tag=derived"))
    for operation in ("$score", "$screen"):
        given = bundle("collection", dead, *laboratory(), observation("odd", at=text))
        for entry in given["entry"]:
            del entry["request"]
        assert meld.post(f"/fhir/{operation}", json=given).status_code == 200


@pytest.mark.parametrize("born", ["8999", "1000-01-01", "0001-01-01", "9999-12-31"])
def test_an_odd_birth_date_harms_no_evaluation(meld: TestClient, born: str) -> None:
    assert meld.put("/fhir/Patient/pat-1", json=patient(birthDate=born)).status_code == 200
    age = {"value": 54, "unit": "a", "system": "http://unitsofmeasure.org", "code": "a"}
    condition = {
        "resourceType": "Condition",
        "id": "c",
        "subject": {"reference": "Patient/pat-1"},
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "419620001"}]},
        "onsetAge": age,
    }
    assert meld.put("/fhir/Condition/c", json=condition).status_code == 201
    for path in ("$score", "$screen?asOf=last", "$screen?asOf=1000", "$screen?asOf=8999"):
        answer = meld.get(f"/fhir/Patient/pat-1/{path}")
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("clock", ["asOf", "knownAt"])
@pytest.mark.parametrize("text", BEYOND)
def test_a_clock_is_not_set_to_the_end_of_time(meld: TestClient, clock: str, text: str) -> None:
    for operation in ("$score", "$screen", "$score-timeline"):
        answer = meld.get(f"/fhir/Patient/pat-1/{operation}", params={clock: text})
        assert answer.status_code == 400
        assert "1000 to 8999" in answer.text


@pytest.mark.parametrize("text", BEYOND)
def test_nobody_is_enrolled_at_the_end_of_time(meld: TestClient, text: str) -> None:
    subject = meld.get("/fhir/ResearchSubject?patient=pat-1").json()["entry"][0]["resource"]
    moved = {**subject, "status": "on-study", "period": {"start": text}}
    answer = meld.put(
        f"/fhir/ResearchSubject/{subject['id']}", json=moved, headers={"If-Match": 'W/"1"'}
    )
    assert answer.status_code == 422
    assert expressions(answer.json()) == ["ResearchSubject.period.start"]


@pytest.mark.parametrize("version", ["0", "9" * 18, "9" * 19, "9" * 5000, "-1", "1.0", "x", "٣"])
@pytest.mark.parametrize("base", ["/fhir", "/trials/nct03668171/fhir"])
def test_a_version_that_cannot_be_is_not_there(meld: TestClient, base: str, version: str) -> None:
    answer = meld.get(f"{base}/Patient/pat-1/_history/{version}")
    assert answer.status_code == 404
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    "form",
    [
        {"_id": ",".join(map(str, range(201)))},
        {"code": ",".join(map(str, range(201)))},
        {"date": ",".join(["2024"] * 201)},
        {"code": [str(number) for number in range(201)]},
        {"patient": ["1,2,3"] * 67},
    ],
)
def test_more_values_than_a_search_takes_are_refused(client: TestClient, form: Any) -> None:
    answer = client.post("/fhir/Observation/_search", data=form)
    assert answer.status_code == 400
    assert "more than" in answer.text


@pytest.mark.parametrize(
    "name", ["_id", "code", "status", "patient", "encounter", "date", "identifier", "_lastUpdated"]
)
@pytest.mark.parametrize("spread", [False, True])
def test_as_many_values_as_a_search_takes_are_looked_for(
    client: TestClient, name: str, spread: bool
) -> None:
    values = [{"date": "2024", "_lastUpdated": "2024", "encounter": "Encounter/x"}.get(name, "x")]
    form = {name: values * 20 if spread else ",".join(values * 200)}
    answer = client.post("/fhir/Observation/_search", data=form)
    assert answer.status_code == 200, answer.text
    more = client.post("/fhir/Observation/_search", data={name: values * 21})
    assert more.status_code == 400


@pytest.mark.parametrize(("wrong", "listed"), [(199, 199), (200, 200), (201, 201), (30_000, 201)])
def test_of_very_many_problems_the_first_are_told(
    client: TestClient, wrong: int, listed: int
) -> None:
    bad = observation("obs-1", category=[1] * wrong)
    answers = [
        client.put("/fhir/Observation/obs-1", json=bad),
        client.post("/fhir", json=bundle("transaction", patient(), bad)),
        client.post("/fhir", json=bundle("transaction", *[{**bad, "id": f"o{n}"} for n in (1, 2)])),
    ]
    for answer, expected in zip(answers, (listed, listed, min(2 * wrong, 201)), strict=True):
        assert answer.status_code == 422
        told = [issue["details"]["text"] for issue in answer.json()["issue"]]
        assert len(told) == expected
        assert (told[-1] == "There are more problems than the 200 listed.") is (expected > 200)
    assert client.get("/fhir/Observation?_count=0").json()["total"] == 0


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_what_may_not_be_written_is_named_by_its_entry(meld: TestClient, kind: str) -> None:
    score = meld.get("/fhir/Observation?patient=pat-1&_tag=derived").json()["entry"][0]["resource"]
    subject = meld.get("/fhir/ResearchSubject?patient=pat-1").json()["entry"][0]["resource"]
    body = bundle(kind, patient("pat-2"), {**score, "language": "de"}, subject)
    answer = meld.post("/fhir", json=body)
    if kind == "transaction":
        assert answer.status_code == 403
        assert expressions(answer.json()) == ["Bundle.entry[1].resource"]
        assert meld.get("/fhir/Patient/pat-2").status_code == 404
        return
    made, refused, unmoved = (entry["response"] for entry in answer.json()["entry"])
    assert [one["status"][:3] for one in (made, refused, unmoved)] == ["201", "403", "412"]
    assert expressions(refused["outcome"]) == ["Bundle.entry[1].resource"]
    assert expressions(unmoved["outcome"]) == ["Bundle.entry[2].resource"]


@pytest.mark.parametrize("kind", ["batch", "transaction"])
@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("Patient?foo=bar", "http.foo: is not a search parameter of Patient here"),
        ("Patient?birthdate=junk", "http.birthdate: has a prefix that R4 does not know"),
        ("Patient?birthdate=9999-12-31", "points at nothing"),
        ("Patient?identifier=a|b", "points at nothing"),
        ("Patient?", "points at nothing"),
    ],
)
def test_a_conditional_reference_that_finds_nobody_is_named_by_its_place(
    client: TestClient, kind: str, reference: str, told: str
) -> None:
    pointing = observation("obs-1", subject={"reference": reference})
    answer = client.post("/fhir", json=bundle(kind, patient("pat-2"), pointing))
    if kind == "transaction":
        assert answer.status_code == 422
        outcome = answer.json()
        assert client.get("/fhir/Patient/pat-2").status_code == 404
    else:
        outcome = answer.json()["entry"][1]["response"]["outcome"]
    assert expressions(outcome) == ["Bundle.entry[1].resource.subject.reference"]
    assert told in outcome["issue"][0]["diagnostics"]
