"""Facts from resources that are at hand and stored nowhere: a Bundle, a folder of files.

The same mapping as at intake. What the store does there is done here with
dictionaries: Patients come first, references are looked up among what was given.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from aclf_fhir.catalog import Catalog
from aclf_fhir.errors import AclfError, Issue
from aclf_fhir.fhir import parse_instant, parse_resource
from aclf_fhir.mapping import map_resource
from aclf_fhir.mapping.models import Disposition, Holding, SubjectDates
from aclf_fhir.record import Fact
from aclf_fhir.workflows.indexing import subject_of
from aclf_fhir.workflows.settling import dates_of

__all__ = ["Gathered", "Given", "Refused", "gather"]

_FIRST = ("Patient", "Encounter")


@dataclass(frozen=True, slots=True)
class Given:
    """A resource as given.

    Parameters
    ----------
    body
        The resource as JSON.
    location
        Where it stands: `Bundle.entry[3].resource`, a file and line.
    id
        The id by which others point at it, where it carries none of its own.
    """

    body: bytes
    location: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A resource that is not valid R4, with every problem."""

    given: Given
    issues: tuple[Issue, ...]


@dataclass(slots=True)
class Gathered:
    """What a set of resources says, by subject, and how each of them ended.

    Parameters
    ----------
    facts
        By logical id of the Patient; every Patient given has an entry.
    dispositions
        How many were mapped, not needed, held.
    rules
        How many are not needed by which rule.
    holdings
        Why resources are held, with their place.
    refused
        What is not valid R4.
    """

    facts: dict[str, list[Fact]] = field(default_factory=dict)
    dispositions: Counter[Disposition] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    holdings: list[tuple[str, Holding]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Read:
    given: Given
    type: str
    id: str
    resource: Any


def gather(given: Iterable[Given], *, catalog: Catalog, site: str, received: datetime) -> Gathered:
    """Map resources to facts without storing anything.

    Parameters
    ----------
    given
        Resources as JSON, in any order. Of several versions of one resource the
        last one counts.
    catalog, site
        By whose rules.
    received
        The present; effective times after it are held.

    Returns
    -------
    Gathered
        The known time of each fact is its resource's `meta.lastUpdated`, or the
        beginning of time where there is none: what a file does not say cannot
        keep it from being known.
    """
    gathered = Gathered()
    read: dict[str, _Read] = {}
    for number, one in enumerate(given):
        try:
            resource = parse_resource(one.body)
        except AclfError as error:
            gathered.refused.append(Refused(one, error.issues))
            continue
        kind = type(resource).__name__
        identity = resource.id or one.id or f"given-{number}"
        read[f"{kind}/{identity}"] = _Read(one, kind, identity, resource)
    ordered = sorted(read.values(), key=_precedence)
    for item in ordered:
        if item.type == "Patient":
            gathered.facts.setdefault(item.id, [])
    dates: dict[str, SubjectDates] = {}
    indexes = catalog.indexes(site)

    def resolve(reference: str) -> Any:
        found = read.get(reference)
        return None if found is None else found.resource

    for item in ordered:
        context = indexes.context(
            resource_id=item.id,
            version=1,
            known=received,
            subject_dates=lambda subject: (
                dates.get(subject, SubjectDates()) if subject in gathered.facts else None
            ),
            resolve=resolve,
        )
        outcome = map_resource(item.resource, context)
        gathered.dispositions[outcome.disposition] += 1
        if outcome.disposition is Disposition.NOT_NEEDED:
            gathered.rules[outcome.rule] += 1
        gathered.holdings.extend((item.given.location, holding) for holding in outcome.holdings)
        known = _known(item.resource)
        for fact in outcome.facts:
            gathered.facts.setdefault(fact.subject, []).append(replace(fact, known=known))
        if item.type in _FIRST:
            subject = item.id if item.type == "Patient" else subject_of(item.resource)
            dates[subject] = dates_of(gathered.facts.get(subject, ()))
    return gathered


def _precedence(read: _Read) -> int:
    return _FIRST.index(read.type) if read.type in _FIRST else len(_FIRST)


def _known(resource: Any) -> datetime:
    if resource.meta is not None and resource.meta.last_updated:
        return parse_instant(resource.meta.last_updated)
    return datetime.min.replace(tzinfo=UTC)
