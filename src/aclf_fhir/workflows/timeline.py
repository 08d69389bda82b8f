"""A subject's scores over time, prepared for a picture: values, bounds, gaps, grades, limits.

Nothing here draws. A gap is a time for which no value is claimed: where a result could not
be computed, and from the instant at which an input had become too old to be used.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal

from aclf_fhir.evaluation import EvaluationRules, ScoreEvaluation, score_course
from aclf_fhir.record import Record
from aclf_fhir.scores import SCORES, Score
from aclf_fhir.trial import Protocol
from aclf_fhir.trial.scored import ScoreLimit
from aclf_fhir.units import Interval

__all__ = ["ACLF_GRADE", "Band", "Curve", "Point", "Span", "Threshold", "Timeline", "timeline_of"]

ACLF_GRADE = "easl_clif_aclf_grade"
"""The score whose grades stand above all curves."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A value at which something changes, and what."""

    value: Decimal
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One result of a numeric score, as reported (rounded).

    Parameters
    ----------
    at
        T of the result.
    values
        The number, its bounds, or None where there is neither.
    joined
        Whether a line may lead here from the point before: both are exact, and the
        earlier one held until then.
    """

    at: datetime
    values: Interval | None
    joined: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One numeric score over time, with the limits that apply to it."""

    score: str
    title: str
    points: tuple[Point, ...]
    thresholds: tuple[Threshold, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A time for which a grade holds, or for which several remain possible.

    Parameters
    ----------
    start, end
        From the result to the next one, or to the instant its inputs are too old.
    grades
        What is possible, mildest first; one if it is certain.
    ranks
        Where the mildest and the worst of them stand among the grades of the score,
        from 0 to 1.
    """

    start: datetime
    end: datetime
    grades: tuple[str, ...]
    ranks: tuple[float, float]

    @property
    def label(self) -> str:
        """What to write on it."""
        if len(self.grades) == 1:
            return self.grades[0]
        return f"{self.grades[0]}–{self.grades[-1]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """One graded score over time."""

    score: str
    title: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Everything a picture of a subject's scores shows.

    Parameters
    ----------
    subject
        Logical id of the Patient; a name is not part of a record.
    zone
        Whose clock the time axis shows.
    as_of, known_at
        T and K of the record.
    bands, curves
        Graded and numeric scores that have a result.
    without
        Titles of scores that were asked for and have none.
    """

    subject: str
    zone: tzinfo
    as_of: datetime
    known_at: datetime
    bands: tuple[Band, ...]
    curves: tuple[Curve, ...]
    without: tuple[str, ...]

    @property
    def extent(self) -> tuple[datetime, datetime] | None:
        """From the first result to the end of the last; None without any."""
        starts = [point.at for curve in self.curves for point in curve.points]
        starts += [span.start for band in self.bands for span in band.spans]
        ends = [span.end for band in self.bands for span in band.spans]
        return (min(starts), max([*starts, *ends])) if starts else None


def timeline_of(
    record: Record,
    scores: Sequence[str],
    *,
    rules: EvaluationRules,
    protocols: Mapping[str, Protocol],
) -> Timeline:
    """Prepare the picture of a record.

    Parameters
    ----------
    record
        The subject's facts, for T with the knowledge up to K.
    scores
        Keys of `SCORES`, in the order to be shown; the grade of ACLF comes first.
    rules
        How facts are chosen, and the zone of the site.
    protocols
        Their limits on a score become thresholds.
    """
    wanted = dict.fromkeys((ACLF_GRADE, *scores))
    course = score_course(record, wanted, rules)
    bands, curves, without = [], [], []
    for score_id in wanted:
        score, evaluations = SCORES[score_id], course[score_id]
        if points := tuple(_points(evaluations)):
            thresholds = (*_own_limits(score), *_trial_limits(score_id, protocols))
            curves.append(
                Curve(score=score_id, title=score.title, points=points, thresholds=thresholds)
            )
        elif spans := tuple(_spans(score, evaluations, record.as_of)):
            bands.append(Band(score=score_id, title=score.title, spans=spans))
        else:
            without.append(score.title)
    return Timeline(
        subject=record.subject,
        zone=rules.zone,
        as_of=record.as_of,
        known_at=record.known_at,
        bands=tuple(bands),
        curves=tuple(curves),
        without=tuple(without),
    )


def _points(evaluations: Sequence[ScoreEvaluation]) -> Iterator[Point]:
    """Yield every result of a numeric score; nothing if it never had a number."""
    values = [_values(evaluation) for evaluation in evaluations]
    if not any(values):
        return
    until: datetime | None = None
    held = False
    for evaluation, found in zip(evaluations, values, strict=True):
        exact = found is not None and found.is_exact
        fresh = until is None or evaluation.at <= until
        yield Point(at=evaluation.at, values=found, joined=held and exact and fresh)
        held, until = exact, evaluation.fresh_until


def _values(evaluation: ScoreEvaluation) -> Interval | None:
    result = evaluation.result
    if result.rounded is not None:
        return Interval.exact(result.rounded)
    return result.rounded_bounds


def _spans(score: Score, evaluations: Sequence[ScoreEvaluation], as_of: datetime) -> Iterator[Span]:
    """Yield for how long each grade holds; equal neighbors that touch are one span."""
    grades = [_grades(evaluation) for evaluation in evaluations]
    order = _order(score, grades)
    previous: Span | None = None
    for index, (evaluation, possible) in enumerate(zip(evaluations, grades, strict=True)):
        following = evaluations[index + 1].at if index + 1 < len(evaluations) else as_of
        end = min(following, evaluation.fresh_until or following)
        if not possible:
            continue
        listed = tuple(sorted(possible, key=order.index))
        most = max(len(order) - 1, 1)
        ranks = order.index(listed[0]) / most, order.index(listed[-1]) / most
        span = Span(start=evaluation.at, end=end, grades=listed, ranks=ranks)
        if previous is not None:
            if (previous.end, previous.grades) == (span.start, span.grades):
                span = Span(start=previous.start, end=end, grades=listed, ranks=ranks)
            else:
                yield previous
        previous = span
    if previous is not None:
        yield previous


def _grades(evaluation: ScoreEvaluation) -> tuple[str, ...]:
    result = evaluation.result
    if isinstance(result.value, bool):
        return ("yes" if result.value else "no",)
    return result.possible or ((result.category,) if result.category else ())


def _order(score: Score, seen: Iterable[Iterable[str]]) -> list[str]:
    """Return the grades of a score, mildest first; those without an order by their names."""
    found = {grade for grades in seen for grade in grades}
    if score.id == ACLF_GRADE:
        found |= {"none", "1a", "1b", "2", "3a", "3b"}
    if score.order:
        return list(score.order)
    return sorted(found, key=lambda grade: (grade not in ("none", "no"), grade))


def _own_limits(score: Score) -> Iterator[Threshold]:
    """Yield where each category but the lowest begins."""
    for band in score.bands:
        if band.values.low is not None:
            sign = "≥" if band.values.low_closed else ">"
            label = f"{band.label}: {sign} {band.values.low}"
            yield Threshold(band.values.low, label)


def _trial_limits(score_id: str, protocols: Mapping[str, Protocol]) -> Iterator[Threshold]:
    """Yield the limits that criteria set on a score."""
    for protocol in protocols.values():
        for criterion in protocol.criteria:
            for node in criterion.nodes():
                if isinstance(node, ScoreLimit) and node.name == score_id and node.limits:
                    limits = node.limits
                    for sign, limit in (
                        ("≥", limits.minimum),
                        (">", limits.above),
                        ("≤", limits.maximum),
                        ("<", limits.below),
                    ):
                        if limit is not None:
                            label = f"{protocol.id} {criterion.id}: {sign} {limit}"
                            yield Threshold(limit, label)
