# ruff: noqa: E501 - bodies stand on one line, as they are sent
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.fhir import (
    format_instant,
    is_sentinel,
    parse_clock,
    parse_date,
    parse_date_time,
    parse_instant,
    parse_search_date,
)
from aclf_fhir.fhir.validation import validate
from aclf_fhir.units.times import TimeRange

BERLIN = ZoneInfo("Europe/Berlin")
SHANGHAI = ZoneInfo("Asia/Shanghai")


def span(earliest: str, latest: str) -> TimeRange:
    return TimeRange(datetime.fromisoformat(earliest), datetime.fromisoformat(latest))


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2024", UTC, span("2024-01-01T00:00:00Z", "2024-12-31T23:59:59.999999Z")),
        ("2024-03", BERLIN, span("2024-03-01T00:00:00+01:00", "2024-03-31T23:59:59.999999+02:00")),
        ("2024-12", SHANGHAI, span("2024-11-30T16:00:00Z", "2024-12-31T15:59:59.999999Z")),
        ("2024-02-29", UTC, span("2024-02-29T00:00:00Z", "2024-02-29T23:59:59.999999Z")),
        # The night that is an hour short, and the one that is an hour long.
        ("2024-03-31", BERLIN, span("2024-03-30T23:00:00Z", "2024-03-31T21:59:59.999999Z")),
        ("2024-10-27", BERLIN, span("2024-10-26T22:00:00Z", "2024-10-27T22:59:59.999999Z")),
        # A midnight that a clock change skips, and one that it repeats.
        ("2018-11-04", ZoneInfo("America/Sao_Paulo"), span("2018-11-04T03:00:00Z", "2018-11-05T01:59:59.999999Z")),
        ("2018-11-03", ZoneInfo("America/Sao_Paulo"), span("2018-11-03T03:00:00Z", "2018-11-04T02:59:59.999999Z")),
        ("2023-10-29", ZoneInfo("Atlantic/Azores"), span("2023-10-29T00:00:00Z", "2023-10-30T00:59:59.999999Z")),
    ],
)  # fmt: skip
def test_a_partial_date_is_a_range_in_its_zone(
    text: str, zone: timezone, expected: TimeRange
) -> None:
    assert parse_date(text, zone) == expected
    assert parse_date_time(text, zone) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-06-15T08:30:00+02:00", "2024-06-15T06:30:00Z"),
        ("2024-06-15T08:30:00Z", "2024-06-15T08:30:00Z"),
        ("2024-06-15T08:30:00.5-05:30", "2024-06-15T14:00:00.500000Z"),
        ("2024-06-15T08:30:00.1234567891234+00:00", "2024-06-15T08:30:00.123456Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2024-06-15T08:30:00+14:00", "2024-06-14T18:30:00Z"),
    ],
)
def test_a_full_date_time_is_exact(text: str, expected: str) -> None:
    instant = datetime.fromisoformat(expected)
    assert parse_date_time(text, BERLIN) == TimeRange.exact(instant)
    assert parse_instant(text) == instant


@pytest.mark.parametrize(
    "text",
    [
        "", "24", "2024-1", "2024-13", "2024-00", "0000", "2024-02-30", "2023-02-29", "1900-02-29",
        "2024-04-31", "2026-13-40", "2024-06-15T08:30:00", "2024-06-15T08:30Z", "2024-06-15T08Z",
        "2024-06-15T24:00:00Z", "2024-06-15T08:60:00Z", "2024-06-15T08:30:61Z", "2024-06-15 08:30:00Z",
        "2024-06-15T08:30:00+14:01", "2024-06-15T08:30:00+15:00", "2024-06-15T08:30:00+02:60",
        "2024-06-15T08:30:00+0200", "2024-06-15T08:30:00z", "2024-06-15T08:30:00.Z", "20240615",
        "2024-W01-1", "2024-06-15T08:30:00,5Z", "2024-06-15T08:30:00Z ", "\uff12\uff10\uff12\uff14", "2024-06-15T",
        "2024-06-31T08:30:60Z", "2024-06-15T08:30:00.1234567891234", "2024-06-15T08:30:00+02:00:00",
    ],
)  # fmt: skip
def test_a_bad_one_is_invalid(text: str) -> None:
    for parse in (parse_date, parse_date_time):
        with pytest.raises(AclfError) as caught:
            parse(text, UTC)
        assert caught.value.category is Category.INVALID
    with pytest.raises(AclfError):
        parse_instant(text)


def test_a_date_has_no_time_and_an_instant_has_one() -> None:
    with pytest.raises(AclfError):
        parse_date("2024-06-15T08:30:00Z", UTC)
    with pytest.raises(AclfError):
        parse_instant("2024-06-15")


FIRST = "0001-01-01T00:00:00Z"
LAST = "9999-12-31T23:59:59.999999Z"


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("9999", UTC, span("9999-01-01T00:00:00Z", LAST)),
        ("9999-12", UTC, span("9999-12-01T00:00:00Z", LAST)),
        ("9999-12-31", UTC, span("9999-12-31T00:00:00Z", LAST)),
        ("9999-12-31", timezone(timedelta(hours=-5)), span("9999-12-31T05:00:00Z", LAST)),
        ("9999-12-30", timezone(timedelta(hours=-5)), span("9999-12-30T05:00:00Z", "9999-12-31T04:59:59.999999Z")),
        ("9998", UTC, span("9998-01-01T00:00:00Z", "9998-12-31T23:59:59.999999Z")),
        ("0001", SHANGHAI, span(FIRST, "0001-12-31T15:54:16.999999Z")),
        ("0001-01-01", timezone(timedelta(hours=8)), span(FIRST, "0001-01-01T15:59:59.999999Z")),
        ("0001-01-01", UTC, span(FIRST, "0001-01-01T23:59:59.999999Z")),
    ],
)  # fmt: skip
def test_a_partial_date_ends_where_the_clock_does(
    text: str, zone: timezone, expected: TimeRange
) -> None:
    assert parse_date(text, zone) == parse_date_time(text, zone) == expected
    assert parse_search_date(text, zone) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0001-01-01T14:00:00+14:00", FIRST),
        ("0001-01-01T13:59:59+14:00", FIRST),
        ("0001-01-01T00:00:00+14:00", FIRST),
        ("9999-12-31T09:59:59-14:00", "9999-12-31T23:59:59Z"),
        ("9999-12-31T10:00:00-14:00", LAST),
        ("9999-12-31T23:59:59-14:00", LAST),
        ("9999-12-31T23:59:60Z", LAST),
        ("9999-06-30T23:59:60Z", "9999-07-01T00:00:00Z"),
    ],
)
def test_an_instant_beyond_every_clock_is_its_first_or_last(text: str, expected: str) -> None:
    instant = datetime.fromisoformat(expected)
    assert parse_instant(text) == instant
    assert parse_date_time(text, UTC) == TimeRange.exact(instant)
    body = f'''{{"resourceType":"Encounter","status":"finished","class":{{"code":"IMP"}},
        "period":{{"start":"0001-01-01T00:00:00+14:00","end":"{text}"}}}}'''
    assert validate(body.encode()) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-09", span("2024-03-08T16:00:00Z", "2024-03-09T15:59:59.999999Z")),
        ("2024-03-09T08:00", span("2024-03-09T00:00:00Z", "2024-03-09T00:00:59.999999Z")),
        ("2024-03-09T08:00Z", span("2024-03-09T08:00:00Z", "2024-03-09T08:00:59.999999Z")),
        ("2024-03-09T08:00:07", span("2024-03-09T00:00:07Z", "2024-03-09T00:00:07.999999Z")),
        ("2024-03-09T08:00:07+01:00", span("2024-03-09T07:00:07Z", "2024-03-09T07:00:07.999999Z")),
        ("2024-03-09T08:00:07.5Z", span("2024-03-09T08:00:07.5Z", "2024-03-09T08:00:07.599999Z")),
        ("2024-03-09T08:00:07.123Z", span("2024-03-09T08:00:07.123Z", "2024-03-09T08:00:07.123999Z")),
        ("2024-03-09T08:00:07.1234567Z", span("2024-03-09T08:00:07.123456Z", "2024-03-09T08:00:07.123456Z")),
        ("2016-12-31T23:59:60Z", span("2017-01-01T00:00:00Z", "2017-01-01T00:00:00.999999Z")),
        ("9999-12-31T23:59:59-14:00", span(LAST, LAST)),
        ("9999-12-31T23:59Z", span("9999-12-31T23:59:00Z", LAST)),
        ("9999-12-31T23:59:60Z", span(LAST, LAST)),
        ("0001-01-01T00:00:00+14:00", span(FIRST, "0001-01-01T00:00:00.999999Z")),
    ],
)  # fmt: skip
def test_a_date_asked_for_covers_what_its_last_digit_leaves_open(
    text: str, expected: TimeRange
) -> None:
    assert parse_search_date(text, SHANGHAI) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "junk", "2024-02-30", "2024-02-30T08:00", "2024-03-09T08", "2024-03-09T24:00", "2024-03-09T08:60",
        "2024-03-09T08:00:61Z", "2024-03-09T08:00+15:00", "2024-03-09T08:00+1:00", "2024-03-09T08:00:00.Z", "0000-01-01T00:00Z",
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for_is_invalid(text: str) -> None:
    with pytest.raises(AclfError) as caught:
        parse_search_date(text, UTC)
    assert caught.value.category is Category.INVALID


def test_a_clock_is_set_to_the_last_instant_of_a_date_that_means_one() -> None:
    assert parse_clock("2024-03", UTC) == datetime.fromisoformat("2024-03-31T23:59:59.999999Z")
    for text, sentinel in (
        ("0999-12-31", True),
        ("1000", False),
        ("8999-12-31", False),
        ("9000", True),
    ):
        assert is_sentinel(text) is sentinel
        if sentinel:
            with pytest.raises(AclfError, match="1000 to 8999"):
                parse_clock(text, UTC)


def test_an_instant_is_written_in_utc() -> None:
    moment = datetime.fromisoformat("2024-06-15T08:30:00.123999+02:00")
    assert format_instant(moment) == "2024-06-15T06:30:00.123Z"
    with pytest.raises(ValueError, match="time zone"):
        format_instant(moment.replace(tzinfo=None))


@given(
    st.datetimes(datetime.fromisoformat("0002-01-01"), datetime.fromisoformat("9998-01-01")),
    st.integers(-14 * 60, 14 * 60),
)
def test_what_is_written_reads_the_same(moment: datetime, offset: int) -> None:
    zone = timezone(timedelta(minutes=offset))
    aware = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=zone)
    assert parse_instant(format_instant(aware)) == aware
    assert parse_instant(aware.isoformat()) == aware
