"""Instants as whole microseconds since 1970, exact both ways."""

from datetime import UTC, datetime, timedelta

__all__ = ["MILLISECOND", "from_microseconds", "to_microseconds"]

MILLISECOND = 1000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_microseconds(instant: datetime) -> int:
    """Return the microseconds since 1970 of an aware datetime."""
    return (instant - _EPOCH) // _MICROSECOND


def from_microseconds(number: int) -> datetime:
    """Return the UTC datetime of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=number)
