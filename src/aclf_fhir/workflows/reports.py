"""The pooled report of a trial: counted from the outcomes that stand published to it."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from aclf_fhir.fhir import parse_date_time, read_resource
from aclf_fhir.publication import measure_report
from aclf_fhir.publication.trial_content import ANSWERS, protocol_system
from aclf_fhir.store import (
    Mark,
    Reader,
    ReferenceClause,
    SearchQuery,
    Sort,
    Stored,
    TokenClause,
    TokenValue,
    Transaction,
)
from aclf_fhir.trial import Protocol
from aclf_fhir.workflows.gateway import Gateway
from aclf_fhir.workflows.publishing import pages, put_derived, put_trial_derived
from aclf_fhir.workflows.verdicts import enrolment_of, read_subject

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4 import Observation

__all__ = ["STUDY", "publish_report"]

STUDY = "ResearchStudy/"
"""Begins the marks that stand for a trial's pooled report instead of a subject."""

_PAGE = 500


def publish_report(gateway: Gateway, reader: Reader, mark: Mark) -> None:
    """Count the outcomes of everybody on study, publish the report, clear the mark."""
    protocol = gateway.catalog.protocols.get(mark.subject.removeprefix(STUDY))
    report = None
    if protocol is not None and protocol.outcomes:
        starts = list(_starts(gateway, reader, protocol))
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        due: list[datetime] = []
        for outcome, answer, day in _answers(gateway, protocol):
            counts[outcome][answer] += 1
            due.append(day)
        if due:
            report = measure_report(protocol, counts, start=min(starts, default=None), end=max(due))

    def publish(tx: Transaction) -> None:
        if report is not None and protocol is not None:
            put_derived(tx, gateway, report)
            put_trial_derived(tx, gateway, protocol.id, report)
        tx.clear_mark(mark.site, mark.subject, mark.seq)

    gateway.store.write(publish)


def _starts(gateway: Gateway, reader: Reader, protocol: Protocol) -> Iterator[datetime]:
    query = SearchQuery(
        clauses=(ReferenceClause("study", (f"{STUDY}{protocol.id}",)),),
        sort=Sort.ARRIVAL,
        count=_PAGE,
    )
    found = pages(lambda one: reader.search(gateway.site, "ResearchSubject", one), query)
    for stored in found:
        enrolment = enrolment_of(read_subject(stored), gateway.site_map.zone)
        if stored.derived and enrolment is not None:
            yield enrolment.start


def _answers(gateway: Gateway, protocol: Protocol) -> Iterator[tuple[str, str, datetime]]:
    """Yield outcome, answer and due day of each outcome of a trial, as the trial sees it.

    What it may not see, because consent has ended, no count may tell it.
    """
    with gateway.store.read_trial(protocol.id) as zone:
        for outcome in protocol.outcomes:
            code = TokenClause("code", (TokenValue(protocol_system(protocol.id), outcome.id),))
            query = SearchQuery(clauses=(code,), sort=Sort.ARRIVAL, count=_PAGE)
            for stored in pages(lambda one: zone.search("Observation", one), query):
                answer, day = _answer(stored)
                yield outcome.id, answer, day


def _answer(stored: Stored) -> tuple[str, datetime]:
    """Read back what a published outcome says."""
    observation = cast("Observation", read_resource(stored.body, "Observation"))
    due = parse_date_time(observation.effective_date_time or "", UTC).earliest
    value = observation.value_codeable_concept
    if value is None:
        return "unknown", due
    codes = {coding.code for coding in value.coding or ()}
    return next(answer for answer, coding in ANSWERS.items() if coding.code in codes), due
