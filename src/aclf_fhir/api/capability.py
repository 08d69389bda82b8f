"""CapabilityStatements, written from the routes and search parameters that exist."""

from collections.abc import Iterable
from functools import lru_cache

from aclf_fhir.fhir import resource_types
from aclf_fhir.publication.capability import (
    OfferedOperation,
    OfferedParameter,
    OfferedResource,
    capability_statement,
)
from aclf_fhir.settings import RELEASED, software_version
from aclf_fhir.workflows.search_parameters import parameters_of

__all__ = ["site_statement", "trial_statement"]

_INTERACTIONS = ("create", "history-instance", "read", "search-type", "update", "vread")
_NOT_OF = {"Bundle": frozenset({"create", "update"})}
"""Interactions a type does not have: a Bundle is taken apart, never kept."""
_COMMON = (
    OfferedParameter("_id", "token"),
    OfferedParameter("_lastUpdated", "date"),
    OfferedParameter("_tag", "token"),
)
_OPERATIONS = {
    "patient-score": OfferedOperation(
        "score", documentation="Scores of a stored Patient; asOf, knownAt, score."
    ),
    "patient-score-timeline": OfferedOperation(
        "score-timeline",
        documentation="Scores of a stored Patient over time, as SVG; asOf, knownAt, score.",
    ),
    "patient-screen": OfferedOperation(
        "screen", documentation="Eligibility of a stored Patient; asOf, knownAt, trial."
    ),
    "patient-screen-diff": OfferedOperation(
        "screen-diff",
        documentation="What differs between two verdicts of a stored Patient;"
        " asOf, knownAt, otherAsOf, otherKnownAt, trial.",
    ),
    "subject-sign": OfferedOperation(
        "sign",
        documentation="Freezes the verdict on a subject as a signed document;"
        " signer, meaning, acknowledge, asOf. If-Match is required.",
    ),
    "system-score": OfferedOperation(
        "score", documentation="Scores of a Bundle; nothing is stored."
    ),
    "system-screen": OfferedOperation(
        "screen", documentation="Eligibility of a Bundle; nothing is stored."
    ),
    "held": OfferedOperation("held", documentation="What is stored but not used yet, and why."),
    "intake": OfferedOperation(
        "intake", documentation="How every entry of a push ended; push names it."
    ),
}

_OF_TYPE = {
    "Patient": ("patient-score", "patient-score-timeline", "patient-screen", "patient-screen-diff"),
    "ResearchSubject": ("subject-sign",),
}
"""Operations on instances, by resource type."""


@lru_cache(maxsize=16)
def site_statement(url: str, routes: frozenset[str]) -> bytes:
    """Write the statement of `/fhir`, given the names of its routes."""
    interactions = [code for code in _INTERACTIONS if code in routes]
    return capability_statement(
        url=url,
        description="Takes in hospital results and gives scores, eligibility and outcomes back.",
        software_version=software_version(),
        released=RELEASED,
        resources=[
            _resource(
                type_,
                [code for code in interactions if code not in _NOT_OF.get(type_, ())],
                [_OPERATIONS[name] for name in _OF_TYPE.get(type_, ()) if name in routes],
            )
            for type_ in sorted(resource_types())
        ],
        interactions=[code for code in ("batch", "transaction") if "batch transaction" in routes],
        operations=[
            _OPERATIONS[name]
            for name in ("system-score", "system-screen", "held", "intake")
            if name in routes
        ],
        parameters=_COMMON,
    )


@lru_cache(maxsize=16)
def trial_statement(url: str, trial: str, routes: frozenset[str], types: tuple[str, ...]) -> bytes:
    """Write the statement of one trial's read-only endpoint."""
    interactions = [code for code in _INTERACTIONS if code in routes]
    return capability_statement(
        url=url,
        description=f"Trial {trial}: pseudonymised, blinded, read-only.",
        software_version=software_version(),
        released=RELEASED,
        resources=[_resource(type_, interactions) for type_ in types],
        parameters=_COMMON,
    )


def _resource(
    type_: str, interactions: Iterable[str], operations: Iterable[OfferedOperation] = ()
) -> OfferedResource:
    listed = {
        parameter.name: OfferedParameter(parameter.name, parameter.kind)
        for parameter in parameters_of(type_)
    }
    return OfferedResource(
        type=type_,
        interactions=tuple(interactions),
        parameters=tuple(listed.values()),
        operations=tuple(operations),
        update_create="update" in interactions,
    )
