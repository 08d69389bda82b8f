"""A protocol and a record become a verdict with every criterion's result."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from aclf_fhir.evaluation import EvaluationRules, Reason, Snapshot
from aclf_fhir.record import Fact, FactKind, Record
from aclf_fhir.trial.follow_up import UNPROVEN, says_dead
from aclf_fhir.trial.judgement import (
    Distance,
    Evidence,
    Judgement,
    Need,
    Needs,
    Outcome,
    evidence_of,
)
from aclf_fhir.trial.models import Criterion, Protocol, Role
from aclf_fhir.trial.situation import Situation
from aclf_fhir.units import TimeRange

__all__ = ["CriterionResult", "Verdict", "VerdictValue", "screen"]

VerdictValue = Literal["eligible", "ineligible", "undetermined"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionResult:
    """What one criterion says, and everything needed to defend it.

    Parameters
    ----------
    criterion
        Id within the protocol.
    role, text, source
        As in the protocol.
    outcome
        `met`, `not_met`, `unknown`, `not_applicable`; an exclusion that is met
        excludes.
    passes
        True where it speaks for eligibility, False where against, None where open.
    reasons
        Why it is unknown.
    deciding
        The facts that decided, or that explain the unknown.
    distance
        From the limit.
    flags
        What must be acknowledged before signing.
    note
        One sentence for people.
    proposal
        Where unknown: what the evidence suggests to the person who is asked.
    missing
        The smallest set of facts that could make it pass.
    fresh_until
        Last instant at which this holds if nothing new arrives.
    """

    criterion: str
    role: Role
    text: str
    source: str
    outcome: Outcome
    passes: bool | None
    reasons: tuple[Reason, ...] = ()
    deciding: tuple[Evidence, ...] = ()
    distance: Distance | None = None
    flags: tuple[str, ...] = ()
    note: str = ""
    proposal: Outcome | None = None
    missing: tuple[Need, ...] = ()
    fresh_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The machine's reading of one record against one protocol; a person decides.

    Parameters
    ----------
    protocol, version
        Of the protocol.
    verdict
        `eligible` only if every criterion is known and passes.
    criteria
        Every criterion, in the protocol's order.
    reasons
        What decided beside the criteria: `deceased`, `death-date-unknown`.
    missing_next
        The smallest set of missing facts that could still make the verdict `eligible`;
        empty where nothing that is missing can change it.
    flags
        All flags of all criteria.
    as_of, known_at
        The two clocks.
    fresh_until
        Last instant at which the verdict holds if nothing new arrives.
    """

    protocol: str
    version: str
    verdict: VerdictValue
    criteria: tuple[CriterionResult, ...]
    reasons: tuple[str, ...]
    missing_next: tuple[Need, ...]
    flags: tuple[str, ...]
    as_of: datetime
    known_at: datetime
    fresh_until: datetime | None


def screen(
    protocol: Protocol,
    record: Record,
    rules: EvaluationRules,
    *,
    snapshot: Snapshot | None = None,
) -> Verdict:
    """Screen a record against a protocol.

    Parameters
    ----------
    protocol
        The trial.
    record
        The subject's facts, at the instant and with the knowledge to be judged by.
    rules
        Age limits, unit tables, feeds of the subject's site.
    snapshot
        Shared between protocols that judge the same record.

    Returns
    -------
    Verdict
        Never eligible with an unknown criterion.
    """
    situation = Situation(record, rules, study=protocol.id, items=protocol.items, snapshot=snapshot)
    reason, deaths = _death(record)
    if reason == "deceased":
        evidence = tuple(evidence_of(fact, rules=rules) for fact in deaths)
        results = tuple(_unscreened(criterion, evidence) for criterion in protocol.criteria)
        return _verdict(protocol, record, "ineligible", results, (reason,), ())
    judged = [(criterion, *_judge(criterion, situation)) for criterion in protocol.criteria]
    results = tuple(result for _, result, _ in judged)
    verdict: VerdictValue = "eligible"
    missing: tuple[Need, ...] = ()
    if any(result.passes is False for result in results):
        verdict = "ineligible"
    elif reason or any(result.passes is None for result in results):
        verdict = "undetermined"
        extra = (Need("demographic", "death", "registration"),) if reason else ()
        missing = _smallest((needs for *_, needs in judged), extra)
    return _verdict(protocol, record, verdict, results, (reason,) if reason else (), missing)


def _verdict(
    protocol: Protocol,
    record: Record,
    verdict: VerdictValue,
    results: tuple[CriterionResult, ...],
    reasons: tuple[str, ...],
    missing: tuple[Need, ...],
) -> Verdict:
    ends = [result.fresh_until for result in results if result.fresh_until is not None]
    return Verdict(
        protocol=protocol.id,
        version=protocol.version,
        verdict=verdict,
        criteria=results,
        reasons=reasons,
        missing_next=missing,
        flags=tuple(sorted({flag for result in results for flag in result.flags})),
        as_of=record.as_of,
        known_at=record.known_at,
        fresh_until=min((end for end in ends if end >= record.as_of), default=None),
    )


def _death(record: Record) -> tuple[str, tuple[Fact, ...]]:
    """Say whether the subject was dead at the instant judged."""
    deaths = [
        fact
        for kind in (FactKind.DEMOGRAPHIC, FactKind.FINDING)
        for fact in record.of_concept(kind, "death")
        if says_dead(fact)
    ]
    uncertain = False
    for fact in deaths:
        doubtful = bool(fact.qualifiers & UNPROVEN)
        when = fact.value if isinstance(fact.value, TimeRange) else fact.start
        if when is not None and when.latest <= record.as_of and not doubtful:
            return "deceased", (fact,)
        if when is None or when.earliest <= record.as_of:
            uncertain = True
    return ("death-date-unknown" if uncertain else ""), ()


def _unscreened(criterion: Criterion, evidence: tuple[Evidence, ...]) -> CriterionResult:
    return CriterionResult(
        criterion=criterion.id,
        role=criterion.role,
        text=criterion.text,
        source=criterion.source,
        outcome=Outcome.NOT_APPLICABLE,
        passes=None,
        deciding=evidence,
        note="The dead are not screened.",
    )


def _judge(
    criterion: Criterion, situation: Situation
) -> tuple[CriterionResult, tuple[frozenset[Need], ...]]:
    """Judge a criterion: whom it concerns, and what it says."""
    found = criterion.node.judge(situation)
    if criterion.applies_to is not None:
        found = _applied(criterion.applies_to.judge(situation), found)
    elif found.outcome is Outcome.NOT_APPLICABLE:
        # Only `applies_to` takes a patient out of a criterion.
        found = replace(found, outcome=Outcome.UNKNOWN, reasons=(Reason.NEEDS_ATTESTATION,))
    wanted = Outcome.MET if criterion.role == "inclusion" else Outcome.NOT_MET
    passes: bool | None = None
    if found.outcome in {wanted, Outcome.NOT_APPLICABLE}:
        passes = True
    elif found.outcome is not Outcome.UNKNOWN:
        passes = False
    needs = found.needs.met if criterion.role == "inclusion" else found.needs.not_met
    if passes:
        needs = (frozenset[Need](),)
    result = CriterionResult(
        criterion=criterion.id,
        role=criterion.role,
        text=criterion.text,
        source=criterion.source,
        outcome=found.outcome,
        passes=passes,
        reasons=found.reasons if passes is None else (),
        deciding=found.evidence,
        distance=found.distance,
        flags=tuple(sorted(found.flags)),
        note=found.note,
        proposal=found.proposal if passes is None else None,
        missing=tuple(sorted(needs[0])) if needs and passes is None else (),
        fresh_until=found.fresh_until,
    )
    return result, needs


def _applied(concerns: Judgement, found: Judgement) -> Judgement:
    """Combine whom a criterion concerns with what it says."""
    if concerns.outcome is Outcome.NOT_MET:
        return replace(
            concerns,
            outcome=Outcome.NOT_APPLICABLE,
            needs=Needs.settled(Outcome.NOT_APPLICABLE),
            note="It does not concern this patient.",
        )
    if concerns.outcome is not Outcome.UNKNOWN or found.outcome is not Outcome.MET:
        return found
    return replace(
        concerns,
        evidence=concerns.evidence + found.evidence,
        proposal=Outcome.MET,
        flags=concerns.flags | found.flags,
    )


def _smallest(
    criteria: Iterable[tuple[frozenset[Need], ...]], extra: tuple[Need, ...]
) -> tuple[Need, ...]:
    """Return a smallest set of facts with which every open criterion could pass.

    Criteria that leave no choice come first; of alternatives the one that adds least.
    """
    chosen = set(extra)
    for alternatives in sorted(criteria, key=len):
        if alternatives:
            chosen |= min(alternatives, key=lambda needs: (len(needs - chosen), sorted(needs)))
    return tuple(sorted(chosen))
