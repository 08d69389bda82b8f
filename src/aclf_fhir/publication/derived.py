"""Resources the gateway derives: their identity, their bytes, and what a change of them is.

A derived resource is a function of its inputs: the same evaluation gives the
same bytes. So nothing here (id, order of keys, spelling of a number) may depend
on when or where it runs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal, Self
from uuid import NAMESPACE_URL, uuid5

import msgspec

from aclf_fhir.codes import CANONICAL_BASE, Coding, local_system
from aclf_fhir.record import SourceVersion

__all__ = ["ORIGIN", "Derived", "Json", "ObservationStatus", "derived_id", "revise", "write"]

Json = str | int | bool | Decimal | msgspec.Raw | Sequence["Json"] | Mapping[str, "Json"]
"""What a resource is written from. No floats: they cannot carry a laboratory's digits."""

ObservationStatus = Literal["final", "amended", "entered-in-error"]

ORIGIN = Coding(local_system("origin"), "derived")
"""The `meta.tag` of every derived resource, by which intake knows it when it comes back."""

_NAMESPACE = uuid5(NAMESPACE_URL, CANONICAL_BASE)
_encode = msgspec.json.Encoder(decimal_format="number").encode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class Derived:
    """One resource the gateway made.

    Parameters
    ----------
    type
        Resource type.
    id
        Logical id; the same identity always has the same one.
    body
        The resource as JSON, without versionId and lastUpdated.
    subject
        Logical id of the Patient it is about, None for studies and definitions.
    sources
        The resource versions it rests on, sorted, without repetition.
    """

    type: str
    id: str
    body: bytes
    subject: str | None = None
    sources: tuple[SourceVersion, ...] = ()

    @classmethod
    def of(
        cls,
        resource: Mapping[str, Json],
        *,
        subject: str | None = None,
        sources: Iterable[SourceVersion] = (),
    ) -> Self:
        """Write a resource that carries its own `resourceType` and `id`."""
        return cls(
            str(resource["resourceType"]),
            str(resource["id"]),
            write(resource),
            subject,
            distinct(sources),
        )

    @property
    def reference(self) -> str:
        """The relative reference, `Observation/123`, to whatever version is current."""
        return f"{self.type}/{self.id}"


def distinct(sources: Iterable[SourceVersion]) -> tuple[SourceVersion, ...]:
    """Sort resource versions, one entry each whatever element of it was read."""
    whole = {SourceVersion(source.type, source.id, source.version) for source in sources}
    return tuple(sorted(whole, key=lambda source: (source.type, source.id, source.version)))


def derived_id(site: str, type_: str, *identity: str) -> str:
    """Return the id of a derived resource: UUIDv5 of its business identity.

    Parameters
    ----------
    site
        Site the subject belongs to; "" for what no site owns.
    type_
        Resource type.
    identity
        What makes it this one and no other, e.g. subject, score and instant.
    """
    parts = (site, type_, *identity)
    if any("|" in part for part in parts):
        message = "a part of a business identity must not hold '|'"
        raise ValueError(message)
    return str(uuid5(_NAMESPACE, "|".join(parts)))


def write(resource: Mapping[str, Json]) -> bytes:
    """Write JSON in the order of the mapping, decimals digit by digit."""
    return _encode(resource)


def with_status(body: bytes, status: str) -> bytes:
    """Return the resource with another `status`; every other byte of its members stays."""
    return _encode({**_members(body), "status": status})


def revise(stored: bytes, fresh: Derived) -> Derived | None:
    """Return what to store after `fresh` was derived again, None if nothing changed.

    Two versions are alike if they differ in nothing but versionId and lastUpdated,
    in `final` against `amended`, and, for criteria and verdicts, in the T they were
    judged for. A changed Observation is `amended`.
    """
    old, new = _members(stored), _members(fresh.body)
    if _statement(old) == _statement(new):
        return None
    if fresh.type != "Observation" or bytes(new["status"]) != b'"final"':
        return fresh
    return replace(fresh, body=with_status(fresh.body, "amended"))


_JUDGED = tuple(f"/StructureDefinition/{name}".encode() for name in ("criterion", "verdict"))


def _statement(members: dict[str, msgspec.Raw]) -> dict[str, bytes]:
    """Take away when a stored resource was written or judged; the rest is what it says."""
    statement = {name: bytes(raw) for name, raw in members.items()}
    meta = statement.pop("meta", b"")
    if statement.get("status") == b'"amended"':
        statement["status"] = b'"final"'
    if any(profile in meta for profile in _JUDGED):
        statement.pop("effectiveDateTime", None)
    return statement
