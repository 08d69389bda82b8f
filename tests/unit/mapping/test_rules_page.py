"""`docs/reference/mapping-rules.md` says what the code says."""

from pathlib import Path

from aclf_fhir.catalog import load_catalog
from aclf_fhir.mapping import HELD, RULES

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "mapping-rules.md"


def test_the_page_lists_every_rule_and_reason() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = {**RULES, **{reason.value: sentence for reason, sentence in HELD.items()}}
    for name, sentence in rows.items():
        assert f"| `{name}` | {sentence} |" in page
    for name, sentence in load_catalog().not_needed.texts.items():
        assert f"| `{name}` | {sentence} |" in page


def test_the_page_lists_nothing_else() -> None:
    names = [
        line.split("`")[1]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]
    known = {*RULES, *(reason.value for reason in HELD), *load_catalog().not_needed.texts}
    assert len(names) == len(set(names))
    assert set(names) == known
