"""One database connection, spoken to in statements compiled once.

Statements are SQLAlchemy Core constructs; SQLAlchemy compiles each of them once
per store, and from then on the driver gets the text and the values directly:
building and caching per call would cost more than SQLite's own work.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import psycopg
from sqlalchemy import Insert
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql import ClauseElement

from aclf_fhir.errors import AclfError, Category

__all__ = ["DRIVER_ERRORS", "Row", "Session", "Statements", "unavailable"]

DRIVER_ERRORS = (sqlite3.Error, psycopg.Error)
"""What the two drivers raise."""

Row = Mapping[str, Any]
"""Values of one row by column name."""


class Cursor(Protocol):
    """What the store needs of a DBAPI cursor."""

    rowcount: int

    def execute(self, sql: str, values: Row, /) -> object:
        """Run one statement."""

    def executemany(self, sql: str, values: Sequence[Row], /) -> object:
        """Run one statement for many rows."""

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row."""

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return the rows left."""

    def close(self) -> None:
        """Give the cursor up."""


class Connection(Protocol):
    """What the store needs of a DBAPI connection, pooled or not."""

    def cursor(self) -> Cursor:
        """Open a cursor."""

    def commit(self) -> None:
        """Make the transaction durable."""

    def rollback(self) -> None:
        """Undo the transaction."""


class Statements:
    """The compiled text of every statement used so far, for one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._compiled: dict[ClauseElement, tuple[str, Row]] = {}

    def of(self, statement: ClauseElement) -> tuple[str, Row]:
        """Return the text of a statement and the values it brings along itself."""
        found = self._compiled.get(statement)
        if found is None:
            compiled = statement.compile(dialect=self._dialect)
            own = {
                name: value for name, value in (compiled.params or {}).items() if value is not None
            }
            found = self._compiled[statement] = (str(compiled), own)
        return found


class Session:
    """A connection inside a transaction; inserts wait until something reads.

    Rows given to `insert` are kept, table by table, and written together before
    the next statement of any other kind and by `flush`: a Bundle of a hundred
    resources becomes a few `executemany` calls, and a read still sees all that
    was written before it.
    """

    def __init__(self, connection: Connection, statements: Statements) -> None:
        self._cursor = connection.cursor()
        self._statements = statements
        self._pending: dict[Insert, list[dict[str, Any]]] = {}

    def insert(self, statement: Insert, row: dict[str, Any]) -> None:
        """Write a row soon; it may still be changed until the next flush."""
        self._pending.setdefault(statement, []).append(row)

    def waits(self, statement: Insert, row: dict[str, Any]) -> bool:
        """Say whether a row given to `insert` is not written yet."""
        return any(one is row for one in reversed(self._pending.get(statement, ())))

    def flush(self) -> None:
        """Write the rows that wait."""
        if not self._pending:
            return
        pending, self._pending = self._pending, {}
        for statement, rows in pending.items():
            sql, _ = self._statements.of(statement)
            if len(rows) == 1:
                self._cursor.execute(sql, rows[0])
            else:
                self._cursor.executemany(sql, rows)

    def discard(self) -> None:
        """Forget the rows that wait."""
        self._pending.clear()

    def run(self, statement: ClauseElement, **values: object) -> int:
        """Run a statement that answers no rows; return how many it changed."""
        self._execute(statement, values)
        return self._cursor.rowcount

    def one(self, statement: ClauseElement, **values: object) -> tuple[Any, ...] | None:
        """Return the first row of a statement, or None."""
        self._execute(statement, values)
        return self._cursor.fetchone()

    def all(self, statement: ClauseElement, **values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        self._execute(statement, values)
        return self._cursor.fetchall()

    def command(self, sql: str) -> None:
        """Run a command that has no values, such as `BEGIN`."""
        self._cursor.execute(sql, {})

    def close(self) -> None:
        """Give the cursor up."""
        self._cursor.close()

    def _execute(self, statement: ClauseElement, values: Row) -> None:
        if self._pending:
            self.flush()
        sql, own = self._statements.of(statement)
        self._cursor.execute(sql, {**own, **values} if own else values)


def unavailable(error: Exception) -> AclfError:
    """Return what a failing database means to a caller; the text names no value."""
    return AclfError.of(
        Category.UNAVAILABLE,
        "",
        f"The database does not answer ({type(error).__name__}).",
        "Nothing was stored; send it again later.",
    )
