"""What the annotations of an R4 struct say, as tables.

Both passes of `validation` are made from these: the quick one over decoded
structs, the collecting one over plain JSON.
"""

import types
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from aclf_fhir.fhir.primitives import NO_COMPARATOR, REQUIRED, Base, Coded, Format, Target

__all__ = ["Choice", "Element", "Elements", "elements_of"]

Kind = Literal["struct", "resource", "string", "integer", "decimal", "boolean"]


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a struct: how it is named and what it may hold.

    Parameters
    ----------
    attribute
        Its name in Python.
    name
        Its name in JSON.
    kind
        What one item is.
    struct
        The struct of a complex element.
    many
        Whether it is an array.
    required
        Whether it must be there; a primitive may leave it to its sibling.
    primitive
        Whether items are primitives (an array of them may hold null).
    sibling
        Attribute of the `_name` element, or "".
    format
        R4 primitive type whose text format applies, or "".
    codes
        The codes of a required binding.
    low, high
        Bounds of an integer.
    targets
        Resource types that a Reference may point at; empty for any.
    coded
        Required binding of a CodeableConcept.
    simple
        Whether it is a SimpleQuantity.
    """

    attribute: str
    name: str
    kind: Kind
    struct: type[Base] | None = None
    many: bool = False
    required: bool = False
    sibling: str = ""
    format: str = ""
    codes: frozenset[str] = frozenset()
    low: int = 0
    high: int = 0
    targets: frozenset[str] = frozenset()
    coded: Coded | None = None
    simple: bool = False

    @property
    def primitive(self) -> bool:
        """Whether items are primitives."""
        return self.kind not in ("struct", "resource")


@dataclass(frozen=True, slots=True)
class Choice:
    """A `value[x]`: at most one of several elements, or exactly one."""

    name: str
    required: bool
    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Elements:
    """All elements of one struct."""

    struct: type[Base]
    elements: tuple[Element, ...]
    choices: tuple[Choice, ...]
    by_name: dict[str, Element] = field(default_factory=dict)


@cache
def elements_of(struct: type[Base]) -> Elements:
    """Read the annotations of a struct."""
    fields = msgspec.structs.fields(struct)
    attributes = {one.name for one in fields}
    elements = tuple(_element(one, attributes) for one in fields)
    by_attribute = {element.attribute: element for element in elements}
    choices = tuple(
        Choice(name, required, tuple(by_attribute[a] for a in names.split()))
        for name, (required, names) in getattr(struct, "choices", {}).items()
    )
    return Elements(struct, elements, choices, {element.name: element for element in elements})


def _element(one: msgspec.structs.FieldInfo, attributes: set[str]) -> Element:
    facts: dict[str, Any] = {"required": one.required}
    kind = _unwrap(one.type, facts)
    if get_origin(kind) is list:
        facts["many"] = True
        kind = _unwrap(get_args(kind)[0], facts)
    sibling = one.name.rstrip("_") + "_ext"
    if sibling in attributes:
        facts["sibling"] = sibling
    if get_origin(kind) is Literal:
        facts.update(kind="string", codes=frozenset(get_args(kind)))
    elif kind in _KINDS:
        facts["kind"] = _KINDS[kind]
    else:
        facts.update(kind="struct", struct=kind)
    return Element(one.name, one.encode_name, **facts)


_KINDS: dict[Any, Kind] = {
    str: "string",
    int: "integer",
    bool: "boolean",
    Decimal: "decimal",
    msgspec.Raw: "resource",
}


def _unwrap(annotation: Any, facts: dict[str, Any]) -> Any:
    """Strip `Annotated` and `| None`, noting the marks."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation, *marks = get_args(annotation)
            for mark in marks:
                _note(mark, facts)
        elif origin in (Union, types.UnionType):
            annotation = next(a for a in get_args(annotation) if a is not type(None))
        else:
            return annotation


def _note(mark: Any, facts: dict[str, Any]) -> None:
    if mark is REQUIRED:
        facts["required"] = True
    elif mark is NO_COMPARATOR:
        facts["simple"] = True
    else:
        facts.update(_NOTES[type(mark)](mark))


_NOTES: dict[type, Callable[[Any], dict[str, Any]]] = {
    Format: lambda mark: {"format": mark.name},
    Target: lambda mark: {"targets": frozenset(mark.types.split())},
    Coded: lambda mark: {"coded": mark},
    msgspec.Meta: lambda mark: {} if mark.ge is None else {"low": mark.ge, "high": mark.le},
}
