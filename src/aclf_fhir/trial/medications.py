"""Drugs taken, and organ support given."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aclf_fhir.evaluation import Reason
from aclf_fhir.evaluation.answers import came_after
from aclf_fhir.evaluation.drugs import choose_vasopressor
from aclf_fhir.evaluation.reasons import REASONS, STATUS_REASONS
from aclf_fhir.evaluation.supports import (
    NO,
    choose_renal_replacement,
    choose_ventilation,
    last_sign,
    was_done,
)
from aclf_fhir.mapping.vocabulary import ROUTE_NAMES
from aclf_fhir.record import Fact, FactKind, FactStatus
from aclf_fhir.trial.judgement import (
    Evidence,
    Judgement,
    Need,
    Needs,
    Outcome,
    evidence_of,
    evidence_of_choice,
)
from aclf_fhir.trial.node import UNREAD_NOTE, UNREAD_SINCE, Node, unknown
from aclf_fhir.trial.periods import Period
from aclf_fhir.trial.situation import Situation

__all__ = ["Medication", "OrganSupport"]


_NOT_TAKEN = frozenset({"not_taken", "not_done"})
_DOUBTFUL = frozenset({"review", "supporting", "intended", "on_hold", "unknown"})
_UNREAD_FOR = timedelta(days=7)
"""What came under an unknown code and was over before says nothing of a support now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Medication(Node):
    """A drug given or taken within a period before the instant judged.

    Parameters
    ----------
    names
        Medication concepts.
    within
        Look-back: something over counts if it ended inside it.
    routes_ignored
        Routes that do not count (topical, inhaled), where every route is one of them.
    flag
        Shown with a result that is met, or "".
    """

    names: tuple[str, ...]
    within: Period
    routes_ignored: frozenset[str] = frozenset()
    flag: str = ""

    def references(self) -> Iterator[tuple[str, str]]:
        """Yield the drugs."""
        for name in self.names:
            yield FactKind.MEDICATION, name

    def unread(self, situation: Situation) -> Iterable[Fact]:
        """Return the drugs of the look-back that nobody could read."""
        since = self.within.before(situation.at, situation.rules.zone)
        return situation.unread(FactKind.MEDICATION, since=since)

    def look(self, situation: Situation) -> Judgement:
        """Find administrations and reports in the look-back; an order only raises a question."""
        since = self.within.before(situation.at, situation.rules.zone)
        taken: list[Fact] = []
        doubtful: list[tuple[Fact, Reason]] = []
        for name in self.names:
            for fact in situation.facts(FactKind.MEDICATION, name):
                if fact.qualifiers & _NOT_TAKEN or self._is_local(fact):
                    continue
                last = last_sign(fact)
                running = "in_progress" in fact.qualifiers or (
                    fact.end is None and "active" in fact.qualifiers
                )
                if last is not None and last < since and not running:
                    continue
                if fact.status is not FactStatus.USABLE:
                    doubtful.append((fact, STATUS_REASONS[fact.status]))
                elif (
                    fact.qualifiers & {"administered", "reported"}
                    and not fact.qualifiers & _DOUBTFUL
                    and last is not None
                ):
                    taken.append(fact)
                else:
                    doubtful.append((fact, Reason.NEEDS_ATTESTATION))
        if taken:
            return Judgement(
                outcome=Outcome.MET,
                evidence=self._evidence(taken, situation),
                flags=frozenset({self.flag} if self.flag else ()),
                needs=Needs.settled(Outcome.MET),
                fresh_until=self._over(taken, situation),
            )
        need = Needs.of(*(Need("medication", name, "ward") for name in self.names))
        if doubtful:
            reasons = dict.fromkeys(reason for _, reason in doubtful)
            found = unknown(*reasons, needs=need, proposal=Outcome.MET)
            return replace(
                found, evidence=self._evidence([fact for fact, _ in doubtful], situation)
            )
        if situation.feed_complete(FactKind.MEDICATION, *self.names, since=since):
            note = "No record, and the site declares the feed complete."
            return Judgement(
                outcome=Outcome.NOT_MET,
                evidence=tuple(Evidence(concept=name, note=note) for name in self.names),
                needs=Needs.settled(Outcome.NOT_MET),
                note=note,
            )
        unread = list(situation.unread(FactKind.MEDICATION, *self.names, since=since))
        return unknown(
            Reason.NO_DATA,
            needs=need,
            note=UNREAD_NOTE if unread else "",
            evidence=self._evidence(unread, situation),
        )

    def _is_local(self, fact: Fact) -> bool:
        """Say whether every route of a drug is one that does not count."""
        routes = fact.qualifiers & ROUTE_NAMES
        return bool(routes) and routes <= self.routes_ignored

    def _evidence(self, facts: list[Fact], situation: Situation) -> tuple[Evidence, ...]:
        return tuple(evidence_of(fact, rules=situation.rules) for fact in facts)

    def _over(self, taken: list[Fact], situation: Situation) -> datetime | None:
        """Return until when the last dose stays inside the look-back."""
        zone = situation.rules.zone
        lasts = [last_sign(fact) for fact in taken if "in_progress" not in fact.qualifiers]
        ends = [self.within.after(last, zone) for last in lasts if last is not None]
        return max(ends, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganSupport(Node):
    """Renal replacement, ventilation or vasopressors, as the scores see them.

    But for one thing: what came under a code that nobody could read within the week before
    keeps a complete feed from clearing a criterion, and is nothing to a score.

    Parameters
    ----------
    name
        `renal_replacement`, `mechanical_ventilation` or `vasopressor`.
    within
        For renal replacement: look-back for treatments that are over.
    """

    name: str
    within: Period | None = None

    def references(self) -> Iterator[tuple[str, str]]:
        """Yield the support."""
        yield "support", self.name

    def unread(self, situation: Situation) -> Iterable[Fact]:
        """Return what nobody could read, and may be this support."""
        kind = FactKind.MEDICATION if self.name == "vasopressor" else FactKind.PROCEDURE
        age = _UNREAD_FOR
        if self.within is not None:
            age = max(age, self.within.delta)
        return situation.unread(kind, since=situation.at - age)

    def look(self, situation: Situation) -> Judgement:
        """Judge by the same choice that fills the scores."""
        record, rules = situation.record, situation.rules
        if self.name == "renal_replacement":
            within: timedelta | None = None if self.within is None else self.within.delta
            choice = choose_renal_replacement(record, rules, at=situation.at, within=within)
        elif self.name == "mechanical_ventilation":
            choice = choose_ventilation(record, rules, at=situation.at)
        else:
            choice = choose_vasopressor(record, rules, at=situation.at)
        codes = choice.value if isinstance(choice.value, frozenset) else frozenset[str]()
        off = frozenset({"none"}) | NO
        evidence = evidence_of_choice(choice, rules)
        if codes and codes <= off:
            outcome = Outcome.NOT_MET
        elif codes and not codes & off:
            outcome = Outcome.MET
        else:
            signs = [fact for fact, why in choice.passed_over if why in REASONS]
            proposal = Outcome.MET if any(was_done(fact) for fact in signs) else None
            found = unknown(choice.reason or Reason.NO_DATA, needs=self._need(), proposal=proposal)
            passed = tuple(
                evidence_of(fact, rules=rules, note=why) for fact, why in choice.passed_over
            )
            return replace(found, evidence=passed)
        flags = choice.flags
        if outcome is Outcome.NOT_MET:
            unread = list(self.unread(situation))
            if unread and choice.fact is None:
                return unknown(
                    Reason.NO_DATA,
                    needs=self._need(),
                    note=UNREAD_NOTE,
                    evidence=tuple(evidence_of(fact, rules=rules) for fact in unread),
                )
            if choice.fact is not None and any(came_after(f, choice.fact) for f in unread):
                flags |= {UNREAD_SINCE}
        return Judgement(
            outcome=outcome,
            evidence=evidence,
            flags=flags,
            needs=Needs.settled(outcome),
            fresh_until=choice.fresh_until,
        )

    def _need(self) -> Needs:
        return Needs.of(Need("procedure", self.name, "ward"))
