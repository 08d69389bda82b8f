"""R4 validation of what comes in: bytes to a typed resource, or every problem at once.

The quick pass decodes with msgspec into the R4 structs, compares what was decoded
with what was sent, and runs the compiled checks. When it says no, the collecting
pass reads the same bytes slowly and completely, and lists every problem.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from typing import Any

import msgspec

from aclf_fhir.errors import AclfError, Category, Issue, first_issues
from aclf_fhir.fhir import r4
from aclf_fhir.fhir.collecting import resource_issues
from aclf_fhir.fhir.invariants import resource_head
from aclf_fhir.fhir.primitives import Base
from aclf_fhir.fhir.quick import Check, Seen, compile_check
from aclf_fhir.fhir.r4.datatypes import Resource
from aclf_fhir.fhir.strict_json import (
    MAX_DEPTH,
    Members,
    lost_members,
    may_be_too_deep,
    problems,
    read,
)

__all__ = [
    "encode",
    "model",
    "parse_envelope",
    "parse_resource",
    "read_resource",
    "resource_type_of",
    "resource_types",
    "validate",
]

_TYPES = frozenset(r4.__all__)
_TYPE_FIRST = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"([A-Za-z]{1,64})"').match
_COMPACT = b'{"resourceType":"'
_SPACED = b'{"resourceType": "'
_FLAT = 48
"""No resource nests deeper than this, unless some element lies inside itself."""
_BELOW_ENTRY = re.compile(r"Bundle\.entry\[\d+\]\.resource[.\[]").match
_INSIDE_ENTRY = re.compile(r"Bundle\.entry\[\d+\]\.resource\b").match

encode: Callable[[Base], bytes] = msgspec.json.Encoder(decimal_format="number").encode
"""Write a resource or datatype as JSON: decimals as numbers with all their digits."""


@dataclass(frozen=True, slots=True)
class _Kit:
    """What it takes to judge one resource type."""

    name: str
    struct: type[Base]
    decode: Callable[[bytes], Any]
    check_plain: Check

    def check(self, resource: Resource, seen: Seen) -> float:
        """Run the check that takes nothing for granted; few bodies need it, so it waits."""
        return compile_check(self.struct, plain=False)(resource, seen)


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


def read_resource(body: bytes, resource_type: str) -> Resource:
    """Decode a resource that was judged before it was stored, or that the gateway wrote.

    Names, types and codes are still held to; what only `parse_resource` checks is not.

    Raises
    ------
    AclfError
        `invalid`, if it is no such resource.
    """
    try:
        resource: Resource = _decoder(resource_type)(body)
    except ValueError:
        return parse_resource(body, expected_type=resource_type)  # says what is wrong
    return resource


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


def _parse(body: bytes, expected_type: str | None, max_depth: int, *, whole: bool) -> Resource:
    # Written flat: this is what every result that comes in passes through.
    if body.startswith(_COMPACT):
        kit = _KITS.get(body[17 : body.find(b'"', 17)])
    elif body.startswith(_SPACED):
        kit = _KITS.get(body[18 : body.find(b'"', 18)])
    else:
        kit = None
    if kit is None:
        kit = _kit_of(body)
    resource: Resource | None = None
    if kit is not None and (expected_type is None or expected_type == kit.name):
        try:
            resource = kit.decode(body)
        except (ValueError, RecursionError):
            return _settle(body, kit.name, None, expected_type, _Scope(max_depth, whole))
        seen: Seen = []
        escaped = b"\\" in body
        if escaped or not body.isascii() or (b"_" in body and b'"_' in body):
            pairs = kit.check(resource, seen)
        else:
            pairs = kit.check_plain(resource, seen)
        if (
            pairs
            and (
                not lost_members(body, encode(resource))
                if escaped
                else pairs + pairs == body.count(b'"')
            )
            and (
                (not seen and max_depth >= _FLAT and getattr(resource, "contained", None) is None)
                or _rest_conforms(body, resource, seen, _Scope(max_depth, whole))
            )
        ):
            return resource
    name = "" if kit is None else kit.name
    return _settle(body, name, resource, expected_type, _Scope(max_depth, whole))


@dataclass(frozen=True, slots=True)
class _Scope:
    """How far a pass goes.

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


def _settle(
    body: bytes, name: str, resource: Resource | None, expected_type: str | None, scope: _Scope
) -> Resource:
    """Say everything that is wrong; or that the quick pass was over-cautious."""
    issues = _collect(body, expected_type, scope)
    if issues:
        raise AclfError.all_of(issues)
    seen: Seen = []
    if (
        resource is None
        or not _kit(name).check(resource, seen)
        or not _rest_conforms(body, resource, seen, replace(scope, settled=True))
    ):
        # The two passes disagree. Never let through what one of them refuses.
        raise AclfError.of(
            Category.INVALID, name, "does not conform to R4", "Compare it with R4 4.0.1."
        )
    return resource


def _rest_conforms(body: bytes, resource: Resource, seen: Seen, scope: _Scope) -> bool:
    """Judge what only the root can: depth, contained resources, fragments, resources inside."""
    if not scope.settled and may_be_too_deep(body, scope.max_depth):
        return False
    contained = getattr(resource, "contained", None)
    fragments = {one for one in seen if isinstance(one, str)}
    if contained is None:
        if fragments:
            return False
    elif not _contained_conform(resource, contained, fragments, scope):
        return False
    return not scope.whole or _insides_conform(seen, scope)


def _insides_conform(seen: Seen, scope: _Scope) -> bool:
    for raw in seen:
        if isinstance(raw, msgspec.Raw):
            inside: Seen = []
            body = bytes(raw)
            one = _decoded(body, inside, scope)
            if one is None or not _rest_conforms(body, one, inside, scope):
                return False
    return True


def _decoded(body: bytes, seen: Seen, scope: _Scope) -> Resource | None:
    """Decode and check a resource inside another one; None if anything is wrong."""
    kit = _kit_of(body)
    if kit is None:
        return None
    try:
        one: Resource = kit.decode(body)
    except (ValueError, RecursionError):
        return None
    if not scope.settled and lost_members(body, encode(one)):
        return None
    return one if kit.check(one, seen) else None


def _contained_conform(
    container: Resource, contained: list[msgspec.Raw], fragments: set[str], scope: _Scope
) -> bool:
    ids = set()
    inside: Seen = []
    whole = encode(container)
    for body in map(bytes, contained):
        one = _decoded(body, inside, scope)
        if one is None or one.id is None or getattr(one, "contained", None) is not None:  # dom-2
            return False
        meta = one.meta
        if meta and (meta.version_id or meta.last_updated or meta.security):  # dom-4, dom-5
            return False
        if f'"#{one.id}"'.encode() not in whole and b'"#"' not in body:  # dom-3
            return False
        ids.add(one.id)
    inner = {one for one in inside if isinstance(one, str)}
    # ref-1; inside a contained resource, `#` is the container.
    return fragments <= ids and inner <= ids | {""} and _insides_conform(inside, scope)


def _collect(body: bytes, expected_type: str | None, scope: _Scope) -> tuple[Issue, ...]:
    tree = read(body, max_depth=scope.max_depth)
    if not isinstance(tree, Members):
        return (_issue("", "The body is not a JSON object.", "Send one resource."),)
    kind = tree.get("resourceType")
    if isinstance(kind, str) and kind not in _TYPES:
        raise _unknown_type()
    location = kind if isinstance(kind, str) else (expected_type or "Resource")
    ambiguous: Iterable[Issue] = problems(tree, location)
    found: Iterable[Issue] = resource_issues(tree, location)
    if not scope.whole:
        # Which resource is meant, where an entry has two, only the Bundle can tell.
        ambiguous = (issue for issue in ambiguous if not _BELOW_ENTRY(issue.location))
        found = (issue for issue in found if not _INSIDE_ENTRY(issue.location))
    return first_issues(chain(ambiguous, _of_type(location, expected_type), found))


def _of_type(kind: str, expected_type: str | None) -> Iterator[Issue]:
    if expected_type not in (None, kind):
        place = f"{kind}.resourceType"
        yield _issue(place, f"must be {expected_type}", "Send it to its own endpoint.")


def resource_type_of(body: bytes) -> str | None:
    """Tell the `resourceType` that a body names, without parsing the rest; None if none."""
    found = _TYPE_FIRST(body)
    if found:
        return found[1].decode()
    kind, _ = resource_head(msgspec.Raw(body))
    return kind


_KITS: dict[bytes, _Kit] = {}


def _kit_of(body: bytes) -> _Kit | None:
    name = resource_type_of(body)
    return _kit(name) if name in _TYPES else None


@cache
def _decoder(name: str) -> Callable[[bytes], Any]:
    return msgspec.json.Decoder(model(name)).decode


def _kit(name: str) -> _Kit:
    kit = _KITS.get(name.encode())
    if kit is None:
        struct = model(name)
        kit = _Kit(name, struct, _decoder(name), compile_check(struct, plain=True))
        _KITS[name.encode()] = kit
    return kit


def _unknown_type() -> AclfError:
    return AclfError.of(
        Category.NOT_FOUND,
        "",
        "R4 has no such resource type.",
        "Send an R4 (4.0.1) resource type.",
    )


def _issue(location: str, message: str, remedy: str) -> Issue:
    return Issue(Category.INVALID, location, message, remedy)
