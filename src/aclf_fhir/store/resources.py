"""Reads of the resources of one zone: the current ones and every version."""

from typing import Any

from sqlalchemy import Select

from aclf_fhir.mapping.models import Disposition
from aclf_fhir.store.instants import from_microseconds
from aclf_fhir.store.models import Stored
from aclf_fhir.store.query import Page, SearchQuery
from aclf_fhir.store.resource_statements import ResourceStatements
from aclf_fhir.store.search import (
    cursor_values,
    decode_cursor,
    encode_cursor,
    foreign_cursor,
    plan,
    sort_of,
)
from aclf_fhir.store.session import Session

__all__ = ["find", "read_page", "to_stored"]


def to_stored(row: tuple[Any, ...]) -> Stored:
    """Return a row of the stored columns as a model."""
    return Stored(
        site=row[0],
        type=row[1],
        id=row[2],
        version=row[3],
        last_updated=from_microseconds(row[4]),
        body=row[5],
        content_hash=row[6],
        deleted=bool(row[7]),
        derived=bool(row[8]),
        disposition=Disposition(row[9]) if row[9] else None,
        rule=row[10],
        seq=row[11],
    )


def find(
    session: Session, statement: Select[Any], scope: str, **values: object
) -> tuple[Stored, ...]:
    """Return what a statement over the stored columns finds."""
    return tuple(to_stored(row) for row in session.all(statement, scope=scope, **values))


def read_page(
    session: Session,
    statements: ResourceStatements,
    *,
    scope: str,
    type_: str,
    query: SearchQuery,
) -> Page:
    """Run one search."""
    conditions, sort = plan(query), sort_of(query)
    values = {"scope": scope, "type": type_, "deleted": 0, **conditions.bound()}
    search = statements.search
    total = None
    if query.total or query.count == 0:
        counted = session.one(search.total(conditions.shape), **values)
        total = counted[0] if counted else 0
    if query.count == 0:
        return Page(matches=(), next_cursor=None, total=total)
    if query.cursor is not None:
        value, last_id = decode_cursor(query.cursor)
        place = session.one(statements.place, scope=scope, type=type_, id=last_id)
        if place is None:
            raise foreign_cursor()
        values.update(cursor_values(sort, value, place[0]))
    statement = search.page(conditions.shape, sort, after=query.cursor is not None)
    rows = session.all(statement, count=query.count + 1, **values)
    more, rows = len(rows) > query.count, rows[: query.count]
    next_cursor = None
    if more:
        last = rows[-1]
        next_cursor = encode_cursor(sort, id_=last[2], known=last[4], date_low=last[13])
    return Page(matches=tuple(map(to_stored, rows)), next_cursor=next_cursor, total=total)
