import json
from pathlib import Path
from typing import Any

import pytest

from aclf_fhir.batch import Rejects, read_sources
from aclf_fhir.errors import AclfError, Category

PATIENT = b'{"resourceType":"Patient","id":"p1"}'


def bundle(type_: str, *resources: Any) -> bytes:
    entries = [{"resource": resource} for resource in resources]
    return json.dumps({"resourceType": "Bundle", "type": type_, "entry": entries}).encode()


def test_lines_are_found_with_their_place_and_read_byte_by_byte(tmp_path: Path) -> None:
    file = tmp_path / "a.ndjson"
    odd = b'{"resourceType": "Observation","id":"o1", "valueQuantity":{"value":1.20}}'
    file.write_bytes(PATIENT + b"\n\n" + odd + b"\r\n")
    sources = read_sources(file)
    assert [(one.type, one.id, one.place) for one in sources.items] == [
        ("Patient", "p1", f"{file}:1"),
        ("Observation", "o1", f"{file}:3"),
    ]
    assert sources.items[1].read().strip() == odd


def test_a_folder_is_read_through_all_its_folders(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "a.json").write_bytes(PATIENT)
    (tmp_path / "b" / "c.jsonl").write_bytes(b'{"resourceType":"Patient","id":"p2"}')
    (tmp_path / ".hidden" / "d.json").write_bytes(PATIENT)
    (tmp_path / "README.md").write_text("beside")
    (tmp_path / "manifest.json").write_text('{"output": []}')
    (tmp_path / "e.xml").write_text("<Patient/>")
    sources = read_sources(tmp_path)
    assert [one.id for one in sources.items] == ["p1", "p2"]
    assert [path.name for path in sources.skipped] == ["e.xml", "manifest.json"]


@pytest.mark.parametrize("type_", ["collection", "searchset", "batch", "document"])
def test_the_entries_of_a_bundle_are_resources_of_their_own(tmp_path: Path, type_: str) -> None:
    file = tmp_path / "b.json"
    other = {"resourceType": "Patient", "id": "p2"}
    content = json.loads(bundle(type_, json.loads(PATIENT), other))
    if type_ == "batch":
        for entry in content["entry"]:
            entry["request"] = {"method": "POST", "url": "Patient"}
    if type_ == "document":
        content["identifier"] = {"system": "urn:x", "value": "1"}
        content["timestamp"] = "2024-01-01T00:00:00Z"
        content["entry"].insert(0, {"resource": {"resourceType": "Composition", "id": "c"}})
    file.write_text(json.dumps(content))
    sources = read_sources(file)
    assert sources.rejects.records == []
    assert [one.id for one in sources.items][-2:] == ["p1", "p2"]
    assert sources.items[-1].place.startswith(f"{file} Bundle.entry[")


def test_a_transaction_stays_whole(tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    file.write_text(
        json.dumps(
            {
                "resourceType": "Bundle",
                "type": "transaction",
                "entry": [
                    {
                        "resource": {"resourceType": "Patient"},
                        "request": {"method": "POST", "url": "Patient"},
                    }
                ],
            }
        )
    )
    (item,) = read_sources(file).items
    assert item.type == "Bundle"
    assert item.read() == file.read_bytes()


def test_the_newest_version_of_a_history_comes_last(tmp_path: Path) -> None:
    file = tmp_path / "h.json"
    new, old = (
        {
            "resource": {"resourceType": "Patient", "id": "p1", "active": active},
            "request": {"method": "PUT", "url": "Patient/p1"},
            "response": {"status": "200"},
        }
        for active in (True, False)
    )
    file.write_text(json.dumps({"resourceType": "Bundle", "type": "history", "entry": [new, old]}))
    assert b"true" in read_sources(file).items[-1].read()


def test_what_cannot_be_read_is_rejected_with_its_place(tmp_path: Path) -> None:
    lines = tmp_path / "a.ndjson"
    lines.write_bytes(b'{"resourceType":"Patient"\n{"id":"x"}\n[1]\n' + PATIENT)
    (tmp_path / "b.json").write_bytes(b"not json")
    (tmp_path / "c.json").write_bytes(bundle("batch-response"))
    sources = read_sources(tmp_path)
    assert [one.id for one in sources.items] == ["p1"]
    assert [one.place for one in sources.rejects.records] == [
        f"{lines}:1",
        f"{lines}:2",
        f"{lines}:3",
        str(tmp_path / "b.json"),
        str(tmp_path / "c.json"),
    ]


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AclfError) as caught:
        read_sources(tmp_path)
    assert caught.value.category is Category.INVALID
    with pytest.raises(AclfError) as caught:
        read_sources(tmp_path / "missing")
    assert caught.value.category is Category.NOT_FOUND


def test_the_rejects_file_names_places_and_reasons_and_copies_nothing(tmp_path: Path) -> None:
    rejects = Rejects()
    rejects.add("a:1", AclfError.of(Category.INVALID, "Patient.gender", "is no code", "Mend it."))
    path = tmp_path / "rejects.ndjson"
    rejects.write(path)
    assert json.loads(path.read_text()) == {
        "place": "a:1",
        "reasons": ["Patient.gender: is no code Mend it."],
    }
    Rejects().write(path)
    assert not path.exists()
