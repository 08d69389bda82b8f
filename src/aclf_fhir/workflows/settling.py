"""Settling: a stored version is mapped, its facts replaced, its subject marked.

A version is settled when it arrives, again whenever something it waited for arrives,
and, while it is held, once more when the rules have changed (`worklist`); all take the
same way, so a replay ends where an ordered delivery would have ended.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace as replace_model
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from aclf_fhir.fhir import read_resource
from aclf_fhir.mapping import map_resource
from aclf_fhir.mapping.draft import not_needed
from aclf_fhir.mapping.models import (
    Disposition,
    HeldReason,
    Holding,
    MappingContext,
    MappingOutcome,
    SubjectDates,
)
from aclf_fhir.mapping.origin import is_own
from aclf_fhir.record import Fact, FactKind, FactStatus
from aclf_fhir.store import (
    Reader,
    SearchQuery,
    Sort,
    Stored,
    StoredVersion,
    SubjectClause,
    Transaction,
)
from aclf_fhir.units import TimeRange
from aclf_fhir.workflows.gateway import Gateway
from aclf_fhir.workflows.indexing import subject_of
from aclf_fhir.workflows.search_parameters import searchable_types

__all__ = [
    "BEGINNING",
    "REPLAYED",
    "dates_of",
    "judge_anew",
    "mapping_context",
    "mark_changes",
    "of_subject",
    "settle",
    "settle_again",
    "wake",
]

BEGINNING = datetime.min.replace(tzinfo=UTC)
"""The instant from which everything about a subject is evaluated again."""

REPLAYED = "replay"
"""Why a subject is marked whose resources were mapped again by other rules."""
_NEW = "facts changed"

_PAGE = 500

_OF_ALL_TIME = frozenset({FactKind.DEMOGRAPHIC, FactKind.CONSENT})
"""Kinds that bear on every result: who somebody is, and whether anything may be published."""

_RANK = {"registered": 0, "preliminary": 1, "final": 2, "amended": 3, "corrected": 3}
"""How settled a result calls itself (R4 observation-status, diagnostic-report-status)."""


def settle(
    tx: Transaction,
    gateway: Gateway,
    stored: StoredVersion | Stored,
    resource: Any,
    *,
    derived: bool,
    reason: str = _NEW,
) -> MappingOutcome:
    """Map one stored version and keep what follows from it.

    Parameters
    ----------
    stored
        Key of the version.
    resource
        Its validated struct.
    derived
        Whether the gateway made it. A copy of such a resource is never input.
    reason
        Why its subjects are marked, if facts change.
    """
    if is_own(resource) and not derived:
        outcome = not_needed("own-derived")
    else:
        outcome = map_resource(resource, mapping_context(tx, gateway, stored))
    if _falls_back(tx, stored, resource):
        outcome = _conflicting(tx, stored, resource, outcome)
    changes = tx.settle(
        stored.site, stored.type, stored.id, stored.version, outcome, gateway.judged_by
    )
    changed = (*changes.added, *changes.closed)
    mark_changes(tx, stored.site, changed, reason)
    if stored.version > 1 or stored.type != "Patient":
        _settle_dated(tx, gateway, stored, changed, reason)
    return outcome


def mark_changes(tx: Transaction, site: str, changed: Iterable[Fact], reason: str = _NEW) -> None:
    """Mark each subject from the earliest instant its changed facts can affect."""
    since: dict[str, datetime] = {}
    for fact in changed:
        earliest = BEGINNING
        if fact.kind not in _OF_ALL_TIME and fact.start is not None:
            earliest = fact.start.earliest
        since[fact.subject] = min(since.get(fact.subject, earliest), earliest)
    for subject, instant in since.items():
        tx.mark(site, subject, instant, reason)


def wake(tx: Transaction, gateway: Gateway, reference: str) -> None:
    """Settle again whatever waited for `reference` (`Patient/123`)."""
    for resource_type, resource_id in tx.waiting_for(gateway.site, reference):
        waiting = tx.current(gateway.site, resource_type, resource_id)
        if waiting is not None and not waiting.deleted:
            settle_again(tx, gateway, waiting)


def settle_again(
    tx: Transaction, gateway: Gateway, stored: Stored, reason: str = _NEW
) -> MappingOutcome:
    """Map the current version of a stored resource once more."""
    resource = read_resource(stored.body, stored.type)
    return settle(tx, gateway, stored, resource, derived=stored.derived, reason=reason)


def judge_anew(tx: Transaction, gateway: Gateway, stored: Stored) -> Stored:
    """Settle a held resource again if it was held by other rules; return it as it stands then."""
    held = tx.held_of(stored.site, stored.type, stored.id)
    if all(one.judged_by == gateway.judged_by for one in held):
        return stored
    outcome = settle_again(tx, gateway, stored, REPLAYED)
    return replace_model(stored, disposition=outcome.disposition, rule=outcome.rule)


def mapping_context(
    tx: Transaction, gateway: Gateway, stored: StoredVersion | Stored
) -> MappingContext:
    """Gather what the mapping may know besides the resource."""
    site = gateway.site

    def subject_dates(subject: str) -> SubjectDates | None:
        patient = tx.current(site, "Patient", subject)
        if patient is None or patient.deleted:
            return None
        return dates_of(
            fact
            for concept in ("birth_date", "death")
            for fact in tx.standing_facts(site, subject, concept)
        )

    def resolve(reference: str) -> Any:
        resource_type, _, resource_id = reference.partition("/")
        found = tx.current(site, resource_type, resource_id)
        if found is None or found.deleted:
            return None
        return read_resource(found.body, resource_type)

    return gateway.catalog.indexes(site).context(
        resource_id=stored.id,
        version=stored.version,
        known=tx.known,
        subject_dates=subject_dates,
        resolve=resolve,
    )


def dates_of(facts: Iterable[Fact]) -> SubjectDates:
    """Return what a subject's facts say of birth and death."""
    known = list(facts)
    return SubjectDates(birth=_instant(known, "birth_date"), death=_instant(known, "death"))


def _instant(facts: Iterable[Fact], concept: str) -> TimeRange | None:
    """Return the one instant a concept has; the earliest where sources disagree."""
    found = [
        fact.value
        for fact in facts
        if fact.concept == concept
        and fact.status is FactStatus.USABLE
        and isinstance(fact.value, TimeRange)
    ]
    return min(found) if found else None


def _falls_back(tx: Transaction, stored: StoredVersion | Stored, resource: Any) -> bool:
    """Tell whether a version calls itself less final than one before it.

    All versions since the last withdrawal count, so that a replay, or another version
    in between, does not forget the contradiction.
    """
    status = _RANK.get(str(getattr(resource, "status", "")))
    if status is None or stored.version == 1:
        return False
    for earlier in tx.history(stored.site, stored.type, stored.id, count=stored.version):
        if earlier.version >= stored.version:
            continue
        if earlier.deleted:
            return False
        before = read_resource(earlier.body, stored.type)
        named = str(getattr(before, "status", ""))
        if named == "entered-in-error":
            return False
        if _RANK.get(named, status) > status:
            return True
    return False


def _conflicting(
    tx: Transaction, stored: StoredVersion | Stored, resource: Any, outcome: MappingOutcome
) -> MappingOutcome:
    """Keep what was said before, as unknown, and let a person look."""
    facts = outcome.facts or tuple(
        fact
        for fact in tx.facts(stored.site, subject_of(resource))
        if (fact.source.type, fact.source.id) == (stored.type, stored.id)
    )
    return replace(
        outcome,
        disposition=Disposition.HELD,
        facts=tuple(replace(fact, status=FactStatus.CONFLICTING) for fact in facts),
        holdings=(
            *outcome.holdings,
            Holding(
                HeldReason.STATUS_CONFLICT,
                f"{stored.type}.status",
                "less final than the version before it",
            ),
        ),
    )


def _settle_dated(
    tx: Transaction,
    gateway: Gateway,
    cause: StoredVersion | Stored,
    changed: Iterable[Fact],
    reason: str,
) -> None:
    """Settle a subject's resources again when its birth or death has changed."""
    moved = {
        fact.subject
        for fact in changed
        if fact.kind is FactKind.DEMOGRAPHIC and fact.concept in {"birth_date", "death"}
    }
    for subject in moved:
        for stored in list(of_subject(tx, gateway.site, subject)):
            itself = (stored.type, stored.id) == (cause.type, cause.id)
            if not itself and stored.type != "Patient":
                settle_again(tx, gateway, stored, reason)


def of_subject(reader: Reader, site: str, subject: str) -> Iterator[Stored]:
    """Yield the current resources of a subject that the gateway did not derive."""
    clause = SubjectClause((f"Patient/{subject}",))
    for resource_type in searchable_types():
        cursor = None
        while True:
            query = SearchQuery(clauses=(clause,), sort=Sort.ARRIVAL, count=_PAGE, cursor=cursor)
            page = reader.search(site, resource_type, query)
            yield from (stored for stored in page.matches if not stored.derived)
            cursor = page.next_cursor
            if cursor is None:
                break
