"""Which fact stands for an input at an instant, and why that one."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from aclf_fhir.errors import AclfError
from aclf_fhir.evaluation.reasons import REASONS, STATUS_REASONS, Reason
from aclf_fhir.evaluation.rules import EvaluationRules
from aclf_fhir.record import Fact, FactKind, FactStatus, Record
from aclf_fhir.units import Interval

__all__ = [
    "Choice",
    "Window",
    "choose",
    "converted",
    "dated_facts",
    "reaches_past",
    "told_by",
    "undecided_facts",
]

_MAY_DISPUTE = frozenset({FactStatus.USABLE, FactStatus.CONFLICTING})
_NOT_YET = frozenset({FactStatus.PRELIMINARY, FactStatus.NO_VALUE})
_VALUES = (Interval, frozenset)
_NO_TIME = timedelta(0)
_BEFORE_TIME = datetime.min.replace(tzinfo=UTC)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What was taken for one input, and what was passed over.

    Parameters
    ----------
    input
        Name of the score input, or of the concept where no score asked.
    concept
        Id from the catalog.
    fact
        The fact chosen, None where there is none.
    value
        In `unit`; a set of codes for scales and supports; None where missing.
    unit
        UCUM unit the value was converted to, straight from the value as sent.
    age
        From the fact's time to the instant judged; None without a fact.
    why
        The selection rule that decided, or the reason why nothing was taken.
    reason
        Why the value is missing or only known in part, None if neither.
    also
        Further facts that the value rests on (the FiO2 of a ratio, a weight).
    passed_over
        Newer or contradicting facts that were not taken, each with its reason.
    flags
        What a reader must know.
    fresh_until
        Last instant at which this choice still holds if nothing new arrives.
    """

    input: str
    concept: str
    fact: Fact | None = None
    value: Interval | frozenset[str] | None = None
    unit: str = ""
    age: timedelta | None = None
    why: str = ""
    reason: Reason | None = None
    also: tuple[Fact, ...] = ()
    passed_over: tuple[tuple[Fact, str], ...] = ()
    flags: frozenset[str] = frozenset()
    fresh_until: datetime | None = None

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Every fact that the value rests on."""
        return self.also if self.fact is None else (self.fact, *self.also)


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of time a fact must come from, both ends included.

    `target` picks the fact nearest to it instead of the newest one (visits).
    """

    start: datetime
    end: datetime
    target: datetime | None = None


def _earliest(fact: Fact) -> datetime:
    return fact.start.earliest if fact.start is not None else _BEFORE_TIME


def _latest(fact: Fact) -> datetime:
    return fact.start.latest if fact.start is not None else _BEFORE_TIME


def reaches_past(fact: Fact, at: datetime) -> bool:
    """Say whether a fact may, by its own date, have begun after an instant (`today`)."""
    return _latest(fact) > at


def told_by(fact: Fact, at: datetime) -> bool:
    """Say whether a fact whose date reaches past an instant was on file by then.

    What was told by then had begun: nothing is known before it happens.
    """
    return _earliest(fact) <= fact.known <= at


def _dated(
    record: Record, kind: FactKind, concept: str, until: datetime
) -> tuple[tuple[Fact, ...], int]:
    """Return the facts of a concept, and how many of them are dated by an instant."""
    group = record.of_concept(kind, concept)
    if not group or _latest(group[-1]) <= until:
        return group, len(group)
    return group, bisect_right(group, until, key=_latest)


def _reaching(record: Record, kind: FactKind, concept: str, until: datetime) -> list[Fact]:
    """Return the facts that may have begun by an instant, but whose date reaches past it."""
    if (kind, concept) not in record.vague:
        return []
    group, count = _dated(record, kind, concept, until)
    return [fact for fact in group[count:] if _earliest(fact) <= until]


def dated_facts(record: Record, kind: FactKind, concept: str, *, until: datetime) -> Iterator[Fact]:
    """Yield the facts that certainly began at or before an instant, newest first.

    A day or month that is not over counts if it was on file by then.
    """
    for fact in reversed(_reaching(record, kind, concept, until)):
        if told_by(fact, until):
            yield fact
    group, count = _dated(record, kind, concept, until)
    for index in range(count - 1, -1, -1):
        fact = group[index]
        if fact.start is None:
            return
        yield fact


def undecided_facts(
    record: Record, kind: FactKind, concept: str, *, until: datetime
) -> Iterator[Fact]:
    """Yield the dated facts that may have begun at or before an instant, or after it."""
    for fact in reversed(_reaching(record, kind, concept, until)):
        if not told_by(fact, until):
            yield fact


def converted(fact: Fact, unit: str, rules: EvaluationRules) -> Interval:
    """Convert a measurement from the value as sent straight to `unit`."""
    value, source = fact.value, fact.unit
    if fact.sent is not None:
        value, source = fact.sent.value, fact.sent.ucum
    if not isinstance(value, Interval):
        message = f"a measurement of {fact.concept} has no number"
        raise TypeError(message)
    if source == unit:
        return value
    return rules.analytes[fact.concept].units.convert(value, source, unit)


def choose(
    record: Record,
    kind: FactKind,
    concept: str,
    *,
    rules: EvaluationRules,
    unit: str = "",
    name: str = "",
    at: datetime | None = None,
    max_age: timedelta | None = None,
    window: Window | None = None,
    refuse: Callable[[Fact], str] = lambda _: "",
) -> Choice:
    """Choose the newest usable value at or before an instant, within its age limit.

    A newer fact in conflict, or usable ones whose order in time is not certain and
    whose values differ, leave nothing to choose: an older value never stands in for
    a newer one that is disputed. One whose day is not over counts as a rival: it may be
    the newer one. Preliminary, retracted and empty results are passed over, shown, and
    flagged where they are newer than the one taken.

    Parameters
    ----------
    record
        The subject's facts.
    kind, concept
        MEASUREMENT and an analyte, or GRADE and a scale.
    rules
        Age limits and unit tables.
    unit
        Unit wanted; "" takes the fact's own (scales).
    name
        Name of the input, the concept by default.
    at
        The instant judged, the record's by default.
    max_age
        Overrides the age limit of the catalog.
    window
        Takes the place of instant and age limit.
    refuse
        Says why a usable fact is not fit for this input, "" if it is.
    """
    at = record.as_of if at is None else at
    name = name or concept
    if not record.of_concept(kind, concept):
        return _nothing(name, concept, unit, Reason.NO_DATA, ())
    limit = rules.age_limit(concept) if max_age is None else max_age
    if window is None:
        first, last, target = at - limit, at, None
    else:
        first, last, target = window.start, window.end, window.target
    if target is None:
        plain = _plainly_newest(record, kind, concept, first, last, refuse)
        if plain is not None:
            return _taken(
                plain, [], name=name, unit=unit, rules=rules, limit=limit, at=at, target=None
            )
    candidates: list[Fact] = []
    passed: list[tuple[Fact, str]] = []
    disputed = False
    open_ = [] if target else _open(record, kind, concept, last, refuse)
    for fact in dated_facts(record, kind, concept, until=last):
        start = fact.start
        if start is None or start.latest < first:
            if not candidates and not passed:
                passed.append((fact, Reason.STALE))
            break
        if fact.status is not FactStatus.USABLE:
            problem: str = STATUS_REASONS[fact.status]
        else:
            problem = refuse(fact)
            if not problem and start.earliest < first:
                problem = Reason.STALE
        if problem == Reason.STALE and reaches_past(fact, last):
            open_.append(fact)
            continue
        if problem:
            passed.append((fact, problem))
            if problem == Reason.CONFLICTING and not candidates:
                disputed = True
                break
            continue
        candidates.append(fact)
        if target is None and _settled(candidates):
            break
    if disputed:
        return _nothing(name, concept, unit, Reason.CONFLICTING, passed)
    if not candidates:
        passed = [(fact, Reason.OUTSIDE_WINDOW) for fact in open_] + passed
        return _nothing(name, concept, unit, _explained(passed), passed)
    if target is not None:
        candidates = _nearest(candidates, target)
    best, *others = candidates
    rivals = [fact for fact in others if _overlaps(fact, best) and fact.value != best.value]
    if target is None:
        rivals += [fact for fact in open_ if fact.value != best.value]
    if rivals:
        passed = [(fact, Reason.CONFLICTING) for fact in (best, *rivals)] + passed
        return _nothing(name, concept, unit, Reason.CONFLICTING, passed)
    return _taken(
        best, passed, name=name, unit=unit, rules=rules, limit=limit, at=at, target=target
    )


def _plainly_newest(
    record: Record,
    kind: FactKind,
    concept: str,
    first: datetime,
    last: datetime,
    refuse: Callable[[Fact], str],
) -> Fact | None:
    """Return the newest fact where nothing can be said against it; None if anything might be.

    It is of its own instant, and so is the one before it, and both can be used.
    """
    if (kind, concept) in record.vague:
        return None
    group, count = _dated(record, kind, concept, last)
    if not count:
        return None
    best = group[count - 1]
    newest = _latest(best)
    if newest < first or best.status is not FactStatus.USABLE or refuse(best):
        return None
    if count > 1:
        before = group[count - 2]
        then = _latest(before)
        usable = before.status is FactStatus.USABLE and not refuse(before)
        if then >= first and (then == newest or not usable):
            return None
    return best


def _open(
    record: Record,
    kind: FactKind,
    concept: str,
    until: datetime,
    refuse: Callable[[Fact], str],
) -> list[Fact]:
    """Return what could be used if it were certain to have been drawn by an instant."""
    return [
        fact
        for fact in undecided_facts(record, kind, concept, until=until)
        if fact.status in _MAY_DISPUTE and not refuse(fact)
    ]


def _newer_unusable(best: Fact, passed: list[tuple[Fact, str]]) -> bool:
    """Say whether a result newer than the one taken exists but cannot be used."""
    return any(fact.status in _NOT_YET and _latest(fact) > _latest(best) for fact, _ in passed)


def _explained(passed: list[tuple[Fact, str]]) -> Reason:
    """Name the reason by the newest fact that was passed over."""
    first = passed[0][1] if passed else ""
    return Reason(first) if first in REASONS else Reason.NO_DATA


def _overlaps(one: Fact, other: Fact) -> bool:
    """Say whether it is uncertain which of two dated facts came first."""
    return _earliest(one) <= _latest(other) and _earliest(other) <= _latest(one)


def _settled(candidates: list[Fact]) -> bool:
    """Say whether an older fact can no longer dispute the newest one."""
    return len(candidates) > 1 and not _overlaps(candidates[0], candidates[-1])


def _nearest(candidates: list[Fact], target: datetime) -> list[Fact]:
    """Put the fact nearest to `target` first; of two as near, the later one."""
    return sorted(candidates, key=lambda fact: abs(_latest(fact) - target))


def _nothing(
    name: str, concept: str, unit: str, reason: Reason, passed: Iterable[tuple[Fact, str]]
) -> Choice:
    return Choice(
        input=name,
        concept=concept,
        unit=unit,
        why=reason,
        reason=reason,
        passed_over=tuple(passed),
    )


def _taken(
    fact: Fact,
    passed: list[tuple[Fact, str]],
    *,
    name: str,
    unit: str,
    rules: EvaluationRules,
    limit: timedelta,
    at: datetime,
    target: datetime | None,
) -> Choice:
    """Return the choice of `fact`, its value converted from the value as sent."""
    value, concept = fact.value, fact.concept
    if fact.kind is FactKind.MEASUREMENT and unit:
        try:
            value = converted(fact, unit, rules)
        except AclfError:
            reason = Reason.UNIT_NOT_CONVERTIBLE
            return _nothing(name, concept, unit, reason, [(fact, str(reason)), *passed])
    if not isinstance(value, _VALUES):
        return _nothing(name, concept, unit, Reason.NO_DATA, [(fact, "no-data"), *passed])
    start, flags = fact.start, fact.flags
    if passed and target is None and _newer_unusable(fact, passed):
        flags |= {"newer_result_not_usable"}
    return Choice(
        input=name,
        concept=concept,
        fact=fact,
        value=value,
        unit=unit or fact.unit,
        age=None if start is None else max(at - start.latest, _NO_TIME),
        why="newest within the age limit" if target is None else "nearest to the visit",
        passed_over=tuple(passed),
        flags=flags,
        fresh_until=None if start is None or target else start.earliest + limit,
    )
