"""Worked examples: an invented patient in a clinician's words becomes a record."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from msgspec.structs import replace

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.evaluation import EvaluationRules
from aclf_fhir.evaluation.person import birthday
from aclf_fhir.record import Fact, FactKind, Record, SentValue, SourceVersion, Value
from aclf_fhir.trial.models import Example, Protocol
from aclf_fhir.trial.periods import parse_period
from aclf_fhir.units import Interval, TimeRange

__all__ = ["EXAMPLE_TIME", "facts_of", "record_of"]

EXAMPLE_TIME = datetime(2024, 3, 15, 12, tzinfo=UTC)
"""The instant at which examples are judged unless a caller says otherwise."""

_AGO = re.compile(r"(?P<value>.+?) @ (?P<ago>\d+ ?\w+) ago")
_NUMBER = re.compile(r"(?P<sign><=|>=|<|>)?(?P<number>-?\d+(?:\.\d+)?)(?: (?P<unit>\S+))?")
_SECTIONS: dict[str, FactKind] = {
    "labs": FactKind.MEASUREMENT,
    "grades": FactKind.GRADE,
    "findings": FactKind.FINDING,
    "procedures": FactKind.PROCEDURE,
    "medications": FactKind.MEDICATION,
    "attested": FactKind.ATTESTATION,
    "consent": FactKind.CONSENT,
    "studies": FactKind.PARTICIPATION,
    "stays": FactKind.ENCOUNTER,
}
_DEFAULT_AGO = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Said:
    """One statement: what, and how long before the instant judged."""

    value: str
    at: datetime
    qualifiers: frozenset[str]


def record_of(
    protocol: Protocol,
    example: Example,
    rules: EvaluationRules,
    *,
    as_of: datetime = EXAMPLE_TIME,
) -> Record:
    """Expand an example into a record.

    The notation, by section of `facts`:

    - `person`: `age: 54 a` or `born: 1970-05-02`, `sex: female` (at birth), `gender: male`,
      `died: 2024-03-01`;
    - `labs`: `bilirubin_total: 205.2 umol/L`, `<0.2 mg/dL`, with the upper limit of
      normal `12 umol/L (ULN 20.5 umol/L)`;
    - `grades`: `he_grade: 2`, `ascites: moderate`;
    - `findings`, `procedures`: `present` or `absent`, `done` or `not_done`, with
      qualifiers in brackets: `present (review)`;
    - `medications`: `0.1 ug/kg/min (administered)` or `given (reported)`;
    - `attested`: the answer; `consent`: the study and its state; `studies`, `stays`.

    Everything is true one hour before the instant judged, or `@ 26 h ago`; a list gives
    several statements of one thing.
    """
    facts = list(facts_of(protocol, example.facts, rules, as_of=as_of))
    return Record.of("example", facts, as_of=as_of, known_at=as_of)


def facts_of(
    protocol: Protocol,
    sections: Mapping[str, Mapping[str, object]],
    rules: EvaluationRules,
    *,
    as_of: datetime = EXAMPLE_TIME,
) -> Iterator[Fact]:
    """Expand facts in the examples' notation; see `record_of`."""
    for section, statements in sections.items():
        for name, stated in statements.items():
            each = stated if isinstance(stated, list) else [stated]
            for index, text in enumerate(each):
                said = _said(str(text), as_of)
                if section == "person":
                    yield _person(name, said, rules, as_of, index)
                else:
                    kind = _SECTIONS[section]
                    yield _fact(protocol, kind, name, said, rules, as_of, index)


def _said(text: str, as_of: datetime) -> _Said:
    match = _AGO.fullmatch(text)
    value, at = text, as_of - _DEFAULT_AGO
    if match is not None:
        value, at = match["value"], as_of - parse_period(match["ago"]).delta
    qualifiers: frozenset[str] = frozenset()
    if value.endswith(")") and "(ULN" not in value:
        value, _, inside = value[:-1].rpartition(" (")
        qualifiers = frozenset(inside.split(", "))
    return _Said(value, at, qualifiers)


def _base(kind: FactKind, name: str, value: Value, at: datetime, index: int) -> Fact:
    return Fact(
        subject="example",
        kind=kind,
        concept=name,
        value=value,
        start=TimeRange.exact(at),
        known=at,
        source=SourceVersion("Basic", f"{kind}-{name}-{index}".replace("_", "-"), 1),
    )


def _whole_day(day: date, rules: EvaluationRules) -> TimeRange:
    start = datetime.combine(day, time(0), rules.zone)
    return TimeRange(start, start + timedelta(days=1) - timedelta(microseconds=1))


def _person(name: str, said: _Said, rules: EvaluationRules, as_of: datetime, index: int) -> Fact:
    if name == "age":
        years = int(said.value.removesuffix(" a"))
        today = as_of.astimezone(rules.zone).date()
        value: Value = _whole_day(birthday(today, -years) - timedelta(days=1), rules)
        concept = "birth_date"
    elif name == "born":
        concept, value = "birth_date", _dates(said.value, rules)
    elif name == "died":
        concept, value = "death", _dates(said.value, rules)
    else:
        concept = {"sex": "birth_sex", "gender": "sex"}[name]
        value = frozenset({said.value})
    fact = _base(FactKind.DEMOGRAPHIC, concept, value, said.at, index)
    return replace(fact, start=None)


def _dates(text: str, rules: EvaluationRules) -> TimeRange:
    """Read a date, a month or a year as the range it is."""
    parts = [int(part) for part in text.split("-")]
    first = date(*[*parts, 1, 1][:3])
    if len(parts) == 1:
        last = date(first.year, 12, 31)
    elif len(parts) == 2:
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    else:
        last = first
    return TimeRange(_whole_day(first, rules).earliest, _whole_day(last, rules).latest)


def _fact(
    protocol: Protocol,
    kind: FactKind,
    name: str,
    said: _Said,
    rules: EvaluationRules,
    as_of: datetime,
    index: int,
) -> Fact:
    fact = replace(_base(kind, name, None, said.at, index), qualifiers=said.qualifiers)
    if kind is FactKind.MEASUREMENT:
        return _measurement(fact, said.value, rules)
    if kind is FactKind.GRADE:
        number = _NUMBER.fullmatch(said.value)
        value: Value = frozenset({said.value})
        if number is not None:
            value = Interval.exact(Decimal(number["number"]))
        return replace(fact, value=value)
    if kind is FactKind.MEDICATION:
        return replace(fact, value=_dose(said.value), unit="ug/kg/min")
    if kind is FactKind.ATTESTATION:
        context = (("study", protocol.id),)
        return replace(
            fact, value=_answer(protocol, name, said.value, rules, as_of), context=context
        )
    if kind is FactKind.CONSENT and name == "this_study":
        return replace(fact, concept=protocol.id, value=frozenset({said.value}))
    return replace(fact, value=frozenset({said.value}))


def _answer(
    protocol: Protocol, item: str, text: str, rules: EvaluationRules, as_of: datetime
) -> Value:
    type_ = protocol.items[item].type
    if type_ == "date":
        if text.endswith(" ago"):
            return TimeRange.exact(as_of - parse_period(text.removesuffix(" ago")).delta)
        return _dates(text, rules)
    number = _NUMBER.fullmatch(text)
    if type_ in {"integer", "quantity"} and number is not None:
        return Interval.exact(Decimal(number["number"]))
    return frozenset({text})


def _interval(text: str) -> tuple[Interval, str]:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise AclfError.of(
            Category.INVALID,
            "examples",
            f"{text!r} is no value",
            "write `12 mg/dL` or `<0.2 mg/dL`",
        )
    number = Decimal(match["number"])
    interval = (
        Interval.from_comparator(match["sign"], number) if match["sign"] else Interval.exact(number)
    )
    return interval, match["unit"] or ""


def _dose(text: str) -> Value:
    return None if text == "given" else _interval(text)[0]


def _measurement(fact: Fact, text: str, rules: EvaluationRules) -> Fact:
    """Read a value with its unit, and the upper limit of normal beside it."""
    main, _, limit = text.partition(" (ULN ")
    value, unit = _interval(main)
    table = rules.analytes[fact.concept].units
    ucum = table.read(unit).ucum
    high = None
    if limit:
        upper, upper_unit = _interval(limit.removesuffix(")"))
        high = table.convert(upper, upper_unit, table.canonical)
    return replace(
        fact,
        value=table.convert(value, ucum, table.canonical),
        unit=table.canonical,
        sent=SentValue(main.partition(" ")[0], unit, value, ucum),
        reference_high=high,
    )
