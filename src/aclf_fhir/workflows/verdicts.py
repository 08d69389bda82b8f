"""Verdicts and outcomes of one subject in every trial, ready to be published."""

from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, cast

from aclf_fhir.fhir import parse_date_time, read_resource
from aclf_fhir.publication import (
    Derived,
    outcome_observation,
    research_subject,
    research_subject_id,
    verdict_observations,
)
from aclf_fhir.record import UNREAD, FactKind, FactStatus, Record
from aclf_fhir.store import Reader, Stored
from aclf_fhir.trial import Enrolment, OutcomeResult, Protocol, Verdict, assess, screen
from aclf_fhir.trial.life_cycle import BEFORE_ENROLMENT, MADE
from aclf_fhir.workflows.gateway import Gateway

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4 import ResearchSubject

__all__ = ["PRODUCT", "Judged", "blinded", "enrolment_of", "first_dose_of", "judge", "read_subject"]

PRODUCT = "investigational_product"
"""The concept of a study's own product: whether it was given is allocation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What one trial's protocol says of a subject.

    Parameters
    ----------
    protocol, verdict
        The protocol, and the machine's verdict by it.
    as_of
        The verdict's T: the record's, but never after enrolment.
    status
        ResearchSubject.status, a person's; "" where there is no subject.
    beside
        Version of the ResearchSubject the verdict was judged beside; 0 where there was none.
    derived
        Resources of the site zone.
    outcomes
        Those of them that are outcomes.
    results
        The outcomes themselves.
    """

    protocol: Protocol
    verdict: Verdict
    as_of: datetime
    status: str
    beside: int
    derived: tuple[Derived, ...]
    outcomes: tuple[Derived, ...]
    results: tuple[OutcomeResult, ...]

    @property
    def new(self) -> bool:
        """Whether this verdict makes the subject."""
        return self.followed and not self.beside

    @property
    def followed(self) -> bool:
        """Whether the trial knows the subject."""
        return bool(self.status)

    @property
    def fresh_until(self) -> datetime | None:
        """When time alone may change the verdict; None for who is enrolled, or never."""
        return self.verdict.fresh_until if self.status in {"", *BEFORE_ENROLMENT} else None


def judge(gateway: Gateway, reader: Reader, record: Record) -> tuple[Judged, ...]:
    """Screen a subject for every trial, and assess the outcomes of who is enrolled."""
    record = blinded(gateway, reader, record)
    return tuple(
        _judge_one(gateway, reader, record, protocol)
        for protocol in gateway.catalog.protocols.values()
    )


def blinded(gateway: Gateway, reader: Reader, record: Record) -> Record:
    """Leave out what nobody could read, once the subject takes part in any trial.

    A study's product under a code of the site is given to one arm only, and may come by
    its day or without a date. What had begun or was known before time zero stays.
    """
    if not any(concept == UNREAD for _, concept in record.facts):
        return record
    enrolments = [
        enrolment_of(_stored_subject(gateway, reader, record, protocol), gateway.site_map.zone)
        for protocol in gateway.catalog.protocols.values()
    ]
    zero = min((one.start for one in enrolments if one is not None), default=None)
    if zero is None:
        return record
    kept = [
        fact
        for group in record.facts.values()
        for fact in group
        if fact.concept != UNREAD
        or fact.known <= zero
        or (fact.start is not None and fact.start.latest < zero)
    ]
    return Record.of(record.subject, kept, as_of=record.as_of, known_at=record.known_at)


def enrolment_of(subject: "ResearchSubject | None", zone: tzinfo) -> Enrolment | None:
    """Return the enrolment a person gave a ResearchSubject, None while it is screened."""
    if subject is None or subject.status in BEFORE_ENROLMENT:
        return None
    if subject.period is None or not subject.period.start:
        return None
    start = parse_date_time(subject.period.start, zone)
    return Enrolment(start=start.latest, status=subject.status or "")


def first_dose_of(record: Record, start: datetime, zone: tzinfo) -> datetime | None:
    """Return when the investigational product was first given, None if it never was.

    A dose counts from the day of time zero on: either may be known by its day only.
    """
    zero = start.astimezone(zone).date()
    doses = [
        fact.start.latest
        for fact in record.of_concept(FactKind.MEDICATION, PRODUCT)
        if fact.status is FactStatus.USABLE
        and "administered" in fact.qualifiers
        and fact.start is not None
        and fact.start.latest.astimezone(zone).date() >= zero
    ]
    return min(doses, default=None)


def read_subject(stored: Stored | None) -> "ResearchSubject | None":
    """Decode a stored ResearchSubject, None where there is none."""
    if stored is None or stored.deleted:
        return None
    return cast("ResearchSubject", read_resource(stored.body, "ResearchSubject"))


def _stored_subject(
    gateway: Gateway, reader: Reader, record: Record, protocol: Protocol
) -> "ResearchSubject | None":
    identity = research_subject_id(site=gateway.site, subject=record.subject, trial=protocol.id)
    return read_subject(reader.current(gateway.site, "ResearchSubject", identity))


def _judge_one(gateway: Gateway, reader: Reader, record: Record, protocol: Protocol) -> Judged:
    site, subject = gateway.site, record.subject
    identity = research_subject_id(site=site, subject=subject, trial=protocol.id)
    stored = reader.current(site, "ResearchSubject", identity)
    known = read_subject(stored)
    enrolment = enrolment_of(known, gateway.site_map.zone)
    # The verdict that counts is the one at enrolment: what came after is follow-up.
    as_of = min(record.as_of, enrolment.start) if enrolment else record.as_of
    screened = record if as_of == record.as_of else record.at(as_of)
    verdict = screen(protocol, screened, gateway.rules)
    panel, *criteria = verdict_observations(verdict, site=site, subject=subject)
    person = research_subject(
        verdict,
        site=site,
        subject=subject,
        panel=panel.reference,
        current=None if stored is None else stored.body,
    )
    if enrolment:
        dose = first_dose_of(record, enrolment.start, gateway.site_map.zone)
        enrolment = replace(enrolment, first_dose=dose)
    results = assess(protocol, record, enrolment, gateway.rules) if enrolment else ()
    outcomes = tuple(
        outcome_observation(one, trial=protocol.id, site=site, subject=subject) for one in results
    )
    status = ""
    if known is not None:
        status = known.status or ""
    elif person is not None:
        status = MADE
    return Judged(
        protocol=protocol,
        verdict=verdict,
        as_of=as_of,
        status=status,
        beside=0 if stored is None else stored.version,
        derived=(panel, *criteria, *([person] if person else []), *outcomes),
        outcomes=outcomes,
        results=results,
    )
