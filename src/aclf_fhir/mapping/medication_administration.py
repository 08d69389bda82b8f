"""MedicationAdministration → a drug given, its dose rate where one was sent."""

from typing import TYPE_CHECKING

from aclf_fhir.mapping.codings import codings_of
from aclf_fhir.mapping.doses import DoseRate, accept_rate, dose_over_span, rate_of
from aclf_fhir.mapping.medication import drug_rule, read_drug, route_of
from aclf_fhir.mapping.models import HeldReason
from aclf_fhir.mapping.subjects import read_subject
from aclf_fhir.mapping.times import Span, check_time, period_span, read_time
from aclf_fhir.mapping.units_read import Problem
from aclf_fhir.record import FactKind, FactStatus

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.datatypes import Quantity
    from aclf_fhir.fhir.r4.medication_administration import MedicationAdministration
    from aclf_fhir.mapping.draft import Draft

__all__ = ["map_medication_administration"]

_GIVEN = frozenset({"in-progress", "completed", "stopped"})


def map_medication_administration(
    administration: "MedicationAdministration", draft: "Draft"
) -> str:
    """Read one administration; return the rule it falls under if nothing is needed of it."""
    notions, codes, path = read_drug(
        administration.medication_codeable_concept,
        administration.medication_reference,
        administration,
        draft,
    )
    if not notions.found and not notions.unread:
        return drug_rule(notions)
    read_subject(draft, administration.subject)
    span = _span(administration, draft)
    status = administration.status or "unknown"
    state = {status.replace("-", "_")}
    if status in _GIVEN:
        # Only what is in progress over a period without an end is still given later on.
        goes_on = administration.effective_date_time is None and span.end is None
        state = {"administered", *(state & {"in_progress"} if goes_on else ())}
    if status in ("unknown", "on-hold"):
        draft.status = FactStatus.PRELIMINARY
    dosage = administration.dosage
    routes, pairs = route_of(None if dosage is None else dosage.route, draft)
    drugs = [notion.value_set for notion in notions.found.values()]
    rate = accept_rate(_rate(administration, span, draft), drugs, draft, "dosage")
    flags: frozenset[str] = frozenset() if rate is None else rate.flags
    if dosage is not None and rate is None:
        unread = _unread(dosage.rate_quantity) + _unread(dosage.dose)
        if dosage.rate_ratio is not None:
            unread += _unread(dosage.rate_ratio.numerator)
        pairs += unread
        flags = frozenset({"dose_unread"}) if unread else flags
    draft.shared = _context(administration, pairs)
    if notions.unread and "administered" in state:
        draft.add_unread(
            FactKind.MEDICATION,
            path,
            start=span.start,
            end=span.end,
            qualifiers=frozenset(state),
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
            qualifiers=routes | state | {notion.strength.value},
            flags=flags,
            codes=codes,
            sent=None if rate is None else rate.sent,
        )
    return ""


def _rate(
    administration: "MedicationAdministration", span: Span, draft: "Draft"
) -> DoseRate | Problem | None:
    """Read the rate; a dose over an exact period gives a mean one."""
    dosage = administration.dosage
    if dosage is None:
        return None
    parts = draft.context.unit_parts
    if dosage.rate_quantity is not None or dosage.rate_ratio is not None:
        return rate_of(dosage.rate_quantity, dosage.rate_ratio, parts)
    return dose_over_span(dosage.dose, span, parts)


def _span(administration: "MedicationAdministration", draft: "Draft") -> Span:
    path = "effectiveDateTime"
    span = Span(read_time(administration.effective_date_time, draft))
    if administration.effective_period is not None:
        path, span = "effectivePeriod", period_span(administration.effective_period, draft)
    if span.start is None:
        draft.block(HeldReason.NO_EFFECTIVE_TIME, path)
    else:
        check_time(draft, span.start, path)
    return span


def _unread(quantity: "Quantity | None") -> list[tuple[str, str]]:
    """Keep a dose that is no rate as text, for people."""
    if quantity is None or quantity.value is None:
        return []
    return [("dose", f"{quantity.value} {quantity.code or quantity.unit or ''}".strip())]


def _context(
    administration: "MedicationAdministration", pairs: list[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    if administration.context is not None and administration.context.reference is not None:
        pairs.append(("encounter", administration.context.reference))
    for concept in administration.reason_code or ():
        pairs += [("reason", str(coding)) for coding in codings_of(concept)]
    pairs += [
        ("reason", reference.reference)
        for reference in administration.reason_reference or ()
        if reference.reference is not None
    ]
    return tuple(sorted(set(pairs)))
