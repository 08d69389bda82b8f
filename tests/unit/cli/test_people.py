import json
from pathlib import Path
from typing import Any

import pytest
import responses

from aclf_fhir.cli.people import Act, perform, read_acts
from aclf_fhir.errors import AclfError, Category
from aclf_fhir.publication import STATUS_REASON
from aclf_fhir.remote import FhirServer, RetryPolicy

BASE = "http://127.0.0.1:9/fhir"
ACT = Act("nct1", "p1", "on-study", "2024-03-05T09:00:00Z")


def test_acts_are_read_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text(
        """
acts:
  - {trial: nct1, patient: p1, status: on-study, start: 2024-03-05T09:00:00Z, after: a/b}
  - {trial: nct2, patient: p2, status: withdrawn, after: [a, c.ndjson]}
"""
    )
    assert read_acts(tmp_path) == [
        Act("nct1", "p1", "on-study", "2024-03-05T09:00:00Z", ["a/b"]),
        Act("nct2", "p2", "withdrawn", None, ["a", "c.ndjson"]),
    ]


def test_a_folder_without_decisions_has_none(tmp_path: Path) -> None:
    assert read_acts(tmp_path) == []


@pytest.mark.parametrize(
    "text", ["", "acts", "acts: [1]", "acts: [{trial: x}]", "acts: [{a: b}]", "{"]
)
def test_decisions_that_cannot_be_read_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "people.yaml").write_text(text)
    with pytest.raises(AclfError) as caught:
        read_acts(tmp_path)
    assert caught.value.category is Category.INVALID


def test_an_act_waits_for_the_files_in_its_folders_only(tmp_path: Path) -> None:
    act = Act("t", "p", "s", None, ["a/b", "c.ndjson"])
    assert act.waits_for(tmp_path / "a/b/x.ndjson", tmp_path)
    assert act.waits_for(tmp_path / "c.ndjson", tmp_path)
    assert not act.waits_for(tmp_path / "a/bc/x.ndjson", tmp_path)


def subject(version: int) -> dict[str, Any]:
    return {
        "resourceType": "ResearchSubject",
        "id": "s1",
        "meta": {"versionId": str(version)},
        "status": "potential-candidate",
    }


def found(*versions: int) -> dict[str, Any]:
    entries = [{"resource": subject(one), "search": {"mode": "match"}} for one in versions]
    return {"resourceType": "Bundle", "entry": entries}


def server() -> FhirServer:
    return FhirServer(BASE, retry=RetryPolicy(attempts=1))


def test_a_person_writes_what_was_read_with_another_status() -> None:
    with responses.RequestsMock() as wire:
        wire.get(f"{BASE}/ResearchSubject", json=found(4))
        wire.put(f"{BASE}/ResearchSubject/s1", status=200)
        assert perform(server(), ACT) == "ResearchSubject/s1"
        asked, sent = (call.request for call in wire.calls)
    assert "patient=p1&study=ResearchStudy/nct1" in asked.url
    assert sent.headers["If-Match"] == 'W/"4"'
    assert json.loads(sent.body) == {
        **subject(4),
        "status": "on-study",
        "period": {"start": "2024-03-05T09:00:00Z"},
    }


def test_a_reason_is_sent_in_the_place_of_an_older_one() -> None:
    verdict = {"url": "https://aclf-fhir.example/fhir/StructureDefinition/subject-verdict"}
    page = found(4)
    page["entry"][0]["resource"]["extension"] = [
        {"url": STATUS_REASON, "valueCode": "criterion-failed"},
        verdict,
    ]
    with responses.RequestsMock() as wire:
        for _ in range(2):
            wire.get(f"{BASE}/ResearchSubject", json=page)
            wire.put(f"{BASE}/ResearchSubject/s1", status=200)
        perform(server(), Act("nct1", "p1", "screening", reason="new-results"))
        perform(server(), Act("nct1", "p1", "eligible"))
        again, without = (json.loads(wire.calls[one].request.body) for one in (1, 3))
    assert again["extension"] == [verdict, {"url": STATUS_REASON, "valueCode": "new-results"}]
    assert without["extension"] == [verdict]


def test_a_person_looks_again_when_the_verdict_has_changed_meanwhile() -> None:
    with responses.RequestsMock() as wire:
        wire.get(f"{BASE}/ResearchSubject", json=found(1))
        wire.put(f"{BASE}/ResearchSubject/s1", status=412)
        wire.get(f"{BASE}/ResearchSubject", json=found(2))
        wire.put(f"{BASE}/ResearchSubject/s1", status=200)
        perform(server(), ACT)
        assert wire.calls[3].request.headers["If-Match"] == 'W/"2"'


def test_nobody_is_moved_who_is_no_subject() -> None:
    with responses.RequestsMock() as wire:
        wire.get(f"{BASE}/ResearchSubject", json=found())
        with pytest.raises(AclfError) as caught:
            perform(server(), ACT)
    assert caught.value.category is Category.NOT_FOUND


def test_what_the_server_refuses_is_told() -> None:
    with responses.RequestsMock() as wire:
        wire.get(f"{BASE}/ResearchSubject", json=found(1))
        wire.put(f"{BASE}/ResearchSubject/s1", status=403)
        with pytest.raises(AclfError) as caught:
            perform(server(), ACT)
    assert caught.value.category is Category.FORBIDDEN
