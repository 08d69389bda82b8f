"""The List of each trial's subjects: written when it is asked for and has something new to say.

It changes with every verdict and with every move, of anybody. Nothing is computed from it, so it
is not kept up to date while nobody looks: it would be written as often as its subjects.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, cast

from aclf_fhir.fhir import parse_date_time, read_resource
from aclf_fhir.publication import (
    Listed,
    machine_verdict,
    subject_list,
    subject_list_id,
)
from aclf_fhir.store import Reader, ReferenceClause, SearchQuery, Sort, Stored
from aclf_fhir.trial import Protocol
from aclf_fhir.workflows.gateway import Gateway
from aclf_fhir.workflows.publishing import pages, put_derived

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4 import List, ResearchSubject

__all__ = ["publish_subject_lists"]

_PAGE = 500


def publish_subject_lists(gateway: Gateway) -> None:
    """Bring the List of each trial up to its subjects as they stand."""
    for protocol in gateway.catalog.protocols.values():
        with gateway.evaluating:  # so that an older view never overwrites a newer one
            with gateway.store.read() as reader:
                identity = subject_list_id(site=gateway.site, trial=protocol.id)
                stored = reader.current(gateway.site, "List", identity)
                if stored is not None and not _moved_since(gateway, reader, protocol, stored):
                    continue
                listed = _listed(gateway, reader, protocol, stored)
                fresh = subject_list(protocol, listed, site=gateway.site)
            gateway.store.write(partial(put_derived, gateway=gateway, derived=fresh))


def _query(protocol: Protocol, sort: Sort, count: int) -> SearchQuery:
    study = ReferenceClause("study", (f"ResearchStudy/{protocol.id}",))
    return SearchQuery(clauses=(study,), sort=sort, count=count, total=False)


def _moved_since(gateway: Gateway, reader: Reader, protocol: Protocol, stored: Stored) -> bool:
    """Say whether any subject was written after the List was."""
    newest = _query(protocol, Sort.LAST_UPDATED_DESC, 1)
    found = reader.search(gateway.site, "ResearchSubject", newest).matches
    return any(one.last_updated >= stored.last_updated for one in found)


def _listed(
    gateway: Gateway, reader: Reader, protocol: Protocol, before: Stored | None
) -> Iterator[Listed]:
    """Yield every subject of a trial that the gateway made, as it stands."""
    dates = _dates(before)
    query = _query(protocol, Sort.ARRIVAL, _PAGE)
    for stored in pages(lambda one: reader.search(gateway.site, "ResearchSubject", one), query):
        if not stored.derived or stored.deleted:
            continue
        verdict, status = _says(stored)
        reference = f"ResearchSubject/{stored.id}"
        since = dates.get(reference)
        if since is None or before is None or stored.last_updated >= before.last_updated:
            since = _since(gateway, reader, stored)
        yield Listed(reference=reference, verdict=verdict, status=status, since=since)


def _dates(stored: Stored | None) -> dict[str, datetime]:
    """Return the dates of the entries as they stand, by subject."""
    if stored is None or stored.deleted:
        return {}
    said = cast("List", read_resource(stored.body, "List"))
    return {
        entry.item.reference: parse_date_time(entry.date, UTC).earliest
        for entry in said.entry or ()
        if entry.item.reference and entry.date
    }


def _says(stored: Stored) -> tuple[str, str]:
    subject = cast("ResearchSubject", read_resource(stored.body, "ResearchSubject"))
    return machine_verdict(subject), subject.status or ""


def _since(gateway: Gateway, reader: Reader, stored: Stored) -> datetime:
    """Return when a subject got the verdict and the status it has."""
    since, says = stored.last_updated, _says(stored)
    versions = reader.history(gateway.site, stored.type, stored.id, count=stored.version)
    for version in takewhile(lambda one: _says(one) == says, versions):
        since = version.last_updated
    return since
