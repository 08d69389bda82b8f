"""The resources a reference names: contained in the same resource, or stored at the site."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from aclf_fhir.errors import AclfError
from aclf_fhir.fhir import parse_reference, parse_resource
from aclf_fhir.fhir.references import take_apart

if TYPE_CHECKING:
    from msgspec import Raw

    from aclf_fhir.fhir.r4.datatypes import Reference, Resource
    from aclf_fhir.mapping.draft import Draft

__all__ = [
    "Container",
    "contained_resource",
    "find_resource",
    "literal_reference",
    "reference_type",
]


class Container(Protocol):
    """A resource that may contain others."""

    @property
    def contained(self) -> "Sequence[Raw] | None":
        """The resources inside, as bytes."""


def literal_reference(reference: "Reference | None") -> str | None:
    """Return `Type/id` of a reference to a resource of this site, without version."""
    if reference is None or reference.reference is None:
        return None
    type_, slash, logical_id = reference.reference.partition("/")
    if slash and type_.isalpha() and logical_id.replace("-", "").isalnum():
        return reference.reference
    try:
        parsed = parse_reference(reference.reference)
    except AclfError:
        return None
    return f"{parsed.type}/{parsed.id}" if parsed.kind == "relative" else None


def contained_resource(owner: Container, fragment: str) -> "tuple[int, Resource] | None":
    """Return the resource contained under `#fragment` with its place, or None."""
    for index, raw in enumerate(owner.contained or ()):
        resource = parse_resource(bytes(raw))
        if resource.id == fragment:
            return index, resource
    return None


def find_resource(
    reference: "Reference | None", owner: Container, draft: "Draft"
) -> "Resource | None":
    """Return the resource a reference names, None if it is not known (yet).

    A literal reference is waited for: its target may arrive later or change.
    """
    if reference is None or reference.reference is None:
        return None
    if reference.reference.startswith("#"):
        found = contained_resource(owner, reference.reference[1:])
        return None if found is None else found[1]
    key = literal_reference(reference)
    if key is None:
        return None
    draft.wait_for(key)
    return draft.context.resolve(key)


def reference_type(reference: "Reference", owner: Container) -> str:
    """Return the type of what a reference names, "" if neither text nor element says it."""
    text = reference.reference or ""
    if text.startswith("#"):
        found = contained_resource(owner, text[1:])
        return "" if found is None else type(found[1]).__name__
    named = take_apart(text)
    return (named.type if named else None) or reference.type or ""
