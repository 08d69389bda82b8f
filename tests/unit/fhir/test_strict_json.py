"""Nothing passes that two readers of JSON could read differently."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aclf_fhir.errors import AclfError
from aclf_fhir.fhir import parse_resource, validate
from aclf_fhir.fhir.strict_json import check, may_be_too_deep, problems, read
from tests.unit.fhir.test_seeded_errors import contained, observation, patient


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"a":1,}',
        b"{'a':1}",
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":01}',
        b'{"a":1.}',
        b'{"a":"\x00"}',
        b'{"a":"\n"}',
        b'{"a":1} x',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"x',
        b"[" * 65 + b"]" * 65,
    ],
)
def test_what_is_no_json_is_unparsable(body: bytes) -> None:
    for call in (check, parse_resource):
        with pytest.raises(AclfError) as caught:
            call(body)
        assert caught.value.http == 400
        assert len(caught.value.issues) == 1


def test_the_depth_is_an_argument() -> None:
    check(b"[" * 10 + b'"]]]]"' + b"]" * 10, max_depth=10)
    with pytest.raises(AclfError) as caught:
        check(b"[" * 11 + b"]" * 11, max_depth=10)
    assert caught.value.issues[0].unparsable
    with pytest.raises(AclfError):
        check(b"[" * 20000 + b"]" * 20000, max_depth=50000)


@pytest.mark.parametrize(
    ("body", "location"),
    [
        (b'{"a":1,"a":1}', "a"),
        (b'{"x":[{"a":1,"b":2,"\\u0061":1}]}', "x[0].a"),
        (b'{"resourceType":"Patient","id":"1","id":"2"}', "Patient.id"),
        (b'{"a":"\\u0000"}', "a"),
        (b'{"a":"\\ud800"}', "a"),
        (b'{"\\u0000":1}', "?"),
        (b'{"a":1e31}', "a"),
        (b'{"a":1e-31}', "a"),
        (b'{"a":1e400}', "a"),
        (b'{"a":1e99999999999999999999}', "a"),
        (b'{"a":[0,123456789012345678901234567890123]}', "a[1]"),
    ],
)
def test_what_is_ambiguous_is_refused_at_its_place(body: bytes, location: str) -> None:
    with pytest.raises(AclfError) as caught:
        check(body)
    assert [issue.location for issue in caught.value.issues] == [location]
    assert caught.value.http == 422


def test_a_location_shows_no_strange_key() -> None:
    assert [issue.location for issue in problems(read(b'{"Jane Doe":{"a":1,"a":2}}'))] == ["?.a"]


@pytest.mark.parametrize("text", ["1e30", "1e-30", "-0", "1.20", "0.000", "1E+5", "true", "null"])
def test_what_is_in_range_passes(text: str) -> None:
    check(b'{"a":[%s]}' % text.encode())


def _spellings(tree: object) -> list[bytes]:
    return [
        json.dumps(tree, separators=(",", ":")).encode(),
        json.dumps(tree, separators=(" , ", " : ")).encode(),
        json.dumps(tree, indent=1).encode(),
    ]


@pytest.mark.parametrize("base", [observation(), patient(), contained()])
def test_a_repeated_key_never_gets_through(base: dict[str, object]) -> None:
    """Repeat each member in turn, with a key spelled plainly or with an escape."""
    for body in _spellings(base):
        text = body.decode()
        decoder = json.JSONDecoder()
        tried = 0
        for position, sign in enumerate(text):
            if sign != '"':
                continue
            try:
                key, after = decoder.raw_decode(text, position)
            except ValueError:
                continue
            rest = text[after:].lstrip()
            if not rest.startswith(":") or not isinstance(key, str) or not key.isalnum():
                continue
            value_at = len(text) - len(rest[1:].lstrip())
            _, end = decoder.raw_decode(text, value_at)
            for name in (json.dumps(key), f'"\\u{ord(key[0]):04x}{key[1:]}"'):
                member = f"{name}:{text[value_at:end]},"
                twice = (text[:position] + member + text[position:]).encode()
                assert validate(twice), twice
                tried += 1
        assert tried > 20


def test_an_escaped_quote_does_not_hide_a_repeated_key() -> None:
    for hidden in ("\\u0022:", "\\u0022\\u003a", '\\":', "\\u005c\\u0022"):
        body = (
            '{"resourceType":"Patient","gender":"male","gender":"male",'
            f'"name":[{{"text":"{hidden * 4}"}}]}}'
        )
        assert [issue.location for issue in validate(body.encode())] == ["Patient.gender"]
        once = body.replace('"gender":"male",', "", 1)
        assert validate(once.encode()) == ()


def _nested(levels: int) -> bytes:
    inner: dict[str, object] = {"url": "u", "valueString": "x"}
    for _ in range(levels):
        inner = {"url": "u", "extension": [inner]}
    return json.dumps({"resourceType": "Patient", "extension": [inner]}).encode()


def test_a_resource_nests_as_deep_as_allowed() -> None:
    assert validate(_nested(28)) == ()
    for levels in (31, 40, 300):
        (issue,) = validate(_nested(levels))
        assert issue.unparsable
    assert validate(_nested(31), max_depth=200) == ()
    (issue,) = validate(_nested(3), max_depth=6)
    assert issue.unparsable


def test_brackets_in_strings_make_nothing_deep() -> None:
    tree = patient() | {"extension": [{"url": "u", "extension": [
        {"url": "u", "valueString": "[{" * 100}]}]}  # fmt: skip
    assert may_be_too_deep(json.dumps(tree).encode(), 64)
    assert validate(json.dumps(tree).encode()) == ()
    assert not may_be_too_deep(json.dumps(patient()).encode(), 64)


MUTATED = [json.dumps(base).encode() for base in (observation(), patient(), contained())]


@given(st.sampled_from(MUTATED), st.integers(0, 5000), st.integers(0, 20), st.binary(max_size=4))
def test_broken_bytes_are_refused_or_valid_but_never_a_crash(
    body: bytes, at: int, length: int, new: bytes
) -> None:
    at %= len(body)
    changed = body[:at] + new + body[at + length :]
    for issue in validate(changed):
        assert issue.category in ("invalid", "not_found")
        assert issue.message != "does not conform to R4", changed


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from([observation, patient, contained]), st.data())
def test_strange_values_anywhere_never_crash(base: object, data: st.DataObject) -> None:
    tree = base()
    node = tree
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = data.draw(st.sampled_from(keys))
        if isinstance(node[key], dict | list) and node[key] and data.draw(st.booleans()):
            node = node[key]
            continue
        node[key] = data.draw(TREES)
        break
    for issue in validate(json.dumps(tree).encode()):
        assert issue.message != "does not conform to R4", tree
