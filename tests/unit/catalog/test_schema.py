import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from aclf_fhir.catalog import check
from aclf_fhir.catalog.files import FOLDERS, SINGLES
from aclf_fhir.catalog.schema import _is_integer, schema_path

Folder = Callable[[Mapping[str, str]], Path]
KINDS = (*FOLDERS, *SINGLES)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_a_schema_of_draft_2020_12(kind: str) -> None:
    schema = json.loads(schema_path(kind).read_text(encoding="utf-8"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_keys_are_errors_everywhere(kind: str) -> None:
    """Every object with named keys is closed; an open one is a map and says what it maps to."""

    def walk(node: object) -> None:
        if isinstance(node, dict):
            if node.get("type") == "object":
                assert node.get("additionalProperties") is not None
                if "properties" in node:
                    assert node["additionalProperties"] is False
            for inner in node.values():
                walk(inner)
        elif isinstance(node, list):
            for inner in node:
                walk(inner)

    walk(json.loads(schema_path(kind).read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("text", "path", "message", "remedy"),
    [
        ("title: 7\nzone: UTC\n", ": title", "'7' does not fit", "expected string"),
        ("title: ''\nzone: UTC\n", ": title", "'' does not fit", "expected minLength: 1"),
        ("title: [a]\nzone: UTC\n", ": title", "does not fit (type)", "expected string"),
        (
            "title: A\nzone: UTC\ndecimal_comma: yes\n",
            ": decimal_comma",
            "'yes' does not fit",
            "expected boolean",
        ),
        (
            "title: A\nzone: UTC\nvalue_sets: {local: {X: [{value_set: hiv, strength: sure}]}}\n",
            ": value_sets.local.X[0].strength",
            "'sure' does not fit",
            "expected one of: definite, supporting, review, history",
        ),
        (
            "title: A\nzone: UTC\nsystems: {Upper: urn:x}\n",
            ": systems",
            "'Upper' does not fit",
            "expected text like ^[a-z][a-z0-9_]*$",
        ),
        (
            "title: A\nzone: UTC\nzones: UTC\n",
            "",
            "Additional properties are not allowed ('zones' was unexpected)",
            "expected only: title, zone, ",
        ),
    ],
)
def test_an_error_says_where_and_what_was_expected(
    folder: Folder, text: str, path: str, message: str, remedy: str
) -> None:
    (issue,) = check(folder({"sites/a.yaml": text}))
    assert issue.location.endswith(f"/sites/a.yaml{path}")
    assert issue.message == message
    assert issue.remedy.startswith(remedy)


def test_alternatives_without_a_name_are_explained_one_by_one(folder: Folder) -> None:
    shipped = Path(__file__).parents[3] / "mappings" / "analytes" / "pregnancy.yaml"
    text = shipped.read_text(encoding="utf-8").replace("value: 3,", "value: [3],", 1)
    remedies = {issue.remedy for issue in check(folder({"analytes/own.yaml": text}))}
    assert remedies == {"expected number", "expected string"}


def test_a_decimal_without_a_fraction_is_an_integer() -> None:
    assert _is_integer(None, Decimal("3"))
    assert _is_integer(None, Decimal("3.0"))
    assert not _is_integer(None, Decimal("3.5"))
    assert not _is_integer(None, "3")
