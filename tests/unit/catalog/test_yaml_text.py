from decimal import Decimal

import pytest

from aclf_fhir.catalog.yaml_text import read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.20", Decimal("1.20")),
        ("17", Decimal(17)),
        ("-3", Decimal(-3)),
        ("1e3", Decimal("1E+3")),
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("No", "No"),
        ("True", "True"),
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z"),
        ("012", "012"),
        (".5", ".5"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        (".inf", ".inf"),
        ("0x10", "0x10"),
        ("6301-6", "6301-6"),
        ("48 h", "48 h"),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ('"1.20"', "1.20"),
        ("'true'", "true"),
        ("|\n  1.20", "1.20\n"),
    ],
)
def test_plain_words_stay_words_and_numbers_keep_their_digits(text: str, value: object) -> None:
    tree, issues = read_yaml(f"key: {text}\n", file="f.yaml")
    assert issues == []
    assert isinstance(tree, dict)
    assert tree["key"] == value
    assert str(tree["key"]) == str(value)
    assert type(tree["key"]) is type(value)


def test_keys_are_text() -> None:
    assert read_yaml("1.0: a\nno: b\n19943007: c\n", file="f.yaml")[0] == {
        "1.0": "a",
        "no": "b",
        "19943007": "c",
    }


def test_nesting() -> None:
    tree, _ = read_yaml("a: [1, {b: [x]}]\n", file="f.yaml")
    assert tree == {"a": [Decimal(1), {"b": ["x"]}]}


@pytest.mark.parametrize(
    ("text", "location", "message"),
    [
        ("a:\n  b: 1\n  c: 2\n  b: 3\n", "f.yaml: a.b", "the key is there twice (line 4)"),
        ("a: [{x: 1, x: 2}]\n", "f.yaml: a[0].x", "the key is there twice (line 1)"),
        ("a: &n [1]\nb: *n\n", "f.yaml: b", "an alias (*name) is not allowed here (line 1)"),
        (
            "a: !!int '5'\n",
            "f.yaml: a",
            "a tag (tag:yaml.org,2002:int) is not allowed here (line 1)",
        ),
        ("a: !x [1]\n", "f.yaml: a", "a tag (!x) is not allowed here (line 1)"),
        ("a: !x {b: 1}\n", "f.yaml: a", "a tag (!x) is not allowed here (line 1)"),
        ("? [1]\n: 2\n", "f.yaml", "a key is a list or a mapping (line 1)"),
        ("", "f.yaml", "the file is empty"),
        ("# only a comment\n", "f.yaml", "the file is empty"),
        ("a: 1\n---\nb: 2\n", "f.yaml", "not valid YAML: but found another document (line 2)"),
        ("a: [1\n", "f.yaml", "not valid YAML: did not find expected ',' or ']' (line 2)"),
        ("a: \x07\n", "f.yaml", "not valid YAML: control characters are not allowed"),
    ],
)
def test_what_a_reader_would_misread_is_refused(text: str, location: str, message: str) -> None:
    _, issues = read_yaml(text, file="f.yaml")
    assert [(issue.location, issue.message) for issue in issues] == [(location, message)]


def test_every_problem_is_reported_at_once() -> None:
    _, issues = read_yaml("a: 1\na: 2\nb: {c: 1, c: 2}\n", file="f.yaml")
    assert len(issues) == 2
