"""Observation → measurements, grades and findings, of its own value and its components."""

from typing import TYPE_CHECKING

from aclf_fhir.mapping.answers import read_answer, read_grade
from aclf_fhir.mapping.blood_pressure import add_mean_pressure
from aclf_fhir.mapping.codings import Notion, codings_of, describe, looked_up
from aclf_fhir.mapping.measurements import (
    Measurement,
    read_measurement,
    read_reference_high,
)
from aclf_fhir.mapping.models import Analyte, GradeScale, HeldReason, Strength
from aclf_fhir.mapping.questions import Question, read_question
from aclf_fhir.mapping.specimen import check_specimen, read_sample
from aclf_fhir.mapping.subjects import read_subject
from aclf_fhir.mapping.times import Span, check_time, period_span, read_time
from aclf_fhir.mapping.units_read import Problem
from aclf_fhir.record import FactKind, FactStatus

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.datatypes import CodeableConcept
    from aclf_fhir.fhir.r4.observation import Observation, ObservationComponent
    from aclf_fhir.mapping.draft import Draft

__all__ = ["map_observation"]

_NONE: frozenset[str] = frozenset()
_USABLE = frozenset({"final", "amended", "corrected"})
_PRESENT_OR_ABSENT = frozenset({"present", "absent"})
_HELD = frozenset({"held"})
_UNIT_MISSING = frozenset({"held", "unit_missing"})


def map_observation(observation: "Observation", draft: "Draft") -> str:
    """Read one Observation; return the rule it falls under if nothing is needed of it."""
    context = draft.context
    codings = codings_of(observation.code)
    question = read_question(codings, context)
    parts: list[tuple[str, ObservationComponent, Question | Problem]] = []
    unknown: list[tuple[str, ObservationComponent]] = []
    if observation.component is not None:
        for index, component in enumerate(observation.component):
            path = f"component[{index}]."
            asked = read_question(codings_of(component.code), context)
            if asked is not None:
                parts.append((path, component, asked))
            else:
                unknown.append((path, component))
    if question is None and not parts:
        for path, component in unknown:
            _rule_or_hold(path, component.code, observation, draft)
        return _set_aside(observation, draft)
    if observation.status == "cancelled":
        return "cancelled"
    if observation.status not in _USABLE:
        draft.status = FactStatus.PRELIMINARY
    read_subject(draft, observation.subject)
    if observation.focus is not None:
        detail = "the Observation is about something else than its subject"
        draft.block(HeldReason.FOCUS_SET, "focus", detail)
    reader = _Reader(observation, draft, _effective(observation, draft))
    if question is not None and not (parts and _valueless(observation)):
        reader.read("", observation, question)
    elif question is None and not _valueless(observation):
        _rule_or_hold("", observation.code, observation, draft)
    for path, component, asked in parts:
        reader.read(path, component, asked)
    for path, component in unknown:
        _rule_or_hold(path, component.code, observation, draft)
    if parts:
        add_mean_pressure(draft)
    return ""


def _set_aside(observation: "Observation", draft: "Draft") -> str:
    """Find the rule for an Observation no code of which is known, or hold it."""
    rule = _rule(observation.code, observation, draft)
    if not rule and observation.has_member and not observation.component:
        rule = "panel-without-own-value" if _valueless(observation) else ""
    if not rule:
        draft.hold(HeldReason.UNMAPPED_CODE, "code", describe(codings_of(observation.code)))
    return rule


def _rule_or_hold(
    path: str, concept: "CodeableConcept", observation: "Observation", draft: "Draft"
) -> None:
    """Hold a value whose code is not known, unless a rule says that it has no use."""
    if not _rule(concept, observation, draft):
        draft.hold(HeldReason.UNMAPPED_CODE, f"{path}code", describe(codings_of(concept)))


def _rule(concept: "CodeableConcept", observation: "Observation", draft: "Draft") -> str:
    """Return the rule by which a code without a meaning here is set aside, or ""."""
    context = draft.context
    if not context.site.set_aside.isdisjoint(looked_up(concept)):
        return "code-set-aside-by-site"
    texts = [coding.display for coding in concept.coding or () if coding.display]
    if concept.text is not None:
        texts.append(concept.text)
    categories = [
        coding.code for category in observation.category or () for coding in codings_of(category)
    ]
    codings = codings_of(concept)
    return context.not_needed.rule_for(codings, texts=texts, categories=categories) or ""


def _valueless(observation: "Observation") -> bool:
    """Say whether the Observation itself carries neither a value nor a reason for none."""
    return (
        observation.value_quantity is None
        and observation.data_absent_reason is None
        and observation.value_string is None
        and observation.value_codeable_concept is None
        and observation.value_integer is None
        and observation.value_range is None
        and observation.value_ratio is None
        and observation.value_boolean is None
    )


def _effective(observation: "Observation", draft: "Draft") -> Span:
    """Read when it was true of the patient; `issued` never stands in."""
    if observation.effective_date_time is not None:
        path, span = "effectiveDateTime", Span(read_time(observation.effective_date_time, draft))
    elif observation.effective_instant is not None:
        path, span = "effectiveInstant", Span(read_time(observation.effective_instant, draft))
    elif observation.effective_period is not None:
        path, span = "effectivePeriod", period_span(observation.effective_period, draft)
    else:
        timing = observation.effective_timing
        events = [event for event in (timing.event if timing else None) or () if event is not None]
        # Several events under one value leave open when it was true.
        path, span = "effective", Span(read_time(events[0], draft) if len(events) == 1 else None)
    if span.start is None:
        draft.block(HeldReason.NO_EFFECTIVE_TIME, path, "issued does not stand in for it")
        return span
    check_time(draft, span.start, path)
    if span.end is not None and not draft.blocked:
        check_time(draft, span.end, path)
    return span


class _Reader:
    """Reads the values of one Observation, whose time, subject and specimen they share."""

    __slots__ = ("draft", "observation", "sample", "span")

    def __init__(self, observation: "Observation", draft: "Draft", span: Span) -> None:
        self.observation = observation
        self.draft = draft
        self.span = span
        self.sample = read_sample(observation, draft)
        encounter = observation.encounter
        if encounter is not None and encounter.reference is not None:
            draft.shared = (("encounter", encounter.reference),)

    def read(
        self,
        path: str,
        element: "Observation | ObservationComponent",
        question: Question | Problem,
    ) -> None:
        """Read one value and state its facts."""
        if isinstance(question, Problem):
            self._hold(path, question)
        elif question.analyte is not None:
            self._measurement(path, element, question, question.analyte)
        elif question.scale is not None:
            self._grade(path, element, question.codes, question.scale)
        else:
            self._findings(path, element, question)

    def _hold(self, path: str, problem: Problem) -> None:
        self.draft.hold(problem.reason, f"{path}{problem.path}", problem.detail)

    def _awaited(self, element: "Observation | ObservationComponent") -> bool:
        """Say whether there is no value because there is none yet."""
        return (
            self.draft.status is FactStatus.PRELIMINARY
            and element is self.observation
            and _valueless(self.observation)
        )

    def _no_value(self, kind: FactKind, concept: str, path: str, codes: tuple[str, ...]) -> None:
        """State that there is no value: absent in a final result, awaited in another."""
        status = self.draft.status
        self.draft.add(
            kind,
            concept,
            None,
            path=f"{path}dataAbsentReason",
            start=self.span.start,
            end=self.span.end,
            status=FactStatus.NO_VALUE if status is FactStatus.USABLE else status,
            codes=codes,
        )

    def _measurement(
        self,
        path: str,
        element: "Observation | ObservationComponent",
        question: Question,
        analyte: Analyte,
    ) -> None:
        draft = self.draft
        qualifiers = question.qualifiers
        flags = _NONE
        if self.sample is not None:
            fit = check_specimen(self.sample, analyte, qualifiers, draft)
            if fit is None:
                return
            qualifiers = qualifiers | fit.qualifiers
            flags = fit.flags
        read: Measurement | Problem | None = None
        if not self._awaited(element):
            read = read_measurement(element, analyte, draft.context, question.units)
        if isinstance(read, Problem):
            self._hold(path, read)
            self._held_result(
                FactKind.MEASUREMENT, analyte.id, path, read, question.codes, qualifiers
            )
            return
        if read is None:
            self._no_value(FactKind.MEASUREMENT, analyte.id, path, question.codes)
            return
        limit = None
        if element.reference_range is not None:
            limit = read_reference_high(element.reference_range, analyte, draft.context)
        draft.add(
            FactKind.MEASUREMENT,
            analyte.id,
            read.value,
            path=f"{path}{read.path}",
            unit=analyte.unit,
            start=self.span.start,
            end=self.span.end,
            qualifiers=qualifiers,
            flags=read.flags | flags,
            codes=question.codes,
            sent=read.sent,
            reference_high=None if limit is None else limit[0],
            context=() if limit is None else (("reference_high", limit[1]),),
        )

    def _held_result(
        self,
        kind: FactKind,
        concept: str,
        path: str,
        problem: Problem,
        codes: tuple[str, ...],
        qualifiers: frozenset[str] = _NONE,
    ) -> None:
        """State that a result exists whose value waits on the work list.

        An older value must not pass for the newest one while a person looks at it.
        """
        status = self.draft.status
        self.draft.add(
            kind,
            concept,
            None,
            path=f"{path}{problem.path}",
            start=self.span.start,
            end=self.span.end,
            status=FactStatus.NO_VALUE if status is FactStatus.USABLE else status,
            qualifiers=qualifiers,
            flags=_UNIT_MISSING if problem.reason is HeldReason.UNIT_MISSING else _HELD,
            codes=codes,
        )

    def _grade(
        self,
        path: str,
        element: "Observation | ObservationComponent",
        codes: tuple[str, ...],
        scale: GradeScale,
    ) -> None:
        read = (
            None
            if self._awaited(element)
            else read_grade(element, scale, self.draft.context.vocabulary)
        )
        # A scale that asks present or absent of a notion states the notion.
        is_finding = scale.id in self.draft.context.value_sets
        kind = FactKind.FINDING if is_finding else FactKind.GRADE
        if isinstance(read, Problem):
            self._hold(path, read)
            self._held_result(kind, scale.id, path, read, codes)
        elif read is None:
            self._no_value(kind, scale.id, path, codes)
        else:
            grade, where = read
            self.draft.add(
                kind,
                scale.id,
                grade,
                path=f"{path}{where}",
                start=self.span.start,
                end=self.span.end,
                qualifiers=frozenset({"review"}) if grade == _PRESENT_OR_ABSENT else _NONE,
                codes=codes,
            )

    def _findings(
        self,
        path: str,
        element: "Observation | ObservationComponent",
        question: Question,
    ) -> None:
        read = (
            None if self._awaited(element) else read_answer(element, self.draft.context.vocabulary)
        )
        if isinstance(read, Problem):
            self._hold(path, read)
        for notion in question.notions.values():
            concept = notion.value_set.id
            if isinstance(read, Problem):
                self._held_result(FactKind.FINDING, concept, path, read, question.codes)
                continue
            if read is None:
                self._no_value(FactKind.FINDING, concept, path, question.codes)
                continue
            answer, where, worded = read
            self.draft.add(
                FactKind.FINDING,
                concept,
                _PRESENT_OR_ABSENT if answer == "unclear" else frozenset({answer}),
                path=f"{path}{where}",
                start=self.span.start,
                end=self.span.end,
                qualifiers=_finding_qualifiers(notion, answer),
                flags=frozenset({"answer_from_text"}) if worded else _NONE,
                codes=question.codes,
            )


def _finding_qualifiers(notion: Notion, answer: str) -> frozenset[str]:
    """Return what the answer to a test proves.

    A reactive screen (strength review) needs a person; a negative one is conclusive.
    """
    if answer == "unclear":
        return frozenset({Strength.REVIEW.value})
    if answer == "absent":
        return frozenset({Strength.DEFINITE.value})
    return frozenset({notion.strength.value})
