"""The tables of the store, declared once for both databases.

Instants are whole microseconds since 1970 in 64-bit integers: exact, compact and
compared alike by SQLite and PostgreSQL. Keys that many rows repeat (site, type,
id) appear once, in the resource row; everything else names the resource by its
number `rid`. Numbers (`rid`, `seq`) are given by the writer, in commit order.

Resources of the trial zone lie in tables of the same form under other names, so
that code which is given those tables cannot reach identified data.
"""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects import postgresql

__all__ = [
    "ABSENT",
    "BUSINESS_IDENTITY",
    "CLOCK",
    "FACT",
    "HOLDING",
    "INTAKE",
    "LATEST",
    "MARK",
    "METADATA",
    "OPEN",
    "SCHEMA_VERSION",
    "SCHEMA_VERSION_TABLE",
    "SITE_ZONE",
    "TRIAL_KEY",
    "TRIAL_ZONE",
    "UNBOUNDED",
    "WAITING",
    "ResourceTables",
]

SCHEMA_VERSION = 3
"""The version of the schema this code reads and writes."""

OPEN = 2**63 - 1
"""`known_to` of a fact that still stands."""
LATEST = 2**63 - 2
"""The end of a period that has none."""
UNBOUNDED = -(2**63) + 2
"""The start of a period that has none."""
ABSENT = -(2**63) + 1
"""Stands in `date_low` and `date_high` of a resource that has no date at all."""

METADATA = MetaData()

# PostgreSQL compares text by bytes, as SQLite does: same order, and prefixes can use an index.
_TEXT = String().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def _text(name: str, *, key: str | None = None, primary_key: bool = False) -> Column[str]:
    return Column(name, _TEXT, key=key or name, primary_key=primary_key, nullable=False)


def _number(name: str, *, primary_key: bool = False, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=primary_key, nullable=null, autoincrement=False)


def _flag(name: str) -> Column[int]:
    return Column(name, SmallInteger, nullable=False)


def _bytes(name: str, *, null: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=null)


@dataclass(frozen=True, slots=True)
class ResourceTables:
    """The tables that hold the resources of one zone.

    Parameters
    ----------
    resource
        The current version of each resource, with what searches ask for most.
    version
        Every version ever stored, with the sender's bytes; never changed but for
        how the version was settled (`disposition`, `rule`).
    search_key
        The combinations of site, type, search parameter and code system that occur,
        each with a number: the rows below name them by it, and stay short.
    token, reference, date, string
        What else searches ask for: one row per value of a search parameter.
    """

    resource: Table
    version: Table
    search_key: Table
    token: Table
    reference: Table
    date: Table
    string: Table


def _resource_tables(prefix: str, scope: str) -> ResourceTables:
    """Declare the tables of one zone; `scope` names who owns a row: a site, a trial."""

    def search_table(name: str, *columns: Column[str] | Column[int]) -> Table:
        # The key is the whole row: one ordered tree answers a search and holds no copy.
        return Table(
            f"{prefix}search_{name}",
            METADATA,
            _number("kind", primary_key=True),
            *columns,
            _number("rid", primary_key=True),
            sqlite_with_rowid=False,
        )

    resource = Table(
        f"{prefix}resource",
        METADATA,
        _number("rid", primary_key=True),
        _text(scope, key="scope"),
        _text("type"),
        _text("id"),
        _number("seq"),  # of the current version
        _number("version"),
        _number("known"),  # lastUpdated
        _flag("deleted"),
        _flag("derived"),
        _text("subject"),  # `Patient/123`, "" where there is none
        _text("status"),
        _number("date_low"),
        _number("date_high"),
        _bytes("search"),  # the search rows as given, so that an update writes only what changed
        UniqueConstraint("scope", "type", "id", name=f"{prefix}resource_identity"),
    )
    column = resource.c
    Index(
        f"{prefix}resource_subject",
        column.scope,
        column.type,
        column.subject,
        column.date_low,
        column.rid,
    )
    Index(f"{prefix}resource_known", column.scope, column.type, column.known, column.rid)

    version = Table(
        f"{prefix}version",
        METADATA,
        _number("seq", primary_key=True),
        _number("rid"),
        _number("version"),
        _number("known"),
        _flag("deleted"),
        _flag("derived"),
        _text("disposition"),
        _text("rule"),
        _bytes("content_hash"),
        _bytes("body"),
        _bytes("received", null=True),  # None: the body is what was received
        UniqueConstraint("rid", "version", name=f"{prefix}version_number"),
    )
    return ResourceTables(
        resource=resource,
        version=version,
        search_key=Table(
            f"{prefix}search_key",
            METADATA,
            _number("kind", primary_key=True),
            _text(scope, key="scope"),
            _text("type"),
            _text("param"),
            _text("system"),  # of tokens; "" where there is none
            UniqueConstraint("scope", "type", "param", "system", name=f"{prefix}search_key_of"),
        ),
        token=search_table("token", _text("code", primary_key=True)),
        reference=search_table("reference", _text("target", primary_key=True)),
        date=search_table(
            "date", _number("low", primary_key=True), _number("high", primary_key=True)
        ),
        string=search_table("string", _text("value", primary_key=True)),
    )


SITE_ZONE = _resource_tables("", "site")
TRIAL_ZONE = _resource_tables("trial_", "trial")

SCHEMA_VERSION_TABLE = Table("schema_version", METADATA, _number("version", primary_key=True))

CLOCK = Table(
    "clock",
    METADATA,
    _number("id", primary_key=True),  # always 1: whoever holds this row locked is the writer
    _number("known"),  # instant of the last committed group
    _number("rid"),  # last number given to a resource
    _number("seq"),  # last number given to anything else
)

BUSINESS_IDENTITY = Table(
    "business_identity",
    METADATA,
    _text("site", primary_key=True),
    _text("type", primary_key=True),
    _text("system", primary_key=True),
    _text("value", primary_key=True),
    _number("rid"),
    _text("id"),
    sqlite_with_rowid=False,
)

FACT = Table(
    "fact",
    METADATA,
    _number("seq", primary_key=True),
    _text("site"),
    _text("subject"),
    _text("kind"),
    _text("concept"),
    _number("start_low", null=True),
    _number("start_high", null=True),
    _number("end_low", null=True),
    _number("end_high", null=True),
    _number("known_from"),
    _number("known_to"),
    _number("rid"),  # of the resource it came from
    _bytes("content"),  # everything else, `store/fact_codec.py`
)
Index("fact_subject", FACT.c.site, FACT.c.subject, FACT.c.concept, FACT.c.start_low)
Index("fact_open", FACT.c.rid, FACT.c.known_to)

MARK = Table(
    "mark",
    METADATA,
    _text("site", primary_key=True),
    _text("subject", primary_key=True),
    Column("future", SmallInteger, primary_key=True, autoincrement=False),
    _number("due"),  # 0: at once
    _number("since"),  # earliest effective instant that may have changed
    _number("marked"),  # known instant when this row was first made
    _number("seq"),  # changes with every marking
    _text("reason"),
    sqlite_with_rowid=False,
)
Index("mark_due", MARK.c.due, MARK.c.seq)

HOLDING = Table(
    "holding",
    METADATA,
    _number("rid", primary_key=True),
    _number("position", primary_key=True),
    _text("site"),
    _number("version"),
    _text("reason"),
    _text("location"),
    _text("detail"),
    _number("known"),  # held since
    _text("judged_by"),  # software and data files, as the gateway names them
    sqlite_with_rowid=False,
)
Index("holding_reason", HOLDING.c.site, HOLDING.c.reason, HOLDING.c.detail)

WAITING = Table(
    "waiting",
    METADATA,
    _text("site", primary_key=True),
    _text("target", primary_key=True),  # `Patient/123`
    _number("rid", primary_key=True),
    sqlite_with_rowid=False,
)
Index("waiting_resource", WAITING.c.rid)

INTAKE = Table(
    "intake",
    METADATA,
    _number("seq", primary_key=True),
    _text("site"),
    _text("push"),
    _number("sequence"),
    _text("type"),
    _text("id"),
    _number("rid", null=True),  # None: refused, nothing was stored
    _number("version", null=True),
    _text("outcome"),
    _text("detail"),
    _number("known"),
)
Index("intake_push", INTAKE.c.site, INTAKE.c.push, INTAKE.c.sequence)

TRIAL_KEY = Table(
    "trial_key",
    METADATA,
    _text("trial", primary_key=True),
    _bytes("key"),
)
