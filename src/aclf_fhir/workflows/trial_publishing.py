"""Writing one subject's results into a trial's zone, under its pseudonym."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.evaluation import ScoreEvaluation
from aclf_fhir.fhir import parse_date_time, read_resource
from aclf_fhir.mapping.consent import UNSPECIFIED
from aclf_fhir.publication import (
    Derived,
    TrialZone,
    blind_outcome,
    blind_verdict,
    research_subject_id,
    with_status,
)
from aclf_fhir.record import Record
from aclf_fhir.store import (
    SearchQuery,
    Sort,
    StatusClause,
    Stored,
    SubjectClause,
    TokenClause,
    TokenValue,
    Transaction,
)
from aclf_fhir.trial.life_cycle import ends_consent
from aclf_fhir.trial.person import consent_has_ended
from aclf_fhir.trial.situation import Situation
from aclf_fhir.workflows.gateway import Gateway
from aclf_fhir.workflows.publishing import pages, put_trial_derived
from aclf_fhir.workflows.subjects import status_reason
from aclf_fhir.workflows.verdicts import Judged, read_subject

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4 import ResearchSubject

__all__ = ["publish_trial", "score_time"]

_PAGE = 500


def publish_trial(
    tx: Transaction,
    gateway: Gateway,
    judged: Judged,
    course: Mapping[str, tuple[ScoreEvaluation, ...]],
    *,
    subject: str,
    since: datetime,
    as_of: datetime,
) -> None:
    """Render what one trial may see of a subject, and store it apart.

    Where consent has ended, that is the status of what is published already, and no more.
    It is looked for here, in the transaction that publishes: an end that became known
    while the subject was evaluated counts.

    Parameters
    ----------
    judged
        Verdict and outcomes in this trial.
    course
        Every score at its points from `since` on; only those the protocol names pass.
    subject
        Whose; nothing but a pseudonym of it is written.
    since
        Published scores from this instant on that are not in `course` are withdrawn.
    as_of
        T of the evaluation.
    """
    trial = judged.protocol.id
    zone = TrialZone(trial, gateway.trial_keys[trial])
    pseudonym = zone.pseudonym(site=gateway.site, subject=subject)
    person = _person(tx, gateway, subject, trial)
    status = person.status or ""
    verdict = blind_verdict(judged.verdict)
    moved = zone.research_subject(pseudonym, verdict, status=status)
    reason = status_reason(person)
    if ends_consent(status, reason) or _consent_ended(tx, gateway, judged, subject, as_of):
        stored = tx.trial_current(trial, moved.type, moved.id)
        if stored is not None:
            body = with_status(stored.body, status)
            put_trial_derived(tx, gateway, trial, Derived(moved.type, moved.id, body, pseudonym))
        return
    scores = [
        zone.score_observation(pseudonym, point.result, at=point.at)
        for score in judged.protocol.scores
        for point in course.get(score, ())
    ]
    withdrawn = _withdrawn(tx, trial, pseudonym, since, {one.id for one in scores})
    for derived in (
        zone.patient(pseudonym),
        moved,
        *zone.verdict_observations(pseudonym, verdict, as_of=judged.as_of),
        *scores,
        *withdrawn,
        *(zone.outcome_observation(pseudonym, blind_outcome(result)) for result in judged.results),
    ):
        put_trial_derived(tx, gateway, trial, derived)


def _person(tx: Transaction, gateway: Gateway, subject: str, trial: str) -> "ResearchSubject":
    """Return the subject as it stands in this transaction."""
    identity = research_subject_id(site=gateway.site, subject=subject, trial=trial)
    person = read_subject(tx.current(gateway.site, "ResearchSubject", identity))
    if person is None:
        raise AclfError.of(Category.FAULT, "ResearchSubject", "is followed and is not there")
    return person


def _consent_ended(
    tx: Transaction, gateway: Gateway, judged: Judged, subject: str, as_of: datetime
) -> bool:
    """Say whether the Consents on file, as this transaction sees them, have or may have ended."""
    protocol = judged.protocol
    facts = [
        fact
        for concept in (protocol.id, UNSPECIFIED)
        for fact in tx.standing_facts(gateway.site, subject, concept)
    ]
    # T may lie before what is on file: an end counts from when it is true, whatever is judged.
    begun = [fact.start.earliest for fact in facts if fact.start is not None]
    at = max([as_of, *(time for time in begun if time <= tx.known)])
    record = Record.of(subject, facts, as_of=at, known_at=tx.known)
    return consent_has_ended(
        Situation(record, gateway.rules, study=protocol.id, items=protocol.items)
    )


def score_time(stored: Stored) -> datetime:
    """Return the T of a published score."""
    observation = read_resource(stored.body, "Observation")
    text: str = observation.effective_date_time  # type: ignore[attr-defined] # an Observation
    return parse_date_time(text, UTC).earliest


def _withdrawn(
    tx: Transaction, trial: str, pseudonym: str, since: datetime, owed: set[str]
) -> Iterator[Derived]:
    query = SearchQuery(
        clauses=(
            SubjectClause((f"Patient/{pseudonym}",)),
            TokenClause("category", (TokenValue(None, "score"),)),
            StatusClause(("entered-in-error",), negate=True),
        ),
        sort=Sort.ARRIVAL,
        count=_PAGE,
    )
    for stored in pages(lambda one: tx.trial_search(trial, "Observation", one), query):
        if stored.id not in owed and score_time(stored) >= since:
            body = with_status(stored.body, "entered-in-error")
            yield Derived("Observation", stored.id, body, pseudonym)
