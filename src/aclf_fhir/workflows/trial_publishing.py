"""Writing one subject's results into a trial's zone, under its pseudonym."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from aclf_fhir.evaluation import ScoreEvaluation
from aclf_fhir.fhir import parse_date_time, read_resource
from aclf_fhir.publication import (
    Derived,
    TrialZone,
    blind_outcome,
    blind_verdict,
    with_status,
)
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
from aclf_fhir.workflows.gateway import Gateway
from aclf_fhir.workflows.publishing import pages, put_trial_derived
from aclf_fhir.workflows.verdicts import Judged

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
) -> None:
    """Render what one trial may see of a subject, and store it apart.

    Parameters
    ----------
    judged
        Verdict, status and outcomes in this trial.
    course
        Every score at its points from `since` on; only those the protocol names pass.
    subject
        Whose; nothing but a pseudonym of it is written.
    since
        Published scores from this instant on that are not in `course` are withdrawn.
    """
    trial = judged.protocol.id
    zone = TrialZone(trial, gateway.trial_keys[trial])
    pseudonym = zone.pseudonym(site=gateway.site, subject=subject)
    verdict = blind_verdict(judged.verdict)
    scores = [
        zone.score_observation(pseudonym, point.result, at=point.at)
        for score in judged.protocol.scores
        for point in course.get(score, ())
    ]
    withdrawn = _withdrawn(tx, trial, pseudonym, since, {one.id for one in scores})
    for derived in (
        zone.patient(pseudonym),
        zone.research_subject(pseudonym, verdict, status=judged.status),
        *zone.verdict_observations(pseudonym, verdict, as_of=judged.as_of),
        *scores,
        *withdrawn,
        *(zone.outcome_observation(pseudonym, blind_outcome(result)) for result in judged.results),
    ):
        put_trial_derived(tx, gateway, trial, derived)


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
