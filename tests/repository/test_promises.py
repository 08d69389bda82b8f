"""The project keeps its own promises: citations, faces of errors, rules told to people."""

import re

import pytest

from aclf_fhir.catalog import load_catalog
from aclf_fhir.errors import FACES, Category
from aclf_fhir.mapping import RULES
from aclf_fhir.scores import SCORES
from tests.conftest import ROOT

DOI = re.compile(r"10\.\d{4,9}/\S+")
CATALOG = load_catalog()


@pytest.mark.parametrize("score", SCORES.values(), ids=lambda score: score.id)
def test_every_score_is_cited_and_has_cases_a_clinician_can_read(score):
    assert score.citation
    assert score.verification in {"V1", "V2", "M"}
    assert (ROOT / "tests" / "spec" / "scores" / f"{score.id}.yaml").is_file()


def test_every_error_category_has_its_row():
    page = (ROOT / "docs" / "reference" / "errors.md").read_text("utf-8")
    rows = {}
    for line in page.splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        if cells[0] in set(Category):
            rows[cells[0]] = cells[1:]
    assert set(rows) == set(Category) == set(FACES)
    for category, face in FACES.items():
        assert rows[category] == [
            str(face.http),
            face.issue_type,
            face.acknowledgment or "–",
            face.error_code or "–",
            str(face.exit_code),
        ]


def test_every_rule_for_not_needed_is_told_to_people():
    page = (ROOT / "docs" / "reference" / "mapping-rules.md").read_text("utf-8")
    assert [rule for rule in RULES if f"`{rule}`" not in page] == []


@pytest.mark.parametrize("protocol", CATALOG.protocols.values(), ids=lambda one: one.id)
def test_every_protocol_names_scores_that_exist(protocol):
    assert set(protocol.scores) <= set(SCORES)


def test_python_knows_no_trial_and_no_site():
    names = [*CATALOG.protocols, *CATALOG.sites]
    names = [name for name in names if name not in {"default", "demo"}]
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted((ROOT / "src").rglob("*.py"))
        for name in names
        if re.search(rf"\b{re.escape(name)}\b", path.read_text("utf-8"), re.IGNORECASE)
    ]
    assert found == []
