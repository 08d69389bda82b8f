"""The facts of one subject, seen for an instant with the knowledge up to another."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from aclf_fhir.record.fact import Fact, FactKind

__all__ = ["Record"]


@dataclass(frozen=True, slots=True)
class Record:
    """What was known of one subject at K, to be judged at T.

    Build it with `Record.of`: it keeps only facts known at or before `known_at`
    that may already have been true at `as_of`, in an order that does not depend
    on arrival, and folds the same statement sent twice into one.

    Parameters
    ----------
    subject
        Logical id of the Patient within its site.
    as_of
        T: the instant the record is judged for.
    known_at
        K: nothing learnt after it counts.
    facts
        By kind and concept, each tuple ordered by start, then source.
    vague
        Keys of `facts` where a start is known only to lie between two instants: only
        these facts can have begun before an instant at which they are not yet certain.
    """

    subject: str
    as_of: datetime
    known_at: datetime
    facts: dict[tuple[FactKind, str], tuple[Fact, ...]]
    vague: frozenset[tuple[FactKind, str]]

    @classmethod
    def of(
        cls, subject: str, facts: Iterable[Fact], *, as_of: datetime, known_at: datetime
    ) -> Self:
        """Build the record of one subject for one pair of clocks."""
        kept: dict[tuple[FactKind, str], list[Fact]] = {}
        vague: set[tuple[FactKind, str]] = set()
        for fact in facts:
            start = fact.start
            if fact.known <= known_at and (start is None or start.earliest <= as_of):
                key = (fact.kind, fact.concept)
                kept.setdefault(key, []).append(fact)
                if start is not None and not start.is_exact:
                    vague.add(key)
        return cls(
            subject,
            as_of,
            known_at,
            {key: _fold(group) for key, group in sorted(kept.items())},
            frozenset(vague),
        )

    def of_concept(self, kind: FactKind, concept: str) -> tuple[Fact, ...]:
        """Return the facts of one concept, oldest first; facts without a start lead."""
        return self.facts.get((kind, concept), ())

    def at(self, as_of: datetime) -> Self:
        """Return the same knowledge judged for an earlier instant."""
        everything = [fact for group in self.facts.values() for fact in group]
        return type(self).of(self.subject, everything, as_of=as_of, known_at=self.known_at)


def _order(fact: Fact) -> tuple[datetime | str, ...]:
    instant = fact.start.latest.isoformat() if fact.start else ""
    return (instant, fact.source.type, fact.source.id, fact.source.path)


def _fold(group: list[Fact]) -> tuple[Fact, ...]:
    """Order facts and keep one of each statement sent twice."""
    folded: dict[object, Fact] = {}
    for fact in sorted(group, key=_order):
        folded.setdefault(_statement(fact), fact)
    return tuple(folded.values())


def _statement(fact: Fact) -> object:
    """Return what a fact says, whoever sent it.

    A value of an analyte at an instant is one statement however often it is sent, by
    whichever encounter or with whichever reference range.
    """
    says = (fact.value, fact.start, fact.status)
    if fact.kind in {FactKind.MEASUREMENT, FactKind.GRADE}:
        return says
    return (*says, fact.end, fact.qualifiers, fact.context)
