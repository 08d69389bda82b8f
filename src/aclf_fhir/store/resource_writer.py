"""Writes of the resources of one zone, and what a commit group remembers of them."""

from copy import copy
from dataclasses import replace
from typing import Any

from aclf_fhir.mapping.models import Disposition
from aclf_fhir.store.access import Numbers
from aclf_fhir.store.models import IndexRows, Stored
from aclf_fhir.store.resource_statements import ResourceStatements
from aclf_fhir.store.resources import to_stored
from aclf_fhir.store.search_rows import NO_ROWS, decode_rows, encode_rows, main_date, search_rows
from aclf_fhir.store.session import Session
from aclf_fhir.store.texts import key_text

__all__ = ["Head", "Memory", "ResourceWriter", "SearchKey"]

_NO_SEARCH_ROWS = search_rows(NO_ROWS)


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
            head = None if row is None else Head(row[12], to_stored(row), decode_rows(row[14]))
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
        received: bytes | None = None,
    ) -> Head:
        """Write the next version of a resource."""
        if deleted:
            index = NO_ROWS
        head = self.head(scope, type_, id_)
        numbers = self._numbers
        seq = numbers.next_seq()
        number = 1 if head is None else head.stored.version + 1
        low, high = main_date(index)
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
            "search": encode_rows(index),
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
            "received": None if received == body else received,
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
        before = _NO_SEARCH_ROWS if old is NO_ROWS else search_rows(old)
        after = search_rows(new)
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
