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
            ": zones",
            "there is no such key here",
            "did you mean zone? expected only: title, zone, ",
        ),
        (
            "title: A\nzone: UTC\nunrelated: UTC\n",
            ": unrelated",
            "there is no such key here",
            "expected only: title, zone, ",
        ),
        (
            "title: A\nzone: U\nvalue_sets: {local: {X: [{value_set: hiv, strength: definit}]}}\n",
            ": value_sets.local.X[0].strength",
            "'definit' does not fit",
            "did you mean definite? expected one of: definite, supporting, review, history",
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


def test_every_misspelt_key_is_told_with_the_nearest_name(folder: Folder) -> None:
    issues = check(folder({"sites/a.yaml": "title: A\nzone: UTC\nvalue_set: {}\nscale: {}\n"}))
    told = {issue.location.rpartition(": ")[2]: issue.remedy for issue in issues}
    assert told["value_set"].startswith("did you mean value_sets? expected only: ")
    assert told["scale"].startswith("did you mean scales? expected only: ")


@pytest.mark.parametrize(
    ("shipped", "right", "wrong", "path"),
    [
        ("mappings/analytes/liver.yaml", "molar_mass:", "molar_mas:", "analytes.bilirubin_total."),
        ("mappings/specimens.yaml", "codes:", "code:", "specimens.blood."),
        ("trials/nct02857010.yaml", "time_zero:", "time_zreo:", ""),
        ("trials/nct02857010.yaml", "source:", "soruce:", "inclusion[0]."),
    ],
)
def test_a_misspelt_key_of_a_shipped_file_is_told_with_the_nearest_name(
    tmp_path: Path, shipped: str, right: str, wrong: str, path: str
) -> None:
    text = (Path(__file__).parents[3] / shipped).read_text(encoding="utf-8")
    own = tmp_path / shipped
    own.parent.mkdir(parents=True)
    own.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    issue = check(tmp_path)[0]
    assert issue.location == f"{own}: {path}{wrong[:-1]}"
    assert issue.remedy.startswith(f"did you mean {right[:-1]}? expected only: ")


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
