"""The README's commands, run as they stand there against the examples they speak of."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.acceptance.conftest import World
from tests.conftest import ROOT
from tests.integration.cli.conftest import environment

pytestmark = [pytest.mark.real_clock, pytest.mark.slow]

README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = [
    line.removeprefix("$ ")
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("$ ")
]
MAKE = [command for command in COMMANDS if command.startswith("make ")]
CURL = [command for command in COMMANDS if command.startswith("curl ")]
PROGRAM = [command for command in COMMANDS if command.startswith(".venv/bin/aclf-fhir ")]


def test_every_command_is_of_a_kind_that_is_tested():
    assert sorted(COMMANDS) == sorted(MAKE + CURL + PROGRAM)
    assert MAKE
    assert CURL
    assert PROGRAM


@pytest.mark.parametrize("command", MAKE)
def test_make_knows_the_target(command):
    make = shutil.which("make")
    assert make is not None
    said = subprocess.run(
        [make, "--dry-run", *shlex.split(command)[1:]],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert said.returncode == 0, said.stderr


def test_make_run_is_the_demo_that_is_tested_elsewhere():
    assert "aclf-fhir demo examples --port" in (ROOT / "Makefile").read_text("utf-8")


@pytest.mark.parametrize("command", CURL)
def test_what_curl_asks_is_answered(world: World, command: str):
    (url,) = [part for part in shlex.split(command)[1:] if part.startswith("http")]
    path = url.removeprefix("http://127.0.0.1:8000")
    answer = requests.get(f"{world.root}{path}", timeout=60)
    assert answer.status_code == 200
    body = answer.json()
    assert body["resourceType"] in {"Bundle", "CapabilityStatement", "Parameters"}
    if body["resourceType"] == "Bundle":
        assert body["entry"], "the README promises something to look at"


@pytest.mark.parametrize("command", PROGRAM)
def test_what_the_program_is_asked_it_does(command: str, tmp_path: Path):
    arguments = shlex.split(command)[1:]
    arguments = [str(ROOT / part) if (ROOT / part).exists() else part for part in arguments]
    done = subprocess.run(
        [sys.executable, "-m", "aclf_fhir.cli", *arguments],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_what_the_table_of_folders_names_is_there():
    named = re.findall(r"^\| `([\w/]+)/` \|", README, re.MULTILINE)
    assert named
    assert [folder for folder in named if not (ROOT / folder).is_dir()] == []
