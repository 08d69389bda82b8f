"""At which instants a record owes a stored score."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice

from aclf_fhir.evaluation.evaluate import evaluate_at
from aclf_fhir.evaluation.rules import EvaluationRules
from aclf_fhir.evaluation.score_evaluation import ScoreEvaluation
from aclf_fhir.evaluation.snapshot import Snapshot
from aclf_fhir.evaluation.supports import silent_supports
from aclf_fhir.record import Fact, FactKind, FactStatus, Record
from aclf_fhir.scores import SCORES

__all__ = ["at_draws", "score_course", "score_points"]

_EARLIEST = datetime.min.replace(tzinfo=UTC)


# A course and a limit of normal come from the draws of their analyte.
_MEASURED = frozenset({"analyte", "course", "supplied"})


@dataclass(frozen=True, slots=True)
class _Sources:
    """What a score's inputs come from: drawn in a laboratory, or seen at the bedside."""

    drawn: frozenset[str]
    bedside: frozenset[tuple[FactKind, str]]


def _sources(score_id: str, rules: EvaluationRules) -> _Sources:
    drawn: set[str] = set()
    bedside: set[tuple[FactKind, str]] = set()
    for declared in SCORES[score_id].inputs:
        concept = declared.concept
        if declared.kind == "score" or concept in SCORES:
            inner = _sources(concept, rules)
            drawn |= inner.drawn
            bedside |= inner.bedside
        elif declared.kind in _MEASURED and concept in rules.analytes:
            if rules.analytes[concept].bedside:
                bedside.add((FactKind.MEASUREMENT, concept))
            else:
                drawn.add(concept)
        elif declared.kind == "grade":
            bedside.add((FactKind.GRADE, concept))
        elif declared.kind == "drug":
            bedside.add((FactKind.MEDICATION, concept))
        elif declared.kind == "support":
            bedside |= _support_sources(concept, rules)
        elif declared.name == "pt_prolongation":
            drawn.add("prothrombin_time")
        else:
            bedside.add((FactKind.FINDING, concept))
    return _Sources(frozenset(drawn), frozenset(bedside))


def _support_sources(concept: str, rules: EvaluationRules) -> set[tuple[FactKind, str]]:
    if concept in {"vasopressor", "other_vasopressor"}:
        drugs = rules.vasopressors if concept == "vasopressor" else rules.other_vasopressors
        return {(FactKind.MEDICATION, drug) for drug in drugs}
    if concept == "mechanical_ventilation":
        return {
            (FactKind.PROCEDURE, "mechanical_ventilation"),
            (FactKind.PROCEDURE, "intubation"),
            (FactKind.GRADE, "ventilation_reason"),
        }
    return {(FactKind.PROCEDURE, concept), (FactKind.MEDICATION, concept)}


def _instants(facts: Iterable[Fact], since: datetime, until: datetime) -> Iterator[datetime]:
    for fact in facts:
        if fact.status is not FactStatus.USABLE or fact.start is None:
            continue
        for time in (fact.start, fact.end):
            if time is not None and since <= time.latest <= until:
                yield time.latest


def _from(record: Record, kind: FactKind, concept: str, since: datetime) -> tuple[Fact, ...]:
    """Return a concept's facts from an instant on; lasting ones may have begun before."""
    group = record.of_concept(kind, concept)
    if kind is not FactKind.MEASUREMENT:
        return group
    return group[bisect_left(group, since, key=_latest) :]


def _latest(fact: Fact) -> datetime:
    return fact.start.latest if fact.start is not None else _EARLIEST


def score_course(
    record: Record,
    score_ids: Iterable[str],
    rules: EvaluationRules,
    *,
    since: datetime | None = None,
) -> dict[str, tuple[ScoreEvaluation, ...]]:
    """Evaluate each score at every instant that makes a point, oldest first.

    A point is made when one of the score's laboratory inputs was drawn. A bedside
    instant (saturation, pressure, grade, support) makes one only if it changes a
    component, seen from the instant before it; before the first draw it makes none.

    Parameters
    ----------
    record
        The subject's facts.
    score_ids
        Keys of `SCORES`.
    rules
        Age limits, unit tables, feeds.
    since
        Only points at or after this instant; they do not depend on it.
    """
    since = _EARLIEST if since is None else since
    shared: dict[datetime, Snapshot] = {}
    return {
        score_id: tuple(_course(record, score_id, rules, since, shared)) for score_id in score_ids
    }


def at_draws(
    record: Record, score_id: str, rules: EvaluationRules, *, since: datetime, until: datetime
) -> Iterator[ScoreEvaluation]:
    """Evaluate a score at the last draw of each day, oldest first, one by one.

    By the last draw of a calendar day at the site all results of the day are in.
    """
    last_of_day: dict[date, datetime] = {}
    for instant in sorted(_draws(record, _sources(score_id, rules), since)):
        if instant <= until:
            last_of_day[instant.astimezone(rules.zone).date()] = instant
    silent = silent_supports(record, rules)
    before: Snapshot | None = None
    for instant in last_of_day.values():
        snapshot = Snapshot(record, rules, instant)
        if before is not None:
            snapshot.take_supports(before, silent)
        before = snapshot
        yield evaluate_at(snapshot, score_id)


def _draws(record: Record, sources: _Sources, since: datetime) -> set[datetime]:
    return {
        instant
        for concept in sources.drawn
        for instant in _instants(
            _from(record, FactKind.MEASUREMENT, concept, since), since, record.as_of
        )
    }


def _course(
    record: Record,
    score_id: str,
    rules: EvaluationRules,
    since: datetime,
    shared: dict[datetime, Snapshot],
) -> Iterator[ScoreEvaluation]:
    sources = _sources(score_id, rules)
    first = _first_draw(record, sources)
    if first is None:
        return
    start = max(since, first)
    seen = {
        instant
        for kind, concept in sources.bedside
        for instant in _instants(_from(record, kind, concept, start), start, record.as_of)
    }
    before = _instant_before(record, sources, since, first)
    draws = _draws(record, sources, since)
    yield from _points(record, rules, score_id, draws, seen, before, shared)


def _first_draw(record: Record, sources: _Sources) -> datetime | None:
    starts: list[datetime] = []
    for concept in sources.drawn:
        group = record.of_concept(FactKind.MEASUREMENT, concept)
        starts.extend(islice(_instants(group, _EARLIEST, record.as_of), 1))
    return min(starts, default=None)


def _instant_before(
    record: Record, sources: _Sources, since: datetime, first: datetime
) -> datetime | None:
    """Return the last instant before `since` at which anything the score reads changed."""
    last = None
    pairs = {(FactKind.MEASUREMENT, concept) for concept in sources.drawn} | sources.bedside
    for kind, concept in pairs:
        group = record.of_concept(kind, concept)
        if kind is FactKind.MEASUREMENT:
            index = bisect_left(group, since, key=_latest)
            instants = _newest_before(group, index)
        else:
            instants = [i for i in _instants(group, first, since) if i < since]
        for instant in instants:
            if first <= instant and (last is None or instant > last):
                last = instant
    return last


def _newest_before(group: tuple[Fact, ...], index: int) -> list[datetime]:
    for fact in reversed(group[:index]):
        if fact.status is FactStatus.USABLE and fact.start is not None:
            return [fact.start.latest]
    return []


def _points(
    record: Record,
    rules: EvaluationRules,
    score_id: str,
    draws: set[datetime],
    seen: set[datetime],
    before: datetime | None,
    shared: dict[datetime, Snapshot],
) -> Iterator[ScoreEvaluation]:
    def at(instant: datetime) -> ScoreEvaluation:
        snapshot = shared.get(instant)
        if snapshot is None:
            snapshot = shared[instant] = Snapshot(record, rules, instant)
        return evaluate_at(snapshot, score_id)

    previous = None if before is None else at(before)
    for instant in sorted(draws | seen):
        current = at(instant)
        if instant in draws or previous is None or _changed(previous, current):
            yield current
        previous = current


def _changed(previous: ScoreEvaluation, current: ScoreEvaluation) -> bool:
    """Say whether a component, or what stands for one, differs."""
    one, other = previous.result, current.result
    return (one.components, one.category, one.possible, one.status) != (
        other.components,
        other.category,
        other.possible,
        other.status,
    )


def score_points(
    record: Record,
    score_ids: Iterable[str],
    rules: EvaluationRules,
    *,
    since: datetime | None = None,
) -> dict[str, tuple[datetime, ...]]:
    """Return the instants at which each score is owed, oldest first."""
    course = score_course(record, score_ids, rules, since=since)
    return {score: tuple(point.at for point in points) for score, points in course.items()}
