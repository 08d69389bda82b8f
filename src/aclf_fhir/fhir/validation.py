"""R4 validation of what comes in: bytes to a typed resource, or every problem at once.

The quick pass decodes with msgspec into the R4 structs, compares what was decoded
with what was sent, and runs the compiled checks. When it says no, the collecting
pass reads the same bytes slowly and completely, and lists every problem.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec

from aclf_fhir.errors import AclfError, Category, Issue
from aclf_fhir.fhir import r4
from aclf_fhir.fhir.collecting import resource_issues
from aclf_fhir.fhir.invariants import resource_head
from aclf_fhir.fhir.primitives import Base
from aclf_fhir.fhir.quick import Check, Seen, compile_check
from aclf_fhir.fhir.r4.datatypes import DomainResource, Resource
from aclf_fhir.fhir.strict_json import (
    MAX_DEPTH,
    Members,
    exact_decimal,
    lost_members,
    problems,
    read,
    skim,
)

__all__ = [
    "encode",
    "model",
    "parse_envelope",
    "parse_resource",
    "resource_type_of",
    "resource_types",
    "validate",
]

_TYPES = frozenset(r4.__all__)
_TYPE_FIRST = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"([A-Za-z]{1,64})"').match
_INSIDE_ENTRY = re.compile(r"Bundle\.entry\[\d+\]\.resource\b").match

encode: Callable[[Base], bytes] = msgspec.json.Encoder(decimal_format="number").encode
"""Write a resource or datatype as JSON: decimals as numbers with all their digits."""


@dataclass(frozen=True, slots=True)
class _Kit:
    decode: Callable[[bytes], Any]
    check: Check


def resource_types() -> frozenset[str]:
    """Return the names of all R4 resource types."""
    return _TYPES


def model(resource_type: str) -> type[Resource]:
    """Return the struct of a resource type, loading it when first asked for.

    Raises
    ------
    AclfError
        `not_found`, if R4 has no such type.
    """
    if resource_type not in _TYPES:
        raise _unknown_type()
    struct: type[Resource] = getattr(r4, resource_type)
    return struct


def parse_resource(
    body: bytes, *, expected_type: str | None = None, max_depth: int = MAX_DEPTH
) -> Resource:
    """Decode one R4 resource, or refuse it with every problem.

    Parameters
    ----------
    body
        The resource as received: UTF-8 JSON.
    expected_type
        The resource type that it has to have.
    max_depth
        How deep objects and arrays may lie inside each other.

    Raises
    ------
    AclfError
        `invalid` with all issues, unparsable if the body is not JSON at all;
        `not_found` if R4 has no such resource type.
    """
    return _parse(body, expected_type, max_depth, whole=True)


def parse_envelope(body: bytes, expected_type: str, *, max_depth: int = MAX_DEPTH) -> Resource:
    """Do what `parse_resource` does, but leave the resources inside (entries) unjudged."""
    return _parse(body, expected_type, max_depth, whole=False)


def validate(body: bytes, *, max_depth: int = MAX_DEPTH) -> tuple[Issue, ...]:
    """List every problem of a body; nothing means that it is a valid R4 resource."""
    try:
        parse_resource(body, max_depth=max_depth)
    except AclfError as error:
        return error.issues
    return ()


@dataclass(frozen=True, slots=True)
class _Pass:
    """How far the quick pass goes.

    Parameters
    ----------
    max_depth
        How deep objects and arrays may lie inside each other.
    whole
        Whether resources inside (but not contained ones) are judged too.
    settled
        Whether the collecting pass has already read the bytes and found nothing.
    """

    max_depth: int
    whole: bool
    settled: bool = False

    def decode(self, body: bytes, kind: str) -> tuple[Resource | None, bool]:
        """Return the decoded resource, and whether it holds all that was sent."""
        try:
            resource: Resource = _kit(kind).decode(body)
        except (ValueError, RecursionError):
            return None, False
        if self.settled:
            return resource, True
        quotes = skim(body, self.max_depth)
        return resource, quotes >= 0 and not lost_members(quotes, encode(resource))

    def conforms(self, resource: Resource, *, odd: bool) -> bool:
        """Whether a decoded resource obeys every rule."""
        seen = Seen(odd=odd)
        if not _kit(type(resource).__name__).check(resource, seen):
            return False
        if isinstance(resource, DomainResource) and resource.contained is not None:
            if not self._contained_conform(resource, resource.contained, seen):
                return False
        elif seen.fragments:
            return False
        return not self.whole or all(self._inner_conforms(bytes(raw)) for raw in seen.resources)

    def _inner_conforms(self, body: bytes) -> bool:
        kind = _type_of(body)
        if kind not in _TYPES:
            return False
        resource, complete = self.decode(body, kind)
        return resource is not None and complete and self.conforms(resource, odd=True)

    def _contained_conform(
        self, container: DomainResource, contained: list[msgspec.Raw], seen: Seen
    ) -> bool:
        ids = {""}
        inside = Seen(odd=True)
        whole = encode(container)
        for body in map(bytes, contained):
            kind = _type_of(body)
            one, complete = self.decode(body, kind) if kind in _TYPES else (None, False)
            if one is None or not complete or not _kit(kind).check(one, inside):
                return False
            if one.id is None or getattr(one, "contained", None) is not None:  # dom-2, dom-3
                return False
            meta = one.meta
            if meta and (meta.version_id or meta.last_updated or meta.security):  # dom-4, dom-5
                return False
            if f'"#{one.id}"'.encode() not in whole and b'"#"' not in body:  # dom-3
                return False
            ids.add(one.id)
        return (
            ids.issuperset(inside.fragments)  # ref-1
            and (ids - {""}).issuperset(seen.fragments)
            and all(self._inner_conforms(bytes(raw)) for raw in inside.resources)
        )


def _parse(body: bytes, expected_type: str | None, max_depth: int, *, whole: bool) -> Resource:
    kind = _type_of(body)
    resource: Resource | None = None
    if kind in _TYPES and expected_type in (None, kind):
        quick = _Pass(max_depth, whole)
        resource, complete = quick.decode(body, kind)
        odd = not body.isascii() or b"\\" in body
        if resource is not None and complete and quick.conforms(resource, odd=odd):
            return resource
    issues = _collect(body, expected_type, max_depth)
    if not whole:
        issues = [issue for issue in issues if not _INSIDE_ENTRY(issue.location)]
    if issues:
        raise AclfError.all_of(issues)
    if resource is None or not _Pass(max_depth, whole, settled=True).conforms(resource, odd=True):
        # The two passes disagree. Never let through what one of them refuses.
        raise AclfError.of(
            Category.INVALID, kind, "does not conform to R4", "Compare it with R4 4.0.1."
        )
    return resource


def _collect(body: bytes, expected_type: str | None, max_depth: int) -> list[Issue]:
    tree = read(body, max_depth=max_depth)
    if not isinstance(tree, Members):
        return [_issue("", "The body is not a JSON object.", "Send one resource.")]
    kind = tree.get("resourceType")
    if isinstance(kind, str) and kind not in _TYPES:
        raise _unknown_type()
    location = kind if isinstance(kind, str) else (expected_type or "Resource")
    issues = list(problems(tree, location))
    if isinstance(kind, str) and expected_type not in (None, kind):
        place = f"{location}.resourceType"
        issues.append(_issue(place, f"must be {expected_type}", "Send it to its own endpoint."))
    issues += resource_issues(tree, location)
    return issues


def resource_type_of(body: bytes) -> str | None:
    """Tell the `resourceType` that a body names, without parsing the rest; None if none."""
    return _type_of(body) or None


def _type_of(body: bytes) -> str:
    found = _TYPE_FIRST(body)
    if found:
        return found[1].decode()
    kind, _ = resource_head(msgspec.Raw(body))
    return kind or ""


@cache
def _kit(kind: str) -> _Kit:
    struct = model(kind)
    decoder = msgspec.json.Decoder(struct, dec_hook=_as_decimal, float_hook=exact_decimal)
    return _Kit(decoder.decode, compile_check(struct))


def _as_decimal(_: type, value: object) -> Decimal:
    """Take what JSON wrote as a number; a string is none."""
    if type(value) is Decimal:
        return value
    if type(value) is int and -(10**31) < value < 10**31:
        return Decimal(value)
    raise ValueError("a JSON number in range is needed")


def _unknown_type() -> AclfError:
    return AclfError.of(
        Category.NOT_FOUND,
        "",
        "R4 has no such resource type.",
        "Send an R4 (4.0.1) resource type.",
    )


def _issue(location: str, message: str, remedy: str) -> Issue:
    return Issue(Category.INVALID, location, message, remedy)
