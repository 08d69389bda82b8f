"""Resources the gateway itself made, recognised when they come back."""

from typing import TYPE_CHECKING

from aclf_fhir.codes import CANONICAL_BASE, Coding, local_system

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.datatypes import Identifier, Resource

__all__ = ["ORIGIN", "PSEUDONYM", "is_own"]

ORIGIN = Coding(local_system("origin"), "derived")
"""The `meta.tag` publication writes on every derived resource."""


PSEUDONYM = f"{CANONICAL_BASE}/NamingSystem/pseudonym"
"""The identifier system of the trial zone."""


def is_own(resource: "Resource") -> bool:
    """Say whether the gateway derived it: by tag, or by a pseudonym it gave."""
    meta = resource.meta
    if meta is not None and meta.tag is not None:
        for tag in meta.tag:
            if tag.code == ORIGIN.code and tag.system == ORIGIN.system:
                return True
    found: list[Identifier] | Identifier | None = getattr(resource, "identifier", None)
    if found is None:
        return False
    for identifier in found if isinstance(found, list) else (found,):
        if identifier.system == PSEUDONYM:
            return True
    return False
