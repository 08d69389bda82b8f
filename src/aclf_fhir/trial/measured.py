"""Measured values and grades against the limits of a protocol."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from aclf_fhir.evaluation import Choice, Reason, converted
from aclf_fhir.record import Fact, FactKind
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
from aclf_fhir.trial.node import Node, of_truth, told_at, truth_of, unknown
from aclf_fhir.trial.situation import Situation
from aclf_fhir.units import Interval

__all__ = ["Grade", "Lab", "Limits", "unknown_choice"]

# Both sides of "times the upper limit" were converted once, with 28 digits each; equality
# is judged on 20, so that 102.5 umol/L is exactly 5 x 20.5 umol/L in any unit.
_SAME_DIGITS = 20

_UNSETTLED = frozenset(
    {Reason.CONFLICTING, Reason.PRELIMINARY, Reason.OUTSIDE_WINDOW, Reason.NO_DATA}
)
"""Why a result was passed over that may yet prove to be the newest."""


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


def unknown_choice(
    choice: Choice,
    situation: Situation,
    need: Need,
    may_keep: Callable[[Fact], bool] = lambda _: False,
) -> Judgement:
    """Return the unknown of an empty choice.

    It proposes met where a result that could not be taken may keep the limits, so that an
    answer given before that result is asked again; a held one may be anything.
    """
    rivals = [fact for fact, why in choice.passed_over if why in _UNSETTLED]
    proposed = any(
        "held" in fact.flags if fact.value is None else may_keep(fact) for fact in rivals
    )
    return unknown(
        choice.reason or Reason.NO_DATA,
        needs=Needs.of(need),
        proposal=Outcome.MET if proposed else None,
        evidence=evidence_of_choice(choice, situation.rules),
    )


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
            return unknown_choice(choice, situation, need, self._may_keep(situation))
        if not self.times_upper_limit:
            return _judged(choice, choice.value, self.limits, situation, need)
        upper = choice.fact.reference_high
        if upper is None or upper.value is None:
            found = unknown_choice(choice, situation, need)
            note = "The result states no upper limit of normal, and none is assumed."
            return replace(found, note=note)
        short = Interval(
            None if choice.value.low is None else _short(choice.value.low),
            None if choice.value.high is None else _short(choice.value.high),
            choice.value.low_closed,
            choice.value.high_closed,
        )
        return _judged(choice, short, self.limits.times(upper.value), situation, need)

    def _may_keep(self, situation: Situation) -> Callable[[Fact], bool]:
        """Return what says whether a result may keep the limits; multiples are never known."""

        def may_keep(fact: Fact) -> bool:
            if self.times_upper_limit:
                return True
            value = converted(fact, self.unit, situation.rules)
            return self.limits.truth(value) != "false"

        return may_keep


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
    doubted_by
        Findings (encephalopathy) that leave an older grade open.
    """

    name: str
    limits: Limits = Limits()
    codes: frozenset[str] = frozenset()
    max_age: timedelta | None = None
    doubted_by: tuple[str, ...] = ()

    def references(self) -> Iterator[tuple[str, str]]:
        """Yield the scale and the findings."""
        yield "scale", self.name
        for name in self.doubted_by:
            yield FactKind.FINDING, name

    def look(self, situation: Situation) -> Judgement:
        """Choose and compare, unless a newer finding contradicts the grade."""
        judged = self._graded(situation)
        graded = judged.evidence[0].fact if judged.outcome in DECIDED else None
        if graded is None or graded.kind is not FactKind.GRADE:
            return judged
        doubts = list(self._doubts(graded, situation))
        if not doubts:
            return judged
        return unknown(
            Reason.CONFLICTING,
            needs=Needs.of(Need("grade", self.name, "ward")),
            note="A code on file is newer than the grade.",
            evidence=(*judged.evidence, *(evidence_of(f, rules=situation.rules) for f in doubts)),
        )

    def _doubts(self, graded: Fact, situation: Situation) -> Iterator[Fact]:
        """Yield the findings of now, provisional ones too, that are no older than a grade."""
        for name in self.doubted_by:
            for fact in situation.facts(FactKind.FINDING, name):
                if fact.value == frozenset({"absent"}) or fact.qualifiers & {"refuted", "history"}:
                    continue
                over = fact.end is not None and fact.end.latest < situation.at
                if not over and graded.start and told_at(fact) >= graded.start.earliest:
                    yield fact

    def _graded(self, situation: Situation) -> Judgement:
        """Compare; a grade known only in part decides where all of it agrees."""
        need = Need("grade", self.name, "ward")
        choice = situation.graded(self.name, self.max_age)
        value = choice.value
        if choice.fact is None or value is None:
            return unknown_choice(choice, situation, need, self._may_keep)
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

    def _may_keep(self, fact: Fact) -> bool:
        if isinstance(fact.value, Interval):
            return self.limits.truth(fact.value) != "false"
        return isinstance(fact.value, frozenset) and bool(fact.value & self.codes)
