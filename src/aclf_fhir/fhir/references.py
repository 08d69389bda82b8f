"""FHIR references: what a reference text points at, and where references stand.

R4 references.html: a reference is relative (`Patient/1`), absolute (an http URL),
a `urn:uuid` or `urn:oid`, a fragment (`#med`), or, inside a transaction, a search
(`Patient?identifier=...`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.fhir import r4
from aclf_fhir.fhir.elements import elements_of
from aclf_fhir.fhir.primitives import Base
from aclf_fhir.fhir.r4 import datatypes
from aclf_fhir.fhir.splice import splice_meta, splice_references

__all__ = ["Reference", "iter_references", "parse_reference", "splice_meta", "splice_references"]

Kind = Literal["relative", "absolute", "urn", "fragment", "conditional"]

_TYPES = frozenset(r4.__all__)
_LITERAL = re.compile(
    r"(?P<base>https?://\S*?/)??(?P<type>[A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})"
    r"(?:/_history/(?P<version>[A-Za-z0-9\-.]{1,64}))?(?P<fragment>#\S*)?"
).fullmatch


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference text, taken apart.

    Parameters
    ----------
    kind
        How it points.
    type
        The resource type that the text names, or None.
    id
        The id that the text names (of a fragment: without `#`), or None.
    version
        The version that the text names, or None.
    url
        The text itself.
    """

    kind: Kind
    type: str | None
    id: str | None
    version: str | None
    url: str


def parse_reference(text: str) -> Reference:
    """Take a reference text apart.

    Raises
    ------
    AclfError
        `invalid`, if it is none of the five kinds.
    """
    reference = take_apart(text)
    if reference is None:
        raise AclfError.of(
            Category.INVALID, "", "is not a reference R4 knows", "Send Type/id, a URL or urn:uuid."
        )
    return reference


def take_apart(text: str) -> Reference | None:
    """Do what `parse_reference` does; None if the text is no R4 reference at all."""
    if text.startswith("#"):
        return Reference("fragment", None, text[1:], None, text)
    if text.startswith("urn:"):
        return Reference("urn", None, None, None, text)
    found = _LITERAL(text)
    if found and found["type"] in _TYPES:
        kind: Kind = "absolute" if found["base"] else "relative"
        return Reference(kind, found["type"], found["id"], found["version"], text)
    if re.match(r"[a-z][a-z0-9+.-]*:\S*\Z", text):
        return Reference("absolute", None, None, None, text)
    head, mark, _ = text.partition("?")
    if mark and head in _TYPES:
        return Reference("conditional", head, None, None, text)
    return None


def iter_references(resource: Base) -> Iterator[tuple[str, datatypes.Reference]]:
    """Yield every Reference element of a resource with its FHIRPath.

    Contained resources are bytes here; decode and walk them on their own.
    """

    def walk(node: Base, path: str) -> Iterator[tuple[str, datatypes.Reference]]:
        if isinstance(node, datatypes.Reference):
            yield path, node
        for element in elements_of(type(node)).elements:
            if element.kind != "struct":
                continue
            value: Any = getattr(node, element.attribute)
            if value is None:
                continue
            if not element.many:
                yield from walk(value, f"{path}.{element.name}")
                continue
            for index, item in enumerate(value):
                if item is not None:
                    yield from walk(item, f"{path}.{element.name}[{index}]")

    yield from walk(resource, type(resource).__name__)
