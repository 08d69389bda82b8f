"""DiagnosticReport → findings of its conclusion codes, and the results it contains."""

from typing import TYPE_CHECKING

from aclf_fhir.mapping.codings import Notion, as_evidence, codings_of, describe, read_notions
from aclf_fhir.mapping.models import HeldReason
from aclf_fhir.mapping.observation import map_observation
from aclf_fhir.mapping.references import contained_resource
from aclf_fhir.mapping.subjects import read_subject
from aclf_fhir.mapping.times import Span, check_time, period_span, read_time
from aclf_fhir.record import FactKind, FactStatus

if TYPE_CHECKING:
    from aclf_fhir.codes import Coding
    from aclf_fhir.fhir.r4.diagnostic_report import DiagnosticReport
    from aclf_fhir.fhir.r4.observation import Observation
    from aclf_fhir.mapping.draft import Draft

__all__ = ["map_diagnostic_report"]

_KINDS = frozenset({FactKind.FINDING})
_USABLE = frozenset({"final", "amended", "corrected", "appended"})


def map_diagnostic_report(report: "DiagnosticReport", draft: "Draft") -> str:
    """Read one report; return the rule it falls under if nothing is needed of it.

    Results sent as resources of their own are read there. The narrative, the images
    and a conclusion in words are not read.
    """
    if report.status == "cancelled":
        return "cancelled"
    _read_contained(report, draft)
    draft.root = draft.type
    draft.shared = ()
    concluded, unread = _conclusions(report, draft)
    if not concluded and not unread:
        return "report-without-coded-conclusion"
    draft.status = FactStatus.USABLE if report.status in _USABLE else FactStatus.PRELIMINARY
    read_subject(draft, report.subject)
    span = _effective(report, draft)
    if report.encounter is not None and report.encounter.reference is not None:
        draft.shared = (("encounter", report.encounter.reference),)
    for index, codings, notion in concluded:
        draft.add(
            FactKind.FINDING,
            notion.value_set.id,
            frozenset({notion.value}),
            path=f"conclusionCode[{index}]",
            start=span.start,
            end=span.end,
            qualifiers=frozenset({notion.strength.value, "report"}),
            codes=as_evidence(codings),
        )
    for path in unread:
        draft.add_unread(FactKind.FINDING, path, start=span.start, end=span.end)
    return ""


def _read_contained(report: "DiagnosticReport", draft: "Draft") -> None:
    """Map the results that exist only inside the report."""
    for reference in report.result or ():
        text = reference.reference
        if text is None or not text.startswith("#"):
            continue
        found = contained_resource(report, text[1:])
        if found is None or type(found[1]).__name__ != "Observation":
            continue
        observation: Observation = found[1]  # type: ignore[assignment] # the reference says that it is an Observation
        draft.root = f"{draft.type}.contained[{found[0]}]"
        draft.status = FactStatus.USABLE
        if observation.status != "entered-in-error":
            map_observation(observation, draft)


def _conclusions(
    report: "DiagnosticReport", draft: "Draft"
) -> "tuple[list[tuple[int, tuple[Coding, ...], Notion]], list[str]]":
    """Look every conclusion code up; a local one may mean anything and is held.

    Returns
    -------
    tuple[list[tuple[int, tuple[Coding, ...], Notion]], list[str]]
        What was concluded, and the paths of what nobody could read.
    """
    concluded = []
    unread = []
    for index, concept in enumerate(report.conclusion_code or ()):
        codings = codings_of(concept)
        notions = read_notions(codings, draft.context, _KINDS)
        path = f"conclusionCode[{index}]"
        if notions.contradiction:
            draft.hold(HeldReason.CONTRADICTING_CODES, path, notions.contradiction)
            unread.append(path)
        elif codings and notions.unread:
            draft.hold(HeldReason.UNMAPPED_CODE, path, describe(codings))
            unread.append(path)
        concluded += [(index, codings, notion) for notion in notions.found.values()]
    return concluded, unread


def _effective(report: "DiagnosticReport", draft: "Draft") -> Span:
    path, span = "effectiveDateTime", Span(read_time(report.effective_date_time, draft))
    if report.effective_period is not None:
        path, span = "effectivePeriod", period_span(report.effective_period, draft)
    if span.start is None:
        draft.block(HeldReason.NO_EFFECTIVE_TIME, path, "issued does not stand in for it")
    else:
        check_time(draft, span.start, path)
    return span
