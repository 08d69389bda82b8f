"""Facts as a test states them: what, how much, how long before T."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import count
from typing import Any

from aclf_fhir.catalog import load_catalog
from aclf_fhir.evaluation import EvaluationRules
from aclf_fhir.record import Fact, FactKind, FactStatus, Record, SentValue, SourceVersion
from aclf_fhir.units import Interval, TimeRange

T = datetime(2024, 3, 15, 12, tzinfo=UTC)
_NUMBERS = count(1)


@cache
def rules(*feeds: str, **changes: Any) -> EvaluationRules:
    catalog = load_catalog()
    return EvaluationRules(
        analytes=catalog.analytes,
        scales=catalog.scales,
        complete_feeds=frozenset(feeds),
        **changes,
    )


def ago(hours: float = 1, *, until: float | None = None) -> TimeRange:
    latest = hours if until is None else until
    return TimeRange(T - timedelta(hours=hours), T - timedelta(hours=latest))


def fact(kind: FactKind, concept: str, value: Any, hours: float | None = 1, **rest: Any) -> Fact:
    number = next(_NUMBERS)
    if hours is not None:
        rest.setdefault("start", ago(hours))
    return Fact(
        subject="p",
        kind=kind,
        concept=concept,
        value=frozenset({value}) if isinstance(value, str) else value,
        known=rest.pop("known", T),
        source=SourceVersion("Observation", f"f{number:06}", 1),
        **rest,
    )


def measured(concept: str, text: str, hours: float = 1, **rest: Any) -> Fact:
    """`measured("bilirubin_total", "<205.2 umol/L")`."""
    number, _, unit = text.partition(" ")
    comparator = "".join(sign for sign in number if sign in "<>=")
    value = Decimal(number.removeprefix(comparator))
    interval = Interval.from_comparator(comparator, value) if comparator else Interval.exact(value)
    table = rules().analytes[concept].units
    return fact(
        FactKind.MEASUREMENT,
        concept,
        table.convert(interval, unit, table.canonical),
        hours,
        unit=table.canonical,
        sent=SentValue(number, unit, interval, unit),
        **rest,
    )


def graded(concept: str, value: int | str, hours: float = 1, **rest: Any) -> Fact:
    grade = Interval.exact(Decimal(value)) if isinstance(value, int) else value
    return fact(FactKind.GRADE, concept, grade, hours, **rest)


def done(concept: str, hours: float = 1, *, lasted: float | None = None, **rest: Any) -> Fact:
    qualifiers = rest.pop("qualifiers", frozenset({"completed"}))
    value = rest.pop("value", "done")
    if lasted is not None:
        rest["end"] = ago(hours - lasted)
    return fact(FactKind.PROCEDURE, concept, value, hours, qualifiers=qualifiers, **rest)


def given(concept: str, dose: str | None, hours: float = 1, **rest: Any) -> Fact:
    number, _, unit = (dose or "").partition(" ")
    value = Interval.exact(Decimal(number)) if dose else None
    qualifiers = rest.pop("qualifiers", frozenset({"administered"}))
    lasted = rest.pop("lasted", None)
    if lasted is not None:
        rest["end"] = ago(hours - lasted)
    return fact(
        FactKind.MEDICATION, concept, value, hours, unit=unit, qualifiers=qualifiers, **rest
    )


def found(concept: str, value: str = "present", hours: float | None = 1, **rest: Any) -> Fact:
    rest.setdefault("qualifiers", frozenset({"definite", "active"}))
    return fact(FactKind.FINDING, concept, value, hours, **rest)


def attested(item: str, value: Any, hours: float = 1, **rest: Any) -> Fact:
    return fact(FactKind.ATTESTATION, item, value, hours, **rest)


def stay(hours: float, *, lasted: float | None = None, kind: str = "inpatient") -> Fact:
    end = None if lasted is None else ago(hours - lasted)
    state = "in_progress" if lasted is None else "finished"
    return fact(FactKind.ENCOUNTER, kind, state, hours, end=end)


def record(*facts: Fact, as_of: datetime = T, known_at: datetime = T) -> Record:
    return Record.of("p", facts, as_of=as_of, known_at=known_at)


__all__ = [
    "FactStatus",
    "T",
    "ago",
    "attested",
    "done",
    "fact",
    "found",
    "given",
    "graded",
    "measured",
    "record",
    "rules",
    "stay",
]
