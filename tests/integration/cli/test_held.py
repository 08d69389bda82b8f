"""`aclf-fhir held` beside a gateway's database: list, show, replay."""

from pathlib import Path

import pytest

from aclf_fhir.catalog.files import data_root
from tests.integration.api.conftest import bundle, laboratory, observation, patient
from tests.integration.cli.conftest import Server, run

pytestmark = [pytest.mark.real_clock, pytest.mark.slow]

LOCAL = {"coding": [{"system": "urn:lab", "code": "BILI"}]}
SITE = """
title: A hospital whose laboratory has its own code
zone: UTC
systems: {lab: "urn:lab"}
analytes: {lab: {BILI: {analyte: bilirubin_total}}}
"""


def overlay(folder: Path) -> Path:
    mappings = folder / "mappings"
    (mappings / "sites").mkdir(parents=True)
    (mappings / "sites" / "demo.yaml").write_text(SITE)
    return mappings


def test_a_mended_site_file_is_replayed_without_the_sender(server: Server) -> None:
    local = [
        {**observation(f"local-{number}", at=f"2024-11-2{number}T08:00:00Z"), "code": LOCAL}
        for number in range(2)
    ]
    no_unit = observation("no-unit", valueQuantity={"value": 3})
    pushed = bundle("batch", patient(), *laboratory()[1:], *local, no_unit)
    assert server.session.post(server.base, json=pushed).status_code == 200
    where = ("--database", server.database, "--site", "demo")

    listed = run("held", "list", *where, cwd=server.folder)
    assert listed.returncode == 0, listed.stderr
    rows = [line.split("│") for line in listed.stdout.splitlines() if "urn:lab|BILI" in line]
    assert [cell.strip() for cell in rows[0][1:-1]] == ["unmapped-code", "urn:lab|BILI", "2", "1"]
    assert "3 resources of 1 subjects are held." in listed.stdout
    narrowed = run("held", "list", "--reason", "unit-missing", *where, cwd=server.folder)
    assert "urn:lab" not in narrowed.stdout
    assert "1 resources of 1 subjects are held." in narrowed.stdout

    shown = run("held", "show", "Observation/local-0", *where, cwd=server.folder)
    assert "unmapped-code: urn:lab|BILI at Observation.code" in shown.stdout
    assert '"local-0"' in shown.stdout
    unheld = run("held", "show", "Observation/lab-inr", *where, cwd=server.folder)
    assert (unheld.returncode, unheld.stdout) == (12, "")

    mended = (*where, "--mappings", overlay(server.folder))
    replayed = run("held", "replay", *mended, cwd=server.folder)
    assert replayed.returncode == 0, replayed.stderr
    assert "Replayed 3: 2 mapped, 0 not needed, 1 still held, 0 failed." in replayed.stdout
    found = server.session.get(f"{server.base}/Observation?patient=pat-1&category=score").json()
    codes = [code["code"] for one in found["entry"] for code in one["resource"]["code"]["coding"]]
    assert "meld_optn" in codes


def test_it_makes_no_database(tmp_path: Path) -> None:
    refused = run("held", "list", "--database", "sqlite:///none.sqlite", cwd=tmp_path)
    assert refused.returncode == 12
    assert not list(tmp_path.iterdir())


def test_it_publishes_nothing(server: Server) -> None:
    """A protocol of another version beside the command is not what the server judges by."""
    trial = "nct03668171"
    trials = server.folder / "trials"
    trials.mkdir()
    protocol = (data_root() / "trials" / f"{trial}.yaml").read_text()
    (trials / f"{trial}.yaml").write_text(protocol.replace('version: "1"', 'version: "7"', 1))
    study = f"{server.base}/ResearchStudy/{trial}"
    before = server.session.get(study).content
    for command in (("list",), ("replay",)):
        where = ("--database", server.database, "--site", "demo", "--trials", trials)
        assert run("held", *command, *where, cwd=server.folder).returncode == 0
    assert server.session.get(study).content == before
