"""FHIR dates, dateTimes and instants as ranges of exact instants.

All results are in UTC: Python compares two datetimes of one zone by their wall
clock, which goes wrong in the hour that a daylight-saving night repeats.

A partial date is the whole day, month or year in the zone that the caller
declares, to its last microsecond. A second `60`, which R4 allows, is the first
instant of the next minute. Fractions beyond microseconds are cut off.
"""

from datetime import UTC, datetime, timedelta, tzinfo

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.fhir.formats import DESCRIPTIONS, is_date, is_date_time, is_instant
from aclf_fhir.units.times import TimeRange

__all__ = ["format_instant", "parse_date", "parse_date_time", "parse_instant"]

_MICROSECOND = timedelta(microseconds=1)


def parse_date(text: str, zone: tzinfo) -> TimeRange:
    """Return the range of instants that a FHIR date covers.

    Parameters
    ----------
    text
        `2024`, `2024-03` or `2024-03-09`.
    zone
        Where that day, month or year was lived.

    Raises
    ------
    AclfError
        `invalid`, if the text is no FHIR date or the date does not exist.
    """
    if not is_date(text):
        raise _invalid("date")
    return _partial(text, zone)


def parse_date_time(text: str, zone: tzinfo) -> TimeRange:
    """Return the range of instants that a FHIR dateTime covers.

    Parameters
    ----------
    text
        A full dateTime, which is one exact instant, or a partial one.
    zone
        Where a partial date was lived; a full dateTime brings its own offset.

    Raises
    ------
    AclfError
        `invalid`, if the text is no FHIR dateTime or the date does not exist.
    """
    if not is_date_time(text):
        raise _invalid("dateTime")
    if len(text) > 10:
        return TimeRange.exact(_full(text))
    return _partial(text, zone)


def parse_instant(text: str) -> datetime:
    """Return a FHIR instant as a datetime in UTC.

    Raises
    ------
    AclfError
        `invalid`, if the text is no FHIR instant.
    """
    if not is_instant(text):
        raise _invalid("instant")
    return _full(text)


def format_instant(instant: datetime) -> str:
    """Write an aware datetime as a FHIR instant: UTC, milliseconds (cut off), `Z`."""
    if instant.tzinfo is None:
        message = "an instant needs a time zone"
        raise ValueError(message)
    utc = instant.astimezone(UTC)
    return utc.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _full(text: str) -> datetime:
    try:
        if text[17:19] == "60":
            return _full(f"{text[:17]}59{text[19:]}") + timedelta(seconds=1)
        # Since Python 3.11 this reads `Z`, and cuts long fractions off.
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError:
        raise _invalid("dateTime") from None


def _partial(text: str, zone: tzinfo) -> TimeRange:
    year = int(text[:4])
    month = int(text[5:7] or 1)
    day = int(text[8:10] or 1)
    first = datetime(year, month, day, tzinfo=zone)
    try:
        if len(text) == 10:
            following = first + timedelta(days=1)
        elif len(text) == 7:
            following = first.replace(year=year + month // 12, month=month % 12 + 1)
        else:
            following = first.replace(year=year + 1)
        # A midnight that a clock change skips or repeats is taken at its first instant (fold 0).
        return TimeRange(first.astimezone(UTC), following.astimezone(UTC) - _MICROSECOND)
    except (OverflowError, ValueError):  # year 1 or 9999
        raise _invalid("date") from None


def _invalid(kind: str) -> AclfError:
    return AclfError.of(Category.INVALID, "", f"is not {DESCRIPTIONS[kind]}", "Send a valid value.")
