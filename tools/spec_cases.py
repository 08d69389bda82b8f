"""The specification, as a clinician wrote it, read for tests, pages and `verify`.

A file of `tests/spec/scores/` has a score, the source of its cases and, where cases differ in few
inputs, a `base` they start from. A quantity is written as in a letter: `1.9 mg/dL`,
`<0.2 mg/dL`. `tests/spec/units/conversions.yaml` has values before and after a conversion,
`tests/spec/criteria/` the rules of protocols that have a case id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

SPEC = Path(__file__).resolve().parents[1] / "tests" / "spec"
CONVERSION = "unit_conversion"

_QUANTITY = re.compile(r"(?P<comparator>[<>]=?)?(?P<value>-?\d+(\.\d+)?)( (?P<unit>\S+))?$")
# Grades that look like numbers.
_GRADES = frozenset({"0", "1", "2", "3"})


@dataclass(frozen=True)
class ScoreSpec:
    """One file: the score it is about, what its cases start from, and the cases as written."""

    score: str
    title: str
    source: str
    base: dict[str, Any]
    cases: list[dict[str, Any]]


def score_files() -> list[Path]:
    return sorted((SPEC / "scores").glob("*.yaml"))


def read_spec(path: Path) -> ScoreSpec:
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    return ScoreSpec(
        tree["score"], tree["title"], tree["source"], tree.get("base", {}), tree["cases"]
    )


def score_cases(spec: ScoreSpec) -> Iterator[dict[str, Any]]:
    """Write the cases of a file as `aclf-fhir verify` reads them."""
    for case in spec.cases:
        inputs = {**spec.base, **case.get("with", {})}
        yield {
            "id": f"{spec.score}/{case['id']}",
            "score": spec.score,
            "inputs": {key: quantity(value) for key, value in inputs.items()},
            "expected": case["expect"],
            "source": case.get("source", spec.source),
        }


def conversion_cases() -> Iterator[dict[str, Any]]:
    """Write the conversions as `aclf-fhir verify` reads them."""
    tree = yaml.safe_load((SPEC / "units" / "conversions.yaml").read_text(encoding="utf-8"))
    for case in tree["cases"]:
        sent = {**quantity(case["sent"]), "to": case["to"]}
        expected = {"status": "error", "reason": case["refused"]} if "refused" in case else None
        yield {
            "id": f"{CONVERSION}/{case['id']}",
            "score": CONVERSION,
            "inputs": {"analyte": case["analyte"], **sent},
            "expected": expected or {"status": "ok", "value": case["is"]},
            "source": case.get("source", tree["source"]),
        }


def criterion_cases() -> Iterator[dict[str, Any]]:
    """Write the cases of the protocols' rules as `aclf-fhir verify` reads them."""
    for path in sorted((SPEC / "criteria").glob("*.yaml")):
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
        for rule in tree["cases"]:
            for case in rule["cases"]:
                inputs = {**rule.get("base", {}), **case.get("with", {})}
                yield {
                    "id": f"{rule['criterion']}/{case['id']}",
                    "score": rule["criterion"],
                    "inputs": {key: quantity(value) for key, value in inputs.items()},
                    "expected": case["expect"],
                    "source": case.get("source", tree["source"]),
                }


def every_case() -> Iterator[dict[str, Any]]:
    for path in score_files():
        yield from score_cases(read_spec(path))
    yield from conversion_cases()
    yield from criterion_cases()


def quantity(value: object) -> Any:
    """Read an input; text that is no quantity is a code."""
    found = _QUANTITY.match(value) if isinstance(value, str) else None
    if found is None or value in _GRADES:
        return value
    read: dict[str, object] = {"value": Decimal(found["value"]), "unit": found["unit"]}
    if found["comparator"]:
        read["comparator"] = found["comparator"]
    return read
