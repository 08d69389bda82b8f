"""The common part of every kind of criterion, and the answer of a person."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from aclf_fhir.evaluation import Reason
from aclf_fhir.evaluation.answers import (
    NEWER_UNUSABLE,
    Answers,
    came_after,
    is_held,
    newest_answers,
)
from aclf_fhir.record import Fact, FactKind, FactStatus
from aclf_fhir.trial.judgement import (
    DECIDED,
    Evidence,
    Judgement,
    Needs,
    Outcome,
    evidence_of,
)
from aclf_fhir.trial.periods import Period
from aclf_fhir.trial.situation import Situation
from aclf_fhir.units import Interval, TimeRange

__all__ = [
    "UNREAD_NOTE",
    "UNREAD_SINCE",
    "Answered",
    "Attestation",
    "Node",
    "of_truth",
    "told_at",
    "truth_of",
    "unknown",
]

UNREAD_NOTE = "The feed is declared complete, but something of its kind that is held may be one."
UNREAD_SINCE = "unread_since_answer"
"""Flag of an absence told by an answer after which something came that nobody could read."""

_SIGNING_NOTE = "When consent was signed is not recorded."
_HELD_NOTE = "An answer that nobody could read yet may be the one that counts."


@dataclass(frozen=True, slots=True, kw_only=True)
class Node(ABC):
    """A criterion, or a part of one.

    Parameters
    ----------
    case
        Id of the case file's rule that this node implements, or "".
    part
        Name under which a case file reports this part, or "".
    ask
        Answers that decide where the record cannot, in order of preference.
    cleared_by
        What rules it out where the record says nothing of it (menopause: pregnancy).
    """

    case: str = ""
    part: str = ""
    ask: "tuple[Attestation, ...]" = ()
    cleared_by: "Node | None" = None

    @abstractmethod
    def look(self, situation: Situation) -> Judgement:
        """Judge by the record alone."""

    def children(self) -> tuple["Node", ...]:
        """Return the parts."""
        return ()

    def references(self) -> Iterator[tuple[str, str]]:
        """Yield what the catalog must know: kind of thing and id."""
        yield from ()

    def unread(self, situation: Situation) -> Iterable[Fact]:
        """Return what nobody could read, and may be what this node looks for."""
        del situation
        return ()

    def walk(self) -> Iterator["Node"]:
        """Yield this node and every part of it."""
        yield self
        for child in self.children():
            yield from child.walk()
        if self.cleared_by is not None:
            yield from self.cleared_by.walk()
        yield from self.ask

    def judge(self, situation: Situation) -> Judgement:
        """Judge by the record, and where that leaves an unknown, by a person's answer."""
        found = self._cleared(self.look(situation), situation)
        if not self.ask or found.outcome is Outcome.NOT_APPLICABLE:
            return found
        answers = [(ask, ask.look(situation)) for ask in self.ask]
        if found.outcome in DECIDED:
            outcomes = {answer.outcome for _, answer in answers} & DECIDED
            if outcomes - {found.outcome}:
                return replace(found, flags=found.flags | {"attestation_disagrees"})
            return found
        judged = _answered(found, answers, situation)
        if judged.outcome is not Outcome.NOT_MET:
            return judged
        told = judged.evidence[0].fact
        unread = [fact for node in self.walk() for fact in node.unread(situation)]
        if told is None or not any(came_after(fact, told) for fact in unread):
            return judged
        return replace(judged, flags=judged.flags | {UNREAD_SINCE})

    def _cleared(self, found: Judgement, situation: Situation) -> Judgement:
        """Rule out what nothing on file speaks for."""
        if self.cleared_by is None or found.outcome is not Outcome.UNKNOWN:
            return found
        cleared = self.cleared_by.judge(situation)
        if cleared.outcome is not Outcome.MET or found.proposal is Outcome.MET:
            return found
        return replace(
            cleared, outcome=Outcome.NOT_MET, needs=Needs.settled(Outcome.NOT_MET), details={}
        )


def _answered(
    found: Judgement, answers: "list[tuple[Attestation, Judgement]]", situation: Situation
) -> Judgement:
    """Let a person's answer decide, unless it was given before the doubt arose."""
    doubt = [each.fact for each in found.doubt if each.fact is not None]
    note = found.note or next((answer.note for _, answer in answers if answer.note), "")
    for _, answer in answers:
        if answer.outcome not in DECIDED:
            continue
        told = answer.evidence[0].fact
        if told is None or not any(came_after(fact, told) for fact in doubt):
            return replace(
                answer,
                evidence=answer.evidence + found.evidence,
                flags=answer.flags | found.flags,
                fresh_until=_earlier(answer.fresh_until, found.fresh_until),
                details=found.details,
            )
        note = "The answer is older than what raised the question; ask again."
    needs = found.needs
    for ask, _ in answers:
        item = Needs.of(situation.need_item(ask.item))
        decides_no = bool(ask.not_met) or not ask.met
        decides_yes = bool(ask.met) or not ask.not_met
        needs = needs.or_else(
            Needs(item.met if decides_yes else (), item.not_met if decides_no else ())
        )
    told_reasons = [reason for _, answer in answers for reason in answer.reasons]
    reasons = tuple(dict.fromkeys((*found.reasons, *told_reasons, Reason.NEEDS_ATTESTATION)))
    told_evidence = tuple(e for _, answer in answers for e in answer.evidence)
    return replace(
        found, reasons=reasons, note=note, needs=needs, evidence=found.evidence + told_evidence
    )


def told_at(fact: Fact) -> datetime:
    """Return when a fact was true, or was at the latest written down or learnt."""
    if fact.start is not None:
        return fact.start.latest
    return fact.recorded or fact.known


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((time for time in (one, other) if time is not None), default=None)


def unknown(
    *reasons: Reason,
    needs: Needs | None = None,
    proposal: Outcome | None = None,
    note: str = "",
    evidence: tuple[Evidence, ...] = (),
    flags: frozenset[str] = frozenset(),
) -> Judgement:
    """Return an unknown with its reasons."""
    return Judgement(
        outcome=Outcome.UNKNOWN,
        reasons=reasons,
        evidence=evidence,
        needs=Needs() if needs is None else needs,
        proposal=proposal,
        note=note,
        flags=flags,
    )


def truth_of(
    value: Interval,
    *,
    minimum: Decimal | None = None,
    maximum: Decimal | None = None,
    above: Decimal | None = None,
    below: Decimal | None = None,
) -> str:
    """Say whether a number keeps all limits: `true`, `false` or `unknown`."""
    negated = {"true": "false", "false": "true", "unknown": "unknown"}
    truths: list[str] = []
    if minimum is not None:
        truths.append(value.at_least(minimum))
    if above is not None:
        truths.append(value.above(above))
    if maximum is not None:
        truths.append(negated[value.above(maximum)])
    if below is not None:
        truths.append(negated[value.at_least(below)])
    if "false" in truths:
        return "false"
    return "unknown" if "unknown" in truths else "true"


def of_truth(truth: str) -> Outcome:
    """Return the outcome a truth value stands for."""
    return {"true": Outcome.MET, "false": Outcome.NOT_MET}.get(truth, Outcome.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation(Node):
    """A person's signed answer to one item of the protocol.

    Parameters
    ----------
    item
        Code of the attestation item.
    met, not_met
        Answers that decide; any other answer, `unknown` included, does not.
    within
        For a date: met if it lies within this period before the instant judged.
    minimum, maximum
        For a number: met inside these limits, both included.
    """

    item: str
    met: frozenset[str] = frozenset()
    not_met: frozenset[str] = frozenset()
    within: Period | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None

    def references(self) -> Iterator[tuple[str, str]]:
        """Yield the item."""
        yield "item", self.item

    def look(self, situation: Situation) -> Judgement:
        """Judge by the newest answer that still holds."""
        need = Needs.of(situation.need_item(self.item))
        found = self._answers(situation)
        told = (*found.newest, *found.rivals, *found.held)
        if not told and found.stale is not None:
            told = (found.stale,)
        evidence = tuple(evidence_of(fact, rules=situation.rules) for fact in told)
        if found.held:
            return unknown(Reason.NO_DATA, needs=need, evidence=evidence, note=_HELD_NOTE)
        if not found.newest:
            reason = Reason.NEEDS_ATTESTATION if found.stale is None else Reason.STALE
            return unknown(reason, needs=need, evidence=evidence)
        outcomes = {self._outcome(fact, situation) for fact in told}
        disputed = any(fact.status is FactStatus.CONFLICTING for fact in told)
        if disputed or len(outcomes) > 1:
            return unknown(Reason.CONFLICTING, needs=need, evidence=evidence)
        outcome = outcomes.pop()
        if outcome is Outcome.UNKNOWN:
            return unknown(Reason.NEEDS_ATTESTATION, needs=need, evidence=evidence)
        if situation.items[self.item].of_signing and situation.signed() is None:
            # It may have been given before the signing it speaks of.
            return unknown(Reason.NO_DATA, needs=need, evidence=evidence, note=_SIGNING_NOTE)
        given = found.newest[0].start
        return Judgement(
            outcome=outcome,
            evidence=evidence,
            flags=frozenset({NEWER_UNUSABLE} if found.unusable else ()),
            needs=Needs.settled(outcome),
            fresh_until=None
            if given is None
            else given.earliest + situation.items[self.item].valid,
        )

    def _answers(self, situation: Situation) -> Answers:
        """Gather the answers to this item that were given for this study."""
        item = situation.items[self.item]
        unnamed = "" if item.named else situation.study
        signed = situation.signed() if item.of_signing else None
        window = situation.window
        since = situation.at - item.valid if window is None else window.start

        def too_early(fact: Fact) -> bool:
            start = fact.start
            return (
                start is None
                or start.earliest < since
                or bool(signed and start.latest < signed.earliest)
            )

        return newest_answers(
            [
                fact
                for fact in reversed(situation.facts(FactKind.ATTESTATION, self.item))
                if dict(fact.context).get("study", unnamed) == situation.study
            ],
            at=situation.at,
            too_early=too_early,
            may_answer=lambda fact: self._may_answer(fact, situation),
        )

    def _may_answer(self, fact: Fact, situation: Situation) -> bool:
        """Say whether the signer may answer: the patient or a relative only where asked."""
        own = "by_patient" in fact.qualifiers
        return not own or situation.items[self.item].supplier == "patient"

    def _outcome(self, fact: Fact, situation: Situation) -> Outcome:
        value = fact.value
        if isinstance(value, frozenset):
            if value and value <= self.met:
                return Outcome.MET
            return Outcome.NOT_MET if value and value <= self.not_met else Outcome.UNKNOWN
        if isinstance(value, TimeRange) and self.within is not None:
            since = self.within.before(situation.at, situation.rules.zone)
            if value.earliest > situation.at:
                return Outcome.UNKNOWN
            if value.earliest >= since:
                return Outcome.MET
            return Outcome.NOT_MET if value.latest < since else Outcome.UNKNOWN
        if isinstance(value, Interval) and (self.minimum, self.maximum) != (None, None):
            return of_truth(truth_of(value, minimum=self.minimum, maximum=self.maximum))
        return Outcome.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered(Attestation):
    """An answer that counts only if it was given: nobody is asked for it.

    It is met if one of `met` was answered and silent (not applicable) otherwise, so it
    stands only beside parts that can decide. Answers that contradict each other, an answer
    of `met` that no longer holds, and one that nobody could read yet are unknown.
    """

    def look(self, situation: Situation) -> Judgement:
        """Judge by the newest answer, and keep silent where there is none."""
        # Without the arguments: `slots` makes a new class, which a bare `super` misses.
        found = Attestation.look(self, situation)
        if found.outcome is Outcome.MET:
            return found
        told = [each.fact for each in found.evidence if each.fact is not None]
        if found.outcome is Outcome.UNKNOWN and any(
            self._outcome(fact, situation) is Outcome.MET or is_held(fact) for fact in told
        ):
            return found
        return Judgement(
            outcome=Outcome.NOT_APPLICABLE, needs=Needs.settled(Outcome.NOT_APPLICABLE)
        )
