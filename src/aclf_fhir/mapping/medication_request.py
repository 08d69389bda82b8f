"""MedicationRequest → a drug ordered; never proof that it was given."""

from typing import TYPE_CHECKING, TypeVar

from aclf_fhir.mapping.codings import codings_of
from aclf_fhir.mapping.doses import accept_rate, rate_of
from aclf_fhir.mapping.medication import drug_rule, read_drug, route_of
from aclf_fhir.mapping.subjects import read_subject
from aclf_fhir.mapping.times import Span, check_time, period_span, read_recorded, read_time
from aclf_fhir.record import FactKind, FactStatus

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.datatypes import Dosage
    from aclf_fhir.fhir.r4.medication_request import MedicationRequest
    from aclf_fhir.mapping.draft import Draft

__all__ = ["map_medication_request"]

T = TypeVar("T")

_NONE: frozenset[str] = frozenset()
_WISHES = frozenset({"proposal", "plan", "option"})


def map_medication_request(request: "MedicationRequest", draft: "Draft") -> str:
    """Read one request; return the rule it falls under if nothing is needed of it."""
    notions, codes, path = read_drug(
        request.medication_codeable_concept, request.medication_reference, request, draft
    )
    if not notions.found and not notions.unread:
        return drug_rule(notions)
    status = request.status or "unknown"
    if request.do_not_perform:
        return "do-not-perform"
    if status in ("cancelled", "draft"):
        return status
    read_subject(draft, request.subject)
    if status in ("unknown", "on-hold") or request.intent in _WISHES:
        draft.status = FactStatus.PRELIMINARY
    dosage = _first(request.dosage_instruction)
    span = _span(request, dosage, draft)
    routes, pairs = route_of(None if dosage is None else dosage.route, draft)
    if request.encounter is not None and request.encounter.reference is not None:
        pairs.append(("encounter", request.encounter.reference))
    for concept in request.reason_code or ():
        pairs += [("reason", str(coding)) for coding in codings_of(concept)]
    draft.shared = tuple(sorted(set(pairs)))
    dose = _first(dosage.dose_and_rate) if dosage is not None else None
    rate = None
    if dose is not None:
        found = rate_of(dose.rate_quantity, dose.rate_ratio, draft.context.unit_parts)
        drugs = [notion.value_set for notion in notions.found.values()]
        rate = accept_rate(found, drugs, draft, "dosageInstruction[0].doseAndRate[0]")
    if notions.unread:
        draft.add_unread(
            FactKind.MEDICATION,
            path,
            start=span.start,
            end=span.end,
            recorded=read_recorded(request.authored_on, draft),
            qualifiers=frozenset({"requested", status.replace("-", "_")}),
        )
    for notion in notions.found.values():
        draft.add(
            FactKind.MEDICATION,
            notion.value_set.id,
            None if rate is None else rate.value,
            path=path,
            unit="" if rate is None else rate.unit,
            start=span.start,
            end=span.end,
            recorded=read_recorded(request.authored_on, draft),
            qualifiers=routes | {"requested", status.replace("-", "_"), notion.strength.value},
            flags=_NONE if rate is None else rate.flags,
            codes=codes,
            sent=None if rate is None else rate.sent,
        )
    return ""


def _first(items: "list[T] | None") -> "T | None":
    """Return the only item; of several, none speaks for all."""
    return items[0] if items is not None and len(items) == 1 else None


def _span(request: "MedicationRequest", dosage: "Dosage | None", draft: "Draft") -> Span:
    """Read when the order holds: its bounds, else from when it was written."""
    repeat = dosage.timing.repeat if dosage is not None and dosage.timing is not None else None
    bounds = Span() if repeat is None else period_span(repeat.bounds_period, draft)
    if bounds.start is not None:
        return bounds  # may lie ahead: an order says what is planned
    written = read_time(request.authored_on, draft)
    if written is not None:
        check_time(draft, written, "authoredOn")
    return Span(written, bounds.end)
