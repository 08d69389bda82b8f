import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import responses

from aclf_fhir.batch import SendSummary, read_sources, send
from aclf_fhir.batch.order import precedence, rank
from aclf_fhir.errors import AclfError, Category
from aclf_fhir.remote import FhirServer, RetryPolicy

BASE = "http://127.0.0.1:9/fhir"
Reply = tuple[int, dict[str, str], str]


class Peer:
    """A FHIR server that keeps what it was sent and refuses what it is told to."""

    def __init__(self, wire: responses.RequestsMock) -> None:
        self.wire = wire
        self.bundles: list[dict[str, Any]] = []
        self.pushes: list[str] = []
        self.refused: dict[str, str] = {}
        self.busy: dict[str, list[str]] = {}
        self.dead: Callable[[dict[str, Any]], bool] = lambda _bundle: False

    def answer(self, request: Any) -> Reply:
        bundle = json.loads(request.body)
        if self.dead(bundle):
            raise requests.ConnectionError("gone")
        self.bundles.append(bundle)
        self.pushes.append(request.headers["X-Push-Id"])
        entries = []
        for entry in bundle["entry"]:
            id_ = entry["resource"].get("id", "")
            if self.busy.get(id_):
                entries.append({"response": {"status": self.busy[id_].pop()}})
                continue
            reason = self.refused.get(id_)
            if reason == "whole":
                return 422, {}, outcome("the whole Bundle is not liked")
            if reason:
                said = json.loads(outcome(reason))
                entries.append({"response": {"status": "422 Unprocessable", "outcome": said}})
            else:
                entries.append({"response": {"status": "201 Created"}})
        return 200, {}, json.dumps({"resourceType": "Bundle", "entry": entries})

    @property
    def urls(self) -> list[str]:
        return [
            f"{entry['request']['method']} {entry['request']['url']}"
            for bundle in self.bundles
            for entry in bundle["entry"]
        ]


def outcome(text: str) -> str:
    return json.dumps(
        {
            "resourceType": "OperationOutcome",
            "issue": [{"severity": "error", "code": "invalid", "diagnostics": text}],
        }
    )


@pytest.fixture
def peer() -> Iterator[Peer]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        peer = Peer(wire)
        wire.add_callback(responses.POST, BASE, callback=peer.answer)
        yield peer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    write(folder, "1.ndjson", *({"resourceType": "Observation", "id": f"o{n}"} for n in range(4)))
    write(folder, "2.ndjson", {"resourceType": "Encounter", "id": "e"})
    write(folder, "3.ndjson", {"resourceType": "Patient", "id": "p"})
    write(folder, "4.ndjson", {"resourceType": "Basic"})
    return folder


def write(folder: Path, name: str, *resources: dict[str, Any]) -> None:
    (folder / name).write_text("".join(json.dumps(one) + "\n" for one in resources))


def run(folder: Path, state: Path | None = None, *, size: int = 3) -> SendSummary:
    server = FhirServer(BASE, retry=RetryPolicy(attempts=2), sleep=lambda _s: None)
    return send(
        server,
        read_sources(folder),
        source=folder,
        batch_size=size,
        push="push-1",
        state=state,
    )


def test_what_others_point_at_goes_first_under_the_senders_ids(peer: Peer, folder: Path) -> None:
    summary = run(folder)
    assert peer.urls == [
        "PUT Patient/p",
        "PUT Encounter/e",
        *(f"PUT Observation/o{n}" for n in range(4)),
        "POST Basic",
    ]
    assert [len(bundle["entry"]) for bundle in peer.bundles] == [3, 3, 1]
    assert {bundle["type"] for bundle in peer.bundles} == {"batch"}
    assert set(peer.pushes) == {"push-1"}
    assert summary.total == 7
    assert summary.statuses == {"201": 7}


def test_patients_come_before_what_is_about_them() -> None:
    order = ["Organization", "Patient", "Encounter", "Specimen", "Observation", "DiagnosticReport"]
    assert sorted(set(order), key=rank) == order
    assert rank("Basic") > rank("DiagnosticReport")


def test_what_is_about_one_patient_stays_together() -> None:
    sent = [
        ("Basic", ""),
        ("Observation", "Patient/b"),
        ("Observation", "Patient/a"),
        ("Encounter", "Patient/b"),
        ("Patient", ""),
        ("Organization", ""),
    ]
    assert sorted(sent, key=lambda one: precedence(*one)) == [
        ("Organization", ""),
        ("Patient", ""),
        ("Observation", "Patient/a"),
        ("Encounter", "Patient/b"),
        ("Observation", "Patient/b"),
        ("Basic", ""),
    ]


def test_numbers_keep_their_digits(peer: Peer, tmp_path: Path) -> None:
    file = tmp_path / "o.json"
    file.write_text('{"resourceType":"Observation","id":"o","valueQuantity":{"value":1.20}}')
    raw: list[bytes] = []
    answer = peer.answer
    peer.answer = lambda request: raw.append(request.body) or answer(request)
    with responses.RequestsMock() as wire:
        wire.add_callback(responses.POST, BASE, callback=peer.answer)
        run(file)
    assert b'"value":1.20}' in raw[0]


def test_every_refusal_is_told_with_its_reason(peer: Peer, folder: Path) -> None:
    peer.refused = {"o1": "no such unit", "o3": "no such code"}
    summary = run(folder)
    assert [(one.type, one.id, one.reason) for one in summary.refusals] == [
        ("Observation", "o1", "no such unit"),
        ("Observation", "o3", "no such code"),
    ]
    assert summary.refusals[0].place == f"{folder / '1.ndjson'}:2"
    assert summary.statuses == {"201": 5, "422": 2}


def test_a_batch_refused_as_a_whole_is_halved_until_the_culprit_stands_alone(
    peer: Peer, folder: Path
) -> None:
    peer.refused = {"o2": "whole"}
    said = outcome("too wide")
    peer.wire.add(responses.PUT, f"{BASE}/Observation/o2", status=413, body=said)
    summary = run(folder, size=10)
    assert [(one.id, one.reason) for one in summary.refusals] == [("o2", "too wide")]
    assert summary.statuses == {"201": 6, "413": 1}


def test_what_only_its_bundle_was_refused_for_is_taken_alone(peer: Peer, folder: Path) -> None:
    peer.refused = {"o2": "whole"}
    peer.wire.add(responses.PUT, f"{BASE}/Observation/o2", status=201, body="{}")
    summary = run(folder, size=10)
    assert summary.refusals == []
    assert summary.statuses == {"201": 7}


def test_entries_that_a_busy_server_puts_off_are_sent_again(peer: Peer, folder: Path) -> None:
    peer.busy = {"o1": ["503 Service Unavailable"], "e": ["429 Too Many Requests"]}
    summary = run(folder)
    assert summary.total == 7
    assert summary.statuses == {"201": 7}
    assert summary.refusals == []
    assert [url for url in peer.urls if peer.urls.count(url) > 1] == [
        "PUT Encounter/e",
        "PUT Encounter/e",
        "PUT Observation/o1",
        "PUT Observation/o1",
    ]


def test_entries_that_stay_put_off_are_refused_in_the_end(peer: Peer, folder: Path) -> None:
    peer.busy = {"o1": ["503 Service Unavailable"] * 9}
    summary = run(folder)
    assert summary.total == 7
    assert summary.statuses == {"201": 6, "503": 1}
    assert [one.id for one in summary.refusals] == ["o1"]


def test_an_interrupted_send_goes_on_where_it_stopped(
    peer: Peer, folder: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    peer.dead = lambda bundle: len(peer.bundles) == 1
    with pytest.raises(AclfError) as caught:
        run(folder, state)
    assert caught.value.category is Category.UNAVAILABLE
    peer.dead = lambda bundle: False
    summary = run(folder, state)
    assert summary.resumed
    assert peer.urls.count("PUT Patient/p") == 1
    assert len(peer.urls) == len(set(peer.urls)) == 7
    assert summary.total == 7


def test_the_refusals_of_an_interrupted_send_are_not_forgotten(
    peer: Peer, folder: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    peer.refused = {"p": "not this one"}
    peer.dead = lambda bundle: len(peer.bundles) == 1
    with pytest.raises(AclfError):
        run(folder, state)
    peer.dead = lambda bundle: False
    assert [one.id for one in run(folder, state).refusals] == ["p"]


def test_an_interrupted_push_keeps_its_name(peer: Peer, folder: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    peer.dead = lambda bundle: len(peer.bundles) == 1
    with pytest.raises(AclfError):
        run(folder, state)
    peer.dead = lambda bundle: False
    server = FhirServer(BASE)
    summary = send(
        server, read_sources(folder), source=folder, batch_size=3, push="push-2", state=state
    )
    assert summary.push == "push-1"


def test_a_finished_send_can_be_repeated(peer: Peer, folder: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    run(folder, state)
    summary = run(folder, state)
    assert not summary.resumed
    assert peer.urls.count("PUT Patient/p") == 2


def test_a_state_that_ends_inside_a_line_loses_that_line_only(
    peer: Peer, folder: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    peer.dead = lambda bundle: len(peer.bundles) == 2
    with pytest.raises(AclfError):
        run(folder, state)
    state.write_bytes(state.read_bytes()[:-9])
    peer.dead = lambda bundle: False
    summary = run(folder, state)
    assert summary.total == 7
    assert peer.urls.count("PUT Patient/p") == 1
    assert peer.urls.count("PUT Observation/o2") == 2


def test_the_state_of_another_send_is_left_alone(peer: Peer, folder: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    peer.dead = lambda bundle: len(peer.bundles) == 1
    with pytest.raises(AclfError):
        run(folder, state)
    before = state.read_bytes()
    other = tmp_path / "other"
    other.mkdir()
    write(other, "p.ndjson", {"resourceType": "Patient", "id": "p"})
    with pytest.raises(AclfError) as caught:
        run(other, state)
    assert caught.value.category is Category.CONFLICT
    assert state.read_bytes() == before


def test_a_file_that_is_no_state_is_left_alone(peer: Peer, folder: Path, tmp_path: Path) -> None:
    state = tmp_path / "thesis.txt"
    state.write_text("years of work\n")
    with pytest.raises(AclfError) as caught:
        run(folder, state)
    assert caught.value.category is Category.CONFLICT
    assert state.read_text() == "years of work\n"


def test_two_versions_of_one_resource_never_share_a_batch(peer: Peer, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    versions = [{"resourceType": "Patient", "id": "p", "active": value} for value in (True, False)]
    write(folder, "p.ndjson", *versions)
    run(folder, size=10)
    assert [len(bundle["entry"]) for bundle in peer.bundles] == [1, 1]
    assert peer.bundles[1]["entry"][0]["resource"]["active"] is False


def test_a_transaction_is_sent_as_it_is(peer: Peer, tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    entries = [
        {
            "fullUrl": f"urn:uuid:0b1f7c3e-0000-4000-8000-00000000000{number}",
            "resource": {"resourceType": "Patient", "id": "x"},
            "request": {"method": "POST", "url": "Patient"},
        }
        for number in (1, 2)
    ]
    content = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    file.write_text(json.dumps(content))
    assert run(file).statuses == {"201": 2}
    assert peer.bundles == [content]
    peer.refused = {"x": "whole"}
    summary = run(file)
    assert summary.statuses == {"422": 2}
    assert summary.refusals[0].reason == "the whole Bundle is not liked"


def test_a_server_that_does_not_answer_each_entry_is_not_trusted(folder: Path) -> None:
    with responses.RequestsMock() as wire:
        wire.post(BASE, json={"resourceType": "Bundle", "entry": []})
        with pytest.raises(AclfError) as caught:
            run(folder)
    assert caught.value.category is Category.UNSUPPORTED


def test_entries_taken_with_a_warning_are_counted_as_held(folder: Path) -> None:
    warning = {"severity": "warning", "code": "not-supported"}
    held = {"resourceType": "OperationOutcome", "issue": [warning]}
    entry = {"response": {"status": "201 Created", "outcome": held}}
    with responses.RequestsMock() as wire:
        wire.post(BASE, json={"resourceType": "Bundle", "entry": [entry] * 7})
        assert run(folder, size=10).held == 7
