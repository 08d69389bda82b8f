"""`/trials/{id}/fhir`: what a trial system may read; pseudonymised, blinded, read-only.

This module knows the trial's desk and nothing else: it has no way to a store, to
the site's zone or to any identified resource.
"""

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from aclf_fhir.api.answers import FhirResponse, resource, searchset
from aclf_fhir.api.asking import (
    CURSOR,
    acceptable,
    asked,
    base_url,
    form_of,
    page_links,
    preferences,
)
from aclf_fhir.api.capability import trial_statement
from aclf_fhir.errors import AclfError, Category
from aclf_fhir.workflows.trial_reading import (
    TRIAL_TYPES,
    TrialDesk,
    trial_read,
    trial_search,
    trial_vread,
)

__all__ = ["router"]

router = APIRouter(
    prefix="/{trial}/fhir",
    tags=["Trial zone"],
    dependencies=[Depends(acceptable)],
    default_response_class=FhirResponse,
)


def _desk(request: Request, trial: str) -> TrialDesk:
    desks: dict[str, TrialDesk] = request.app.state.desks
    if trial not in desks:
        raise AclfError.of(
            Category.NOT_FOUND,
            "",
            "There is no such trial.",
            f"Trials here: {', '.join(sorted(desks)) or 'none'}.",
        )
    return desks[trial]


def _base(request: Request, trial: str) -> str:
    return base_url(request, f"/trials/{trial}/fhir")


@router.get("/metadata")
async def trial_capabilities(request: Request, trial: str) -> Response:
    """Tell what this endpoint does: its CapabilityStatement."""
    desk = _desk(request, trial)
    names = frozenset(getattr(route, "name", "") for route in router.routes)
    base = _base(request, trial)
    return FhirResponse(trial_statement(base, desk.trial, names, TRIAL_TYPES))


@router.get("/{resource_type}", name="search-type")
async def trial_search_by_url(request: Request, trial: str, resource_type: str) -> Response:
    """Search a type of the trial's zone."""
    return await _search(request, trial, resource_type, asked(request))


@router.post("/{resource_type}/_search", name="search-type")
async def trial_search_by_form(request: Request, trial: str, resource_type: str) -> Response:
    """Search a type of the trial's zone with the parameters in a form."""
    form = await form_of(request)
    return await _search(request, trial, resource_type, [*asked(request), *form])


async def _search(
    request: Request, trial: str, resource_type: str, parameters: list[tuple[str, str]]
) -> Response:
    cursors = [value for name, value in parameters if name == CURSOR]
    found = await run_in_threadpool(
        trial_search,
        _desk(request, trial),
        resource_type,
        [(name, value) for name, value in parameters if name != CURSOR],
        cursor=cursors[-1] if cursors else None,
        lenient=preferences(request).lenient,
    )
    base = _base(request, trial)
    return searchset(
        [(f"{base}/{one.type}/{one.id}", one.body) for one in found.entries],
        links=page_links(f"{base}/{resource_type}", parameters, found.next_cursor),
        total=found.total,
        pending=found.pending,
    )


@router.get("/{resource_type}/{resource_id}", name="read")
async def trial_read_one(
    request: Request, trial: str, resource_type: str, resource_id: str
) -> Response:
    """Read a resource of the trial's zone."""
    found = await run_in_threadpool(trial_read, _desk(request, trial), resource_type, resource_id)
    return resource(found.body, version=found.version, last_updated=found.last_updated)


@router.get("/{resource_type}/{resource_id}/_history/{version}", name="vread")
async def trial_read_version(
    request: Request, trial: str, resource_type: str, resource_id: str, version: str
) -> Response:
    """Read one version of a resource of the trial's zone."""
    found = await run_in_threadpool(
        trial_vread, _desk(request, trial), resource_type, resource_id, version
    )
    return resource(found.body, version=found.version, last_updated=found.last_updated)
