"""FHIR dates, dateTimes and instants as ranges of exact instants.

All results are in UTC: Python compares two datetimes of one zone by their wall
clock, which goes wrong in the hour that a daylight-saving night repeats.

A partial date is the whole day, month or year in the zone that the caller
declares, to its last microsecond. A second `60`, which R4 allows, is the first
instant of the next minute. Fractions beyond microseconds are cut off. What lies
before the year 1 or after the year 9999 in UTC (`9999-12-31T23:59:59-05:00`, which
R4 allows) becomes the first or the last instant that a clock holds.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.fhir.formats import DESCRIPTIONS, is_date, is_date_time, is_instant
from aclf_fhir.units.times import TimeRange

__all__ = [
    "format_instant",
    "is_sentinel",
    "parse_clock",
    "parse_date",
    "parse_date_time",
    "parse_instant",
    "parse_search_date",
]

_MICROSECOND = timedelta(microseconds=1)
_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)
_SOME_MINUTE = "2000-01-01T00:00"
_TIMED = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2})"
    r"(?::([0-9]{2})(?:\.([0-9]+))?)?(Z|[+-][0-9]{2}:[0-9]{2})?"
).fullmatch


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


def parse_search_date(text: str, zone: tzinfo) -> TimeRange:
    """Return the range of instants that a date asked for in a search covers.

    R4 search.html#date takes more than a dateTime: seconds and zone may be left out,
    and a time covers all that its last digit leaves open.

    Parameters
    ----------
    text
        `2024`, `2024-03`, `2024-03-09`, `2024-03-09T08:00`, `2024-03-09T08:00:00+01:00` ...
    zone
        Where a date without an offset was lived.

    Raises
    ------
    AclfError
        `invalid`, if it is none of these or does not exist.
    """
    timed = _TIMED(text)
    if timed is None:
        return parse_date_time(text, zone)
    minute, second, fraction, offset = timed.groups()
    if not (
        is_instant(f"{minute}:{second or '00'}Z")
        and is_instant(f"{_SOME_MINUTE}:00{offset or 'Z'}")
    ):
        raise _invalid("dateTime")
    if offset:
        zone = datetime.fromisoformat(f"{_SOME_MINUTE}{offset}").tzinfo or zone
    start = _utc(datetime.fromisoformat(minute).replace(tzinfo=zone))
    asked = timedelta(seconds=int(second or 0))
    width = timedelta(seconds=1) if second else timedelta(minutes=1)
    if fraction:
        asked += timedelta(microseconds=int(f"{fraction:0<6.6}"))
        width = timedelta(microseconds=10 ** max(6 - len(fraction), 0))
    start += min(asked, _LAST - start)
    return TimeRange(start, start + min(width - _MICROSECOND, _LAST - start))


def parse_clock(text: str, zone: tzinfo) -> datetime:
    """Return the instant that a clock (T or K) is set to: the last one of a partial date.

    Raises
    ------
    AclfError
        `invalid`, if the text is no FHIR dateTime, or one for which nothing is known.
    """
    moment = parse_date_time(text, zone).latest
    if is_sentinel(text):
        raise AclfError.of(
            Category.INVALID, "", "lies outside the years 1000 to 8999", "Ask for another date."
        )
    return moment


def is_sentinel(text: str) -> bool:
    """Whether a date lies so far off that it stands for "always", "open" or "never".

    Engines write years such as 0001 and 9999 where they mean no date; nothing that
    was true of a patient lies before the year 1000 or after the year 8999.
    """
    return not "1000" <= text[:4] < "9000"


def format_instant(instant: datetime) -> str:
    """Write an aware datetime as a FHIR instant: UTC, milliseconds (cut off), `Z`."""
    if instant.tzinfo is None:
        message = "an instant needs a time zone"
        raise ValueError(message)
    utc = instant.astimezone(UTC)
    return utc.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _full(text: str) -> datetime:
    if text[17:19] == "60":
        before = _full(f"{text[:17]}59{text[19:]}")
        return before + min(timedelta(seconds=1), _LAST - before)
    # Since Python 3.11 this reads `Z`, and cuts long fractions off.
    return _utc(datetime.fromisoformat(text))


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
    except (OverflowError, ValueError):  # the last day, month or year there is
        return TimeRange(_utc(first), _LAST)
    # A midnight that a clock change skips or repeats is taken at its first instant (fold 0).
    return TimeRange(_utc(first), _utc(following) - _MICROSECOND)


def _utc(moment: datetime) -> datetime:
    """Turn an instant into UTC; one before the first or after the last there is becomes that."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return _FIRST if moment.year == 1 else _LAST


def _invalid(kind: str) -> AclfError:
    return AclfError.of(Category.INVALID, "", f"is not {DESCRIPTIONS[kind]}", "Send a valid value.")
