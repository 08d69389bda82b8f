"""Evaluation on both databases: scores and verdicts follow the facts, and nothing else moves."""

import json
from datetime import timedelta

import pytest
import time_machine

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.store import SearchQuery, Sort, TokenClause, TokenValue
from aclf_fhir.workflows.evaluating import evaluate_marked
from aclf_fhir.workflows.reading import read, search
from tests.conftest import NOW

LABORATORY = {
    "bilirubin": ("1975-2", 12, "mg/dL"),
    "inr": ("6301-6", 2.6, "{INR}"),
    "creatinine": ("2160-0", 1.9, "mg/dL"),
    "sodium": ("2951-2", 131, "mmol/L"),
    "albumin": ("1751-7", 2.9, "g/dL"),
}
DIALYSIS = {
    "resourceType": "Procedure",
    "id": "no-dialysis",
    "status": "not-done",
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "265764009"}]},
    "subject": {"reference": "Patient/p1"},
    "performedPeriod": {"start": "2026-12-22", "end": "2026-12-31"},
}


@pytest.fixture
def cirrhotic(desk, patient, result):
    desk.put(patient)
    for name, (code, value, unit) in LABORATORY.items():
        desk.put(result(name, code=code, value=value, unit=unit))
    return desk


def derived(desk, type_="Observation", category=None):
    tag = TokenClause("_tag", (TokenValue(None, "derived"),))
    kind = [TokenClause("category", (TokenValue(None, category),))] if category else []
    query = SearchQuery(clauses=(tag, *kind), sort=Sort.ARRIVAL, count=1000)
    with desk.gateway.store.read() as reader:
        return reader.search(desk.gateway.site, type_, query).matches


def scores(desk):
    found = {}
    for stored in derived(desk, category="score"):
        observation = json.loads(stored.body)
        for coding in observation["code"]["coding"]:
            if coding["system"].endswith("/scores"):
                found[coding["code"]] = observation
    return found


def evaluate(desk):
    while evaluate_marked(desk.gateway, limit=100):
        pass


def test_scores_follow_the_results(cirrhotic):
    evaluate(cirrhotic)
    published = scores(cirrhotic)
    assert {"meld_optn", "meld_3_0", "child_pugh"} <= set(published)
    sources = {one["reference"] for one in published["meld_optn"]["derivedFrom"]}
    assert {"Observation/bilirubin/_history/1", "Observation/inr/_history/1"} <= sources


def test_nothing_changed_nothing_written(cirrhotic, result):
    evaluate(cirrhotic)
    before = {(one.type, one.id, one.version) for one in derived(cirrhotic)}
    provenances = len(derived(cirrhotic, "Provenance"))
    code, value, unit = LABORATORY["inr"]
    cirrhotic.put(result("inr", code=code, value=value, unit=unit))
    evaluate(cirrhotic)
    with cirrhotic.gateway.store.read() as reader:
        since = reader.mark_of(cirrhotic.gateway.site, "p1")
    assert since is None
    assert {(one.type, one.id, one.version) for one in derived(cirrhotic)} == before
    assert len(derived(cirrhotic, "Provenance")) == provenances


def test_a_correction_amends_the_score_and_says_why(cirrhotic, result):
    evaluate(cirrhotic)
    first = scores(cirrhotic)["child_pugh"]
    cirrhotic.put(result("bilirubin", value=1.5, status="corrected"))
    evaluate(cirrhotic)
    amended = scores(cirrhotic)["child_pugh"]
    assert (first["id"], first["status"], amended["status"]) == (amended["id"], "final", "amended")
    assert "Observation/bilirubin/_history/2" in json.dumps(amended["derivedFrom"])
    newest = json.loads(derived(cirrhotic, "Provenance")[-1].body)
    assert any(amended["id"] in one["reference"] for one in newest["target"])


def test_a_retraction_withdraws_the_scores_nobody_is_owed_any_more(desk, patient, result):
    desk.put(patient)
    desk.put(result())
    evaluate(desk)
    assert scores(desk)
    desk.put(result(status="entered-in-error"))
    evaluate(desk)
    assert {one["status"] for one in scores(desk).values()} == {"entered-in-error"}


def test_a_read_brings_the_subject_up_to_date_first(cirrhotic):
    found = search(cirrhotic.gateway, "Observation", [("patient", "p1"), ("category", "score")])
    assert found.total
    assert found.pending == 0


def test_a_read_evaluates_first_what_time_alone_has_changed(cirrhotic):
    evaluate(cirrhotic)
    asked = [("patient", "p1"), ("category", "verdict")]
    before = search(cirrhotic.gateway, "Observation", asked)
    with time_machine.travel(NOW + timedelta(days=3), tick=False):
        after = search(cirrhotic.gateway, "Observation", asked)
    versions = [{one.id: one.version for one in found.entries} for found in (before, after)]
    assert versions[1].keys() == versions[0].keys()
    assert all(versions[1][one] > versions[0][one] for one in versions[0])


def test_derived_resources_are_not_a_clients_to_write(cirrhotic):
    evaluate(cirrhotic)
    score = scores(cirrhotic)["child_pugh"]
    with pytest.raises(AclfError) as caught:
        cirrhotic.put({**score, "status": "amended"})
    assert caught.value.category is Category.FORBIDDEN


def test_a_derived_resource_coming_back_under_another_id_is_not_needed(cirrhotic):
    evaluate(cirrhotic)
    receipt = cirrhotic.put({**scores(cirrhotic)["child_pugh"], "id": "theirs"})
    assert receipt.rule == "own-derived"
    assert not [fact for fact in cirrhotic.facts() if fact.source.id == "theirs"]


class TestMovingASubject:
    @pytest.fixture
    def subject(self, cirrhotic):
        evaluate(cirrhotic)
        found = [json.loads(one.body) for one in derived(cirrhotic, "ResearchSubject")]
        assert found, "no trial has the patient as a potential candidate"
        return found[0]

    def test_a_person_moves_it_with_if_match(self, cirrhotic, subject):
        moved = {
            **subject,
            "status": "on-study",
            "period": {"start": "2026-12-30T12:00:00Z"},
        }
        receipt = cirrhotic.put(moved, if_match='W/"1"')
        assert receipt.outcome == "stored"
        evaluate(cirrhotic)
        now = json.loads(read(cirrhotic.gateway, "ResearchSubject", subject["id"]).body)
        assert now["status"] == "on-study"
        outcomes = derived(cirrhotic, category="outcome")
        assert outcomes
        reports = derived(cirrhotic, "MeasureReport")
        assert len(reports) == 1

    def test_without_if_match_it_is_refused(self, cirrhotic, subject):
        with pytest.raises(AclfError) as caught:
            cirrhotic.put({**subject, "status": "withdrawn"})
        assert caught.value.category is Category.PRECONDITION

    def test_of_an_older_version_it_is_refused(self, cirrhotic, subject):
        with pytest.raises(AclfError) as caught:
            cirrhotic.put({**subject, "status": "withdrawn"}, if_match='W/"7"')
        assert caught.value.category is Category.PRECONDITION

    @pytest.mark.parametrize(
        ("change", "category"),
        [
            ({"extension": []}, Category.FORBIDDEN),
            ({"individual": {"reference": "Patient/p2"}}, Category.FORBIDDEN),
            ({"actualArm": "msc"}, Category.UNSUPPORTED),
            ({"status": "on-study"}, Category.INVALID),
        ],
    )
    def test_nobody_writes_what_the_machine_decides(self, cirrhotic, subject, change, category):
        body = {name: value for name, value in {**subject, **change}.items() if value}
        with pytest.raises(AclfError) as caught:
            cirrhotic.put(body, if_match='W/"1"')
        assert caught.value.category is category
