"""Measured values and grades against the limits of a protocol."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from aclf_fhir.evaluation import Choice, Reason, converted
from aclf_fhir.evaluation.choice import dated_facts
from aclf_fhir.record import Fact, FactKind, FactStatus
from aclf_fhir.trial.judgement import (
    DECIDED,
    Distance,
    Judgement,
    Need,
    Needs,
    Outcome,
    evidence_of,
    evidence_of_choice,
)
from aclf_fhir.trial.node import Node, of_truth, truth_of, unknown
from aclf_fhir.trial.situation import Situation
from aclf_fhir.units import Interval

__all__ = ["Grade", "Lab", "LabRatio", "LabRise", "Limits"]

# Both sides of "times the upper limit" were converted once, with 28 digits each; equality
# is judged on 20, so that 102.5 umol/L is exactly 5 x 20.5 umol/L in any unit.
_SAME_DIGITS = 20


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a number; `minimum` and `maximum` are allowed themselves."""

    minimum: Decimal | None = None
    maximum: Decimal | None = None
    above: Decimal | None = None
    below: Decimal | None = None

    def truth(self, value: Interval) -> str:
        """Say whether a number keeps all limits."""
        return truth_of(
            value,
            minimum=self.minimum,
            maximum=self.maximum,
            above=self.above,
            below=self.below,
        )

    def distance(self, value: Interval, unit: str) -> Distance | None:
        """Return how far an exact number lies from the nearest limit."""
        number = value.value
        limits = (self.minimum, self.maximum, self.above, self.below)
        given = [limit for limit in limits if limit is not None]
        if number is None or not given:
            return None
        nearest = min(given, key=lambda limit: abs(number - limit))
        return Distance(number - nearest, unit, nearest)

    def times(self, factor: Decimal) -> "Limits":
        """Return the limits multiplied by a positive number."""
        each = (self.minimum, self.maximum, self.above, self.below)
        return Limits(*(None if limit is None else _short(limit * factor) for limit in each))


def _short(value: Decimal) -> Decimal:
    return Decimal(format(value, f".{_SAME_DIGITS}g"))


def _unknown_choice(choice: Choice, situation: Situation, need: Need) -> Judgement:
    evidence = evidence_of_choice(choice, situation.rules)
    return unknown(choice.reason or Reason.NO_DATA, needs=Needs.of(need), evidence=evidence)


def _judged(
    choice: Choice,
    value: Interval,
    limits: Limits,
    situation: Situation,
    need: Need,
) -> Judgement:
    """Judge a chosen value against limits in the same unit."""
    outcome = of_truth(limits.truth(value))
    number = value.value
    details: dict[str, object] = {"concept": choice.concept}
    if number is not None:
        details["value"] = number
    decided = outcome in DECIDED
    return Judgement(
        outcome=outcome,
        reasons=() if decided else (Reason.COMPARATOR_STRADDLES,),
        evidence=evidence_of_choice(choice, situation.rules),
        distance=limits.distance(value, choice.unit),
        flags=choice.flags,
        needs=Needs.settled(outcome) if decided else Needs.of(need),
        proposal=None if decided else Outcome.MET,
        fresh_until=choice.fresh_until,
        details=details,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab(Node):
    """The newest value of an analyte against limits in the protocol's own unit.

    Parameters
    ----------
    name
        Analyte.
    unit
        UCUM unit of the limits; the value is converted to it from the value as sent.
    limits
        The limits.
    max_age
        Overrides the analyte's age limit.
    times_upper_limit
        True where the limits are multiples of the upper limit of normal, which must
        come from the same result.
    """

    name: str
    unit: str
    limits: Limits
    max_age: timedelta | None = None
    times_upper_limit: bool = False

    def references(self) -> Iterator[tuple[str, str]]:
        """Yield the analyte."""
        yield "analyte", self.name

    def look(self, situation: Situation) -> Judgement:
        """Choose, convert once, compare."""
        need = situation.need_measured(self.name)
        unit = situation.rules.analytes[self.name].unit if self.times_upper_limit else self.unit
        choice = situation.measured(self.name, unit, self.max_age)
        if choice.fact is None or not isinstance(choice.value, Interval):
            return _unknown_choice(choice, situation, need)
        if not self.times_upper_limit:
            return _judged(choice, choice.value, self.limits, situation, need)
        upper = choice.fact.reference_high
        if upper is None or upper.value is None:
            found = _unknown_choice(choice, situation, need)
            note = "The result states no upper limit of normal, and none is assumed."
            return replace(found, note=note)
        short = Interval(
            None if choice.value.low is None else _short(choice.value.low),
            None if choice.value.high is None else _short(choice.value.high),
            choice.value.low_closed,
            choice.value.high_closed,
        )
        return _judged(choice, short, self.limits.times(upper.value), situation, need)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabRise(Node):
    """The rise of an analyte per day between the newest value and one before it.

    Parameters
    ----------
    name, unit
        Analyte, and the unit of the limit.
    limits
        Limits of the rise per 24 h.
    apart_min, apart_max
        How far apart the two draws lie, both ends included. Closer pairs are noise.
    max_age
        Overrides the analyte's age limit for the newer value.
    """

    name: str
    unit: str
    limits: Limits
    apart_min: timedelta
    apart_max: timedelta
    max_age: timedelta | None = None

    def references(self) -> Iterator[tuple[str, str]]:
        """Yield the analyte."""
        yield "analyte", self.name

    def look(self, situation: Situation) -> Judgement:
        """Pair the newest value with the latest one that is far enough before it."""
        need = situation.need_measured(self.name)
        choice = situation.measured(self.name, self.unit, self.max_age)
        if choice.fact is None or not isinstance(choice.value, Interval):
            found = _unknown_choice(choice, situation, need)
            return replace(found, details={"concept": self.name, "daily_rise": None})
        earlier, reason = self._earlier(choice.fact, situation)
        details: dict[str, object] = {
            "concept": self.name,
            "value": choice.value.value,
            "daily_rise": None,
        }
        if earlier is None:
            found = unknown(reason, needs=Needs.of(need))
            evidence = evidence_of_choice(choice, situation.rules)
            return replace(found, evidence=evidence, details=details)
        rise = self._rise(earlier, choice.fact, choice.value, situation)
        outcome = of_truth(self.limits.truth(rise))
        decided = outcome in DECIDED
        if rise.value is not None:
            details["daily_rise"] = rise.value
        before = converted(earlier, self.unit, situation.rules)
        return Judgement(
            outcome=outcome,
            reasons=() if decided else (Reason.COMPARATOR_STRADDLES,),
            evidence=(
                *evidence_of_choice(choice, situation.rules),
                evidence_of(
                    earlier,
                    rules=situation.rules,
                    used=before,
                    unit=self.unit,
                    note="the earlier value of the pair",
                ),
            ),
            distance=self.limits.distance(rise, f"{self.unit}/d"),
            flags=choice.flags | earlier.flags,
            needs=Needs.settled(outcome) if decided else Needs.of(need),
            fresh_until=choice.fresh_until,
            details=details,
        )

    def _earlier(self, newest: Fact, situation: Situation) -> tuple[Fact | None, Reason]:
        """Return the latest usable value far enough before the newest one."""
        if newest.start is None or not newest.start.is_exact:
            return None, Reason.OUTSIDE_WINDOW
        drawn = newest.start.earliest
        reason = Reason.ONLY_ONE_OF_A_PAIR
        for fact in dated_facts(
            situation.record, FactKind.MEASUREMENT, self.name, until=drawn - self.apart_min
        ):
            start = fact.start
            if start is None or start.latest < drawn - self.apart_max:
                break
            if not start.is_exact:
                reason = Reason.OUTSIDE_WINDOW
            elif fact.status is FactStatus.CONFLICTING:
                return None, Reason.CONFLICTING
            elif fact.status is FactStatus.USABLE:
                return fact, reason
        return None, reason

    def _rise(self, earlier: Fact, newest: Fact, after: Interval, situation: Situation) -> Interval:
        """Return the rise per day, exact to the last digit where both values are."""
        before = converted(earlier, self.unit, situation.rules)
        seconds = _seconds(earlier, newest)

        def per_day(high: Decimal | None, low: Decimal | None) -> Decimal | None:
            if high is None or low is None:
                return None
            rate = (Fraction(high) - Fraction(low)) * 86400 / seconds
            return Decimal(rate.numerator) / Decimal(rate.denominator)

        return Interval(
            per_day(after.low, before.high),
            per_day(after.high, before.low),
            after.low_closed and before.high_closed,
            after.high_closed and before.low_closed,
        )


def _seconds(earlier: Fact, newest: Fact) -> Fraction:
    # Both are dated: `_earlier` pairs nothing else.
    first, last = (fact.start.earliest if fact.start else fact.known for fact in (earlier, newest))
    return Fraction((last - first) // timedelta(microseconds=1), 10**6)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabRatio(Node):
    """The newest value of an analyte as a multiple of its baseline.

    The baseline (ICA-AKI) is the last value before the present hospital stay, no older
    than `baseline`; without one, the first value of the stay. Without a stay on record
    there is no baseline.

    Parameters
    ----------
    name
        Analyte.
    limits
        Limits of the ratio.
    baseline
        How long before the stay a baseline may lie.
    """

    name: str
    limits: Limits
    baseline: timedelta

    def references(self) -> Iterator[tuple[str, str]]:
        """Yield the analyte."""
        yield "analyte", self.name

    def look(self, situation: Situation) -> Judgement:
        """Find the baseline and compare."""
        need = situation.need_measured(self.name)
        unit = situation.rules.analytes[self.name].unit
        choice = situation.measured(self.name, unit, None)
        if choice.fact is None or not isinstance(choice.value, Interval):
            return _unknown_choice(choice, situation, need)
        base = self._baseline(situation)
        if base is None:
            found = unknown(Reason.ONLY_ONE_OF_A_PAIR, needs=Needs.of(need))
            return replace(found, evidence=evidence_of_choice(choice, situation.rules))
        before = converted(base, unit, situation.rules)
        if before.value is None or before.value <= 0 or choice.value.value is None:
            return unknown(Reason.COMPARATOR_STRADDLES, needs=Needs.of(need))
        quotient = Fraction(choice.value.value) / Fraction(before.value)
        ratio = Interval.exact(Decimal(quotient.numerator) / Decimal(quotient.denominator))
        outcome = of_truth(self.limits.truth(ratio))
        return Judgement(
            outcome=outcome,
            evidence=(
                *evidence_of_choice(choice, situation.rules),
                evidence_of(
                    base, rules=situation.rules, used=before, unit=unit, note="the baseline"
                ),
            ),
            distance=self.limits.distance(ratio, "1"),
            flags=choice.flags | base.flags,
            needs=Needs.settled(outcome),
            fresh_until=choice.fresh_until,
            details={"concept": self.name, "ratio": ratio.value},
        )

    def _baseline(self, situation: Situation) -> Fact | None:
        stays = [
            fact
            for fact in situation.facts(FactKind.ENCOUNTER, "inpatient")
            if fact.status is FactStatus.USABLE
            and fact.start is not None
            and fact.start.latest <= situation.at
        ]
        if not stays or stays[-1].start is None:
            return None
        admitted = stays[-1].start.earliest
        first = None
        for fact in dated_facts(
            situation.record, FactKind.MEASUREMENT, self.name, until=situation.at
        ):
            if fact.status is not FactStatus.USABLE or fact.start is None:
                continue
            if fact.start.latest < admitted:
                return fact if fact.start.earliest >= admitted - self.baseline else first
            first = fact
        return first


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade(Node):
    """A grade against limits (ordinal scales) or a list of codes (nominal ones).

    Parameters
    ----------
    name
        Scale.
    limits
        Limits of an ordinal scale.
    codes
        Codes of a nominal scale that count.
    max_age
        Overrides the scale's age limit.
    """

    name: str
    limits: Limits = Limits()
    codes: frozenset[str] = frozenset()
    max_age: timedelta | None = None

    def references(self) -> Iterator[tuple[str, str]]:
        """Yield the scale."""
        yield "scale", self.name

    def look(self, situation: Situation) -> Judgement:
        """Choose and compare; a grade known only in part decides where all of it agrees."""
        need = Need("grade", self.name, "ward")
        choice = situation.graded(self.name, self.max_age)
        value = choice.value
        if choice.fact is None or value is None:
            return _unknown_choice(choice, situation, need)
        if isinstance(value, Interval):
            return _judged(choice, value, self.limits, situation, need)
        outcome = Outcome.UNKNOWN
        if value <= self.codes:
            outcome = Outcome.MET
        elif not value & self.codes:
            outcome = Outcome.NOT_MET
        decided = outcome in DECIDED
        return Judgement(
            outcome=outcome,
            reasons=() if decided else (Reason.COMPARATOR_STRADDLES,),
            evidence=evidence_of_choice(choice, situation.rules),
            flags=choice.flags,
            needs=Needs.settled(outcome) if decided else Needs.of(need),
            fresh_until=choice.fresh_until,
        )
