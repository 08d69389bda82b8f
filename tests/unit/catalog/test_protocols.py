from types import SimpleNamespace
from typing import Any

import pytest

from aclf_fhir.catalog import protocols
from aclf_fhir.catalog.files import DataFile
from aclf_fhir.catalog.issues import Findings
from aclf_fhir.catalog.protocols import build_protocols, study_names
from aclf_fhir.errors import AclfError, Category


def _file(name: str, id_: str, *, overlay: bool = False) -> DataFile:
    return DataFile("trials", f"trials/{name}.yaml", name, overlay, b"", {"id": id_})


@pytest.fixture(autouse=True)
def _any_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(data: dict[str, Any], source: str) -> SimpleNamespace:
        if data["id"] == "broken":
            raise AclfError.of(Category.INVALID, f"{source}: inclusion[0]", "no text")
        return SimpleNamespace(
            id=data["id"], registry_id=data["id"].upper(), identifiers=("2012-A",), source=source
        )

    monkeypatch.setattr(protocols, "build_protocol", build)


def test_an_overlay_replaces_a_protocol_of_the_same_id() -> None:
    findings = Findings()
    built = build_protocols(
        [_file("a", "nct1"), _file("b", "nct2"), _file("c", "nct1", overlay=True)], findings
    )
    assert findings.issues == []
    assert list(built) == ["nct1", "nct2"]
    assert built["nct1"].source == "trials/c.yaml"


def test_two_files_of_one_folder_with_one_id() -> None:
    findings = Findings()
    build_protocols([_file("a", "nct1"), _file("b", "nct1")], findings)
    assert [(issue.location, issue.message) for issue in findings.issues] == [
        ("trials/b.yaml: id", "nct1 is also in trials/a.yaml")
    ]


def test_what_is_wrong_with_a_protocol_is_passed_on() -> None:
    findings = Findings()
    assert build_protocols([_file("a", "broken")], findings) == {}
    assert [issue.location for issue in findings.issues] == ["trials/a.yaml: inclusion[0]"]


def test_every_name_of_a_study_finds_it() -> None:
    findings = Findings()
    built = build_protocols([_file("a", "nct1")], findings)
    names = study_names(built, {"nct1": "trials/a.yaml"}, findings)
    assert set(names.values()) == {"nct1"}
    assert set(names) == {
        "nct1",
        "NCT1",
        "2012-A",
        "2012-a",
        "ResearchStudy/nct1",
        "https://aclf-fhir.example/fhir/ResearchStudy/nct1",
    }
    assert findings.issues == []


def test_one_name_means_one_study() -> None:
    findings = Findings()
    places = {"nct1": "trials/a.yaml", "nct2": "trials/b.yaml"}
    built = build_protocols([_file("a", "nct1"), _file("b", "nct2")], findings)
    study_names(built, places, findings)
    assert ("trials/b.yaml: id", "2012-A also names nct1") in [
        (issue.location, issue.message) for issue in findings.issues
    ]
