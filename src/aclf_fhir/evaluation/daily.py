"""The worst of each day: of an analyte, a grade or a score.

A day is a calendar day of the site, from midnight up to but not including the next one: 23
or 25 hours where the clocks change. The first and the last day are cut at `since` and
`until`, both included. What cannot be placed on one day counts for none, and is shown.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from typing import TypeVar

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
    "body_weight", "hcg_quantitative", "pt_control", "respiratory_ratio",
    "vasopressor_indication", "ventilation_reason",
})  # fmt: skip
"""No value of these is worse than another (`respiratory_ratio` is one of two ratios)."""

_ORDERS: Mapping[str, tuple[str, ...]] = {"ascites": ASCITES.values}
_REFUSALS: Mapping[str, Callable[[Fact], str]] = {
    "creatinine": around_dialysis,
    "pao2": not_arterial,
}
_TRUTHS = ("no", "yes")
_T = TypeVar("_T")


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
    days = list(_days(concept_or_score, rules, since, until))
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
