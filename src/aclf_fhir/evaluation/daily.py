"""The worst of each day: of an analyte, a grade or a score.

A day is a calendar day of the site, from midnight up to but not including the next one: 23
or 25 hours where the clocks change. The first and the last day are cut at `since` and
`until`, both included. What cannot be placed on one day counts for none, and is shown.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce

from aclf_fhir.evaluation.oxygen import not_arterial
from aclf_fhir.evaluation.points import score_course
from aclf_fhir.evaluation.reasons import STATUS_REASONS, Reason
from aclf_fhir.evaluation.rules import EvaluationRules
from aclf_fhir.evaluation.score_evaluation import ScoreEvaluation
from aclf_fhir.evaluation.snapshot import around_dialysis
from aclf_fhir.record import Fact, FactKind, FactStatus, Record
from aclf_fhir.scores import SCORES
from aclf_fhir.scores.inputs import ASCITES
from aclf_fhir.units import Interval

__all__ = ["LOWER_IS_WORSE", "WITHOUT_WORST", "DayWorst", "daily_course"]

LOWER_IS_WORSE = frozenset({
    "albumin", "diastolic_pressure", "egfr", "fev1_fvc", "fev1_percent_predicted",
    "glasgow_coma_scale", "mean_arterial_pressure", "pao2", "pao2_fio2", "platelets",
    "prothrombin_activity", "sodium", "spo2", "systolic_pressure", "urine_output",
    "ica_aki_response", "pta_from_pt",
})  # fmt: skip
"""Concepts and scores whose lowest value is the worst; of all others it is the highest."""

WITHOUT_WORST = frozenset({
    "body_weight", "hcg_quantitative", "isi", "pt_control", "pt_mean_normal", "respiratory_ratio",
    "vasopressor_indication", "ventilation_reason",
})  # fmt: skip
"""No value of these is worse than another (`respiratory_ratio` is one of two ratios)."""

_ORDERS: Mapping[str, tuple[str, ...]] = {"ascites": ASCITES.values}
_REFUSALS: Mapping[str, Callable[[Fact], str]] = {
    "creatinine": around_dialysis,
    "pao2": not_arterial,
}
_TRUTHS = ("no", "yes")


@dataclass(frozen=True, slots=True, kw_only=True)
class DayWorst:
    """The worst value of one day.

    Parameters
    ----------
    concept
        Analyte, scale or score.
    day
        Calendar day at the site.
    start, end
        What was looked at of it: from `start`, and before `end` (up to and including
        `until` on the last day).
    value
        The worst number, or the set of categories the worst can be; an interval or a
        set of several where the values of the day leave it open. None without a value.
    unit
        Canonical unit of a measurement, the unit of a score.
    facts, evaluations
        What is the worst, or may be; the first of the day leads.
    count
        How many values the day has.
    reason
        Why there is no value, or only a range.
    passed_over
        Facts of the day that do not count, each with the reason.
    """

    concept: str
    day: date
    start: datetime
    end: datetime
    value: Interval | frozenset[str] | None = None
    unit: str = ""
    facts: tuple[Fact, ...] = ()
    evaluations: tuple[ScoreEvaluation, ...] = ()
    count: int = 0
    reason: Reason | None = None
    passed_over: tuple[tuple[Fact, str], ...] = ()


def daily_course(
    record: Record,
    concept_or_score: str,
    rules: EvaluationRules,
    *,
    since: datetime,
    until: datetime,
) -> tuple[DayWorst, ...]:
    """Return the worst value of every day, oldest first; a day without one is there, too.

    Worst is the lowest of what stands in `LOWER_IS_WORSE` and the highest of all else; of
    ascites and of graded scores the last in their order. A disputed value may be the
    worst, so it leaves the day without one. A score counts at each instant that makes a
    point (`score_course`), as reported (rounded); points that lack an input count only on
    days on which all do.

    Parameters
    ----------
    record
        The subject's facts.
    concept_or_score
        An analyte, a scale, or a key of `SCORES`.
    rules
        The site's zone, unit tables and feeds.
    since, until
        First and last instant, both included.
    """
    if concept_or_score in WITHOUT_WORST:
        message = f"no value of {concept_or_score} is worse than another"
        raise ValueError(message)
    known = concept_or_score in SCORES or concept_or_score in rules.analytes
    if not known and concept_or_score not in rules.scales:
        message = f"{concept_or_score} is no analyte, scale or score"
        raise ValueError(message)
    days = list(_days(concept_or_score, rules, since, until))
    if not days:
        return ()
    if concept_or_score in SCORES:
        return tuple(_worst_scores(record, concept_or_score, rules, days, until))
    return tuple(_worst_facts(record, concept_or_score, rules, days, until))


def _days(
    concept: str, rules: EvaluationRules, since: datetime, until: datetime
) -> Iterator[DayWorst]:
    """Yield the days, each without a value."""
    day, last = _day(since, rules), _day(until, rules)
    while day <= last:
        following = day + timedelta(days=1)
        start, end = (datetime.combine(each, time(0), rules.zone) for each in (day, following))
        yield DayWorst(
            concept=concept,
            day=day,
            start=max(start.astimezone(UTC), since),
            end=min(end.astimezone(UTC), until),
            reason=Reason.NO_DATA,
        )
        day = following


def _day(instant: datetime, rules: EvaluationRules) -> date:
    return instant.astimezone(rules.zone).date()


def _worst_facts(
    record: Record, concept: str, rules: EvaluationRules, days: Sequence[DayWorst], until: datetime
) -> Iterator[DayWorst]:
    """Yield the worst measurement or grade of each day."""
    measured = concept in rules.analytes
    kind = FactKind.MEASUREMENT if measured else FactKind.GRADE
    refuse = _REFUSALS.get(concept)
    unit = rules.analytes[concept].unit if measured else ""
    counted: dict[date, list[Fact]] = {each.day: [] for each in days}
    passed: dict[date, list[tuple[Fact, str]]] = {each.day: [] for each in days}
    for fact in record.of_concept(kind, concept):
        start = fact.start
        if start is None or start.latest < days[0].start or start.earliest > until:
            continue
        first, last = _day(start.earliest, rules), _day(start.latest, rules)
        placed = first == last and start.earliest >= days[0].start and start.latest <= until
        problem = "" if fact.status is FactStatus.USABLE else str(STATUS_REASONS[fact.status])
        if not placed:
            problem = problem or Reason.OUTSIDE_WINDOW
        elif fact.value is None:
            problem = problem or Reason.NO_DATA
        elif refuse is not None:
            problem = problem or refuse(fact)
        for each in days:
            if not first <= each.day <= last:
                continue
            if problem:
                passed[each.day].append((fact, problem))
            else:
                counted[each.day].append(fact)
    for each in days:
        found = replace(
            each,
            unit=unit,
            count=len(counted[each.day]),
            passed_over=tuple(passed[each.day]),
        )
        yield _of_facts(found, counted[each.day])


def _of_facts(found: DayWorst, facts: Sequence[Fact]) -> DayWorst:
    values = [fact.value for fact in facts]
    disputed = any(why == Reason.CONFLICTING for _, why in found.passed_over)
    if disputed or _contradictory(facts):
        return replace(found, reason=Reason.CONFLICTING)
    if not facts:
        return found
    numbers = [value for value in values if isinstance(value, Interval)]
    if len(numbers) == len(values):
        number, at = _worst_number(numbers, lower=found.concept in LOWER_IS_WORSE)
        return _with(found, number, facts=tuple(facts[place] for place in at))
    sets = [value for value in values if isinstance(value, frozenset)]
    codes, at = _worst_code(sets, _ORDERS[found.concept])
    return _with(found, codes, facts=tuple(facts[place] for place in at))


def _contradictory(facts: Iterable[Fact]) -> bool:
    """Say whether two values of one instant differ."""
    seen: dict[datetime, object] = {}
    return any(
        fact.start is not None
        and fact.start.is_exact
        and seen.setdefault(fact.start.latest, fact.value) != fact.value
        for fact in facts
    )


def _worst_scores(
    record: Record, score_id: str, rules: EvaluationRules, days: Sequence[DayWorst], until: datetime
) -> Iterator[DayWorst]:
    """Yield the worst result of each day."""
    points: dict[date, list[ScoreEvaluation]] = {}
    for point in score_course(record, [score_id], rules, since=days[0].start)[score_id]:
        if point.at <= until:
            points.setdefault(_day(point.at, rules), []).append(point)
    order = _order(score_id, points.values())
    for each in days:
        of_day = points.get(each.day, [])
        complete = [point for point in of_day if not point.result.missing]
        found = replace(each, unit=SCORES[score_id].unit, count=len(of_day))
        yield _of_scores(found, complete or of_day, order)


def _of_scores(
    found: DayWorst, points: Sequence[ScoreEvaluation], order: Sequence[str]
) -> DayWorst:
    numbers: list[tuple[ScoreEvaluation, Interval]] = []
    sets: list[tuple[ScoreEvaluation, frozenset[str]]] = []
    for point in points:
        number, codes = _reported(point), _categories(point)
        if number is not None:
            numbers.append((point, number))
        elif codes:
            sets.append((point, codes))
    if numbers:
        lower = found.concept in LOWER_IS_WORSE
        worst, at = _worst_number([number for _, number in numbers], lower=lower)
        return _with(found, worst, evaluations=tuple(numbers[place][0] for place in at))
    if sets:
        codes, at = _worst_code([each for _, each in sets], order)
        return _with(found, codes, evaluations=tuple(sets[place][0] for place in at))
    return found


def _reported(point: ScoreEvaluation) -> Interval | None:
    result = point.result
    return result.rounded_bounds if result.rounded is None else Interval.exact(result.rounded)


def _categories(point: ScoreEvaluation) -> frozenset[str]:
    result = point.result
    if isinstance(result.value, bool):
        return frozenset({_TRUTHS[result.value]})
    return frozenset(result.possible or ((result.category,) if result.category else ()))


def _order(score_id: str, days: Iterable[Iterable[ScoreEvaluation]]) -> tuple[str, ...]:
    """Return the grades of a score, best first; those without an order by their names."""
    order = SCORES[score_id].order
    if order:
        return tuple(reversed(order)) if score_id in LOWER_IS_WORSE else order
    seen = {grade for day in days for point in day for grade in _categories(point)}
    return tuple(sorted(seen, key=lambda grade: (grade not in {"none", "no"}, grade)))


def _worst_number(values: Sequence[Interval], *, lower: bool) -> tuple[Interval, list[int]]:
    """Return where the worst of some numbers lies, and which of them it may be."""
    turned = [_negated(value) for value in values] if lower else list(values)
    worst = reduce(_higher, turned)
    low = worst.low
    at = [
        place
        for place, value in enumerate(turned)
        if low is None or value.high is None or value.high >= low
    ]
    return (_negated(worst) if lower else worst), at


def _negated(value: Interval) -> Interval:
    return Interval(
        None if value.high is None else -value.high,
        None if value.low is None else -value.low,
        value.high_closed,
        value.low_closed,
    )


def _higher(one: Interval, other: Interval) -> Interval:
    """Return where the higher of two numbers lies."""
    low, low_closed = one.low, one.low_closed
    if low is None or (other.low is not None and other.low > low):
        low, low_closed = other.low, other.low_closed
    elif other.low == low:
        low_closed = low_closed and other.low_closed
    high, high_closed = one.high, one.high_closed
    if high is not None and (other.high is None or other.high > high):
        high, high_closed = other.high, other.high_closed
    elif other.high == high:
        high_closed = high_closed or other.high_closed
    return Interval(low, high, low_closed, high_closed)


def _worst_code(
    values: Sequence[frozenset[str]], order: Sequence[str]
) -> tuple[frozenset[str], list[int]]:
    """Return which codes the worst of some can be, and which of them it may be."""
    worst = reduce(
        lambda one, other: frozenset(max(a, b, key=order.index) for a in one for b in other),
        values,
    )
    return worst, [place for place, value in enumerate(values) if value & worst]


def _with(
    found: DayWorst,
    value: Interval | frozenset[str],
    *,
    facts: tuple[Fact, ...] = (),
    evaluations: tuple[ScoreEvaluation, ...] = (),
) -> DayWorst:
    certain = value.is_exact if isinstance(value, Interval) else len(value) == 1
    return replace(
        found,
        value=value,
        facts=facts,
        evaluations=evaluations,
        reason=None if certain else Reason.COMPARATOR_STRADDLES,
    )
