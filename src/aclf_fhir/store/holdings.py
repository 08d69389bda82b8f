"""The work list: what is stored but not mapped, why, and what it waits for."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, distinct, func, insert, select

from aclf_fhir.mapping.models import HeldReason, Holding
from aclf_fhir.store.access import Access, Numbers
from aclf_fhir.store.instants import from_microseconds
from aclf_fhir.store.models import Held, HeldGroup
from aclf_fhir.store.session import Session
from aclf_fhir.store.tables import HOLDING, SITE_ZONE, WAITING
from aclf_fhir.store.texts import key_text

__all__ = ["WAITING_FOR", "HoldingReads", "hold", "release"]

_COLUMN = HOLDING.c
_RESOURCE = SITE_ZONE.resource
_JOINED = HOLDING.join(_RESOURCE, _RESOURCE.c.rid == _COLUMN.rid)

_LIST = (
    select(
        _COLUMN.site,
        _RESOURCE.c.type,
        _RESOURCE.c.id,
        _COLUMN.version,
        _RESOURCE.c.subject,
        _COLUMN.known,
        _COLUMN.reason,
        _COLUMN.location,
        _COLUMN.detail,
        _COLUMN.judged_by,
        _COLUMN.rid,
        _COLUMN.position,
    )
    .select_from(_JOINED)
    .where(_COLUMN.site == bindparam("site"), _COLUMN.rid > bindparam("after"))
    .order_by(_COLUMN.rid, _COLUMN.position)
)


def _grouped(*conditions: ColumnElement[bool]) -> Any:
    return (
        select(
            _COLUMN.reason,
            _COLUMN.detail,
            func.count(distinct(_COLUMN.rid)),
            func.count(distinct(func.nullif(_RESOURCE.c.subject, ""))),
        )
        .select_from(_JOINED)
        .where(_COLUMN.site == bindparam("site"), *conditions)
        .group_by(_COLUMN.reason, _COLUMN.detail)
        .order_by(func.count(distinct(_COLUMN.rid)).desc(), _COLUMN.reason, _COLUMN.detail)
    )


_OF_REASON = _COLUMN.reason == bindparam("reason")
_LIST_OF_REASON = _LIST.where(_OF_REASON)
_GROUPS = _grouped()
_GROUPS_OF_REASON = _grouped(_OF_REASON)
_OF_RESOURCE = _LIST.where(
    _RESOURCE.c.scope == bindparam("site"),  # leads to the one resource, not through the list
    _RESOURCE.c.type == bindparam("type"),
    _RESOURCE.c.id == bindparam("id"),
)
_OUTDATED = (
    select(_COLUMN.rid, _RESOURCE.c.type, _RESOURCE.c.id)
    .distinct()
    .select_from(_JOINED)
    .where(
        _COLUMN.site == bindparam("site"),
        _COLUMN.judged_by != bindparam("judged_by"),
        _COLUMN.rid > bindparam("after"),
    )
    .order_by(_COLUMN.rid)
    .limit(bindparam("count"))
)
WAITING_FOR = (
    select(_RESOURCE.c.type, _RESOURCE.c.id)
    .select_from(WAITING.join(_RESOURCE, _RESOURCE.c.rid == WAITING.c.rid))
    .where(WAITING.c.site == bindparam("site"), WAITING.c.target == bindparam("target"))
    .order_by(WAITING.c.rid)
)
_DELETE_HOLDINGS = delete(HOLDING).where(_COLUMN.rid == bindparam("of_rid"))
_DELETE_WAITING = delete(WAITING).where(WAITING.c.rid == bindparam("of_rid"))
_INSERT_HOLDING = insert(HOLDING)
_INSERT_WAITING = insert(WAITING)


class HoldingReads(Access):
    """Reads of the work list."""

    def held(self, site: str, reason: HeldReason | None = None) -> Iterator[Held]:
        """List held items, longest known resource first, perhaps of one reason only."""
        statement, values = (
            (_LIST, {}) if reason is None else (_LIST_OF_REASON, {"reason": str(reason)})
        )
        rows = self._session.all(statement, site=site, after=0, **values)
        return (_held(row) for row in rows)

    def held_of(self, site: str, type_: str, id_: str) -> list[Held]:
        """Return why one resource is held; empty if it is not."""
        rows = self._session.all(_OF_RESOURCE, site=site, after=0, type=type_, id=id_)
        return [_held(row) for row in rows]

    def held_groups(self, site: str, reason: HeldReason | None = None) -> list[HeldGroup]:
        """Return the work list by reason and detail, the most frequent first."""
        statement, values = (
            (_GROUPS, {}) if reason is None else (_GROUPS_OF_REASON, {"reason": str(reason)})
        )
        return [
            HeldGroup(reason=row[0], detail=row[1], resources=row[2], subjects=row[3])
            for row in self._session.all(statement, site=site, **values)
        ]

    def outdated(
        self, site: str, judged_by: str, *, after: int, count: int
    ) -> list[tuple[int, str, str]]:
        """Return place, type and id of resources held by other rules, a page of them.

        `after`, the place of the last one of a page, gives the next page.
        """
        rows = self._session.all(
            _OUTDATED, site=site, judged_by=judged_by, after=after, count=count
        )
        return [(row[0], row[1], row[2]) for row in rows]

    def waiting_for(self, site: str, reference: str) -> list[tuple[str, str]]:
        """Return (type, id) of the resources to map again once `Type/id` is there."""
        rows = self._session.all(WAITING_FOR, site=site, target=key_text(reference))
        return [(row[0], row[1]) for row in rows]


def _held(row: tuple[Any, ...]) -> Held:
    site, type_, id_, version, subject, known, reason, location, detail, judged_by, *_ = row
    return Held(
        site=site,
        type=type_,
        id=id_,
        version=version,
        subject=subject,
        since=from_microseconds(known),
        holding=Holding(HeldReason(reason), location, detail),
        judged_by=judged_by,
    )


def hold(
    session: Session,
    numbers: Numbers,
    *,
    site: str,
    rid: int,
    version: int,
    holdings: Sequence[Holding],
    waits_for: Sequence[str],
    judged_by: str,
) -> None:
    """Put a resource on the work list and note what it waits for."""
    for position, holding in enumerate(holdings):
        session.insert(
            _INSERT_HOLDING,
            {
                "rid": rid,
                "position": position,
                "site": site,
                "version": version,
                "reason": str(holding.reason),
                "location": holding.location,
                "detail": holding.detail,
                "known": numbers.known,
                "judged_by": judged_by,
            },
        )
    for target in sorted(set(map(key_text, waits_for))):
        session.insert(_INSERT_WAITING, {"site": site, "target": target, "rid": rid})


def release(session: Session, rid: int) -> None:
    """Take a resource off the work list."""
    session.run(_DELETE_HOLDINGS, of_rid=rid)
    session.run(_DELETE_WAITING, of_rid=rid)
