"""Life, death and transplantation of someone who takes part, after time zero.

No news is not alive: being alive on a day needs a contact on or after it, or a death
after it. What is in doubt proves neither.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from aclf_fhir.evaluation import EvaluationRules
from aclf_fhir.record import AFTER_DEATH, Fact, FactKind, FactStatus, Record, shows_alive
from aclf_fhir.trial.judgement import Evidence, evidence_of
from aclf_fhir.trial.models import Protocol
from aclf_fhir.units import TimeRange

__all__ = ["UNPROVEN", "Answer", "FollowUp", "Vital", "says_dead"]

Answer = Literal["yes", "no", "unknown"]

UNPROVEN = frozenset({"provisional", "review", "supporting"})
"""Qualifiers of a statement that a person must confirm before it counts."""

_NOT_DEAD = (frozenset({"alive"}), frozenset({"absent"}))
_BESIDE = frozenset({"ward", "patient"})
"""Who answers at the bedside; what an investigator signs is no sign of life."""


def says_dead(fact: Fact) -> bool:
    """Say whether a fact states a death, proven or not; a refuted one states none."""
    return (
        fact.status is FactStatus.USABLE
        and fact.value not in _NOT_DEAD
        and "refuted" not in fact.qualifiers
    )


@dataclass(frozen=True, slots=True)
class Vital:
    """Whether someone died on or before a day: `yes`, `no` (alive on it), `unknown`."""

    died: Answer
    facts: tuple[Fact, ...] = ()
    reason: str = ""


class FollowUp:
    """What the record says of life and death after time zero."""

    def __init__(
        self, record: Record, rules: EvaluationRules, start: datetime, protocol: Protocol
    ) -> None:
        self.bedside = {code for code, item in protocol.items.items() if item.supplier in _BESIDE}
        self.record = record
        self.rules = rules
        self.zero = self.day(start)
        self.today = self.day(record.as_of)
        self.start = start

    def day(self, instant: datetime) -> date:
        """Return the calendar day of an instant at the site."""
        return instant.astimezone(self.rules.zone).date()

    def due(self, days: int) -> date:
        """Return the calendar day of a time point."""
        return self.zero + timedelta(days=days)

    def deaths(self) -> list[Fact]:
        """Return every usable statement that the subject is dead, proven or not."""
        return [
            fact
            for kind in (FactKind.DEMOGRAPHIC, FactKind.FINDING)
            for fact in self.record.of_concept(kind, "death")
            if says_dead(fact)
        ]

    def _died_by(self, fact: Fact, day: date) -> Answer:
        when = fact.value if isinstance(fact.value, TimeRange) else fact.start
        if when is None:
            return "unknown"
        if self.day(when.latest) <= day:
            return "yes"
        return "no" if self.day(when.earliest) > day else "unknown"

    def _death_day(self, fact: Fact) -> date:
        when = fact.value if isinstance(fact.value, TimeRange) else fact.start
        return self.today if when is None else self.day(when.latest)

    def vital(self, day: date) -> Vital:
        """Say whether the subject died on or before a day."""
        stated = self.deaths()
        deaths = [fact for fact in stated if not fact.qualifiers & UNPROVEN]
        unproven = [
            fact
            for fact in stated
            if fact.qualifiers & UNPROVEN and self._died_by(fact, day) != "no"
        ]
        answers = {self._died_by(fact, day) for fact in deaths}
        contact = self.contact(day)
        early = [fact for fact in deaths if self._died_by(fact, day) == "yes"]
        if early and "no" not in answers:
            # What is signed after a death, about it, contradicts nothing.
            after = max(self._death_day(fact) for fact in early) + timedelta(days=1)
            later = self._seen_after_death(after) or self.contact(after, told=False)
            if later is not None:
                return Vital("unknown", (*early, later), "conflicting")
            return Vital("yes", tuple(early))
        if {"yes", "no"} <= answers:
            return Vital("unknown", tuple(deaths), "conflicting")
        if answers == {"no"} and not unproven:
            return Vital("no", tuple(deaths))
        if contact is not None:
            return Vital("no", (contact,))
        if deaths or unproven:
            return Vital("unknown", (*deaths, *unproven), "death-date-unknown")
        return Vital("unknown", (), "not-due" if self.today < day else "no-contact")

    def contact(self, day: date, *, told: bool = True) -> Fact | None:
        """Return the first sign that the patient was alive on or after a day.

        What was answered at the bedside is one, unless `told` is false.
        """
        at = self.record.as_of
        best: Fact | None = None
        for (kind, concept), facts in self.record.facts.items():
            answered = told and kind is FactKind.ATTESTATION and concept in self.bedside
            for fact in facts:
                if not (shows_alive(fact) or (answered and _given(fact))):
                    continue
                seen = _seen(fact, at)
                if self.day(seen) < day or seen > at:
                    continue
                if best is None or _key(fact, at) < _key(best, at):
                    best = fact
        return best

    def _seen_after_death(self, day: date) -> Fact | None:
        """Return what is held because it came after the death, from a day on."""
        for fact in self.record.of_concept(FactKind.ENCOUNTER, AFTER_DEATH):
            if (
                fact.status is not FactStatus.RETRACTED
                and fact.start
                and self.day(fact.start.latest) >= day
            ):
                return fact
        return None

    def _transplanted(self) -> list[Fact]:
        """Return what speaks of a liver transplantation, and was neither refuted nor taken back."""
        sources = (
            (FactKind.PROCEDURE, "liver_transplantation"),
            (FactKind.FINDING, "liver_transplant_status"),
        )
        return [
            fact
            for kind, concept in sources
            for fact in self.record.of_concept(kind, concept)
            if fact.status is not FactStatus.RETRACTED
            and "refuted" not in fact.qualifiers
            and fact.value not in (frozenset({"not_done"}), frozenset({"absent"}))
        ]

    def transplants(self, day: date) -> list[Fact]:
        """Return liver transplantations that are certain, between time zero and a day."""
        return [
            fact
            for fact in self._transplanted()
            if fact.status is FactStatus.USABLE
            and not fact.qualifiers & UNPROVEN
            and fact.value in (frozenset({"done"}), frozenset({"present"}))
            and fact.start is not None
            and fact.start.earliest >= self.start
            and self.day(fact.start.latest) <= day
        ]

    def possible_transplants(self, day: date) -> list[Fact]:
        """Return those that may lie between time zero and a day, or are in doubt."""
        certain = self.transplants(day)
        return [
            fact
            for fact in self._transplanted()
            if fact not in certain and self._may_lie(fact, day)
        ]

    def _may_lie(self, fact: Fact, day: date) -> bool:
        """Say whether something may have been after time zero and by a day."""
        if fact.start is None:
            # What was written down before time zero happened before it.
            written = fact.known if fact.recorded is None else min(fact.recorded, fact.known)
            return written >= self.start
        return fact.start.latest >= self.start and self.day(fact.start.earliest) <= day

    def evidence(self, facts: tuple[Fact, ...] | list[Fact]) -> tuple[Evidence, ...]:
        """Return facts as evidence."""
        return tuple(evidence_of(fact, rules=self.rules) for fact in facts)


def _seen(fact: Fact, at: datetime) -> datetime:
    """Return the latest instant by T at which a fact certainly shows the patient alive."""
    # Only dated facts are contacts.
    seen = fact.start.earliest if fact.start is not None else fact.known
    ended = seen if fact.end is None else fact.end.earliest
    return max(seen, ended) if ended <= at else seen


def _key(fact: Fact, at: datetime) -> tuple[datetime, str, str, str]:
    return _seen(fact, at), fact.source.type, fact.source.id, fact.source.path


def _given(answer: Fact) -> bool:
    return answer.status is FactStatus.USABLE and answer.start is not None
