"""`send`, `server check`, `score`, `screen`, `catalog check`, `verify` as processes."""

import json
from pathlib import Path

import pytest

from tests.integration.api.conftest import laboratory, observation, patient
from tests.integration.cli.conftest import Server, run

pytestmark = [pytest.mark.real_clock, pytest.mark.slow]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "feed"
    folder.mkdir()
    bad = observation("bad")
    del bad["status"]
    lines = [*laboratory(), bad, observation("held", subject={"reference": "Patient/unknown"})]
    (folder / "Observation.ndjson").write_text("".join(json.dumps(one) + "\n" for one in lines))
    (folder / "Patient.ndjson").write_text(json.dumps(patient()) + "\n")
    return folder


def test_a_folder_is_sent_and_every_refusal_and_the_account_are_shown(
    server: Server, folder: Path, tmp_path: Path
) -> None:
    ended = run("send", folder, server.base, cwd=tmp_path)
    assert ended.returncode == 10, ended.stderr
    assert "Sent 6 resources" in ended.stdout
    assert "1 refused by the server" in ended.stdout
    assert "Observation.status" in ended.stdout
    assert "unknown-patient" in ended.stdout
    assert "pushed" in ended.stdout
    assert server.session.get(f"{server.base}/Observation/lab-bili").status_code == 200
    again = run("send", folder, server.base, cwd=tmp_path)
    assert "5 × 200" in again.stdout
    found = server.session.get(f"{server.base}/Observation/lab-bili")
    assert found.headers["ETag"] == 'W/"1"'


def test_the_account_is_of_this_push_and_counts_each_resource_once(
    server: Server, folder: Path, tmp_path: Path
) -> None:
    strange = observation("earlier", valueQuantity={"value": 3})
    assert server.session.put(f"{server.base}/Observation/earlier", json=strange).status_code == 201
    large = {**patient("large"), "text": {"status": "generated", "div": "x"}}
    (folder / "Odd.ndjson").write_text(json.dumps(patient("a b")) + "\n" + json.dumps(large) + "\n")
    ended = run("send", folder, server.base, cwd=tmp_path)
    assert "Sent 8 resources" in ended.stdout
    account = ended.stdout.partition("Where every pushed resource ended")[2]
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in account.splitlines()]
    counts = {row[0]: row[1] for row in rows if len(row) == 2}
    assert (counts["pushed"], counts["stored"], counts["refused"]) == ("8", "5", "3")
    assert (counts["held"], counts["unknown-patient: the Patient was never sent"]) == ("1", "1")
    assert "unit-missing" not in account


def test_what_cannot_be_read_goes_to_the_rejects_file(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "a.ndjson"
    file.write_text(json.dumps(patient()) + "\n{broken\n")
    ended = run("send", file, server.base, cwd=tmp_path)
    assert ended.returncode == 10
    rejects = (tmp_path / "aclf-fhir-send.rejects.ndjson").read_text().splitlines()
    assert [json.loads(line)["place"] for line in rejects] == [f"{file}:2"]


def test_a_server_that_is_not_there_is_told(tmp_path: Path, folder: Path) -> None:
    ended = run("send", folder, "http://127.0.0.1:1/fhir", "--attempts", 1, cwd=tmp_path)
    assert ended.returncode == 15
    assert "does not answer" in ended.stderr


def test_the_gateway_meets_its_own_needs(server: Server, tmp_path: Path) -> None:
    ended = run("server", "check", server.base, cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert "missing" not in ended.stdout


def test_what_is_no_fhir_server_is_told(server: Server, tmp_path: Path) -> None:
    ended = run("server", "check", f"http://127.0.0.1:{server.port}/nothing", cwd=tmp_path)
    assert ended.returncode == 12


def test_files_are_scored_without_a_server(folder: Path, tmp_path: Path) -> None:
    ended = run(
        "score", folder, "--as-of", "last", "--site=demo", "--score=meld_optn", cwd=tmp_path
    )
    assert ended.returncode == 10, ended.stderr
    assert "25" in ended.stdout
    rejects = (tmp_path / "aclf-fhir.rejects.ndjson").read_text()
    assert "Observation.status" in rejects
    (tmp_path / "aclf-fhir.rejects.ndjson").unlink()
    good = tmp_path / "good.ndjson"
    good.write_text("".join(json.dumps(one) + "\n" for one in [patient(), *laboratory()]))
    written = run(
        "score",
        good,
        "--as-of=last",
        "-o",
        "ndjson",
        "--site=demo",
        "--score=meld_optn",
        cwd=tmp_path,
    )
    assert written.returncode == 0
    (line,) = written.stdout.splitlines()
    assert json.loads(line)["valueQuantity"]["value"] == 25
    assert not (tmp_path / "aclf-fhir.rejects.ndjson").exists()


def test_files_are_screened_without_a_server(folder: Path, tmp_path: Path) -> None:
    table = run("screen", folder / "Patient.ndjson", "--as-of=last", cwd=tmp_path)
    assert table.returncode == 0, table.stderr
    assert "nct03668171" in table.stdout
    written = run("screen", folder / "Patient.ndjson", "-o", "json", cwd=tmp_path)
    bundle = json.loads(written.stdout)
    assert bundle["type"] == "collection"
    assert len(bundle["entry"]) > 10


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("score", "--score=none"), 12),
        (("screen", "--trial=none"), 12),
        (("score", "--as-of=soon"), 10),
        (("score", "--patient=nobody"), 12),
        (("score", "--site=none"), 12),
        (("score", "--nonsense"), 2),
    ],
)
def test_what_cannot_be_asked_has_its_exit_code(
    folder: Path, tmp_path: Path, arguments: tuple[str, ...], code: int
) -> None:
    command, *options = arguments
    ended = run(command, folder / "Patient.ndjson", *options, cwd=tmp_path)
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_packages_data_are_sound(tmp_path: Path) -> None:
    ended = run("catalog", "check", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr


def test_a_sites_own_data_are_checked(tmp_path: Path) -> None:
    own = tmp_path / "own" / "mappings" / "sites"
    own.mkdir(parents=True)
    (own / "here.yaml").write_text("id: here\nnonsense: 1\n")
    ended = run("catalog", "check", tmp_path / "own", cwd=tmp_path)
    assert ended.returncode == 10
    assert "here.yaml" in ended.stderr


def test_a_folder_without_data_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty" / "mappings").mkdir(parents=True)
    for folder in (tmp_path / "empty", tmp_path / "empty" / "mappings"):
        ended = run("catalog", "check", folder, cwd=tmp_path)
        assert ended.returncode == 12
        assert "holds no data files" in ended.stderr


def test_worked_cases_qualify_an_installation(tmp_path: Path, shared: Path) -> None:
    cases = tmp_path / "cases.json"
    known = json.loads((shared / "clinical" / "vectors.json").read_text())
    chosen = [case for case in known["cases"] if case["score"] == "meld_optn"]
    cases.write_text(json.dumps({"cases": chosen}))
    assert run("verify", "--cases", cases, cwd=tmp_path).returncode == 0
    chosen[0]["expected"]["rounded"] = 7
    cases.write_text(json.dumps({"cases": chosen}))
    ended = run("verify", "--cases", cases, cwd=tmp_path)
    assert ended.returncode == 10
    assert chosen[0]["id"] in ended.stdout
    cases.write_text("no json")
    assert run("verify", "--cases", cases, cwd=tmp_path).returncode == 10
