"""Specimen: read through the Observations that refer to it, to see that it fits the code."""

from typing import TYPE_CHECKING

import msgspec

from aclf_fhir.codes import Coding
from aclf_fhir.mapping.codings import codings_of, describe
from aclf_fhir.mapping.models import Analyte, HeldReason
from aclf_fhir.mapping.references import find_resource

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.datatypes import CodeableConcept
    from aclf_fhir.fhir.r4.observation import Observation
    from aclf_fhir.fhir.r4.specimen import Specimen
    from aclf_fhir.mapping.draft import Draft
    from aclf_fhir.mapping.vocabulary import Vocabulary

__all__ = ["Sample", "SampleFit", "check_specimen", "map_specimen", "read_sample"]

_VESSELS = frozenset({"arterial", "venous", "capillary"})
_NONE: frozenset[str] = frozenset()
_UNKNOWN = frozenset({"specimen_unknown"})


class Sample(msgspec.Struct, frozen=True):
    """What an Observation says of the material it was measured in.

    Parameters
    ----------
    types
        Type of the Specimen, the site's own codes translated.
    fluids
        Fluids other than blood that a text or a body site names, with the element.
    names_blood
        True where a text names blood, serum or plasma.
    """

    types: tuple[Coding, ...]
    fluids: tuple[tuple[str, str], ...] = ()
    names_blood: bool = False


class SampleFit(msgspec.Struct, frozen=True):
    """What the specimen adds to a result it does not contradict."""

    qualifiers: frozenset[str] = _NONE
    flags: frozenset[str] = _NONE


_FITS = SampleFit()


def map_specimen(specimen: "Specimen", draft: "Draft") -> str:
    """Set a Specimen aside; the Observations that wait for it are mapped again."""
    return "specimen-definition"


def read_sample(observation: "Observation", draft: "Draft") -> Sample | None:
    """Return what is said of the specimen; None where nothing is.

    The Specimen may not be known (yet), have no type, or one that only a site can read.
    """
    vocabulary = draft.context.vocabulary
    reference, site = observation.specimen, observation.body_site
    if reference is None:
        # A body site without a Specimen says where blood was drawn, or that it was none.
        return (
            None
            if site is None
            else Sample((), _named(site, "bodySite", vocabulary), names_blood=True)
        )
    types: tuple[Coding, ...] = ()
    fluids = () if site is None else _named(site, "bodySite", vocabulary)
    texts = [reference.display]
    resource = find_resource(reference, observation, draft)
    concept: CodeableConcept | None = getattr(resource, "type", None)
    if concept is not None:
        types = _types(concept, draft)
        texts += _texts(concept)
    collection = getattr(resource, "collection", None)
    if collection is not None and collection.body_site is not None:
        fluids += _named(collection.body_site, "specimen", vocabulary)
    names_blood = False
    for text in texts:
        if text:
            others, is_blood = vocabulary.fluids_named(text)
            fluids += tuple([(fluid, "specimen") for fluid in others])
            names_blood = names_blood or is_blood
    return Sample(types, fluids, names_blood)


def _types(concept: "CodeableConcept", draft: "Draft") -> tuple[Coding, ...]:
    local = draft.context.site.specimen_codes
    codings = codings_of(concept)
    if not codings and concept.text is not None:
        declared = local.get(Coding("", concept.text))
        return () if declared is None else (declared,)
    return tuple([local.get(coding, coding) for coding in codings]) if local else codings


def _texts(concept: "CodeableConcept") -> "list[str | None]":
    return [concept.text, *[coding.display for coding in concept.coding or ()]]


def _named(
    site: "CodeableConcept", path: str, vocabulary: "Vocabulary"
) -> tuple[tuple[str, str], ...]:
    """Return the fluids a body site stands for."""
    sites = vocabulary.fluid_sites
    coded = [sites[coding] for coding in codings_of(site) if coding in sites]
    worded = [fluid for text in _texts(site) if text for fluid in vocabulary.fluids_named(text)[0]]
    return tuple((fluid, path) for fluid in coded + worded)


def check_specimen(
    sample: Sample, analyte: Analyte, qualifiers: frozenset[str], draft: "Draft"
) -> SampleFit | None:
    """Return what the specimen adds to a result, None if it contradicts the code.

    A type of a system the analyte lists types of must be among them, and no text or
    body site may name another fluid. Any other type cannot be read: the code stands
    for itself, flagged `specimen_unknown` unless a text names blood.
    """
    allowed = analyte.specimens
    if not allowed:
        return _FITS
    vocabulary = draft.context.vocabulary
    types = sample.types
    is_read = sample.names_blood
    vessels: frozenset[str] = _NONE
    wrong = False
    for coding in types:
        vessel = vocabulary.vessels.get(coding)
        if vessel is not None:
            vessels |= {vessel}
        if coding in allowed:
            is_read = True
        else:
            wrong = wrong or any(coding.system == listed.system for listed in allowed)
    if wrong or (vessels and len(vessels | (qualifiers & _VESSELS)) > 1):
        detail = f"{analyte.id} in {describe(types)}"
        draft.hold(HeldReason.SPECIMEN_CONTRADICTS, "specimen", detail)
        return None
    for fluid, path in sample.fluids:
        if fluid != "urine" or vocabulary.urine.isdisjoint(allowed):
            draft.hold(HeldReason.SPECIMEN_CONTRADICTS, path, f"{analyte.id} in {fluid}")
            return None
    if is_read and not vessels:
        return _FITS
    return SampleFit(vessels, _NONE if is_read else _UNKNOWN)
