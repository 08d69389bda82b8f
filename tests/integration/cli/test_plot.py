"""`aclf-fhir score --plot` as a process."""

import json
from pathlib import Path

import pytest

from tests.integration.api.conftest import laboratory, patient
from tests.integration.cli.conftest import run

pytestmark = [pytest.mark.real_clock, pytest.mark.slow]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    named = patient(name=[{"family": "Okonkwo", "given": ["Adaeze"]}])
    other = [{**one, "id": f"b-{one['id']}"} for one in laboratory()]
    for one in other:
        one["subject"] = {"reference": "Patient/pat-2"}
    resources = [named, patient("pat-2"), *laboratory(), *other]
    path = tmp_path / "feed.ndjson"
    path.write_text("".join(json.dumps(one) + "\n" for one in resources))
    return path


def test_the_scores_of_one_patient_are_drawn(file: Path, tmp_path: Path) -> None:
    options = ("--as-of=last", "--site=demo", "--score=meld_optn")
    for name in ("a.svg", "b.svg"):
        ended = run("score", file, *options, "--patient=pat-1", "--plot", name, cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
        assert f"drawn: {name}" in ended.stderr
        assert "25" in ended.stdout, "the table is printed as well"
    drawn = (tmp_path / "a.svg").read_text()
    assert "MELD, OPTN form" in drawn
    assert "Patient/pat-1" in drawn
    assert "Okonkwo" not in drawn


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--plot=a.svg",), 10, "--patient"),
        (("--plot=a.svg", "--patient=nobody"), 12, "no Patient"),
        (("--plot=a.png", "--patient=pat-1"), 11, ".svg"),
    ],
)
def test_a_picture_that_cannot_be_drawn(
    file: Path, tmp_path: Path, options: tuple[str, ...], code: int, said: str
) -> None:
    ended = run("score", file, "--as-of=last", *options, cwd=tmp_path)
    assert ended.returncode == code, ended.stderr
    assert said in ended.stderr
    assert not list(tmp_path.glob("a.*"))
