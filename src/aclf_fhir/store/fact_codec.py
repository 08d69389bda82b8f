"""Facts as bytes: compact, and exactly the same fact when read back.

The columns of the fact table hold subject, kind, concept and the two clocks; the
rest is one JSON array. Decimals keep their digits (`1.20` stays `1.20`), datetimes
become UTC.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import assert_never

import msgspec

from aclf_fhir.record import Fact, FactKind, FactStatus, SentValue, SourceVersion, Value
from aclf_fhir.units import Interval, TimeRange

__all__ = ["decode_fact", "encode_fact"]


class _Interval(msgspec.Struct, array_like=True, tag="i", frozen=True):
    low: Decimal | None
    high: Decimal | None
    low_closed: bool
    high_closed: bool


class _Codes(msgspec.Struct, array_like=True, tag="c", frozen=True):
    codes: tuple[str, ...]


class _Times(msgspec.Struct, array_like=True, tag="t", frozen=True):
    earliest: datetime
    latest: datetime


class _Sent(msgspec.Struct, array_like=True, frozen=True):
    text: str
    unit: str
    ucum: str
    low: Decimal | None
    high: Decimal | None
    low_closed: bool
    high_closed: bool


class _Content(msgspec.Struct, array_like=True, frozen=True):
    type: str
    id: str
    version: int
    path: str
    status: FactStatus
    value: _Interval | _Codes | _Times | None = None
    unit: str = ""
    start: _Times | None = None
    sent: _Sent | None = None
    codes: tuple[str, ...] = ()
    qualifiers: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    reference_high: _Interval | None = None
    recorded: datetime | None = None
    end: _Times | None = None
    context: tuple[tuple[str, str], ...] = ()


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Content).decode


def _from_interval(interval: Interval | None) -> _Interval | None:
    if interval is None:
        return None
    return _Interval(interval.low, interval.high, interval.low_closed, interval.high_closed)


def _to_interval(interval: _Interval | None) -> Interval | None:
    if interval is None:
        return None
    return Interval(interval.low, interval.high, interval.low_closed, interval.high_closed)


def _from_times(times: TimeRange | None) -> _Times | None:
    if times is None:
        return None
    return _Times(times.earliest.astimezone(UTC), times.latest.astimezone(UTC))


def _to_times(times: _Times | None) -> TimeRange | None:
    return None if times is None else TimeRange(times.earliest, times.latest)


def _from_sent(sent: SentValue | None) -> _Sent | None:
    if sent is None:
        return None
    value = sent.value
    return _Sent(
        sent.text,
        sent.unit,
        sent.ucum,
        value.low,
        value.high,
        value.low_closed,
        value.high_closed,
    )


def _to_sent(sent: _Sent | None) -> SentValue | None:
    if sent is None:
        return None
    value = Interval(sent.low, sent.high, sent.low_closed, sent.high_closed)
    return SentValue(sent.text, sent.unit, value, sent.ucum)


def _from_value(value: Value) -> _Interval | _Codes | _Times | None:
    match value:
        case None:
            return None
        case Interval():
            return _from_interval(value)
        case TimeRange():
            return _from_times(value)
        case frozenset():
            return _Codes(tuple(sorted(value)))
        case _:
            assert_never(value)


def _to_value(value: _Interval | _Codes | _Times | None) -> Value:
    match value:
        case None:
            return None
        case _Interval():
            return _to_interval(value)
        case _Times():
            return _to_times(value)
        case _Codes():
            return frozenset(value.codes)
        case _:
            assert_never(value)


def encode_fact(fact: Fact) -> bytes:
    """Return everything of a fact but its subject, kind, concept and known time.

    Equal bytes mean the same statement from the same resource version.
    """
    source = fact.source
    return _encode(
        _Content(
            type=source.type,
            id=source.id,
            version=source.version,
            path=source.path,
            status=fact.status,
            value=_from_value(fact.value),
            unit=fact.unit,
            start=_from_times(fact.start),
            sent=_from_sent(fact.sent),
            codes=fact.codes,
            qualifiers=tuple(sorted(fact.qualifiers)),
            flags=tuple(sorted(fact.flags)),
            reference_high=_from_interval(fact.reference_high),
            recorded=fact.recorded and fact.recorded.astimezone(UTC),
            end=_from_times(fact.end),
            context=fact.context,
        )
    )


def decode_fact(content: bytes, *, subject: str, kind: str, concept: str, known: datetime) -> Fact:
    """Return the fact whose `encode_fact` gave `content`."""
    read = _decode(content)
    return Fact(
        subject=subject,
        kind=FactKind(kind),
        concept=concept,
        value=_to_value(read.value),
        source=SourceVersion(read.type, read.id, read.version, read.path),
        known=known,
        unit=read.unit,
        start=_to_times(read.start),
        end=_to_times(read.end),
        recorded=read.recorded,
        status=read.status,
        qualifiers=frozenset(read.qualifiers),
        flags=frozenset(read.flags),
        codes=read.codes,
        sent=_to_sent(read.sent),
        reference_high=_to_interval(read.reference_high),
        context=read.context,
    )
