"""Marks: which subjects have to be evaluated, from which instant on, and when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, case, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from aclf_fhir.store.access import Access, Numbers
from aclf_fhir.store.instants import from_microseconds, to_microseconds
from aclf_fhir.store.models import Mark
from aclf_fhir.store.session import Session
from aclf_fhir.store.tables import MARK

__all__ = ["MarkReads", "Marking", "clear_mark"]

_COLUMN = MARK.c
_NOW, _FUTURE = 0, 1

_ROW = (
    _COLUMN.site,
    _COLUMN.subject,
    _COLUMN.since,
    _COLUMN.due,
    _COLUMN.marked,
    _COLUMN.seq,
    _COLUMN.reason,
    _COLUMN.future,
)
_DUE = _COLUMN.due <= bindparam("due_before")
_DUE_MARKS = select(*_ROW).where(_DUE).order_by(_COLUMN.due, _COLUMN.seq).limit(bindparam("count"))
_OF_SUBJECT = (
    select(*_ROW)
    .where(_COLUMN.site == bindparam("site"), _COLUMN.subject == bindparam("subject"), _DUE)
    .order_by(_COLUMN.due)
    .limit(1)
)
_PENDING = select(func.count()).where(
    _COLUMN.site == bindparam("site"), _DUE, _COLUMN.marked <= bindparam("marked_by")
)
_VALUES = {column.name: bindparam(column.name, type_=column.type) for column in _COLUMN}
_KEY = [_COLUMN.site, _COLUMN.subject, _COLUMN.future]


def _set(new: Any) -> dict[str, Any]:
    """Return what marking again changes: the earlier instants stay."""
    return {
        **{
            name: case((_COLUMN[name] < new[name], _COLUMN[name]), else_=new[name])
            for name in ("since", "due")
        },
        "seq": new["seq"],
    }


_SQLITE = sqlite.insert(MARK).values(_VALUES)
_POSTGRESQL = postgresql.insert(MARK).values(_VALUES)
_MARK_IN = {
    "sqlite": _SQLITE.on_conflict_do_update(index_elements=_KEY, set_=_set(_SQLITE.excluded)),
    "postgresql": _POSTGRESQL.on_conflict_do_update(
        index_elements=_KEY, set_=_set(_POSTGRESQL.excluded)
    ),
}
_CLEAR = delete(MARK).where(
    _COLUMN.site == bindparam("of_site"),
    _COLUMN.subject == bindparam("of_subject"),
    or_(
        _COLUMN.seq == bindparam("of_seq"),
        # What was due is evaluated with the same breath as what changed.
        and_(_COLUMN.future == bindparam("of_future"), _COLUMN.seq < bindparam("of_seq")),
    ),
)


class MarkReads(Access):
    """Reads of marks."""

    def marks(self, limit: int, due_before: datetime) -> list[Mark]:
        """Return marks to work on: those to do at once, then those due by an instant."""
        rows = self._session.all(_DUE_MARKS, due_before=to_microseconds(due_before), count=limit)
        return [_mark(row) for row in rows]

    def mark_of(self, site: str, subject: str, due_before: datetime | None = None) -> Mark | None:
        """Return the mark of a subject to evaluate at once, or the one due by an instant."""
        due = 0 if due_before is None else to_microseconds(due_before)
        row = self._session.one(_OF_SUBJECT, site=site, subject=subject, due_before=due)
        return None if row is None else _mark(row)

    def pending(self, site: str, *, due_before: datetime, marked_by: datetime | None = None) -> int:
        """Count the marks of a site that are due and were made by `marked_by`.

        A read over many subjects waits until the marks that stood when it came,
        those made by its own watermark, are gone.
        """
        row = self._session.one(
            _PENDING,
            site=site,
            due_before=to_microseconds(due_before),
            marked_by=self._watermark if marked_by is None else to_microseconds(marked_by),
        )
        return row[0] if row else 0


def _mark(row: tuple[Any, ...]) -> Mark:
    site, subject, since, due, marked, seq, reason, future = row
    return Mark(
        site=site,
        subject=subject,
        since=from_microseconds(since),
        due=from_microseconds(due) if future else None,
        marked=from_microseconds(marked),
        seq=seq,
        reason=reason,
    )


@dataclass(slots=True)
class _Wanted:
    since: int
    due: int
    reason: str


class Marking:
    """The marks of one unit of work: one row per subject, however often it is marked."""

    def __init__(self, session: Session, numbers: Numbers) -> None:
        self._session = session
        self._numbers = numbers
        self._statement = _MARK_IN[session.dialect]
        self._wanted: dict[tuple[str, str, int], _Wanted] = {}

    def now(self, site: str, subject: str, since: datetime, reason: str) -> None:
        """Want a subject evaluated at once."""
        self._want((site, subject, _NOW), _Wanted(to_microseconds(since), 0, reason))

    def later(self, site: str, subject: str, due: datetime, since: datetime, reason: str) -> None:
        """Want a subject evaluated when an instant has come."""
        wanted = _Wanted(to_microseconds(since), to_microseconds(due), reason)
        self._want((site, subject, _FUTURE), wanted)

    def _want(self, key: tuple[str, str, int], wanted: _Wanted) -> None:
        known = self._wanted.setdefault(key, wanted)
        known.since = min(known.since, wanted.since)
        known.due = min(known.due, wanted.due)

    def write(self) -> None:
        """Write the marks wanted so far."""
        wanted, self._wanted = self._wanted, {}
        for (site, subject, future), mark in wanted.items():
            self._session.insert(
                self._statement,
                {
                    "site": site,
                    "subject": subject,
                    "future": future,
                    "since": mark.since,
                    "due": mark.due,
                    "marked": self._numbers.known,
                    "seq": self._numbers.next_seq(),
                    "reason": mark.reason,
                },
            )


def clear_mark(session: Session, site: str, subject: str, seq: int) -> bool:
    """Remove a mark and, with it, the older future mark of its subject."""
    return session.run(_CLEAR, of_site=site, of_subject=subject, of_seq=seq, of_future=_FUTURE) > 0
