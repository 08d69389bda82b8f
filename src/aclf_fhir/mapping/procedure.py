"""Procedure → what was done to the patient, or expressly not done."""

from typing import TYPE_CHECKING

from aclf_fhir.mapping.codings import as_evidence, codings_of, describe, looked_up, read_notions
from aclf_fhir.mapping.models import HeldReason, Strength
from aclf_fhir.mapping.references import find_resource
from aclf_fhir.mapping.subjects import read_subject
from aclf_fhir.mapping.times import Span, age_span, check_time, period_span, read_time
from aclf_fhir.record import FactKind, FactStatus

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.condition import Condition
    from aclf_fhir.fhir.r4.datatypes import CodeableConcept
    from aclf_fhir.fhir.r4.procedure import Procedure
    from aclf_fhir.mapping.draft import Draft

__all__ = ["map_procedure"]

_KINDS = frozenset({FactKind.PROCEDURE})
_REASONS = frozenset({FactKind.FINDING})
_ENCEPHALOPATHY = "hepatic_encephalopathy"
_NO_LONGER = frozenset({"refuted", "entered-in-error"})
_DONE = frozenset({"completed", "in-progress", "stopped"})


def map_procedure(procedure: "Procedure", draft: "Draft") -> str:
    """Read one Procedure; return the rule it falls under if nothing is needed of it."""
    codings = codings_of(procedure.code)
    notions = read_notions(looked_up(procedure.code), draft.context, _KINDS)
    if not notions.found and not notions.contradiction:
        if notions.set_aside:
            return "code-set-aside-by-site"
        if notions.covered:
            return "procedure-without-use"
        draft.hold(HeldReason.UNMAPPED_CODE, "code", describe(codings))
    read_subject(draft, procedure.subject)
    if notions.contradiction:
        draft.hold(HeldReason.CONTRADICTING_CODES, "code", notions.contradiction)
    status = procedure.status or "unknown"
    not_done = status == "not-done"
    if not not_done and status not in _DONE:
        # Preparation, on hold, unknown: it may or may not have happened.
        draft.status = FactStatus.PRELIMINARY
    span, flags = _span(procedure, draft)
    draft.shared = _context(procedure)
    why = _reason(procedure, draft)
    # An end is an end, whatever the status still says.
    over = status == "in-progress" and span.end is not None
    state = frozenset() if over else frozenset({status.replace("-", "_")})
    if notions.unread and not not_done:
        draft.add_unread(
            FactKind.PROCEDURE,
            "code",
            start=span.start,
            end=span.end,
            qualifiers=state,
        )
    for notion in notions.found.values():
        draft.add(
            FactKind.PROCEDURE,
            notion.value_set.id,
            frozenset({"not_done" if not_done else "done"}),
            path="code",
            start=span.start,
            end=span.end,
            qualifiers=why | state | {notion.strength.value},
            flags=flags,
            codes=as_evidence(codings),
        )
    return ""


def _span(procedure: "Procedure", draft: "Draft") -> tuple[Span, frozenset[str]]:
    """Read when it was done.

    A Procedure without a time is held for somebody to add it. Its fact stands without a
    time: that dialysis was done on a day nobody wrote down leaves the kidney open.
    """
    flags: frozenset[str] = frozenset()
    path, span = "performedDateTime", Span(read_time(procedure.performed_date_time, draft))
    if procedure.performed_period is not None:
        path, span = "performedPeriod", period_span(procedure.performed_period, draft)
    elif procedure.performed_age is not None or procedure.performed_range is not None:
        path = "performed"
        ages = procedure.performed_range
        span = Span(age_span(draft, age=procedure.performed_age, ages=ages))
        flags = frozenset({"time_from_age"})
    elif procedure.performed_string is not None:
        flags = frozenset({"performed_as_text"})
    if span.start is not None:
        check_time(draft, span.start, path)
    elif span.end is None and procedure.status != "preparation":
        draft.hold(HeldReason.NO_EFFECTIVE_TIME, "performed")
    return span, flags


def _reason(procedure: "Procedure", draft: "Draft") -> frozenset[str]:
    """Say whether encephalopathy is the only reason: then a ventilation is no lung failure."""
    told = list(procedure.reason_code or ())
    for reference in procedure.reason_reference or ():
        concept = _condition(find_resource(reference, procedure, draft))
        if concept is None:
            return frozenset()
        told.append(concept)
    if told and all(_is_encephalopathy(concept, draft) for concept in told):
        return frozenset({_ENCEPHALOPATHY})
    return frozenset()


def _condition(resource: object) -> "CodeableConcept | None":
    """Return what a Condition is about, None if it no longer holds or is something else."""
    if type(resource).__name__ != "Condition":
        return None
    condition: Condition = resource  # type: ignore[assignment] # its name says that it is a Condition
    verification = {coding.code for coding in codings_of(condition.verification_status)}
    return None if verification & _NO_LONGER else condition.code


def _is_encephalopathy(concept: "CodeableConcept", draft: "Draft") -> bool:
    notion = read_notions(looked_up(concept), draft.context, _REASONS).found.get(_ENCEPHALOPATHY)
    return notion is not None and notion.strength is Strength.DEFINITE


def _context(procedure: "Procedure") -> tuple[tuple[str, str], ...]:
    """Keep why it was done, for people."""
    pairs = []
    if procedure.encounter is not None and procedure.encounter.reference is not None:
        pairs.append(("encounter", procedure.encounter.reference))
    for concept in procedure.reason_code or ():
        pairs += [("reason", str(coding)) for coding in codings_of(concept)]
    pairs += [
        ("reason", reference.reference)
        for reference in procedure.reason_reference or ()
        if reference.reference is not None
    ]
    pairs += [("status_reason", str(coding)) for coding in codings_of(procedure.status_reason)]
    return tuple(sorted(set(pairs)))
