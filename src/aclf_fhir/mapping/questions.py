"""What the code of an Observation asks for: an analyte, a scale, or the notions of a test."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from aclf_fhir.codes import Coding
from aclf_fhir.mapping.codings import Notion, as_evidence, describe, read_notions
from aclf_fhir.mapping.models import Analyte, GradeScale, HeldReason, MappingContext
from aclf_fhir.mapping.units_read import Problem
from aclf_fhir.record import FactKind

__all__ = ["Question", "read_question"]

_NONE: frozenset[str] = frozenset()
_NO_NOTIONS: Mapping[str, Notion] = MappingProxyType({})
_FINDING = frozenset({FactKind.FINDING})
_VESSELS = frozenset({"arterial", "venous", "capillary"})
_KEPT = 8192
"""How many combinations of codings are kept; a site sends a few thousand."""


class Question(NamedTuple):
    """What one code asks for; exactly one of analyte, scale and notions is there.

    Parameters
    ----------
    codes
        The codings as facts carry them.
    analyte, scale, notions
        Of what the codings say.
    qualifiers
        What the codings assert beyond it: `arterial`, `pre_dialysis` …
    units
        UCUM units the codings may come with; empty allows the whole table.
    """

    codes: tuple[str, ...]
    analyte: Analyte | None = None
    scale: GradeScale | None = None
    notions: Mapping[str, Notion] = _NO_NOTIONS
    qualifiers: frozenset[str] = _NONE
    units: frozenset[str] = _NONE


def read_question(
    codings: tuple[Coding, ...], context: MappingContext
) -> Question | Problem | None:
    """Look the codings of an Observation or component up; None if none is known.

    The same few codes come with every result: the answer is kept in `context.questions`.
    """
    question: Question | Problem | None
    try:
        question = context.questions[codings]
    except KeyError:
        question = _look_up(codings, context)
    else:
        return question
    if len(context.questions) < _KEPT:
        context.questions[codings] = question
    return question


def _look_up(codings: tuple[Coding, ...], context: MappingContext) -> Question | Problem | None:
    analyte_id = scale_id = None
    contradiction = False
    qualifiers = units = _NONE
    unclear: Coding | None = None
    for coding in codings:
        entry = context.analytes_by_code.get(coding)
        if entry is not None:
            id_, code = entry
            if code.needs_site:
                unclear = coding
                continue
            contradiction = contradiction or analyte_id not in (None, id_)
            analyte_id = id_
            qualifiers |= code.qualifiers
            units = units & code.units if units and code.units else units | code.units
        id_of_scale = context.scales_by_code.get(coding)
        if id_of_scale is not None:
            contradiction = contradiction or scale_id not in (None, id_of_scale)
            scale_id = id_of_scale
    if analyte_id is not None and len(codings) > 1:
        # Beside the code of something else it is taken for, no code can be relied on.
        look_alikes = context.not_needed.look_alikes
        contradiction = contradiction or any(coding in look_alikes for coding in codings)
    if analyte_id is not None and scale_id is None and not contradiction:
        if qualifiers and len(qualifiers & _VESSELS) > 1:
            return Problem(HeldReason.CONTRADICTING_CODES, "code", describe(codings))
        analyte = context.analytes[analyte_id]
        return Question(as_evidence(codings), analyte, qualifiers=qualifiers, units=units)
    if contradiction or (analyte_id is not None and scale_id is not None):
        return Problem(HeldReason.CONTRADICTING_CODES, "code", describe(codings))
    if scale_id is not None:
        return Question(as_evidence(codings), scale=context.scales[scale_id])
    if unclear is not None:
        detail = f"{unclear} means different things at different sites: declare it in the site file"
        return Problem(HeldReason.UNMAPPED_CODE, "code", detail)
    notions = read_notions(codings, context, _FINDING)
    if notions.contradiction:
        return Problem(HeldReason.CONTRADICTING_CODES, "code", notions.contradiction)
    return Question(as_evidence(codings), notions=notions.found) if notions.found else None
