"""Reads of the site zone: what was pushed and what was derived, alike."""

from collections.abc import Iterable

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.fhir import read_resource
from aclf_fhir.workflows.evaluating import ensure_evaluated
from aclf_fhir.workflows.gateway import Gateway
from aclf_fhir.workflows.history import History, history_of, read_span
from aclf_fhir.workflows.indexing import subject_of
from aclf_fhir.workflows.queries import build_query, subjects_asked
from aclf_fhir.workflows.serving import (
    SearchResult,
    Served,
    check_type,
    present,
    result_of,
    served,
    version_number,
)
from aclf_fhir.workflows.subject_lists import publish_subject_lists

__all__ = ["DERIVED_TYPES", "history", "read", "search", "vread"]

DERIVED_TYPES = frozenset(
    {"Observation", "ResearchSubject", "MeasureReport", "Provenance", "Task", "List"}
)
"""Types of which some resources are derived: reading them waits for the evaluation."""


def read(gateway: Gateway, type_: str, id_: str) -> Served:
    """Return the current version of a resource.

    Raises
    ------
    AclfError
        `not_found`, `gone` if it was deleted.
    """
    check_type(type_)
    if type_ in DERIVED_TYPES:
        _bring_up(gateway, type_, _subject_of(gateway, type_, id_))
    with gateway.store.read() as reader:
        stored = reader.current(gateway.site, type_, id_)
    return served(present(stored, type_))


def vread(gateway: Gateway, type_: str, id_: str, version: str) -> Served:
    """Return one version of a resource, current or not.

    Raises
    ------
    AclfError
        `not_found`, `gone` if that version is a deletion.
    """
    check_type(type_)
    stored, number = None, version_number(version)
    if number is not None:
        with gateway.store.read() as reader:
            stored = reader.version(gateway.site, type_, id_, number)
    return served(present(stored, type_))


def history(
    gateway: Gateway,
    type_: str,
    id_: str,
    parameters: Iterable[tuple[str, str]],
    *,
    cursor: str | None = None,
    lenient: bool = False,
) -> History:
    """Return the versions of a resource, newest first, deletions among them.

    Parameters
    ----------
    parameters
        `_count` and `_since`, as in the URL.
    cursor
        Place of the page to return.
    lenient
        Leave out what is not known instead of refusing it.

    Raises
    ------
    AclfError
        `not_found` if there never was such a resource, `invalid` for parameters it
        cannot read.
    """
    check_type(type_)
    asked = read_span(parameters, zone=gateway.site_map.zone, cursor=cursor, lenient=lenient)
    if type_ in DERIVED_TYPES:
        _bring_up(gateway, type_, _subject_of(gateway, type_, id_))
    with gateway.store.read() as reader:
        if reader.current(gateway.site, type_, id_) is None:
            raise AclfError.of(Category.NOT_FOUND, type_, "there is no such resource")
        found = reader.history(
            gateway.site,
            type_,
            id_,
            since=asked.since,
            before=asked.before,
            count=asked.count + 1,
        )
    return history_of(found, asked)


def search(
    gateway: Gateway,
    type_: str,
    parameters: Iterable[tuple[str, str]],
    *,
    cursor: str | None = None,
    lenient: bool = False,
) -> SearchResult:
    """Search the current resources of a type; marked subjects are evaluated first.

    Raises
    ------
    AclfError
        `not_found` for an unknown type, `invalid` for parameters it cannot read.
    """
    check_type(type_)
    query = build_query(
        type_,
        parameters,
        zone=gateway.site_map.zone,
        now=gateway.clock(),
        cursor=cursor,
        lenient=lenient,
    )
    pending = 0
    if type_ in DERIVED_TYPES:
        pending = _bring_up(gateway, type_, subjects_asked(query))
    with gateway.store.read() as reader:
        page = reader.search(gateway.site, type_, query)
    return result_of(page, query, pending)


def _bring_up(gateway: Gateway, type_: str, subjects: tuple[str, ...] | None) -> int:
    """Evaluate whom a read is about, and write the Lists; return who is still pending."""
    pending = ensure_evaluated(gateway, subjects)
    if type_ == "List" and subjects is None:
        publish_subject_lists(gateway)
    return pending


def _subject_of(gateway: Gateway, type_: str, id_: str) -> tuple[str, ...] | None:
    """Return whose evaluation a read has to wait for; nobody's for what was pushed."""
    with gateway.store.read() as reader:
        stored = reader.current(gateway.site, type_, id_)
        if stored is None:
            return None
    if not stored.derived or stored.deleted:
        return ()
    subject = subject_of(read_resource(stored.body, type_))
    return (subject,) if subject else None
