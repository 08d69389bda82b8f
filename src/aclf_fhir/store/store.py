"""The store: opened by URL, written by one thread, read from snapshots."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TypeVar

from aclf_fhir.store.database import Database
from aclf_fhir.store.reader import Reader, TrialReader
from aclf_fhir.store.session import DRIVER_ERRORS, Session, unavailable
from aclf_fhir.store.transaction import Transaction
from aclf_fhir.store.writer import READ_CLOCK, Writer

__all__ = ["Store"]

T = TypeVar("T")


def _system_clock() -> datetime:
    # The instant of a commit is what "known" means: the one place below workflows that reads it.
    return datetime.now(UTC)  # noqa: TID251


class Store:
    """Everything the gateway keeps. Make it with `Store.open`."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    @classmethod
    def open(
        cls,
        url: str,
        *,
        clock: Callable[[], datetime] = _system_clock,
        readers: int = 16,
        create: bool = True,
    ) -> Self:
        """Open a database, making its tables if it is empty.

        Parameters
        ----------
        url
            `sqlite:///FILE`, the path of a SQLite file, or `postgresql://…`.
        clock
            The present, read once per commit group.
        readers
            Snapshots that can be open at the same time.
        create
            Whether tables are made; else an empty database is refused.

        Raises
        ------
        AclfError
            `not_found` for an empty database where none may be made;
            `unsupported` for another kind of database, an unknown schema version
            or tables of other software; `unavailable` if it cannot be reached.
        """
        database = Database(url, readers=readers)
        try:
            database.prepare(create=create)
            return cls(database, Writer(database, clock))
        except BaseException:
            database.close()
            raise

    def close(self) -> None:
        """Finish the writes that wait, then close the database."""
        self._writer.close()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run a unit of work and return its result once it is durable.

        `work` runs in the writer's thread, perhaps a second time if its commit
        group fails: it must have no effects of its own, and be short. What it
        raises is raised here, with nothing stored.

        Raises
        ------
        AclfError
            `unavailable`, if the database does not answer; nothing was stored.
        """
        return self._writer.write(work)

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """Queue a unit of work, as `write` does, without waiting for it."""
        return self._writer.submit(work)

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Open a snapshot of the site zone."""
        with self._snapshot() as (session, watermark):
            yield Reader(session, watermark)

    @contextmanager
    def read_trial(self, trial: str) -> Iterator[TrialReader]:
        """Open a snapshot of one trial's zone, and of nothing else."""
        with self._snapshot() as (session, watermark):
            yield TrialReader(session, watermark, trial)

    @contextmanager
    def _snapshot(self) -> Iterator[tuple[Session, int]]:
        connection = self._database.connect()
        try:
            session = self._database.session(connection)
            self._database.begin_read(session)
            clock = session.one(READ_CLOCK)  # fixes the snapshot
            yield session, clock[0] if clock else 0
        except DRIVER_ERRORS as error:
            connection.invalidate()
            raise unavailable(error) from error
        finally:
            connection.close()
