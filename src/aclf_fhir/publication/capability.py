"""The CapabilityStatement, written from what the server says it has registered."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from aclf_fhir.codes import CANONICAL_BASE
from aclf_fhir.publication.derived import Json, write
from aclf_fhir.publication.elements import compact

__all__ = [
    "OfferedOperation",
    "OfferedParameter",
    "OfferedResource",
    "capability_statement",
]


@dataclass(frozen=True, slots=True)
class OfferedParameter:
    """A search parameter; `definition` is its canonical URL, "" if R4 defines it by name."""

    name: str
    type: Literal[
        "number", "date", "string", "token", "reference", "composite", "quantity", "uri", "special"
    ]
    documentation: str = ""
    definition: str = ""


@dataclass(frozen=True, slots=True)
class OfferedOperation:
    """An operation without its `$`; its definition is in `profiles/` unless named."""

    name: str
    definition: str = ""
    documentation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedResource:
    """What the server does with one resource type.

    Parameters
    ----------
    type
        Resource type.
    interactions
        R4 codes: `read`, `vread`, `update`, `create`, `search-type` …
    parameters
        Search parameters.
    operations
        Operations on the type or its instances.
    profiles
        Names of the project's profiles that resources of this type may claim.
    includes, reverse_includes
        `_include` and `_revinclude` values.
    update_create, conditional_create, conditional_update
        Whether the server does so.
    documentation
        What else a client must know, Markdown.
    """

    type: str
    interactions: tuple[str, ...] = ()
    parameters: tuple[OfferedParameter, ...] = ()
    operations: tuple[OfferedOperation, ...] = ()
    profiles: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    reverse_includes: tuple[str, ...] = ()
    update_create: bool = False
    conditional_create: bool = False
    conditional_update: bool = False
    documentation: str = ""


def capability_statement(
    *,
    url: str,
    description: str,
    software_version: str,
    released: date,
    resources: Iterable[OfferedResource],
    interactions: Iterable[str] = (),
    operations: Iterable[OfferedOperation] = (),
    parameters: Iterable[OfferedParameter] = (),
    instantiates: Iterable[str] = (),
) -> bytes:
    """Write the CapabilityStatement of one endpoint.

    Parameters
    ----------
    url
        Base URL the endpoint is reached under.
    description
        What the endpoint is for.
    software_version, released
        Version of the gateway, and its day of release (the statement's date).
    resources
        By resource type; written in alphabetical order.
    interactions, operations, parameters
        Of the whole system: `transaction`, `batch` …; `$score` …; `_lastUpdated` …
    instantiates
        Canonical URLs of statements this one fulfills.
    """
    ordered = sorted(resources, key=lambda resource: resource.type)
    rest = compact(
        mode="server",
        resource=[_resource(resource) for resource in ordered],
        interaction=[{"code": code} for code in interactions],
        searchParam=[_parameter(parameter) for parameter in parameters],
        operation=[_operation(operation) for operation in operations],
    )
    statement = compact(
        resourceType="CapabilityStatement",
        status="active",
        date=released.isoformat(),
        kind="instance",
        instantiates=list(instantiates),
        software={"name": "aclf-fhir", "version": software_version},
        implementation={"description": description, "url": url},
        fhirVersion="4.0.1",
        format=["json", "application/fhir+json"],
        rest=[rest],
    )
    return write(statement)


def _resource(resource: OfferedResource) -> Json:
    searches = "search-type" in resource.interactions
    return compact(
        type=resource.type,
        supportedProfile=[
            f"{CANONICAL_BASE}/StructureDefinition/{profile}" for profile in resource.profiles
        ],
        documentation=resource.documentation,
        interaction=[{"code": code} for code in resource.interactions],
        versioning="versioned",
        readHistory="vread" in resource.interactions,
        updateCreate=resource.update_create,
        conditionalCreate=resource.conditional_create,
        conditionalUpdate=resource.conditional_update,
        searchInclude=list(resource.includes),
        searchRevInclude=list(resource.reverse_includes),
        searchParam=[_parameter(parameter) for parameter in resource.parameters]
        if searches
        else [],
        operation=[_operation(operation) for operation in resource.operations],
    )


def _parameter(parameter: OfferedParameter) -> Json:
    return compact(
        name=parameter.name,
        definition=parameter.definition,
        type=parameter.type,
        documentation=parameter.documentation,
    )


def _operation(operation: OfferedOperation) -> Json:
    return compact(
        name=operation.name,
        definition=operation.definition or f"{CANONICAL_BASE}/OperationDefinition/{operation.name}",
        documentation=operation.documentation,
    )
