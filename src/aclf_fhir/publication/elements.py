"""R4 datatypes as plain mappings, their members in the order of the standard."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from aclf_fhir.codes import CANONICAL_BASE, UCUM, Coding, local_system
from aclf_fhir.publication.derived import ORIGIN, Json
from aclf_fhir.units import Interval, TimeRange

__all__ = [
    "ABSENT",
    "Members",
    "absent",
    "amount",
    "categories",
    "compact",
    "component",
    "concept",
    "date_time",
    "extension",
    "flag_components",
    "local",
    "meta",
    "moment",
    "number",
    "part",
    "profile_url",
    "quantity",
    "reason_components",
    "reference",
    "study_extension",
]

Members = dict[str, Json]

ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_RESEARCH_STUDY = "http://hl7.org/fhir/StructureDefinition/workflow-researchStudy"


def compact(**members: Json | None) -> Members:
    """Build an object, leaving out what is None or empty: R4 knows neither."""
    return {
        name: value
        for name, value in members.items()
        if value is not None and (value or isinstance(value, (int, Decimal)))
    }


def profile_url(name: str) -> str:
    """Return the canonical URL of one of the project's StructureDefinitions."""
    return f"{CANONICAL_BASE}/StructureDefinition/{name}"


def meta(profile: str = "") -> Members:
    """Say what a derived resource claims to be, and that it is derived."""
    return compact(
        profile=[profile_url(profile)] if profile else None,
        tag=[{"system": ORIGIN.system, "code": ORIGIN.code}],
    )


def local(system: str, code: str, display: str = "") -> Members:
    """Build a Coding of one of the project's own code systems."""
    return compact(system=local_system(system), code=code, display=display)


def concept(*codings: Coding | Members, text: str = "", extensions: Iterable[Json] = ()) -> Members:
    """Build a CodeableConcept."""
    return compact(
        extension=list(extensions),
        coding=[
            {"system": coding.system, "code": coding.code} if isinstance(coding, Coding) else coding
            for coding in codings
        ],
        text=text,
    )


def categories(kind: str) -> list[Json]:
    """Say what sort of derived Observation it is; R4 counts scores as `survey`."""
    survey = [concept(Coding(_CATEGORY, "survey"))] if kind == "score" else []
    return [*survey, concept(local("categories", kind))]


def reference(target: str, display: str = "") -> Members:
    """Build a Reference to a relative URL."""
    return compact(reference=target, display=display)


def extension(name: str, *parts: Json, **value: Json) -> Members:
    """Build one of the project's extensions: with a `value[x]`, or with parts."""
    return compact(extension=parts, url=profile_url(name), **value)


def part(name: str, **value: Json) -> Members:
    """Build one part of an extension that has several."""
    return {"url": name, **value}


def study_extension(trial: str) -> Members:
    """Build the standard extension that ties a resource to the study it was made for."""
    return {"url": _RESEARCH_STUDY, "valueReference": reference(f"ResearchStudy/{trial}")}


def number(value: Decimal | int) -> Json:
    """Write a number in plain digits, `100` and not `1E+2`, keeping its zeros."""
    if isinstance(value, int):
        return value
    if not value.is_finite():
        message = "R4 has no decimal that is not finite"
        raise ValueError(message)
    return msgspec.Raw(format(value, "f").encode()) if "E" in str(value) else value


def quantity(value: Decimal | int, unit: str, comparator: str = "") -> Members:
    """Build a Quantity in a UCUM unit; without one for a bare number."""
    return compact(
        value=number(value),
        comparator=comparator,
        unit=unit,
        system=UCUM if unit else None,
        code=unit,
    )


def amount(value: Interval, unit: str) -> Members:
    """Build the `value[x]` of an interval: a Quantity where one number says it, or a Range.

    A Range of R4 includes both ends; the extension `open-ends` names the ones that
    this interval does not include. Nothing at all is known of an interval without ends.
    """
    low, high = value.low, value.high
    if low is not None and high is not None:
        if low == high:
            return {"valueQuantity": quantity(low, unit)}
        return {"valueRange": _range(value, low, high, unit)}
    if low is not None:
        return {"valueQuantity": quantity(low, unit, ">=" if value.low_closed else ">")}
    if high is not None:
        return {"valueQuantity": quantity(high, unit, "<=" if value.high_closed else "<")}
    return {"dataAbsentReason": absent("unknown")}


def _range(value: Interval, low: Decimal, high: Decimal, unit: str) -> Members:
    ends = (("low", value.low_closed), ("high", value.high_closed))
    return compact(
        extension=[extension("open-ends", valueCode=end) for end, closed in ends if not closed],
        low=quantity(low, unit),
        high=quantity(high, unit),
    )


def absent(reason: str, text: str = "", extensions: Iterable[Json] = ()) -> Members:
    """Build a dataAbsentReason from R4's own codes."""
    return concept(Coding(ABSENT, reason), text=text, extensions=extensions)


def component(code: str, value: Members, **more: Json | None) -> Members:
    """Build an Observation.component under one of the project's component codes."""
    before = compact(extension=more.pop("extension", None))
    return {**before, "code": concept(local("components", code)), **value, **compact(**more)}


def flag_components(flags: Iterable[str]) -> list[Json]:
    """List what a reader must know, one component each."""
    return [
        component("flag", {"valueCodeableConcept": concept(local("flags", flag))}) for flag in flags
    ]


def reason_components(reasons: Iterable[str]) -> list[Json]:
    """List why something is unknown, one component each."""
    return [
        component("reason", {"valueCodeableConcept": concept(local("reasons", reason))})
        for reason in reasons
    ]


def date_time(instant: datetime) -> str:
    """Write an aware datetime as a FHIR dateTime in UTC, no digit lost or added."""
    if instant.tzinfo is None:
        message = "a dateTime needs a time zone"
        raise ValueError(message)
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def moment(name: str, when: TimeRange) -> Members:
    """Build the `name[x]` of an instant: a dateTime, or the Period it lies in."""
    if when.is_exact:
        return {f"{name}DateTime": date_time(when.earliest)}
    period = {"start": date_time(when.earliest), "end": date_time(when.latest)}
    return {f"{name}Period": period}
