"""Device → a hint at organ support or treatment of the patient it is assigned to."""

from typing import TYPE_CHECKING

from aclf_fhir.mapping.codings import as_evidence, codings_of, read_notions
from aclf_fhir.mapping.models import HeldReason, Strength
from aclf_fhir.mapping.subjects import read_subject
from aclf_fhir.record import FactKind, FactStatus

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.device import Device
    from aclf_fhir.mapping.draft import Draft

__all__ = ["map_device"]

_KINDS = frozenset({FactKind.PROCEDURE, FactKind.FINDING})


def map_device(device: "Device", draft: "Draft") -> str:
    """Read one Device; return the rule it falls under if nothing is needed of it.

    R4 says to whom a Device is assigned, not since when: the fact has no time and
    supports, but never decides.
    """
    codings = codings_of(device.type)
    notions = read_notions(codings, draft.context, _KINDS)
    if device.patient is None or not (notions.found or notions.contradiction):
        return "device-without-use"
    read_subject(draft, device.patient, "patient")
    if notions.contradiction:
        draft.hold(HeldReason.CONTRADICTING_CODES, "type", notions.contradiction)
    if device.status in (None, "unknown"):
        draft.status = FactStatus.PRELIMINARY
    time_now = "history" if device.status == "inactive" else "active"
    for notion in notions.found.values():
        is_procedure = notion.value_set.kind is FactKind.PROCEDURE
        draft.add(
            notion.value_set.kind,
            notion.value_set.id,
            frozenset({"done" if is_procedure else notion.value}),
            path="type",
            qualifiers=frozenset({"device", Strength.SUPPORTING.value, time_now}),
            codes=as_evidence(codings),
        )
    return ""
