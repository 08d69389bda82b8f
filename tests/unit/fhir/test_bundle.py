# ruff: noqa: E501 - bodies stand on one line, as they are sent
import json
from typing import Any

import pytest

from aclf_fhir.errors import AclfError
from aclf_fhir.fhir import entry_issues, parse_resource, split_bundle, split_requests, validate

PATIENT = b'{ "resourceType":"Patient",  "active" : true }'


def bundle(*entries: dict[str, Any], kind: str = "transaction", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries), **more}


def entry(resource: Any = None, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"request": {"method": "POST", "url": "Patient"}, **more}
    return {k: v for k, v in {"resource": resource, **found}.items() if v is not None}


def test_entries_keep_their_bytes() -> None:
    body = (
        b'{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":'
        + PATIENT
        + b',"request":{"method":"PUT","url":"Patient/1","ifNoneExist":"a=b","ifMatch":"W/\\"1\\"",'
        b'"ifNoneMatch":"*","ifModifiedSince":"2024-01-01T00:00:00Z"}},'
        b'{"request":{"method":"DELETE","url":"Patient/2"}}]}'
    )
    parts = split_bundle(body)
    assert parts.type == "transaction"
    first, second = parts.entries
    assert first.resource == PATIENT
    assert (first.index, first.full_url, first.method, first.url) == (
        0,
        "urn:uuid:1",
        "PUT",
        "Patient/1",
    )
    assert (first.if_none_exist, first.if_match, first.if_none_match) == ("a=b", 'W/"1"', "*")
    assert first.if_modified_since == "2024-01-01T00:00:00Z"
    assert (second.resource, second.method, second.location) == (None, "DELETE", "Bundle.entry[1]")


def test_a_bundle_without_requests_is_taken_apart_too() -> None:
    body = json.dumps(bundle({"resource": {"resourceType": "Patient"}}, kind="collection")).encode()
    (one,) = split_bundle(body).entries
    assert one.method is None
    assert split_bundle(b'{"resourceType":"Bundle","type":"batch"}').entries == ()


@pytest.mark.parametrize(
    "bad",
    [
        {"resourceType": "Patient", "active": "yes"},
        {"resourceType": "Patient", "name": [{}]},
        {"resourceType": "Pill"},
        {"active": True},
    ],
)
def test_a_bad_entry_does_not_spoil_the_others(bad: dict[str, Any]) -> None:
    body = json.dumps(bundle(entry({"resourceType": "Patient"}), entry(bad))).encode()
    parts = split_bundle(body)
    assert parts.entries[0].resource is not None
    assert validate(parts.entries[0].resource) == ()
    assert parts.entries[1].resource is not None
    issues = entry_issues(validate(parts.entries[1].resource), 1)
    assert issues
    assert all(issue.location.startswith("Bundle.entry[1].resource") for issue in issues)
    whole = {issue.location for issue in validate(body)}
    assert all(location.startswith("Bundle.entry[1].resource") for location in whole)
    assert whole


def test_a_repeated_key_is_found_in_the_entry_or_around_it() -> None:
    inside = b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","active":true,"active":true}}]}'
    (one,) = split_bundle(inside).entries
    assert one.resource is not None
    assert [i.location for i in entry_issues(validate(one.resource), 0)] == [
        "Bundle.entry[0].resource.active"
    ]
    assert [i.location for i in validate(inside)] == ["Bundle.entry[0].resource.active"]
    around = inside.replace(b'"type":"collection"', b'"type":"batch","type":"collection"')
    with pytest.raises(AclfError) as caught:
        split_bundle(around)
    assert [i.location for i in caught.value.issues] == ["Bundle.type"]


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (bundle(kind="transactions"), {"Bundle.entry", "Bundle.type"}),
        (bundle({"fullUrl": "urn:uuid:1"}), {"Bundle", "Bundle.entry[0]"}),
        (bundle(entry(), entry(), total=1), {"Bundle"}),
        (bundle(entry(search={"mode": "match"})), {"Bundle"}),
        (bundle(entry(response={"status": "200"})), {"Bundle"}),
        (bundle(entry(fullUrl="http://x/Patient/1/_history/1")), {"Bundle.entry[0]"}),
        (bundle(entry(fullUrl="urn:uuid:1"), entry(fullUrl="urn:uuid:1")), {"Bundle"}),
        (bundle(entry(request={"method": "MOVE", "url": "x"})), {"Bundle.entry[0].request.method"}),
        (bundle({"resource": {"resourceType": "Patient"}}, kind="document"), {"Bundle"}),
        (bundle({"resource": {"resourceType": "Patient"}}, kind="message"), {"Bundle"}),
        (bundle({"resource": None}, kind="collection"), {"Bundle.entry[0].resource", "Bundle.entry[0]"}),
        (bundle({"resource": "x"}, kind="collection"), {"Bundle.entry[0].resource", "Bundle.entry[0]"}),
    ],
)  # fmt: skip
def test_a_bad_bundle_is_refused(tree: dict[str, Any], expected: set[str]) -> None:
    assert {issue.location for issue in validate(json.dumps(tree).encode())} == expected


def test_versions_make_the_same_full_url_distinct() -> None:
    one, two = (
        {"fullUrl": "http://x/Patient/1", "resource": {"resourceType": "Patient", "meta": {"versionId": v}}}
        for v in "12"
    )  # fmt: skip
    assert validate(json.dumps(bundle(one, two, kind="collection")).encode()) == ()
    bare = [
        {"fullUrl": f"http://x/Patient/{n}", "resource": {"resourceType": "Patient"}} for n in "12"
    ]
    assert validate(json.dumps(bundle(*bare, kind="collection")).encode()) == ()
    history = [entry(fullUrl="http://x/1", response={"status": "200"}) for _ in "12"]
    assert validate(json.dumps(bundle(*history, kind="history")).encode()) == ()


def test_resources_inside_are_judged_with_the_whole() -> None:
    inner = bundle({"resource": {"resourceType": "Patient", "gender": "x"}}, kind="collection")
    tree = {"resourceType": "Parameters", "parameter": [{"name": "p", "resource": inner}]}
    (issue,) = validate(json.dumps(tree).encode())
    assert issue.location == "Parameters.parameter[0].resource.entry[0].resource.gender"


def test_only_a_bundle_is_taken_apart() -> None:
    with pytest.raises(AclfError):
        split_bundle(PATIENT)
    assert parse_resource(PATIENT).id is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"resourceType":"Bundle","type":"batch","odd":1}',
        b'{"resourceType":"Bundle","type":"batch","entry":[],"odd":1}',
        b'{"resourceType":"Bundle","type":"collection","odd":1,"entry":[{"resource":{"resourceType":"Patient"}}]}',
        b'{"resourceType":"Bundle","type":"batch","entry":{}}',
        b'{"resourceType":"Bundle","type":"batch","entry":[}',
    ],
)
def test_requests_of_a_bundle_that_is_wrong_itself_are_not_taken_apart(body: bytes) -> None:
    with pytest.raises(AclfError) as apart:
        split_requests(body)
    with pytest.raises(AclfError) as whole:
        split_bundle(body)
    assert apart.value.issues == whole.value.issues


def test_what_is_wrong_with_one_request_stays_with_it() -> None:
    good = entry({"resourceType": "Patient"})
    bad = entry({"resourceType": "Patient"}, request={"method": "POST", "url": "a b"})
    parts = split_requests(json.dumps(bundle(good, bad, good, kind="batch")).encode())
    assert [len(one.issues) for one in parts.entries] == [0, 1, 0]
    assert [one.index for one in parts.entries] == [0, 1, 2]
    assert parts.entries[1].issues[0].location == "Bundle.entry[1].request.url"
    assert (parts.entries[1].method, parts.entries[1].url) == ("POST", "a b")


PLAIN = [
    {"fullUrl": "https://hospital.example/fhir/Patient/1", "resource": {"resourceType": "Patient"}},
    {"resource": {"resourceType": "Basic", "code": {"text": 'ü "entry":[{'}}},
    {"fullUrl": "urn:uuid:7d9c6d9b-0a5c-4b0b-9d2e-6a4a4f8d1c11", "resource": {"x": [1.20]}},
]


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize("kind", ["collection", "batch-response", "searchset", "nonsense"])
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"entry": PLAIN[:1]},
        {"entry": []},
        {"entry": [PLAIN[0], PLAIN[0]]},
        {"entry": [{"fullUrl": "Patient/1/_history/2", "resource": {}}]},
        {"entry": [*PLAIN, {"fullUrl": "has space", "resource": {}}]},
        {"entry": [*PLAIN, {"fullUrl": "", "resource": {}}]},
        {"entry": [*PLAIN, {"fullUrl": "urn:ü", "resource": {}}]},
        {"entry": [*PLAIN, {"resource": None}]},
        {"entry": [*PLAIN, {"resource": 1}]},
        {"entry": [*PLAIN, {}]},
        {"entry": [*PLAIN, entry({"resourceType": "Patient"})]},
        {"total": 3},
        {"unknown": {"entry": PLAIN}},
    ],
)
def test_a_bundle_without_space_is_taken_apart_as_any_other(
    kind: str, change: dict[str, Any]
) -> None:
    whole = {**bundle(*PLAIN, kind=kind), **change}
    assert _outcome(compact(whole)) == _outcome(json.dumps(whole, ensure_ascii=False).encode())


def _outcome(body: bytes) -> Any:
    try:
        parts = split_bundle(body)
    except AclfError as error:
        return error.issues
    return parts.type, [
        (one.location, one.full_url, one.method, json.loads(one.resource or b"null"))
        for one in parts.entries
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"type":"collection"', b'"type":"collection","type":"collection"'),
        (b'"entry":[', b'"entry":[],"entry":['),
        (
            b'{"resource":{"resourceType":"Basic"',
            b'{"resource":{},"resource":{"resourceType":"Basic"',
        ),
        (b'"fullUrl":"urn:', b'"fullUrl":"urn:x","fullUrl":"urn:'),
    ],
)
def test_a_repeated_key_is_refused_without_space_too(old: bytes, new: bytes) -> None:
    body = compact(bundle(*PLAIN, kind="collection"))
    assert split_bundle(body)
    assert old in body
    with pytest.raises(AclfError) as refused:
        split_bundle(body.replace(old, new))
    assert "more than once" in str(refused.value.issues)
