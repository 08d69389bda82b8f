"""Parameters of operations: from a URL or a Parameters resource, by name."""

from collections.abc import Iterable
from datetime import datetime

import msgspec
from fastapi import Request

from aclf_fhir.api.asking import asked, body_of
from aclf_fhir.errors import AclfError, Category, Issue
from aclf_fhir.fhir import parse_clock, parse_resource, r4
from aclf_fhir.workflows.gateway import Gateway
from aclf_fhir.workflows.screening import AskedInstant

__all__ = ["as_of", "count_of", "known_at", "last", "named", "posted", "values_of"]

_ITEMS = 100
"""Items of a list in one answer, unless `_count` says otherwise."""
_IGNORED = frozenset({"_format", "_pretty"})
_EMPTY = b'{"resourceType":"Parameters"}'


async def posted(request: Request) -> list[tuple[str, str]]:
    """Join the parameters of the URL and of the Parameters resource in the body."""
    body = await body_of(request)
    resource = parse_resource(body or _EMPTY, expected_type="Parameters")
    return [*asked(request), *values_of(resource)]


def values_of(parameters: object) -> list[tuple[str, str]]:
    """Read the values of a Parameters resource as a URL would write them.

    A Reference is its `reference`; other values that are not primitive are left to who
    reads the resource itself.
    """
    listed: list[r4.ParametersParameter] = getattr(parameters, "parameter", None) or []
    values = []
    for parameter in listed:
        written = msgspec.to_builtins(parameter, enc_hook=str)
        for name, value in written.items():
            text = value.get("reference") if name == "valueReference" else value
            if name.startswith("value") and isinstance(text, str):
                values.append((parameter.name or "", text))
    return values


def named(
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


def last(values: dict[str, list[str]], name: str) -> str | None:
    """Return the one value of a parameter, None without one."""
    return values[name][-1] if name in values else None


def count_of(values: dict[str, list[str]]) -> int:
    """Return how many items are asked for."""
    text = last(values, "_count")
    if text is None:
        return _ITEMS
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise AclfError(_issue("_count", "is not a whole number of up to 9 digits", "Such as 100."))
    return int(text)


def as_of(gateway: Gateway, values: dict[str, list[str]], name: str = "asOf") -> AskedInstant:
    """Read T; the gateway's own if none is given."""
    text = last(values, name)
    if text is None:
        return gateway.as_of
    if text == "now":
        return "now"
    return "last" if text == "last" else _instant(gateway, name, text)


def known_at(
    gateway: Gateway, values: dict[str, list[str]], name: str = "knownAt"
) -> datetime | None:
    """Read K; None for all that is known."""
    text = last(values, name)
    return None if text in {None, "now"} else _instant(gateway, name, text or "")


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
