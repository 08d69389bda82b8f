"""Bundles, taken apart without decoding what their entries carry.

Each entry's resource stays the bytes that were received: a bad one is reported
with its own index, and what is stored is what was sent.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import msgspec

from aclf_fhir.errors import Issue
from aclf_fhir.fhir.r4.bundle import Bundle, BundleEntryRequest
from aclf_fhir.fhir.strict_json import MAX_DEPTH
from aclf_fhir.fhir.validation import parse_envelope

__all__ = ["BundleEntry", "BundleParts", "entry_issues", "split_bundle"]

_NO_REQUEST = BundleEntryRequest()


@dataclass(frozen=True, slots=True)
class BundleEntry:
    """One entry of a Bundle.

    Parameters
    ----------
    index
        Its place, from 0.
    full_url
        `fullUrl`, or None.
    resource
        The resource exactly as received, or None. Not yet validated.
    method, url
        What `request` asks for, or None.
    if_none_exist, if_match, if_none_match, if_modified_since
        The conditions of `request`, or None.
    """

    index: int
    full_url: str | None
    resource: bytes | None
    method: str | None
    url: str | None
    if_none_exist: str | None
    if_match: str | None
    if_none_match: str | None
    if_modified_since: str | None

    @property
    def location(self) -> str:
        """FHIRPath of the entry."""
        return f"Bundle.entry[{self.index}]"


@dataclass(frozen=True, slots=True)
class BundleParts:
    """A Bundle's type and its entries in order."""

    type: str | None
    entries: tuple[BundleEntry, ...]


def split_bundle(body: bytes, *, max_depth: int = MAX_DEPTH) -> BundleParts:
    """Validate a Bundle around its resources, and take it apart.

    Raises
    ------
    AclfError
        `invalid`, with every problem of the Bundle itself; what is wrong inside
        `entry.resource` shows when that entry is parsed.
    """
    bundle = cast("Bundle", parse_envelope(body, "Bundle", max_depth=max_depth))
    entries = []
    for index, entry in enumerate(bundle.entry or ()):
        request = entry.request or _NO_REQUEST
        entries.append(
            BundleEntry(
                index,
                entry.full_url,
                _received(entry.resource),
                request.method,
                request.url,
                request.if_none_exist,
                request.if_match,
                request.if_none_match,
                request.if_modified_since,
            )
        )
    return BundleParts(bundle.type, tuple(entries))


def entry_issues(issues: Iterable[Issue], index: int) -> tuple[Issue, ...]:
    """Return issues of an entry's resource with locations inside the Bundle.

    `Observation.status` becomes `Bundle.entry[3].resource.status`.
    """
    return tuple(issue.under(f"Bundle.entry[{index}].resource") for issue in issues)


def _received(raw: msgspec.Raw | None) -> bytes | None:
    return None if raw is None else bytes(raw)
