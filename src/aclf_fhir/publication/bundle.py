"""Bundles around stored resources, whose bytes are spliced in and never parsed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from aclf_fhir.fhir import format_instant
from aclf_fhir.publication.derived import Json, write
from aclf_fhir.publication.elements import compact

__all__ = ["BundleEntry", "BundleType", "bundle_bytes"]

BundleType = Literal[
    "batch-response", "transaction-response", "searchset", "history", "collection", "document"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleEntry:
    """One entry of a Bundle.

    Parameters
    ----------
    full_url
        Absolute URL of the resource, or "".
    resource
        The resource as stored, or None (a response without a body, a deletion).
    mode
        Why a searchset holds it; None elsewhere.
    method, url
        The request a history entry or a response answers to; "" elsewhere.
    status
        HTTP status of a response or a history entry, `201 Created`; "" elsewhere.
    location, etag, last_modified, outcome
        The rest of a response; `outcome` is an OperationOutcome.
    """

    full_url: str = ""
    resource: bytes | None = None
    mode: Literal["match", "include", "outcome"] | None = None
    method: str = ""
    url: str = ""
    status: str = ""
    location: str = ""
    etag: str = ""
    last_modified: datetime | None = None
    outcome: bytes | None = None


def bundle_bytes(
    type_: BundleType,
    entries: Iterable[BundleEntry],
    links: Iterable[tuple[str, str]] = (),
    total: int | None = None,
) -> bytes:
    """Write a Bundle.

    Parameters
    ----------
    type_
        Bundle.type.
    entries
        In the order to be sent.
    links
        Relation and URL: `self`, `next` …
    total
        Number of matches of a search or history, None if it was not counted.
    """
    bundle = compact(
        resourceType="Bundle",
        type=type_,
        total=total,
        link=[{"relation": relation, "url": url} for relation, url in links],
        entry=[_entry(entry) for entry in entries],
    )
    return write(bundle)


def _entry(entry: BundleEntry) -> Json:
    return compact(
        fullUrl=entry.full_url,
        resource=_raw(entry.resource),
        search={"mode": entry.mode} if entry.mode else None,
        request=compact(method=entry.method, url=entry.url),
        response=compact(
            status=entry.status,
            location=entry.location,
            etag=entry.etag,
            lastModified=format_instant(entry.last_modified) if entry.last_modified else None,
            outcome=_raw(entry.outcome),
        ),
    )


def _raw(resource: bytes | None) -> msgspec.Raw | None:
    return None if resource is None else msgspec.Raw(resource)
