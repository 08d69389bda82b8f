"""Resources of one zone: the current ones, every version, and their search rows."""

from copy import copy
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Select, bindparam, delete, insert, select, update

from aclf_fhir.mapping.models import Disposition
from aclf_fhir.store.access import Numbers
from aclf_fhir.store.instants import from_microseconds, to_microseconds
from aclf_fhir.store.models import IndexRows, Stored
from aclf_fhir.store.query import Page, SearchQuery
from aclf_fhir.store.search import (
    SearchStatements,
    decode_cursor,
    encode_cursor,
    plan,
    sort_of,
)
from aclf_fhir.store.session import Session
from aclf_fhir.store.tables import ABSENT, LATEST, UNBOUNDED, ResourceTables
from aclf_fhir.store.texts import folded, key_text

__all__ = [
    "Head",
    "Memory",
    "ResourceStatements",
    "ResourceWriter",
    "SearchKey",
    "find",
    "read_page",
]

NO_ROWS = IndexRows()


class _Kept(msgspec.Struct, array_like=True, frozen=True):
    """What of `IndexRows` is kept beside a resource: that which lies in other tables."""

    tokens: tuple[tuple[str, str, str], ...]
    identifiers: tuple[tuple[str, str], ...]
    unique: tuple[tuple[str, str], ...]
    references: tuple[tuple[str, str], ...]
    dates: tuple[tuple[str, datetime | None, datetime | None], ...]
    strings: tuple[tuple[str, str], ...]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Kept).decode


def _encode_rows(index: IndexRows) -> bytes:
    dates = tuple(date for date in index.dates if date[0] != "date")
    return _encode(
        _Kept(index.tokens, index.identifiers, index.unique, index.references, dates, index.strings)
    )


def _decode_rows(kept: bytes) -> IndexRows:
    read = _decode(kept)
    return IndexRows(
        tokens=read.tokens,
        identifiers=read.identifiers,
        unique=read.unique,
        references=read.references,
        dates=read.dates,
        strings=read.strings,
    )


SearchRow = tuple[Any, ...]


class ResourceStatements:
    """The statements over the resource tables of one zone."""

    def __init__(self, tables: ResourceTables) -> None:
        resource, version = tables.resource, tables.version
        row = resource.c
        columns = (
            row.scope,
            row.type,
            row.id,
            version.c.version,
            version.c.known,
            version.c.body,
            version.c.content_hash,
            version.c.deleted,
            version.c.derived,
            version.c.disposition,
            version.c.rule,
            version.c.seq,
            row.rid,
            row.date_low,
            row.search,
        )
        of_type = (row.scope == bindparam("scope"), row.type == bindparam("type"))
        named = (*of_type, row.id == bindparam("id"))
        newest = resource.join(version, version.c.seq == row.seq)
        every = resource.join(version, version.c.rid == row.rid)
        older = version.c.seq < bindparam("before")
        latest_first = version.c.seq.desc()

        self.stored = select(*columns).select_from(newest)
        self.current = self.stored.where(*named)
        self.version = (
            select(*columns)
            .select_from(every)
            .where(*named, version.c.version == bindparam("number"))
        )
        self.history_of_one = (
            select(*columns)
            .select_from(every)
            .where(*named, older, version.c.known >= bindparam("since"))
            .order_by(latest_first)
            .limit(bindparam("count"))
        )
        self.history_of_type = (
            select(*columns)
            .select_from(every)
            .where(*of_type, older, version.c.known >= bindparam("since"))
            .order_by(latest_first)
            .limit(bindparam("count"))
        )
        self.search = SearchStatements(tables, self.stored)

        self.insert_resource = insert(resource)
        self.insert_version = insert(version)
        self.update_resource = (
            update(resource)
            .where(row.rid == bindparam("of_rid"))
            .values(
                {
                    name: bindparam(f"new_{name}")
                    for name in (
                        "seq",
                        "version",
                        "known",
                        "deleted",
                        "derived",
                        "subject",
                        "status",
                        "date_low",
                        "date_high",
                        "search",
                    )
                }
            )
        )
        self.settle_version = (
            update(version)
            .where(version.c.rid == bindparam("of_rid"), version.c.version == bindparam("number"))
            .values(disposition=bindparam("new_disposition"), rule=bindparam("new_rule"))
        )
        key = tables.search_key.c
        self.kind = select(key.kind).where(
            key.scope == bindparam("scope"),
            key.type == bindparam("type"),
            key.param == bindparam("param"),
            key.system == bindparam("system"),
        )
        self.insert_kind = insert(tables.search_key)
        searched = {
            "token": (tables.token, ("code",)),
            "reference": (tables.reference, ("target",)),
            "date": (tables.date, ("low", "high")),
            "string": (tables.string, ("value",)),
        }
        self.search_rows = {
            name: (
                insert(table),
                delete(table).where(
                    table.c.kind == bindparam("old_kind"),
                    *(table.c[column] == bindparam(f"old_{column}") for column in values),
                    table.c.rid == bindparam("old_rid"),
                ),
                values,
            )
            for name, (table, values) in searched.items()
        }


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
        values.update(decode_cursor(query.cursor, sort))
    statement = search.page(conditions.shape, sort, after=query.cursor is not None)
    rows = session.all(statement, count=query.count + 1, **values)
    more, rows = len(rows) > query.count, rows[: query.count]
    next_cursor = None
    if more:
        last = rows[-1]
        next_cursor = encode_cursor(sort, rid=last[12], known=last[4], date_low=last[13])
    return Page(matches=tuple(map(to_stored, rows)), next_cursor=next_cursor, total=total)


class Head:
    """What a group knows of the newest version of one resource."""

    __slots__ = ("has_facts", "has_holdings", "rid", "row", "rows", "stored")

    def __init__(self, rid: int, stored: Stored, rows: IndexRows) -> None:
        self.rid = rid
        self.stored = stored
        self.rows = rows
        self.row: dict[str, Any] = {}
        """The version row, if the present unit made it."""
        self.has_facts = True
        """False if nothing can hang on it yet, for this group made it."""
        self.has_holdings = True


ResourceKey = tuple[str, str, str]
SearchKey = tuple[str, str, str, str]


class Memory:
    """What a commit group read or wrote in one zone, so that it need not be read again.

    Parameters
    ----------
    kinds
        Numbers of search keys that are committed; shared by all groups.
    """

    def __init__(self, kinds: dict[SearchKey, int]) -> None:
        self.heads: dict[ResourceKey, Head | None] = {}
        self.new_kinds: dict[SearchKey, int] = {}
        self.kinds = kinds

    def committed(self) -> None:
        """Keep for good what stays true."""
        self.kinds.update(self.new_kinds)


class ResourceWriter:
    """Writes the resources of one zone in one unit of work; remembers what it saw."""

    def __init__(
        self, session: Session, statements: ResourceStatements, numbers: Numbers, group: Memory
    ) -> None:
        self._session = session
        self._statements = statements
        self._numbers = numbers
        self._group = group
        self._heads: dict[ResourceKey, Head | None] = {}
        self._kinds: dict[SearchKey, int] = {}

    def adopt(self) -> None:
        """Hand to the group what this unit saw, now that the unit stands."""
        for head in self._heads.values():
            if head is not None:
                head.row = {}
        self._group.heads.update(self._heads)
        self._group.new_kinds.update(self._kinds)

    def head(self, scope: str, type_: str, id_: str) -> Head | None:
        """Return the newest version of a resource, None if there never was one."""
        key = (scope, type_, id_)
        if key in self._heads:
            return self._heads[key]
        if key in self._group.heads:
            head = copy(self._group.heads[key])  # this unit may change it, and then fail
        else:
            row = self._session.look(self._statements.current, scope=scope, type=type_, id=id_)
            head = None if row is None else Head(row[12], to_stored(row), _decode_rows(row[14]))
        self._heads[key] = head
        return head

    def put(
        self,
        scope: str,
        type_: str,
        id_: str,
        body: bytes,
        *,
        content_hash: bytes,
        index: IndexRows,
        derived: bool,
        deleted: bool,
        disposition: Disposition | None,
        rule: str,
    ) -> Head:
        """Write the next version of a resource."""
        if deleted:
            index = NO_ROWS
        head = self.head(scope, type_, id_)
        numbers = self._numbers
        seq = numbers.next_seq()
        number = 1 if head is None else head.stored.version + 1
        low, high = _main_date(index)
        row = {
            "seq": seq,
            "version": number,
            "known": numbers.known,
            "deleted": int(deleted),
            "derived": int(derived),
            "subject": key_text(index.subject),
            "status": key_text(index.status),
            "date_low": low,
            "date_high": high,
            "search": _encode_rows(index),
        }
        session, statements = self._session, self._statements
        if head is None:
            rid, old = numbers.next_rid(), NO_ROWS
            row.update(rid=rid, scope=scope, type=type_, id=id_)
            session.insert(statements.insert_resource, row)
        else:
            rid, old = head.rid, head.rows
            session.run(
                statements.update_resource,
                of_rid=rid,
                **{f"new_{name}": value for name, value in row.items()},
            )
        version_row = {
            "seq": seq,
            "rid": rid,
            "version": number,
            "known": numbers.known,
            "deleted": int(deleted),
            "derived": int(derived),
            "disposition": disposition or "",
            "rule": rule,
            "content_hash": content_hash,
            "body": body,
        }
        session.insert(statements.insert_version, version_row)
        self._write_search_rows(scope, type_, rid, old, index)
        stored = Stored(
            site=scope,
            type=type_,
            id=id_,
            version=number,
            last_updated=numbers.instant,
            body=body,
            content_hash=content_hash,
            deleted=deleted,
            derived=derived,
            disposition=disposition,
            rule=rule,
            seq=seq,
        )
        new = self._heads[scope, type_, id_] = Head(rid, stored, index)
        new.row = version_row
        new.has_facts = head is not None and head.has_facts
        new.has_holdings = head is not None and head.has_holdings
        return new

    def settle(self, head: Head, version: int, disposition: Disposition, rule: str) -> None:
        """Say how a version was settled; its row may still wait to be written."""
        newest = head.stored.version == version
        if newest and self._session.waits(self._statements.insert_version, head.row):
            head.row.update(disposition=disposition, rule=rule)
        else:
            self._session.run(
                self._statements.settle_version,
                of_rid=head.rid,
                number=version,
                new_disposition=disposition,
                new_rule=rule,
            )
        if newest:
            head.stored = replace(head.stored, disposition=disposition, rule=rule)

    def _write_search_rows(
        self, scope: str, type_: str, rid: int, old: IndexRows, new: IndexRows
    ) -> None:
        """Write the difference between two sets of search rows."""
        before = _NO_SEARCH_ROWS if old is NO_ROWS else _search_rows(old)
        after = _search_rows(new)
        for name, (insertion, deletion, columns) in self._statements.search_rows.items():
            if before[name] == after[name]:
                continue
            for param, system, *gone in before[name] - after[name]:
                values = dict(zip(columns, gone, strict=True))
                self._session.run(
                    deletion,
                    old_kind=self._kind((scope, type_, param, system)),
                    old_rid=rid,
                    **{f"old_{column}": value for column, value in values.items()},
                )
            for param, system, *added in after[name] - before[name]:
                row = dict(zip(columns, added, strict=True))
                row["kind"] = self._kind((scope, type_, param, system))
                row["rid"] = rid
                self._session.insert(insertion, row)

    def _kind(self, key: SearchKey) -> int:
        """Return the number of a search key, giving it one if it is new."""
        group = self._group
        kind = group.kinds.get(key) or group.new_kinds.get(key) or self._kinds.get(key)
        if kind is None:
            scope, type_, param, system = key
            values = {"scope": scope, "type": type_, "param": param, "system": system}
            row = self._session.look(self._statements.kind, **values)
            if row is None:
                kind = self._numbers.next_seq()
                self._session.insert(self._statements.insert_kind, {**values, "kind": kind})
            else:
                kind = int(row[0])
            self._kinds[key] = kind
        return kind


def _main_date(index: IndexRows) -> tuple[int, int]:
    dates = [(low, high) for param, low, high in index.dates if param == "date"]
    if not dates:
        return ABSENT, ABSENT
    if len(dates) > 1:
        message = "a resource has at most one `date`"
        raise ValueError(message)
    low, high = dates[0]
    return (
        UNBOUNDED if low is None else to_microseconds(low),
        LATEST if high is None else to_microseconds(high),
    )


def _search_rows(index: IndexRows) -> dict[str, set[SearchRow]]:
    """Return (param, system, values …) of the search rows of a resource, by table."""
    return {
        "token": {
            *((param, key_text(system), key_text(code)) for param, system, code in index.tokens),
            *(
                ("identifier", key_text(system), key_text(code))
                for system, code in index.identifiers
            ),
        },
        "reference": {(param, "", key_text(target)) for param, target in index.references},
        "date": {
            (
                param,
                "",
                UNBOUNDED if low is None else to_microseconds(low),
                LATEST if high is None else to_microseconds(high),
            )
            for param, low, high in index.dates
            if param != "date"
        },
        "string": {(param, "", folded(text)) for param, text in index.strings},
    }


_NO_SEARCH_ROWS = _search_rows(NO_ROWS)
