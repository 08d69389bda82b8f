"""Every score's own cases, as a clinician wrote them, through the engine that `verify` uses.

How a file is written stands in `tools/spec_cases.py`, which also makes the file a site verifies.
"""

from pathlib import Path

import pytest

from aclf_fhir.catalog import Catalog, load_catalog
from aclf_fhir.scores import SCORES
from aclf_fhir.workflows.verify import verify_cases
from tools.spec_cases import read_spec, score_cases, score_files

FILES = score_files()


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def test_every_score_has_its_file() -> None:
    assert [path.stem for path in FILES] == sorted(SCORES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_cases(path: Path, catalog: Catalog) -> None:
    spec = read_spec(path)
    assert spec.source
    assert spec.score == path.stem
    cases = list(score_cases(spec))
    assert len({str(case["id"]) for case in cases}) == len(cases)
    report = verify_cases({"cases": cases}, catalog=catalog)
    assert report.is_clean, "\n".join(report.lines)
