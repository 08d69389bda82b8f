"""What kidney injury is measured against: the course of creatinine, and stays in hospital."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import takewhile
from typing import NamedTuple

from aclf_fhir.errors import AclfError
from aclf_fhir.evaluation.choice import Choice, converted, dated_facts
from aclf_fhir.evaluation.reasons import Reason
from aclf_fhir.evaluation.rules import EvaluationRules
from aclf_fhir.record import Fact, FactKind, FactStatus, Record
from aclf_fhir.scores.kidney_injury import (
    TimedCreatinine,
    ica_baseline,
    kdigo_baseline,
    rise_in_48_hours,
    rises_in_48_hours,
)
from aclf_fhir.units import Interval, TimeRange

__all__ = [
    "Drawn",
    "admission",
    "choose_ica_baseline",
    "choose_kdigo_baseline",
    "choose_rise",
    "creatinine_course",
    "in_hospital",
    "plain_course",
]

_UNIT = "mg/dL"
_CONCEPT = "creatinine"
_NONE = Decimal(0)

# How far back anything can count; the rules themselves stand in `scores/kidney_injury.py`.
_KDIGO, _RISE = timedelta(days=7), timedelta(hours=48)
_TIMED = frozenset({"pre_dialysis", "post_dialysis"})
_NEVER_TAKEN = frozenset({FactStatus.RETRACTED, FactStatus.PRELIMINARY, FactStatus.NO_VALUE})


class Drawn(NamedTuple):
    """A creatinine in its course; without a value where it is disputed."""

    fact: Fact
    at: TimeRange
    value: Interval | None

    @property
    def low(self) -> Decimal:
        """The lowest that the value can be."""
        return _NONE if self.value is None or self.value.low is None else self.value.low


def creatinine_course(
    record: Record, rules: EvaluationRules, *, until: datetime, since: datetime | None = None
) -> list[Drawn]:
    """Return the creatinines between two instants, newest first.

    Those drawn around dialysis, the retracted, the preliminary and the empty are left
    out; a disputed one stays, without a value.
    """
    course = []
    for fact in dated_facts(record, FactKind.MEASUREMENT, _CONCEPT, until=until):
        if fact.start is None or (since is not None and fact.start.latest < since):
            break
        if fact.qualifiers & _TIMED:
            continue
        if fact.status is FactStatus.CONFLICTING:
            course.append(Drawn(fact, fact.start, None))
        elif fact.status is FactStatus.USABLE:
            try:
                course.append(Drawn(fact, fact.start, converted(fact, _UNIT, rules)))
            except AclfError:
                continue
    return course


def _since(course: Iterable[Drawn], since: datetime) -> list[Drawn]:
    """Return the part of a course, newest first, from an instant on."""
    return list(takewhile(lambda drawn: drawn.at.latest >= since, course))


def _missing(name: str, reason: Reason, why: str, facts: Iterable[Fact] = ()) -> Choice:
    return Choice(
        input=name,
        concept=_CONCEPT,
        unit=_UNIT,
        why=why,
        reason=reason,
        passed_over=tuple((fact, str(reason)) for fact in facts),
    )


def _stays(record: Record, concept: str, at: datetime) -> list[tuple[TimeRange, Fact]]:
    return [
        (fact.start, fact)
        for fact in record.of_concept(FactKind.ENCOUNTER, concept)
        if fact.status is FactStatus.USABLE and fact.start is not None and fact.start.latest <= at
    ]


def admission(record: Record, at: datetime) -> datetime | None:
    """Return when the last stay in hospital began; stays that touch are one stay."""
    began = None
    for start, fact in sorted(
        _stays(record, "inpatient", at), key=lambda stay: stay[0].earliest, reverse=True
    ):
        if began is not None and (fact.end is None or fact.end.latest < began):
            continue
        began = start.earliest
    return began


def in_hospital(record: Record, at: datetime) -> Callable[[datetime], bool]:
    """Return what says whether an instant lies in a stay or an emergency visit begun by `at`."""
    stays = [*_stays(record, "inpatient", at), *_stays(record, "emergency", at)]

    def inside(instant: datetime) -> bool:
        return any(
            start.earliest <= instant and (fact.end is None or instant <= fact.end.latest)
            for start, fact in stays
        )

    return inside


def choose_ica_baseline(
    record: Record, course: Iterable[Drawn], *, at: datetime, name: str
) -> Choice:
    """Choose the baseline as the International Club of Ascites does.

    The last outpatient value of the 90 days before admission, else the first value from
    admission on. A value is an outpatient's unless it was drawn during a stay or an
    emergency visit. Without a stay in hospital there is no baseline.
    """
    admitted = admission(record, at)
    if admitted is None:
        return _missing(name, Reason.NO_DATA, "no stay in hospital on record")
    inside = in_hospital(record, at)
    timed = {
        TimedCreatinine(drawn.at.latest, drawn.low, not inside(drawn.at.latest)): drawn
        for drawn in course
    }
    chosen = ica_baseline(timed, admission=admitted)
    if chosen is None:
        return _missing(name, Reason.NO_DATA, "no creatinine before or since admission")
    same = [drawn for each, drawn in timed.items() if each.at == chosen.at]
    if any(drawn.value is None for drawn in same) or len(same) > 1:
        return _missing(name, Reason.CONFLICTING, Reason.CONFLICTING, (each.fact for each in same))
    before = chosen.at < admitted
    why = "last outpatient value before admission" if before else "first value since admission"
    return _taken(timed[chosen], timed[chosen].value, at, name, why)


def choose_kdigo_baseline(
    course: Iterable[Drawn], creatinine: Choice, *, at: datetime, name: str
) -> Choice:
    """Choose the baseline as KDIGO allows: the lowest value of the 7 days before.

    The value to be staged is one of them, but not the only one: nothing can be said of
    a single creatinine.
    """
    staged = creatinine.fact
    if staged is None or staged.start is None:
        return _missing(name, creatinine.reason or Reason.NO_DATA, "no creatinine to be staged")
    drawn = staged.start.latest
    lately = _since(course, drawn - _KDIGO)
    week = [each for each in lately if each.at.latest <= drawn]
    others = [each for each in week if each.fact is not staged]
    if not others:
        return _missing(name, Reason.ONLY_ONE_OF_A_PAIR, "no second value within 7 days")
    if disputed := [each.fact for each in others if each.value is None]:
        return _missing(name, Reason.CONFLICTING, Reason.CONFLICTING, disputed)
    low, high = (kdigo_baseline(ends(lately), at=drawn) for ends in (_lows, _highs))
    lowest = min(week, key=_low)
    return _taken(lowest, Interval(low, high), at, name, "lowest value of 7 days")


def _lows(course: Iterable[Drawn]) -> list[TimedCreatinine]:
    """Return the lowest that each value can be, at the latest instant it can be of."""
    return [TimedCreatinine(each.at.latest, each.low) for each in course]


def _highs(course: Iterable[Drawn]) -> list[TimedCreatinine]:
    """Return the highest that each value can be, at the earliest instant it can be of."""
    return [
        TimedCreatinine(each.at.earliest, each.value.high)
        for each in course
        if each.value is not None and each.value.high is not None
    ]


def choose_rise(course: Iterable[Drawn], creatinine: Choice, *, at: datetime, name: str) -> Choice:
    """Choose how far creatinine rose from the lowest value of the 48 h before."""
    newest = creatinine.fact
    if newest is None or newest.start is None or not isinstance(creatinine.value, Interval):
        return _missing(name, creatinine.reason or Reason.NO_DATA, "no creatinine")
    drawn, now = newest.start.latest, creatinine.value
    before = [
        each
        for each in _since(course, drawn - _RISE)
        if each.fact is not newest and each.at.latest < drawn
    ]
    if not before:
        return _missing(name, Reason.ONLY_ONE_OF_A_PAIR, "no second value within 48 h")
    if disputed := [each.fact for each in before if each.value is None]:
        return _missing(name, Reason.CONFLICTING, Reason.CONFLICTING, disputed)
    lowest = min(before, key=_low)
    value = _rise(drawn, now, before)
    return _taken(lowest, value, at, name, "above the lowest value of 48 h", newest)


def _rise(drawn: datetime, now: Interval, before: Iterable[Drawn]) -> Interval:
    """Return how far a value rose above those before it."""

    def rise(end: Decimal | None, earlier: list[TimedCreatinine]) -> Decimal | None:
        if end is None:
            return None
        return rise_in_48_hours([TimedCreatinine(drawn, end), *earlier], at=drawn)

    highs, lows = _highs(before), _lows(before)
    low = rise(now.low, highs)
    same = now.low == now.high and highs == lows
    return Interval(low, low if same else rise(now.high, lows))


def plain_course(
    record: Record, course: Iterable[Drawn], *, since: datetime
) -> list[tuple[Interval, Interval | None]] | None:
    """Return each creatinine of a course with its rise, if all of them are plain.

    Plain is a course of exact values in which each has an instant of its own and none is
    disputed: at its instant each is the newest, and those before it are all there is to
    compare it with. None where anything is less certain than that.
    """
    instants: set[datetime] = set()
    for fact in record.of_concept(FactKind.MEASUREMENT, _CONCEPT):
        start = fact.start
        if start is None or fact.status in _NEVER_TAKEN or fact.qualifiers & _TIMED:
            continue
        if fact.status is FactStatus.CONFLICTING or not start.is_exact or start.latest in instants:
            return None
        instants.add(start.latest)
    lately = _since(course, since - _RISE)
    if not all(each.value is not None and each.value.is_exact for each in lately):
        return None
    values = _lows(lately)
    rises = rises_in_48_hours(values)
    return [
        (Interval.exact(each.creatinine_mg_dl), None if rise is None else Interval.exact(rise))
        for each, rise in zip(values, rises, strict=True)
        if each.at >= since
    ]


def _low(drawn: Drawn) -> Decimal:
    return drawn.low


def _taken(
    drawn: Drawn, value: Interval | None, at: datetime, name: str, why: str, *also: Fact
) -> Choice:
    return Choice(
        input=name,
        concept=_CONCEPT,
        fact=drawn.fact,
        value=value,
        unit=_UNIT,
        age=at - drawn.at.latest,
        why=why,
        reason=None if value is not None and value.is_exact else Reason.COMPARATOR_STRADDLES,
        also=also,
        flags=drawn.fact.flags,
    )
