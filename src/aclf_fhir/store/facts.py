"""Bitemporal facts: what was known of a subject, at any instant."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import bindparam, insert, null, or_, select, update

from aclf_fhir.record import Fact
from aclf_fhir.store.access import Access, Numbers
from aclf_fhir.store.fact_codec import decode_fact, encode_fact
from aclf_fhir.store.instants import from_microseconds, to_microseconds
from aclf_fhir.store.models import FactChanges
from aclf_fhir.store.session import Session
from aclf_fhir.store.tables import FACT, LATEST, OPEN, UNBOUNDED
from aclf_fhir.units import TimeRange

__all__ = ["FactReads", "FactsKey", "StandingFacts", "replace_facts"]

_COLUMN = FACT.c

_CONTENT = (_COLUMN.subject, _COLUMN.kind, _COLUMN.concept, _COLUMN.known_from, _COLUMN.content)

_KNOWN_THEN = (
    _COLUMN.known_from <= bindparam("known_at"),
    _COLUMN.known_to > bindparam("known_at"),
)
_OF_SUBJECT = (
    select(*_CONTENT)
    .where(
        _COLUMN.site == bindparam("site"),
        _COLUMN.subject == bindparam("subject"),
        *_KNOWN_THEN,
    )
    .order_by(_COLUMN.seq)
)
_OF_CONCEPT = _OF_SUBJECT.where(
    _COLUMN.concept == bindparam("concept"),
    or_(
        _COLUMN.start_low == null(),
        (_COLUMN.start_low <= bindparam("until")) & (_COLUMN.start_high >= bindparam("since")),
    ),
)
_OPEN_OF_RESOURCE = (
    select(_COLUMN.seq, *_CONTENT)
    .where(_COLUMN.rid == bindparam("rid"), _COLUMN.known_to == bindparam("known_to"))
    .order_by(_COLUMN.seq)
)
_SUBJECTS = (
    select(_COLUMN.subject)
    .distinct()
    .where(_COLUMN.site == bindparam("site"))
    .order_by(_COLUMN.subject)
)
_INSERT = insert(FACT)
_CLOSE = (
    update(FACT)
    .where(_COLUMN.seq == bindparam("of_seq"))
    .values(known_to=bindparam("new_known_to"))
)


class FactReads(Access):
    """Reads of facts."""

    def facts(
        self,
        site: str,
        subject: str,
        *,
        known_at: datetime | None = None,
        concepts: Collection[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Fact]:
        """Return what was known of a subject.

        Parameters
        ----------
        site, subject
            Whose facts; the subject is a Patient's logical id.
        known_at
            K: facts learnt by then and not yet withdrawn or replaced then; None
            for the present, that is everything that stands in this snapshot.
        concepts
            Only these; None for all.
        since, until
            With `concepts`: only facts whose start may lie in between; facts
            without a start always come along.

        Returns
        -------
        list of Fact
            In the order they were learnt; `known` is when each was learnt.
        """
        values: dict[str, object] = {
            "site": site,
            "subject": subject,
            "known_at": OPEN - 1 if known_at is None else to_microseconds(known_at),
        }
        if concepts is None:
            if since is not None or until is not None:
                message = "since and until need concepts"
                raise ValueError(message)
            return [_fact(row) for row in self._session.all(_OF_SUBJECT, **values)]
        values["since"] = UNBOUNDED if since is None else to_microseconds(since)
        values["until"] = LATEST if until is None else to_microseconds(until)
        return [
            _fact(row)
            for concept in sorted(set(concepts))
            for row in self._session.all(_OF_CONCEPT, concept=concept, **values)
        ]

    def subjects(self, site: str) -> list[str]:
        """Return the subjects that have, or had, facts; in order of their ids."""
        return [row[0] for row in self._session.all(_SUBJECTS, site=site)]


def _fact(row: Sequence[Any]) -> Fact:
    subject, kind, concept, known_from, content = row
    return decode_fact(
        content, subject=subject, kind=kind, concept=concept, known=from_microseconds(known_from)
    )


FactsKey = tuple[str, str, str]
"""Site, subject, concept."""


class StandingFacts:
    """The facts of some concepts as one unit of work sees them, each read once in a group.

    Parameters
    ----------
    read
        Reads the facts of a key, with what the unit itself has written.
    group
        What the units before it in its commit group read; None where it changed since.
    """

    def __init__(
        self,
        read: Callable[[FactsKey], Sequence[Fact]],
        group: dict[FactsKey, Sequence[Fact] | None],
    ) -> None:
        self._read = read
        self._group = group
        self._seen: dict[FactsKey, Sequence[Fact] | None] = {}

    def of(self, key: FactsKey) -> Sequence[Fact]:
        """Return the facts that stand."""
        found = self._seen[key] if key in self._seen else self._group.get(key)
        if found is None:
            found = self._seen[key] = self._read(key)
        return found

    def forget(self, keys: Iterable[FactsKey]) -> None:
        """Read these again when they are next asked for."""
        self._seen.update(dict.fromkeys(keys))

    def adopt(self) -> None:
        """Hand to the group what this unit saw, now that the unit stands."""
        self._group.update(self._seen)


def replace_facts(
    session: Session,
    numbers: Numbers,
    *,
    site: str,
    rid: int,
    facts: Sequence[Fact],
    has_open: bool,
) -> FactChanges:
    """Close the open facts of a resource that no longer hold, add those that are new.

    A fact that says the same, from the same resource version, stays as it is and
    keeps its known time. `has_open` False says that the resource has none.
    """
    known = from_microseconds(numbers.known)
    wanted = [
        ((fact.subject, str(fact.kind), fact.concept, encode_fact(fact)), fact) for fact in facts
    ]
    stays: Counter[tuple[str, str, str, bytes]] = Counter()
    closed = []
    if has_open:
        left = Counter(key for key, _ in wanted)
        for seq, *row in session.all(_OPEN_OF_RESOURCE, rid=rid, known_to=OPEN):
            subject, kind, concept, _, content = row
            key = (subject, kind, concept, content)
            if left[key] > 0:
                left[key] -= 1
                stays[key] += 1
            else:
                closed.append((seq, row))
    for seq, _ in closed:
        session.run(_CLOSE, of_seq=seq, new_known_to=numbers.known)
    added = []
    for key, fact in wanted:
        if stays[key] > 0:
            stays[key] -= 1
            continue
        added.append(fact if fact.known == known else replace(fact, known=known))
        subject, kind, concept, content = key
        start_low, start_high = _ends(fact.start)
        end_low, end_high = _ends(fact.end)
        row = {
            "seq": numbers.next_seq(),
            "site": site,
            "subject": subject,
            "kind": kind,
            "concept": concept,
            "start_low": start_low,
            "start_high": start_high,
            "end_low": end_low,
            "end_high": end_high,
            "known_from": numbers.known,
            "known_to": OPEN,
            "rid": rid,
            "content": content,
        }
        session.insert(_INSERT, row)
    return FactChanges(added=tuple(added), closed=tuple(_fact(row) for _, row in closed))


def _ends(times: TimeRange | None) -> tuple[int | None, int | None]:
    if times is None:
        return None, None
    return to_microseconds(times.earliest), to_microseconds(times.latest)
