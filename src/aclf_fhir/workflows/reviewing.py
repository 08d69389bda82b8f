"""Signed decisions after new knowledge: a person is asked where one would now fall otherwise.

Each evaluation of a subject judges every signed T again with all that is known now and holds
the result against the document, which stays as it is. A criterion that differs opens a
Task; what becomes of it is a person's to say.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.fhir import read_resource
from aclf_fhir.publication import (
    Derived,
    Finding,
    SignedDecision,
    findings,
    read_signed,
    research_subject_id,
    review_id,
    review_task,
)
from aclf_fhir.record import Fact, Record
from aclf_fhir.store import (
    Reader,
    SearchQuery,
    Sort,
    Stored,
    SubjectClause,
    TokenClause,
    TokenValue,
    Transaction,
)
from aclf_fhir.trial import Protocol, screen
from aclf_fhir.workflows.gateway import Gateway, rule_versions
from aclf_fhir.workflows.publishing import pages

__all__ = [
    "Reviewed",
    "check_review",
    "protocol_rules",
    "review",
    "review_tasks",
    "signed_decisions",
]

_PAGE = 100
_ANSWERS = frozenset({"in-progress", "completed", "cancelled"})
"""What a person may make of a Task."""
_A_PERSONS = frozenset({"id", "meta", "note", "status"})
"""Elements that may differ from what is stored; `meta` is what the server splices in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """A signed decision, and each of its criteria as it would be now."""

    decision: SignedDecision
    protocol: Protocol
    findings: tuple[Finding, ...]


def signed_decisions(gateway: Gateway, reader: Reader, subject: str) -> Iterator[SignedDecision]:
    """Yield what has been signed about a subject, the oldest first."""
    query = SearchQuery(
        clauses=(
            SubjectClause((f"Patient/{subject}",)),
            TokenClause("type", (TokenValue(None, "document"),)),
        ),
        sort=Sort.ARRIVAL,
        count=_PAGE,
    )
    for stored in pages(lambda one: reader.search(gateway.site, "Bundle", one), query):
        if stored.derived:
            yield read_signed(stored.body)


def protocol_rules(gateway: Gateway, protocol: Protocol) -> dict[str, str]:
    """Return the versions of the rules by which one protocol judges."""
    scores = sorted(name for kind, name in protocol.references() if kind == "score")
    return rule_versions(gateway, [protocol], scores)


def review(
    gateway: Gateway, reader: Reader, subject: str, facts: Sequence[Fact]
) -> tuple[Reviewed, ...]:
    """Judge what was signed about a subject again, with all that is known now.

    A trial whose protocol is not installed any more is left out: nobody can judge it.
    """
    return tuple(
        _judged(gateway, reader, decision, protocol, subject, facts)
        for decision in signed_decisions(gateway, reader, subject)
        if (protocol := gateway.catalog.protocols.get(decision.trial)) is not None
    )


def _judged(
    gateway: Gateway,
    reader: Reader,
    decision: SignedDecision,
    protocol: Protocol,
    subject: str,
    facts: Sequence[Fact],
) -> Reviewed:
    record = Record.of(subject, facts, as_of=decision.as_of, known_at=reader.watermark())
    verdict = screen(protocol, record, gateway.rules)
    return Reviewed(decision=decision, protocol=protocol, findings=findings(decision, verdict))


def review_tasks(
    tx: Transaction, gateway: Gateway, subject: str, reviewed: Sequence[Reviewed]
) -> Iterator[Derived]:
    """Yield the Tasks that have something new to ask or to note."""
    for one in reviewed:
        focus = research_subject_id(site=gateway.site, subject=subject, trial=one.protocol.id)
        for finding in one.findings:
            identity = review_id(
                site=gateway.site, document=one.decision.id, criterion=finding.criterion
            )
            stored = tx.current(gateway.site, "Task", identity)
            task = review_task(
                finding,
                one.decision,
                site=gateway.site,
                subject=subject,
                focus=f"ResearchSubject/{focus}",
                versions=protocol_rules(gateway, one.protocol),
                authored=tx.known,
                current=None if stored is None else stored.body,
            )
            if task is not None:
                yield task


def check_review(current: Stored, resource: Any, *, if_match: str | None) -> None:
    """Refuse every change of a Task but a person's answer: `status`, and a `note` on why.

    Parameters
    ----------
    current
        The Task as stored.
    resource
        What the client sent in its place.
    if_match
        Version the client decided on; required.

    Raises
    ------
    AclfError
        `precondition` without If-Match, `forbidden` for anything else than an answer.
    """
    if if_match is None:
        raise AclfError.of(
            Category.PRECONDITION,
            "Task",
            "If-Match is missing",
            "Read the Task, decide, and send the version you read as If-Match.",
        )
    before: Any = read_resource(current.body, "Task")
    changed = [
        name
        for name in type(before).__struct_fields__
        if name not in _A_PERSONS and getattr(before, name) != getattr(resource, name)
    ]
    if changed:
        raise AclfError.of(
            Category.FORBIDDEN,
            "Task",
            f"{', '.join(changed)}: the gateway's to write",
            "Send the Task as read, with another status or a note.",
        )
    if resource.status not in _ANSWERS and resource.status != before.status:
        raise AclfError.of(
            Category.FORBIDDEN,
            "Task.status",
            "is the gateway's to write",
            f"A person may answer {', '.join(sorted(_ANSWERS))}.",
        )
