"""What holds for every test: a frozen clock, no network, no settings from outside, both databases.

The clock stands at a moment when the local year is already the next one and UTC's is not, so that a
date taken in the wrong zone shows. A test that needs a running clock is marked `real_clock`.
"""

import ipaddress
import os
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy
import time_machine
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
POSTGRES = "ACLF_FHIR_TEST_POSTGRES"
NOW = datetime.fromisoformat("2027-01-01T00:30:00+08:00")

# Shanghai's zone, spelled so that it needs no zone files; subprocesses inherit it.
os.environ["TZ"] = "CST-8"
time.tzset()

# The settings of a developer's own gateway must not reach the tests.
for _name in [name for name in os.environ if name.startswith("ACLF_FHIR_") and name != POSTGRES]:
    del os.environ[_name]

settings.register_profile("default", max_examples=50, deadline=None, print_blob=True)
# CI has 15 minutes for the whole suite on two databases; `make test` at a desk draws more.
settings.register_profile(
    "ci", settings.get_profile("default"), max_examples=20, derandomize=True, database=None
)
settings.register_profile(
    "soak",
    settings.get_profile("default"),
    max_examples=5000,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if os.environ.get("CI") else "default")


class NetworkUsedError(BaseException):
    """A test tried to leave the machine; not an Exception, so that no retry swallows it."""


def _is_loopback(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode()
    if host is None or host in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False


def _forbid_network(event: str, args: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        address = args[1]
        if isinstance(address, tuple) and not _is_loopback(address[0]):
            raise NetworkUsedError(f"{event} to {address[0]}: nothing in tests leaves the machine")
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"} and not _is_loopback(args[0]):
        raise NetworkUsedError(f"{event} of {args[0]!r}: nothing in tests leaves the machine")


sys.addaudithook(_forbid_network)


@pytest.fixture(autouse=True)
def frozen_clock(request: pytest.FixtureRequest) -> Iterator[None]:
    """Stop the clock at `NOW`, unless the test is marked `real_clock`."""
    if request.node.get_closest_marker("real_clock"):
        yield
        return
    with time_machine.travel(NOW, tick=False):
        yield


@contextmanager
def postgresql_database() -> Iterator[str]:
    """Make an empty database on the PostgreSQL server, and drop it; skip if there is none."""
    server = os.environ.get(POSTGRES)
    if not server:
        pytest.skip(
            f"{POSTGRES} names no PostgreSQL server (postgresql+psycopg://user@host/database)"
        )
    url = sqlalchemy.make_url(server)
    name = f"aclf_fhir_test_{uuid.uuid4().hex}"
    admin = sqlalchemy.create_engine(
        url, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.pool.NullPool
    )
    with admin.connect() as connection:
        connection.execute(sqlalchemy.text(f'CREATE DATABASE "{name}"'))
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(sqlalchemy.text(f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of an empty database: once a SQLite file, once PostgreSQL if there is one."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'gateway.sqlite'}"
        return
    with postgresql_database() as url:
        yield url


@pytest.fixture(scope="session")
def shared() -> Path:
    """Give the folder of design and clinical sources that may stand beside the repository."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("there is no folder ../shared beside the repository")
    return folder
