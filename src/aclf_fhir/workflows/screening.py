"""`$score` and `$screen`: results for any pair of clocks, computed and not stored."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from aclf_fhir.catalog import Catalog
from aclf_fhir.errors import AclfError, Category, Issue
from aclf_fhir.evaluation import (
    ScoreEvaluation,
    Snapshot,
    age_limits,
    evaluate_at,
    facts_read,
)
from aclf_fhir.fhir import split_bundle
from aclf_fhir.mapping.relevance import read_head
from aclf_fhir.publication import (
    BundleEntry,
    Derived,
    bundle_bytes,
    operation_outcome,
    research_subject,
    score_observations,
    verdict_observations,
)
from aclf_fhir.record import Fact, Record
from aclf_fhir.scores import SCORES
from aclf_fhir.trial import Verdict, screen
from aclf_fhir.workflows.evaluating import last_instant
from aclf_fhir.workflows.gateway import AsOf, Gateway, rules_of
from aclf_fhir.workflows.stateless import Gathered, Given, Sought, gather

__all__ = [
    "AskedInstant",
    "given_in",
    "known_names",
    "record_for",
    "score_bundle",
    "score_given",
    "score_record",
    "score_stored",
    "screen_bundle",
    "screen_record",
    "screen_stored",
    "sought_by",
    "stored_record",
]

AskedInstant = datetime | AsOf
"""T as asked for: an instant, the present, or each subject's last result."""


def record_for(
    subject: str,
    facts: Iterable[Fact],
    *,
    as_of: AskedInstant,
    known_at: datetime,
    now: datetime,
) -> Record:
    """Build the record of a subject for the clocks a caller asked for."""
    known = [fact for fact in facts if fact.known <= known_at]
    asked = last_instant(known, now) if as_of == "last" else as_of
    instant = now if asked == "now" else asked
    return Record.of(subject, known, as_of=instant, known_at=known_at)


def score_record(
    record: Record, scores: Sequence[str] | None, *, catalog: Catalog, site: str
) -> tuple[ScoreEvaluation, ...]:
    """Compute scores for a record's T; every score there is if none is named.

    Raises
    ------
    AclfError
        `not_found` for a score that does not exist.
    """
    wanted = known_names(scores, SCORES, "score")
    snapshot = Snapshot(record, rules_of(catalog, site))
    return tuple(evaluate_at(snapshot, score) for score in wanted)


def screen_record(
    record: Record, trials: Sequence[str] | None, *, catalog: Catalog, site: str
) -> tuple[Verdict, ...]:
    """Screen a record for trials; for every one there is if none is named.

    Raises
    ------
    AclfError
        `not_found` for a trial that does not exist.
    """
    wanted = known_names(trials, catalog.protocols, "trial")
    rules = rules_of(catalog, site)
    snapshot = Snapshot(record, rules)
    return tuple(
        screen(catalog.protocols[trial], record, rules, snapshot=snapshot) for trial in wanted
    )


def score_stored(
    gateway: Gateway,
    subject: str,
    scores: Sequence[str] | None = None,
    *,
    as_of: AskedInstant,
    known_at: datetime | None = None,
) -> bytes:
    """Answer `Patient/{id}/$score`: a collection Bundle of score Observations.

    Raises
    ------
    AclfError
        `not_found` for an unknown patient or score.
    """
    record = stored_record(gateway, subject, as_of=as_of, known_at=known_at)
    found = score_record(record, scores, catalog=gateway.catalog, site=gateway.site)
    return _collection(_scores(found, gateway.site, subject))


def screen_stored(
    gateway: Gateway,
    subject: str,
    trials: Sequence[str] | None = None,
    *,
    as_of: AskedInstant,
    known_at: datetime | None = None,
) -> bytes:
    """Answer `Patient/{id}/$screen`: a collection Bundle of verdicts and criterion results.

    Raises
    ------
    AclfError
        `not_found` for an unknown patient or trial.
    """
    record = stored_record(gateway, subject, as_of=as_of, known_at=known_at)
    found = screen_record(record, trials, catalog=gateway.catalog, site=gateway.site)
    return _collection(_verdicts(found, gateway.site, subject))


def score_bundle(
    body: bytes,
    scores: Sequence[str] | None = None,
    *,
    catalog: Catalog,
    site: str,
    as_of: AskedInstant,
    known_at: datetime,
    now: datetime,
) -> bytes:
    """Answer `$score` for a Bundle of resources; nothing is stored.

    Where scores are named, only what may bear on them is read (`sought_by`).

    Raises
    ------
    AclfError
        `invalid` if the Bundle is, `not_found` for an unknown score.
    """
    gathered, found = _scored(body, scores, catalog, site, as_of, known_at, now)
    derived = [one for subject, scored in found for one in _scores(scored, site, subject)]
    return _collection(derived, _problems(gathered))


def score_given(
    body: bytes,
    scores: Sequence[str] | None = None,
    *,
    catalog: Catalog,
    site: str,
    as_of: AskedInstant,
    known_at: datetime,
    now: datetime,
) -> list[tuple[str, tuple[ScoreEvaluation, ...]]]:
    """Compute what `score_bundle` answers with, by Patient, and render nothing."""
    return _scored(body, scores, catalog, site, as_of, known_at, now)[1]


def _scored(
    body: bytes,
    scores: Sequence[str] | None,
    catalog: Catalog,
    site: str,
    as_of: AskedInstant,
    known_at: datetime,
    now: datetime,
) -> tuple[Gathered, list[tuple[str, tuple[ScoreEvaluation, ...]]]]:
    sought = sought_by(scores, catalog=catalog, site=site, as_of=as_of, known_at=known_at, now=now)
    gathered = gather(given_in(body), catalog=catalog, site=site, received=now, sought=sought)
    records = _records(gathered, as_of=as_of, known_at=known_at, now=now)
    return gathered, [
        (record.subject, score_record(record, scores, catalog=catalog, site=site))
        for record in records
    ]


def sought_by(
    scores: Sequence[str] | None,
    *,
    catalog: Catalog,
    site: str,
    as_of: AskedInstant,
    known_at: datetime,
    now: datetime,
) -> Sought | None:
    """Return which facts decide some scores, None where every fact may.

    Every fact is needed if no score is named, and to find a subject's last result.

    Raises
    ------
    AclfError
        `not_found` for a score that does not exist.
    """
    if not scores or as_of == "last":
        return None
    wanted = known_names(scores, SCORES, "score")
    rules = rules_of(catalog, site)
    instant = now if as_of == "now" else as_of
    limits = age_limits(wanted, rules)
    return Sought(
        facts=facts_read(wanted, rules),
        since={analyte: instant - limit for analyte, limit in limits.items()},
        as_of=instant,
        known_at=known_at,
    )


def screen_bundle(
    body: bytes,
    trials: Sequence[str] | None = None,
    *,
    catalog: Catalog,
    site: str,
    as_of: AskedInstant,
    known_at: datetime,
    now: datetime,
) -> bytes:
    """Answer `$screen` for a Bundle of resources; nothing is stored."""
    gathered = gather(given_in(body), catalog=catalog, site=site, received=now)
    derived: list[Derived] = []
    for record in _records(gathered, as_of=as_of, known_at=known_at, now=now):
        found = screen_record(record, trials, catalog=catalog, site=site)
        derived.extend(_verdicts(found, site, record.subject))
    return _collection(derived, _problems(gathered))


def given_in(body: bytes) -> tuple[Given, ...]:
    """Return the resources of a Bundle of any type, each with its place.

    References to an entry's `fullUrl` are resolved to `Type/id`; an entry without an
    id is given the last part of its `fullUrl`.
    """
    found: list[Given] = []
    targets: dict[str, str] = {}
    for entry in split_bundle(body).entries:
        if entry.resource is None:
            continue
        # What has no type or id as text is refused later, with reasons.
        head = read_head(entry.resource)
        full_url = entry.full_url or ""
        id_ = (head and head.id) or full_url.rpartition(":")[2].rpartition("/")[2]
        if full_url:
            targets[full_url] = f"{head.resource_type if head else ''}/{id_}"
        found.append(Given(entry.resource, f"{entry.location}.resource", id_, targets, head))
    return tuple(found)


def known_names(asked: Sequence[str] | None, known: Iterable[str], what: str) -> tuple[str, ...]:
    """Return the names asked for, each once; every one there is if none is named.

    Raises
    ------
    AclfError
        `not_found` for a name that is not known.
    """
    every = tuple(known)
    if not asked:
        return every
    unknown = [name for name in asked if name not in every]
    if unknown:
        raise AclfError.of(
            Category.NOT_FOUND,
            what,
            f"there is no {what} {', '.join(unknown)}",
            f"Known: {', '.join(every)}.",
        )
    return tuple(dict.fromkeys(asked))


def stored_record(
    gateway: Gateway, subject: str, *, as_of: AskedInstant, known_at: datetime | None
) -> Record:
    """Read the record of a stored patient for the clocks a caller asked for.

    Raises
    ------
    AclfError
        `not_found`, `gone` if the patient was deleted.
    """
    with gateway.store.read() as reader:
        patient = reader.current(gateway.site, "Patient", subject)
        if patient is None:
            raise AclfError.of(Category.NOT_FOUND, "Patient", "there is no such patient")
        if patient.deleted:
            raise AclfError.of(Category.GONE, "Patient", "has been deleted")
        known = reader.watermark() if known_at is None else known_at
        facts = reader.facts(gateway.site, subject, known_at=known)
    return record_for(subject, facts, as_of=as_of, known_at=known, now=gateway.clock())


def _scores(found: Iterable[ScoreEvaluation], site: str, subject: str) -> Iterable[Derived]:
    for evaluation in found:
        yield from score_observations(evaluation, site=site, subject=subject)


def _verdicts(found: Iterable[Verdict], site: str, subject: str) -> Iterable[Derived]:
    for verdict in found:
        panel, *criteria = verdict_observations(verdict, site=site, subject=subject)
        person = research_subject(verdict, site=site, subject=subject, panel=panel.reference)
        yield from ([person] if person else [])
        yield panel
        yield from criteria


def _records(
    gathered: Gathered, *, as_of: AskedInstant, known_at: datetime, now: datetime
) -> Iterator[Record]:
    for subject, facts in sorted(gathered.facts.items()):
        yield record_for(subject, facts, as_of=as_of, known_at=known_at, now=now)


def _problems(gathered: Gathered) -> list[Issue]:
    """List what was refused and what is held, each with its place in what was given."""
    issues = [
        issue.under(refused.given.location)
        for refused in gathered.refused
        for issue in refused.issues
    ]
    issues.extend(
        Issue(
            Category.INVALID,
            holding.location,
            f"{holding.reason}: {holding.detail}",
            severity="warning",
        ).under(location)
        for location, holding in gathered.holdings
    )
    return issues


def _collection(derived: Iterable[Derived], issues: Sequence[Issue] = ()) -> bytes:
    entries = [BundleEntry(resource=one.body) for one in derived]
    if issues:
        entries.append(BundleEntry(resource=operation_outcome(issues)))
    return bundle_bytes("collection", entries)
