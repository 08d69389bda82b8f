"""Bundles pushed to `/fhir`: a batch entry by entry, a transaction whole or not at all.

R4 4.0.1 http.html#transaction. In a transaction every new resource is given its
id before anything is stored, so entries may point at each other in any order; in
both kinds the answers keep the order of the entries. What is wrong with one entry, its
request included, is that entry's own: the others of a batch are taken in.
"""

import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from aclf_fhir.errors import MOST_ISSUES, AclfError, Category, Issue, first_issues
from aclf_fhir.fhir import (
    BundleEntry,
    BundleParts,
    parse_reference,
    resource_type_of,
    split_requests,
)
from aclf_fhir.store import Transaction
from aclf_fhir.workflows.gateway import Gateway
from aclf_fhir.workflows.intake import (
    Incoming,
    Prepared,
    Receipt,
    apply,
    identity_of,
    prepare,
    refuse,
)
from aclf_fhir.workflows.queries import find_one

__all__ = ["BundleReceipt", "receive_bundle"]

_ENTRY = re.compile(r"Bundle\.entry\[(\d+)\]").match
_FIRST = ("Organization", "Practitioner", "Patient", "Encounter", "Specimen", "Medication")
"""Stored first in a transaction, so that what points at them need not wait for them."""


@dataclass(frozen=True, slots=True)
class BundleReceipt:
    """What became of a Bundle: a receipt or an error per entry, in their order."""

    type: Literal["batch", "transaction"]
    entries: tuple[Receipt | AclfError, ...]


def receive_bundle(gateway: Gateway, body: bytes, *, push: str, max_entries: int) -> BundleReceipt:
    """Take in a batch or transaction; return when all that is kept is durable.

    Raises
    ------
    AclfError
        If the Bundle itself is invalid, or a transaction cannot be kept whole: every
        problem of every entry, each with its place; nothing is stored then but the note
        that it was refused.
    """
    try:
        parts = _readable(body, max_entries)
    except AclfError as error:
        refuse(
            gateway, [(Incoming(method="POST", type="Bundle", id=None, body=b""), error)], push=push
        )
        raise
    if parts.type == "batch":
        return BundleReceipt("batch", _batch(gateway, parts.entries, push))
    return BundleReceipt("transaction", _transaction(gateway, parts.entries, push))


def _readable(body: bytes, max_entries: int) -> BundleParts:
    """Take a Bundle apart, or refuse it whole."""
    parts = split_requests(body)
    if parts.type not in {"batch", "transaction"}:
        raise AclfError.of(
            Category.INVALID,
            "Bundle.type",
            "is neither batch nor transaction",
            "This endpoint takes in Bundles of these two types only.",
        )
    if len(parts.entries) > max_entries:
        raise AclfError.of(
            Category.TOO_LARGE,
            "Bundle.entry",
            f"has more than {max_entries} entries",
            "Send it in several Bundles.",
        )
    return parts


def _batch(
    gateway: Gateway, entries: Sequence[BundleEntry], push: str
) -> tuple[Receipt | AclfError, ...]:
    """Take in each entry on its own; all of them share as few commits as can be."""
    answers: dict[int, Receipt | AclfError] = {}
    refused: list[tuple[Incoming, AclfError]] = []
    ready = []
    for entry in entries:
        incoming = _incoming(entry)
        try:
            ready.append((entry.index, prepare(_requested(entry, incoming))))
        except AclfError as error:
            answers[entry.index] = error
            refused.append((incoming, error))
    pending = [
        (index, prepared, gateway.store.submit(_one(gateway, prepared, push)))
        for index, prepared in ready  # together, for what comes in dribs is committed in dribs
    ]
    for index, prepared, future in pending:
        try:
            answers[index] = future.result()
        except AclfError as error:
            answers[index] = error
            refused.append((prepared.incoming, error))
    if refused:
        refuse(gateway, refused, push=push)
    return tuple(answers[entry.index] for entry in entries)


def _one(gateway: Gateway, prepared: Prepared, push: str) -> Callable[[Transaction], Receipt]:
    def work(tx: Transaction) -> Receipt:
        resolved = _conditional(tx, gateway, [prepared])
        return apply(tx, gateway, prepared, resolved, push=push)

    return work


def _transaction(
    gateway: Gateway, entries: Sequence[BundleEntry], push: str
) -> tuple[Receipt | AclfError, ...]:
    issues: list[Issue] = []
    prepared: list[Prepared] = []
    for entry in entries:
        incoming = _incoming(entry)
        try:
            prepared.append(prepare(_requested(entry, incoming)))
        except AclfError as error:
            issues.extend(error.issues)
            if len(issues) > MOST_ISSUES:
                break
    issues.extend(_repeated(prepared))
    try:
        return _whole(gateway, prepared, issues, push)
    except AclfError as error:
        refuse(gateway, [(_incoming(entry), _own(entry, error)) for entry in entries], push=push)
        raise


def _own(entry: BundleEntry, error: AclfError) -> AclfError:
    """Say of a failed transaction why one entry is refused: for itself, or with another."""
    issues = [issue for issue in error.issues if _entry_of(issue) == entry.index]
    if issues:
        return AclfError(*issues)
    culprit = next((at for at in map(_entry_of, error.issues) if at is not None), None)
    if culprit is None:  # the transaction as such failed
        return error
    message = f"refused with entry {culprit} of its transaction"
    return AclfError.of(error.category, "", message)


def _entry_of(issue: Issue) -> int | None:
    found = _ENTRY(issue.location)
    return int(found[1]) if found else None


def _whole(
    gateway: Gateway, prepared: list[Prepared], issues: list[Issue], push: str
) -> tuple[Receipt, ...]:
    if issues:
        raise AclfError(*first_issues(issues))
    return gateway.store.write(lambda tx: _all(tx, gateway, prepared, push))


def _all(
    tx: Transaction, gateway: Gateway, prepared: list[Prepared], push: str
) -> tuple[Receipt, ...]:
    resolved = _conditional(tx, gateway, prepared)
    ids: dict[int, str] = {}
    for one in prepared:
        incoming = one.incoming
        ids[incoming.sequence] = incoming.id or identity_of(tx, gateway, one) or str(uuid.uuid4())
        if incoming.full_url:
            named = f"{incoming.type}/{ids[incoming.sequence]}"
            resolved |= {text: named for text in _names(incoming.full_url) if text != named}
    receipts = {
        one.incoming.sequence: apply(
            tx, gateway, one, resolved, push=push, new_id=ids[one.incoming.sequence]
        )
        for one in sorted(prepared, key=_precedence)
    }
    return tuple(receipts[one.incoming.sequence] for one in prepared)


def _names(full_url: str) -> tuple[str, ...]:
    """Return the texts by which other entries may point at an entry (R4 bundle.html#references)."""
    if full_url.startswith("urn:"):
        return (full_url,)
    parsed = parse_reference(full_url)
    return (full_url, f"{parsed.type}/{parsed.id}") if parsed.type else (full_url,)


def _precedence(prepared: Prepared) -> int:
    kind = prepared.incoming.type
    return _FIRST.index(kind) if kind in _FIRST else len(_FIRST)


def _conditional(tx: Transaction, gateway: Gateway, prepared: list[Prepared]) -> dict[str, str]:
    """Resolve every conditional reference that names exactly one stored resource."""
    resolved: dict[str, str] = {}
    issues: list[Issue] = []
    for one in prepared:
        for path, text in one.unresolved:
            if text in resolved or parse_reference(text).kind != "conditional":
                continue
            try:
                found = find_one(tx, gateway, text)
            except AclfError as error:
                place = Issue(Category.INVALID, path, "").under(one.incoming.location).location
                issues += [
                    Issue(
                        Category.INVALID, place, f"{issue.location}: {issue.message}", issue.remedy
                    )
                    for issue in error.issues
                ]
                continue
            if found is not None:
                resolved[text] = found
    if issues:
        raise AclfError(*issues)
    return resolved


def _repeated(prepared: list[Prepared]) -> list[Issue]:
    """Refuse two entries that would write the same resource (R4 http.html#trules)."""
    seen: dict[tuple[str, str], int] = {}
    issues = []
    for one in prepared:
        incoming = one.incoming
        if incoming.id is None:
            continue
        first = seen.setdefault((incoming.type, incoming.id), incoming.sequence)
        if first != incoming.sequence:
            issues.append(
                Issue(
                    Category.INVALID,
                    incoming.location,
                    f"writes the same resource as Bundle.entry[{first}]",
                    "Name each resource once in a transaction.",
                )
            )
    return issues


def _incoming(entry: BundleEntry) -> Incoming:
    """Read a request line as far as it can be read; `_requested` checks it."""
    path = (entry.url or "").split("?", 1)[0].strip("/")
    resource_type, _, resource_id = path.partition("/")
    if entry.issues and entry.resource is not None:
        resource_type = resource_type_of(entry.resource) or resource_type
    method = entry.method if entry.method in {"POST", "PUT"} else "POST"
    return Incoming(
        method=cast("Literal['POST', 'PUT']", method),
        type=resource_type,
        id=resource_id or None,
        body=entry.resource or b"",
        if_match=entry.if_match or None,
        full_url=entry.full_url or "",
        sequence=entry.index,
        location=f"Bundle.entry[{entry.index}].resource",
    )


def _requested(entry: BundleEntry, incoming: Incoming) -> Incoming:
    """Return the incoming resource, or refuse what the entry asks for."""
    request = f"Bundle.entry[{entry.index}].request"
    if entry.issues:
        raise AclfError(*entry.issues)
    if entry.method not in {"POST", "PUT"}:
        raise AclfError.of(
            Category.UNSUPPORTED,
            f"{request}.method",
            "is not supported in a Bundle; POST and PUT are",
            "Send reads and searches as requests of their own.",
        )
    if entry.if_none_exist or entry.if_none_match or "?" in (entry.url or ""):
        raise AclfError.of(
            Category.UNSUPPORTED,
            request,
            "asks for a conditional create or update, which is not supported yet",
            "Send an identifier of a system that the site declares unique instead.",
        )
    if entry.resource is None:
        raise AclfError.of(
            Category.INVALID,
            f"Bundle.entry[{entry.index}].resource",
            "is missing",
            "POST and PUT carry a resource.",
        )
    if (entry.method == "PUT") != (incoming.id is not None):
        raise AclfError.of(
            Category.INVALID,
            f"{request}.url",
            "does not fit its method",
            "POST goes to `Type`, PUT to `Type/id`.",
        )
    return incoming
