"""Instants and texts as the keys both databases can hold."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aclf_fhir.store.instants import from_microseconds, to_microseconds
from aclf_fhir.store.tables import ABSENT, LATEST, OPEN, UNBOUNDED
from aclf_fhir.store.texts import folded, key_text


@given(st.datetimes(timezones=st.just(UTC)))
def test_instants_are_exact(instant: datetime) -> None:
    number = to_microseconds(instant)
    assert from_microseconds(number) == instant
    assert ABSENT < UNBOUNDED < number < LATEST < OPEN


def test_instants_of_all_zones_are_utc() -> None:
    east = datetime(2024, 3, 1, 8, tzinfo=timezone(timedelta(hours=8)))
    assert from_microseconds(to_microseconds(east)) == datetime(2024, 3, 1, tzinfo=UTC)
    assert to_microseconds(datetime(1970, 1, 1, tzinfo=UTC)) == 0


@pytest.mark.parametrize("length", [0, 399, 400])
def test_texts_that_fit_stay(length: int) -> None:
    assert key_text("x" * length) == "x" * length


def test_long_texts_stay_distinct() -> None:
    one, two = key_text("x" * 401), key_text("x" * 402)
    assert one != two
    assert len(one) <= 400
    assert len(one.encode()) < 2700 / 4


def test_folding() -> None:
    assert folded("STRASSE") == folded("straße") == "strasse"
