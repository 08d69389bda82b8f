"""One thread writes; units of work that come together are committed together.

A commit has to reach the disk before anybody is answered, and that costs far more
than the writing itself. So the units that arrive while a commit is under way share
the next one. Each is its own savepoint: one that fails is undone alone. If
the group as a whole fails, each unit is tried once more alone.

Several processes may write to the same database. A group begins by locking the
one row of the clock table (SQLite: the whole database), which holds the instant
and the numbers of the last group, and keeps it until its commit: groups follow one
another, and their instants rise in the order in which they become visible.
"""

import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar

import psycopg
from sqlalchemy import bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import TEXT
from sqlalchemy.pool import PoolProxiedConnection

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.store.access import Numbers
from aclf_fhir.store.database import Database
from aclf_fhir.store.instants import MILLISECOND, to_microseconds
from aclf_fhir.store.resource_writer import Memory, SearchKey
from aclf_fhir.store.session import DRIVER_ERRORS, Session, unavailable
from aclf_fhir.store.tables import CLOCK
from aclf_fhir.store.transaction import Transaction
from aclf_fhir.store.unit_of_work import GroupMemory

__all__ = ["READ_CLOCK", "Writer"]

T = TypeVar("T")

READ_CLOCK = select(CLOCK.c.known, CLOCK.c.rid, CLOCK.c.seq)
_LOCK_CLOCK = select(
    CLOCK.c.known, CLOCK.c.rid, CLOCK.c.seq, func.pg_current_xact_id().cast(TEXT)
).with_for_update()
_SET_CLOCK = update(CLOCK).values(
    known=bindparam("new_known"), rid=bindparam("new_rid"), seq=bindparam("new_seq")
)
_FATE = text("SELECT pg_xact_status(CAST(:number AS xid8))")

_OPERATIONAL = (sqlite3.OperationalError, psycopg.OperationalError)


@dataclass(slots=True)
class _Unit:
    work: Callable[[Transaction], Any]
    future: Future[Any]


class Writer:
    """The only place that writes.

    Parameters
    ----------
    database
        Where to.
    clock
        The present; read once per group.
    largest_group
        Units that share a commit at most.
    most_waiting
        Units that may wait; more are refused as `unavailable`.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        *,
        largest_group: int = 128,
        most_waiting: int = 2048,
    ) -> None:
        self._database = database
        self._clock = clock
        self._largest_group = largest_group
        self._most_waiting = most_waiting
        self._queue: queue.SimpleQueue[_Unit | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._connection: PoolProxiedConnection | None = None
        self._session: Session | None = None
        self._kinds: tuple[dict[SearchKey, int], dict[SearchKey, int]] = ({}, {})
        self._thread = threading.Thread(target=self._serve, name="aclf-fhir-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """Queue a unit of work; the future is done once it is durable, or undone."""
        future: Future[T] = Future()
        with self._gate:  # so that nothing is queued behind the end
            if self._closed:
                raise _closed()
            if self._queue.qsize() >= self._most_waiting:
                raise AclfError.of(
                    Category.UNAVAILABLE,
                    "",
                    "Too many writes wait already.",
                    "Send it again in a moment.",
                )
            self._queue.put(_Unit(work, future))
        return future

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run a unit of work and return its result once it is durable."""
        if threading.current_thread() is self._thread:
            message = "a unit of work cannot wait for another one"
            raise RuntimeError(message)
        return self.submit(work).result()

    def close(self) -> None:
        """Finish what waits, then stop."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    # ── The thread ───────────────────────────────────────────────────────────

    def _serve(self) -> None:
        group: list[_Unit] = []
        try:
            ending = False
            while not ending:
                group = []
                unit = self._queue.get()
                while unit is not None:
                    group.append(unit)
                    if len(group) == self._largest_group or self._queue.empty():
                        break
                    unit = self._queue.get()
                ending = unit is None
                self._write_group([one for one in group if _starts(one)])
        finally:
            self._abandon(group)

    def _abandon(self, group: list[_Unit]) -> None:
        """Leave nobody waiting, however the thread ends."""
        with self._gate:
            self._closed = True
        self._disconnect()
        while not self._queue.empty():
            unit = self._queue.get()
            if unit is not None and _starts(unit):
                group.append(unit)
        for unit in group:
            if not unit.future.done():
                unit.future.set_exception(_closed())

    def _write_group(self, units: list[_Unit]) -> None:
        if not units or self._attempt(units) is None:
            return
        failure: Exception | None = None
        for unit in units:
            # A database that cannot be reached is not asked again for each unit.
            if failure is None or self._session is not None:
                failure = self._attempt([unit])
            if failure is not None:
                unit.future.set_exception(_reported(failure))

    def _attempt(self, units: list[_Unit]) -> Exception | None:
        """Write a group and answer its units; return why it could not be written."""
        committing, number = False, ""
        try:
            session = self._connect()
            numbers, watermark, number = self._begin(session)
            group = GroupMemory(Memory(self._kinds[0]), Memory(self._kinds[1]))
            answers = [
                self._run(unit, Transaction(session, watermark, numbers, group), session)
                for unit in units
            ]
            if any(error is None for _, error in answers):
                session.flush()
                session.run(
                    _SET_CLOCK,
                    new_known=numbers.known,
                    new_rid=numbers.rid,
                    new_seq=numbers.seq,
                )
                committing = True
                session.command("COMMIT")
                group.committed()
            else:
                session.command("ROLLBACK")
        except Exception as error:  # whatever a unit left behind, the thread serves the next one
            self._disconnect()
            fate = self._fate(number) if committing and number else "aborted"
            if fate == "aborted":
                return error
            if fate == "unknown":
                answers = [(None, _unknown())] * len(units)
        for unit, (result, error_of_unit) in zip(units, answers, strict=True):
            if error_of_unit is None:
                unit.future.set_result(result)
            else:
                unit.future.set_exception(error_of_unit)
        return None

    def _begin(self, session: Session) -> tuple[Numbers, int, str]:
        """Begin a group; nobody else can until it ends."""
        self._database.begin_write(session)
        if self._database.kind == "sqlite":
            row, number = session.one(READ_CLOCK), ""
        else:
            row = session.one(_LOCK_CLOCK)
            number = row[3] if row else ""
        if row is None:
            raise AclfError.of(Category.FAULT, "database", "The clock row is gone.")
        last = row[0]
        now = to_microseconds(self._clock()) // MILLISECOND * MILLISECOND
        return Numbers(known=max(now, last + MILLISECOND), rid=row[1], seq=row[2]), last, number

    @staticmethod
    def _run(
        unit: _Unit, transaction: Transaction, session: Session
    ) -> tuple[Any, Exception | None]:
        """Run one unit; undo it alone if it fails."""
        session.begin_unit()
        try:
            result = unit.work(transaction)
            transaction.finish()
        except Exception as error:  # handed to whoever waits for this unit
            if isinstance(error, _OPERATIONAL):
                raise
            session.undo_unit()
            return None, error
        session.end_unit()
        return result, None

    def _connect(self) -> Session:
        if self._session is None:
            self._connection = self._database.connect()
            self._session = self._database.session(self._connection)
        return self._session

    def _disconnect(self) -> None:
        connection, self._connection, self._session = self._connection, None, None
        if connection is not None:
            connection.invalidate()

    def _fate(self, number: str) -> Literal["committed", "aborted", "unknown"]:
        """Ask PostgreSQL what became of a commit whose answer was lost."""
        for _ in range(50):
            try:
                row = self._connect().one(_FATE, number=number)
            except (AclfError, *DRIVER_ERRORS):
                self._disconnect()
                return "unknown"
            if row is None or row[0] is None:
                return "unknown"
            if row[0] != "in progress":
                return "committed" if row[0] == "committed" else "aborted"
            time.sleep(0.1)
        return "unknown"


def _starts(unit: _Unit) -> bool:
    """Say whether anybody still waits for a unit; from here on it cannot be cancelled."""
    return unit.future.set_running_or_notify_cancel()


def _reported(error: Exception) -> Exception:
    return unavailable(error) if isinstance(error, _OPERATIONAL) else error


def _unknown() -> AclfError:
    return AclfError.of(
        Category.UNAVAILABLE,
        "",
        "The database went away during the commit.",
        "It may have been stored: send it again, a resend changes nothing.",
    )


def _closed() -> AclfError:
    return AclfError.of(Category.UNAVAILABLE, "", "The store is closed.")
