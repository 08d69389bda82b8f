"""The test environment keeps its promises: clock, zone, network, databases."""

import socket
from datetime import UTC, datetime

import pytest
import requests
import sqlalchemy
from hypothesis import given, strategies


def test_the_clock_is_frozen_in_a_zone_whose_date_is_not_that_of_utc() -> None:
    local = datetime.now().astimezone()
    assert local.isoformat() == "2027-01-01T00:30:00+08:00"
    assert datetime.now(UTC).year == 2026
    assert datetime.now(UTC) == local


@pytest.mark.real_clock
def test_a_test_may_ask_for_a_running_clock() -> None:
    first = datetime.now(UTC)
    while datetime.now(UTC) == first:
        pass


@given(strategies.integers())
def test_the_clock_is_frozen_under_hypothesis(number: int) -> None:
    assert isinstance(number, int)
    assert datetime.now(UTC).isoformat() == "2026-12-31T16:30:00+00:00"


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "example.org"])
def test_nothing_leaves_the_machine(host: str) -> None:
    with pytest.raises(BaseException, match="nothing in tests leaves the machine"):
        socket.create_connection((host, 80), timeout=1)


def test_a_client_that_catches_its_errors_does_not_leave_either() -> None:
    with pytest.raises(BaseException, match="nothing in tests leaves the machine"):
        requests.get("http://192.0.2.1/", timeout=1)


def test_loopback_stays_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=1).close()


def test_each_test_gets_an_empty_database(database_url: str) -> None:
    engine = sqlalchemy.create_engine(database_url, poolclass=sqlalchemy.pool.NullPool)
    assert sqlalchemy.inspect(engine).get_table_names() == []
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE t (x integer)"))
    assert sqlalchemy.inspect(engine).get_table_names() == ["t"]
