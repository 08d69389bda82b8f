"""The wheel holds the machine and its data, and nothing else."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

DATA_FOLDERS = ("mappings", "profiles", "trials")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def wheel(built: Path) -> list[str]:
    with zipfile.ZipFile(built) as archive:
        return archive.namelist()


def missing(folder: Path, names: list[str]) -> list[str]:
    """Files of a data folder that are not in the wheel."""
    wanted = [
        f"aclf_fhir/_data/{folder.name}/{path.relative_to(folder).as_posix()}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    return [name for name in wanted if name not in names]


@pytest.mark.slow
@pytest.mark.parametrize("name", DATA_FOLDERS)
def test_the_wheel_holds_the_data_folder(name: str, wheel: list[str]) -> None:
    if not (ROOT / name).is_dir():
        pytest.skip(f"there is no {name}/ yet")
    assert missing(ROOT / name, wheel) == []


@pytest.mark.slow
def test_the_wheel_holds_the_cases_that_qualify_an_installation(wheel: list[str]) -> None:
    assert "aclf_fhir/_data/cases/score_cases.json" in wheel
    assert not [name for name in wheel if name.startswith("tests/")]


@pytest.mark.slow
def test_what_is_installed_qualifies_itself(built: Path, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    with zipfile.ZipFile(built) as archive:
        archive.extractall(installed)
    ended = subprocess.run(
        [sys.executable, "-m", "aclf_fhir.cli", "verify"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert " 0 failed, 0 not supported" in ended.stdout


def test_a_file_missing_from_the_wheel_is_found(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("x: 1\n")
    here = f"aclf_fhir/_data/{tmp_path.name}/x.yaml"
    assert missing(tmp_path, []) == [here]
    assert missing(tmp_path, [here]) == []


@pytest.mark.slow
def test_the_wheel_holds_nothing_else(wheel: list[str]) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {name.split("/")[0] for name in wheel} == {
        "aclf_fhir",
        f"aclf_fhir-{version}.dist-info",
    }
    assert "aclf_fhir/__init__.py" in wheel
    assert f"aclf_fhir-{version}.dist-info/licenses/LICENSE" in wheel
