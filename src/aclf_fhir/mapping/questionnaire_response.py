"""QuestionnaireResponse → attestations: a person's signed answers.

An answer to an item that is also a scale (`he-grade`) states the grade too. An answer
to `retire-fact` names the resource whose fact it retires (qualifier `retires`, context
`retires`) and must give a reason in a nested item `reason`.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from aclf_fhir.codes import CANONICAL_BASE, LOCAL, Coding
from aclf_fhir.mapping.answers import coded_grade, ordinal_grade
from aclf_fhir.mapping.models import GradeScale, HeldReason
from aclf_fhir.mapping.references import reference_type
from aclf_fhir.mapping.subjects import read_subject
from aclf_fhir.mapping.times import check_time, read_time
from aclf_fhir.mapping.units_read import Problem, read_quantity_unit
from aclf_fhir.record import FactKind, FactStatus, Value
from aclf_fhir.units import Interval, TimeRange

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.questionnaire_response import (
        QuestionnaireResponse,
        QuestionnaireResponseItem,
        QuestionnaireResponseItemAnswer,
    )
    from aclf_fhir.mapping.draft import Draft
    from aclf_fhir.mapping.models import MappingContext

__all__ = ["map_questionnaire_response"]

RETIRE = "retire-fact"
REASON = "reason"
_QUESTIONNAIRES = f"{CANONICAL_BASE}/Questionnaire/"
_ATTESTATIONS = LOCAL["attestations"]
_WEIGHT_ITEM = "weight-for-dosing"
_WEIGHT = "body_weight"
_PATIENT_SIDE = frozenset({"Patient", "RelatedPerson"})
_PERSONS = _PATIENT_SIDE | {"Practitioner", "PractitionerRole"}
_HELD = frozenset({"held"})


def map_questionnaire_response(response: "QuestionnaireResponse", draft: "Draft") -> str:
    """Read one response; return the rule it falls under if nothing is needed of it."""
    items = list(_items(response, draft.context))
    if not items:
        return "questionnaire-not-attestation"
    answered = [entry for entry in items if entry[2].answer is not None]
    if not answered:
        return "empty-response"
    read_subject(draft, response.subject)
    start = read_time(response.authored, draft)
    if start is None:
        draft.block(HeldReason.NO_EFFECTIVE_TIME, "authored", "an attestation needs its time")
    elif start.earliest > draft.context.known:
        # Signed after death is fine (an outcome), signed in the future is not.
        dates, draft.dates = draft.dates, None
        check_time(draft, start, "authored")
        draft.dates = dates
    flags: frozenset[str] = frozenset()
    if response.status not in ("completed", "amended"):
        draft.status = FactStatus.PRELIMINARY
    qualifiers = frozenset({"attested"})
    pairs = []
    signer = _signer(response)
    if signer is None:
        # Nobody stands for it: it explains an unknown, and decides nothing.
        flags = frozenset({"unsigned"})
        draft.status = FactStatus.PRELIMINARY
    else:
        type_, reference = signer
        pairs.append(("signer", reference))
        if type_ in _PATIENT_SIDE:
            qualifiers |= {"by_patient"}
    study = _study(response.questionnaire, draft.context)
    if study is not None:
        pairs.append(("study", study))
    draft.shared = tuple(sorted(pairs))
    for path, code, item in answered:
        _Attestation(path, code, item, start, qualifiers, flags, draft).state()
    return ""


def _signer(response: "QuestionnaireResponse") -> tuple[str, str] | None:
    """Return who stands for the answers, type and reference; only a person can.

    What a device or an office wrote down, its source answered.
    """
    for reference in (response.author, response.source):
        if reference is not None and reference.reference is not None:
            type_ = reference_type(reference, response)
            if type_ in _PERSONS:
                return type_, reference.reference
    return None


def _items(
    response: "QuestionnaireResponse", context: "MappingContext"
) -> "Iterator[tuple[str, str, QuestionnaireResponseItem]]":
    """Yield the attestation items with their paths and codes, groups opened."""
    questionnaire = response.questionnaire
    own = questionnaire is not None and questionnaire.startswith(_QUESTIONNAIRES)

    def walk(
        items: "list[QuestionnaireResponseItem] | None", prefix: str
    ) -> "Iterator[tuple[str, str, QuestionnaireResponseItem]]":
        for index, item in enumerate(items or ()):
            path = f"{prefix}item[{index}]"
            code = _item_code(item, own=own, unnamed=questionnaire is None, context=context)
            if code is not None:
                yield path, code, item
            yield from walk(item.item, f"{path}.")

    yield from walk(response.item, "")


def _item_code(
    item: "QuestionnaireResponseItem", *, own: bool, unnamed: bool, context: "MappingContext"
) -> str | None:
    """Return the attestation an item asks for.

    `definition` names it in our code system. Without that, the linkId counts in a
    response to one of our Questionnaires, or in one that names no Questionnaire.
    """
    if item.definition is not None and item.definition.startswith(_ATTESTATIONS):
        return item.definition.removeprefix(_ATTESTATIONS).strip("#|/") or None
    link_id = item.link_id or ""
    if (own or unnamed) and (link_id in context.attestation_items or link_id == RETIRE):
        return link_id
    # An answer in our own Questionnaire is never dropped: an unknown item is held.
    return link_id if own and item.answer is not None else None


def _study(questionnaire: str | None, context: "MappingContext") -> str | None:
    """Return the trial whose Questionnaire was answered."""
    if questionnaire is None:
        return None
    url = questionnaire.partition("|")[0]
    found = context.trials.get(url)
    if found is not None:
        return found
    name = url.rpartition("/")[2]
    for trial in sorted(set(context.trials.values())):
        if name == trial or name.startswith(f"{trial}-"):
            return trial
    return None


class _Attestation:
    """One answered item."""

    __slots__ = ("code", "draft", "flags", "item", "path", "qualifiers", "start")

    def __init__(
        self,
        path: str,
        code: str,
        item: "QuestionnaireResponseItem",
        start: TimeRange | None,
        qualifiers: frozenset[str],
        flags: frozenset[str],
        draft: "Draft",
    ) -> None:
        self.path = path
        self.code = code
        self.item = item
        self.start = start
        self.qualifiers = qualifiers
        self.flags = flags
        self.draft = draft

    def state(self) -> None:
        """State the attestation, and the grade it is."""
        context = self.draft.context
        if self.code == RETIRE:
            self._retire()
            return
        if self.code not in context.attestation_items:
            self._hold(HeldReason.UNMAPPED_CODE, f"no attestation item {self.code}")
            return
        scale = _scale_of(self.code, context)
        values = [self._value(answer, scale) for answer in self.item.answer or ()]
        problems = [value for value in values if isinstance(value, Problem)]
        for problem in problems:
            self.draft.hold(problem.reason, f"{self.path}.{problem.path}", problem.detail)
        value = None if problems else _merged(values)
        if value is None:
            if not problems:
                self._hold(HeldReason.ANSWER_UNKNOWN, f"{self.code}: several answers")
            # An older answer must not pass for the newest while a person looks at this one.
            self.flags |= _HELD
        nested = self._nested()
        self._add(FactKind.ATTESTATION, self.code, value, self.qualifiers, nested)
        # A grade is for a clinician to give: what the patient says of it stays an answer.
        if scale is not None and "by_patient" not in self.qualifiers:
            kind = FactKind.FINDING if scale.id in context.value_sets else FactKind.GRADE
            self._add(kind, scale.id, value, self.qualifiers, nested)

    def _add(
        self,
        kind: FactKind,
        concept: str,
        value: Value,
        qualifiers: frozenset[str],
        context: list[tuple[str, str]],
    ) -> None:
        usable = self.draft.status is FactStatus.USABLE
        self.draft.add(
            kind,
            concept,
            value,
            path=f"{self.path}.answer",
            unit="kg" if self.code == _WEIGHT_ITEM and isinstance(value, Interval) else "",
            start=self.start,
            status=FactStatus.NO_VALUE if value is None and usable else None,
            qualifiers=qualifiers,
            flags=self.flags,
            codes=(f"{_ATTESTATIONS}|{self.code}",),
            context=context,
        )

    def _hold(self, reason: HeldReason, detail: str) -> None:
        self.draft.hold(reason, self.path, detail)

    def _retire(self) -> None:
        """State which resource's facts are retired; never without a reason."""
        nested = self._nested()
        targets = [
            answer.value_reference.reference
            for answer in self.item.answer or ()
            if answer.value_reference is not None and answer.value_reference.reference is not None
        ]
        if not targets or not any(name == REASON for name, _ in nested):
            self._hold(HeldReason.ANSWER_UNKNOWN, f"{RETIRE} needs a reference and a {REASON}")
            return
        pairs = nested + [("retires", target) for target in targets]
        self._add(
            FactKind.ATTESTATION, RETIRE, frozenset({"retired"}), frozenset({"retires"}), pairs
        )

    def _nested(self) -> list[tuple[str, str]]:
        """Keep what was asked beneath the answer (assessor, sedation, reason) as context."""
        pairs = []
        for answer in self.item.answer or ():
            for nested in answer.item or ():
                pairs += [
                    (nested.link_id or "", text)
                    for inner in nested.answer or ()
                    if (text := _as_text(inner))
                ]
        return pairs

    def _value(
        self, answer: "QuestionnaireResponseItemAnswer", scale: GradeScale | None
    ) -> Value | Problem:
        """Read one answer by its type."""
        coding = answer.value_coding
        if coding is not None and coding.code is not None:
            if scale is None:
                return frozenset({coding.code})
            listed = Coding(coding.system or "", coding.code)
            return coded_grade((listed,), None, scale, "answer.valueCoding")
        if answer.value_boolean is not None:
            return frozenset({"yes" if answer.value_boolean else "no"})
        number = answer.value_decimal
        if answer.value_integer is not None:
            number = Decimal(answer.value_integer)
        if number is not None:
            interval = Interval.exact(number)
            return interval if scale is None else ordinal_grade(interval, scale, "answer.value")
        if answer.value_quantity is not None:
            return self._quantity(answer)
        moment = read_time(answer.value_date_time or answer.value_date, self.draft)
        if moment is not None:
            check_time(self.draft, moment, f"{self.path}.answer")
            return moment
        return Problem(HeldReason.ANSWER_UNKNOWN, "answer", f"{self.code}: no coded answer")

    def _quantity(self, answer: "QuestionnaireResponseItemAnswer") -> Value | Problem:
        """Read a weight; no other item is answered with a quantity."""
        path = "answer.valueQuantity"
        quantity = answer.value_quantity
        analyte = self.draft.context.analytes.get(_WEIGHT)
        if quantity is None or quantity.value is None or analyte is None:
            return Problem(HeldReason.ANSWER_UNKNOWN, path, f"{self.code}: no number")
        unit = read_quantity_unit(quantity, analyte, self.draft.context, path)
        if isinstance(unit, Problem):
            return unit
        weight = analyte.units.convert(Interval.exact(quantity.value), unit.ucum, analyte.unit)
        if not analyte.plausible.contains(weight.value or Decimal(0)):
            return Problem(HeldReason.IMPLAUSIBLE, path, f"{self.code}: not a body weight")
        return weight


def _scale_of(code: str, context: "MappingContext") -> GradeScale | None:
    """Return the scale an item asks for: `he-grade` is he_grade, `ascites-grade` ascites."""
    id_ = context.scales_by_code.get(Coding(_ATTESTATIONS, code))
    if id_ is None:
        name = code.replace("-", "_")
        id_ = name if name in context.scales else name.removesuffix("_grade")
    return context.scales.get(id_)


def _merged(values: list[Value | Problem]) -> Value:
    """Put the answers of one item together: codes add up, of anything else there is one."""
    if len(values) == 1:
        only = values[0]
        return None if isinstance(only, Problem) else only
    codes: set[str] = set()
    for value in values:
        if not isinstance(value, frozenset):
            return None
        codes |= value
    return frozenset(codes)


def _as_text(answer: "QuestionnaireResponseItemAnswer") -> str:
    """Write a nested answer as the context of a fact."""
    if answer.value_coding is not None:
        return answer.value_coding.code or ""
    if answer.value_boolean is not None:
        return "yes" if answer.value_boolean else "no"
    if answer.value_reference is not None:
        return answer.value_reference.reference or ""
    for value in (
        answer.value_string,
        answer.value_date_time,
        answer.value_date,
        answer.value_integer,
        answer.value_decimal,
    ):
        if value is not None:
            return str(value)
    return ""
