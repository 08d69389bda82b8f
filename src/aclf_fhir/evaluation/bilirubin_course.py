"""Bilirubin over time: its rise per day, its limit of normal, its answer to treatment."""

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from aclf_fhir.errors import AclfError
from aclf_fhir.evaluation.choice import Choice, Window, choose, converted, dated_facts
from aclf_fhir.evaluation.reasons import Reason
from aclf_fhir.evaluation.rules import EvaluationRules
from aclf_fhir.evaluation.supports import last_sign
from aclf_fhir.record import Fact, FactKind, FactStatus, Record
from aclf_fhir.units import Interval

__all__ = ["choose_daily_rise", "choose_day_seven", "choose_upper_limit", "treatment_start"]

_CONCEPT = "bilirubin_total"
_UNIT = "umol/L"
_TREATMENT = "corticosteroid"

# More digits than a laboratory prints, fewer than a factor leaves.
_PRINTED = 15
_TICK = timedelta(microseconds=1)
_DAY = timedelta(days=1) // _TICK


def _missing(name: str, unit: str, reason: Reason, why: str, *facts: Fact) -> Choice:
    return Choice(
        input=name,
        concept=_CONCEPT,
        unit=unit,
        why=why,
        reason=reason,
        passed_over=tuple((fact, str(reason)) for fact in facts),
    )


def choose_upper_limit(bilirubin: Choice, rules: EvaluationRules, *, name: str) -> Choice:
    """Choose the upper limit of normal that the very result states; none is assumed."""
    fact = bilirubin.fact
    if fact is None:
        return _missing(name, _UNIT, bilirubin.reason or Reason.NO_DATA, "no bilirubin")
    if fact.reference_high is None:
        why = "the result states no upper limit of normal"
        return _missing(name, _UNIT, Reason.NO_DATA, why)
    analyte = rules.analytes[_CONCEPT]
    limit = analyte.units.convert(fact.reference_high, analyte.unit, _UNIT)
    return Choice(
        input=name,
        concept=_CONCEPT,
        fact=fact,
        value=Interval(
            _as_printed(limit.low), _as_printed(limit.high), limit.low_closed, limit.high_closed
        ),
        unit=_UNIT,
        age=bilirubin.age,
        why="stated by the same result",
        flags=fact.flags,
        fresh_until=bilirubin.fresh_until,
    )


def _as_printed(end: Decimal | None) -> Decimal | None:
    """Undo what the way through the canonical unit added after the last printed digit."""
    return None if end is None else Decimal(format(end, f".{_PRINTED}g"))


def choose_daily_rise(
    record: Record, rules: EvaluationRules, bilirubin: Choice, *, at: datetime, name: str
) -> Choice:
    """Choose the rise per day from the latest value that lies far enough before the newest."""
    unit = "umol/L/d"
    newest = bilirubin.fact
    if newest is None or newest.start is None or not isinstance(bilirubin.value, Interval):
        return _missing(name, unit, bilirubin.reason or Reason.NO_DATA, "no bilirubin")
    drawn = newest.start.earliest
    if not newest.start.is_exact:
        return _missing(name, unit, Reason.OUTSIDE_WINDOW, "drawn at an unknown instant", newest)
    for fact in dated_facts(
        record, FactKind.MEASUREMENT, _CONCEPT, until=drawn - rules.rise_apart_min
    ):
        start = fact.start
        if start is None or start.latest < drawn - rules.rise_apart_max:
            break
        if fact.status is FactStatus.CONFLICTING:
            return _missing(name, unit, Reason.CONFLICTING, Reason.CONFLICTING, fact)
        if fact.status is FactStatus.USABLE and start.is_exact:
            try:
                before = converted(fact, _UNIT, rules)
            except AclfError:
                continue
            value = _per_day(bilirubin.value, before, drawn - start.earliest)
            return Choice(
                input=name,
                concept=_CONCEPT,
                fact=newest,
                value=value,
                unit=unit,
                age=at - drawn,
                why="newest value and the latest one far enough before it",
                reason=None if value.is_exact else Reason.COMPARATOR_STRADDLES,
                also=(fact,),
                flags=newest.flags | fact.flags,
                fresh_until=bilirubin.fresh_until,
            )
    return _missing(name, unit, Reason.ONLY_ONE_OF_A_PAIR, "no earlier value to compare with")


def _per_day(after: Interval, before: Interval, apart: timedelta) -> Interval:
    """Return the rise per 24 h, exact to the last digit where both values are."""

    def rate(high: Decimal | None, low: Decimal | None) -> Decimal | None:
        if high is None or low is None:
            return None
        found = (Fraction(high) - Fraction(low)) * _DAY / ticks
        return Decimal(found.numerator) / Decimal(found.denominator)

    ticks = apart // _TICK
    return Interval(
        rate(after.low, before.high),
        rate(after.high, before.low),
        after.low_closed and before.high_closed,
        after.high_closed and before.low_closed,
    )


def treatment_start(record: Record, rules: EvaluationRules, *, at: datetime) -> datetime | None:
    """Return when the last course of corticosteroids began; an order is no dose."""
    began: datetime | None = None
    for fact in dated_facts(record, FactKind.MEDICATION, _TREATMENT, until=at):
        if (
            fact.status is not FactStatus.USABLE
            or not fact.qualifiers & {"administered", "reported"}
            or fact.start is None
        ):
            continue
        last = last_sign(fact)
        if began is not None and last is not None and last + rules.treatment_gap < began:
            break
        began = fact.start.latest if began is None else min(began, fact.start.latest)
    return began


def choose_day_seven(
    record: Record, rules: EvaluationRules, began: datetime | None, *, at: datetime, name: str
) -> Choice:
    """Choose the bilirubin nearest to the seventh day of corticosteroids."""
    if began is None:
        return _missing(name, _UNIT, Reason.NO_DATA, "no corticosteroid on record")
    target = began + rules.response_day
    first = target - rules.response_tolerance
    if first > at:
        return _missing(name, _UNIT, Reason.OUTSIDE_WINDOW, "the seventh day has not come")
    return choose(
        record,
        FactKind.MEASUREMENT,
        _CONCEPT,
        rules=rules,
        unit=_UNIT,
        name=name,
        at=at,
        window=Window(first, min(target + rules.response_tolerance, at), target),
    )
