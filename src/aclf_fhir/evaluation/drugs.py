"""Drugs that support the circulation, or that make a result doubtful."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from aclf_fhir.evaluation.choice import (
    Choice,
    choose,
    dated_facts,
    reaches_past,
    undecided_facts,
)
from aclf_fhir.evaluation.reasons import STATUS_REASONS, Reason
from aclf_fhir.evaluation.rules import EvaluationRules
from aclf_fhir.evaluation.supports import (
    NO,
    UNKNOWN,
    YES,
    attested_support,
    current_undated,
    denied,
    last_sign,
    possible_facts,
    runs_at,
    settled_without_record,
    unseen,
)
from aclf_fhir.record import Fact, FactKind, FactStatus, Record
from aclf_fhir.units import Interval

__all__ = ["choose_drug", "choose_given", "choose_vasopressor", "given_within"]

_NOTHING = Interval.exact(Decimal(0))
_SOME = Interval(Decimal(0), None, low_closed=False, high_closed=False)
_PER_MINUTE = "ug/min"
_ANSWERS = {"no": NO, "yes": UNKNOWN, "unknown": UNKNOWN}


@dataclass(slots=True)
class _Given:
    """The newest administration of a drug, and what may be one or was passed over."""

    fact: Fact | None = None
    passed: list[tuple[Fact, str]] = field(default_factory=list)
    possible: list[Fact] = field(default_factory=list)


def _newest(record: Record, drug: str, at: datetime, grace: timedelta) -> _Given:
    """Find the newest administration of a drug.

    One reported as in progress outlasts a later dose that is over, not a rate of zero.
    One whose day is not over proves that the drug is on unless a later stop may lie on the
    same day; a rate of zero on such a day stops nothing.
    """
    found = _Given()
    if not record.of_concept(FactKind.MEDICATION, drug):
        return found
    today: Fact | None = None
    for fact in dated_facts(record, FactKind.MEDICATION, drug, until=at):
        if fact.status is not FactStatus.USABLE:
            if fact.status is not FactStatus.RETRACTED:
                found.passed.append((fact, STATUS_REASONS[fact.status]))
        elif "administered" not in fact.qualifiers:
            found.passed.append((fact, "an order or a report is not an administration"))
        elif not reaches_past(fact, at):
            found.fact = fact if _on(fact, at, grace) else _outlasting(record, drug, at) or fact
            break
        elif fact.value == _NOTHING:
            found.passed.append((fact, "rate zero, at an unknown hour"))
        elif fact.start and fact.start.earliest + grace < at and not _goes_on(fact):
            found.possible.append(fact)
        else:
            today = today or fact
    for fact in possible_facts(record, FactKind.MEDICATION, drug, at=at, grace=grace):
        if "administered" not in fact.qualifiers or fact.value == _NOTHING:
            continue
        if fact.status is FactStatus.USABLE and current_undated(fact):
            today = today or fact
        else:
            found.possible.append(fact)
    if today is not None and (found.fact is None or not _on(found.fact, at, grace)):
        found.fact = today
    return found


def _outlasting(record: Record, drug: str, at: datetime) -> Fact | None:
    """Return the newest administration that is in progress, unless a rate of zero came after."""
    for fact in dated_facts(record, FactKind.MEDICATION, drug, until=at):
        if (
            fact.status is FactStatus.USABLE
            and "administered" in fact.qualifiers
            and not reaches_past(fact, at)
        ):
            if fact.value == _NOTHING:
                return None
            if _goes_on(fact):
                return fact
    return None


def _goes_on(fact: Fact) -> bool:
    return "in_progress" in fact.qualifiers


def _on(fact: Fact, at: datetime, grace: timedelta) -> bool:
    runs = runs_at(fact, at, grace) or current_undated(fact)
    return runs and fact.value != _NOTHING


def given_within(
    record: Record, drugs: Iterable[str], since: datetime, until: datetime
) -> list[Fact]:
    """Return what was, or may have been, administered or reported in a stretch of time."""
    found = []
    for drug in drugs:
        if not record.of_concept(FactKind.MEDICATION, drug):
            continue
        for fact in (
            *undecided_facts(record, FactKind.MEDICATION, drug, until=until),
            *dated_facts(record, FactKind.MEDICATION, drug, until=until),
        ):
            last = last_sign(fact)
            if (
                fact.status is FactStatus.USABLE
                and fact.qualifiers & {"administered", "reported"}
                and fact.value != _NOTHING
                and ((last is not None and last >= since) or "in_progress" in fact.qualifiers)
            ):
                found.append(fact)
                break
    return found


def choose_vasopressor(
    record: Record,
    rules: EvaluationRules,
    *,
    at: datetime | None = None,
    name: str = "vasopressor",
) -> Choice:
    """Choose whether a vasopressor supports the circulation.

    Terlipressin alone is a code of its own unless circulatory support is recorded as
    the indication: scores decide whether it counts, and say when a result rests on it.
    """
    at = record.as_of if at is None else at
    passed: list[tuple[Fact, str]] = []
    possible: list[Fact] = []
    running: list[Fact] = []
    for drug in rules.vasopressors:
        newest = _newest(record, drug, at, rules.support_age)
        fact = newest.fact
        passed.extend(newest.passed)
        possible.extend(newest.possible)
        if fact is not None and _on(fact, at, rules.support_age):
            if denied(record, "vasopressor", rules, at=at, sign=fact):
                passed.append((fact, Reason.CONFLICTING))
            else:
                running.append(fact)
        elif fact is not None and runs_at(fact, at, rules.support_age):
            passed.append((fact, "rate zero"))
    if not running:
        return settled_without_record(
            record, "vasopressor", rules, at=at, name=name, passed=passed, possible=possible
        )
    first, *rest = sorted(running, key=lambda fact: fact.concept == "terlipressin")
    only = first.concept == "terlipressin" and not _for_circulation(record, first, rules, at)
    last = last_sign(first)
    open_ended = last is None or "in_progress" in first.qualifiers
    return Choice(
        input=name,
        concept="vasopressor",
        fact=first,
        value=frozenset({"terlipressin"}) if only else YES,
        age=None if last is None else max(at - last, timedelta(0)),
        why=f"{first.concept} given",
        also=tuple(rest),
        passed_over=tuple(passed),
        flags=first.flags,
        fresh_until=None if open_ended or last is None else last + rules.support_age,
    )


def _for_circulation(record: Record, fact: Fact, rules: EvaluationRules, at: datetime) -> bool:
    """Say whether circulatory support is the recorded reason for a drug."""
    if "circulatory_support" in fact.qualifiers:
        return True
    chosen = choose(record, FactKind.GRADE, "vasopressor_indication", rules=rules, at=at)
    return chosen.value == frozenset({"circulatory_support"})


def choose_given(
    record: Record,
    drugs: tuple[str, ...],
    rules: EvaluationRules,
    *,
    name: str,
    at: datetime | None = None,
) -> Choice:
    """Choose whether one of some drugs is being given, at whatever dose.

    No record is a no only where the feed of each of them is complete. A person who
    answers that there is no vasopressor answers for all of them; one who answers that
    there is does not say which.
    """
    at = record.as_of if at is None else at
    passed: list[tuple[Fact, str]] = []
    possible: list[Fact] = []
    for drug in drugs:
        newest = _newest(record, drug, at, rules.support_age)
        fact = newest.fact
        passed.extend(newest.passed)
        possible.extend(newest.possible)
        if fact is not None and _on(fact, at, rules.support_age):
            if denied(record, "vasopressor", rules, at=at, sign=fact):
                passed.append((fact, Reason.CONFLICTING))
                continue
            return Choice(
                input=name,
                concept=drug,
                fact=fact,
                value=YES,
                why="given",
                flags=fact.flags,
                passed_over=tuple(passed),
            )
    return settled_without_record(
        record,
        "vasopressor",
        rules,
        at=at,
        name=name,
        passed=passed,
        codes=_ANSWERS,
        complete=_complete(drugs, rules),
        possible=possible,
    )


def _complete(drugs: tuple[str, ...], rules: EvaluationRules) -> bool:
    """Say whether no record of some drugs means that none of them is given."""
    covered = rules.vasopressors if "vasopressor" in rules.complete_feeds else ()
    return rules.complete_feeds.union(covered).issuperset(drugs)


def choose_drug(
    record: Record,
    drug: str,
    rules: EvaluationRules,
    *,
    at: datetime | None = None,
    name: str = "",
) -> Choice:
    """Choose the dose rate of a drug in ug/kg/min; 0 only where it is proved not given."""
    at = record.as_of if at is None else at
    name = name or drug
    unit = "ug/kg/min"
    newest = _newest(record, drug, at, rules.support_age)
    fact, passed, possible = newest.fact, newest.passed, newest.possible
    passed += [(one, str(Reason.OUTSIDE_WINDOW)) for one in possible]
    on = fact is not None and _on(fact, at, rules.support_age)
    if fact is not None and on and denied(record, "vasopressor", rules, at=at, sign=fact):
        passed.append((fact, Reason.CONFLICTING))
    elif fact is not None and on:
        dose, weight, why = _dose(record, fact, rules, at)
        last = last_sign(fact)
        return Choice(
            input=name,
            concept=drug,
            fact=fact,
            value=dose,
            unit=unit,
            age=None if last is None else max(at - last, timedelta(0)),
            why=why,
            reason=None if dose.is_exact else Reason.NO_DATA,
            also=weight,
            passed_over=tuple(passed),
            flags=fact.flags,
        )
    last = None if fact is None else last_sign(fact)
    stopped = last is not None and last + rules.support_age >= at and not passed
    answer = attested_support(record, "vasopressor", rules, at)
    none_given = answer is not None and answer.value == NO and not unseen(answer, passed)
    if stopped or none_given or (_complete((drug,), rules) and not passed):
        return Choice(
            input=name,
            concept=drug,
            fact=fact if stopped else answer if none_given else None,
            value=_NOTHING,
            unit=unit,
            why="stopped" if stopped else "attested" if none_given else "no record, feed complete",
            passed_over=tuple(passed),
        )
    return Choice(
        input=name,
        concept=drug,
        value=None,
        unit=unit,
        why="no record proves nothing",
        reason=Reason.NO_DATA,
        passed_over=tuple(passed),
    )


def _dose(
    record: Record, fact: Fact, rules: EvaluationRules, at: datetime
) -> tuple[Interval, tuple[Fact, ...], str]:
    """Return the dose rate per kilogram, the weight used, and how it came about."""
    rate = fact.value
    if not isinstance(rate, Interval):
        return _SOME, (), "given, dose unknown"
    if fact.unit != _PER_MINUTE:
        return rate, (), "dose rate as sent"
    chosen = choose(record, FactKind.MEASUREMENT, "body_weight", rules=rules, unit="kg", at=at)
    weight = chosen.value if isinstance(chosen.value, Interval) else rules.plausible("body_weight")
    dose = Interval(
        None if rate.low is None or weight.high is None else rate.low / weight.high,
        None if rate.high is None or weight.low is None else rate.high / weight.low,
        rate.low_closed and weight.high_closed,
        rate.high_closed and weight.low_closed,
    )
    why = "dose rate divided by the newest weight"
    return dose, chosen.facts, why if chosen.fact else "dose rate, any plausible weight"
