"""Every score's own cases, as a clinician wrote them, through the engine that `verify` uses.

A file has a score, the source of its cases and, where cases differ in one input, a `base` they
start from. A quantity is written as in a letter: `1.9 mg/dL`, `<0.2 mg/dL`.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from aclf_fhir.catalog import Catalog, load_catalog
from aclf_fhir.scores import SCORES
from aclf_fhir.workflows.verify import verify_cases

FILES = sorted(Path(__file__).parent.glob("*.yaml"))
QUANTITY = re.compile(r"(?P<comparator>[<>]=?)?(?P<value>-?\d+(\.\d+)?)( (?P<unit>\S+))?$")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def read(value: object) -> object:
    """Read an input; text that is no quantity is a code."""
    found = QUANTITY.match(value) if isinstance(value, str) else None
    if found is None or value in {"0", "1", "2", "3"}:
        return value
    quantity: dict[str, object] = {
        "value": Decimal(found["value"]),
        "unit": found["unit"],
    }
    if found["comparator"]:
        quantity["comparator"] = found["comparator"]
    return quantity


def cases_of(path: Path) -> Iterator[dict[str, object]]:
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert tree["source"]
    for case in tree["cases"]:
        inputs = {**tree.get("base", {}), **case.get("with", {})}
        yield {
            "id": f"{tree['score']}/{case['id']}",
            "score": tree["score"],
            "inputs": {key: read(value) for key, value in inputs.items()},
            "expected": case["expect"],
        }


def test_every_score_has_its_file() -> None:
    assert [path.stem for path in FILES] == sorted(SCORES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_cases(path: Path, catalog: Catalog) -> None:
    cases = list(cases_of(path))
    assert cases[0]["score"] == path.stem
    assert len({str(case["id"]) for case in cases}) == len(cases)
    report = verify_cases({"cases": cases}, catalog=catalog)
    assert report.is_clean, "\n".join(report.lines)
