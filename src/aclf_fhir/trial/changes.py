"""How a measured value has changed: its rise per day, its multiple of the baseline."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from aclf_fhir.evaluation import Reason, converted
from aclf_fhir.evaluation.choice import dated_facts
from aclf_fhir.evaluation.kidney_course import admission, in_hospital
from aclf_fhir.record import Fact, FactKind, FactStatus
from aclf_fhir.trial.judgement import (
    DECIDED,
    Judgement,
    Needs,
    Outcome,
    evidence_of,
    evidence_of_choice,
)
from aclf_fhir.trial.measured import Limits, unknown_choice
from aclf_fhir.trial.node import Node, of_truth, unknown
from aclf_fhir.trial.situation import Situation
from aclf_fhir.units import Interval

__all__ = ["LabRatio", "LabRise"]

_SAID = frozenset({FactStatus.USABLE, FactStatus.CONFLICTING})


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
            found = unknown_choice(choice, situation, need)
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
            elif fact.status in _SAID:
                return (None, Reason.CONFLICTING) if _disputed(fact, situation) else (fact, reason)
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


def _disputed(fact: Fact, situation: Situation) -> bool:
    """Say whether another value may be of the same time, or the value itself is in dispute."""
    start = fact.start
    return fact.status is FactStatus.CONFLICTING or any(
        other.status in _SAID
        and other.value != fact.value
        and other.start is not None
        and start is not None
        and other.start.earliest <= start.latest
        and start.earliest <= other.start.latest
        for other in situation.facts(fact.kind, fact.concept)
    )


def _seconds(earlier: Fact, newest: Fact) -> Fraction:
    # Both are dated: `_earlier` pairs nothing else.
    first, last = (fact.start.earliest if fact.start else fact.known for fact in (earlier, newest))
    return Fraction((last - first) // timedelta(microseconds=1), 10**6)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabRatio(Node):
    """The newest value of an analyte as a multiple of its baseline.

    The baseline (ICA-AKI) is the last value before the present hospital stay that was not
    drawn in a hospital, no older than `baseline`; without one, the first value of the stay.
    Stays that touch are one. Without a stay on record there is no baseline.

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
        base = self._baseline(situation)
        if choice.fact is None or not isinstance(choice.value, Interval):
            return unknown_choice(choice, situation, need, self._may_keep(base, situation))
        if base is None:
            found = unknown(Reason.ONLY_ONE_OF_A_PAIR, needs=Needs.of(need))
            return replace(found, evidence=evidence_of_choice(choice, situation.rules))
        if _disputed(base, situation):
            found = unknown(Reason.CONFLICTING, needs=Needs.of(need), proposal=Outcome.MET)
            disputed = evidence_of(base, rules=situation.rules, note="the baseline, in dispute")
            evidence = (*evidence_of_choice(choice, situation.rules), disputed)
            return replace(found, evidence=evidence)
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

    def _may_keep(self, base: Fact | None, situation: Situation) -> Callable[[Fact], bool]:
        """Return what says whether a result may keep the limits; without a baseline any may."""

        def may_keep(fact: Fact) -> bool:
            unit = situation.rules.analytes[self.name].unit
            value = converted(fact, unit, situation.rules).value
            before = None if base is None else converted(base, unit, situation.rules).value
            if value is None or before is None or before <= 0:
                return True
            quotient = Fraction(value) / Fraction(before)
            ratio = Interval.exact(Decimal(quotient.numerator) / Decimal(quotient.denominator))
            return self.limits.truth(ratio) != "false"

        return may_keep

    def _baseline(self, situation: Situation) -> Fact | None:
        record, at = situation.record, situation.at
        admitted = admission(record, at)
        if admitted is None:
            return None
        inside = in_hospital(record, at)
        first = None
        for fact in dated_facts(record, FactKind.MEASUREMENT, self.name, until=at):
            if fact.status not in _SAID or fact.start is None:
                continue
            if fact.start.latest >= admitted:
                first = fact
            elif fact.start.earliest < admitted - self.baseline:
                break
            elif not inside(fact.start.latest):
                return fact
        return first
