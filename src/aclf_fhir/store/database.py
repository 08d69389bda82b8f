"""Opening a database by its URL: SQLite in a file, or PostgreSQL."""

import sqlite3
from pathlib import Path
from typing import Any, Literal, cast

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import PoolProxiedConnection

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.store.session import DRIVER_ERRORS, Session, Statements, unavailable
from aclf_fhir.store.session import Connection as DriverConnection
from aclf_fhir.store.tables import CLOCK, METADATA, SCHEMA_VERSION, SCHEMA_VERSION_TABLE

__all__ = ["Database"]

_CREATING = 7208153320
"""Number of the advisory lock held while the tables are made."""


class Database:
    """A pool of connections, and how this kind of database begins a transaction.

    Parameters
    ----------
    url
        `sqlite:///FILE`, `postgresql://…` (read by psycopg 3), or the path of a
        SQLite file.
    readers
        Connections for readers; one more is the writer's.
    """

    def __init__(self, url: str, *, readers: int = 16) -> None:
        self.url = _parsed(url)
        self.kind: Literal["sqlite", "postgresql"] = (
            "sqlite" if self.url.get_backend_name() == "sqlite" else "postgresql"
        )
        arguments: dict[str, Any] = {
            "check_same_thread": False,
            "isolation_level": None,  # transactions begin and end where we say
            "timeout": 10.0,
            "cached_statements": 256,
        }
        if self.kind == "postgresql":
            arguments = {"autocommit": True, "prepare_threshold": 1, "connect_timeout": 10}
        self.engine: Engine = create_engine(
            self.url,
            connect_args=arguments,
            pool_size=readers + 1,
            max_overflow=0,
            pool_timeout=10.0,
        )
        self.statements = Statements(self.engine.dialect)
        if self.kind == "sqlite":
            event.listen(self.engine, "connect", _tune_sqlite)

    def connect(self) -> PoolProxiedConnection:
        """Take a connection from the pool."""
        try:
            return self.engine.raw_connection()
        except (SQLAlchemyError, PoolTimeoutError, *DRIVER_ERRORS) as error:
            raise unavailable(error) from error

    def session(self, connection: PoolProxiedConnection) -> Session:
        """Return a session that speaks over a connection of this database."""
        return Session(cast("DriverConnection", connection.dbapi_connection), self.statements)

    def begin_read(self, session: Session) -> None:
        """Begin a transaction whose first read fixes what all its reads see."""
        if self.kind == "sqlite":
            session.command("BEGIN")
        else:
            session.command("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def begin_write(self, session: Session) -> None:
        """Begin a transaction that may write; SQLite waits here for other processes."""
        session.command("BEGIN IMMEDIATE" if self.kind == "sqlite" else "BEGIN")

    def prepare(self, *, create: bool = True) -> None:
        """Make the tables if the database is empty; refuse a schema we do not know."""
        if not create and self.kind == "sqlite" and not Path(self.url.database or "").is_file():
            raise _empty()  # connecting would make the file
        try:
            with self.engine.connect() as connection:
                if self.kind == "sqlite":
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                else:
                    connection.exec_driver_sql("BEGIN")
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_CREATING})")
                try:
                    _prepare(connection, create=create)
                except BaseException:
                    connection.exec_driver_sql("ROLLBACK")
                    raise
                connection.exec_driver_sql("COMMIT")
        except (SQLAlchemyError, *DRIVER_ERRORS) as error:
            raise unavailable(error) from error

    def close(self) -> None:
        """Close all connections; SQLite then folds its log into the file."""
        self.engine.dispose()


def _parsed(text: str) -> URL:
    if "://" not in text:
        raise _unsupported("The database is not named by a URL.")
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise _unsupported("The database URL cannot be read.") from error
    backend = url.get_backend_name()
    if backend == "sqlite":
        if not url.database or url.database == ":memory:":
            raise _unsupported("SQLite needs a file: an acknowledged result has to survive.")
        folder = Path(url.database).parent
        if not folder.is_dir():
            raise _unsupported("The folder of the SQLite file does not exist.")
        return url.set(drivername="sqlite+pysqlite")
    if backend == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    raise _unsupported(f"{backend} is not a database this program can use.")


def _unsupported(message: str) -> AclfError:
    return AclfError.of(
        Category.UNSUPPORTED, "database", message, "Use sqlite:///FILE or postgresql://HOST/NAME."
    )


def _tune_sqlite(connection: sqlite3.Connection, _: object) -> None:
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",  # NORMAL would lose the last acknowledged results with the power
        "foreign_keys = OFF",
        "temp_store = MEMORY",
        "cache_size = -65536",  # 64 MiB
    ):
        connection.execute(f"PRAGMA {pragma}")


def _prepare(connection: Connection, *, create: bool) -> None:
    tables = inspect(connection).get_table_names()
    if SCHEMA_VERSION_TABLE.name not in tables:
        if any(name in METADATA.tables for name in tables):
            raise _refused("It holds tables of other software.")
        if not create:
            raise _empty()
        METADATA.create_all(connection)
        connection.execute(SCHEMA_VERSION_TABLE.insert().values(version=SCHEMA_VERSION))
        connection.execute(CLOCK.insert().values(id=1, known=0, rid=0, seq=0))
        return
    versions = [row[0] for row in connection.execute(SCHEMA_VERSION_TABLE.select())]
    if versions != [SCHEMA_VERSION]:
        raise _refused(f"Its schema version is {versions}, this program reads {SCHEMA_VERSION}.")


def _empty() -> AclfError:
    return AclfError.of(
        Category.NOT_FOUND,
        "database",
        "There is no gateway's database under this URL.",
        "Give the URL that `aclf-fhir serve` was started with.",
    )


def _refused(message: str) -> AclfError:
    return AclfError.of(
        Category.UNSUPPORTED,
        "database",
        f"This database cannot be used. {message}",
        "Give another database, or the version of the program that made this one.",
    )
