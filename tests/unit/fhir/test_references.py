# ruff: noqa: E501 - bodies stand on one line, as they are sent
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aclf_fhir.errors import AclfError
from aclf_fhir.fhir import (
    Reference,
    iter_references,
    parse_reference,
    parse_resource,
    r4,
    splice_meta,
    splice_references,
)

NOW = datetime(2024, 6, 15, 8, 30, tzinfo=UTC)
WRITTEN = "2024-06-15T08:30:00.000Z"


@pytest.mark.parametrize(
    ("text", "kind", "type_", "id_", "version"),
    [
        ("Patient/1", "relative", "Patient", "1", None),
        ("Patient/1/_history/2", "relative", "Patient", "1", "2"),
        ("https://h/fhir/Patient/a-b.c", "absolute", "Patient", "a-b.c", None),
        ("http://h/x/Patient/1/_history/3", "absolute", "Patient", "1", "3"),
        ("https://h/else", "absolute", None, None, None),
        ("https://h/Pill/1", "absolute", None, None, None),
        ("urn:uuid:x", "urn", None, None, None),
        ("#m", "fragment", None, "m", None),
        ("#", "fragment", None, "", None),
        ("Patient?identifier=a|b", "conditional", "Patient", None, None),
    ],
)
def test_a_reference_is_taken_apart(
    text: str, kind: Any, type_: str | None, id_: str | None, version: str | None
) -> None:
    assert parse_reference(text) == Reference(kind, type_, id_, version, text)


@pytest.mark.parametrize(
    "text", ["1", "Pill/1", "Patient/", "Patient/a b", "/Patient/1", "Pill?x=1"]
)
def test_what_is_no_reference_is_invalid(text: str) -> None:
    with pytest.raises(AclfError):
        parse_reference(text)


def test_references_are_found_everywhere() -> None:
    resource = parse_resource(
        json.dumps(
            {
                "resourceType": "Observation",
                "status": "final",
                "code": {"text": "x"},
                "subject": {
                    "reference": "Patient/1",
                    "identifier": {"assigner": {"reference": "Organization/2"}},
                },
                "performer": [{"display": "x"}, {"reference": "Practitioner/3"}],
                "extension": [{"url": "u", "valueReference": {"reference": "Device/4"}}],
                "_issued": {"extension": [{"url": "u", "valueReference": {"display": "y"}}]},
            }
        ).encode()
    )
    found = {path: element.reference for path, element in iter_references(resource)}
    assert found == {
        "Observation.subject": "Patient/1",
        "Observation.subject.identifier.assigner": "Organization/2",
        "Observation.performer[0]": None,
        "Observation.performer[1]": "Practitioner/3",
        "Observation.extension[0].valueReference": "Device/4",
        "Observation._issued.extension[0].valueReference": None,
    }


def test_nulls_among_siblings_are_stepped_over() -> None:
    body = b'{"resourceType":"Patient","name":[{"given":["a","b"],"_given":[null,{"id":"x"}]}]}'
    assert list(iter_references(parse_resource(body))) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            b'{"resourceType":"Observation","valueQuantity":{"value":1.20}}',
            b'{"resourceType":"Observation","id":"i","meta":{"versionId":"7","lastUpdated":"T"},'
            b'"valueQuantity":{"value":1.20}}',
        ),
        (
            b' { "resourceType" : "Patient" , "meta" : { "source":"x", "versionId":"1" }, "id":"old"}\n',
            b' { "resourceType" : "Patient" , "meta" : { "source":"x","lastUpdated":"T", "versionId":"7" }, "id":"i"}\n',
        ),
        (
            b'{"id":"old","meta":{},"resourceType":"Patient"}',
            b'{"id":"i","meta":{"versionId":"7","lastUpdated":"T"},"resourceType":"Patient"}',
        ),
        (
            b'{"meta":{"lastUpdated":"x","versionId":"\\"}"},"text":"\\"id\\":1","id":"\\u0061"}',
            b'{"meta":{"lastUpdated":"T","versionId":"7"},"text":"\\"id\\":1","id":"i"}',
        ),
        (b"{}", b'{"id":"i","meta":{"versionId":"7","lastUpdated":"T"}}'),
    ],
)
def test_meta_is_spliced_and_nothing_else(body: bytes, expected: bytes) -> None:
    spliced = splice_meta(body, id="i", version_id="7", last_updated=NOW)
    assert spliced == expected.replace(b'"T"', f'"{WRITTEN}"'.encode())


@pytest.mark.parametrize("body", [b"[]", b"1"])
def test_only_objects_are_spliced(body: bytes) -> None:
    with pytest.raises(ValueError, match="object"):
        splice_meta(body, id="i", version_id="7", last_updated=NOW)


def test_a_repeated_key_is_not_spliced() -> None:
    for body in (b'{"a":1,"a":"xyz","id":"1"}', b'{"a":1,"b":2,"a":"xyz","id":"1"}'):
        with pytest.raises(ValueError, match="repeats"):
            splice_meta(body, id="i", version_id="7", last_updated=NOW)


def test_references_are_spliced_by_whole_values() -> None:
    body = (
        b'{"subject" : {"reference" :\n"urn:uuid:1"}, "x":"urn:uuid:1", "text":"\\"reference\\":\\"urn:uuid:1\\"",'
        b' "performer":[{"reference":"urn:uuid:12"},{"reference":"urn:uuid:1"}],'
        b'"encounter":{"reference":"Encounter?identifier=\\"a\\""}, "value":1.20}'
    )
    mapping = {"urn:uuid:1": "Patient/1", 'Encounter?identifier="a"': "Encounter/9"}
    assert splice_references(body, mapping) == (
        b'{"subject" : {"reference" :\n"Patient/1"}, "x":"urn:uuid:1", "text":"\\"reference\\":\\"urn:uuid:1\\"",'
        b' "performer":[{"reference":"urn:uuid:12"},{"reference":"Patient/1"}],'
        b'"encounter":{"reference":"Encounter/9"}, "value":1.20}'
    )


def test_escaped_spellings_are_spliced_too() -> None:
    body = b'{"a":["x","reference"],"\\u0072eference" : "urn:\\u0075uid:1","reference":"y"}'
    assert splice_references(body, {"urn:uuid:1": "Patient/1"}) == (
        b'{"a":["x","reference"],"\\u0072eference" : "Patient/1","reference":"y"}'
    )


SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8)
SCALARS |= st.sampled_from(["urn:uuid:1", "reference", "id", 'a"reference":"urn:uuid:1', "\\"])
KEYS = st.sampled_from(["id", "meta", "reference", "versionId", "lastUpdated", "x"]) | st.text(
    max_size=4
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
STYLES = st.sampled_from(
    [{"separators": (",", ":")}, {}, {"indent": 2}, {"separators": (" ,\t", "\r\n: ")}]
)


@given(
    st.dictionaries(KEYS.filter(lambda key: key != "meta"), TREES, max_size=5),
    st.none() | st.dictionaries(KEYS, TREES, max_size=4),
    STYLES,
    st.booleans(),
)
def test_splicing_meta_changes_three_values(
    tree: dict[str, Any], meta: dict[str, Any] | None, style: Any, ascii_only: bool
) -> None:
    if meta is not None:
        tree = tree | {"meta": meta}
    body = json.dumps(tree, ensure_ascii=ascii_only, **style).encode()
    spliced = splice_meta(body, id="i", version_id="7", last_updated=NOW)
    expected = tree | {
        "id": "i",
        "meta": (meta or {}) | {"versionId": "7", "lastUpdated": WRITTEN},
    }
    assert json.loads(spliced) == expected
    again = splice_meta(spliced, id="i", version_id="7", last_updated=NOW)
    assert again == spliced


def _resolved(tree: Any, mapping: dict[str, str]) -> Any:
    if isinstance(tree, dict):
        return {
            key: mapping.get(value, value)
            if key == "reference" and isinstance(value, str)
            else _resolved(value, mapping)
            for key, value in tree.items()
        }
    return [_resolved(item, mapping) for item in tree] if isinstance(tree, list) else tree


@given(TREES, STYLES, st.booleans())
def test_splicing_references_changes_references_alone(
    tree: Any, style: Any, ascii_only: bool
) -> None:
    mapping = {"urn:uuid:1": 'Patient/"ä', "id": "Device/1"}
    body = json.dumps(tree, ensure_ascii=ascii_only, **style).encode()
    spliced = splice_references(body, mapping)
    expected = _resolved(tree, mapping)
    assert json.loads(spliced) == expected
    if expected == tree:
        assert spliced == body


def test_structs_say_their_type() -> None:
    assert r4.Observation.__name__ == "Observation"
    with pytest.raises(AttributeError):
        r4.Pill  # noqa: B018 - the access is what is tested
