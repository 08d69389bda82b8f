"""`/fhir`: the R4 endpoint that a hospital's engine talks to.

The names of the functions are R4 interaction codes; the CapabilityStatement says
what is registered here and nothing else.
"""

from dataclasses import replace
from typing import Literal

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from aclf_fhir.api.answers import FhirResponse, history, resource, searchset
from aclf_fhir.api.asking import (
    CURSOR,
    acceptable,
    asked,
    base_url,
    body_of,
    form_of,
    page_links,
    preferences,
)
from aclf_fhir.api.capability import site_statement
from aclf_fhir.api.receipts import answer_bundle, answer_write
from aclf_fhir.errors import AclfError, Category
from aclf_fhir.workflows.bundles import receive_bundle
from aclf_fhir.workflows.gateway import Gateway
from aclf_fhir.workflows.intake import Incoming, receive, refuse
from aclf_fhir.workflows.reading import history as read_history
from aclf_fhir.workflows.reading import read as read_resource
from aclf_fhir.workflows.reading import search
from aclf_fhir.workflows.reading import vread as read_version

__all__ = ["router"]

router = APIRouter(
    prefix="/fhir",
    tags=["FHIR R4"],
    dependencies=[Depends(acceptable)],
    default_response_class=FhirResponse,
)


def gateway_of(request: Request) -> Gateway:
    """Return the running system."""
    gateway: Gateway = request.app.state.gateway
    return gateway


@router.get("/metadata")
async def capabilities(request: Request) -> Response:
    """Tell what this endpoint does: its CapabilityStatement."""
    return FhirResponse(site_statement(base_url(request), request.app.state.offered))


@router.post("", name="batch transaction")
@router.post("/", include_in_schema=False, name="")
async def system(request: Request) -> Response:
    """Take in a batch or transaction Bundle; each entry is told how it ended."""
    body = await _body(request, _incoming("POST", "Bundle"))
    receipt = await run_in_threadpool(
        receive_bundle,
        gateway_of(request),
        body,
        push=request.state.push,
        max_entries=request.app.state.settings.max_entries,
    )
    return answer_bundle(receipt, preferences(request))


@router.get("/{resource_type}", name="search-type")
async def search_by_url(request: Request, resource_type: str) -> Response:
    """Search the resources of a type; the CapabilityStatement lists the parameters."""
    return await _search(request, resource_type, asked(request))


@router.post("/{resource_type}/_search", name="search-type")
async def search_by_form(request: Request, resource_type: str) -> Response:
    """Search with the parameters in a form, which keeps identifiers out of URLs."""
    form = await form_of(request)
    return await _search(request, resource_type, [*asked(request), *form])


async def _search(
    request: Request, resource_type: str, parameters: list[tuple[str, str]]
) -> Response:
    cursors = [value for name, value in parameters if name == CURSOR]
    found = await run_in_threadpool(
        search,
        gateway_of(request),
        resource_type,
        [(name, value) for name, value in parameters if name != CURSOR],
        cursor=cursors[-1] if cursors else None,
        lenient=preferences(request).lenient,
    )
    base = base_url(request)
    return searchset(
        [(f"{base}/{one.type}/{one.id}", one.body) for one in found.entries],
        links=page_links(f"{base}/{resource_type}", parameters, found.next_cursor),
        total=found.total,
        pending=found.pending,
    )


@router.post("/{resource_type}", name="create", status_code=201)
async def create(request: Request, resource_type: str) -> Response:
    """Take in a new resource; it is durable when this answers."""
    if "if-none-exist" in request.headers:
        raise _unconditional("http.If-None-Exist")
    return await _write(request, _incoming("POST", resource_type))


@router.put("/{resource_type}/{resource_id}", name="update")
async def update(request: Request, resource_type: str, resource_id: str) -> Response:
    """Take in a resource under the sender's id; the same content makes no new version."""
    if "if-none-match" in request.headers:
        raise _unconditional("http.If-None-Match")
    if_match = request.headers.get("if-match")
    return await _write(request, _incoming("PUT", resource_type, resource_id, if_match))


def _incoming(
    method: Literal["POST", "PUT"],
    resource_type: str,
    resource_id: str | None = None,
    if_match: str | None = None,
) -> Incoming:
    """Say what is asked for, before its body is read."""
    return Incoming(method=method, type=resource_type, id=resource_id, body=b"", if_match=if_match)


async def _body(request: Request, incoming: Incoming) -> bytes:
    """Read the body; one that is refused unread is noted under the name of its push."""
    try:
        return await body_of(request)
    except AclfError as error:
        await run_in_threadpool(
            refuse, gateway_of(request), [(incoming, error)], push=request.state.push
        )
        raise


async def _write(request: Request, incoming: Incoming) -> Response:
    incoming = replace(incoming, body=await _body(request, incoming))
    receipt = await run_in_threadpool(
        receive, gateway_of(request), incoming, push=request.state.push
    )
    return answer_write(
        receipt, preferences(request), base_url(request), posted=incoming.method == "POST"
    )


@router.get("/{resource_type}/{resource_id}", name="read")
async def read(request: Request, resource_type: str, resource_id: str) -> Response:
    """Read the current version of a resource."""
    found = await run_in_threadpool(read_resource, gateway_of(request), resource_type, resource_id)
    return resource(found.body, version=found.version, last_updated=found.last_updated)


@router.get("/{resource_type}/{resource_id}/_history/{version}", name="vread")
async def vread(request: Request, resource_type: str, resource_id: str, version: str) -> Response:
    """Read one version of a resource."""
    found = await run_in_threadpool(
        read_version, gateway_of(request), resource_type, resource_id, version
    )
    return resource(found.body, version=found.version, last_updated=found.last_updated)


@router.get("/{resource_type}/{resource_id}/_history", name="history-instance")
async def history_instance(request: Request, resource_type: str, resource_id: str) -> Response:
    """Read the versions of a resource, newest first; `_count` and `_since`."""
    parameters = asked(request)
    cursors = [value for name, value in parameters if name == CURSOR]
    found = await run_in_threadpool(
        read_history,
        gateway_of(request),
        resource_type,
        resource_id,
        [(name, value) for name, value in parameters if name != CURSOR],
        cursor=cursors[-1] if cursors else None,
        lenient=preferences(request).lenient,
    )
    path = f"{resource_type}/{resource_id}"
    url = f"{base_url(request)}/{path}"
    links = page_links(f"{url}/_history", parameters, found.next_cursor)
    return history(found.entries, url=url, path=path, links=links)


def _unconditional(location: str) -> AclfError:
    return AclfError.of(
        Category.UNSUPPORTED,
        location,
        "asks for a conditional request, which is not supported",
        "Send an identifier of a system that the site declares unique instead.",
    )
