"""Dialysis as MELD means it: how often in the week before the creatinine was drawn.

The rule is an exception that evidence triggers. Where nothing on file speaks of dialysis
the measured creatinine is the input: the choice has no value, and the score says so with
the flag `dialysis_not_recorded`. Where something does, and leaves the week open, both
readings stay possible.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from aclf_fhir.evaluation.choice import Choice
from aclf_fhir.evaluation.reasons import Reason
from aclf_fhir.evaluation.rules import EvaluationRules
from aclf_fhir.evaluation.supports import (
    NO,
    UNKNOWN,
    YES,
    current_undated,
    denied,
    dialysis_dependence,
    drawn_around_dialysis,
    last_sign,
    possible_facts,
    settled_without_record,
    support_signs,
    was_done,
)
from aclf_fhir.record import Fact, FactKind, FactStatus, Record

__all__ = ["choose_dialysis"]

_SUPPORT = "renal_replacement"
_TIMED = frozenset({"pre_dialysis", "post_dialysis"})

# A person is asked whether there was any treatment; MELD asks whether there were two.
_ANSWERS = {"no": NO, "yes": UNKNOWN, "unknown": UNKNOWN}


def choose_dialysis(
    record: Record,
    rules: EvaluationRules,
    *,
    before: datetime,
    at: datetime | None = None,
    name: str = "dialysis",
) -> Choice:
    """Choose MELD's dialysis: treatments in the week before the creatinine was drawn.

    =======================================================  =======================
    On file                                                  Value
    =======================================================  =======================
    two treatments, or 24 h of continuous therapy            yes
    dialysis dependence, or a doubtful or disputed treatment yes or no
    one in progress that bears no date                       yes or no
    one treatment                                            yes or no; no where the
                                                             feed is complete, and no
                                                             other may be of that week
    a person answers that there was none                     no, unless a treatment may
                                                             be of a day not yet over
    a treatment that may be of that week, by its date        yes or no
    nothing in that week, and the feed is complete           no
    any other sign of dialysis, at whatever time             yes or no
    nothing at all                                           none, which MELD flags
    =======================================================  =======================

    An answer of a person may be given after the draw, until `at`.
    """
    at = before if at is None else at
    signs, passed = support_signs(record, [(FactKind.PROCEDURE, _SUPPORT)], before)
    possible = [
        fact
        for fact in possible_facts(
            record, FactKind.PROCEDURE, _SUPPORT, at=before, grace=rules.dialysis_window
        )
        if was_done(fact)
    ]
    treated: list[Fact] = []
    for fact in signs:
        lasted = _in_the_week(fact, rules, before)
        if lasted is not None and denied(record, _SUPPORT, rules, at=at, sign=fact):
            passed.append((fact, Reason.CONFLICTING))
            continue
        if lasted is not None and lasted >= rules.dialysis_continuous:
            return _certain((fact,), YES, name, before, "continuous therapy", passed)
        if lasted is not None:
            treated.append(fact)
    days = {fact.start.earliest.date() for fact in treated if fact.start}
    for fact in drawn_around_dialysis(record, before - rules.dialysis_window, before):
        if fact.start and fact.start.earliest.date() not in days:
            days.add(fact.start.earliest.date())
            treated.append(fact)
    if len(treated) >= rules.dialysis_treatments:
        why = f"{len(treated)} treatments in the week before the creatinine"
        return _certain(tuple(treated), YES, name, before, why, passed)
    dependent = [
        fact for fact in dialysis_dependence(record, before) if fact.value == frozenset({"present"})
    ]
    if dependent or passed:
        why = "dialysis is known, the number of treatments is not"
        reason = Reason.NO_DATA if dependent else Reason(passed[0][1])
        return _open((*treated, *dependent), name, why, reason, passed)
    if any(current_undated(fact) for fact in possible):
        why = "in progress, begun at an unknown time"
        return _open((*treated, *possible), name, why, Reason.OUTSIDE_WINDOW)
    if treated and _SUPPORT in rules.complete_feeds and not possible:
        why = "fewer than two treatments, and the site declares the feed complete"
        return _certain(tuple(treated), NO, name, before, why, passed)
    if treated:
        why = "one treatment on record does not exclude a second"
        return _open((*treated, *possible), name, why, Reason.NO_DATA)
    return _without_treatment(record, rules, possible, at=at, name=name)


def _in_the_week(fact: Fact, rules: EvaluationRules, before: datetime) -> timedelta | None:
    """Return how much of a treatment lies in the week before; None if nothing does."""
    since, last = before - rules.dialysis_window, last_sign(fact)
    if not was_done(fact) or fact.start is None or last is None:
        return None
    open_ended = "in_progress" in fact.qualifiers and fact.end is None
    end = before if open_ended else min(last, before)
    return None if end < since else end - max(fact.start.latest, since)


def _without_treatment(
    record: Record, rules: EvaluationRules, possible: list[Fact], *, at: datetime, name: str
) -> Choice:
    """Decide where no dated treatment lies in the week: an answer, a feed, a sign, nothing."""
    found = settled_without_record(
        record, _SUPPORT, rules, at=at, name=name, codes=_ANSWERS, possible=possible
    )
    if found.fact is not None or found.value == NO:
        return found
    if possible:
        why = "when the treatment was is not known"
        return _open(possible, name, why, found.reason or Reason.OUTSIDE_WINDOW)
    signs = _signs_at_any_time(record, rules, at)
    if signs:
        why = "dialysis is on record, whether in that week is not"
        return _open(signs, name, why, Reason.NO_DATA)
    return replace(found, value=None, why="nothing on file speaks of dialysis")


def _procedures(record: Record, at: datetime) -> list[Fact]:
    """Return the treatments on file, doubtful ones included, until an instant."""
    return [
        fact
        for fact in record.of_concept(FactKind.PROCEDURE, _SUPPORT)
        if fact.status is not FactStatus.RETRACTED
        and (fact.start is None or fact.start.earliest <= at)
    ]


def _signs_at_any_time(record: Record, rules: EvaluationRules, at: datetime) -> list[Fact]:
    """Return all that speaks of dialysis without saying how often, or when.

    That someone does not depend on dialysis, or once answered that there was none, is
    no sign of it.
    """
    found = _procedures(record, at)
    spoken = [
        *record.of_concept(FactKind.FINDING, "dialysis_status"),
        *record.of_concept(FactKind.ATTESTATION, rules.support_items.get(_SUPPORT, _SUPPORT)),
    ]
    found += [fact for fact in spoken if fact.value not in (frozenset({"absent"}), NO)]
    found += [
        fact
        for fact in record.of_concept(FactKind.MEASUREMENT, "creatinine")
        if fact.qualifiers & _TIMED
    ]
    return [
        fact
        for fact in found
        if fact.status is not FactStatus.RETRACTED
        and (fact.start is None or fact.start.earliest <= at)
    ]


def _open(
    facts: Iterable[Fact],
    name: str,
    why: str,
    reason: Reason,
    passed: Iterable[tuple[Fact, str]] = (),
) -> Choice:
    """Return the choice that leaves both readings possible, with what speaks of dialysis."""
    return Choice(
        input=name,
        concept=_SUPPORT,
        value=UNKNOWN,
        why=why,
        reason=reason,
        also=tuple(facts),
        passed_over=tuple(passed),
    )


def _certain(
    facts: tuple[Fact, ...],
    value: frozenset[str],
    name: str,
    before: datetime,
    why: str,
    passed: Iterable[tuple[Fact, str]],
) -> Choice:
    first, *rest = facts
    last = last_sign(first)
    return Choice(
        input=name,
        concept=_SUPPORT,
        fact=first,
        value=value,
        age=None if last is None else max(before - last, timedelta(0)),
        why=why,
        also=tuple(rest),
        passed_over=tuple(passed),
        flags=frozenset({"dialysis"}) if value == YES else frozenset(),
    )
