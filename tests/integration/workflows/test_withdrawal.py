"""Where consent ends, the trial zone gets nothing new but the status; on both databases."""

import json
from dataclasses import replace

import pytest

from aclf_fhir.publication import TrialZone
from aclf_fhir.store import SearchQuery, Sort
from aclf_fhir.workflows import evaluating
from aclf_fhir.workflows.evaluating import evaluate_marked
from aclf_fhir.workflows.trial_reading import TRIAL_TYPES
from tests.integration.workflows.test_subjects import START, L, Ward, X


def consent(id_="c1", status="active", signed="2026-12-20T09:00:00Z", trial=X, **more):
    resource = {
        "resourceType": "Consent",
        "id": id_,
        "status": status,
        "scope": {"coding": [{"code": "research"}]},
        "category": [{"text": "research"}],
        "patient": {"reference": "Patient/p1"},
        "dateTime": signed,
        "policy": [{"uri": f"ResearchStudy/{trial}"}],
        **more,
    }
    return {name: element for name, element in resource.items() if element is not None}


class Zone:
    """What a trial sees of one patient, as (type, id) and version."""

    def __init__(self, ward, result):
        self.ward, self.gateway = ward, ward.gateway
        self.result = result

    def evaluate(self):
        while evaluate_marked(self.gateway, limit=10):
            pass

    def put(self, resource):
        self.ward.desk.put(resource)
        self.evaluate()

    def move(self, trial, status, reason=None, **more):
        self.ward.move(trial, status, reason, **more)
        self.evaluate()

    def stored(self, trial=X):
        query = SearchQuery(clauses=(), sort=Sort.ARRIVAL, count=1000)
        with self.gateway.store.read_trial(trial) as zone:
            return [one for type_ in TRIAL_TYPES for one in zone.search(type_, query).matches]

    def versions(self, trial=X):
        return {(one.type, one.id): one.version for one in self.stored(trial)}

    def subject(self, trial=X):
        (one,) = (one for one in self.stored(trial) if one.type == "ResearchSubject")
        return json.loads(one.body)

    def scores(self, trial=X):
        bodies = [json.loads(one.body) for one in self.stored(trial) if one.type == "Observation"]
        return {
            one["effectiveDateTime"]
            for one in bodies
            if one["category"][-1]["coding"][0]["code"] == "score"
        }

    def new_results(self, day):
        """Send what makes another score and changes criteria."""
        for name, code, value, unit in (
            ("bili", "1975-2", 4 + day, "mg/dL"),
            ("crea", "2160-0", 1.9, "mg/dL"),
            ("inr", "6301-6", 1.8, "{INR}"),
        ):
            at = f"2026-12-{day:02}T08:00:00Z"
            drawn = self.result(f"{name}-{day}", code, value, unit, effectiveDateTime=at)
            self.ward.desk.put(drawn)
        self.evaluate()


@pytest.fixture
def zone(desk, patient, result):
    desk.put(patient)
    desk.put(consent())
    desk.put(consent("c2", trial=L))
    found = Zone(Ward(desk), result)
    found.new_results(28)
    return found


def changed(before, after):
    return {key for key in {*before, *after} if before.get(key) != after.get(key)}


def test_with_consent_new_results_are_published(zone):
    before = zone.scores()
    zone.new_results(29)
    assert len(zone.scores() - before) == 1


@pytest.mark.parametrize(
    "ended",
    [
        consent(status="inactive"),
        consent(status="rejected"),
        consent(provision={"type": "deny"}),
        consent(provision={"period": {"start": "2026-12-01", "end": "2026-12-24"}}),
        consent("newer", status="inactive", signed="2026-12-29T12:00:00Z"),
        consent("newer", status="rejected", signed=None),
        consent(
            "newer", status="inactive", signed="2026-12-29", verification=[{"verified": False}]
        ),
    ],
    ids=["inactive", "rejected", "denied", "expired", "newer", "undated", "unverified"],
)
def test_an_ended_consent_stops_publication_at_once(zone, ended):
    before = zone.versions()
    zone.put(ended)
    zone.new_results(29)
    zone.new_results(27)  # an earlier day, and a correction of what is published
    zone.put(
        zone.result("inr-28", "6301-6", 2.4, "{INR}", effectiveDateTime="2026-12-28T08:00:00Z")
    )
    assert changed(before, zone.versions()) == set()
    assert zone.ward.verdict(X) in {"ineligible", "undetermined"}  # the site zone goes on


@pytest.mark.parametrize("ended", [False, True])
def test_an_end_of_today_counts_where_verdicts_are_for_the_last_result(
    desk, patient, result, ended
):
    """T lies days back then, and of the end only the day is known, which is not over."""
    desk.gateway = replace(desk.gateway, as_of="last")
    zone = Zone(Ward(desk), result)

    def inr(day):
        at = f"2026-12-{day}T08:00:00Z"
        zone.put(result(f"inr-{day}", "6301-6", 1.8, "{INR}", effectiveDateTime=at))

    desk.put(patient)
    desk.put(consent())
    inr(28)
    before = zone.scores()
    assert before
    if ended:
        zone.put(consent("newer", status="inactive", signed="2026-12-31"))
    inr(29)
    assert (zone.scores() == before) == ended


def test_only_the_study_it_was_given_to_is_stopped(zone):
    zone.put(consent(status="inactive"))
    before = zone.versions(L)
    zone.new_results(29)
    assert changed(before, zone.versions(L))


@pytest.mark.parametrize(
    "unchanged",
    [
        consent("other", status="inactive", signed="2026-12-01T09:00:00Z"),
        consent("other", status="inactive", trial="another-study"),
        consent("draft", status="draft", signed="2026-12-01T09:00:00Z"),
    ],
    ids=["older", "another study", "older draft"],
)
def test_what_is_no_end_of_it_stops_nothing(zone, unchanged):
    zone.put(unchanged)
    before = zone.scores()
    zone.new_results(29)
    assert len(zone.scores() - before) == 1


def test_a_pointer_of_the_subject_counts(zone):
    zone.put(consent(status="entered-in-error"))
    zone.put(consent("generic", status="inactive", policy=None, policyRule={"text": "research"}))
    assert zone.subject()["status"] == "potential-candidate"
    zone.move(X, "screening", consent={"reference": "Consent/generic"})
    assert zone.subject()["status"] == "screening"
    before = zone.versions()
    zone.new_results(29)
    assert changed(before, zone.versions()) == set()


class TestByAPerson:
    @pytest.mark.parametrize(
        ("status", "reason"),
        [("withdrawn", "subject-decision"), ("off-study", "consent-withdrawn")],
    )
    def test_the_status_is_told_and_nothing_else(self, zone, status, reason):
        zone.move(X, "on-study", period=START)
        before, was = zone.versions(), zone.subject()
        zone.move(X, status, reason, period=START)
        assert {type_ for type_, _ in changed(before, zone.versions())} == {"ResearchSubject"}
        assert zone.subject() == {**was, "status": status}
        before = zone.versions()
        zone.new_results(31)
        dead = {"resourceType": "Patient", "id": "p1", "deceasedDateTime": "2026-12-31T09:00:00Z"}
        zone.put(dead)
        assert changed(before, zone.versions()) == set()

    def test_who_leaves_for_another_reason_is_followed(self, zone):
        zone.move(X, "on-study", period=START)
        zone.move(X, "off-study", "lost-to-follow-up", period=START)
        before = zone.versions()
        zone.new_results(31)
        assert changed(before, zone.versions())

    def test_a_reason_that_was_a_mistake_is_made_good(self, zone):
        zone.move(X, "on-study", period=START)
        zone.move(X, "off-study", "consent-withdrawn", period=START)
        before = zone.scores()
        zone.new_results(31)
        assert zone.scores() == before
        zone.move(X, "off-study", "completed", period=START)
        assert len(zone.scores() - before) == 1


def test_publication_resumes_with_the_whole_course(zone):
    zone.put(consent(status="inactive"))
    before = zone.scores()
    zone.new_results(26)
    zone.new_results(30)
    assert zone.scores() == before
    zone.put(consent())
    assert len(zone.scores() - before) == 2


def test_the_pooled_report_does_not_tell_it_either(zone):
    zone.move(X, "on-study", period={"start": "2026-01-05T09:00:00Z"})
    zone.move(X, "withdrawn", "consent-withdrawn", period={"start": "2026-01-05T09:00:00Z"})
    before = zone.versions()
    zone.put({"resourceType": "Patient", "id": "p1", "deceasedDateTime": "2026-02-01T09:00:00Z"})
    assert changed(before, zone.versions()) == set()


def test_an_end_that_becomes_known_during_an_evaluation_counts(zone, monkeypatch):
    before = zone.versions()
    derive = evaluating._derive

    def overtaken(gateway, reader, mark):
        made = derive(gateway, reader, mark)
        monkeypatch.setattr(evaluating, "_derive", derive)
        zone.ward.desk.put(consent(status="inactive"))
        return made

    monkeypatch.setattr(evaluating, "_derive", overtaken)
    zone.new_results(29)
    assert changed(before, zone.versions()) == set()


def test_who_refused_from_the_first_is_never_published(desk, patient, result):
    desk.put(patient)
    desk.put(consent(status="rejected", trial=L))
    zone = Zone(Ward(desk), result)
    zone.new_results(29)
    pseudonym = TrialZone(L, desk.gateway.trial_keys[L]).pseudonym(
        site=desk.gateway.site, subject="p1"
    )
    assert pseudonym not in {one.id for one in zone.stored(L)}
