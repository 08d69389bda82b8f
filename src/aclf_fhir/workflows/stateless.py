"""Facts from resources that are at hand and stored nowhere: a Bundle, a folder of files.

The same mapping as at intake. What the store does there is done here with
dictionaries: Patients come first, references are looked up among what was given.

Whoever asks for some scores has only those resources validated and mapped that may bear
on what these scores read (`mapping.relevance`). Their results are the same; what is
wrong with the others is not told.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec.structs import replace

from aclf_fhir.catalog import Catalog
from aclf_fhir.errors import AclfError, Issue
from aclf_fhir.fhir import parse_instant, parse_resource, splice_references
from aclf_fhir.mapping import map_resource
from aclf_fhir.mapping.models import Disposition, Holding, MappingContext, SubjectDates
from aclf_fhir.mapping.relevance import Head, Stated, Wanted, drawn_before, may_state, read_head
from aclf_fhir.record import Fact, FactKind, FactStatus
from aclf_fhir.workflows.indexing import subject_of
from aclf_fhir.workflows.settling import dates_of

__all__ = ["Gathered", "Given", "Refused", "gather"]

_FIRST = ("Patient", "Encounter")
_NO_DATES = SubjectDates()


class Given(msgspec.Struct, frozen=True, gc=False):
    """A resource as given.

    Parameters
    ----------
    body
        The resource as JSON.
    location
        Where it stands: `Bundle.entry[3].resource`, a file and line.
    id
        The id by which others point at it, where it carries none of its own.
    targets
        What its references mean that name another one's `fullUrl`.
    head
        Its head where it has been read already.
    """

    body: bytes
    location: str
    id: str = ""
    targets: Mapping[str, str] = MappingProxyType({})
    head: Head | None = None

    def parse(self) -> Any:
        """Validate it, and return its struct.

        Raises
        ------
        AclfError
            `invalid` with every problem.
        """
        body = splice_references(self.body, self.targets) if self.targets else self.body
        return parse_resource(body)


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
    passed_over
        How many resources were not read, for nothing in them was asked for.
    """

    facts: dict[str, list[Fact]] = field(default_factory=dict)
    dispositions: Counter[Disposition] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    holdings: list[tuple[str, Holding]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    passed_over: int = 0


@dataclass(frozen=True, slots=True)
class Sought:
    """What somebody wants to know, so that the rest need not be read.

    Parameters
    ----------
    facts
        Kind and concept of the facts that are asked for; birth, sex, death and stays
        always are.
    since
        By analyte: results drawn before this instant tell nothing where a usable one was
        drawn since.
    as_of, known_at
        The clocks for which it is asked.
    """

    facts: Stated
    since: Mapping[str, datetime]
    as_of: datetime
    known_at: datetime

    def answered_by(self, facts: Iterable[Fact], analyte: str) -> bool:
        """Say whether a usable result of an analyte was drawn since."""
        since = self.since[analyte]
        return any(
            fact.concept == analyte
            and fact.kind is FactKind.MEASUREMENT
            and fact.status is FactStatus.USABLE
            and fact.start is not None
            and since <= fact.start.earliest
            and fact.start.latest <= self.as_of
            and fact.known <= self.known_at
            for fact in facts
        )


@dataclass(frozen=True, slots=True)
class _Read:
    given: Given
    type: str
    id: str
    resource: Any


def gather(
    given: Iterable[Given],
    *,
    catalog: Catalog,
    site: str,
    received: datetime,
    sought: Sought | None = None,
) -> Gathered:
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
    sought
        What is asked for; other facts may be missing from the answer then. None asks
        for all.

    Returns
    -------
    Gathered
        The known time of each fact is its resource's `meta.lastUpdated`, or the
        beginning of time where there is none: what a file does not say cannot
        keep it from being known.
    """
    gathered = Gathered()
    read: dict[str, _Read] = {}
    spared: dict[str, Given] = {}

    def take(number: int, one: Given) -> _Read | None:
        try:
            resource = one.parse()
        except AclfError as error:
            gathered.refused.append(Refused(one, error.issues))
            return None
        kind = type(resource).__name__
        identity = resource.id or one.id or f"given-{number}"
        found = read[f"{kind}/{identity}"] = _Read(one, kind, identity, resource)
        return found

    def resolve(reference: str) -> Any:
        found = read.get(reference)
        if found is None and reference in spared:
            found = take(0, spared.pop(reference))
        return None if found is None else found.resource

    dates: dict[str, SubjectDates] = {}

    def subject_dates(subject: str) -> SubjectDates | None:
        return dates.get(subject, _NO_DATES) if subject in gathered.facts else None

    indexes = catalog.indexes(site)

    def context_of(resource_id: str) -> MappingContext:
        return indexes.context(
            resource_id=resource_id,
            version=1,
            known=received,
            subject_dates=subject_dates,
            resolve=resolve,
        )

    def map_all(items: Iterable[_Read]) -> None:
        for item in items:
            outcome = map_resource(item.resource, context_of(item.id))
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

    listed: Iterable[tuple[int, Given]] = enumerate(given)
    older: dict[str, list[str]] = {}
    if sought is not None:
        listed, spared, older = _sorted_out(listed, sought, context_of(""))
    for number, one in listed:
        take(number, one)
    ordered = sorted(read.values(), key=_precedence)
    for item in ordered:
        if item.type == "Patient":
            gathered.facts.setdefault(item.id, [])
    map_all(ordered)
    for analyte, identities in older.items():
        if sought and not all(sought.answered_by(f, analyte) for f in gathered.facts.values()):
            late = [read.get(each) or take(0, spared.pop(each)) for each in identities]
            map_all([item for item in late if item is not None])
    gathered.passed_over = len(spared)
    return gathered


def _sorted_out(
    given: Iterable[tuple[int, Given]], sought: Sought, context: MappingContext
) -> tuple[list[tuple[int, Given]], dict[str, Given], dict[str, list[str]]]:
    """Part what has to be read from what need not be, by `Type/id`.

    Returns, too, which of the latter are results of an analyte that were drawn before the
    instant since which they tell nothing. Where several resources share an id, the last
    valid one counts: all of them are read then.
    """
    needed: list[tuple[int, Given]] = []
    others: dict[str, tuple[int, Given]] = {}
    older: dict[str, list[str]] = {}
    identities: set[str] = set()
    wanted = Wanted.of(sought.facts)
    alone = {
        frozenset({(FactKind.MEASUREMENT, analyte)}): (analyte, since)
        for analyte, since in sought.since.items()
    }
    for number, one in given:
        head = one.head or read_head(one.body)
        if head is None:
            needed.append((number, one))
            continue
        identity = f"{head.resource_type}/{head.id or one.id or f'given-{number}'}"
        if identity in identities:
            needed.append((number, one))
            if identity in others:
                needed.append(others.pop(identity))
            continue
        identities.add(identity)
        stated = may_state(head, one.body, wanted, context)
        limited = alone.get(stated) if stated else None
        if limited is not None and drawn_before(head, one.body, limited[1], context):
            older.setdefault(limited[0], []).append(identity)
            others[identity] = number, one
        elif stated or stated is None:
            needed.append((number, one))
        else:
            others[identity] = number, one
    needed.sort(key=_number)
    spared = {identity: one for identity, (_, one) in others.items()}
    left = {analyte: [each for each in ids if each in spared] for analyte, ids in older.items()}
    return needed, spared, left


def _number(numbered: tuple[int, Given]) -> int:
    return numbered[0]


def _precedence(read: _Read) -> int:
    return _FIRST.index(read.type) if read.type in _FIRST else len(_FIRST)


def _known(resource: Any) -> datetime:
    if resource.meta is not None and resource.meta.last_updated:
        return parse_instant(resource.meta.last_updated)
    return datetime.min.replace(tzinfo=UTC)
