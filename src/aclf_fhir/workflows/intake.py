"""Intake: one pushed resource becomes a stored version, facts, and a mark to evaluate.

The steps, in the order they happen:

1. `prepare` validates the bytes and reads what they are (no store, no lock);
2. `apply` decides inside the transaction which resource they are a version of,
   and whether they say anything new;
3. `settle` maps the version to facts, keeps what has to wait, marks the subject;
4. whatever waited for this resource is settled again.

Nothing here answers before the transaction is durable: `workflows.bundles` and
`receive` return after the commit.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.fhir import parse_resource, read_resource, splice_references
from aclf_fhir.mapping.models import Disposition, Holding
from aclf_fhir.store import Stored, Transaction
from aclf_fhir.workflows.content import digest, says_the_same
from aclf_fhir.workflows.gateway import Gateway
from aclf_fhir.workflows.indexing import index_rows, subject_of
from aclf_fhir.workflows.preparing import (
    Incoming,
    Prepared,
    check_resolved,
    own_references,
    prepare,
)
from aclf_fhir.workflows.reviewing import check_review
from aclf_fhir.workflows.settling import BEGINNING, judge_anew, settle, wake
from aclf_fhir.workflows.subjects import check_arms, check_move, check_sole, check_whose

__all__ = [
    "Incoming",
    "Prepared",
    "Receipt",
    "apply",
    "identity_of",
    "prepare",
    "receive",
    "refuse",
]

Outcome = Literal["stored", "duplicate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of one pushed resource.

    Parameters
    ----------
    outcome
        `stored`, or `duplicate` where nothing new was said.
    created
        Whether it is the first version.
    disposition
        Mapped, not needed or held.
    rule
        The rule by which it is not needed.
    holdings
        Why it is held.
    body
        The current version's bytes as stored.
    """

    type: str
    id: str
    version: int
    last_updated: datetime
    outcome: Outcome
    created: bool
    disposition: Disposition | None
    rule: str
    holdings: tuple[Holding, ...]
    body: bytes


def receive(gateway: Gateway, incoming: Incoming, *, push: str) -> Receipt:
    """Take in one resource; return when it is durable.

    Raises
    ------
    AclfError
        If it is refused; nothing of it is stored then but the note that it was.
    """
    try:
        prepared = prepare(incoming)
        check_resolved(prepared, {})
        return gateway.store.write(lambda tx: apply(tx, gateway, prepared, {}, push=push))
    except AclfError as error:
        refuse(gateway, [(incoming, error)], push=push)
        raise


def refuse(gateway: Gateway, refused: list[tuple[Incoming, AclfError]], *, push: str) -> None:
    """Note refused entries, so that the accounting of the push adds up."""

    def note(tx: Transaction) -> None:
        for incoming, error in refused:
            tx.log(
                push,
                site=gateway.site,
                sequence=incoming.sequence,
                type_=incoming.type,
                id_=incoming.id or "",
                version=None,
                # Of a Bundle refused whole nobody knows what is in it: no entry is counted.
                outcome="unread" if _is_whole_bundle(incoming) else "refused",
                detail=_why(incoming, error),
            )

    gateway.store.write(note)


def _is_whole_bundle(incoming: Incoming) -> bool:
    return incoming.type == "Bundle" and not incoming.location


def _why(incoming: Incoming, error: AclfError) -> str:
    """Say why an entry is refused, its own place in a Bundle left out: alike reasons group."""
    issue = error.issues[0]
    place = issue.location
    if incoming.location and place.startswith(incoming.location):
        place = incoming.type + place.removeprefix(incoming.location)
    entry = incoming.location.removesuffix("resource")
    if entry and place.startswith(entry):
        place = place.removeprefix(entry)
    return ": ".join(part for part in (issue.category, place, issue.message) if part)


def apply(
    tx: Transaction,
    gateway: Gateway,
    prepared: Prepared,
    resolved: Mapping[str, str],
    *,
    push: str,
    new_id: str | None = None,
) -> Receipt:
    """Store a prepared resource and everything that follows from it.

    Parameters
    ----------
    resolved
        Reference text as sent to `Type/id`, for every urn and conditional reference.
    push
        Name of the push, for the accounting.
    new_id
        Id for a new resource, where a Bundle has given it already.

    Raises
    ------
    AclfError
        `conflict`, `forbidden`, `precondition` or, for a dangling reference, `invalid`.
    """
    incoming = prepared.incoming
    check_resolved(prepared, resolved)
    resource = prepared.resource
    body = incoming.body
    known = {**resolved, **own_references(body, resource, gateway.base)}
    if any(text.encode() in body for text in known):
        body = splice_references(body, known)
        resource = parse_resource(body, expected_type=incoming.type)
    site = gateway.site_map
    rows = index_rows(resource, incoming.type, site.zone, site.unique_identifiers)
    current = _current(tx, gateway, incoming, resource, rows.unique)
    _check_match(incoming, current)
    derived = current is not None and current.derived
    _check_person(tx, gateway, incoming, resource, current)
    if current is not None and not current.deleted and says_the_same(current.body, body):
        if current.disposition is Disposition.HELD:
            current = judge_anew(tx, gateway, current)
        return _receipt(tx, gateway, prepared, current, "duplicate", push=push)
    resource_id = current.id if current else incoming.id or new_id or str(uuid.uuid4())
    if incoming.type == "Patient":
        rows = replace(rows, subject=f"Patient/{resource_id}")
    stored = tx.put(
        gateway.site,
        incoming.type,
        resource_id,
        body,
        content_hash=digest(body),
        index=rows,
        derived=derived,
        received=incoming.body,
    )
    settle(tx, gateway, stored, resource, derived=derived)
    if derived:
        tx.mark(gateway.site, subject_of(resource), BEGINNING, "moved")
    wake(tx, gateway, f"{incoming.type}/{resource_id}")
    now = tx.current(gateway.site, incoming.type, resource_id)
    if now is None:
        raise AclfError.of(Category.FAULT, incoming.type, "was stored and is not there")
    return _receipt(
        tx, gateway, prepared, now, "stored", push=push, created=current is None or current.deleted
    )


def _current(
    tx: Transaction,
    gateway: Gateway,
    incoming: Incoming,
    resource: Any,
    unique: tuple[tuple[str, str], ...],
) -> Stored | None:
    """Find the resource these bytes are a version of; None if they are a new one."""
    site = gateway.site
    if incoming.method == "PUT" and incoming.id is not None:
        return tx.current(site, incoming.type, incoming.id)
    owners = {
        owner
        for system, value in unique
        if (owner := tx.by_identity(site, incoming.type, system, value)) is not None
    }
    if not owners:
        return None
    if len(owners) > 1:
        raise _conflict(incoming, "identifier", "names more than one stored resource")
    current = tx.current(site, incoming.type, owners.pop())
    if current is None or current.deleted:
        return current
    before = read_resource(current.body, incoming.type)
    for element in ("code", "subject", "specimen"):
        if getattr(before, element, None) != getattr(resource, element, None):
            raise _conflict(
                incoming,
                element,
                "differs from that of the stored resource with the same unique identifier",
            )
    return current


def _conflict(incoming: Incoming, element: str, message: str) -> AclfError:
    return AclfError.of(
        Category.CONFLICT,
        f"{incoming.location or incoming.type}.{element}",
        message,
        "An identifier of this system names one result; give another result another one.",
    )


def _check_person(
    tx: Transaction, gateway: Gateway, incoming: Incoming, resource: Any, current: Stored | None
) -> None:
    """Refuse what no person may do to a subject of our trials, or to what we derived."""
    trials = gateway.catalog.indexes(gateway.site).trials
    try:
        check_arms(resource, trials)
        if current is not None and current.derived:
            if current.type == "Task":
                check_review(current, resource, if_match=incoming.if_match)
            else:
                check_move(current, resource, if_match=incoming.if_match)
                check_sole(tx, gateway, current, resource)
        else:
            check_whose(resource, trials, site=gateway.site)
    except AclfError as error:
        raise error.under(incoming.location) from error


def _check_match(incoming: Incoming, current: Stored | None) -> None:
    if incoming.if_match is None:
        return
    version = incoming.if_match.removeprefix("W/").strip('"')
    if current is None or current.deleted or str(current.version) != version:
        raise AclfError.of(
            Category.PRECONDITION,
            incoming.location or incoming.type,
            "If-Match does not name the current version",
            "Read the resource again and decide on what it says now.",
        )


def _receipt(
    tx: Transaction,
    gateway: Gateway,
    prepared: Prepared,
    stored: Stored,
    outcome: Outcome,
    *,
    push: str,
    created: bool = False,
) -> Receipt:
    incoming = prepared.incoming
    tx.log(
        push,
        site=gateway.site,
        sequence=incoming.sequence,
        type_=incoming.type,
        id_=stored.id,
        version=stored.version,
        outcome=outcome,
    )
    holdings: tuple[Holding, ...] = ()
    if stored.disposition is Disposition.HELD:
        holdings = tuple(
            held.holding for held in tx.held_of(gateway.site, incoming.type, stored.id)
        )
    return Receipt(
        type=incoming.type,
        id=stored.id,
        version=stored.version,
        last_updated=stored.last_updated,
        outcome=outcome,
        created=created,
        disposition=stored.disposition,
        rule=stored.rule,
        holdings=holdings,
        body=stored.body,
    )


def identity_of(tx: Transaction, gateway: Gateway, prepared: Prepared) -> str | None:
    """Return the id of the stored resource that a unique identifier names, if one does."""
    site = gateway.site_map
    rows = index_rows(prepared.resource, prepared.incoming.type, site.zone, site.unique_identifiers)
    for system, value in rows.unique:
        owner = tx.by_identity(gateway.site, prepared.incoming.type, system, value)
        if owner is not None:
            return owner
    return None
