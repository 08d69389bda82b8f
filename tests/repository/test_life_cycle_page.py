"""The reference page of the life cycle is fresh, says every move, and `make check` looks at it."""

import re
import subprocess
import sys
from pathlib import Path

from aclf_fhir.trial.life_cycle import MOVES, REASONS
from tests.conftest import ROOT

TOOL = ROOT / "tools" / "generate_life_cycle_page.py"
PAGE = ROOT / "docs" / "reference" / "subject-life-cycle.md"


def check(tool: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(tool), "--check"], capture_output=True, text=True, check=False
    )


def test_the_page_is_fresh() -> None:
    run = check(TOOL)
    assert run.returncode == 0, run.stderr


def test_make_check_calls_the_tool() -> None:
    assert f"tools/{TOOL.name} --check" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_every_move_and_every_reason_is_there() -> None:
    moves, _, reasons = PAGE.read_text(encoding="utf-8").partition("## Reasons")
    assert last_cells(moves) == {before: set(after) for before, after in MOVES.items()}
    assert last_cells(reasons).items() >= {to: set(of) for to, of in REASONS.items()}.items()


def last_cells(text: str) -> dict[str, set[str]]:
    """Return the codes in the last cell of each row that begins with a code."""
    rows = re.findall(r"^\| `([\w-]+)` \|.*\| ([^|]+) \|$", text, re.MULTILINE)
    return {code: set(re.findall(r"`([\w-]+)`", cell)) for code, cell in rows}


def test_a_stale_page_is_found(tmp_path: Path) -> None:
    """In a copy, so that nothing is written here."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in (TOOL.name, "profile_texts.py"):
        text = (ROOT / "tools" / name).read_text(encoding="utf-8")
        (tools / name).write_text(text.replace("The subject died", "The person died"))
    run = check(tools / TOOL.name)
    assert run.returncode == 1
    assert run.stderr == (
        "docs/reference/subject-life-cycle.md is stale: run tools/generate_life_cycle_page.py\n"
    )
