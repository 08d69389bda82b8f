"""A score from a record: which facts were chosen, how far apart they lie, what came out."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from aclf_fhir.evaluation.choice import Choice
from aclf_fhir.evaluation.rules import EvaluationRules
from aclf_fhir.evaluation.score_evaluation import ScoreEvaluation
from aclf_fhir.evaluation.snapshot import Snapshot
from aclf_fhir.record import FactKind, Record
from aclf_fhir.scores import SCORES, compute
from aclf_fhir.scores.definition import ScoreInput
from aclf_fhir.units import Interval

__all__ = ["ScoreEvaluation", "evaluate", "evaluate_at"]

_YES, _NO = frozenset({"yes"}), frozenset({"no"})


def evaluate(
    record: Record,
    score_id: str,
    rules: EvaluationRules,
    *,
    at: datetime | None = None,
    span_limit: timedelta | None = None,
) -> ScoreEvaluation:
    """Evaluate one score from a record.

    Parameters
    ----------
    record
        The subject's facts.
    score_id
        Key of `SCORES`.
    rules
        Age limits, unit tables, feeds.
    at
        The instant, the record's by default; never later.
    span_limit
        How far apart the inputs may lie, where a protocol says so.
    """
    return evaluate_at(Snapshot(record, rules, at), score_id, span_limit=span_limit)


def evaluate_at(
    snapshot: Snapshot, score_id: str, *, span_limit: timedelta | None = None
) -> ScoreEvaluation:
    """Evaluate one score from a snapshot that several scores share."""
    found = snapshot.scores.get(score_id)
    if found is None:
        found = snapshot.scores[score_id] = _evaluated(snapshot, score_id)
    if span_limit is None or found.span is None or found.span <= span_limit:
        return found
    return replace(found, span_exceeded=True)


def _evaluated(snapshot: Snapshot, score_id: str) -> ScoreEvaluation:
    score = SCORES[score_id]
    choices = tuple([_fill(snapshot, declared) for declared in score.inputs])
    result = compute(score_id, {choice.input: choice.value for choice in choices})
    span = _span(choices)
    flags: set[str] = set()
    fresh_until = None
    for choice in choices:
        flags |= choice.flags
        until = choice.fresh_until
        if until is not None and (fresh_until is None or until < fresh_until):
            fresh_until = until
    if span is not None and span > snapshot.rules.span_flag:
        flags.add("span_over_24_h")
    if not flags.issubset(result.flags):
        result = replace(result, flags=tuple(sorted(flags.union(result.flags))))
    return ScoreEvaluation(
        score=score_id,
        result=result,
        choices=choices,
        span=span,
        span_exceeded=False,
        at=snapshot.at,
        fresh_until=fresh_until,
    )


def _fill(snapshot: Snapshot, declared: ScoreInput) -> Choice:
    """Choose what a score's input is filled with, under the input's own name."""
    kind, concept, name = declared.kind, declared.concept, declared.name
    if kind == "analyte":
        return snapshot.analyte(concept, declared.unit, name)
    if kind == "grade":
        choice = snapshot.grade(concept)
    elif kind == "drug":
        choice = snapshot.drug(concept, name)
    elif kind == "age":
        choice = snapshot.age()
    elif kind == "sex":
        choice = snapshot.sex()
    elif kind == "score":
        choice = _of_score(snapshot, declared)
    elif kind == "finding" and concept in SCORES:
        choice = _aclf_present(snapshot, declared)
    else:
        choice = snapshot.support("dialysis" if name == "dialysis" else concept, name)
    return choice if choice.input == name else replace(choice, input=name)


def _of_score(snapshot: Snapshot, declared: ScoreInput) -> Choice:
    """Fill an input with the rounded value of another score, or its bounds."""
    inner = evaluate_at(snapshot, declared.concept)
    result = inner.result
    value = result.rounded_bounds
    if result.rounded is not None:
        value = Interval.exact(result.rounded)
    return _from_score(inner, declared, value)


def _aclf_present(snapshot: Snapshot, declared: ScoreInput) -> Choice:
    """Fill an input with whether the grade of another score can be `none`."""
    inner = evaluate_at(snapshot, declared.concept)
    result = inner.result
    grades = {result.category} if result.category is not None else set(result.possible)
    value = _YES | _NO
    if grades == {"none"}:
        value = _NO
    elif grades and "none" not in grades:
        value = _YES
    return _from_score(inner, declared, value)


def _from_score(
    inner: ScoreEvaluation, declared: ScoreInput, value: Interval | frozenset[str] | None
) -> Choice:
    reasons = [choice.reason for choice in inner.choices if choice.reason is not None]
    return Choice(
        input=declared.name,
        concept=declared.concept,
        value=value,
        unit=declared.unit,
        why=f"computed: {inner.score}",
        reason=reasons[0] if reasons and inner.result.status != "ok" else None,
        also=inner.facts,
        flags=frozenset(inner.result.flags),
        fresh_until=inner.fresh_until,
    )


def _span(choices: Iterable[Choice]) -> timedelta | None:
    """Return the time between the oldest and the newest measured or graded input."""
    measured = (FactKind.MEASUREMENT, FactKind.GRADE)
    oldest = newest = None
    count = 0
    for choice in choices:
        for fact in choice.facts:
            start = fact.start
            if start is None or fact.kind not in measured:
                continue
            count += 1
            if oldest is None or start.earliest < oldest:
                oldest = start.earliest
            if newest is None or start.latest > newest:
                newest = start.latest
    if oldest is None or newest is None or count == 1:
        return None
    return newest - oldest
