"""What no file of the project may hold. Each check is also shown a bad sample."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

MACHINE_PATH = re.compile(r"(?:^|[^A-Za-z0-9_.])/(?:work|farm|root|home/[a-z]+|Users/[A-Za-z]+)/")
REGISTRY_OPTION = re.compile(
    r"index-url|find-links|trusted-host|\bregistry\s*=\s*[\x22\x27]?https?:"
)
PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+]+")
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|NotImplementedError)\b")
LONG = 400


def project_files() -> list[Path]:
    """Tracked files and those about to be, so that a finding comes before the commit."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout")
    names = [name for name in listed.decode().split("\0") if name]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def lines(paths: Iterable[Path]) -> Iterator[tuple[str, str]]:
    for path in paths:
        content = path.read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
            yield f"{path.relative_to(ROOT)}:{number}", line


def found(pattern: re.Pattern[str], paths: Iterable[Path]) -> list[str]:
    matching = [(place, line) for place, line in lines(paths) if pattern.search(line)]
    return [f"{place}: {line.strip()[:120]}" for place, line in matching]


def registry_hosts() -> set[str]:
    """The hosts that this machine's pip is set up with, whatever they are."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    listed += "\n".join(value for name, value in os.environ.items() if name.startswith("PIP_"))
    return set(re.findall(r"https?://(?:[^@/\s'\"]*@)?([^/\s'\"]+)", listed))


def unexplained(name: str, source: str) -> list[str]:
    """Long modules say in their docstring why they are long."""
    length = len(source.splitlines())
    said = ast.get_docstring(ast.parse(source)) or ""
    if length <= LONG or re.search(r"\blong\b", said, re.IGNORECASE):
        return []
    return [f"{name} has {length} lines: split it, or say at its top why it is long"]


def sources() -> list[Path]:
    return [path for path in project_files() if path.is_relative_to(ROOT / "src")]


def test_no_file_names_a_path_of_a_machine() -> None:
    assert found(MACHINE_PATH, project_files()) == []


@pytest.mark.parametrize("folder", ["root", "work", "home/ann", "Users/Ann"])
@pytest.mark.parametrize("before", ["", " ", '"', "file://", "="])
def test_a_path_of_a_machine_is_found(folder: str, before: str) -> None:
    assert MACHINE_PATH.search(f"{before}/{folder}/x")


def test_no_path_of_a_machine_is_seen_where_there_is_none() -> None:
    for line in ["https://a.example/work/x", "src/work/x", "/usr/lib/x", "./root/x", "homework/x"]:
        assert not MACHINE_PATH.search(line)


def test_no_file_names_a_registry() -> None:
    mine = Path(__file__)
    paths = [path for path in project_files() if path != mine]
    assert found(REGISTRY_OPTION, paths) == []
    for host in registry_hosts():
        assert found(re.compile(re.escape(host)), paths) == []


def test_a_registry_is_found() -> None:
    for line in ["--index-url x", "--extra-index-url=x", "--trusted-host x", "registry=https://x"]:
        assert REGISTRY_OPTION.search(line)


def test_the_constraints_are_versions_and_nothing_else() -> None:
    text = (ROOT / "constraints.txt").read_text()
    assert [line for line in text.splitlines() if not PINNED.fullmatch(line)] == []


def test_a_constraint_that_is_more_than_a_version_is_found() -> None:
    for line in ["x @ file:///x", "x>=1", "x==1 --hash=sha256:0", "-e .", "x==1 # from y"]:
        assert not PINNED.fullmatch(line)


def test_nothing_in_src_is_unfinished() -> None:
    assert found(UNFINISHED, sources()) == []


def test_an_unfinished_place_is_found() -> None:
    for line in ["# TODO: later", "raise NotImplementedError", "x  # FIXME"]:
        assert UNFINISHED.search(line)


def test_long_modules_explain_themselves() -> None:
    findings = [
        finding
        for path in sources()
        if path.suffix == ".py" and not path.is_relative_to(ROOT / "src/aclf_fhir/fhir/r4")
        for finding in unexplained(str(path.relative_to(ROOT)), path.read_text())
    ]
    assert findings == []


def test_a_long_module_that_does_not_explain_itself_is_found() -> None:
    assert unexplained("x.py", '"""X."""\n' + "x = 1\n" * LONG)
    assert not unexplained("x.py", '"""X, long because it is one table."""\n' + "x = 1\n" * LONG)
    assert not unexplained("x.py", '"""X."""\n' + "x = 1\n" * (LONG - 1))
