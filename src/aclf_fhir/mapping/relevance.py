"""Which resources can state a fact of some concepts, told from their codes alone.

Whoever wants a few concepts need not map a whole record. A resource is passed over only
where its type and its codes prove that mapping it would state nothing wanted and would
hold it for no reason that could hide something wanted. Whatever cannot be told so (an
unknown or local code, text alone, a contained resource, a drug by reference, an unusual
spelling of the JSON) is mapped.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from aclf_fhir.errors import AclfError
from aclf_fhir.fhir import resource_types
from aclf_fhir.fhir.r4.datatypes import CodeableConcept
from aclf_fhir.fhir.strict_json import check
from aclf_fhir.mapping.blood_pressure import MEAN, PRESSURES
from aclf_fhir.mapping.codings import codings_of, looked_up, read_notions
from aclf_fhir.mapping.models import MappingContext
from aclf_fhir.mapping.questions import read_question
from aclf_fhir.mapping.units_read import Problem
from aclf_fhir.record import FactKind

__all__ = ["STATES", "Head", "Stated", "Wanted", "may_state", "read_head"]

Stated = frozenset[tuple[FactKind, str]]
"""Kind and concept of facts."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for, besides birth, sex, death and stays, which always are."""

    facts: Stated
    kinds: frozenset[FactKind]

    @classmethod
    def of(cls, facts: Stated) -> Self:
        """Ask for facts of these kinds and concepts."""
        return cls(facts, frozenset(kind for kind, _ in facts))


_NOTHING: Stated = frozenset()
_KEPT = 8192
"""How many codes are kept; a site sends a few thousand."""
_CODE, _DRUG = b'"code":', b'"medicationCodeableConcept":'
_TYPES = resource_types()
_NO_KINDS: frozenset[FactKind] = frozenset()
_ALWAYS = frozenset({FactKind.DEMOGRAPHIC, FactKind.ENCOUNTER})
"""Birth and death bound the time of every other fact; stays may say that somebody died."""

_FINDINGS = frozenset({FactKind.FINDING})
_MEDICATIONS = frozenset({FactKind.MEDICATION})
_ORGAN_SUPPORT = frozenset({FactKind.PROCEDURE, FactKind.FINDING})

STATES: Mapping[str, frozenset[FactKind]] = {
    "Condition": frozenset({FactKind.FINDING, FactKind.GRADE}),
    "Consent": frozenset({FactKind.CONSENT}),
    "Device": _ORGAN_SUPPORT,
    "DiagnosticReport": _FINDINGS,
    "Encounter": frozenset({FactKind.ENCOUNTER, FactKind.DEMOGRAPHIC}),
    "FamilyMemberHistory": _FINDINGS,
    "Medication": frozenset(),
    "MedicationAdministration": _MEDICATIONS,
    "MedicationRequest": _MEDICATIONS,
    "MedicationStatement": _MEDICATIONS,
    "Observation": frozenset({FactKind.MEASUREMENT, FactKind.GRADE, FactKind.FINDING}),
    "Patient": frozenset({FactKind.DEMOGRAPHIC}),
    "Procedure": frozenset({FactKind.PROCEDURE}),
    "QuestionnaireResponse": frozenset({FactKind.ATTESTATION, FactKind.FINDING, FactKind.GRADE}),
    "ResearchSubject": frozenset({FactKind.PARTICIPATION}),
    "ServiceRequest": _FINDINGS,
    "Specimen": frozenset(),
}
"""Kinds of the facts that a resource type can state; what it contains is not counted."""

_NOTION_KINDS: Mapping[str, frozenset[FactKind]] = {
    "Condition": _FINDINGS,
    "MedicationAdministration": _MEDICATIONS,
    "MedicationRequest": _MEDICATIONS,
    "MedicationStatement": _MEDICATIONS,
    "Procedure": frozenset({FactKind.PROCEDURE}),
}
"""Types of which one element says which notions they state."""


class Head(msgspec.Struct):
    """What tells a resource's concepts, undecoded where a code seen before need not be."""

    resource_type: str = msgspec.field(name="resourceType", default="")
    id: str = ""
    code: msgspec.Raw = msgspec.Raw()
    drug: msgspec.Raw = msgspec.field(name="medicationCodeableConcept", default=msgspec.Raw())
    component: msgspec.Raw = msgspec.Raw()
    stage: msgspec.Raw = msgspec.Raw()


class _Component(msgspec.Struct):
    code: msgspec.Raw = msgspec.Raw()


_head = msgspec.json.Decoder(Head).decode
_components = msgspec.json.Decoder(list[_Component]).decode
_concept: Callable[[bytes], Any] = msgspec.json.Decoder(CodeableConcept).decode


def read_head(body: bytes | msgspec.Raw) -> Head | None:
    """Read the head of a resource; None of what parsing will refuse."""
    try:
        return _head(body)
    except msgspec.DecodeError:
        return None


def may_state(head: Head, body: bytes, wanted: Wanted, context: MappingContext) -> bool:
    """Say whether a resource may bear on the facts that are wanted.

    Parameters
    ----------
    head, body
        The resource.
    wanted
        What is asked for.
    context
        Of the site; its `stated` keeps what codes were found to state.
    """
    type_ = head.resource_type
    if type_ not in _TYPES:
        return True  # parsing refuses it
    kinds = STATES.get(type_, _NO_KINDS)
    if not kinds.isdisjoint(_ALWAYS):
        return True
    if kinds.isdisjoint(wanted.kinds):
        return not _is_plain(body)
    if type_ == "Observation":
        element = _CODE
        codes = [head.code]
        if head.component:
            codes += [part.code for part in _components(head.component)]
    elif type_ in _NOTION_KINDS and not head.stage:
        element, code = (_CODE, head.code) if head.code else (_DRUG, head.drug)
        codes = [code]
    else:
        return True
    for code in codes:
        stated = _stated_by(type_, bytes(code), context)
        if stated is None or not stated.isdisjoint(wanted.facts):
            return True
    return not _is_plain(body) or _count(body, element) != len(codes)


def _is_plain(body: bytes) -> bool:
    """Say whether a resource holds no other one, has one type, and spells no key with escapes."""
    return b"\\" not in body and body.count(b'"resourceType"') == 1


def _count(body: bytes, key: bytes) -> int:
    """Count the objects under a key, as compact JSON and as indented JSON write them.

    One that is written in another way, or twice, makes the count differ from what was read.
    """
    return body.count(key + b"{") or body.count(key + b" {")


def _stated_by(type_: str, code: bytes, context: MappingContext) -> Stated | None:
    """Return what a code as sent states, None where only mapping can tell."""
    key = type_, code
    try:
        return context.stated[key]
    except KeyError:
        stated = _read(type_, code, context)
    if len(context.stated) < _KEPT:
        context.stated[key] = stated
    return stated


def _read(type_: str, code: bytes, context: MappingContext) -> Stated | None:
    try:
        check(code)
        concept: CodeableConcept = _concept(code)
    except (AclfError, msgspec.DecodeError):
        return None
    kinds = _NOTION_KINDS.get(type_)
    return _asked(concept, context) if kinds is None else _notions(concept, kinds, context)


def _asked(concept: CodeableConcept, context: MappingContext) -> Stated | None:
    """Return what the code of an Observation or component asks for."""
    codings = codings_of(concept)
    question = read_question(codings, context)
    if isinstance(question, Problem):
        return None
    if question is None:
        texts = [coding.display for coding in concept.coding or () if coding.display]
        if concept.text is not None:
            texts.append(concept.text)
        rule = context.not_needed.rule_for(codings, texts=texts, categories=())
        aside = not context.site.set_aside.isdisjoint(looked_up(concept))
        return _NOTHING if aside or rule is not None else None
    if question.analyte is not None:
        concepts = {question.analyte.id}
        if question.analyte.id in PRESSURES:
            concepts.add(MEAN)
        return frozenset((FactKind.MEASUREMENT, each) for each in concepts)
    if question.scale is not None:
        is_finding = question.scale.id in context.value_sets
        return frozenset({(FactKind.FINDING if is_finding else FactKind.GRADE, question.scale.id)})
    return frozenset((FactKind.FINDING, each) for each in question.notions)


def _notions(
    concept: CodeableConcept, kinds: frozenset[FactKind], context: MappingContext
) -> Stated | None:
    """Return the notions an element states; None if it contradicts itself or is not known."""
    notions = read_notions(looked_up(concept), context, kinds)
    if notions.contradiction or not (notions.found or notions.covered or notions.set_aside):
        return None
    return frozenset((notion.value_set.kind, id_) for id_, notion in notions.found.items())
