"""Whose data it is: the one Patient a resource is about."""

from typing import TYPE_CHECKING

from aclf_fhir.errors import AclfError
from aclf_fhir.fhir import parse_reference
from aclf_fhir.mapping.draft import Draft
from aclf_fhir.mapping.models import HeldReason

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.datatypes import Reference

__all__ = ["read_subject"]


def read_subject(draft: Draft, reference: "Reference | None", element: str = "subject") -> None:
    """Find the Patient, or hold the resource and say why."""
    if reference is None:
        draft.block(HeldReason.NO_SUBJECT, element)
        return
    if reference.reference is None:
        named_type = reference.type not in (None, "Patient")
        draft.block(
            HeldReason.SUBJECT_NOT_PATIENT if named_type else HeldReason.SUBJECT_NOT_LITERAL,
            element,
            "send a literal reference, Patient/id",
        )
        return
    logical_id = _patient_id(draft, reference.reference, element)
    if logical_id is None:
        return
    dates = draft.context.subject_dates(logical_id)
    if dates is None:
        draft.block(HeldReason.UNKNOWN_PATIENT, element, "the Patient was never sent")
        draft.wait_for(f"Patient/{logical_id}")
        return
    draft.subject = logical_id
    draft.dates = dates


def _patient_id(draft: Draft, text: str, element: str) -> str | None:
    """Return the id a literal reference to a Patient of this site names."""
    if text.startswith("Patient/") and "/" not in text[8:]:
        return text[8:]
    try:
        parsed = parse_reference(text)
    except AclfError:
        draft.block(HeldReason.SUBJECT_NOT_LITERAL, element, "send a literal reference, Patient/id")
        return None
    if parsed.type not in (None, "Patient"):
        draft.block(HeldReason.SUBJECT_NOT_PATIENT, element, f"it is a {parsed.type}")
    elif parsed.kind == "absolute":
        draft.block(HeldReason.UNKNOWN_PATIENT, element, "the Patient is on another server")
    elif parsed.kind != "relative":
        draft.block(
            HeldReason.SUBJECT_NOT_LITERAL,
            element,
            "a contained, conditional or urn reference names no Patient of the site",
        )
    else:
        return parsed.id
    return None
