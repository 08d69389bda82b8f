"""The invented cases: the files are the script's, and both databases end alike."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.conftest import EXAMPLES, Resource, World, value_of
from tests.conftest import ROOT
from tests.integration.cli.conftest import Server

VERDICTS = {
    ("Patient/invented-x-eligible", "nct03668171", "verdict"): "eligible",
    ("Patient/invented-x-ineligible", "nct03668171", "verdict"): "ineligible",
    ("Patient/invented-l-eligible", "nct02857010", "verdict"): "eligible",
    ("Patient/invented-l-ineligible", "nct02857010", "verdict"): "ineligible",
}


def coded(observation: Resource) -> tuple[str, str]:
    """The trial and the code by which it names a verdict or an outcome."""
    coding = observation["code"]["coding"][0]
    return coding["system"].rpartition("/")[2], coding["code"]


def test_the_files_are_what_the_script_writes(tmp_path: Path) -> None:
    script = ROOT / "tools" / "invent_cases.py"
    subprocess.run([sys.executable, script, tmp_path], check=True, capture_output=True)
    written = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.ndjson")}
    folder = EXAMPLES / "invented"
    shipped = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.ndjson")}
    assert shipped == written


@pytest.mark.real_clock
@pytest.mark.slow
def test_both_databases_end_alike(tmp_path: Path, database_url: str) -> None:
    examples = tmp_path / "examples"
    shutil.copytree(EXAMPLES, examples, ignore=shutil.ignore_patterns("clinosim"))
    server = Server(tmp_path, database_url)
    server.session.trust_env = False
    server.start()
    try:
        world = World(server)
        world.push("first", examples, decide=True)
        verdicts, outcomes = (
            {
                (one["subject"]["reference"], *coded(one)): value_of(one)
                for one in world.search(f"fhir/Observation?category={kind}&_count=100")
            }
            for kind in ("verdict", "outcome")
        )
    finally:
        server.stop()
        server.session.close()
    assert {key: verdicts[key] for key in VERDICTS} == VERDICTS
    assert {(trial, code): value for (_, trial, code), value in outcomes.items()} == {
        ("nct03668171", "O1"): "no",
        ("nct03668171", "O2"): "yes",
        ("nct02857010", "S28"): "yes",
        ("nct02857010", "S90"): "no",
        ("nct02857010", "S365"): "no",
    }
