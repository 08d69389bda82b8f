"""What was found of a patient: present where someone found it, otherwise unknown."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from aclf_fhir.evaluation.choice import Choice
from aclf_fhir.evaluation.reasons import Reason
from aclf_fhir.evaluation.rules import EvaluationRules
from aclf_fhir.evaluation.supports import NO, UNKNOWN, YES
from aclf_fhir.record import Fact, FactKind, FactStatus, Record
from aclf_fhir.units import Interval, TimeRange

__all__ = ["DOUBT", "choose_days_to_decompensation", "choose_finding", "grade_shows"]

DOUBT = frozenset({"history", "provisional", "review", "supporting", "refuted"})
"""Qualifiers of a finding that proves nothing of now."""

_PRESENT = frozenset({"present"})
_DECOMPENSATION = ("ascites_finding", "hepatic_encephalopathy")


def _current(record: Record, finding: str, at: datetime) -> list[Fact]:
    """Return the findings that speak of an instant without doubt."""
    return [
        fact
        for fact in record.of_concept(FactKind.FINDING, finding)
        if fact.status is FactStatus.USABLE
        and not fact.qualifiers & DOUBT
        and _begun(fact, at)
        and (fact.end is None or fact.end.earliest >= at)
    ]


def _begun(fact: Fact, at: datetime) -> bool:
    """Say whether a finding counts by an instant: presence if it may, absence if it must."""
    if fact.start is None:
        return True
    return (fact.start.earliest if fact.value == _PRESENT else fact.start.latest) <= at


def choose_finding(
    record: Record, finding: str, rules: EvaluationRules, *, at: datetime, name: str
) -> Choice:
    """Choose whether something is present; that nobody recorded it proves nothing.

    A finding that implies it counts as well. A negative finding counts as long as a
    grade does, if nothing current contradicts it.
    """
    present: list[Fact] = []
    absent: list[Fact] = []
    for concept in (finding, *rules.implied_by.get(finding, ())):
        for fact in _current(record, concept, at):
            if fact.value == _PRESENT:
                present.append(fact)
            elif concept == finding and _recent(fact, at - rules.age_limit(finding)):
                absent.append(fact)
    if present and absent:
        reason = Reason.CONFLICTING
        passed = tuple((fact, str(reason)) for fact in (*present, *absent))
        return Choice(
            input=name,
            concept=finding,
            value=UNKNOWN,
            why=reason,
            reason=reason,
            passed_over=passed,
        )
    if not present and not absent:
        why = "no record proves nothing"
        return Choice(input=name, concept=finding, value=UNKNOWN, why=why, reason=Reason.NO_DATA)
    fact = (present or absent)[-1]
    return Choice(
        input=name,
        concept=finding,
        fact=fact,
        value=YES if present else NO,
        age=None if fact.start is None else max(at - fact.start.latest, timedelta(0)),
        why="found" if present else "found absent",
        flags=fact.flags,
    )


def _recent(fact: Fact, since: datetime) -> bool:
    return fact.start is not None and fact.start.earliest >= since


def choose_days_to_decompensation(
    record: Record, rules: EvaluationRules, *, at: datetime, name: str
) -> Choice:
    """Choose the calendar days from the jaundice to the first ascites or encephalopathy.

    Both must be dated; a jaundice recorded more than once began on any of its days. A
    decompensation that may be older than the jaundice leaves the days unknown: whether
    it is another one is for a person to say.
    """

    def unknown(reason: Reason, why: str, facts: Iterable[Fact] = ()) -> Choice:
        passed = tuple((fact, str(reason)) for fact in facts)
        return Choice(
            input=name, concept="jaundice", unit="d", why=why, reason=reason, passed_over=passed
        )

    jaundice = _span(_found(record, "jaundice", at))
    signs = [fact for finding in _DECOMPENSATION for fact in _found(record, finding, at)]
    decompensation = _onset([*signs, *_graded(record, at)])
    if jaundice is None:
        return unknown(Reason.NO_DATA, "no dated jaundice on record")
    if decompensation is None:
        return unknown(Reason.NO_DATA, "no dated ascites or encephalopathy on record")
    (yellow, first), (worse, second) = jaundice, decompensation
    zone = rules.zone

    def days(earlier: datetime, later: datetime) -> Decimal:
        apart: timedelta = later.astimezone(zone).date() - earlier.astimezone(zone).date()
        return Decimal(apart.days)

    value = Interval(days(yellow.latest, worse.earliest), days(yellow.earliest, worse.latest))
    if value.low is not None and value.low < 0:
        why = "decompensation may be older than the jaundice"
        return unknown(Reason.DEFINITION_OPEN, why, (first, second))
    return Choice(
        input=name,
        concept="jaundice",
        fact=second,
        value=value,
        unit="d",
        age=at - worse.latest,
        why="from the jaundice to the first ascites or encephalopathy",
        reason=None if value.is_exact else Reason.COMPARATOR_STRADDLES,
        also=(first,),
        flags=first.flags | second.flags,
    )


def _found(record: Record, finding: str, at: datetime) -> list[Fact]:
    return [fact for fact in _current(record, finding, at) if fact.value == _PRESENT]


def _graded(record: Record, at: datetime) -> list[Fact]:
    """Return the grades that show ascites or encephalopathy."""
    grades = [
        *record.of_concept(FactKind.GRADE, "ascites"),
        *record.of_concept(FactKind.GRADE, "he_grade"),
    ]
    return [
        fact
        for fact in grades
        if fact.status is FactStatus.USABLE
        and fact.start is not None
        and fact.start.latest <= at
        and grade_shows(fact)
    ]


def grade_shows(fact: Fact) -> bool:
    """Say whether a grade of ascites or encephalopathy shows that it is there."""
    if isinstance(fact.value, Interval):
        return fact.value.at_least(Decimal(1)) == "true"
    return isinstance(fact.value, frozenset) and bool(fact.value) and "none" not in fact.value


def _span(facts: Iterable[Fact]) -> tuple[TimeRange, Fact] | None:
    """Return between which instants some findings began, and the last of them."""
    starts = [(fact.start, fact) for fact in facts if fact.start is not None]
    if not starts:
        return None
    earliest = min(start.earliest for start, _ in starts)
    last, fact = max(starts, key=lambda each: each[0].latest)
    return TimeRange(earliest, last.latest), fact


def _onset(facts: Iterable[Fact]) -> tuple[TimeRange, Fact] | None:
    """Return when the first of some findings began."""
    starts = [(fact.start, fact) for fact in facts if fact.start is not None]
    if not starts:
        return None
    first, fact = min(starts, key=lambda each: each[0].earliest)
    return TimeRange(first.earliest, min(start.latest for start, _ in starts)), fact
