"""The life cycle of a ResearchSubject on both databases: what a person may do, what follows."""

import json

import pytest

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.publication import STATUS_REASON, research_subject_id
from aclf_fhir.workflows import evaluating
from aclf_fhir.workflows.evaluating import evaluate_marked
from aclf_fhir.workflows.reading import read
from aclf_fhir.workflows.verdicts import judge

X, L = "nct03668171", "nct02857010"
START = {"start": "2026-12-30T12:00:00Z"}


class Ward:
    """A coordinator: reads a subject of one patient, decides, writes what was read."""

    def __init__(self, desk):
        self.desk = desk
        self.gateway = desk.gateway

    def id(self, trial):
        return research_subject_id(site=self.gateway.site, subject="p1", trial=trial)

    def subject(self, trial):
        return json.loads(read(self.gateway, "ResearchSubject", self.id(trial)).body)

    def move(self, trial, status, reason=None, **more):
        subject = {**self.subject(trial), "status": status, **more}
        kept = [one for one in subject["extension"] if one["url"] != STATUS_REASON]
        if reason:
            kept.insert(0, {"url": STATUS_REASON, "valueCode": reason})
        version = subject["meta"]["versionId"]
        self.desk.put({**subject, "extension": kept}, if_match=f'W/"{version}"')

    def refused(self, trial, status, reason=None, **more):
        before = self.subject(trial)
        with pytest.raises(AclfError) as caught:
            self.move(trial, status, reason, **more)
        assert self.subject(trial) == before
        return caught.value.category

    def verdict(self, trial):
        (found,) = (
            part["valueCode"]
            for one in self.subject(trial)["extension"]
            if one["url"].endswith("/subject-verdict")
            for part in one["extension"]
            if part["url"] == "verdict"
        )
        return found

    def criterion(self, trial, criterion):
        panel = next(
            part["valueReference"]["reference"]
            for one in self.subject(trial)["extension"]
            for part in one.get("extension", ())
            if part["url"] == "panel"
        )
        members = json.loads(read(self.gateway, *panel.split("/")).body)["hasMember"]
        for member in members:
            found = json.loads(read(self.gateway, *member["reference"].split("/")).body)
            if found["code"]["coding"][0]["code"] == criterion:
                return found
        raise AssertionError(criterion)


@pytest.fixture
def ward(desk, patient, result):
    """One patient of whom nearly nothing is known: a potential candidate of both trials."""
    desk.put(patient)
    desk.put(result("inr", code="6301-6", value=1.8, unit="{INR}"))
    while evaluate_marked(desk.gateway, limit=10):
        pass
    return Ward(desk)


def test_the_way_through_a_study(ward):
    for status in ("candidate", "screening", "eligible", "pending-on-study"):
        ward.move(X, status)
    for status in ("on-study", "on-study-intervention", "on-study-observation", "follow-up"):
        ward.move(X, status, period=START)
    ward.move(X, "off-study", "completed", period=START)
    assert ward.subject(X)["status"] == "off-study"
    assert ward.refused(X, "on-study", period=START) is Category.CONFLICT


def test_steps_of_the_screening_may_be_skipped_and_those_of_the_study_not(ward):
    assert ward.refused(X, "follow-up", period=START) is Category.CONFLICT
    assert ward.refused(X, "off-study", "completed", period=START) is Category.CONFLICT
    ward.move(X, "on-study", period=START)
    assert ward.refused(X, "eligible") is Category.CONFLICT
    assert ward.refused(X, "not-registered", "other-study") is Category.CONFLICT


def test_who_was_turned_down_is_screened_again_for_a_reason(ward):
    assert ward.refused(X, "ineligible") is Category.INVALID
    ward.move(X, "ineligible", "criterion-failed")
    assert ward.refused(X, "eligible") is Category.CONFLICT
    assert ward.refused(X, "screening") is Category.INVALID
    ward.move(X, "screening", "new-results")
    assert ward.refused(X, "eligible", "new-results") is Category.INVALID
    ward.move(X, "eligible")


def test_the_machine_keeps_the_reason_a_person_gave(ward, result):
    ward.move(X, "ineligible", "investigator-decision")
    ward.desk.put(result("bilirubin", value=40))
    ward.desk.put(result("creatinine", code="2160-0", value=4, unit="mg/dL"))
    subject = ward.subject(X)
    assert subject["status"] == "ineligible"
    assert {"url": STATUS_REASON, "valueCode": "investigator-decision"} in subject["extension"]
    assert ward.verdict(X) == "ineligible"  # MELD is above 30: the machine agrees, and says so


@pytest.mark.parametrize(
    "extension",
    [
        [{"url": STATUS_REASON, "valueString": "because"}],
        [{"url": STATUS_REASON, "valueCode": code} for code in ("died", "criterion-failed")],
    ],
)
def test_there_is_one_reason_and_it_is_a_code(ward, extension):
    subject = ward.subject(X)
    sent = {**subject, "status": "ineligible", "extension": [*subject["extension"], *extension]}
    with pytest.raises(AclfError) as caught:
        ward.desk.put(sent, if_match='W/"1"')
    assert caught.value.category is Category.INVALID


def test_an_illegal_move_of_a_batch_is_a_409_of_its_entry(ward):
    ward.move(X, "not-registered", "transferred")
    subject = {**ward.subject(X), "status": "on-study", "period": START}
    request = {"method": "PUT", "url": f"ResearchSubject/{subject['id']}", "ifMatch": 'W/"2"'}
    receipt = ward.desk.bundle("batch", {"resource": subject, "request": request})
    (entry,) = receipt.entries
    assert entry.category is Category.CONFLICT
    assert entry.issues[0].location == "Bundle.entry[0].resource.status"


class TestTimeZero:
    """`period.start`: outcomes are counted from it."""

    def test_it_is_needed_on_study_and_stays(self, ward):
        assert ward.refused(X, "on-study-observation") is Category.INVALID
        ward.move(X, "on-study", period=START)
        end = {"end": "2026-12-31"}
        for status, reason in (("off-study", "died"), ("withdrawn", "consent-withdrawn")):
            assert ward.refused(X, status, reason, period=end) is Category.INVALID
        ward.move(X, "off-study", "died", period={**START, **end})

    def test_who_withdraws_from_screening_has_none(self, ward):
        assert ward.refused(X, "withdrawn", "subject-decision", period=START) is Category.INVALID
        ward.move(X, "withdrawn", "subject-decision")
        assert ward.refused(X, "withdrawn", "subject-decision", period=START) is Category.INVALID

    def test_registration_that_is_pending_is_no_enrolment(self, ward):
        ward.move(X, "pending-on-study", period=START)
        while evaluate_marked(ward.gateway, limit=10):
            pass
        with ward.gateway.store.read() as reader:
            future = reader.marks(10, ward.gateway.clock().replace(year=2030))
        assert [mark.subject for mark in future] == ["p1"]  # its verdict still follows the time


class TestTwoTrials:
    """Nobody is screened for a second trial while on study in the first."""

    @pytest.mark.parametrize("status", ["pending-on-study", "on-study", "on-study-observation"])
    def test_taking_part_locks_the_other_one(self, ward, status):
        ward.move(X, status, period=START)
        for locked in ("screening", "eligible", "pending-on-study", "on-study"):
            assert ward.refused(L, locked, period=START) is Category.CONFLICT
        ward.move(L, "candidate")
        ward.move(L, "not-registered", "other-study")

    def test_the_lock_opens_when_the_first_one_is_over(self, ward):
        ward.move(L, "screening")
        ward.move(X, "on-study", period=START)
        ward.move(X, "follow-up", period=START)
        assert ward.refused(L, "eligible") is Category.CONFLICT
        ward.move(X, "off-study", "completed", period=START)
        ward.move(L, "eligible")

    def test_screening_in_one_locks_nothing(self, ward):
        ward.move(X, "eligible")
        ward.move(L, "eligible")
        ward.move(L, "withdrawn", "subject-decision")
        ward.move(X, "on-study", period=START)

    def test_a_lock_names_the_other_trial_and_no_person(self, ward):
        ward.move(X, "on-study", period=START)
        with pytest.raises(AclfError) as caught:
            ward.move(L, "screening")
        assert X in caught.value.issues[0].message
        assert "p1" not in str(caught.value.issues)

    @pytest.mark.parametrize(("one", "other", "criterion"), [(X, L, "X15"), (L, X, "X10")])
    def test_the_other_verdict_follows_by_itself(self, ward, one, other, criterion):
        assert ward.verdict(other) == "undetermined"
        ward.move(one, "on-study", period=START)
        assert ward.verdict(other) == "ineligible"
        found = ward.criterion(other, criterion)
        assert found["valueCodeableConcept"]["text"] == "met"
        assert f"ResearchSubject/{ward.id(one)}/_history/2" in json.dumps(found)


def test_a_move_made_while_the_machine_judges_stands(ward, result, monkeypatch):
    """The verdict is judged again beside the move: the machine never writes a status back."""
    judged = []
    moved = {**ward.subject(X), "status": "screening"}

    def judge_and_let_a_person_move(gateway, reader, record):
        found = judge(gateway, reader, record)
        judged.append(record.known_at)
        if len(judged) == 1:
            ward.desk.put(moved, if_match=f'W/"{moved["meta"]["versionId"]}"')
        return found

    ward.desk.put(result("creatinine", code="2160-0", value=0.4, unit="mg/dL"))
    ward.desk.put({"resourceType": "Patient", "id": "p1", "deceasedDateTime": "2026-12-30"})
    monkeypatch.setattr(evaluating, "judge", judge_and_let_a_person_move)
    while evaluate_marked(ward.gateway, limit=10):
        pass
    assert ward.subject(X)["status"] == "screening"
    assert len(judged) == 2
