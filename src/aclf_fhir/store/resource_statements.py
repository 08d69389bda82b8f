"""The statements over the resource tables of one zone."""

from sqlalchemy import bindparam, delete, func, insert, select, update

from aclf_fhir.store.search import SearchStatements
from aclf_fhir.store.tables import ResourceTables

__all__ = ["ResourceStatements"]


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
        self.place = select(row.rid).where(*named)
        self.version = (
            select(*columns)
            .select_from(every)
            .where(*named, version.c.version == bindparam("number"))
        )
        self.received = (
            select(func.coalesce(version.c.received, version.c.body))
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
