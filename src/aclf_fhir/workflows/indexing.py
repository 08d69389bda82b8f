"""From a resource to the rows it can be found by."""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any

from aclf_fhir.fhir import parse_date_time, parse_reference, r4
from aclf_fhir.fhir.r4.datatypes import CodeableConcept, Coding, Identifier, Period, Reference
from aclf_fhir.store import IndexRows
from aclf_fhir.units import TimeRange
from aclf_fhir.workflows.search_parameters import SearchParameter, parameters_of

__all__ = ["index_rows", "subject_of"]

_COLUMNS = frozenset({"patient", "subject", "status"})
_SUBJECT_ELEMENTS = ("subject", "patient", "individual", "for_")


def subject_of(resource: Any) -> str:
    """Return the logical id of the Patient a resource is about, "" if it names none."""
    if isinstance(resource, r4.Patient):
        return resource.id or ""
    for element in _SUBJECT_ELEMENTS:
        reference = getattr(resource, element, None)
        text = getattr(reference, "reference", None)
        if text:
            parsed = parse_reference(text)
            local = parsed.kind == "relative" and parsed.type == "Patient"
            return (parsed.id or "") if local else ""
    return ""


def index_rows(
    resource: Any, resource_type: str, zone: tzinfo, unique_systems: frozenset[str] = frozenset()
) -> IndexRows:
    """Read every search parameter of a resource into rows of the store.

    Parameters
    ----------
    resource
        The validated R4 struct.
    resource_type
        Its type; decides which parameters exist.
    zone
        Time zone of dates sent without one.
    unique_systems
        Identifier systems of which each value names one resource.
    """
    tokens: list[tuple[str, str, str]] = []
    references: list[tuple[str, str]] = []
    dates: list[tuple[str, datetime | None, datetime | None]] = []
    strings: list[tuple[str, str]] = []
    identifiers: list[tuple[str, str]] = []
    for parameter in parameters_of(resource_type):
        if parameter.name in _COLUMNS:
            continue  # the store keeps these with the resource itself
        for path in _paths(parameter):
            for value in _walk(resource, path):
                if parameter.kind == "token":
                    found = _tokens(value)
                    if parameter.name == "identifier":
                        identifiers.extend(found)
                    else:
                        tokens.extend((parameter.name, *pair) for pair in found)
                elif parameter.kind == "reference":
                    text = _reference(value, parameter.target)
                    if text:
                        references.append((parameter.name, text))
                elif parameter.kind == "date":
                    low, high = _dates(value, zone)
                    dates.append((parameter.name, low, high))
                else:
                    strings.append((parameter.name, str(value)))
    if resource.meta is not None and resource.meta.tag:
        tokens.extend(("_tag", tag.system or "", tag.code or "") for tag in resource.meta.tag)
    subject = subject_of(resource)
    return IndexRows(
        subject=f"Patient/{subject}" if subject else "",
        status=str(getattr(resource, "status", None) or ""),
        tokens=tuple(dict.fromkeys(tokens)),
        references=tuple(dict.fromkeys(references)),
        dates=tuple(dict.fromkeys(dates)),
        strings=tuple(dict.fromkeys(strings)),
        identifiers=tuple(dict.fromkeys(identifiers)),
        unique=tuple(dict.fromkeys(pair for pair in identifiers if pair[0] in unique_systems)),
    )


@lru_cache(maxsize=512)
def _paths(parameter: SearchParameter) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(element.split(".")) for element in parameter.elements)


def _walk(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """Yield what stands at the end of a path, walking through lists."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from _walk(item, path)
    elif not path:
        yield value
    else:
        inner = getattr(value, path[0], None)
        if inner is not None:
            yield from _walk(inner, path[1:])


def _tokens(value: Any) -> list[tuple[str, str]]:
    if isinstance(value, CodeableConcept):
        return [(coding.system or "", coding.code or "") for coding in value.coding or ()]
    if isinstance(value, Coding):
        return [(value.system or "", value.code or "")]
    if isinstance(value, Identifier):
        return [(value.system or "", value.value or "")] if value.value else []
    if isinstance(value, bool):
        return [("", "true" if value else "false")]
    return [("", str(value))]


def _reference(value: Any, target: str) -> str:
    if not isinstance(value, Reference) or not value.reference:
        return ""
    parsed = parse_reference(value.reference)
    if not parsed.type or not parsed.id or (target and parsed.type != target):
        return ""
    return f"{parsed.type}/{parsed.id}"


def _dates(value: Any, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
    if isinstance(value, Period):
        start = parse_date_time(value.start, zone).earliest if value.start else None
        end = parse_date_time(value.end, zone).latest if value.end else None
        return start, end
    span: TimeRange = parse_date_time(str(value), zone)
    return span.earliest, span.latest
