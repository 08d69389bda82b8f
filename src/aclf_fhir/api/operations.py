"""Operations: `$score`, `$score-timeline`, `$screen`, `$screen-diff`, `$held`, `$intake`.

On a stored Patient, `$score` and `$screen` answer for any pair of clocks (`asOf`,
`knownAt`), `$screen-diff` for two; on the system they take a Bundle, and nothing of it
is stored.
"""

from collections import Counter
from collections.abc import Iterable

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from aclf_fhir.api.answers import FhirResponse, picture
from aclf_fhir.api.asking import acceptable, asked, body_of, wants_fhir
from aclf_fhir.api.parameters import as_of, count_of, known_at, last, named, posted, values_of
from aclf_fhir.api.site import gateway_of
from aclf_fhir.errors import AclfError, Category, Issue
from aclf_fhir.fhir import format_instant, parse_resource, resource_type_of
from aclf_fhir.publication.derived import Json, write
from aclf_fhir.store import Accounting, LogEntry
from aclf_fhir.workflows import comparing, plotting, screening, worklist

__all__ = ["pictures", "router"]

pictures = APIRouter(prefix="/fhir", tags=["Operations"])
"""Operations that answer a Binary, in its own format unless FHIR is asked for."""

router = APIRouter(
    prefix="/fhir",
    tags=["Operations"],
    dependencies=[Depends(acceptable)],
    default_response_class=FhirResponse,
)

_CLOCKS = ("asOf", "knownAt")
_OTHER_CLOCKS = ("otherAsOf", "otherKnownAt")


@router.get("/$held", name="held")
async def held(request: Request) -> Response:
    """List what is stored but not used yet, in groups and one by one; `reason` narrows it.

    The groups and `total` count everything; of the items, the first `_count` are listed.
    """
    values = named(asked(request), single=("reason", "_count"))
    count = count_of(values)
    found = await run_in_threadpool(
        worklist.held, gateway_of(request), reason=last(values, "reason")
    )
    groups = [
        _part(
            "group",
            reason={"valueCode": group.reason},
            detail={"valueString": group.detail} if group.detail else None,
            resources={"valueInteger": group.resources},
            subjects={"valueInteger": group.subjects},
        )
        for group in found.groups
    ]
    items = [
        _part(
            "item",
            resource={
                "valueReference": {"reference": f"{item.type}/{item.id}/_history/{item.version}"}
            },
            subject={"valueReference": {"reference": item.subject}} if item.subject else None,
            since={"valueInstant": format_instant(item.since)},
            reason={"valueCode": item.holding.reason},
            location={"valueString": item.holding.location} if item.holding.location else None,
            detail={"valueString": item.holding.detail} if item.holding.detail else None,
        )
        for item in found.items[:count]
    ]
    total: Json = {"name": "total", "valueInteger": len(found.items)}
    return _parameters([total, *groups, *items])


@router.get("/$intake", name="intake")
async def intake(request: Request) -> Response:
    """Tell how every entry of a push ended; `push` is its X-Push-Id, or its X-Request-Id."""
    values = named(asked(request), single=("push",))
    push = last(values, "push")
    if push is None:
        raise AclfError(
            Issue(
                Category.INVALID,
                "http.push",
                "is missing",
                "Name the push by its X-Push-Id or X-Request-Id.",
                http=400,
            )
        )
    sums, entries = await run_in_threadpool(worklist.accounting, gateway_of(request), push)
    return _parameters([*_sums(sums), *_reasons(entries)])


def _sums(sums: Accounting) -> list[Json]:
    names = (
        "total",
        "stored",
        "duplicate",
        "refused",
        "mapped",
        "not_needed",
        "held",
        "unsettled",
        "unread",
    )
    counts: list[Json] = [
        {"name": name.replace("_", "-"), "valueInteger": getattr(sums, name)} for name in names
    ]
    rules = [
        _part("rule", rule={"valueString": rule}, count={"valueInteger": count})
        for rule, count in sums.rules.items()
    ]
    types = [
        _part(
            "type",
            type={"valueCode": type_},
            ended={"valueCode": ended},
            count={"valueInteger": count},
        )
        for (type_, ended), count in sums.types.items()
    ]
    holdings = [
        _part(
            "holding",
            reason={"valueCode": reason},
            detail={"valueString": detail} if detail else None,
            count={"valueInteger": count},
        )
        for (reason, detail), count in sums.holdings.items()
    ]
    return [*counts, *rules, *types, *holdings]


def _reasons(entries: Iterable[LogEntry]) -> list[Json]:
    """Group the refused entries by why."""
    refused = Counter((entry.type, entry.detail) for entry in entries if entry.version is None)
    return [
        _part(
            "reason",
            type={"valueString": type_} if type_ else None,
            detail={"valueString": detail} if detail else None,
            count={"valueInteger": count},
        )
        for (type_, detail), count in refused.most_common()
    ]


@router.get("/Patient/{patient}/$score", name="patient-score")
async def score_patient(request: Request, patient: str) -> Response:
    """Every score, or those named by `score`, of a stored Patient."""
    return await _score(request, patient, asked(request))


@router.post("/Patient/{patient}/$score", name="patient-score")
async def score_patient_by_post(request: Request, patient: str) -> Response:
    """As the GET, its parameters in a Parameters resource."""
    return await _score(request, patient, await posted(request))


async def _score(request: Request, patient: str, given: list[tuple[str, str]]) -> Response:
    gateway = gateway_of(request)
    values = named(given, single=_CLOCKS, several=("score",))
    body = await run_in_threadpool(
        screening.score_stored,
        gateway,
        patient,
        values.get("score"),
        as_of=as_of(gateway, values),
        known_at=known_at(gateway, values),
    )
    return FhirResponse(body)


@pictures.get("/Patient/{patient}/$score-timeline", name="patient-score-timeline")
async def score_timeline(request: Request, patient: str) -> Response:
    """Scores of a stored Patient over time, as SVG; those protocols name, or `score`."""
    as_resource = wants_fhir(request)
    gateway = gateway_of(request)
    values = named(asked(request), single=_CLOCKS, several=("score",))
    svg = await run_in_threadpool(
        plotting.plot_stored,
        gateway,
        patient,
        values.get("score"),
        as_of=as_of(gateway, values),
        known_at=known_at(gateway, values),
    )
    return picture(svg, as_resource=as_resource)


@router.get("/Patient/{patient}/$screen", name="patient-screen")
async def screen_patient(request: Request, patient: str) -> Response:
    """Eligibility of a stored Patient for every trial, or those named by `trial`."""
    return await _screen(request, patient, asked(request))


@router.post("/Patient/{patient}/$screen", name="patient-screen")
async def screen_patient_by_post(request: Request, patient: str) -> Response:
    """As the GET, its parameters in a Parameters resource."""
    return await _screen(request, patient, await posted(request))


async def _screen(request: Request, patient: str, given: list[tuple[str, str]]) -> Response:
    gateway = gateway_of(request)
    values = named(given, single=_CLOCKS, several=("trial",))
    body = await run_in_threadpool(
        screening.screen_stored,
        gateway,
        patient,
        values.get("trial"),
        as_of=as_of(gateway, values),
        known_at=known_at(gateway, values),
    )
    return FhirResponse(body)


@router.get("/Patient/{patient}/$screen-diff", name="patient-screen-diff")
async def screen_diff(request: Request, patient: str) -> Response:
    """Compare two verdicts of a stored Patient, criterion by criterion."""
    return await _screen_diff(request, patient, asked(request))


@router.post("/Patient/{patient}/$screen-diff", name="patient-screen-diff")
async def screen_diff_by_post(request: Request, patient: str) -> Response:
    """As the GET, its parameters in a Parameters resource."""
    return await _screen_diff(request, patient, await posted(request))


async def _screen_diff(request: Request, patient: str, given: list[tuple[str, str]]) -> Response:
    gateway = gateway_of(request)
    values = named(given, single=(*_CLOCKS, *_OTHER_CLOCKS), several=("trial",))
    other = "otherAsOf" in values
    body = await run_in_threadpool(
        comparing.compare_stored,
        gateway,
        patient,
        values.get("trial"),
        as_of=as_of(gateway, values),
        known_at=known_at(gateway, values),
        other_as_of=as_of(gateway, values, "otherAsOf") if other else None,
        other_known_at=known_at(gateway, values, "otherKnownAt"),
    )
    return FhirResponse(body)


@router.post("/$score", name="system-score")
async def score_given(request: Request) -> Response:
    """Scores of every Patient of a Bundle, which is not stored."""
    gateway = gateway_of(request)
    now = gateway.clock()
    bundle, given = await _bundle_of(request)
    values = named(given, single=_CLOCKS, several=("score",))
    body = await run_in_threadpool(
        screening.score_bundle,
        bundle,
        values.get("score"),
        catalog=gateway.catalog,
        site=gateway.site,
        as_of=as_of(gateway, values),
        known_at=known_at(gateway, values) or now,
        now=now,
    )
    return FhirResponse(body)


@router.post("/$screen", name="system-screen")
async def screen_given(request: Request) -> Response:
    """Eligibility of every Patient of a Bundle, which is not stored."""
    gateway = gateway_of(request)
    now = gateway.clock()
    bundle, given = await _bundle_of(request)
    values = named(given, single=_CLOCKS, several=("trial",))
    body = await run_in_threadpool(
        screening.screen_bundle,
        bundle,
        values.get("trial"),
        catalog=gateway.catalog,
        site=gateway.site,
        as_of=as_of(gateway, values),
        known_at=known_at(gateway, values) or now,
        now=now,
    )
    return FhirResponse(body)


async def _bundle_of(request: Request) -> tuple[bytes, list[tuple[str, str]]]:
    """Take the Bundle out of the body: it is the body, or a parameter of it."""
    body = await body_of(request)
    if resource_type_of(body) != "Parameters":
        return body, asked(request)
    parameters = parse_resource(body, expected_type="Parameters")
    given = [*asked(request), *values_of(parameters)]
    for parameter in getattr(parameters, "parameter", None) or ():
        if parameter.resource is not None:
            return bytes(parameter.resource), given
    raise AclfError.of(
        Category.INVALID,
        "Parameters.parameter",
        "has no resource",
        "Send the Bundle itself, or as the resource of a parameter.",
    )


def _part(name: str, /, **parts: dict[str, Json] | None) -> dict[str, Json]:
    return {
        "name": name,
        "part": [{"name": key, **value} for key, value in parts.items() if value is not None],
    }


def _parameters(parameters: list[Json]) -> FhirResponse:
    body: dict[str, Json] = {"resourceType": "Parameters"}
    if parameters:
        body["parameter"] = parameters
    return FhirResponse(write(body))
