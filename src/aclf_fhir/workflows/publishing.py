"""Writing derived resources: only what says something new becomes a version."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from aclf_fhir.fhir import read_resource
from aclf_fhir.publication import Derived, revise
from aclf_fhir.record import SourceVersion
from aclf_fhir.store import IndexRows, Page, SearchQuery, Stored, Transaction
from aclf_fhir.workflows.content import digest
from aclf_fhir.workflows.gateway import Gateway
from aclf_fhir.workflows.indexing import index_rows

__all__ = ["pages", "put_derived", "put_trial_derived"]


def pages(search: Callable[[SearchQuery], Page], query: SearchQuery) -> Iterator[Stored]:
    """Yield every match of a search, page after page."""
    while True:
        page = search(query)
        yield from page.matches
        if page.next_cursor is None:
            return
        query = replace(query, cursor=page.next_cursor)


def put_derived(tx: Transaction, gateway: Gateway, derived: Derived) -> SourceVersion | None:
    """Store a derived resource of the site zone; return its new version, None if unchanged."""
    stored = tx.current(gateway.site, derived.type, derived.id)
    fresh: Derived | None = derived
    if stored is not None and not stored.deleted:
        fresh = revise(stored.body, derived)
    if fresh is None:
        return None
    version = tx.put(
        gateway.site,
        fresh.type,
        fresh.id,
        fresh.body,
        content_hash=digest(fresh.body),
        index=_rows(gateway, fresh),
        derived=True,
    )
    return SourceVersion(fresh.type, fresh.id, version.version)


def put_trial_derived(tx: Transaction, gateway: Gateway, trial: str, derived: Derived) -> bool:
    """Store a derived resource of a trial's zone; return whether it said anything new."""
    stored = tx.trial_current(trial, derived.type, derived.id)
    fresh: Derived | None = derived
    if stored is not None and not stored.deleted:
        fresh = revise(stored.body, derived)
    if fresh is None:
        return False
    tx.put_trial(
        trial,
        fresh.type,
        fresh.id,
        fresh.body,
        content_hash=digest(fresh.body),
        index=_rows(gateway, fresh),
    )
    return True


def _rows(gateway: Gateway, derived: Derived) -> IndexRows:
    """Index a derived resource."""
    resource = read_resource(derived.body, derived.type)
    rows = index_rows(resource, derived.type, gateway.site_map.zone)
    if derived.subject and not rows.subject:
        return replace(rows, subject=f"Patient/{derived.subject}")
    return rows
