"""`ResearchSubject/{id}/$sign`: an investigator signs the verdict on a subject."""

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from aclf_fhir.api.answers import FhirResponse, resource
from aclf_fhir.api.asking import acceptable, base_url, preferences
from aclf_fhir.api.parameters import as_of, last, named, posted
from aclf_fhir.api.site import gateway_of
from aclf_fhir.errors import AclfError, Category, Issue
from aclf_fhir.workflows.signing import sign

__all__ = ["router"]

router = APIRouter(
    prefix="/fhir",
    tags=["Operations"],
    dependencies=[Depends(acceptable)],
    default_response_class=FhirResponse,
)


@router.post("/ResearchSubject/{subject}/$sign", name="subject-sign", status_code=201)
async def sign_subject(request: Request, subject: str) -> Response:
    """Freeze the verdict on a subject as a signed document; `If-Match` is required."""
    gateway = gateway_of(request)
    values = named(
        await posted(request), single=("signer", "meaning", "asOf"), several=("acknowledge",)
    )
    missing = [name for name in ("signer", "meaning") if name not in values]
    if missing:
        raise AclfError.all_of(
            Issue(
                Category.INVALID,
                f"Parameters.parameter.{name}",
                "is missing",
                "Say who signs, and what the signature means.",
            )
            for name in missing
        )
    document = await run_in_threadpool(
        sign,
        gateway,
        subject,
        signer=last(values, "signer") or "",
        meaning=last(values, "meaning") or "",
        acknowledged=values.get("acknowledge", ()),
        as_of=as_of(gateway, values),
        if_match=request.headers.get("if-match"),
    )
    return resource(
        None if preferences(request).returns == "minimal" else document.body,
        version=document.version,
        last_updated=document.last_updated,
        status=201,
        location=f"{base_url(request)}/Bundle/{document.id}/_history/{document.version}",
    )
