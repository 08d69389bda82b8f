"""The List of a trial's subjects on both databases: current when read, written when it changed."""

import json
from datetime import datetime

import pytest

from aclf_fhir.publication import SUBJECT_STATUS, subject_list_id
from aclf_fhir.workflows.reading import history, read, search
from tests.integration.workflows.test_subjects import START, L, Ward, X

instant = datetime.fromisoformat


class Lists:
    def __init__(self, ward):
        self.ward, self.gateway = ward, ward.gateway

    def id(self, trial=X):
        return subject_list_id(site=self.gateway.site, trial=trial)

    def read(self, trial=X):
        return json.loads(read(self.gateway, "List", self.id(trial)).body)

    def rows(self, trial=X):
        """Return verdict, status and date of each entry, by subject."""
        return {
            entry["item"]["reference"]: (
                entry["flag"]["coding"][0]["code"],
                *(one["valueCode"] for one in entry["extension"] if one["url"] == SUBJECT_STATUS),
                entry["date"],
            )
            for entry in self.read(trial).get("entry", ())
        }

    def row(self, trial=X):
        return self.rows(trial)[f"ResearchSubject/{self.ward.id(trial)}"]

    def version(self, trial=X):
        return int(self.read(trial)["meta"]["versionId"])


@pytest.fixture
def lists(desk, patient, result):
    desk.put(patient)
    desk.put(result("inr", code="6301-6", value=1.8, unit="{INR}"))
    return Lists(Ward(desk))


def test_it_shows_the_verdict_beside_the_status(lists):
    assert lists.row()[:2] == ("undetermined", "potential-candidate")
    lists.ward.move(X, "screening")
    assert lists.row()[:2] == ("undetermined", "screening")
    assert lists.row(L)[:2] == ("undetermined", "potential-candidate")


def test_it_follows_the_verdict_without_anybody_moving_anything(lists):
    lists.ward.move(X, "on-study", period=START)
    assert lists.row(L)[:2] == ("ineligible", "potential-candidate")


def test_it_is_written_only_when_it_changed(lists, result):
    assert lists.version() == 1
    assert lists.version() == 1
    lists.ward.desk.put(result("inr2", code="6301-6", value=1.9, unit="{INR}"))
    assert lists.version() == 1  # another INR, the same verdict
    lists.ward.move(X, "candidate")
    lists.ward.move(X, "screening")
    assert lists.version() == 2  # nobody looked in between
    assert lists.version(L) == 1


def test_a_date_is_that_of_the_last_change_of_verdict_or_status(lists):
    first = lists.row()[2]
    made = json.loads(read(lists.gateway, "ResearchSubject", lists.ward.id(X)).body)
    assert instant(first) == instant(made["meta"]["lastUpdated"])
    consent = {"reference": "Consent/c1"}
    lists.ward.move(X, "potential-candidate", consent=consent)  # another version, no move
    assert lists.ward.subject(X)["meta"]["versionId"] == "2"
    assert lists.row()[2] == first
    lists.ward.move(X, "candidate", consent=consent)
    lists.ward.move(X, "screening", consent=consent)
    moved = lists.ward.subject(X)["meta"]["lastUpdated"]
    lists.ward.move(X, "screening", "decided-in-error", consent=consent)
    assert instant(lists.row()[2]) == instant(moved) > instant(first)


def test_it_is_found_by_its_trial_and_keeps_its_history(lists):
    found = search(lists.gateway, "List", [("identifier", X)])
    assert [one.id for one in found.entries] == [lists.id()]
    lists.ward.move(X, "withdrawn", "subject-decision")
    versions = history(lists.gateway, "List", lists.id(), []).entries
    assert [json.loads(one.served.body)["entry"][0]["flag"]["text"] for one in versions]
    assert len(versions) == 2


def test_what_changed_last_comes_first(lists, patient):
    for name in ("p2", "p3"):
        lists.ward.desk.put({**patient, "id": name})
        assert lists.rows()
    lists.ward.move(X, "screening")
    order = [entry["item"]["reference"] for entry in lists.read()["entry"]]
    assert order[0] == f"ResearchSubject/{lists.ward.id(X)}"
    assert len(order) == 3


def test_a_list_that_a_hospital_sent_is_another_one(lists):
    mine = {"resourceType": "List", "id": "theirs", "status": "current", "mode": "snapshot"}
    lists.ward.desk.put(mine)
    assert json.loads(read(lists.gateway, "List", "theirs").body)["mode"] == "snapshot"
    assert lists.row()


def test_a_trial_without_subjects_has_an_empty_list(desk):
    assert Lists(Ward(desk)).rows() == {}


def test_nobody_writes_it(lists):
    with pytest.raises(Exception, match="derived by the gateway"):
        lists.ward.desk.put({**lists.read(), "title": "mine"}, if_match='W/"1"')
