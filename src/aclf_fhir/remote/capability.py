"""Reading a server's CapabilityStatement, and what the gateway needs from a server."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import msgspec

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.remote.server import FhirServer

__all__ = ["Capability", "Finding", "check_server"]


class _Named(msgspec.Struct):
    code: str = ""
    name: str = ""


class _Resource(msgspec.Struct, rename="camel"):
    type: str = ""
    interaction: list[_Named] = []
    search_param: list[_Named] = []
    operation: list[_Named] = []
    update_create: bool = False
    conditional_create: bool = False


class _Rest(msgspec.Struct, rename="camel"):
    mode: str = ""
    resource: list[_Resource] = []
    interaction: list[_Named] = []
    search_param: list[_Named] = []
    operation: list[_Named] = []


class _Software(msgspec.Struct):
    name: str = ""
    version: str = ""


class _Statement(msgspec.Struct, rename="camel"):
    resource_type: str = ""
    fhir_version: str = ""
    format: list[str] = []
    software: _Software = msgspec.field(default_factory=_Software)
    rest: list[_Rest] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """What a server says of itself.

    Parameters
    ----------
    fhir_version
        `4.0.1` for R4.
    formats
        As listed; `json` and `application/fhir+json` mean the same.
    software
        Name and version, for people.
    interactions, parameters
        Codes and names per resource type; parameters of the whole system are among each.
    system
        Interactions of the whole system: `batch`, `transaction` …
    operations
        Names of operations of the whole system.
    update_create
        Types of which a client may choose the ids.
    """

    fhir_version: str
    formats: frozenset[str]
    software: str
    interactions: dict[str, frozenset[str]]
    parameters: dict[str, frozenset[str]]
    system: frozenset[str]
    operations: frozenset[str]
    update_create: frozenset[str]

    @classmethod
    def of(cls, server: FhirServer) -> "Capability":
        """Ask a server.

        Raises
        ------
        AclfError
            If it does not answer, or not with a CapabilityStatement.
        """
        answer = server.expect(server.request("GET", "metadata"))
        try:
            statement = msgspec.json.decode(answer.body, type=_Statement)
        except msgspec.DecodeError:
            statement = _Statement()
        if statement.resource_type != "CapabilityStatement":
            raise AclfError.of(
                Category.UNSUPPORTED,
                "metadata",
                "The server did not answer with a CapabilityStatement in JSON.",
                "Give the base URL of a FHIR R4 endpoint.",
            )
        rest = next((one for one in statement.rest if one.mode == "server"), _Rest())
        software = f"{statement.software.name} {statement.software.version}".strip()
        return cls(
            fhir_version=statement.fhir_version,
            formats=frozenset(statement.format),
            software=software,
            interactions={
                one.type: frozenset(named.code for named in one.interaction)
                for one in rest.resource
            },
            parameters={
                one.type: frozenset(named.name for named in (*one.search_param, *rest.search_param))
                for one in rest.resource
            },
            system=frozenset(named.code for named in rest.interaction),
            operations=frozenset(named.name.lstrip("$") for named in rest.operation),
            update_create=frozenset(one.type for one in rest.resource if one.update_create),
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the gateway needs from a server, and whether it is there.

    Parameters
    ----------
    what
        What is needed.
    why
        What for.
    state
        `there`, `missing`, or `absent` for what only makes things slower.
    """

    what: str
    why: str
    state: Literal["there", "missing", "absent"]


_READ = {
    "Patient": ("identifier", "_lastUpdated"),
    "Encounter": ("patient", "date"),
    "Observation": ("patient", "code", "date"),
    "Condition": ("patient", "code"),
    "Procedure": ("patient", "date"),
    "MedicationAdministration": ("patient",),
    "MedicationRequest": ("patient",),
}
"""What evaluations are made from, and how it is looked for."""


def check_server(capability: Capability) -> list[Finding]:
    """Compare what a server offers with what the gateway needs from it."""
    return list(_findings(capability))


def _findings(capability: Capability) -> Iterator[Finding]:
    version = capability.fhir_version
    yield _finding("FHIR 4.0 (R4)", "all input is read as R4", there=version.startswith("4.0"))
    json = {"json", "application/fhir+json", "application/json"}
    yield _finding("JSON", "no XML is spoken", there=bool(json & capability.formats))
    yield _finding(
        "batch or transaction",
        "send pushes Bundles",
        there=bool({"batch", "transaction"} & capability.system),
    )
    for type_, parameters in _READ.items():
        offered = capability.interactions.get(type_, frozenset())
        for interaction, why in (
            ("read", "evidence is looked up by id"),
            ("search-type", "results are pulled by patient"),
            ("update", "send keeps the sender's ids"),
        ):
            yield _finding(f"{type_} {interaction}", why, there=interaction in offered)
        if "update" in offered:
            yield _finding(
                f"{type_} ids chosen by the client",
                "send keeps the sender's ids",
                there=type_ in capability.update_create,
            )
        for name in parameters:
            there = name in capability.parameters.get(type_, frozenset())
            yield Finding(
                f"{type_} search by {name}",
                "narrows what is pulled",
                "there" if there else ("absent" if name == "_lastUpdated" else "missing"),
            )


def _finding(what: str, why: str, *, there: bool) -> Finding:
    return Finding(what, why, "there" if there else "missing")
