"""Encounter → a stay or visit; a discharge by death states the death as well."""

from typing import TYPE_CHECKING

from aclf_fhir.codes import Coding
from aclf_fhir.mapping.codings import as_evidence, codings_of
from aclf_fhir.mapping.subjects import read_subject
from aclf_fhir.mapping.times import Span, check_time, period_span
from aclf_fhir.record import FactKind, FactStatus
from aclf_fhir.units import TimeRange

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.encounter import Encounter
    from aclf_fhir.mapping.draft import Draft

__all__ = ["map_encounter"]


def map_encounter(encounter: "Encounter", draft: "Draft") -> str:
    """Read one Encounter; return the rule it falls under if nothing is needed of it."""
    status = encounter.status or "unknown"
    if status in ("cancelled", "planned"):
        return status
    read_subject(draft, encounter.subject)
    if status == "unknown":
        draft.status = FactStatus.PRELIMINARY
    span = period_span(encounter.period, draft)
    if span.start is not None:
        check_time(draft, span.start, "period")
    vocabulary = draft.context.vocabulary
    class_ = Coding(encounter.class_.system or "", encounter.class_.code or "")
    hospitalization = encounter.hospitalization
    dispositions = codings_of(
        None if hospitalization is None else hospitalization.discharge_disposition
    )
    draft.shared = (("encounter", f"Encounter/{draft.context.resource_id}"),)
    draft.add(
        FactKind.ENCOUNTER,
        vocabulary.encounter_classes.get(class_, "other"),
        frozenset({status.replace("-", "_")}),
        path="class",
        start=span.start,
        end=span.end,
        codes=as_evidence((class_,)),
        context=[("disposition", str(coding)) for coding in dispositions],
    )
    if not vocabulary.death_dispositions.isdisjoint(dispositions):
        _death(span, dispositions, draft)
    return ""


def _death(span: Span, dispositions: tuple[Coding, ...], draft: "Draft") -> None:
    """State the death at the end of the stay, undated where the end was not sent."""
    died: TimeRange | None = span.end
    draft.add(
        FactKind.DEMOGRAPHIC,
        "death",
        frozenset({"deceased"}) if died is None else died,
        path="hospitalization.dischargeDisposition",
        start=died,
        codes=as_evidence(dispositions),
    )
