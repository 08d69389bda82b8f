"""Evaluation: a marked subject's facts become scores, verdicts and outcomes, published.

One evaluation reads one snapshot (K is its watermark), derives everything the mark can
have changed, and writes it in one transaction together with its Provenance; where
nothing changed, nothing is written. Evaluations of one gateway run one after the other.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aclf_fhir.evaluation import ScoreEvaluation, score_course
from aclf_fhir.publication import (
    Derived,
    EvaluationReason,
    provenance,
    research_subject_id,
    score_observations,
    with_status,
)
from aclf_fhir.record import Fact, FactStatus, Record, SourceVersion
from aclf_fhir.store import (
    Mark,
    Reader,
    SearchQuery,
    Sort,
    StatusClause,
    SubjectClause,
    TokenClause,
    TokenValue,
    Transaction,
)
from aclf_fhir.workflows.gateway import Gateway, rule_versions
from aclf_fhir.workflows.publishing import pages, put_derived
from aclf_fhir.workflows.reports import STUDY, publish_report
from aclf_fhir.workflows.reviewing import Reviewed, review, review_tasks
from aclf_fhir.workflows.settling import BEGINNING, REPLAYED
from aclf_fhir.workflows.trial_publishing import publish_trial, score_time
from aclf_fhir.workflows.verdicts import PRODUCT, Judged, judge

__all__ = ["ensure_evaluated", "evaluate_marked", "last_instant"]

_PAGE = 500
_LOOKED_AT = 500
"""Marks among which those to work on are chosen."""
_WAIT_S = 5.0
_MOMENT = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evaluation:
    """What one evaluation derived, before any of it is compared with what is stored."""

    mark: Mark
    subject: str
    since: datetime
    as_of: datetime
    known_at: datetime
    course: Mapping[str, tuple[ScoreEvaluation, ...]]
    judged: tuple[Judged, ...]
    reviewed: tuple[Reviewed, ...]


def evaluate_marked(
    gateway: Gateway,
    *,
    limit: int,
    ripe: Callable[[Sequence[Mark], datetime], Iterable[Mark]] = lambda marks, _now: marks,
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Evaluate marked subjects.

    Parameters
    ----------
    limit
        How many at most.
    ripe
        Chooses, from the marks there are and the present, those not to be left alone
        for now: where more is likely to follow, a burst is evaluated once.
    stopping
        Asked before each subject; True ends early.

    Returns
    -------
    int
        How many were evaluated.
    """
    now = gateway.clock()
    with gateway.store.read() as reader:
        marks = reader.marks(max(limit, _LOOKED_AT), now)
    done = 0
    for mark in ripe(marks, now):
        if done == limit or stopping():
            break
        _evaluate(gateway, mark)
        done += 1
    return done


def ensure_evaluated(
    gateway: Gateway, subjects: Sequence[str] | None, *, wait_s: float = _WAIT_S
) -> int:
    """Bring derived data up to date before they are read.

    Parameters
    ----------
    subjects
        Whose data are read; None for everybody's, which waits for the marks that
        stood on arrival, but no longer than `wait_s`.

    Returns
    -------
    int
        How many subjects were still marked when the wait ended.
    """
    if subjects is not None:
        for subject in subjects:
            with gateway.store.read() as reader:
                mark = reader.mark_of(gateway.site, subject, gateway.clock())
            if mark is not None:
                _evaluate(gateway, mark)
        return 0
    deadline = time.monotonic() + wait_s
    with gateway.store.read() as reader:
        arrived = reader.watermark()
    while True:
        with gateway.store.read() as reader:
            now = gateway.clock()
            pending = reader.pending(gateway.site, due_before=now, marked_by=arrived)
            marks = reader.marks(1, now) if pending else []
        if not marks or time.monotonic() > deadline:
            return pending
        _evaluate(gateway, marks[0])


def last_instant(facts: Iterable[Fact], now: datetime) -> datetime:
    """Return the newest instant a subject's usable facts speak of, `now` if none does.

    The giving of a study's product does not count: it would move what the trial zone shows.
    """
    times = [
        fact.start.latest
        for fact in facts
        if fact.start is not None
        and fact.status is FactStatus.USABLE
        and fact.concept != PRODUCT
        and fact.start.latest <= now
    ]
    return max(times, default=now)


def _evaluate(gateway: Gateway, mark: Mark) -> None:
    """Evaluate one mark; marks of a study stand for its pooled report."""
    with gateway.evaluating:
        while not _evaluated(gateway, mark):
            pass  # a person moved the subject meanwhile, which people do not do for ever


def _evaluated(gateway: Gateway, mark: Mark) -> bool:
    """Evaluate one mark; return False if that has to be done again."""
    with gateway.store.read() as reader:
        current = reader.mark_of(mark.site, mark.subject) if mark.due is None else mark
        if current is None:
            return True  # somebody else was here first
        if mark.subject.startswith(STUDY):
            publish_report(gateway, reader, current)
            return True
        evaluation = _derive(gateway, reader, current)
    return gateway.store.write(lambda tx: _publish(tx, gateway, evaluation))


def _derive(gateway: Gateway, reader: Reader, mark: Mark) -> _Evaluation:
    """Derive everything about a subject that may have changed since the marked instant."""
    site, subject = gateway.site, mark.subject
    facts = reader.facts(site, subject)
    now = gateway.clock()
    as_of = now if gateway.as_of == "now" else last_instant(facts, now)
    known_at = reader.watermark()
    record = Record.of(subject, facts, as_of=as_of, known_at=known_at)
    judged = judge(gateway, reader, record)
    # A trial that first hears of a subject needs its whole course, not the newest part.
    since = BEGINNING if any(one.new for one in judged) else mark.since
    protocols = gateway.catalog.protocols.values()
    scores = dict.fromkeys(score for protocol in protocols for score in protocol.scores)
    course = score_course(record, scores, gateway.rules, since=since)
    return _Evaluation(
        mark=mark,
        subject=subject,
        since=since,
        as_of=as_of,
        known_at=known_at,
        course=course,
        judged=judged,
        reviewed=review(gateway, reader, subject, facts),
    )


def _publish(tx: Transaction, gateway: Gateway, evaluation: _Evaluation) -> bool:
    """Write what changed, and one Provenance for all of it; clear the mark.

    Nothing is written, and the answer is False, if a person has moved the subject since
    it was judged: the verdict stands beside the move, and never takes it back.
    """
    if any(_moved(tx, gateway, evaluation.subject, judged) for judged in evaluation.judged):
        return False
    derived = [
        one
        for points in evaluation.course.values()
        for point in points
        for one in score_observations(point, site=gateway.site, subject=evaluation.subject)
    ]
    stale = _stale(tx, gateway, evaluation, {one.id for one in derived})
    for judged in evaluation.judged:
        derived.extend(judged.derived)
    derived.extend(review_tasks(tx, gateway, evaluation.subject, evaluation.reviewed))
    written = []
    for one in (*derived, *stale):
        version = put_derived(tx, gateway, one)
        if version is not None:
            written.append((one, version))
    if written:
        put_derived(tx, gateway, _provenance(tx, gateway, evaluation, written))
    for judged in evaluation.judged:
        if judged.followed:
            publish_trial(
                tx,
                gateway,
                judged,
                evaluation.course,
                subject=evaluation.subject,
                since=evaluation.since,
                as_of=evaluation.as_of,
            )
        if judged.outcomes and any(one in judged.outcomes for one, _ in written):
            tx.mark(gateway.site, f"{STUDY}{judged.protocol.id}", evaluation.as_of, "outcomes")
    tx.clear_mark(gateway.site, evaluation.subject, evaluation.mark.seq)
    again = [one.fresh_until for one in evaluation.judged if one.fresh_until is not None]
    if again and gateway.as_of == "now":
        tx.mark_at(gateway.site, evaluation.subject, min(again) + _MOMENT, evaluation.as_of, "time")
    return True


def _moved(tx: Transaction, gateway: Gateway, subject: str, judged: Judged) -> bool:
    identity = research_subject_id(site=gateway.site, subject=subject, trial=judged.protocol.id)
    stored = tx.current(gateway.site, "ResearchSubject", identity)
    return judged.beside != (0 if stored is None else stored.version)


def _stale(
    tx: Transaction, gateway: Gateway, evaluation: _Evaluation, owed: set[str]
) -> Iterator[Derived]:
    """Yield published scores that are no longer owed, as entered in error."""
    query = SearchQuery(
        clauses=(
            SubjectClause((f"Patient/{evaluation.subject}",)),
            TokenClause("category", (TokenValue(None, "score"),)),
            StatusClause(("entered-in-error",), negate=True),
        ),
        sort=Sort.ARRIVAL,
        count=_PAGE,
    )
    for stored in pages(lambda one: tx.search(gateway.site, "Observation", one), query):
        if stored.derived and stored.id not in owed and score_time(stored) >= evaluation.since:
            body = with_status(stored.body, "entered-in-error")
            yield Derived("Observation", stored.id, body, evaluation.subject)


def _provenance(
    tx: Transaction,
    gateway: Gateway,
    evaluation: _Evaluation,
    written: Sequence[tuple[Derived, SourceVersion]],
) -> Derived:
    protocols = [judged.protocol for judged in evaluation.judged]
    versions = rule_versions(gateway, protocols, evaluation.course)
    reason = EvaluationReason.NEW_DATA
    if evaluation.mark.reason == EvaluationReason.RULES_CHANGED:
        reason = EvaluationReason.RULES_CHANGED
    elif evaluation.mark.due is not None:
        reason = EvaluationReason.TIME_PASSED
    elif evaluation.mark.reason == REPLAYED:
        reason = EvaluationReason.REPLAY
    elif any(version.version > 1 for one, version in written if one.type == "Observation"):
        reason = EvaluationReason.CORRECTION
    return provenance(
        site=gateway.site,
        subject=evaluation.subject,
        evaluation=f"{evaluation.known_at.isoformat()} {evaluation.as_of.isoformat()}",
        targets=[version for _, version in written],
        sources=[source for one, _ in written for source in one.sources],
        versions=versions,
        software_version=gateway.software_version,
        recorded=tx.known,
        as_of=evaluation.as_of,
        known_at=evaluation.known_at,
        reason=reason,
    )
