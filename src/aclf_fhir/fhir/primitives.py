"""The vocabulary in which the R4 structs are written: primitive types, and marks on elements.

A struct's annotations are the one place where an element's rules stand. msgspec
enforces what it knows (types, required bindings, minimum lengths); the marks it
does not know (`Format`, `Target`, `Coded`, `REQUIRED` ...) are read by
`elements`, from which both the quick and the collecting pass are made.

An absent element is `None`. JSON null never gets that far: `validation` refuses
it everywhere but in an array of primitives, where R4 allows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeVar

from msgspec import Meta, Raw, Struct

__all__ = [
    "NO_COMPARATOR",
    "REQUIRED",
    "AnyResource",
    "Base",
    "Base64Binary",
    "Boolean",
    "Canonical",
    "Code",
    "Coded",
    "Date",
    "DateTime",
    "Format",
    "Id",
    "Instant",
    "Integer",
    "Many",
    "Markdown",
    "MaybeResource",
    "Must",
    "Oid",
    "PositiveInt",
    "Some",
    "String",
    "Target",
    "Time",
    "UnsignedInt",
    "Uri",
    "Url",
    "Uuid",
    "Xhtml",
    "fhir_name",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Format:
    """The element's text follows the R4 primitive type of this name."""

    name: str


@dataclass(frozen=True, slots=True)
class Target:
    """The Reference may point at these resource types only (names joined by spaces)."""

    types: str


@dataclass(frozen=True, slots=True)
class Coded:
    """The CodeableConcept has a required binding to these codes of one system."""

    system: str
    codes: str


@dataclass(frozen=True, slots=True)
class _Mark:
    name: str


REQUIRED = _Mark("required")
"""The primitive must have a value or a sibling with an extension (`_status`)."""

NO_COMPARATOR = _Mark("no comparator")
"""The Quantity is a SimpleQuantity (sqty-1)."""

if TYPE_CHECKING:
    MaybeResource = Raw | None
else:
    MaybeResource = Raw  # msgspec knows no `Raw | None`; absent is None all the same

Many = Annotated[list[T], Meta(min_length=1)]
"""An array of complex elements."""

Some = Annotated[list[T | None], Meta(min_length=1)]
"""An array of primitives: an item may be null where its sibling has an extension."""

Must = Annotated[T, REQUIRED]

Boolean = bool
Integer = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
UnsignedInt = Annotated[int, Meta(ge=0, le=2**31 - 1)]
PositiveInt = Annotated[int, Meta(ge=1, le=2**31 - 1)]
String = Annotated[str, Meta(min_length=1)]
Markdown = Annotated[str, Meta(min_length=1)]
Code = Annotated[str, Meta(min_length=1), Format("code")]
Id = Annotated[str, Meta(min_length=1, max_length=64), Format("id")]
Uri = Annotated[str, Meta(min_length=1), Format("uri")]
Url = Annotated[str, Meta(min_length=1), Format("url")]
Canonical = Annotated[str, Meta(min_length=1), Format("canonical")]
Oid = Annotated[str, Meta(min_length=1), Format("oid")]
Uuid = Annotated[str, Meta(min_length=1), Format("uuid")]
Date = Annotated[str, Meta(min_length=1), Format("date")]
DateTime = Annotated[str, Meta(min_length=1), Format("dateTime")]
Instant = Annotated[str, Meta(min_length=1), Format("instant")]
Time = Annotated[str, Meta(min_length=1), Format("time")]
Base64Binary = Annotated[str, Meta(min_length=1), Format("base64Binary")]
Xhtml = Annotated[str, Meta(min_length=1), Format("xhtml")]
AnyResource = Raw
"""A whole resource inside another one, as the bytes received."""


def fhir_name(attribute: str) -> str:
    """Return the JSON name of a Python attribute: `value_quantity` gives `valueQuantity`.

    A trailing underscore steps around a Python keyword (`class_`); `_ext` names
    the sibling that carries a primitive's id and extensions (`status_ext`, `_status`).
    """
    if attribute.endswith("_ext"):
        return "_" + fhir_name(attribute[:-4])
    first, *rest = attribute.rstrip("_").split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


class Base(
    Struct,
    frozen=True,
    kw_only=True,
    gc=False,  # FHIR elements are trees: they hold no reference cycle to collect
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename=fhir_name,
):
    """What all R4 structs share: closed, immutable, camelCase in JSON."""
