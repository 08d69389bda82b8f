"""Scores against the limits of a protocol, at one instant and over two."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from itertools import chain

from aclf_fhir.evaluation import Choice, Reason, ScoreEvaluation, at_draws
from aclf_fhir.scores import SCORES
from aclf_fhir.scores.result import ScoreResult
from aclf_fhir.trial.judgement import (
    DECIDED,
    Evidence,
    Judgement,
    Need,
    Needs,
    Outcome,
    each_once,
    evidence_of_choice,
    number_text,
)
from aclf_fhir.trial.measured import Limits
from aclf_fhir.trial.node import Node, of_truth, unknown
from aclf_fhir.trial.periods import Period
from aclf_fhir.trial.situation import Situation, awaiting
from aclf_fhir.units import Interval

__all__ = ["ScoreCourse", "ScoreLimit"]


def _result_text(result: ScoreResult) -> str:
    """Write a score's result in a few characters."""
    if result.rounded is not None:
        return number_text(result.rounded)
    if result.category is not None:
        return result.category
    if result.possible:
        return " or ".join(result.possible)
    bounds = result.rounded_bounds
    if bounds is not None and bounds.low is not None and bounds.high is not None:
        return f"{number_text(bounds.low)} to {number_text(bounds.high)}"
    return result.reason or ""


def _score_evidence(evaluation: ScoreEvaluation, situation: Situation) -> tuple[Evidence, ...]:
    result = evaluation.result
    own = Evidence(
        concept=evaluation.score,
        used=_result_text(result),
        unit=SCORES[evaluation.score].unit,
        flags=result.flags,
        note=f"computed, version {result.version}",
    )
    inputs = each_once(
        evidence
        for choice in evaluation.choices
        for evidence in evidence_of_choice(choice, situation.rules)
    )
    return (own, *inputs)


def _need_of(choice: Choice, situation: Situation) -> Need:
    """Return what would make an incomplete choice complete."""
    concept = choice.concept
    if concept in situation.rules.analytes:
        return situation.need_measured(concept)
    if concept in {"birth_date", "sex"}:
        return Need("demographic", concept, "registration")
    kind = "grade" if concept in situation.rules.scales or not choice.unit else "measurement"
    item = situation.rules.support_items.get(concept)
    if item is not None and item in situation.items:
        return situation.need_item(item)
    return Need(kind, concept, "ward")


def _overtaken(evaluation: ScoreEvaluation) -> list[Choice]:
    """Return the inputs that a newer result on the work list leaves open."""
    return [
        waiting
        for choice in evaluation.choices
        if choice.fact is not None and (waiting := awaiting(choice)).fact is None
    ]


def _open(evaluation: ScoreEvaluation) -> list[Choice]:
    """Return the choices that leave the score open; of alternatives, those that matter."""
    waiting = _overtaken(evaluation)
    if waiting:
        return waiting
    missing = set(evaluation.result.missing)
    found = [
        choice
        for choice in evaluation.choices
        if choice.input in missing or (choice.reason is not None and choice.value is not None)
    ]
    if "respiratory_ratio" in missing:
        found.extend(choice for choice in evaluation.choices if choice.input == "fio2")
    return found


def _unknown_score(evaluation: ScoreEvaluation, situation: Situation) -> Judgement:
    result = evaluation.result
    open_ = _open(evaluation)
    needs = Needs.of(*{_need_of(choice, situation) for choice in open_})
    reasons = [reason for choice in open_ if (reason := awaiting(choice).reason) is not None]
    if not reasons:
        reasons = [Reason.COMPARATOR_STRADDLES if result.status != "error" else Reason.NO_DATA]
    found = unknown(*dict.fromkeys(reasons), needs=needs)
    waiting = (evidence_of_choice(choice, situation.rules) for choice in _overtaken(evaluation))
    return replace(
        found,
        evidence=(*_score_evidence(evaluation, situation), *chain.from_iterable(waiting)),
        flags=frozenset(result.flags),
        fresh_until=evaluation.fresh_until,
        details={"concept": evaluation.score},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreLimit(Node):
    """A score against limits, or its category against a list.

    Parameters
    ----------
    name
        Score.
    limits
        Limits of a numeric score.
    categories
        Categories that count.
    rounded
        True where the score as reported (rounded) is compared, not the raw number.
    max_span
        How far apart the inputs may lie; decisive where it is set.
    """

    name: str
    limits: Limits | None = None
    categories: frozenset[str] = frozenset()
    rounded: bool = True
    max_span: timedelta | None = None

    def references(self) -> Iterator[tuple[str, str]]:
        """Yield the score."""
        yield "score", self.name

    def look(self, situation: Situation) -> Judgement:
        """Evaluate and compare; bounds and possible categories decide where all agree."""
        evaluation = situation.scored(self.name, self.max_span)
        if evaluation.result.status == "error" or _overtaken(evaluation):
            return _unknown_score(evaluation, situation)
        found = (
            self._by_category(evaluation, situation)
            if self.limits is None
            else self._by_number(evaluation, situation, self.limits)
        )
        if evaluation.span_exceeded and found.outcome in DECIDED:
            needs = Needs.of(
                *(situation.need_measured(f.concept) for f in evaluation.facts if f.sent)
            )
            note = "The inputs lie further apart than the protocol allows."
            reasons = (Reason.OUTSIDE_WINDOW,)
            return replace(found, outcome=Outcome.UNKNOWN, reasons=reasons, needs=needs, note=note)
        return found

    def _by_category(self, evaluation: ScoreEvaluation, situation: Situation) -> Judgement:
        result = evaluation.result
        possible = set(result.possible) or ({result.category} if result.category else set())
        outcome = Outcome.UNKNOWN
        if possible and possible <= self.categories:
            outcome = Outcome.MET
        elif possible and not possible & self.categories:
            outcome = Outcome.NOT_MET
        details: dict[str, object] = {"concept": self.name, "value": _result_text(result)}
        if outcome is Outcome.UNKNOWN:
            return replace(_unknown_score(evaluation, situation), details=details)
        strict = result.details.get("without_terlipressin")
        flags = frozenset(result.flags)
        if isinstance(strict, str) and (strict in self.categories) is not (outcome is Outcome.MET):
            flags |= {"terlipressin_decides"}
        if len(possible) > 1:
            flags |= {"grade_range"}
        return Judgement(
            outcome=outcome,
            evidence=_score_evidence(evaluation, situation),
            flags=flags,
            needs=Needs.settled(outcome),
            fresh_until=evaluation.fresh_until,
            details=details,
        )

    def _by_number(
        self, evaluation: ScoreEvaluation, situation: Situation, limits: Limits
    ) -> Judgement:
        result = evaluation.result
        raw, shown = result.bounds, result.rounded_bounds
        if isinstance(result.value, Decimal):
            raw = Interval.exact(result.value)
        if result.rounded is not None:
            shown = Interval.exact(result.rounded)
        compared = shown if self.rounded else raw
        # Even where every value of a missing input leads to one side: measure it first.
        if compared is None or raw is None or result.missing:
            return _unknown_score(evaluation, situation)
        outcome = of_truth(limits.truth(compared))
        sensitive = self.rounded and of_truth(limits.truth(raw)) is not outcome
        details: dict[str, object] = {
            **result.details,
            "concept": self.name,
            "value": result.value,
            "rounded": result.rounded,
            "rounding_sensitive": sensitive,
        }
        if outcome is Outcome.UNKNOWN:
            return replace(_unknown_score(evaluation, situation), details=details)
        flags = frozenset(result.flags)
        return Judgement(
            outcome=outcome,
            evidence=_score_evidence(evaluation, situation),
            distance=limits.distance(compared, SCORES[self.name].unit),
            flags=flags | {"rounding_sensitive"} if sensitive else flags,
            needs=Needs.settled(outcome),
            fresh_until=evaluation.fresh_until,
            details=details,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreCourse(Node):
    """A low grade that gets better under treatment: two snapshots of a graded score.

    The first snapshot is the last draw of the first day inside the look-back on which
    every possible grade is a real one; the second is the instant judged, at least
    `apart` later. A grade that comes back after a day that was certainly without one
    is a new episode, which begins anew.

    =============  ===========  ==================================================
    First          Now          Result
    =============  ===========  ==================================================
    any            higher       not met
    higher         low or none  not met, flagged `improving`
    low            none         met
    low            low          a measure improved: unknown, proposed as met;
                                nothing improved: not met
    none on file   low or none  unknown
    =============  ===========  ==================================================

    Parameters
    ----------
    name
        Score.
    low
        Categories of the low grade.
    none
        Categories that mean none.
    apart
        Least time between the snapshots.
    within
        How far back the first snapshot may lie.
    improvement
        Fall of an input, in its own unit, that counts as better.
    """

    name: str
    low: frozenset[str]
    none: frozenset[str]
    apart: timedelta
    within: Period
    improvement: Mapping[str, Decimal]

    def references(self) -> Iterator[tuple[str, str]]:
        """Yield the score."""
        yield "score", self.name

    def look(self, situation: Situation) -> Judgement:
        """Compare the first snapshot with the one at the instant judged."""
        now = situation.scored(self.name)
        current = self._possible(now)
        if not current or _overtaken(now):
            return _unknown_score(now, situation)
        if not current & (self.low | self.none):
            return self._decided(Outcome.NOT_MET, situation, now)
        first = self._first(situation, current)
        if first is None:
            found = unknown(
                Reason.ONLY_ONE_OF_A_PAIR,
                note="No earlier snapshot with a grade.",
            )
            return replace(found, evidence=_score_evidence(now, situation))
        before = self._possible(first)
        if not before & self.low:
            found = self._decided(Outcome.NOT_MET, situation, first, now)
            return replace(found, flags=found.flags | {"improving"})
        if before <= self.low and current <= self.none:
            return self._decided(Outcome.MET, situation, first, now)
        if before <= self.low and current <= self.low:
            better = self._better(first, now)
            if not better:
                return self._decided(Outcome.NOT_MET, situation, first, now)
            note = f"Better than at the first snapshot: {', '.join(better)}."
            found = unknown(
                Reason.DEFINITION_OPEN, Reason.NEEDS_ATTESTATION, proposal=Outcome.MET, note=note
            )
            evidence = self._evidence(situation, first, now)
            return replace(found, evidence=evidence)
        found = _unknown_score(now, situation)
        return replace(found, evidence=self._evidence(situation, first, now))

    def _possible(self, evaluation: ScoreEvaluation) -> frozenset[str]:
        result = evaluation.result
        if result.possible:
            return frozenset(result.possible)
        return frozenset({result.category} if result.category is not None else ())

    def _first(self, situation: Situation, current: frozenset[str]) -> ScoreEvaluation | None:
        """Return the first snapshot of this episode at which there certainly was a grade."""
        zone, at = situation.rules.zone, situation.at
        since = self.within.before(at, zone)
        first: ScoreEvaluation | None = None
        over = False
        for point in at_draws(
            situation.record, self.name, situation.rules, since=since, until=at - self.apart
        ):
            possible = self._possible(point)
            if possible and possible <= self.none:
                over = True
            elif possible and not possible & self.none and (first is None or over):
                first, over = point, False
        # After its end, only a patient who is still without a grade belongs to it.
        return None if over and not current <= self.none else first

    def _better(self, first: ScoreEvaluation, now: ScoreEvaluation) -> list[str]:
        """Return the inputs that fell by what counts, and the organs that recovered."""
        better: list[str] = []
        earlier = {choice.input: choice.value for choice in first.choices}
        for choice in now.choices:
            fall = self.improvement.get(choice.input)
            was, value = earlier.get(choice.input), choice.value
            if fall is None or not isinstance(was, Interval) or not isinstance(value, Interval):
                continue
            # Any fall that is possible raises the question.
            if was.high is None or value.low is None or was.high - value.low >= fall:
                better.append(choice.input)
        failed, still = (self._failing(each) for each in (first, now))
        return better + sorted(failed - still)

    def _failing(self, evaluation: ScoreEvaluation) -> set[str]:
        organs = evaluation.result.details.get("organ_failures")
        return {str(organ) for organ in organs} if isinstance(organs, list | tuple) else set()

    def _evidence(
        self, situation: Situation, *evaluations: ScoreEvaluation
    ) -> tuple[Evidence, ...]:
        return each_once(e for each in evaluations for e in _score_evidence(each, situation))

    def _decided(
        self, outcome: Outcome, situation: Situation, *evaluations: ScoreEvaluation
    ) -> Judgement:
        return Judgement(
            outcome=outcome,
            evidence=self._evidence(situation, *evaluations),
            flags=frozenset(evaluations[-1].result.flags),
            needs=Needs.settled(outcome),
            fresh_until=evaluations[-1].fresh_until,
        )
