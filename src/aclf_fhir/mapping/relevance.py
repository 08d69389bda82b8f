"""Which resources can state a fact of some concepts, told from their codes alone.

Whoever wants a few concepts need not map a whole record. A resource is passed over only
where its type and its codes prove that mapping it would state nothing wanted and would
hold it for no reason that could hide something wanted. Whatever cannot be told so (an
unknown or local code, text alone, a contained resource, a drug by reference, an unusual
spelling of the JSON) is mapped.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import msgspec

from aclf_fhir.errors import AclfError
from aclf_fhir.fhir import parse_date_time, resource_types
from aclf_fhir.fhir.r4.datatypes import CodeableConcept
from aclf_fhir.fhir.strict_json import check
from aclf_fhir.mapping.blood_pressure import MEAN, PRESSURES
from aclf_fhir.mapping.codings import codings_of, looked_up, read_notions
from aclf_fhir.mapping.models import MappingContext
from aclf_fhir.mapping.questions import read_question
from aclf_fhir.mapping.units_read import Problem
from aclf_fhir.record import FactKind

__all__ = ["STATES", "Head", "Stated", "Wanted", "drawn_before", "may_state", "read_head"]

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
_AROUND_DIALYSIS = frozenset({"pre_dialysis", "post_dialysis"})
_KEPT = 8192
"""How many codes are kept; a site sends a few thousand."""
_TYPE = b'"resourceType"'
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


class Head(msgspec.Struct, gc=False):
    """What tells a resource's concepts, undecoded where a code seen before need not be."""

    resource_type: str = msgspec.field(name="resourceType", default="")
    id: str = ""
    code: msgspec.Raw = msgspec.Raw()
    drug: msgspec.Raw = msgspec.field(name="medicationCodeableConcept", default=msgspec.Raw())
    component: msgspec.Raw = msgspec.Raw()
    stage: msgspec.Raw = msgspec.Raw()
    effective_date_time: str = msgspec.field(name="effectiveDateTime", default="")


class _Component(msgspec.Struct, gc=False):
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


def may_state(head: Head, body: bytes, wanted: Wanted, context: MappingContext) -> Stated | None:
    """Return which of the wanted facts a resource may state; None if only mapping can tell.

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
    kinds = STATES.get(type_, _NO_KINDS)
    # Whoever sends a type that R4 does not have is told so.
    if type_ not in _TYPES or not kinds.isdisjoint(_ALWAYS):
        return None
    if kinds.isdisjoint(wanted.kinds):
        return _NOTHING if _is_plain(body) else None
    key, code, count = b'"code":{', head.code, 1
    if type_ not in _NOTION_KINDS:
        if type_ != "Observation":
            return None
    elif head.stage:
        return None
    elif not code:
        key, code = b'"medicationCodeableConcept":{', head.drug
    stated = _stated_by(type_, bytes(code), context)
    if head.component and stated is not None:
        for part in _components(head.component):
            count += 1
            other = _stated_by(type_, bytes(part.code), context)
            if other is None:
                return None
            stated |= other
    if stated is None or not _is_plain(body):
        return None
    # Written with space behind the colon, or twice, it is counted otherwise than it was read.
    if count == 1 and _once(key, body):
        return stated & wanted.facts
    if body.count(key) != count and body.count(key[:-1] + b" {") != count:
        return None
    return stated & wanted.facts


def drawn_before(head: Head, body: bytes, instant: datetime, context: MappingContext) -> bool:
    """Say whether an Observation was surely made before an instant."""
    text = head.effective_date_time
    if not text or not _once(b'"effectiveDateTime"', body):
        return False
    try:
        return parse_date_time(text, context.site.zone).latest < instant
    except AclfError:
        return False


def _is_plain(body: bytes) -> bool:
    """Say whether a resource holds no other one, has one type, and spells no key with escapes."""
    return b"\\" not in body and _once(_TYPE, body)


def _once(text: bytes, body: bytes) -> bool:
    first = body.find(text)
    return first >= 0 and body.rfind(text) == first


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
        stated = {(FactKind.MEASUREMENT, question.analyte.id)}
        if question.analyte.id in PRESSURES:
            stated.add((FactKind.MEASUREMENT, MEAN))
        if question.qualifiers & _AROUND_DIALYSIS:
            stated.add((FactKind.PROCEDURE, "renal_replacement"))  # a sign of it
        return frozenset(stated)
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
