"""MedicationStatement → a drug somebody says is, was or was not taken."""

from typing import TYPE_CHECKING

from aclf_fhir.mapping.codings import codings_of
from aclf_fhir.mapping.medication import drug_rule, read_drug, route_of
from aclf_fhir.mapping.subjects import read_subject
from aclf_fhir.mapping.times import Span, check_time, period_span, read_recorded, read_time
from aclf_fhir.record import FactKind, FactStatus

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.medication_statement import MedicationStatement
    from aclf_fhir.mapping.draft import Draft

__all__ = ["map_medication_statement"]

_OPEN = frozenset({"unknown", "intended", "on-hold"})


def map_medication_statement(statement: "MedicationStatement", draft: "Draft") -> str:
    """Read one statement; return the rule it falls under if nothing is needed of it."""
    notions, codes, path = read_drug(
        statement.medication_codeable_concept, statement.medication_reference, statement, draft
    )
    if not notions.found and not notions.unread:
        return drug_rule(notions)
    read_subject(draft, statement.subject)
    status = statement.status or "unknown"
    if status in _OPEN:
        draft.status = FactStatus.PRELIMINARY
    span = _span(statement, draft)
    read = [route_of(dosage.route, draft) for dosage in statement.dosage or ()]
    named = [names for names, _ in read]
    # One dosage without a known route leaves open which routes there are.
    routes = frozenset[str]().union(*named) if all(named) else frozenset[str]()
    pairs = [pair for _, codings in read for pair in codings]
    if statement.context is not None and statement.context.reference is not None:
        pairs.append(("encounter", statement.context.reference))
    for concept in statement.reason_code or ():
        pairs += [("reason", str(coding)) for coding in codings_of(concept)]
    draft.shared = tuple(sorted(set(pairs)))
    if notions.unread and status != "not-taken":
        draft.add_unread(
            FactKind.MEDICATION,
            path,
            start=span.start,
            end=span.end,
            recorded=read_recorded(statement.date_asserted, draft),
            qualifiers=frozenset({"reported", status.replace("-", "_")}),
        )
    for notion in notions.found.values():
        draft.add(
            FactKind.MEDICATION,
            notion.value_set.id,
            None,
            path=path,
            start=span.start,
            end=span.end,
            recorded=read_recorded(statement.date_asserted, draft),
            qualifiers=routes | {"reported", status.replace("-", "_"), notion.strength.value},
            codes=codes,
        )
    return ""


def _span(statement: "MedicationStatement", draft: "Draft") -> Span:
    """Read when it was taken; without a time it stays a statement without one."""
    path, span = "effectiveDateTime", Span(read_time(statement.effective_date_time, draft))
    if statement.effective_period is not None:
        path, span = "effectivePeriod", period_span(statement.effective_period, draft)
    if span.start is not None:
        check_time(draft, span.start, path)
    return span
