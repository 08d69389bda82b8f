"""Stored versions as they are sent, the same for every zone."""

from dataclasses import dataclass
from datetime import datetime

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.fhir import resource_types, splice_meta
from aclf_fhir.store import Page, SearchQuery, Stored

__all__ = [
    "SearchResult",
    "Served",
    "check_type",
    "present",
    "result_of",
    "served",
    "version_number",
]


_VERSION_DIGITS = 18
"""More are no version: the store counts in 64 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A resource version as it is sent: the stored bytes with id and meta spliced in."""

    type: str
    id: str
    version: int
    last_updated: datetime
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """One page of a search.

    Parameters
    ----------
    entries
        The matches, in order.
    total
        How many match on all pages, None if not counted.
    next_cursor
        Place of the next page, None after the last.
    pending
        Subjects that were still to be evaluated when the answer was given.
    """

    entries: tuple[Served, ...]
    total: int | None
    next_cursor: str | None
    pending: int


def result_of(page: Page, query: SearchQuery, pending: int) -> SearchResult:
    """Turn a page of the store into an answer."""
    return SearchResult(
        entries=tuple(served(stored) for stored in page.matches) if query.count else (),
        total=page.total,
        next_cursor=page.next_cursor,
        pending=pending,
    )


def served(stored: Stored) -> Served:
    """Splice id, version and lastUpdated into the stored bytes."""
    return Served(
        type=stored.type,
        id=stored.id,
        version=stored.version,
        last_updated=stored.last_updated,
        body=splice_meta(
            stored.body,
            id=stored.id,
            version_id=str(stored.version),
            last_updated=stored.last_updated,
        ),
    )


def check_type(type_: str) -> None:
    """Refuse a name that is no R4 resource type."""
    if type_ not in resource_types():
        raise AclfError.of(
            Category.NOT_FOUND,
            "",
            "is not a resource type of R4 4.0.1",
            "Check the spelling in the URL.",
        )


def present(stored: Stored | None, type_: str) -> Stored:
    """Return the version, or say that there is none or that it is a deletion."""
    if stored is None:
        raise AclfError.of(Category.NOT_FOUND, type_, "there is no such resource")
    if stored.deleted:
        raise AclfError.of(Category.GONE, type_, "has been deleted")
    return stored


def version_number(text: str) -> int | None:
    """Read the version in a URL; None if there can be no such version."""
    if not (text.isascii() and text.isdigit() and len(text) <= _VERSION_DIGITS):
        return None
    return int(text)
