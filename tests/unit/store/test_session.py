"""Rows that wait in a session: written in time for whatever could miss them, and no earlier."""

import sqlite3
from collections.abc import Iterator

import pytest
from sqlalchemy import (
    BigInteger,
    Column,
    MetaData,
    Table,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql import ClauseElement

from aclf_fhir.store.session import Session, Statements

LEFT = Table("left_side", MetaData(), Column("number", BigInteger))
RIGHT = Table("right_side", MetaData(), Column("number", BigInteger))
COUNT = select(func.count()).select_from(LEFT)
INSERT = insert(LEFT)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(":memory:", isolation_level=None)
    for table in (LEFT, RIGHT):
        opened.execute(f"CREATE TABLE {table.name} (number INTEGER)")
    opened.execute("BEGIN")
    yield opened
    opened.close()


@pytest.fixture
def session(connection: sqlite3.Connection) -> Session:
    return Session(connection, Statements(sqlite.dialect(paramstyle="qmark")))


def written(connection: sqlite3.Connection) -> list[int]:
    return [row[0] for row in connection.execute("SELECT number FROM left_side ORDER BY number")]


def test_a_row_waits_until_it_is_read(session: Session, connection: sqlite3.Connection) -> None:
    row = {"number": 1}
    session.insert(INSERT, row)
    assert session.all(select(RIGHT)) == []
    assert session.waits(INSERT, row)
    assert written(connection) == []
    assert session.one(COUNT) == (1,)
    assert not session.waits(INSERT, row)
    session.insert(INSERT, {"number": 2})
    assert session.all(select(LEFT.c.number).order_by(LEFT.c.number)) == [(1,), (2,)]
    assert written(connection) == [1, 2]


@pytest.mark.parametrize(
    "statement",
    [
        select(RIGHT.join(LEFT, LEFT.c.number == RIGHT.c.number)),
        select(RIGHT).where(RIGHT.c.number.in_(select(LEFT.c.number))),
        select(RIGHT).where(exists().where(LEFT.c.number == RIGHT.c.number)),
        select(RIGHT).where(RIGHT.c.number == select(func.max(LEFT.c.number)).scalar_subquery()),
        select(select(LEFT.c.number).subquery()),
    ],
    ids=["join", "in", "exists", "scalar", "derived"],
)
def test_a_table_read_in_passing_counts(session: Session, statement: ClauseElement) -> None:
    session.insert(insert(RIGHT), {"number": 1})
    session.flush()
    session.insert(INSERT, {"number": 1})
    assert session.all(statement) != []


def test_a_change_reaches_rows_that_wait(session: Session) -> None:
    for number in (1, 2, 3):
        session.insert(INSERT, {"number": number})
    old = bindparam("old")
    assert session.run(delete(LEFT).where(LEFT.c.number == old), old=1) == 1
    session.insert(INSERT, {"number": 4})
    change = update(LEFT).where(LEFT.c.number == old).values(number=bindparam("new"))
    assert session.run(change, old=4, new=5) == 1
    assert session.all(select(LEFT.c.number).order_by(LEFT.c.number)) == [(2,), (3,), (5,)]


def test_what_was_flushed_within_a_unit_is_undone_with_it(
    session: Session, connection: sqlite3.Connection
) -> None:
    session.insert(INSERT, {"number": 1})
    session.begin_unit()
    session.insert(INSERT, {"number": 2})
    assert session.one(COUNT) == (2,)
    session.insert(INSERT, {"number": 3})
    session.undo_unit()
    assert session.one(COUNT) == (1,)
    assert written(connection) == [1]
