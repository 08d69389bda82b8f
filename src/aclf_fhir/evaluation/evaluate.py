"""A score from a record: which facts were chosen, how far apart they lie, what came out."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from aclf_fhir.evaluation.bilirubin_course import (
    choose_daily_rise,
    choose_day_seven,
    choose_upper_limit,
    treatment_start,
)
from aclf_fhir.evaluation.choice import Choice
from aclf_fhir.evaluation.findings import choose_days_to_decompensation
from aclf_fhir.evaluation.kidney_course import (
    admission,
    choose_ica_baseline,
    choose_kdigo_baseline,
    choose_rise,
    creatinine_course,
    plain_course,
)
from aclf_fhir.evaluation.rules import EvaluationRules
from aclf_fhir.evaluation.score_evaluation import ScoreEvaluation
from aclf_fhir.evaluation.snapshot import Filled, Snapshot
from aclf_fhir.evaluation.supplied import choose_supplied
from aclf_fhir.evaluation.supports import speaks_of_renal_replacement
from aclf_fhir.record import FactKind, Record
from aclf_fhir.scores import SCORES, Score, ScoreResult, compute
from aclf_fhir.scores.definition import ScoreInput, ScoreValue
from aclf_fhir.scores.kidney_injury import exact_ica_stages
from aclf_fhir.units import Interval, TimeRange

__all__ = ["ScoreEvaluation", "evaluate", "evaluate_at"]

_ICA = ("ica_baseline",)
_YES, _NO = frozenset({"yes"}), frozenset({"no"})

# Scores of a treatment: what is measured now belongs to its seventh day, all else to its first.
_OF_TREATMENT = frozenset(
    score.id
    for score in SCORES.values()
    if any(declared.name == "bilirubin_day7" for declared in score.inputs)
)

_MEASURED = (FactKind.MEASUREMENT, FactKind.GRADE)

# What lies further back by its nature does not count in the span of the inputs.
_LONGER = frozenset({"course", "supplied"})


class _Wanted(NamedTuple):
    """An input as a score asks for it, and the key under which a snapshot keeps the answer.

    Scores that ask for the same thing in the same unit, under the same name, share it.
    """

    declared: ScoreInput
    key: tuple[str, ...]
    counts: bool


def _wanted(score: Score) -> tuple[_Wanted, ...]:
    return tuple(
        _Wanted(
            each,
            (
                each.kind,
                each.concept,
                each.name,
                each.unit,
                "recorded" if each.recorded_only else "",
                score.id if each.kind == "course" else "",
            ),
            each.kind not in _LONGER,
        )
        for each in score.inputs
    )


_WANTED = {score.id: _wanted(score) for score in SCORES.values()}


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
    wanted = _WANTED[score_id]
    if score_id in _OF_TREATMENT:
        filled = _over_treatment(snapshot, wanted, score_id)
    else:
        filled = [_filled(snapshot, each, score_id) for each in wanted]
    result = compute(score_id, {choice.input: choice.value for choice, _ in filled})
    flags: set[str] = set()
    fresh_until = None
    measured: list[TimeRange] = []
    for (choice, times), each in zip(filled, wanted, strict=True):
        if choice.flags:
            flags |= choice.flags
        until = choice.fresh_until
        if until is not None and (fresh_until is None or until < fresh_until):
            fresh_until = until
        if each.counts:
            measured += times
    span = _span(measured)
    if span is not None and span > snapshot.rules.span_flag:
        flags.add("span_over_24_h")
    if not flags.issubset(result.flags):
        result = result.noted(tuple(sorted(flags.union(result.flags))))
    return ScoreEvaluation(
        score=score_id,
        result=result,
        choices=tuple([choice for choice, _ in filled]),
        span=span,
        span_exceeded=False,
        at=snapshot.at,
        fresh_until=fresh_until,
    )


def _filled(snapshot: Snapshot, wanted: _Wanted, score_id: str) -> Filled:
    """Return what fills an input, chosen the first time a score asks for it."""
    filled = snapshot.filled.get(wanted.key)
    if filled is None:
        choice = _fill(snapshot, wanted.declared, score_id)
        filled = snapshot.filled[wanted.key] = choice, _measured(choice)
    return filled


def _measured(choice: Choice) -> tuple[TimeRange, ...]:
    """Return when what was measured or graded for a choice was."""
    return tuple(
        [fact.start for fact in choice.facts if fact.kind in _MEASURED and fact.start is not None]
    )


def _fill(snapshot: Snapshot, declared: ScoreInput, score_id: str) -> Choice:
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
    elif kind == "finding":
        choice = (
            _aclf_present(snapshot, declared)
            if concept in SCORES
            else snapshot.finding(concept, name)
        )
    elif kind == "course":
        choice = _COURSES[name](snapshot, declared, score_id)
    elif kind == "supplied":
        choice = _supplied(snapshot, declared)
    else:
        choice = snapshot.support("dialysis" if name == "dialysis" else concept, name)
    if declared.recorded_only and choice.value != _YES:
        # Only a record counts: that there is none is no gap.
        choice = replace(choice, value=None, reason=None)
    return choice if choice.input == name else replace(choice, input=name)


def _supplied(snapshot: Snapshot, declared: ScoreInput) -> Choice:
    """Fill an input with what the result, the laboratory or a person supplies."""
    record, rules, at = snapshot.record, snapshot.rules, snapshot.at
    if declared.name == "bilirubin_uln":
        bilirubin = snapshot.analyte(declared.concept, declared.unit, "bilirubin")
        return choose_upper_limit(bilirubin, rules, name=declared.name)
    if declared.values:
        return snapshot.finding(declared.concept, declared.name)
    return choose_supplied(
        record, declared.concept, rules, at=at, name=declared.name, unit=declared.unit
    )


def _over_treatment(snapshot: Snapshot, wanted: Iterable[_Wanted], score_id: str) -> list[Filled]:
    """Fill a score that sets the seventh day of a treatment against its first."""
    record, rules, at = snapshot.record, snapshot.rules, snapshot.at
    began = treatment_start(record, rules, at=at)
    first = snapshot if began is None else Snapshot(record, rules, began)
    found: list[Filled] = []
    for each in wanted:
        if each.declared.kind == "course":
            choice = choose_day_seven(record, rules, began, at=at, name=each.declared.name)
            filled = choice, _measured(choice)
        else:
            filled = _filled(first, each, score_id)
        if began is not None:
            filled = replace(filled[0], fresh_until=None), filled[1]
        found.append(filled)
    return found


def _baseline(snapshot: Snapshot, declared: ScoreInput, score_id: str) -> Choice:
    at, course = snapshot.at, snapshot.creatinines
    if score_id.startswith("kdigo"):
        creatinine = snapshot.analyte("creatinine", declared.unit, "creatinine")
        return choose_kdigo_baseline(course, creatinine, at=at, name=declared.name)
    return snapshot.once(
        _ICA, lambda: choose_ica_baseline(snapshot.record, course, at=at, name=declared.name)
    )


def _rise(snapshot: Snapshot, declared: ScoreInput, _: str) -> Choice:
    creatinine = snapshot.analyte("creatinine", declared.unit, "creatinine")
    return choose_rise(snapshot.creatinines, creatinine, at=snapshot.at, name=declared.name)


def _daily_rise(snapshot: Snapshot, declared: ScoreInput, _: str) -> Choice:
    bilirubin = snapshot.analyte(declared.concept, "umol/L", "bilirubin")
    return choose_daily_rise(
        snapshot.record, snapshot.rules, bilirubin, at=snapshot.at, name=declared.name
    )


def _days(snapshot: Snapshot, declared: ScoreInput, _: str) -> Choice:
    return choose_days_to_decompensation(
        snapshot.record, snapshot.rules, at=snapshot.at, name=declared.name
    )


def _stage_now(snapshot: Snapshot, declared: ScoreInput, _: str) -> Choice:
    inner = evaluate_at(snapshot, declared.concept)
    return _from_score(inner, declared, _possible(inner.result) or None)


def _worst_stage(snapshot: Snapshot, declared: ScoreInput, _: str) -> Choice:
    """Fill an input with the worst stage since admission, judged at every creatinine."""
    order = declared.values
    now = evaluate_at(snapshot, declared.concept)
    worst = _possible(now.result)
    admitted = admission(snapshot.record, snapshot.at)
    if admitted is None:
        return _from_score(now, declared, worst or None)
    stages = {
        exact_ica_stages(inputs) or _possible(compute(declared.concept, inputs)) or frozenset(order)
        for inputs in _staged(snapshot, now, admitted)
    }
    for stage in stages:
        worst = frozenset(max(one, other, key=order.index) for one in worst for other in stage)
    return _from_score(now, declared, worst or None)


def _staged(
    snapshot: Snapshot, now: ScoreEvaluation, admitted: datetime
) -> Iterator[dict[str, ScoreValue]]:
    """Yield what a stage is computed from, at every creatinine since admission."""
    record, rules, at = snapshot.record, snapshot.rules, snapshot.at
    # One stay has one baseline.
    baseline = next(choice for choice in now.choices if choice.input == "baseline")
    plain = None
    if not speaks_of_renal_replacement(record, rules):
        plain = plain_course(record, snapshot.creatinines, since=admitted)
    if plain is not None:
        inputs = {choice.input: choice.value for choice in now.choices}
        for creatinine, increase in plain:
            yield {**inputs, "creatinine": creatinine, "increase_48h": increase}
        return
    for drawn in creatinine_course(record, rules, until=at, since=admitted):
        then = snapshot.earlier(drawn.at.latest)
        then.once(_ICA, lambda: baseline)
        yield {each.name: _fill(then, each, now.score).value for each in SCORES[now.score].inputs}


def _possible(result: ScoreResult) -> frozenset[str]:
    return frozenset(result.possible or ((result.category,) if result.category else ()))


_COURSES: Mapping[str, Callable[[Snapshot, ScoreInput, str], Choice]] = {
    "baseline": _baseline,
    "bilirubin_rise": _daily_rise,
    "days_from_jaundice_to_decompensation": _days,
    "increase_48h": _rise,
    "stage": _stage_now,
    "worst_stage": _worst_stage,
}
"""How inputs of kind `course` are filled; `bilirubin_day7` by `_over_treatment`."""


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


def _span(times: Sequence[TimeRange]) -> timedelta | None:
    """Return the time between the oldest and the newest measured or graded input."""
    if len(times) < 2:
        return None
    return max([time.latest for time in times]) - min([time.earliest for time in times])
