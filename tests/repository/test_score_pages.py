"""The reference pages of the scores are fresh, and say what they promise to say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from aclf_fhir.catalog import load_catalog
from aclf_fhir.scores import SCORES, Score
from tests.conftest import ROOT
from tools.spec_cases import read_spec

PAGES = ROOT / "docs" / "reference" / "scores"
TOOL = ROOT / "tools" / "generate_score_pages.py"
HEADINGS = [
    "Formula",
    "Inputs",
    "Result",
    "Worked example",
    "Cases",
    "Disagreements and choices",
    "Sources",
]

each_score = pytest.mark.parametrize("score", SCORES.values(), ids=lambda score: score.id)


def check() -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(TOOL), "--check"], capture_output=True, text=True, check=False
    )


def test_the_pages_are_fresh() -> None:
    run = check()
    assert run.returncode == 0, run.stderr


def test_check_calls_the_tools() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for tool in ("generate_score_pages.py", "generate_case_file.py"):
        assert f"tools/{tool} --check" in makefile


def section(page: str, heading: str) -> str:
    return page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


@each_score
def test_a_page_has_everything(score: Score) -> None:
    page = (PAGES / f"{score.id}.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == HEADINGS
    inputs = section(page, "Inputs")
    for declared in score.inputs:
        row = next(line for line in inputs.splitlines() if line.startswith(f"| `{declared.name}` "))
        assert (declared.unit or "–") in row.replace("\\*", "*")
        assert (declared.loinc or "–") in row
        for value in declared.values:
            assert f"`{value}`" in row
    assert f"<https://doi.org/{score.doi}>" in page if score.doi else score.citation in page
    assert f"| {score.verification}: " in page
    for heading in HEADINGS:
        assert section(page, heading).strip(), heading
    assert len(section(page, "Cases").splitlines()) > 6


@each_score
def test_an_example_is_published_and_cited_or_the_page_says_that_none_is(score: Score) -> None:
    example = section((PAGES / f"{score.id}.md").read_text(encoding="utf-8"), "Worked example")
    spec = read_spec(ROOT / "tests" / "spec" / "scores" / f"{score.id}.yaml")
    published = [case for case in spec.cases if case["id"].startswith("published")]
    assert ("No worked example was found" in example) != bool(published)
    assert all(case["source"] for case in published)
    assert not published or any(
        case["source"].partition(",")[0].partition(" doi:")[0] in example for case in published
    )


@each_score
def test_the_table_of_a_docstring_is_on_its_page(score: Score) -> None:
    table = re.search(
        r"^ *=+ .*?\n(.*?)\n *=+ ", score.function.__doc__ or "", re.DOTALL | re.MULTILINE
    )
    page = (PAGES / f"{score.id}.md").read_text(encoding="utf-8")
    if table:
        first = re.split(r"  +", table[1].strip())[0]
        assert f"| {first} |" in section(page, "Formula")
    assert "```text" in section(page, "Formula")


def test_the_index_leads_to_every_page() -> None:
    index = (PAGES / "index.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\]\((\w+)\.md\)", index)) == set(SCORES)


def test_every_analyte_is_listed() -> None:
    page = (ROOT / "docs" / "reference" / "analytes.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert headings == sorted(load_catalog().analytes)


def test_a_stale_page_is_found(tmp_path: Path) -> None:
    """In a copy, so that nothing is written here."""
    for name in ("tools", "docs", "tests/spec/scores", "mappings", "trials"):
        copied = tmp_path / name
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.symlink_to(ROOT / name)
    tools = tmp_path / "tools"
    tools.unlink()
    tools.mkdir()
    for name in ("generate_score_pages.py", "spec_cases.py"):
        text = (ROOT / "tools" / name).read_text(encoding="utf-8")
        (tools / name).write_text(text.replace("Both ends of a range", "Every end"))
    run = subprocess.run(
        [sys.executable, str(tools / "generate_score_pages.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert run.stderr.count("is stale: run tools/generate_score_pages.py") == len(SCORES)
