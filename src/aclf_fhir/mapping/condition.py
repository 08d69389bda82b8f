"""Condition → findings: which notions it states, how surely, and since when."""

from typing import TYPE_CHECKING

from aclf_fhir.mapping.codings import (
    Notion,
    as_evidence,
    codings_of,
    describe,
    looked_up,
    read_notions,
)
from aclf_fhir.mapping.models import HeldReason, Strength
from aclf_fhir.mapping.subjects import read_subject
from aclf_fhir.mapping.times import (
    Span,
    age_span,
    check_time,
    period_span,
    read_recorded,
    read_time,
)
from aclf_fhir.record import FactKind
from aclf_fhir.units import TimeRange

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.condition import Condition
    from aclf_fhir.fhir.r4.datatypes import CodeableConcept
    from aclf_fhir.mapping.draft import Draft

__all__ = ["map_condition"]

_KINDS = frozenset({FactKind.FINDING})
_PROVISIONAL = frozenset({"provisional", "differential", "unconfirmed"})
_ACTIVE = frozenset({"active", "recurrence", "relapse"})
_PAST = frozenset({"inactive", "remission", "resolved"})


def map_condition(condition: "Condition", draft: "Draft") -> str:
    """Read one Condition; return the rule it falls under if nothing is needed of it."""
    verification = _code(condition.verification_status)
    if verification == "entered-in-error":
        return "entered-in-error"
    codings = codings_of(condition.code)
    notions = read_notions(looked_up(condition.code), draft.context, _KINDS)
    stages = _stages(condition, draft)
    if not notions.found and not notions.contradiction and not stages:
        if notions.set_aside:
            return "code-set-aside-by-site"
        if notions.covered:
            return "condition-without-use"
        # Free text or a local code may be anything, a reason against a trial too.
        draft.hold(HeldReason.UNMAPPED_CODE, "code", describe(codings))
    read_subject(draft, condition.subject)
    if notions.contradiction:
        draft.hold(HeldReason.CONTRADICTING_CODES, "code", notions.contradiction)
    span, flags = _span(condition, draft)
    recorded = read_recorded(condition.recorded_date, draft)
    clinical = _code(condition.clinical_status)
    draft.shared = _context(condition, clinical)
    for notion in notions.found.values():
        refuted = verification == "refuted"
        draft.add(
            FactKind.FINDING,
            notion.value_set.id,
            frozenset({"absent" if refuted else notion.value}),
            path="code",
            start=span.start,
            end=span.end,
            recorded=recorded,
            qualifiers=_qualifiers(notion, verification, clinical),
            flags=flags,
            codes=as_evidence(codings),
        )
    if notions.unread and verification != "refuted":
        draft.add_unread(
            FactKind.FINDING, "code", start=span.start, end=span.end, recorded=recorded
        )
    # Since when a stage (NYHA III, GOLD 4) has been reached is not said.
    for path, notion, codes in stages:
        refuted = verification == "refuted"
        draft.add(
            FactKind.FINDING,
            notion.value_set.id,
            frozenset({"absent" if refuted else notion.value}),
            path=path,
            end=span.end,
            recorded=recorded,
            qualifiers=_qualifiers(notion, verification, clinical),
            codes=codes,
        )
    return ""


def _code(concept: "CodeableConcept | None") -> str:
    """Return the code of a status, which has one system by its required binding."""
    codings = codings_of(concept)
    return codings[0].code if codings else ""


def _qualifiers(notion: Notion, verification: str, clinical: str) -> frozenset[str]:
    """Say how surely, and whether now.

    Lifelong notions (cirrhosis, HIV) stay active whatever clinicalStatus says. Without
    clinicalStatus nothing is said of now; R4 refuses an abatement without it (con-4).
    """
    found = {notion.strength.value}
    if verification == "refuted":
        found.add("refuted")
    elif verification in _PROVISIONAL:
        found.add("provisional")
    if notion.strength is Strength.HISTORY:
        return frozenset(found)
    if notion.value_set.lifelong or clinical in _ACTIVE:
        found.add("active")
    elif clinical in _PAST:
        found.add("history")
    return frozenset(found)


def _context(condition: "Condition", clinical: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    if clinical:
        pairs.append(("clinical_status", clinical))
    if condition.encounter is not None and condition.encounter.reference is not None:
        pairs.append(("encounter", condition.encounter.reference))
    pairs += [("severity", str(coding)) for coding in codings_of(condition.severity)]
    return tuple(sorted(pairs))


def _span(condition: "Condition", draft: "Draft") -> tuple[Span, frozenset[str]]:
    """Read onset and abatement; what is only text stays unknown, with a flag."""
    flags: set[str] = set()
    start = read_time(condition.onset_date_time, draft)
    path = "onsetDateTime"
    if condition.onset_period is not None:
        path, start = "onsetPeriod", _within(period_span(condition.onset_period, draft), draft)
    elif condition.onset_age is not None or condition.onset_range is not None:
        path = "onset"
        start = age_span(draft, age=condition.onset_age, ages=condition.onset_range)
        flags.add("time_from_age")
    elif condition.onset_string is not None:
        flags.add("onset_as_text")
    if start is not None:
        check_time(draft, start, path)
    end = read_time(condition.abatement_date_time, draft)
    if condition.abatement_period is not None:
        end = _within(period_span(condition.abatement_period, draft), draft)
    elif condition.abatement_age is not None or condition.abatement_range is not None:
        end = age_span(draft, age=condition.abatement_age, ages=condition.abatement_range)
        flags.add("time_from_age")
    elif condition.abatement_string is not None:
        flags.add("abatement_as_text")
    return Span(start, end), frozenset(flags)


def _within(span: Span, draft: "Draft") -> TimeRange | None:
    """Return the range an onset Period leaves: it began at some instant inside."""
    if span.start is not None:
        last = span.start.latest if span.end is None else span.end.latest
        if span.end is None:
            last = max(last, draft.context.known)
        return TimeRange(span.start.earliest, last)
    birth = None if draft.dates is None else draft.dates.birth
    if span.end is None or birth is None:
        return None
    return TimeRange(birth.earliest, span.end.latest)


def _stages(condition: "Condition", draft: "Draft") -> "list[tuple[str, Notion, tuple[str, ...]]]":
    """Return the notions that the stages state, each with its element and its codes."""
    found = []
    for index, stage in enumerate(condition.stage or ()):
        notions = read_notions(looked_up(stage.summary), draft.context, _KINDS)
        codes = as_evidence(codings_of(stage.summary))
        found += [(f"stage[{index}].summary", notion, codes) for notion in notions.found.values()]
    return found
