"""Coded, worded or ordinal answers: the grade on a scale, present or absent."""

from decimal import Decimal
from typing import TYPE_CHECKING

from aclf_fhir.codes import Coding
from aclf_fhir.mapping.codings import codings_of, describe
from aclf_fhir.mapping.models import GradeScale, HeldReason
from aclf_fhir.mapping.units_read import Problem
from aclf_fhir.units import Interval

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aclf_fhir.fhir.r4.observation import Observation, ObservationComponent
    from aclf_fhir.mapping.vocabulary import Answer, Vocabulary

__all__ = ["coded_grade", "ordinal_grade", "read_answer", "read_grade"]

Grade = Interval | frozenset[str]


def read_grade(
    element: "Observation | ObservationComponent", scale: GradeScale, vocabulary: "Vocabulary"
) -> tuple[Grade, str] | Problem | None:
    """Read the answer to a scale's question and say which element gave it.

    Returns
    -------
    tuple[Grade, str] | Problem | None
        None where the sender says that there is no value (`dataAbsentReason`).
    """
    if element.value_codeable_concept is not None:
        path = "valueCodeableConcept"
        codings = codings_of(element.value_codeable_concept)
        text = element.value_codeable_concept.text
        return _with_path(coded_grade(codings, text, scale, path), path)
    if element.value_integer is not None:
        number = Interval.exact(Decimal(element.value_integer))
        return _with_path(ordinal_grade(number, scale, "valueInteger"), "valueInteger")
    quantity = element.value_quantity
    if quantity is not None and quantity.value is not None:
        path = "valueQuantity"
        unit = quantity.code or quantity.unit or ""
        if unit not in vocabulary.grade_units:
            return Problem(HeldReason.UNIT_UNKNOWN, path, f"{scale.id}: a grade has no unit {unit}")
        number = (
            Interval.exact(quantity.value)
            if quantity.comparator is None
            else Interval.from_comparator(quantity.comparator, quantity.value)
        )
        return _with_path(ordinal_grade(number, scale, path), path)
    if element.value_string is not None:
        path = "valueString"
        text = element.value_string.strip()
        if text.isascii() and text.isdigit() and len(text) < 3:
            return _with_path(ordinal_grade(Interval.exact(Decimal(text)), scale, path), path)
        return _with_path(coded_grade((), text, scale, path), path)
    if element.data_absent_reason is not None:
        return None
    return Problem(HeldReason.ANSWER_UNKNOWN, "value", f"{scale.id}: no coded answer or grade")


def _with_path(grade: Grade | Problem, path: str) -> tuple[Grade, str] | Problem:
    return grade if isinstance(grade, Problem) else (grade, path)


def coded_grade(
    codings: "Iterable[Coding]",
    text: str | None,
    scale: GradeScale,
    path: str,
) -> Grade | Problem:
    """Look coded answers up; words count only where they are listed as `Coding("", text)`."""
    listed = [*codings]
    if text is not None:
        listed.append(Coding("", text))
    known: dict[Coding, Grade] = {}
    for coding in listed:
        answer = scale.answers.get(coding)
        if answer is not None:
            known[coding] = answer
    if not known:
        return Problem(HeldReason.ANSWER_UNKNOWN, path, f"{scale.id}: {describe(listed[:5])}")
    if len(set(known.values())) > 1:
        return Problem(HeldReason.CONTRADICTING_CODES, path, f"{scale.id}: {describe(known)}")
    return next(iter(known.values()))


def ordinal_grade(number: Interval, scale: GradeScale, path: str) -> Grade | Problem:
    """Read a number as a grade of an ordinal scale; only whole grades exist."""
    ordinal = scale.ordinal
    if ordinal is None or ordinal.low is None or ordinal.high is None:
        return Problem(HeldReason.ANSWER_UNKNOWN, path, f"{scale.id}: the scale has no numbers")
    grades = [
        Decimal(grade)
        for grade in range(int(ordinal.low), int(ordinal.high) + 1)
        if number.contains(Decimal(grade))
    ]
    if not grades:
        detail = f"{scale.id}: no grade from {ordinal.low} to {ordinal.high}"
        return Problem(HeldReason.IMPLAUSIBLE, path, detail)
    return Interval(grades[0], grades[-1])


def read_answer(
    element: "Observation | ObservationComponent", vocabulary: "Vocabulary"
) -> tuple["Answer", str, bool] | Problem | None:
    """Read whether a qualitative test found something.

    Returns
    -------
    tuple[Answer, str, bool] | Problem | None
        The answer, the element that gave it and whether words gave it; None where the
        sender says that there is no value.
    """
    answers = vocabulary.answers
    path = "value"
    if element.value_boolean is not None:
        return ("present" if element.value_boolean else "absent"), "valueBoolean", False
    if element.value_codeable_concept is not None:
        path = "valueCodeableConcept"
        codings = codings_of(element.value_codeable_concept)
        found = {answers[coding] for coding in codings if coding in answers}
        if len(found) > 1:
            return Problem(HeldReason.CONTRADICTING_CODES, path, describe(codings))
        if found:
            return found.pop(), path, False
        text = element.value_codeable_concept.text
    elif element.value_string is not None:
        path, text = "valueString", element.value_string
    else:
        text = None
    worded = None if text is None else vocabulary.answer_words.get(text.strip().lower())
    if worded is not None:
        return worded, path, True
    interpreted = {
        answers[coding]
        for concept in element.interpretation or ()
        for coding in codings_of(concept)
        if coding in answers
    }
    if len(interpreted) == 1:
        return interpreted.pop(), "interpretation", False
    if path == "value" and element.data_absent_reason is not None:
        return None
    return Problem(HeldReason.ANSWER_UNKNOWN, path, "neither positive nor negative")
