"""What is refused, with a clear error and nothing stored."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.integration.api.conftest import bundle, expressions, observation, patient

pytestmark = pytest.mark.real_clock

JSON = {"content-type": "application/fhir+json"}
TEXT = json.dumps(observation("obs-1"))


def post(client: TestClient, body: bytes | str, path: str = "/fhir/Observation") -> Any:
    return client.post(path, content=body, headers=JSON)


def stored(client: TestClient, type_: str = "Observation") -> int:
    total: int = client.get(f"/fhir/{type_}?_count=0").json()["total"]
    return total


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"resourceType":"Observation",}',
        b"\xef\xbb\xbf",
        TEXT.replace("4.2", "NaN").encode(),
        TEXT.replace("final", "fin\\ud800al").encode()[:-1],
        TEXT.encode().replace(b"final", b"fin\xffal"),
        TEXT.encode("utf-16"),
        b'{"resourceType":"Observation","a":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    ],
)
def test_what_is_no_json_is_400(client: TestClient, body: bytes) -> None:
    answer = post(client, body)
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["code"] == "invalid"
    assert stored(client) == 0


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"null", b"1", b"{}"])
def test_json_that_is_no_resource_is_422(client: TestClient, body: bytes) -> None:
    answer = post(client, body)
    assert answer.status_code == 422
    assert stored(client) == 0


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (TEXT.replace('"status"', '"status": "final", "status"'), "Observation.status"),
        (
            TEXT.replace('"unit"', '"value": 42, "unit"'),
            "Observation.valueQuantity.value",
        ),
        (TEXT.replace("mg/dL", "mg\\u0000dL"), "Observation.valueQuantity.unit"),
        (TEXT.replace("4.2", "4.2e31"), "Observation.valueQuantity.value"),
        (TEXT.replace("4.2", "4.2e-31"), "Observation.valueQuantity.value"),
    ],
)
def test_json_that_two_readers_read_differently_is_refused(
    client: TestClient, body: str, place: str
) -> None:
    answer = post(client, body)
    assert answer.status_code in {400, 422}
    assert place in expressions(answer.json())
    assert stored(client) == 0


@pytest.mark.parametrize(
    "number",
    [
        *("4.2e30", "4.2e-30", "9" * 31, "-" + "9" * 31, "0." + "0" * 29 + "1", "0." + "1" * 5000),
        *("0", "-0", "0.000", "0E+30", "1e+2", "1E-0"),
    ],
)
def test_a_number_in_range_is_taken(client: TestClient, number: str) -> None:
    assert post(client, TEXT.replace("4.2", number)).status_code == 201
    served = client.get("/fhir/Observation?code=1975-2")
    assert f'"value": {number},' in served.text


EXPONENT = "the number's exponent is beyond ±30"


@pytest.mark.parametrize(
    ("number", "message"),
    [
        *((number, EXPONENT) for number in ("1e31", "1E+31", "1e-31", "-1e31", "9.9e31", "10e30")),
        *((number, EXPONENT) for number in ("1e400", "-1e-400", "1e99999999999999999999", "0e31")),
        ("9" * 32, "the number has more than 31 digits before its decimal point"),
        ("-" + "1" * 40 + ".5", "the number has more than 31 digits before its decimal point"),
        ("1" * 5000, "the number has more than 31 digits before its decimal point"),
        ("0." + "0" * 30 + "1", "the number begins more than 30 places behind its decimal point"),
        ("0." + "0" * 31, "the number begins more than 30 places behind its decimal point"),
        ('"4.2"', "must be a JSON number"),
        ("true", "must be a JSON number"),
        ("null", "is null"),
        ("[4.2]", "must be a JSON number"),
        ("{}", "must be a JSON number"),
    ],
)
def test_a_number_out_of_range_is_told_at_its_place(
    client: TestClient, number: str, message: str
) -> None:
    answer = post(client, TEXT.replace("4.2", number))
    assert answer.status_code == 422
    (issue,) = answer.json()["issue"]
    assert issue["code"] == "invalid"
    assert issue["expression"] == ["Observation.valueQuantity.value"]
    assert issue["details"]["text"] == message
    assert stored(client) == 0


@pytest.mark.parametrize(
    ("number", "status", "message"),
    [
        ("1" * 40, 422, "the number has more than 31 digits before its decimal point"),
        ("1e40", 422, EXPONENT),
        ("2147483648", 422, "must lie between -2147483648 and 2147483647"),
        ("-2147483649", 422, "must lie between -2147483648 and 2147483647"),
        ("1.0", 422, "must be a whole JSON number"),
        ("1e2", 422, "must be a whole JSON number"),
        ("2147483647", 201, ""),
        ("-2147483648", 201, ""),
    ],
)
def test_a_whole_number_is_one(client: TestClient, number: str, status: int, message: str) -> None:
    whole = observation("obs-1", valueInteger=42)
    del whole["valueQuantity"]
    answer = post(client, json.dumps(whole).replace("42", number))
    assert answer.status_code == status
    assert stored(client) == (status == 201)
    if status == 422:
        (issue,) = answer.json()["issue"]
        assert issue["expression"] == ["Observation.valueInteger"]
        assert issue["details"]["text"] == message


@pytest.mark.parametrize(
    ("number", "message"),
    [
        *((number, "expecting ',' delimiter") for number in ("1e5e5", "1e", "1e+", "5.", "01")),
        *((number, "expecting ',' delimiter") for number in ("0x10", "1_000", "1.2.3")),
        ("1,5", "expecting property name"),
        *((number, "expecting value") for number in ("+1", ".5", "e5", "--1")),
        *((number, number) for number in ("NaN", "Infinity", "-Infinity")),
    ],
)
def test_what_is_no_number_of_json_is_told_with_its_column(
    client: TestClient, number: str, message: str
) -> None:
    answer = post(client, TEXT.replace("4.2", number))
    assert answer.status_code == 400
    (issue,) = answer.json()["issue"]
    assert issue["code"] == "invalid"
    assert message in issue["details"]["text"]
    assert "line 1, column" in issue["details"]["text"] or "Inf" in number or "NaN" in number
    assert stored(client) == 0


def test_invalid_r4_is_422_with_every_problem_at_once(client: TestClient) -> None:
    bad = observation("obs-1", unknownElement=1, effectiveDateTime="yesterday")
    del bad["status"]
    bad["valueString"] = "two values"
    answer = client.post("/fhir/Observation", json=bad)
    assert answer.status_code == 422
    found = expressions(answer.json())
    assert "Observation.status" in found
    assert "Observation.effectiveDateTime" in found
    assert any("unknownElement" in path for path in found)
    assert len(found) >= 4
    assert stored(client) == 0


@pytest.mark.parametrize("path", ["/fhir/Observations", "/fhir/observation", "/fhir/x"])
def test_an_unknown_resource_type_is_404(client: TestClient, path: str) -> None:
    answer = post(client, TEXT, path)
    assert answer.status_code == 404
    assert answer.json()["issue"][0]["code"] == "not-found"


def test_a_type_that_is_not_that_of_the_url_is_refused(client: TestClient) -> None:
    answer = post(client, TEXT, "/fhir/Condition")
    assert answer.status_code == 422
    assert stored(client) == stored(client, "Condition") == 0


def test_an_id_that_is_not_that_of_the_url_is_refused(client: TestClient) -> None:
    answer = client.put("/fhir/Observation/other", json=observation("obs-1"))
    assert answer.status_code == 422
    assert expressions(answer.json()) == ["Observation.id"]
    assert stored(client) == 0


@pytest.mark.parametrize(
    "type_", ["collection", "searchset", "history", "batch-response", "transaction-response"]
)
def test_a_bundle_that_asks_for_nothing_is_refused(client: TestClient, type_: str) -> None:
    answer = client.post("/fhir", json={"resourceType": "Bundle", "type": type_})
    assert answer.status_code == 422
    assert "Bundle.type" in expressions(answer.json())


def test_what_is_no_bundle_is_not_taken_at_the_base(client: TestClient) -> None:
    answer = client.post("/fhir", json=patient())
    assert answer.status_code == 422
    assert stored(client, "Patient") == 0


def test_a_body_over_the_limit_is_413_before_it_is_read(client: TestClient) -> None:
    sent = 0

    def endless() -> Any:
        nonlocal sent
        for _ in range(100):
            sent += 10_000
            yield b" " * 10_000

    declared = post(client, b" " * 200_001)
    assert declared.status_code == 413
    streamed = client.post("/fhir/Observation", content=endless(), headers=JSON)
    assert streamed.status_code == 413
    assert streamed.json()["issue"][0]["code"] == "too-long"


def test_a_body_at_the_limit_is_read(client: TestClient) -> None:
    body = TEXT.encode()
    assert post(client, body + b" " * (200_000 - len(body))).status_code == 201


def test_a_bundle_with_too_many_entries_is_413(client: TestClient) -> None:
    entries = [patient(f"p{number}") for number in range(51)]
    answer = client.post("/fhir", json=bundle("batch", *entries))
    assert answer.status_code == 413
    assert expressions(answer.json()) == ["Bundle.entry"]
    assert stored(client, "Patient") == 0
    assert client.post("/fhir", json=bundle("batch", *entries[:50])).status_code == 200


@pytest.mark.parametrize(
    "reference",
    [
        "urn:uuid:0b1f7c3e-8f6b-4b5f-9d4c-1f0e6a7b8c9d",
        "Patient?identifier=http://a.example|nobody",
    ],
)
def test_a_reference_that_leads_nowhere_refuses_the_whole_transaction(
    client: TestClient, reference: str
) -> None:
    body = bundle("transaction", patient(), observation("obs-1", subject={"reference": reference}))
    answer = client.post("/fhir", json=body)
    assert answer.status_code in {400, 412, 422}
    assert "Bundle.entry[1].resource.subject" in "".join(expressions(answer.json()))
    assert stored(client, "Patient") == stored(client) == 0


def test_every_problem_of_every_entry_of_a_transaction_is_told(client: TestClient) -> None:
    one, two = observation("a"), observation("b")
    del one["status"]
    del two["code"]
    answer = client.post("/fhir", json=bundle("transaction", one, patient(), two))
    assert answer.status_code == 422
    assert {"Bundle.entry[0].resource.status", "Bundle.entry[2].resource.code"} <= set(
        expressions(answer.json())
    )
    assert stored(client, "Patient") == 0


def test_two_entries_for_one_resource_are_refused_with_their_index(client: TestClient) -> None:
    answer = client.post("/fhir", json=bundle("transaction", patient(), patient(gender="male")))
    assert answer.status_code == 422
    assert any("entry[1]" in path for path in expressions(answer.json()))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"request": None}, 422),
        ({"request": {"method": "DELETE", "url": "Patient/pat-1"}}, 422),
        ({"request": {"method": "PUT", "url": "Patient"}}, 422),
        ({"request": {"method": "POST", "url": "Patent"}}, 404),
        ({"request": {"method": "POST", "url": "Patient", "ifNoneExist": "identifier=x"}}, 422),
        ({"resource": None}, 422),
    ],
)
def test_an_entry_that_cannot_be_done_is_refused(
    client: TestClient, change: dict[str, Any], status: int
) -> None:
    body = bundle("batch", patient())
    entry = {**body["entry"][0], **change}
    body["entry"][0] = {name: value for name, value in entry.items() if value is not None}
    answer = client.post("/fhir", json=body)
    if answer.status_code == 200:
        response = answer.json()["entry"][0]["response"]
        assert response["status"].startswith(str(status))
        assert response["outcome"]["issue"][0]["severity"] == "error"
    else:
        assert answer.status_code == 422
    assert stored(client, "Patient") == 0


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_method_that_is_not_there_is_405_and_says_which_are(
    client: TestClient, method: str
) -> None:
    answer = client.request(method, "/fhir/Patient/pat-1")
    assert answer.status_code == 405
    assert answer.json()["issue"][0]["code"] == "not-supported"
    assert answer.headers["allow"] == "GET, PUT"


@pytest.mark.parametrize(
    "content_type",
    ["application/fhir+xml", "text/xml", "application/json; charset=latin-1", "text/plain"],
)
def test_another_media_type_is_415(client: TestClient, content_type: str) -> None:
    answer = client.post("/fhir/Observation", content=TEXT, headers={"content-type": content_type})
    assert answer.status_code == 415
    assert "XML" in answer.json()["issue"][0]["diagnostics"]
    assert stored(client) == 0


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_an_encoded_body_is_415(client: TestClient, encoding: str) -> None:
    headers = {**JSON, "content-encoding": encoding}
    assert client.post("/fhir/Observation", content=TEXT, headers=headers).status_code == 415


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/fhir+json", 200),
        ("application/json", 200),
        ("text/html,application/xml;q=0.9,*/*;q=0.8", 200),
        ("application/fhir+json; fhirVersion=4.0", 200),
        ("application/fhir+json; fhirVersion=5.0", 406),
        ("application/fhir+xml", 406),
        ("text/html", 406),
        ("application/json;q=0", 406),
    ],
)
def test_only_json_is_served(client: TestClient, accept: str, status: int) -> None:
    answer = client.get("/fhir/metadata", headers={"accept": accept})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/fhir+json"


@pytest.mark.parametrize(
    ("format_", "status"),
    [("json", 200), ("application/fhir%2Bjson", 200), ("xml", 406), ("text/turtle", 406)],
)
def test_format_overrules_accept(client: TestClient, format_: str, status: int) -> None:
    answer = client.get(
        f"/fhir/metadata?_format={format_}", headers={"accept": "application/fhir+xml"}
    )
    assert answer.status_code == status


@pytest.mark.parametrize("header", ["If-None-Exist", "If-None-Match"])
def test_a_conditional_write_is_refused_and_not_done_without_its_condition(
    client: TestClient, header: str
) -> None:
    answer = (
        client.post("/fhir/Patient", json=patient(), headers={header: "identifier=a|b"})
        if header == "If-None-Exist"
        else client.put("/fhir/Patient/pat-1", json=patient(), headers={header: "*"})
    )
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["code"] == "not-supported"
    assert stored(client, "Patient") == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"final"', '"final", "status": "final"'),
        ('"mg/dL", "system"', '"mg\\u0000dL", "system"'),
        ("4.2", "4.2e31"),
        ('"final"', '"finished"'),
    ],
)
def test_what_is_wrong_with_one_entry_of_a_batch_is_told_there_and_harms_no_other(
    client: TestClient, old: str, new: str
) -> None:
    text = json.dumps(bundle("batch", observation("bad"), patient()))
    assert old in text
    answer = client.post("/fhir", content=text.replace(old, new, 1), headers=JSON)
    assert answer.status_code == 200, answer.text
    bad, good = (entry["response"] for entry in answer.json()["entry"])
    assert bad["status"].startswith(("400", "422"))
    assert all(path.startswith("Bundle.entry[0].resource") for path in expressions(bad["outcome"]))
    assert good["status"].startswith("201")
    whole = text.replace('"batch"', '"transaction"').replace(old, new, 1).replace("pat-1", "pat-2")
    refused = client.post("/fhir", content=whole, headers=JSON)
    assert refused.status_code in {400, 422}
    assert client.get("/fhir/Patient/pat-2").status_code == 404
