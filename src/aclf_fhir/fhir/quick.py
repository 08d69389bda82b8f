"""The quick pass: whether a decoded struct conforms, and no more.

msgspec has already refused unknown elements, wrong types, wrong required codes
and empty arrays. What is left (text formats, reference targets, choices,
required primitives, invariants) is compiled to one flat Python function per
struct, because intake runs it on every result: a loop over tables costs more
than the decoding itself. The functions answer yes or no; `collecting` says why.

A check also counts the quotes that what it saw takes in JSON. If the body holds
as many, decoding lost nothing: no key was repeated, no member was null, and no
string stood where a decimal belongs, for each of these leaves quotes over.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import msgspec

from aclf_fhir.fhir import r4
from aclf_fhir.fhir.elements import Element, elements_of
from aclf_fhir.fhir.formats import FORMATS, ID_CHARACTERS
from aclf_fhir.fhir.invariants import RULES
from aclf_fhir.fhir.narrative import is_narrative
from aclf_fhir.fhir.primitives import Base, Coded
from aclf_fhir.fhir.r4.datatypes import (
    CodeableConcept,
    Coding,
    DomainResource,
    Extension,
    Identifier,
    Period,
    Quantity,
    Reference,
    Resource,
)
from aclf_fhir.fhir.r4.datatypes import Element as Sibling
from aclf_fhir.fhir.references import take_apart
from aclf_fhir.fhir.strict_json import LARGEST_EXPONENT

__all__ = ["Seen", "aligned", "compile_check", "has_binding", "may_point_at"]

_TYPES = frozenset(r4.__all__)


Seen = list[str | msgspec.Raw | None]
"""What only the root can judge.

Ids of fragment references, resources inside, and None for what may nest too deep.
"""

Check = Callable[[Any, Seen], float]
"""Returns the pairs of quotes that the node's JSON needs; 0 if it does not conform."""


def may_point_at(reference: Any, targets: frozenset[str], seen: Seen) -> bool:
    """Whether a Reference is well formed and its type, where told, is a target."""
    kind = reference.type
    if kind is not None and kind in _TYPES and kind not in targets:
        return False
    text = reference.reference
    if text is None:
        return True
    if text[:1] == "#":
        seen.append(text[1:])
        return True
    parts = take_apart(text)
    return parts is not None and (parts.type is None or parts.type in targets)


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


_NAMES: dict[str, Any] = {
    "ID_CHARACTERS": ID_CHARACTERS,
    "aligned": aligned,
    "has_binding": has_binding,
    "has_content": _has_content,
    "may_point_at": may_point_at,
    "is_xhtml": is_narrative,
    **{f"is_{name}": conforms for name, conforms in FORMATS.items()},
}
_WITHOUT_SPACE = {"code", "uri", "url", "canonical"}
_INLINE = {CodeableConcept, Coding, Identifier, Period, Quantity, Reference}
"""Structs whose checks are written into their parents': a call costs as much as they do."""


@cache
def compile_check(struct: type[Base], *, plain: bool) -> Check:
    """Return the check of a struct, compiling it when first needed.

    Those that it calls are compiled when they are first called: R4 is wide, and what
    is sent uses little of it.

    Parameters
    ----------
    struct
        What is to be checked.
    plain
        Whether the check may take for granted that no primitive has a sibling
        (`_status`) and that the only white space in any text is a plain space.
    """
    writer = _Writer(plain, _NAMES)
    fresh: dict[str, Any] = {}
    # As `dataclasses` does; the source is made of names in the R4 definitions alone.
    exec("\n".join(writer.function(struct)), _NAMES, fresh)  # noqa: S102
    _NAMES.update(fresh)
    (check,) = fresh.values()
    return cast("Check", check)


def _compiled_when_called(struct: type[Base], *, plain: bool) -> Check:
    def check(node: Any, seen: Seen) -> float:
        return compile_check(struct, plain=plain)(node, seen)

    return check


def may_nest(owner: type[Base], struct: type[Base]) -> bool:
    """Whether elements can lie inside themselves by way of this one.

    Every circle in the R4 definitions passes one of these: an extension inside a
    datatype, the assigner of an Identifier, an item inside an item.
    """
    return (
        (struct is Extension and owner.__module__ == Extension.__module__)
        or (struct is Reference and owner is Identifier)
        or (
            struct.__module__ != Extension.__module__ and owner.__name__.startswith(struct.__name__)
        )
    )


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes the source of one check.

    `n` counts the pairs of quotes that the members need: one for a key, one more
    for a text. A refusal returns 0, and so does an element that holds nothing.
    """

    plain: bool
    names: dict[str, Any]

    def name(self, struct: type[Base]) -> str:
        """Return the name of a struct's check."""
        return f"{'plain' if self.plain else 'check'}_{struct.__name__}"

    def function(self, struct: type[Base]) -> Iterator[str]:
        """Write the check of one struct: node `r`, `s` as `Seen`."""
        yield f"def {self.name(struct)}(r, s):"
        yield "    n = 0"
        yield from self.body(struct, "r", "    ")
        # The key and the text of `resourceType` come on top.
        yield f"    return n{' + 2' if issubclass(struct, Resource) else ''}"

    def body(self, struct: type[Base], node: str, indent: str) -> Iterator[str]:
        """Check the elements, the choices and the invariants of one node."""
        elements = elements_of(struct)
        of_choice = {
            element.attribute: f"{node}{number}"
            for number, choice in enumerate(elements.choices)
            for element in choice.elements
        }
        for count in sorted(set(of_choice.values())):
            yield f"{indent}{count} = 0"
        for element in elements.elements:
            if not (self.plain and element.name.startswith("_")):
                count = of_choice.get(element.attribute, "")
                yield from self._element(element, struct, node, indent, count)
        if not issubclass(struct, Resource) and struct is not Sibling:  # ele-1
            yield f"{indent}if {node}.id is not None and not has_content({node}): return 0"
        for number, choice in enumerate(elements.choices):
            refused = "!= 1" if choice.required else "> 1"
            yield f"{indent}if {node}{number} {refused}: return 0"
        for number, rule in enumerate(RULES.get(struct.__name__, ())):
            name = f"rule_{struct.__name__}_{number}"
            self.names[name] = rule.holds
            guard = f"{node}.{rule.when} is not None and " if rule.when else ""
            guard += f"{node}.{rule.unless} is None and " if rule.unless else ""
            yield f"{indent}if {guard}not {name}({node}): return 0"

    def _is_there(self, element: Element, node: str) -> str:
        there = f"{node}.{element.attribute} is not None"
        if element.sibling and not self.plain:
            there += f" or {node}.{element.sibling} is not None"
        return there

    def _element(
        self, element: Element, struct: type[Base], node: str, indent: str, count: str
    ) -> Iterator[str]:
        """Check one element, and count it in if it is one of a `value[x]`."""
        value, sibling = f"{node}.{element.attribute}", f"{node}.{element.sibling}"
        item, inner = node + "_", indent + "    "
        if element.sibling and element.required:
            yield f"{indent}if not ({self._is_there(element, node)}): return 0"
        if element.sibling and not element.many and not self.plain:
            yield f"{indent}if {value} is None and {sibling} is not None:"
            yield f"{inner}if {sibling}.extension is None: return 0"  # ele-1
            if count:
                yield f"{inner}{count} += 1"
        if element.primitive and element.many and not self.plain:
            yield f"{indent}if not aligned({value}, {sibling}): return 0"
        yield f"{indent}if {value} is not None:"
        if count:
            yield f"{inner}{count} += 1"
        if not element.many:
            yield f"{inner}n += {1 + (element.kind == 'string')}"
            lines = list(self._item(element, struct, item, inner))
            if lines:
                yield f"{inner}{item} = {value}"
                yield from lines
            return
        yield f"{inner}n += 1"
        yield f"{inner}for {item} in {value}:"
        inner += "    "
        if element.primitive or element.name.startswith("_"):
            yield f"{inner}if {item} is None: {'return 0' if self.plain else 'continue'}"
        if element.kind == "string":
            yield f"{inner}n += 1"
        yield from self._item(element, struct, item, inner)
        yield f"{inner}pass"

    def _item(self, element: Element, struct: type[Base], item: str, indent: str) -> Iterator[str]:
        """Check one item of an element, if there is anything to check."""
        if element.kind == "resource":
            # What is contained shares its root's ids; anything else is a resource of its own.
            if not (issubclass(struct, DomainResource) and element.name == "contained"):
                yield f"{indent}s.append({item})"
            yield f"{indent}n += bytes({item}).count(b'\"') / 2"
        elif element.kind == "decimal":
            low, high = -LARGEST_EXPONENT, LARGEST_EXPONENT
            yield f"{indent}if not {low} <= {item}.adjusted() <= {high}: return 0"
        elif element.struct is not None:
            yield from self._struct(element, element.struct, struct, item, indent)
        elif element.format == "dateTime":
            yield f"{indent}if not is_instant({item}) and not is_date({item}): return 0"
        elif element.format in _WITHOUT_SPACE and self.plain:
            yield f"{indent}if ' ' in {item} and not is_{element.format}({item}): return 0"
        elif element.format:
            yield f"{indent}if not is_{element.format}({item}): return 0"

    def _struct(
        self, element: Element, struct: type[Base], owner: type[Base], item: str, indent: str
    ) -> Iterator[str]:
        place = f"{owner.__name__}_{element.attribute}"
        if may_nest(owner, struct):
            yield f"{indent}s.append(None)"
        if struct in _INLINE and not may_nest(owner, struct):
            before = f"m{len(item)}"
            yield f"{indent}{before} = n"
            yield from self.body(struct, item, indent)
            yield f"{indent}if n == {before}: return 0"
        else:
            name = self.name(struct)
            self.names.setdefault(name, _compiled_when_called(struct, plain=self.plain))
            yield f"{indent}if not (m := {name}({item}, s)): return 0"
            yield f"{indent}n += m"
        if struct is Reference:
            self.names[name := f"targets_{place}"] = element.targets or _TYPES
            yield f"{indent}h, _, i = ({item}.reference or '').partition('/')"
            yield f"{indent}if h not in {name} or not 0 < len(i) < 65 or i.strip(ID_CHARACTERS):"
            yield f"{indent}    if not may_point_at({item}, {name}, s): return 0"
            yield f"{indent}elif {item}.type is not None and not may_point_at({item}, {name}, s):"
            yield f"{indent}    return 0"
        if element.simple:
            yield f"{indent}if {item}.comparator is not None: return 0"
        if element.coded:
            self.names[name := f"coded_{place}"] = element.coded
            yield f"{indent}if not has_binding({item}, {name}): return 0"
