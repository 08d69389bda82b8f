"""Operations: `$score`, `$score-timeline`, `$screen`, `$held`, `$intake`.

On a stored Patient, `$score` and `$screen` answer for any pair of clocks (`asOf`,
`knownAt`); on the system they take a Bundle, and nothing of it is stored.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from aclf_fhir.api.answers import FhirResponse, picture
from aclf_fhir.api.asking import acceptable, asked, body_of, wants_fhir
from aclf_fhir.api.site import gateway_of
from aclf_fhir.errors import AclfError, Category, Issue
from aclf_fhir.fhir import format_instant, parse_clock, parse_resource, r4, resource_type_of
from aclf_fhir.publication.derived import Json, write
from aclf_fhir.store import Accounting, LogEntry
from aclf_fhir.workflows import plotting, screening, worklist
from aclf_fhir.workflows.gateway import Gateway

__all__ = ["pictures", "router"]

pictures = APIRouter(prefix="/fhir", tags=["Operations"])
"""Operations that answer a Binary, in its own format unless FHIR is asked for."""

router = APIRouter(
    prefix="/fhir",
    tags=["Operations"],
    dependencies=[Depends(acceptable)],
    default_response_class=FhirResponse,
)

_ITEMS = 100
"""Items of the work list in one answer, unless `_count` says otherwise."""
_CLOCKS = ("asOf", "knownAt")
_IGNORED = frozenset({"_format", "_pretty"})
_EMPTY = b'{"resourceType":"Parameters"}'


@router.get("/$held", name="held")
async def held(request: Request) -> Response:
    """List what is stored but not used yet, in groups and one by one; `reason` narrows it.

    The groups and `total` count everything; of the items, the first `_count` are listed.
    """
    values = _named(asked(request), single=("reason", "_count"))
    count = _count(values)
    found = await run_in_threadpool(
        worklist.held, gateway_of(request), reason=_last(values, "reason")
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
    values = _named(asked(request), single=("push",))
    push = _last(values, "push")
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
    return await _score(request, patient, await _posted(request))


async def _score(request: Request, patient: str, given: list[tuple[str, str]]) -> Response:
    gateway = gateway_of(request)
    values = _named(given, single=_CLOCKS, several=("score",))
    body = await run_in_threadpool(
        screening.score_stored,
        gateway,
        patient,
        values.get("score"),
        as_of=_as_of(gateway, values),
        known_at=_known_at(gateway, values),
    )
    return FhirResponse(body)


@pictures.get("/Patient/{patient}/$score-timeline", name="patient-score-timeline")
async def score_timeline(request: Request, patient: str) -> Response:
    """Scores of a stored Patient over time, as SVG; those protocols name, or `score`."""
    as_resource = wants_fhir(request)
    gateway = gateway_of(request)
    values = _named(asked(request), single=_CLOCKS, several=("score",))
    svg = await run_in_threadpool(
        plotting.plot_stored,
        gateway,
        patient,
        values.get("score"),
        as_of=_as_of(gateway, values),
        known_at=_known_at(gateway, values),
    )
    return picture(svg, as_resource=as_resource)


@router.get("/Patient/{patient}/$screen", name="patient-screen")
async def screen_patient(request: Request, patient: str) -> Response:
    """Eligibility of a stored Patient for every trial, or those named by `trial`."""
    return await _screen(request, patient, asked(request))


@router.post("/Patient/{patient}/$screen", name="patient-screen")
async def screen_patient_by_post(request: Request, patient: str) -> Response:
    """As the GET, its parameters in a Parameters resource."""
    return await _screen(request, patient, await _posted(request))


async def _screen(request: Request, patient: str, given: list[tuple[str, str]]) -> Response:
    gateway = gateway_of(request)
    values = _named(given, single=_CLOCKS, several=("trial",))
    body = await run_in_threadpool(
        screening.screen_stored,
        gateway,
        patient,
        values.get("trial"),
        as_of=_as_of(gateway, values),
        known_at=_known_at(gateway, values),
    )
    return FhirResponse(body)


@router.post("/$score", name="system-score")
async def score_given(request: Request) -> Response:
    """Scores of every Patient of a Bundle, which is not stored."""
    gateway = gateway_of(request)
    now = gateway.clock()
    bundle, given = await _bundle_of(request)
    values = _named(given, single=_CLOCKS, several=("score",))
    body = await run_in_threadpool(
        screening.score_bundle,
        bundle,
        values.get("score"),
        catalog=gateway.catalog,
        site=gateway.site,
        as_of=_as_of(gateway, values),
        known_at=_known_at(gateway, values) or now,
        now=now,
    )
    return FhirResponse(body)


@router.post("/$screen", name="system-screen")
async def screen_given(request: Request) -> Response:
    """Eligibility of every Patient of a Bundle, which is not stored."""
    gateway = gateway_of(request)
    now = gateway.clock()
    bundle, given = await _bundle_of(request)
    values = _named(given, single=_CLOCKS, several=("trial",))
    body = await run_in_threadpool(
        screening.screen_bundle,
        bundle,
        values.get("trial"),
        catalog=gateway.catalog,
        site=gateway.site,
        as_of=_as_of(gateway, values),
        known_at=_known_at(gateway, values) or now,
        now=now,
    )
    return FhirResponse(body)


async def _posted(request: Request) -> list[tuple[str, str]]:
    """Join the parameters of the URL and of the Parameters resource in the body."""
    body = await body_of(request)
    resource = parse_resource(body or _EMPTY, expected_type="Parameters")
    return [*asked(request), *_values(resource)]


async def _bundle_of(request: Request) -> tuple[bytes, list[tuple[str, str]]]:
    """Take the Bundle out of the body: it is the body, or a parameter of it."""
    body = await body_of(request)
    if resource_type_of(body) != "Parameters":
        return body, asked(request)
    parameters = parse_resource(body, expected_type="Parameters")
    given = [*asked(request), *_values(parameters)]
    for parameter in getattr(parameters, "parameter", None) or ():
        if parameter.resource is not None:
            return bytes(parameter.resource), given
    raise AclfError.of(
        Category.INVALID,
        "Parameters.parameter",
        "has no resource",
        "Send the Bundle itself, or as the resource of a parameter.",
    )


def _values(parameters: object) -> list[tuple[str, str]]:
    """Read the primitive values of a Parameters resource as a URL would write them."""
    listed: list[r4.ParametersParameter] = getattr(parameters, "parameter", None) or []
    values = []
    for parameter in listed:
        written = msgspec.to_builtins(parameter, enc_hook=str)
        for name, value in written.items():
            if name.startswith("value") and isinstance(value, str):
                values.append((parameter.name or "", value))
    return values


def _named(
    given: Iterable[tuple[str, str]],
    *,
    single: tuple[str, ...] = (),
    several: tuple[str, ...] = (),
) -> dict[str, list[str]]:
    """Sort parameters by name; refuse those nobody asks for, and singles sent twice."""
    values: dict[str, list[str]] = {}
    issues = []
    for name, value in given:
        if name in _IGNORED:
            continue
        if name not in (*single, *several):
            known = ", ".join((*single, *several))
            issues.append(_issue(name, "is not a parameter of this operation", f"Known: {known}."))
        elif name in single and name in values:
            issues.append(_issue(name, "is given more than once", "Give it once."))
        elif name in several:
            values.setdefault(name, []).extend(value.split(","))
        else:
            values[name] = [value]
    if issues:
        raise AclfError.all_of(issues)
    return values


def _last(values: dict[str, list[str]], name: str) -> str | None:
    return values[name][-1] if name in values else None


def _count(values: dict[str, list[str]]) -> int:
    text = _last(values, "_count")
    if text is None:
        return _ITEMS
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise AclfError(_issue("_count", "is not a whole number of up to 9 digits", "Such as 100."))
    return int(text)


def _as_of(gateway: Gateway, values: dict[str, list[str]]) -> screening.AskedInstant:
    text = _last(values, "asOf")
    if text is None:
        return gateway.as_of
    if text == "now":
        return "now"
    return "last" if text == "last" else _instant(gateway, "asOf", text)


def _known_at(gateway: Gateway, values: dict[str, list[str]]) -> datetime | None:
    text = _last(values, "knownAt")
    return None if text in {None, "now"} else _instant(gateway, "knownAt", text or "")


def _instant(gateway: Gateway, name: str, text: str) -> datetime:
    """Read a clock; a partial date is its last moment."""
    try:
        # A plus sign that was not escaped in the URL arrives as a space.
        return parse_clock(text.replace(" ", "+"), gateway.site_map.zone)
    except AclfError as error:
        first = error.issues[0]
        raise AclfError(_issue(name, first.message, first.remedy)) from None


def _issue(name: str, message: str, remedy: str) -> Issue:
    # The name of a parameter is the sender's own text: shown only if it is a plain word.
    place = f"http.{name}" if name.isascii() and name.isidentifier() else "http"
    return Issue(Category.INVALID, place, message, remedy, http=400)


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
