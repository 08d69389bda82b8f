"""No way leads to `eligible` past an unknown, without consent, or by the absence of a record."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from aclf_fhir.catalog import load_catalog
from aclf_fhir.evaluation import EvaluationRules, Reason
from aclf_fhir.record import Fact, FactKind, FactStatus, Record
from aclf_fhir.trial import Protocol, screen
from aclf_fhir.trial.examples import EXAMPLE_TIME, record_of

CATALOG = load_catalog()
RULES = EvaluationRules(analytes=CATALOG.analytes, scales=CATALOG.scales)
PROTOCOLS = list(CATALOG.protocols.values())


def facts_of(record: Record, example: int) -> list[Fact]:
    """Return the facts of an example, each with a source of its own."""
    return [
        replace(fact, source=replace(fact.source, id=f"{example}-{fact.source.id}"))
        for group in record.facts.values()
        for fact in group
    ]


POOLS = {
    protocol.id: [
        fact
        for number, each in enumerate(protocol.examples, 1)
        for fact in facts_of(record_of(protocol, each, RULES), number)
    ]
    for protocol in PROTOCOLS
}
CLEAN = {
    protocol.id: facts_of(record_of(protocol, protocol.examples[0], RULES), 0)
    for protocol in PROTOCOLS
}


def record(facts: list[Fact]) -> Record:
    return Record.of("example", facts, as_of=EXAMPLE_TIME, known_at=EXAMPLE_TIME)


def spoilt(draw: Any, fact: Fact) -> Fact:
    status = draw(st.sampled_from([FactStatus.USABLE] * 6 + list(FactStatus)))
    return replace(fact, status=status)


class Case(tuple[Protocol, list[Fact]]):
    """A protocol and facts; its text is short, as a report of failure needs it."""

    __slots__ = ()

    def __repr__(self) -> str:
        protocol, facts = self
        return f"{protocol.id}: {[(f.source.id, str(f.status)) for f in facts]}"


@st.composite
def cases(draw: Any) -> Case:
    """A clean patient with some facts lost, some spoilt, and some of other patients."""
    protocol = CATALOG.protocols[draw(st.sampled_from(sorted(CLEAN)))]
    clean = CLEAN[protocol.id]
    lost = draw(st.sets(st.integers(0, len(clean) - 1), max_size=3))
    kept = [spoilt(draw, fact) for index, fact in enumerate(clean) if index not in lost]
    more = draw(st.lists(st.sampled_from(POOLS[protocol.id]), max_size=3))
    return Case((protocol, kept + [spoilt(draw, fact) for fact in more]))


@given(cases())
def test_eligible_means_every_criterion_is_known_and_passes(
    case: Case,
) -> None:
    protocol, facts = case
    verdict = screen(protocol, record(facts), RULES)
    if verdict.verdict != "eligible":
        return
    for result in verdict.criteria:
        assert result.passes is True
        # Something on file stands behind every criterion that passes.
        assert any(evidence.fact is not None for evidence in result.deciding), result.criterion
        assert all(
            evidence.fact is None or evidence.fact.status is FactStatus.USABLE
            for evidence in result.deciding
        ), result.criterion
    consents = [
        fact
        for fact in facts
        if fact.kind is FactKind.CONSENT
        and fact.concept == protocol.id
        and fact.status is FactStatus.USABLE
        and fact.value == frozenset({"active"})
    ]
    assert consents


@given(st.sampled_from(sorted(CLEAN)), st.data())
def test_losing_a_fact_never_makes_a_patient_eligible(name: str, data: Any) -> None:
    protocol = CATALOG.protocols[name]
    facts = CLEAN[protocol.id] + data.draw(
        st.lists(st.sampled_from(POOLS[protocol.id]), max_size=2)
    )
    before = screen(protocol, record(facts), RULES)
    if before.verdict != "undetermined":
        return
    reasons = {reason for result in before.criteria for reason in result.reasons}
    if Reason.CONFLICTING in reasons or before.reasons:
        return  # without one side of a contradiction there is none
    rest = list(facts)
    rest.pop(data.draw(st.integers(0, len(CLEAN[protocol.id]) - 1)))
    after = screen(protocol, record(rest), RULES)
    assert after.verdict != "eligible"


@given(cases(), st.integers(0, 100), st.booleans())
def test_the_order_of_arrival_does_not_matter(case: Case, turn: int, backwards: bool) -> None:
    protocol, facts = case
    cut = turn % max(len(facts), 1)
    other = facts[cut:] + facts[:cut]
    if backwards:
        other.reverse()
    assert screen(protocol, record(facts), RULES) == screen(protocol, record(other), RULES)


@given(cases())
def test_without_consent_nobody_is_eligible(case: Case) -> None:
    protocol, facts = case
    bare = [fact for fact in facts if fact.kind is not FactKind.CONSENT]
    assert screen(protocol, record(bare), RULES).verdict != "eligible"


@given(cases())
def test_what_is_missing_is_named(case: Case) -> None:
    protocol, facts = case
    verdict = screen(protocol, record(facts), RULES)
    for result in verdict.criteria:
        assert (result.passes is None) == bool(result.reasons) or verdict.reasons
    if verdict.verdict != "undetermined":
        assert not verdict.missing_next
