"""Everything publication writes is R4, also by the models of fhir.resources."""

from datetime import date

import pytest

from aclf_fhir.errors import Category, Issue
from aclf_fhir.fhir import split_bundle
from aclf_fhir.publication import (
    BundleEntry,
    OfferedOperation,
    OfferedParameter,
    OfferedResource,
    TrialZone,
    blind_outcome,
    blind_verdict,
    bundle_bytes,
    capability_statement,
    comparison_parameters,
    findings,
    gateway_device,
    measure,
    measure_report,
    operation_outcome,
    outcome_observation,
    protocol_code_system,
    provenance,
    questionnaire,
    read_signed,
    research_study,
    research_subject,
    review_task,
    score_observations,
    subject_list,
    verdict_observations,
)
from aclf_fhir.record import SourceVersion
from aclf_fhir.scores import SCORES
from aclf_fhir.trial.comparison import compare
from tests.conformance.publication.oracle import conforms
from tests.unit.publication.cases import (
    SUBJECT,
    TRIAL,
    K,
    T,
    evaluated,
    exact,
    inputs,
    listed,
    meld,
    outcome,
    protocol,
    signed,
    verdict,
)


@pytest.mark.parametrize("score", sorted(SCORES))
def test_scores_conform(score: str) -> None:
    wrong = {SCORES[score].inputs[0].name: exact("-1")}
    for values in ({}, inputs(score), wrong):
        evaluation = evaluated(score, values=values)
        for derived in score_observations(evaluation, site="north", subject=SUBJECT):
            conforms(derived.body)


def test_a_score_with_its_evidence_conforms() -> None:
    for derived in score_observations(meld(), site="north", subject=SUBJECT):
        conforms(derived.body)


def test_the_list_of_subjects_conforms() -> None:
    conforms(subject_list(protocol(), [listed(), listed("s2")], site="north").body)
    conforms(subject_list(protocol(), [], site="north").body)


def test_provenance_and_device_conform() -> None:
    conforms(gateway_device("0.1.0").body)
    derived = provenance(
        site="north",
        subject=SUBJECT,
        evaluation="1",
        targets=[SourceVersion("Observation", "a", 1)],
        sources=[SourceVersion("Condition", "b", 2)],
        versions={"mapping": "1"},
        software_version="0.1.0",
        recorded=K,
        as_of=T,
        known_at=K,
    )
    conforms(derived.body)


def test_operation_outcomes_conform() -> None:
    conforms(operation_outcome([]))
    conforms(operation_outcome([Issue(category, "A.b", "c", "d") for category in Category]))


def test_bundles_conform() -> None:
    device = gateway_device("0.1.0")
    url = f"http://127.0.0.1/fhir/{device.reference}"
    entry = BundleEntry(full_url=url, resource=device.body, mode="match")
    conforms(bundle_bytes("searchset", [entry], [("self", url)], 1))
    conforms(bundle_bytes("searchset", [], [("self", url)], 0))
    answer = BundleEntry(
        status="201 Created",
        location=f"{device.reference}/_history/1",
        etag='W/"1"',
        last_modified=K,
        outcome=operation_outcome([]),
    )
    conforms(bundle_bytes("transaction-response", [answer]))
    gone = BundleEntry(full_url=url, method="DELETE", url=device.reference, status="204 Gone")
    conforms(bundle_bytes("history", [gone], total=1))


def test_capability_statements_conform() -> None:
    observation = OfferedResource(
        type="Observation",
        interactions=("read", "search-type"),
        parameters=(OfferedParameter("code", "token"),),
        operations=(OfferedOperation("score"),),
        profiles=("score",),
        includes=("Observation:subject",),
        reverse_includes=("Provenance:target",),
        documentation="Scores too.",
    )
    statement = capability_statement(
        url="http://127.0.0.1:8000/fhir",
        description="Site zone",
        software_version="0.1.0",
        released=date(2026, 11, 22),
        resources=[observation],
        interactions=("batch",),
        operations=(OfferedOperation("held"),),
        parameters=(OfferedParameter("_lastUpdated", "date"),),
    )
    conforms(statement)


def test_verdicts_and_subjects_conform() -> None:
    panel, *criteria = verdict_observations(verdict(), site="north", subject=SUBJECT)
    person = research_subject(verdict(), site="north", subject=SUBJECT, panel=panel.reference)
    assert person is not None
    for derived in (panel, *criteria, person):
        conforms(derived.body)
    moved = person.body.replace(b"potential-candidate", b"on-study")
    again = research_subject(
        verdict(verdict="ineligible"),
        site="north",
        subject=SUBJECT,
        panel=panel.reference,
        current=moved,
    )
    assert again is not None
    conforms(again.body)


def test_comparisons_conform() -> None:
    conforms(comparison_parameters([compare(verdict(), verdict(criteria=()))]))
    conforms(comparison_parameters([compare(verdict(criteria=()), verdict())]))


def test_signed_documents_conform() -> None:
    document, proof = signed()
    conforms(document.body)
    conforms(proof.body)
    entries = split_bundle(document.body).entries
    assert len(entries) == 13
    for entry in entries:
        assert entry.resource is not None
        conforms(entry.resource)


def test_reviews_of_signed_documents_conform() -> None:
    document, _ = signed()
    decision = read_signed(document.body)
    for judged in (verdict(reasons=()), verdict(verdict="ineligible", reasons=("deceased",))):
        tasks = [
            review_task(
                finding,
                decision,
                site="north",
                subject=SUBJECT,
                focus="ResearchSubject/s",
                versions={},
                authored=K,
            )
            for finding in findings(decision, judged)
        ]
        (task,) = [one for one in tasks if one is not None]
        conforms(task.body)


@pytest.mark.parametrize("value", ["yes", "no", "unknown"])
def test_outcomes_conform(value: str) -> None:
    result = outcome(value=value, reasons=() if value != "unknown" else ("no-contact",))
    conforms(outcome_observation(result, trial=TRIAL, site="north", subject=SUBJECT).body)


def test_what_a_protocol_becomes_conforms() -> None:
    for status in ("terminated", "unknown"):
        conforms(research_study(protocol(status=status)).body)
    conforms(protocol_code_system(protocol()).body)
    conforms(questionnaire(protocol()).body)
    (defined,) = measure(protocol())
    conforms(defined.body)
    conforms(measure_report(protocol(), {"O1": {"yes": 1}}, start=T, end=K).body)
    conforms(measure_report(protocol(), {}, start=None, end=K).body)


def test_the_trial_zone_conforms() -> None:
    zone = TrialZone(TRIAL, bytes(32))
    pseudonym = zone.pseudonym(site="north", subject=SUBJECT)
    blind = blind_verdict(verdict())
    for derived in (
        zone.patient(pseudonym),
        zone.research_subject(pseudonym, blind, status="on-study"),
        *zone.verdict_observations(pseudonym, blind, as_of=T),
        zone.score_observation(pseudonym, meld().result, at=T),
        zone.score_observation(pseudonym, evaluated("child_pugh").result, at=T),
        zone.outcome_observation(pseudonym, blind_outcome(outcome())),
    ):
        conforms(derived.body)
