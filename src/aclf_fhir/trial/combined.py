"""All, any, not, at least: three-valued (Kleene) combinations of criteria."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import chain

from aclf_fhir.evaluation import Reason
from aclf_fhir.trial.judgement import Evidence, Judgement, Needs, Outcome, each_once
from aclf_fhir.trial.node import Node
from aclf_fhir.trial.situation import Situation

__all__ = ["AllOf", "AnyOf", "AtLeast", "Not", "Suggests"]

_NEGATED = {Outcome.MET: Outcome.NOT_MET, Outcome.NOT_MET: Outcome.MET}


def _union(evidence: Iterable[tuple[Evidence, ...]]) -> tuple[Evidence, ...]:
    return each_once(chain.from_iterable(evidence))


def _freshest(judgements: Iterable[Judgement]) -> datetime | None:
    return min((j.fresh_until for j in judgements if j.fresh_until is not None), default=None)


def _needs(parts: tuple[Judgement, ...]) -> list[Needs]:
    return [part.needs for part in parts if part.outcome is not Outcome.NOT_APPLICABLE]


def _reasons(judgements: Iterable[Judgement]) -> tuple[Reason, ...]:
    return tuple(dict.fromkeys(reason for judgement in judgements for reason in judgement.reasons))


def _details(nodes: tuple[Node, ...], parts: tuple[Judgement, ...]) -> dict[str, object]:
    """Gather the numbers of the parts; `value` only where all parts speak of one number."""
    details: dict[str, object] = {}
    values = [part.details.get("value") for part in parts]
    for node, part in zip(nodes, parts, strict=True):
        details.update(
            {name: what for name, what in part.details.items() if name not in {"concept", "value"}}
        )
        if node.part:
            details[f"{node.part}_ok"] = part.outcome is Outcome.MET
    concepts = {part.details.get("concept") for part in parts}
    if len(concepts) == 1 and None not in concepts:
        details["concept"] = concepts.pop()
        numbers = [value for value in values if isinstance(value, Decimal)]
        if numbers:
            details["value"] = numbers[0]
    return details


def _combined(
    nodes: tuple[Node, ...], parts: tuple[Judgement, ...], outcome: Outcome, needs: Needs
) -> Judgement:
    """Return the judgement of a combination: the parts that decide speak for it."""
    speaking = [part for part in parts if part.outcome is outcome] or list(parts)
    proposals = {part.proposal for part in speaking}
    distances = [part.distance for part in speaking if part.distance is not None]
    notes = dict.fromkeys(part.note for part in speaking if part.note)
    return Judgement(
        outcome=outcome,
        reasons=_reasons(speaking) if outcome is Outcome.UNKNOWN else (),
        evidence=_union(part.evidence for part in speaking),
        distance=distances[0] if distances else None,
        flags=frozenset().union(*(part.flags for part in parts)),
        note=" ".join(notes),
        proposal=Outcome.MET if Outcome.MET in proposals else None,
        raised_by=_union(part.doubt for part in speaking) if outcome is Outcome.UNKNOWN else None,
        needs=needs,
        fresh_until=_freshest(parts),
        details=_details(nodes, parts),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf(Node):
    """Met if every part is; not met if one is not."""

    nodes: tuple[Node, ...]

    def children(self) -> tuple[Node, ...]:
        """Return the parts."""
        return self.nodes

    def look(self, situation: Situation) -> Judgement:
        """Judge every part, so that all evidence is shown."""
        parts = tuple(node.judge(situation) for node in self.nodes)
        needs = Needs(
            Needs.together(needs.met for needs in _needs(parts)),
            Needs.either(needs.not_met for needs in _needs(parts)),
        )
        outcomes = {part.outcome for part in parts} - {Outcome.NOT_APPLICABLE}
        for outcome in (Outcome.NOT_MET, Outcome.UNKNOWN, Outcome.MET):
            if outcome in outcomes:
                return _combined(self.nodes, parts, outcome, needs)
        return _combined(self.nodes, parts, Outcome.NOT_APPLICABLE, needs)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf(Node):
    """Met if one part is; not met only if every part is not.

    Parameters
    ----------
    flag_disagreement
        Flag a result that is met although another part is measured and not met.
    """

    nodes: tuple[Node, ...]
    flag_disagreement: bool = False

    def children(self) -> tuple[Node, ...]:
        """Return the parts."""
        return self.nodes

    def look(self, situation: Situation) -> Judgement:
        """Judge every part, so that all evidence is shown."""
        parts = tuple(node.judge(situation) for node in self.nodes)
        needs = Needs(
            Needs.either(needs.met for needs in _needs(parts)),
            Needs.together(needs.not_met for needs in _needs(parts)),
        )
        outcomes = {part.outcome for part in parts} - {Outcome.NOT_APPLICABLE}
        for outcome in (Outcome.MET, Outcome.UNKNOWN, Outcome.NOT_MET):
            if outcome in outcomes:
                found = _combined(self.nodes, parts, outcome, needs)
                disagree = self.flag_disagreement and {Outcome.MET, Outcome.NOT_MET} <= outcomes
                if disagree:
                    found = replace(found, flags=found.flags | {"alternatives_disagree"})
                return found
        return _combined(self.nodes, parts, Outcome.NOT_APPLICABLE, needs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Not(Node):
    """Met if the part is not, and the other way round."""

    node: Node

    def children(self) -> tuple[Node, ...]:
        """Return the part."""
        return (self.node,)

    def look(self, situation: Situation) -> Judgement:
        """Judge the part and turn it round."""
        part = self.node.judge(situation)
        return replace(
            part,
            outcome=_NEGATED.get(part.outcome, part.outcome),
            needs=part.needs.reversed,
            proposal=_NEGATED.get(part.proposal) if part.proposal is not None else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AtLeast(Node):
    """Met if at least so many parts are."""

    count: int
    nodes: tuple[Node, ...]

    def children(self) -> tuple[Node, ...]:
        """Return the parts."""
        return self.nodes

    def look(self, situation: Situation) -> Judgement:
        """Count what is met, and what could still be."""
        parts = tuple(node.judge(situation) for node in self.nodes)

        def count(*outcomes: Outcome) -> int:
            return sum(part.outcome in outcomes for part in parts)

        if count(Outcome.MET) >= self.count:
            outcome = Outcome.MET
        elif count(Outcome.MET, Outcome.UNKNOWN) >= self.count:
            outcome = Outcome.UNKNOWN
        else:
            outcome = Outcome.NOT_MET
        # Every open part is asked for: which of them will count is not known beforehand.
        unresolved = [part.needs for part in parts if part.outcome is Outcome.UNKNOWN]
        needs = Needs.settled(outcome)
        if outcome is Outcome.UNKNOWN:
            needs = Needs(
                Needs.together(need.met for need in unresolved),
                Needs.together(need.not_met for need in unresolved),
            )
        return _combined(self.nodes, parts, outcome, needs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggests(Node):
    """Evidence that never decides: what it finds makes a person look.

    Where it finds nothing it stays out of the way (not applicable), so it stands only
    beside parts that can decide.
    """

    node: Node

    def children(self) -> tuple[Node, ...]:
        """Return the part."""
        return (self.node,)

    def look(self, situation: Situation) -> Judgement:
        """Turn what would be met into an unknown that needs a person."""
        part = self.node.judge(situation)
        if part.outcome is Outcome.MET or part.proposal is Outcome.MET:
            return replace(
                part,
                outcome=Outcome.UNKNOWN,
                reasons=(Reason.NEEDS_ATTESTATION,),
                proposal=Outcome.MET,
                needs=Needs(),
                note=part.note or "What is on file needs a person's judgement.",
            )
        return Judgement(
            outcome=Outcome.NOT_APPLICABLE,
            needs=Needs.settled(Outcome.NOT_APPLICABLE),
            fresh_until=part.fresh_until,
        )
