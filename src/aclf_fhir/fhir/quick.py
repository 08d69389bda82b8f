"""The quick pass: whether a decoded struct conforms, and no more.

msgspec has already refused unknown elements, wrong types, wrong required codes
and empty arrays. What is left (text formats, reference targets, choices,
required primitives, invariants) is compiled to one flat Python function per
struct, because intake runs it on every result: a loop over tables costs more
than the decoding itself. The functions answer yes or no; `collecting` says why.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from aclf_fhir.fhir import r4
from aclf_fhir.fhir.elements import Element, Elements, elements_of
from aclf_fhir.fhir.formats import FORMATS, ID_CHARACTERS
from aclf_fhir.fhir.invariants import RULES
from aclf_fhir.fhir.narrative import is_narrative
from aclf_fhir.fhir.primitives import Base, Coded
from aclf_fhir.fhir.r4.datatypes import CodeableConcept, DomainResource, Reference, Resource
from aclf_fhir.fhir.references import take_apart

__all__ = ["Seen", "aligned", "compile_check", "has_binding", "may_point_at"]

_TYPES = frozenset(r4.__all__)


class Seen:
    """What one resource holds that only its root can judge."""

    __slots__ = ("fragments", "odd", "resources")

    def __init__(self, *, odd: bool) -> None:
        self.odd = odd
        self.fragments: list[str] = []
        self.resources: list[msgspec.Raw] = []


Check = Callable[[Any, Seen], bool]


def may_point_at(reference: Any, targets: frozenset[str], seen: Seen) -> bool:
    """Whether a Reference is well formed and its type, where told, is allowed."""
    kind = reference.type
    if kind is not None and targets and kind in _TYPES and kind not in targets:
        return False
    text = reference.reference
    if text is None:
        return True
    head, _, rest = text.partition("/")
    if head in (targets or _TYPES) and 0 < len(rest) <= 64 and not rest.strip(ID_CHARACTERS):
        return True
    if head[:1] == "#":
        seen.fragments.append(text[1:])
        return True
    parts = take_apart(text)
    return parts is not None and (parts.type is None or not targets or parts.type in targets)


def aligned(values: list[Any] | None, siblings: list[Any] | None) -> bool:
    """Whether an array of primitives and its sibling pair up, each null with something."""
    if values is None or siblings is None:
        return None not in (values or siblings or ())
    return len(values) == len(siblings) and not any(
        value is None and sibling is None for value, sibling in zip(values, siblings, strict=True)
    )


def has_binding(concept: Any, coded: Coded) -> bool:
    """Whether a CodeableConcept holds a code of its required value set."""
    codes = coded.codes.split()
    return any(
        coding.system == coded.system and coding.code in codes for coding in concept.coding or ()
    )


def _has_content(element: Base) -> bool:
    """Whether an element with an id holds anything else (ele-1)."""
    values = msgspec.structs.astuple(element)
    return len(values) - values.count(None) > 1


def _all_conform(values: list[str | None], conforms: Callable[[str], bool]) -> bool:
    return all(value is None or conforms(value) for value in values)


_NAMES: dict[str, Any] = {
    "aligned": aligned,
    "all_conform": _all_conform,
    "has_binding": has_binding,
    "has_content": _has_content,
    "may_point_at": may_point_at,
    "is_xhtml": is_narrative,
    **{f"is_{name}": conforms for name, conforms in FORMATS.items()},
}
# In a body of plain ASCII without escapes the only white space is a space.
_PLAIN = {"code", "uri", "url", "canonical"}


def compile_check(struct: type[Base]) -> Check:
    """Return the check of a struct, compiling it and those it calls when first needed."""
    waiting = [struct]
    fresh: dict[str, Any] = {}
    while waiting:
        one = waiting.pop()
        name = f"check_{one.__name__}"
        if name in _NAMES or name in fresh:
            continue
        names: dict[str, Any] = {}
        source = "\n".join(_source(elements_of(one), names, waiting))
        fresh |= names
        # As `dataclasses` does; the source is made of names in the R4 definitions alone.
        exec(source, _NAMES, fresh)  # noqa: S102
    _NAMES.update(fresh)
    check: Check = _NAMES[f"check_{struct.__name__}"]
    return check


def _source(elements: Elements, names: dict[str, Any], waiting: list[type[Base]]) -> Iterator[str]:
    struct = elements.struct
    yield f"def check_{struct.__name__}(r, s):"
    if not issubclass(struct, Resource):
        yield "    if r.id is not None and not has_content(r): return False"
    for element in elements.elements:
        yield from _checks(element, struct, names, waiting)
    for choice in elements.choices:
        terms = [
            f"(r.{e.attribute} is not None or r.{e.sibling} is not None)"
            if e.sibling
            else f"(r.{e.attribute} is not None)"
            for e in choice.elements
        ]
        yield f"    n = {' + '.join(terms)}"
        yield f"    if n {'!= 1' if choice.required else '> 1'}: return False"
    for number, rule in enumerate(RULES.get(struct.__name__, ())):
        names[f"rule_{struct.__name__}_{number}"] = rule.holds
        yield f"    if not rule_{struct.__name__}_{number}(r): return False"
    yield "    return True"


def _checks(
    element: Element, struct: type[Base], names: dict[str, Any], waiting: list[type[Base]]
) -> Iterator[str]:
    value = f"r.{element.attribute}"
    if element.sibling and element.required:
        yield f"    if {value} is None and r.{element.sibling} is None: return False"
    if element.primitive and element.many:
        sibling = f"r.{element.sibling}"
        yield f"    if {value} is not None or {sibling} is not None:"
        yield f"        if not aligned({value}, {sibling}): return False"
    refusal = _refusal(element, struct, names, waiting)
    if not refusal:
        return
    yield f"    if (v := {value}) is not None:"
    if not element.many:
        yield f"        if {refusal.format('v')}: return False"
    else:
        yield "        for x in v:"
        yield f"            if x is not None and ({refusal.format('x')}): return False"


def _refusal(
    element: Element, struct: type[Base], names: dict[str, Any], waiting: list[type[Base]]
) -> str:
    """Return the condition under which one item is refused, or nothing."""
    if element.kind == "resource":
        # What is contained shares its root's ids; anything else is a resource of its own.
        contained = issubclass(struct, DomainResource) and element.name == "contained"
        return "" if contained else "s.resources.append({})"
    if element.struct:
        waiting.append(element.struct)
        refusals = [f"not check_{element.struct.__name__}({{0}}, s)"]
        if element.struct is Reference:
            names[targets := f"targets_{struct.__name__}_{element.attribute}"] = element.targets
            refusals.append(f"not may_point_at({{0}}, {targets}, s)")
        if element.simple:
            refusals.append("{0}.comparator is not None")
        if element.coded and element.struct is CodeableConcept:
            names[coded := f"coded_{struct.__name__}_{element.attribute}"] = element.coded
            refusals.append(f"not has_binding({{0}}, {coded})")
        return " or ".join(refusals)
    if element.format in _PLAIN:
        return f"(' ' in {{0}} or s.odd) and not is_{element.format}({{0}})"
    return f"not is_{element.format}({{0}})" if element.format else ""
