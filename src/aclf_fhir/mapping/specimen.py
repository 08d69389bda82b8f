"""Specimen: read through the Observations that refer to it, to see that it fits the code."""

from typing import TYPE_CHECKING

from aclf_fhir.codes import Coding
from aclf_fhir.mapping.codings import codings_of, describe
from aclf_fhir.mapping.models import Analyte, HeldReason
from aclf_fhir.mapping.references import Container, find_resource
from aclf_fhir.mapping.vocabulary import SPECIMEN_QUALIFIERS

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.datatypes import CodeableConcept, Reference
    from aclf_fhir.fhir.r4.specimen import Specimen
    from aclf_fhir.mapping.draft import Draft

__all__ = ["check_specimen", "map_specimen", "specimen_types"]

_VESSELS = frozenset({"arterial", "venous", "capillary"})
_NONE: frozenset[str] = frozenset()


def map_specimen(specimen: "Specimen", draft: "Draft") -> str:
    """Set a Specimen aside; the Observations that wait for it are mapped again."""
    return "specimen-definition"


def specimen_types(
    reference: "Reference | None", owner: Container, draft: "Draft"
) -> tuple[Coding, ...]:
    """Return the type of the Specimen referred to, the site's own codes translated.

    Empty where the Specimen is not known (yet) or its type is text the site file does
    not list.
    """
    if reference is None:
        return ()
    resource = find_resource(reference, owner, draft)
    concept: CodeableConcept | None = getattr(resource, "type", None)
    if concept is None:
        return ()
    local = draft.context.site.specimen_codes
    codings = codings_of(concept)
    if not codings and concept.text is not None:
        declared = local.get(Coding("", concept.text))
        return () if declared is None else (declared,)
    return tuple([local.get(coding, coding) for coding in codings]) if local else codings


def check_specimen(
    types: tuple[Coding, ...], analyte: Analyte, qualifiers: frozenset[str], draft: "Draft"
) -> frozenset[str] | None:
    """Return what the specimen adds to the code's qualifiers, None if it contradicts.

    A type of a system the analyte lists types of must be among them. A type of any
    other system cannot be read: the code stands for itself.
    """
    allowed = analyte.specimens
    if not types or (SPECIMEN_QUALIFIERS.keys().isdisjoint(types) and allowed.issuperset(types)):
        return _NONE
    systems = {coding.system for coding in allowed}
    wrong = [coding for coding in types if coding.system in systems and coding not in allowed]
    vessels = {SPECIMEN_QUALIFIERS[coding] for coding in types if coding in SPECIMEN_QUALIFIERS}
    if wrong or len(vessels | (qualifiers & _VESSELS)) > 1:
        detail = f"{analyte.id} in {describe(types)}"
        draft.hold(HeldReason.SPECIMEN_CONTRADICTS, "specimen", detail)
        return None
    return frozenset(vessels)
