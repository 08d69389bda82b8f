"""The project's own case file is fresh, whole, in the format of `verify`, and passes."""

import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from aclf_fhir.catalog import own_cases
from aclf_fhir.cli import app
from aclf_fhir.scores import SCORES
from tests.conftest import ROOT
from tools.spec_cases import quantity

TOOL = ROOT / "tools" / "generate_case_file.py"
SHARED = ROOT.parent / "shared" / "clinical" / "vectors.json"


@pytest.fixture(scope="module")
def cases() -> list[dict[str, Any]]:
    tree = json.loads(own_cases().read_text(encoding="utf-8"))
    assert tree["count"] == len(tree["cases"])
    listed: list[dict[str, Any]] = tree["cases"]
    return listed


def test_the_file_is_fresh() -> None:
    run = subprocess.run(
        [sys.executable, str(TOOL), "--check"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout


def rules_with_a_case_id() -> set[str]:
    written = (ROOT / "trials").glob("*.yaml")
    return {
        name
        for path in written
        for name in re.findall(r"\bcase: (\w+)", path.read_text(encoding="utf-8"))
    }


def test_every_score_rule_and_conversions_are_in_it(cases: list[dict[str, Any]]) -> None:
    assert {case["score"] for case in cases} == {
        *SCORES,
        *rules_with_a_case_id(),
        "unit_conversion",
    }
    assert len({case["id"] for case in cases}) == len(cases)
    for case in cases:
        assert set(case) == {"id", "score", "inputs", "expected", "source"}
        assert case["source"]


def test_an_installation_is_verified_without_naming_a_file(cases: list[dict[str, Any]]) -> None:
    ended = CliRunner().invoke(app, ["verify"])
    assert ended.exit_code == 0, ended.output
    count = len(cases)
    assert f"{count} cases: {count} passed, 0 failed, 0 not supported" in ended.output


def test_no_case_was_copied_from_elsewhere(cases: list[dict[str, Any]]) -> None:
    """The inputs are our own, apart from the limits that everybody has to test."""
    if not SHARED.exists():
        pytest.skip("the shared case file does not lie beside this repository")
    shared = json.loads(SHARED.read_text(encoding="utf-8"))["cases"]
    ids = {case["id"] for case in shared}
    notes = {case["note"] for case in shared if len(case.get("note", "")) > 20}
    assert not ids & {case["id"] for case in cases}
    assert not notes & {case["source"] for case in cases}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("1.9 mg/dL", {"value": Decimal("1.9"), "unit": "mg/dL"}),
        ("<0.2 mg/dL", {"value": Decimal("0.2"), "unit": "mg/dL", "comparator": "<"}),
        (">=20", {"value": Decimal(20), "unit": None, "comparator": ">="}),
        ("-3 s", {"value": Decimal(-3), "unit": "s"}),
        ("2", "2"),
        ("refractory", "refractory"),
        (True, True),
        (None, None),
    ],
)
def test_a_quantity_is_written_as_in_a_letter(text: object, read: object) -> None:
    assert quantity(text) == read


@pytest.mark.parametrize("packaged", [True, False])
def test_the_file_is_found_in_a_wheel_and_in_the_repository(
    packaged: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aclf_fhir.catalog.shipped_cases.data_root", lambda: tmp_path)
    there = tmp_path / ("cases" if packaged else "tests/spec/cases") / "score_cases.json"
    there.parent.mkdir(parents=True)
    there.touch()
    assert own_cases() == there


def test_every_convention_of_the_format_is_in_it(cases: list[dict[str, Any]]) -> None:
    """A site that passes the file has seen every way an input or a result is written."""
    inputs = [(name, value) for case in cases for name, value in case["inputs"].items()]
    expected = [pair for case in cases for pair in case["expected"].items()]
    assert {value for key, value in expected if key == "status"} == {"ok", "indeterminate", "error"}
    reasons = {"missing_unit", "non_positive_input", "out_of_range", "unsupported_unit"}
    assert reasons <= {value for key, value in expected if key == "reason"}
    assert {
        "category", "components", "daily_rise", "field", "flags", "met", "missing", "mortality",
        "organ_failures", "possible_grades", "possible_range", "ratio", "rounded",
        "rounding_sensitive", "unscaled", "value",
    } <= {key for key, _ in expected}  # fmt: skip
    assert {"birth_date", "on", "range", "series", "uln", "vasoactives"} <= {
        key for key, _ in inputs
    }
    quantities = [value for _, value in inputs if isinstance(value, dict)]
    assert {"<", "<=", ">", ">="} <= {each.get("comparator") for each in quantities}
    assert any(value is None for _, value in inputs)
    kinds = {type(value) for _, value in inputs}
    assert {bool, dict, float, int, list, str} <= kinds
