"""Everything publication writes is R4, also by the models of fhir.resources."""

from datetime import date

import pytest

from aclf_fhir.errors import Category, Issue
from aclf_fhir.publication import (
    BundleEntry,
    OfferedOperation,
    OfferedParameter,
    OfferedResource,
    bundle_bytes,
    capability_statement,
    gateway_device,
    operation_outcome,
    provenance,
    score_observations,
)
from aclf_fhir.record import SourceVersion
from aclf_fhir.scores import SCORES
from tests.conformance.publication.oracle import conforms
from tests.unit.publication.cases import SUBJECT, K, T, evaluated, exact, inputs, meld


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
