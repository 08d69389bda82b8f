"""The invented cases: the files are the script's, and both databases end alike."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.conftest import EXAMPLES, TRIALS, World, value_of
from tests.conftest import ROOT
from tests.integration.cli.conftest import Server


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
    examples.mkdir()
    (examples / "people.yaml").write_bytes((EXAMPLES / "people.yaml").read_bytes())
    (examples / "invented").symlink_to(EXAMPLES / "invented", target_is_directory=True)
    server = Server(tmp_path, database_url)
    server.session.trust_env = False
    server.start()
    try:
        world = World(server)
        world.push("first", examples, decide=True)
        found = {
            (one["subject"]["reference"], one["code"]["coding"][0]["code"], kind): value_of(one)
            for kind in ("verdict", "outcome")
            for one in world.search(f"fhir/Observation?category={kind}")
        }
    finally:
        server.stop()
        server.session.close()
    outcomes = {code: value for (_, code, kind), value in found.items() if kind == "outcome"}
    assert outcomes == {"O1": "no", "O2": "yes", "S28": "yes", "S90": "no", "S365": "no"}
    assert len(TRIALS) == 2
