"""What was pushed, validated and read, before any store is asked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from aclf_fhir.errors import AclfError, Category, Issue
from aclf_fhir.fhir import iter_references, parse_reference, parse_resource, resource_types

__all__ = ["Incoming", "Prepared", "check_resolved", "own_references", "prepare"]

_MAY_BE_UNRESOLVED = re.compile(rb'"reference"\s*:\s*"(?:urn:|[A-Za-z]+\?)|\\u').search
"""Finds a reference that is a urn or a search, and any escape in which one might hide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One resource as it was pushed.

    Parameters
    ----------
    method
        `POST` creates, `PUT` creates or updates under the sender's id.
    type
        Resource type of the URL.
    id
        Id of the URL; None for POST.
    body
        The bytes received.
    if_match
        Version the sender believes current (`If-Match: W/"3"`), or None.
    full_url
        `Bundle.entry.fullUrl`, by which other entries may point here.
    sequence
        Place in its push, from 0.
    location
        Prefix of issue locations, such as `Bundle.entry[3].resource`; "" outside a Bundle.
    """

    method: Literal["POST", "PUT"]
    type: str
    id: str | None
    body: bytes
    if_match: str | None = None
    full_url: str = ""
    sequence: int = 0
    location: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An incoming resource, validated and read."""

    incoming: Incoming
    resource: Any
    unresolved: tuple[tuple[str, str], ...]


def prepare(incoming: Incoming) -> Prepared:
    """Validate the bytes and read what they point at.

    Raises
    ------
    AclfError
        `not_found` for an unknown type, `unsupported` or, under an id, `forbidden` for a
        Bundle, `invalid` with every problem found.
    """
    if incoming.type not in resource_types():
        raise AclfError.of(
            Category.NOT_FOUND,
            incoming.location,
            "is not a resource type of R4 4.0.1",
            "Check the spelling in the URL.",
        )
    if incoming.type == "Bundle":
        # The Bundles that have an id here are signed documents, which nobody alters.
        raise AclfError.of(
            Category.FORBIDDEN if incoming.method == "PUT" else Category.UNSUPPORTED,
            incoming.location or "Bundle",
            "is not kept as a resource, for nothing in it would be used",
            "Send a batch or transaction to the base URL: POST /fhir.",
        )
    try:
        resource = parse_resource(incoming.body, expected_type=incoming.type)
        _check_id(incoming, resource)
    except AclfError as error:
        raise error.under(incoming.location) from error
    return Prepared(
        incoming=incoming, resource=resource, unresolved=_unresolved(incoming.body, resource)
    )


def _unresolved(body: bytes, resource: Any) -> tuple[tuple[str, str], ...]:
    """List place and text of the references that only the gateway can resolve."""
    if not _MAY_BE_UNRESOLVED(body):
        return ()  # most resources: spares the walk over all their elements
    return tuple(
        (f"{path}.reference", reference.reference)
        for path, reference in iter_references(resource)
        if reference.reference
        and parse_reference(reference.reference).kind in {"urn", "conditional"}
    )


def _check_id(incoming: Incoming, resource: Any) -> None:
    if incoming.method == "PUT" and resource.id != incoming.id:
        raise AclfError.of(
            Category.INVALID,
            f"{incoming.type}.id",
            "is not the id of the URL",
            "R4 §3.1.0.4: an update carries its id in the body and in the URL.",
        )


def own_references(body: bytes, resource: Any, base: str) -> dict[str, str]:
    """Return the absolute references to this very server, and what they are here."""
    if not base or base.encode() not in body:
        return {}
    prefix = f"{base}/"
    return {
        reference.reference: reference.reference.removeprefix(prefix)
        for _, reference in iter_references(resource)
        if reference.reference and reference.reference.startswith(prefix)
    }


def check_resolved(prepared: Prepared, resolved: Mapping[str, str]) -> None:
    """Refuse references that only the gateway could resolve and that it cannot."""
    issues = [
        Issue(
            Category.INVALID,
            path,
            "points at nothing in this Bundle and at no stored resource",
            "Send the target in the same transaction, or a literal reference.",
        )
        for path, text in prepared.unresolved
        if text not in resolved
    ]
    if issues:
        raise AclfError(*issues).under(prepared.incoming.location)
