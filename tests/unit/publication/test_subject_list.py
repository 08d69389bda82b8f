import json
from datetime import timedelta

from aclf_fhir.publication import SUBJECT_STATUS, subject_list, subject_list_id
from tests.unit.publication.cases import TRIAL, K, listed, protocol


def test_an_entry_has_the_machines_flag_beside_the_persons_status() -> None:
    derived = subject_list(protocol(), [listed(status="ineligible")], site="north")
    assert derived.id == subject_list_id(site="north", trial=TRIAL)
    assert derived.subject is None
    body = json.loads(derived.body)
    assert (body["status"], body["mode"]) == ("current", "working")
    assert body["identifier"][0]["value"] == TRIAL
    (entry,) = body["entry"]
    assert entry["item"] == {"reference": "ResearchSubject/s1"}
    assert entry["extension"] == [{"url": SUBJECT_STATUS, "valueCode": "ineligible"}]
    assert entry["flag"]["coding"][0]["code"] == "eligible"
    assert entry["date"] == "2024-03-09T09:30:00Z"


def test_what_changed_last_comes_first_whatever_the_order_given() -> None:
    entries = [listed("b"), listed("c", since=K + timedelta(hours=1)), listed("a")]
    one = subject_list(protocol(), entries, site="north")
    other = subject_list(protocol(), reversed(entries), site="north")
    assert one.body == other.body
    order = [entry["item"]["reference"][-1] for entry in json.loads(one.body)["entry"]]
    assert order == ["c", "a", "b"]


def test_a_trial_without_subjects_has_an_empty_list() -> None:
    assert "entry" not in json.loads(subject_list(protocol(), [], site="north").body)


def test_each_site_and_each_trial_has_its_own() -> None:
    ids = {subject_list_id(site=site, trial=trial) for site in "ab" for trial in "xy"}
    assert len(ids) == 4
