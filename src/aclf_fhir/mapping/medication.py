"""Medication: which drugs it is, looked up by the resources that name or refer to it."""

from typing import TYPE_CHECKING

from aclf_fhir.mapping.codings import (
    Notions,
    as_evidence,
    codings_of,
    describe,
    looked_up,
    read_notions,
)
from aclf_fhir.mapping.models import HeldReason
from aclf_fhir.mapping.references import Container, find_resource
from aclf_fhir.record import FactKind

if TYPE_CHECKING:
    from aclf_fhir.codes import Coding
    from aclf_fhir.fhir.r4.datatypes import CodeableConcept, Reference
    from aclf_fhir.fhir.r4.medication import Medication
    from aclf_fhir.mapping.draft import Draft

__all__ = ["Drug", "drug_rule", "map_medication", "read_drug", "route_of"]

_KINDS = frozenset({FactKind.MEDICATION})

Drug = tuple[Notions, tuple[str, ...], str]
"""What it is, its codings as evidence, and the element that says so."""


def map_medication(medication: "Medication", draft: "Draft") -> str:
    """Set a Medication aside; the resources that wait for it are mapped again."""
    return "medication-definition"


def read_drug(
    concept: "CodeableConcept | None",
    reference: "Reference | None",
    owner: Container,
    draft: "Draft",
) -> Drug:
    """Find what drug a resource is about; it is held where that cannot be told."""
    if concept is not None:
        codings = codings_of(concept)
        notions = read_notions(looked_up(concept), draft.context, _KINDS)
        return _known(notions, codings, "medicationCodeableConcept", draft)
    resource = find_resource(reference, owner, draft)
    if resource is None or type(resource).__name__ != "Medication":
        detail = "the Medication was never sent"
        draft.hold(HeldReason.REFERENCE_UNKNOWN, "medicationReference", detail)
        return Notions(), (), "medicationReference"
    medication: Medication = resource  # type: ignore[assignment] # the reference says that it is a Medication
    codings = codings_of(medication.code)
    notions = read_notions(looked_up(medication.code), draft.context, _KINDS)
    if not notions.found and not notions.contradiction:
        codings, notions = _ingredients(medication, codings, notions, draft)
    return _known(notions, codings, "medicationReference", draft)


def _ingredients(
    medication: "Medication", codings: "tuple[Coding, ...]", notions: Notions, draft: "Draft"
) -> "tuple[tuple[Coding, ...], Notions]":
    """Look a product up by its ingredients where its own code is not listed."""
    found = dict(notions.found)
    covered = notions.covered
    for ingredient in medication.ingredient or ():
        if ingredient.is_active is False:
            continue
        listed = codings_of(ingredient.item_codeable_concept)
        one = read_notions(listed, draft.context, _KINDS)
        if one.contradiction:
            return listed, one
        # A product may have several active ingredients: each counts.
        found.update(one.found)
        covered = covered or one.covered
        codings += listed
    return codings, Notions(found, covered=covered, set_aside=notions.set_aside)


def _known(notions: Notions, codings: "tuple[Coding, ...]", path: str, draft: "Draft") -> Drug:
    if notions.contradiction:
        draft.hold(HeldReason.CONTRADICTING_CODES, path, notions.contradiction)
    elif notions.unread:
        draft.hold(HeldReason.UNMAPPED_CODE, path, describe(codings))
    return notions, as_evidence(codings), path


def drug_rule(notions: Notions) -> str:
    """Return the rule for a drug that is none of those read."""
    return "code-set-aside-by-site" if notions.set_aside else "medication-without-use"


def route_of(
    route: "CodeableConcept | None", draft: "Draft"
) -> tuple[frozenset[str], list[tuple[str, str]]]:
    """Return the route as qualifier where it is known, and its codes as context."""
    codings = codings_of(route)
    routes = draft.context.vocabulary.routes
    names = frozenset(routes[coding] for coding in codings if coding in routes)
    return names, [("route", str(coding)) for coding in codings]
