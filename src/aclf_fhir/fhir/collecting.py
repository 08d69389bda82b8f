"""The collecting pass: every problem of a resource, each with its FHIRPath.

It runs only when the quick pass has said no, over plain JSON and from the same
tables, so it can go on where a decoder has to stop.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from aclf_fhir.errors import Category, Issue
from aclf_fhir.fhir import r4
from aclf_fhir.fhir.elements import Element, Elements, elements_of
from aclf_fhir.fhir.formats import DESCRIPTIONS, FORMATS, has_control_characters
from aclf_fhir.fhir.invariants import RULES
from aclf_fhir.fhir.narrative import is_narrative
from aclf_fhir.fhir.primitives import Base, fhir_name
from aclf_fhir.fhir.quick import Seen, aligned, has_binding, may_point_at
from aclf_fhir.fhir.r4.datatypes import DomainResource, Reference, Resource
from aclf_fhir.fhir.r4.datatypes import Element as Sibling
from aclf_fhir.fhir.strict_json import Members, OutOfRange

__all__ = ["View", "resource_issues"]

_TYPES = frozenset(r4.__all__)
_EXPECTED = {
    "boolean": "true or false",
    "decimal": "a JSON number",
    "integer": "a whole JSON number",
    "resource": "a resource",
    "string": "a JSON string",
    "struct": "a JSON object",
}


# True is an int to Python; to JSON it is not, so exact types are compared.
_PYTHON: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "decimal": (int, Decimal),
    "integer": (int,),
    "resource": (Members,),
    "string": (str,),
    "struct": (Members,),
}


class View:
    """A JSON object that answers the attribute names of its struct.

    What is absent or of the wrong type is None, so an invariant sees only what
    can be judged.
    """

    def __init__(self, members: Members, struct: type[Base] | None) -> None:
        self._members = members
        self._struct = struct

    def __eq__(self, other: object) -> bool:
        return isinstance(other, View) and self._members == other._members

    __hash__ = None  # type: ignore[assignment] # compared by content, never a key

    def __getattr__(self, attribute: str) -> Any:
        name = fhir_name(attribute)
        element = elements_of(self._struct).by_name.get(name) if self._struct else None
        value = self._members.get(name)
        if element is None:
            return View(value, None) if isinstance(value, Members) else value
        if not element.many:
            return self._item(value, element)
        if not isinstance(value, list):
            return None
        return [item for item in (self._item(one, element) for one in value) if item is not None]

    @property
    def choices(self) -> dict[str, tuple[bool, str]]:
        """What the struct declares about its `value[x]` elements."""
        return getattr(self._struct, "choices", {})

    @staticmethod
    def _item(value: object, element: Element) -> Any:
        if element.kind in ("struct", "resource"):
            return View(value, element.struct) if isinstance(value, Members) else None
        return value if _has_kind(value, element) else None


def resource_issues(
    members: Members, location: str, *, inside: frozenset[str] | None = None
) -> Iterator[Issue]:
    """List the problems of one resource, and of those inside it.

    Parameters
    ----------
    members
        The resource, as `strict_json.read` returns it.
    location
        Where it stands: its type, or `Bundle.entry[3].resource`.
    inside
        Of a contained resource: the ids that its references may name.
    """
    kind = members.get("resourceType")
    if not isinstance(kind, str) or kind not in _TYPES:
        place = f"{location}.resourceType"
        if "resourceType" in members:
            yield _issue(place, "is not an R4 resource type", "Send an R4 (4.0.1) resource type.")
        else:
            yield _issue(place, "is missing", "Name the resource type.")
        return
    seen: Seen = []
    struct: type[Base] = getattr(r4, kind)
    rest = Members((key, value) for key, value in members.items() if key != "resourceType")
    yield from _object_issues(rest, elements_of(struct), location, seen)
    yield from _contained_issues(members, location, seen, inside)


def _contained_issues(
    members: Members, location: str, seen: Seen, inside: frozenset[str] | None
) -> Iterator[Issue]:
    contained = members.get("contained")
    items = contained if isinstance(contained, list) else []
    ids = frozenset(str(item.get("id")) for item in items if isinstance(item, Members))
    for fragment in seen:
        known = ids if inside is None else inside
        if fragment not in known and not (inside is not None and not fragment):
            message = "ref-1: a reference names no contained resource"
            yield _issue(location, message, "Contain the resource, or reference it elsewhere.")
    for index, item in enumerate(items):
        place = f"{location}.contained[{index}]"
        if not isinstance(item, Members):
            continue
        yield from resource_issues(item, place, inside=ids)
        if "contained" in item:
            yield _issue(place, "dom-2: a contained resource contains another", "Flatten it.")
        meta = item.get("meta")
        if isinstance(meta, Members):
            if "versionId" in meta or "lastUpdated" in meta:
                message = "dom-4: a contained resource has a version or a time of update"
                yield _issue(f"{place}.meta", message, "Remove them.")
            if "security" in meta:
                message = "dom-5: a contained resource has a security label"
                yield _issue(f"{place}.meta", message, "Label the container.")
        if not (_mentions(members, f"#{item.get('id')}") or _mentions(item, "#")):
            message = "dom-3: the contained resource is not referred to"
            yield _issue(place, message, "Refer to it by #id, or remove it.")


def _mentions(tree: object, text: str) -> bool:
    if isinstance(tree, dict):
        return any(_mentions(value, text) for value in tree.values())
    if isinstance(tree, list):
        return any(_mentions(item, text) for item in tree)
    return tree == text


def _object_issues(
    members: Members, elements: Elements, location: str, seen: Seen
) -> Iterator[Issue]:
    """List the problems of one object: unknown members, each element, choices, invariants."""
    if members.keys() <= {"id"} and not _may_be_empty(members, elements.struct):
        yield _issue(location, "ele-1: the element holds nothing", "Leave it out, or fill it.")
    for name, value in members.items():
        element = elements.by_name.get(name)
        if element is None:
            place = f"{location}.{name}" if name.isidentifier() else location
            yield _issue(place, "R4 has no such element here", "Remove it, or use an extension.")
        else:
            yield from _element_issues(value, element, elements, f"{location}.{name}", seen)
    for element in elements.elements:
        sibling = "_" + element.name if element.sibling else element.name
        if element.required and element.name not in members and sibling not in members:
            yield _issue(f"{location}.{element.name}", "is missing", "R4 requires it.")
        if element.sibling and not element.many and element.name not in members:
            alone = members.get(sibling)
            if isinstance(alone, Members) and alone.keys() == {"id"}:
                place = f"{location}.{sibling}"
                yield _issue(place, "ele-1: neither a value nor an extension", "Send one.")
        if element.many and element.sibling and (element.name in members or sibling in members):
            pair: list[Any] = [members.get(element.name), members.get(sibling)]
            if all(isinstance(one, list | None) for one in pair) and not aligned(*pair):
                message = "values and their extensions do not pair up"
                yield _issue(f"{location}.{element.name}", message, "Fill both with null.")
    yield from _choice_issues(members, elements, location)
    view = View(members, elements.struct)
    for rule in RULES.get(elements.struct.__name__, ()):
        try:
            holds = rule.holds(view)
        except (TypeError, AttributeError, ValueError):  # a malformed part, reported as such
            continue
        if not holds:
            yield _issue(location, f"{rule.key}: {rule.message}", "See the R4 definition.")


def _may_be_empty(members: Members, struct: type[Base]) -> bool:
    """Whether a resource has only its type, or a sibling only an id (its value may do)."""
    return issubclass(struct, Resource) or (struct is Sibling and bool(members))


def _choice_issues(members: Members, elements: Elements, location: str) -> Iterator[Issue]:
    for choice in elements.choices:
        found = [e.name for e in choice.elements if e.name in members or "_" + e.name in members]
        place = f"{location}.{choice.name}[x]"
        if len(found) > 1:
            yield _issue(place, f"has several types: {', '.join(found)}", "Send one of them.")
        elif choice.required and not found:
            yield _issue(place, "is missing", "R4 requires one of its types.")


def _element_issues(
    value: object, element: Element, elements: Elements, location: str, seen: Seen
) -> Iterator[Issue]:
    if not element.many:
        yield from _item_issues(value, element, elements, location, seen)
    elif not isinstance(value, list):
        yield _issue(location, "must be a JSON array", "Send an array, even for one item.")
    elif not value:
        yield _issue(location, "is an empty array", "Leave it out, or fill it.")
    else:
        pairs = element.primitive or element.name.startswith("_")
        for index, item in enumerate(value):
            if item is not None or not pairs:
                yield from _item_issues(item, element, elements, f"{location}[{index}]", seen)


def _item_issues(
    value: object, element: Element, elements: Elements, location: str, seen: Seen
) -> Iterator[Issue]:
    if value is None:
        yield _issue(location, "is null", "Leave an absent element out.")
    elif isinstance(value, OutOfRange) and element.kind in ("decimal", "integer"):
        return  # reported by `strict_json.problems`
    elif not _has_kind(value, element):
        yield _issue(location, f"must be {_EXPECTED[element.kind]}", "Send the R4 type.")
    elif element.kind == "resource":
        if not (element.name == "contained" and issubclass(elements.struct, DomainResource)):
            yield from resource_issues(value, location)  # type: ignore[arg-type] # the element's kind says what the value is
    elif element.struct:
        yield from _struct_issues(value, element, location, seen)  # type: ignore[arg-type] # the element's kind says what the value is
    elif isinstance(value, str):
        yield from _text_issues(value, element, location)
    elif element.kind == "integer" and not element.low <= value <= element.high:  # type: ignore[operator] # the element's kind says what the value is
        message = f"must lie between {element.low} and {element.high}"
        yield _issue(location, message, "Send a value in range.")


def _struct_issues(value: Members, element: Element, location: str, seen: Seen) -> Iterator[Issue]:
    struct = element.struct
    if struct is None:  # pragma: no cover - the caller has looked
        return
    yield from _object_issues(value, elements_of(struct), location, seen)
    view = View(value, struct)
    if struct is Reference and not may_point_at(view, element.targets or _TYPES, seen):
        targets = ", ".join(sorted(element.targets)) or "any resource"
        message = f"must be a reference to {targets}"
        yield _issue(f"{location}.reference", message, "Send Type/id, a URL or urn:uuid.")
    if element.simple and view.comparator is not None:
        yield _issue(f"{location}.comparator", "is not allowed here (sqty-1)", "Remove it.")
    if element.coded and not has_binding(view, element.coded):
        message = f"needs a code of {element.coded.system}: {element.coded.codes}"
        yield _issue(location, message, "Send one of these codes.")


def _text_issues(text: str, element: Element, location: str) -> Iterator[Issue]:
    if not text:
        yield _issue(location, "is empty", "Leave it out, or fill it.")
    elif element.codes:
        if text not in element.codes:
            allowed = ", ".join(sorted(element.codes)) if len(element.codes) <= 20 else "R4's codes"
            yield _issue(location, f"must be one of {allowed}", "Send a code of the value set.")
    elif element.format == "xhtml":
        if not is_narrative(text):
            yield _issue(location, "txt-1, txt-2: must be plain XHTML", DESCRIPTIONS["xhtml"])
    elif element.format:
        if not FORMATS[element.format](text):
            yield _issue(location, f"must be {DESCRIPTIONS[element.format]}", "Send a valid value.")
    elif has_control_characters(text):
        yield _issue(location, "holds a control character", "Remove it.")


def _has_kind(value: object, element: Element) -> bool:
    return type(value) in _PYTHON[element.kind]


def _issue(location: str, message: str, remedy: str) -> Issue:
    return Issue(Category.INVALID, location, message, remedy)
