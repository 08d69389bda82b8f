"""One database connection, spoken to in statements compiled once.

Statements are SQLAlchemy Core constructs; SQLAlchemy compiles each of them once
per store, and from then on the driver gets the text and the values directly:
building and caching per call would cost more than SQLite's own work.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Protocol

import psycopg
from sqlalchemy import (
    BigInteger,
    Insert,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    TableClause,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql import ClauseElement, visitors

from aclf_fhir.errors import AclfError, Category

__all__ = ["DRIVER_ERRORS", "Connection", "Session", "Statements", "unavailable"]

DRIVER_ERRORS = (sqlite3.Error, psycopg.Error)
"""What the two drivers raise."""

Values = Mapping[str, Any]
"""Values of a statement, or of a row, by name."""


class Cursor(Protocol):
    """What the store needs of a DBAPI cursor."""

    @property
    def rowcount(self) -> int:
        """How many rows the last statement changed."""

    def execute(self, sql: str, values: Any, /) -> object:
        """Run one statement."""

    def executemany(self, sql: str, values: Any, /) -> object:
        """Run one statement for many rows."""

    def fetchone(self) -> Any:
        """Return the next row."""

    def fetchall(self) -> list[Any]:
        """Return the rows left."""

    def close(self) -> None:
        """Give the cursor up."""


class Connection(Protocol):
    """What the store needs of a DBAPI connection."""

    def cursor(self) -> Cursor:
        """Open a cursor."""


class Compiled:
    """The text of one statement, and what it takes to run it.

    Parameters
    ----------
    sql
        As the driver wants it.
    own
        Values the statement brings along itself.
    arrange
        Puts values by name into the order of the text.
    tables
        What it reads or writes.
    bulk
        PostgreSQL only: the same insert as a COPY, or None.
    """

    __slots__ = ("arrange", "bulk", "own", "sql", "tables")

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        places = getattr(compiled, "positiontup", None)
        self.sql = str(compiled)
        self.own = {k: v for k, v in (compiled.params or {}).items() if v is not None}
        self.arrange = _arrangement(places)
        self.tables = frozenset(
            part.name for part in visitors.iterate(statement) if isinstance(part, Table)
        )
        # An upsert is an insert of the dialect's own class: COPY cannot do that.
        self.bulk: _Bulk | None = None
        if (
            dialect.name == "postgresql"
            and isinstance(statement, Insert)
            and not isinstance(statement, postgresql.Insert)
        ):
            self.bulk = _Bulk(statement.table)


class _Bulk:
    """An insert as a binary COPY, which costs a fraction of the same rows one by one."""

    __slots__ = ("arrange", "sql", "types")

    def __init__(self, table: TableClause) -> None:
        names = [column.key for column in table.columns]
        columns = ", ".join(f'"{column.name}"' for column in table.columns)
        self.sql = f'COPY "{table.name}" ({columns}) FROM STDIN (FORMAT BINARY)'
        self.types = [_BINARY_TYPES[type(column.type)] for column in table.columns]
        self.arrange = itemgetter(*names)

    def write(self, cursor: Any, rows: Sequence[Values]) -> None:
        """Send rows."""
        with cursor.copy(self.sql) as copy:
            copy.set_types(self.types)
            for row in rows:
                copy.write_row(self.arrange(row))


_BINARY_TYPES: dict[type, str] = {
    BigInteger: "int8",
    SmallInteger: "int2",
    String: "text",
    LargeBinary: "bytea",
}
_WORTH_COPYING = 4
"""Rows from which a COPY is quicker than a statement for each."""


def _arrangement(places: Sequence[str] | None) -> Callable[[Values], Any]:
    if places is None:
        return lambda values: values
    if not places:
        return lambda _: ()
    if len(places) == 1:
        only = places[0]
        return lambda values: (values[only],)
    return itemgetter(*places)


class Statements:
    """Every statement used so far, compiled for one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._compiled: dict[ClauseElement, Compiled] = {}

    def of(self, statement: ClauseElement) -> Compiled:
        """Return a statement compiled."""
        found = self._compiled.get(statement)
        if found is None:
            found = self._compiled[statement] = Compiled(statement, self.dialect)
        return found


class Session:
    """A connection inside a transaction; inserted rows wait until something needs them.

    Rows given to `insert` are kept and written together, table by table, by `flush`
    or before a statement that touches one of their tables: a Bundle of a hundred
    resources, or a group of a hundred requests, becomes a few calls, and every read
    still sees all that was written before it.

    A unit of work is undone by forgetting its rows; it gets a savepoint only once
    something of it has to be written before its end.
    """

    def __init__(self, connection: Connection, statements: Statements) -> None:
        self._cursor = connection.cursor()
        self._statements = statements
        self._pending: dict[Insert, list[Values]] = {}
        self._tables: set[str] = set()
        self._before_unit: dict[Insert, int] | None = None
        self._saved = False

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._statements.dialect.name

    # ── Statements ───────────────────────────────────────────────────────────

    def one(self, statement: ClauseElement, **values: object) -> Any:
        """Return the first row of a statement, or None."""
        self._execute(statement, values)
        return self._cursor.fetchone()

    def look(self, statement: ClauseElement, **values: object) -> Any:
        """Return the first row written; for callers that remember what they insert."""
        compiled = self._statements.of(statement)
        self._cursor.execute(compiled.sql, compiled.arrange(values))
        return self._cursor.fetchone()

    def look_all(self, statement: ClauseElement, **values: object) -> list[Any]:
        """Return the rows written; for callers that know of those that wait."""
        compiled = self._statements.of(statement)
        self._cursor.execute(compiled.sql, compiled.arrange(values))
        return self._cursor.fetchall()

    def all(self, statement: ClauseElement, **values: object) -> list[Any]:
        """Return the rows of a statement."""
        self._execute(statement, values)
        return self._cursor.fetchall()

    def run(self, statement: ClauseElement, **values: object) -> int:
        """Run a statement that answers no rows; return how many it changed."""
        self._save()
        self._execute(statement, values)
        return self._cursor.rowcount

    def command(self, sql: str) -> None:
        """Run a command that has no values, such as `BEGIN`."""
        self._cursor.execute(sql, ())

    def _execute(self, statement: ClauseElement, values: dict[str, object]) -> None:
        compiled = self._statements.of(statement)
        if not self._tables.isdisjoint(compiled.tables):
            self.flush()
        if compiled.own:
            values = {**compiled.own, **values}
        self._cursor.execute(compiled.sql, compiled.arrange(values))

    # ── Rows that wait ───────────────────────────────────────────────────────

    def insert(self, statement: Insert, row: Values) -> None:
        """Write a row soon; it may still be changed until it is written."""
        rows = self._pending.get(statement)
        if rows is None:
            rows = self._pending[statement] = []
            self._tables |= self._statements.of(statement).tables
        rows.append(row)

    def waits(self, statement: Insert, row: Values) -> bool:
        """Say whether a row given to `insert` is not written yet."""
        return any(one is row for one in reversed(self._pending.get(statement, ())))

    def flush(self) -> None:
        """Write the rows that wait."""
        self._save()
        pending, self._pending = self._pending, {}
        self._tables.clear()
        for statement, rows in pending.items():
            self._write(statement, rows)

    def _write(self, statement: Insert, rows: Sequence[Values]) -> None:
        compiled = self._statements.of(statement)
        if len(rows) == 1:
            self._cursor.execute(compiled.sql, compiled.arrange(rows[0]))
        elif compiled.bulk is not None and len(rows) >= _WORTH_COPYING:
            compiled.bulk.write(self._cursor, rows)
        elif rows:
            self._cursor.executemany(compiled.sql, list(map(compiled.arrange, rows)))

    # ── Units of work ────────────────────────────────────────────────────────

    def begin_unit(self) -> None:
        """Begin a unit of work that can be undone alone."""
        self._before_unit = {statement: len(rows) for statement, rows in self._pending.items()}
        self._saved = False

    def end_unit(self) -> None:
        """Keep what the unit did."""
        if self._saved:
            self.command("RELEASE SAVEPOINT unit")
        self._before_unit, self._saved = None, False

    def undo_unit(self) -> None:
        """Undo what the unit did."""
        before = self._before_unit or {}
        for statement, rows in self._pending.items():
            del rows[before.get(statement, 0) :]
        if self._saved:
            self.command("ROLLBACK TO SAVEPOINT unit")
            self.command("RELEASE SAVEPOINT unit")
        self._before_unit, self._saved = None, False

    def discard(self) -> None:
        """Forget the rows that wait."""
        self._pending.clear()
        self._tables.clear()
        self._before_unit, self._saved = None, False

    def _save(self) -> None:
        """Make the savepoint of the unit, behind what earlier units left to write."""
        if self._before_unit is None or self._saved:
            return
        for statement, count in self._before_unit.items():
            rows = self._pending[statement]
            self._write(statement, rows[:count])
            del rows[:count]
        self._before_unit = {}
        self.command("SAVEPOINT unit")
        self._saved = True


def unavailable(error: Exception) -> AclfError:
    """Return what a failing database means to a caller; the text names no value."""
    return AclfError.of(
        Category.UNAVAILABLE,
        "",
        f"The database does not answer ({type(error).__name__}).",
        "Nothing was stored; send it again later.",
    )
