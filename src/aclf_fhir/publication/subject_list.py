"""The subjects of a trial as a List: what the machine finds of each beside what people decided."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from aclf_fhir.codes import CANONICAL_BASE, Coding
from aclf_fhir.publication.derived import Derived, Json, derived_id
from aclf_fhir.publication.elements import (
    Members,
    compact,
    concept,
    date_time,
    extension,
    local,
    meta,
    profile_url,
    reference,
)
from aclf_fhir.trial.models import Protocol

__all__ = ["SUBJECT_STATUS", "Listed", "subject_list", "subject_list_id"]

SUBJECT_STATUS = profile_url("subject-status")
"""The extension of an entry that repeats the status people gave the subject."""

_CODE = Coding("http://terminology.hl7.org/CodeSystem/list-example-codes", "worklist")
_IDENTIFIER = f"{CANONICAL_BASE}/NamingSystem/subject-list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One subject as the List shows it.

    Parameters
    ----------
    reference
        `ResearchSubject/123`.
    verdict
        The machine's.
    status
        ResearchSubject.status, a person's.
    since
        From when on both have been so.
    """

    reference: str
    verdict: str
    status: str
    since: datetime


def subject_list_id(*, site: str, trial: str) -> str:
    """Return the id of the one List of a trial's subjects."""
    return derived_id(site, "List", trial)


def subject_list(protocol: Protocol, subjects: Iterable[Listed], *, site: str) -> Derived:
    """Write the List of a trial's subjects, what changed last first."""
    newest_first = sorted(subjects, key=lambda one: (-one.since.timestamp(), one.reference))
    resource = compact(
        resourceType="List",
        id=subject_list_id(site=site, trial=protocol.id),
        meta=meta(),
        identifier=[{"system": _IDENTIFIER, "value": protocol.id}],
        status="current",
        mode="working",
        title=f"{protocol.short_title}: subjects",
        code=concept(_CODE),
        entry=[_entry(one) for one in newest_first],
    )
    return Derived.of(resource)


def _entry(one: Listed) -> Json:
    # The status stands with the entry: R4 has a place for a flag and none for a status.
    entry: Members = compact(
        extension=[extension("subject-status", valueCode=one.status)],
        flag=concept(local("verdicts", one.verdict), text=one.verdict),
        date=date_time(one.since),
        item=reference(one.reference),
    )
    return entry
