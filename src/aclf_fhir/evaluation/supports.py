"""Organ support at an instant: renal replacement, ventilation, and what proves neither.

A support is a set of possible codes: `{"yes"}`, `{"no"}`, or both where nobody can tell.
No record means `no` only where the site declares the feed complete. Long, because both
supports are read from the same signs, doubts and answers.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from msgspec.structs import replace

from aclf_fhir.evaluation.answers import NEWER_UNUSABLE, came_after, newest_answers
from aclf_fhir.evaluation.choice import (
    Choice,
    Window,
    choose,
    dated_facts,
    reaches_past,
    undecided_facts,
)
from aclf_fhir.evaluation.reasons import REASONS, STATUS_REASONS, Reason
from aclf_fhir.evaluation.rules import EvaluationRules
from aclf_fhir.record import Fact, FactKind, FactStatus, Record

__all__ = [
    "NO",
    "UNKNOWN",
    "YES",
    "attested_support",
    "choose_renal_replacement",
    "choose_ventilation",
    "current_undated",
    "denied",
    "dialysis_dependence",
    "drawn_around_dialysis",
    "last_sign",
    "possible_facts",
    "runs_at",
    "settled_without_record",
    "silent_supports",
    "speaks_of_renal_replacement",
    "support_signs",
    "unseen",
    "was_done",
]

YES = frozenset({"yes"})
NO = frozenset({"no"})
UNKNOWN = YES | NO

_RENAL = "renal_replacement"
_VENTILATION = "mechanical_ventilation"
_TIMED = frozenset({"pre_dialysis", "post_dialysis"})
_HEPATIC = "hepatic_encephalopathy"
_NOBODY_SAID = frozenset({"unknown_reason"})
_VENTILATED: Mapping[str, frozenset[str]] = {
    "no": frozenset({"none"}),
    "yes": _NOBODY_SAID,
    "unknown": frozenset({"none", _HEPATIC, "other"}),
}


def runs_at(fact: Fact, at: datetime, grace: timedelta) -> bool:
    """Say whether a procedure or drug that began is still on at an instant.

    An end is an end. Without one, something reported as in progress goes on; anything
    else counts for `grace` after its last recorded instant.
    """
    if fact.start is None:
        return False
    if fact.end is not None and fact.end != fact.start:
        return fact.end.latest >= at
    return "in_progress" in fact.qualifiers or fact.start.latest + grace >= at


def last_sign(fact: Fact) -> datetime | None:
    """Return the last recorded instant of something that lasts."""
    last = fact.end or fact.start
    return None if last is None else last.latest


def was_done(fact: Fact) -> bool:
    """Say whether a procedure was done."""
    return isinstance(fact.value, frozenset) and bool(fact.value & {"done", "present"})


def current_undated(fact: Fact) -> bool:
    """Say whether something reported as in progress came without its start: it is on."""
    return fact.start is None and "in_progress" in fact.qualifiers


def possible_facts(
    record: Record, kind: FactKind, concept: str, *, at: datetime, grace: timedelta
) -> list[Fact]:
    """Return what was not taken back and may, for all its date tells, belong to now.

    Its day is not over, or it has no date and was not written down before `grace`.
    """
    found = list(undecided_facts(record, kind, concept, until=at))
    for fact in record.of_concept(kind, concept):
        if fact.start is not None:
            break
        written = fact.known if fact.recorded is None else min(fact.recorded, fact.known)
        if "in_progress" in fact.qualifiers or written + grace >= at:
            found.append(fact)
    return [fact for fact in found if fact.status is not FactStatus.RETRACTED]


def _since(fact: Fact, at: datetime, grace: timedelta) -> bool:
    """Say whether something whose date reaches past an instant lies in the time that counts."""
    if fact.start is None or not reaches_past(fact, at):
        return True
    return "in_progress" in fact.qualifiers or fact.start.earliest + grace >= at


def attested_support(
    record: Record, support: str, rules: EvaluationRules, at: datetime
) -> Fact | None:
    """Return the newest answer about a support, if it is not too old.

    Where it is disputed, or another answer may be as new, it says everything they say; one
    that nobody could read yet may say either.
    """
    item = rules.support_items.get(support, support)
    found = newest_answers(
        reversed(record.of_concept(FactKind.ATTESTATION, item)),
        at=at,
        too_early=lambda fact: not fact.start or fact.start.earliest + rules.support_age < at,
        may_answer=lambda fact: "by_patient" not in fact.qualifiers,
    )
    if not found.newest:
        doubtful = (*found.rivals, *found.held)
        return replace(doubtful[0], value=UNKNOWN) if doubtful else None
    told = (*found.newest, *found.rivals)
    said = frozenset[str]().union(*map(_answers, told))
    if found.held or any(fact.status is FactStatus.CONFLICTING for fact in told):
        said |= UNKNOWN
    newest = found.newest[0]
    flags = newest.flags | {NEWER_UNUSABLE} if found.unusable else newest.flags
    return replace(newest, value=said, flags=flags)


def _answers(answer: Fact) -> frozenset[str]:
    return answer.value if isinstance(answer.value, frozenset) else frozenset()


def unseen(answer: Fact, passed: Iterable[tuple[Fact, str]]) -> bool:
    """Say whether an answer leaves a support open: a sign came after it, or contradicts it."""
    return any(
        came_after(fact, answer) or (fact.status is FactStatus.USABLE and why == Reason.CONFLICTING)
        for fact, why in passed
        if why in REASONS
    )


def denied(
    record: Record, support: str, rules: EvaluationRules, *, at: datetime, sign: Fact
) -> bool:
    """Say whether somebody answered no after what is still reported as in progress.

    Either the sender never closed it, or the answer is wrong: neither decides alone.
    """
    if "in_progress" not in sign.qualifiers:
        return False
    answer = attested_support(record, support, rules, at)
    return answer is not None and answer.value == NO and not came_after(sign, answer)


def settled_without_record(
    record: Record,
    support: str,
    rules: EvaluationRules,
    *,
    at: datetime,
    name: str,
    passed: Iterable[tuple[Fact, str]] = (),
    codes: Mapping[str, frozenset[str]] | None = None,
    complete: bool | None = None,
    possible: Iterable[Fact] = (),
) -> Choice:
    """Decide a support of which no record is left: attestation, complete feed, or unknown.

    Parameters
    ----------
    record, rules, at, name
        As for `choose_renal_replacement`.
    support
        Concept of the support; its item and its feed are looked up by it.
    passed
        What was passed over; a reason among it leaves the support unknown.
    codes
        What the answers no, yes and unknown mean for this input.
    complete
        Whether the feed is complete, where it is not the one called `support`.
    possible
        Facts that may be of now: they leave it unknown.

    An answer of no does not speak of what came after it, in `possible` or `passed`.
    """
    codes = {"no": NO, "yes": YES, "unknown": UNKNOWN} if codes is None else codes
    passed = (
        *((fact, STATUS_REASONS.get(fact.status, Reason.OUTSIDE_WINDOW)) for fact in possible),
        *passed,
    )
    answer = attested_support(record, support, rules, at)
    if answer is not None:
        told = codes.get("|".join(_answers(answer)))
        if told is None:
            passed = ((answer, Reason.CONFLICTING), *passed)
        if told is not None and not (told == codes["no"] and unseen(answer, passed)):
            return _support_choice(answer, told, name, at, "attested", passed, rules.support_age)
    disputed = next((why for _, why in passed if why in REASONS), None)
    if complete is None:
        complete = support in rules.complete_feeds
    if complete and disputed is None:
        return Choice(
            input=name,
            concept=support,
            value=codes["no"],
            why="no record, and the site declares the feed complete",
            passed_over=passed,
        )
    reason = Reason.NO_DATA if disputed is None else Reason(disputed)
    return Choice(
        input=name,
        concept=support,
        value=codes["unknown"],
        why="no record proves nothing",
        reason=reason,
        passed_over=passed,
    )


def support_signs(
    record: Record, sources: Iterable[tuple[FactKind, str]], at: datetime
) -> tuple[list[Fact], list[tuple[Fact, str]]]:
    """Gather the usable signs of a support and those that explain an unknown, newest first."""
    usable: list[Fact] = []
    passed: list[tuple[Fact, str]] = []
    for kind, concept in sources:
        for fact in dated_facts(record, kind, concept, until=at):
            if fact.status is not FactStatus.USABLE:
                passed.append((fact, STATUS_REASONS[fact.status]))
            else:
                usable.append(fact)
    usable.sort(key=lambda fact: last_sign(fact) or at, reverse=True)
    return usable, [pair for pair in passed if pair[1] != Reason.RETRACTED]


def choose_renal_replacement(
    record: Record,
    rules: EvaluationRules,
    *,
    at: datetime | None = None,
    name: str = "renal_replacement",
    within: timedelta | None = None,
) -> Choice:
    """Choose whether the patient is on renal replacement therapy."""
    at = record.as_of if at is None else at
    grace = rules.renal_replacement_age if within is None else within
    sources = [(FactKind.PROCEDURE, _RENAL)]
    signs, passed = support_signs(record, sources, at)
    possible = _possible_signs(record, sources, at, grace)
    cleared = None
    for fact in signs:
        last = last_sign(fact)
        if was_done(fact) and (runs_at(fact, at, grace) or (last and last + grace >= at)):
            if denied(record, _RENAL, rules, at=at, sign=fact):
                passed.append((fact, Reason.CONFLICTING))
            elif _since(fact, at, grace):
                return _support_choice(fact, YES, name, at, "treated", passed, grace)
            else:
                possible.append(fact)
        if (
            not was_done(fact)
            and cleared is None
            and last
            and not reaches_past(fact, at)
            and last + rules.support_age >= at
        ):
            cleared = fact
    for fact in possible:
        if fact.status is FactStatus.USABLE and current_undated(fact):
            if denied(record, _RENAL, rules, at=at, sign=fact):
                passed.append((fact, Reason.CONFLICTING))
                continue
            why = "in progress, begun at an unknown time"
            return _support_choice(fact, YES, name, at, why, passed, grace)
    passed += [(fact, why) for fact, why in _dependence(record, at) if why and was_done(fact)]
    for fact in dialysis_dependence(record, at):
        if fact.value == frozenset({"present"}):
            return _support_choice(fact, YES, name, at, "dialysis dependence", passed, grace)
        if fact.start is not None and fact.start.earliest + rules.support_age >= at:
            cleared = fact
    for fact in drawn_around_dialysis(record, at - grace, at):
        return _support_choice(
            fact, YES, name, at, "creatinine drawn around dialysis", passed, grace
        )
    if cleared is not None and not passed and not possible:
        return _support_choice(cleared, NO, name, at, "recorded as not done", (), grace)
    return settled_without_record(
        record, _RENAL, rules, at=at, name=name, passed=passed, possible=possible
    )


def _possible_signs(
    record: Record, sources: Iterable[tuple[FactKind, str]], at: datetime, grace: timedelta
) -> list[Fact]:
    """Return what may be a sign of a support now, without what was not done."""
    return [
        fact
        for kind, concept in sources
        for fact in possible_facts(record, kind, concept, at=at, grace=grace)
        if was_done(fact)
    ]


def _support_choice(
    fact: Fact,
    value: frozenset[str],
    name: str,
    at: datetime,
    why: str,
    passed: Iterable[tuple[Fact, str]],
    grace: timedelta,
) -> Choice:
    last = last_sign(fact)
    if last is not None and reaches_past(fact, at):
        last = min(last, at)
    return Choice(
        input=name,
        concept=fact.concept,
        fact=fact,
        value=value,
        age=None if last is None or last > at else at - last,
        why=why,
        passed_over=tuple(passed),
        flags=fact.flags,
        fresh_until=None if last is None or "in_progress" in fact.qualifiers else last + grace,
    )


def speaks_of_renal_replacement(record: Record, rules: EvaluationRules) -> bool:
    """Say whether anything on file, of whatever time, bears on renal replacement.

    Without it `choose_renal_replacement` has the same answer at every instant.
    """
    item = rules.support_items.get(_RENAL, _RENAL)
    return bool(
        record.of_concept(FactKind.PROCEDURE, _RENAL)
        or record.of_concept(FactKind.FINDING, "dialysis_status")
        or record.of_concept(FactKind.ATTESTATION, item)
        or any(
            fact.qualifiers & _TIMED
            for fact in record.of_concept(FactKind.MEASUREMENT, "creatinine")
        )
    )


def silent_supports(record: Record, rules: EvaluationRules) -> frozenset[str]:
    """Return the supports of which nothing is on file: they have one answer at every instant."""
    ventilation = (
        (FactKind.PROCEDURE, _VENTILATION),
        (FactKind.PROCEDURE, "intubation"),
    )
    drugs = [(FactKind.MEDICATION, drug) for drug in rules.vasopressors]
    signs = {_VENTILATION: ventilation, "vasopressor": drugs}
    silent = {
        support
        for support, sources in signs.items()
        if not any(record.of_concept(*source) for source in sources)
        and not record.of_concept(FactKind.ATTESTATION, rules.support_items.get(support, support))
    }
    if not speaks_of_renal_replacement(record, rules):
        silent.add(_RENAL)
    return frozenset(silent)


def dialysis_dependence(record: Record, at: datetime) -> list[Fact]:
    """Return what is known of dialysis dependence, without history and doubt.

    It never grows old: dependence ends with a Condition that says so.
    """
    return [fact for fact, why in _dependence(record, at) if not why]


def _dependence(record: Record, at: datetime) -> list[tuple[Fact, str]]:
    """Return what is said of dialysis dependence now, and why it is in doubt, "" if not."""
    return [
        (fact, _doubt(fact))
        for fact in record.of_concept(FactKind.FINDING, "dialysis_status")
        if fact.status is not FactStatus.RETRACTED
        and not fact.qualifiers & {"history", "refuted"}
        and _begun(fact, at)
        and (fact.end is None or fact.end.latest >= at)
    ]


def _doubt(fact: Fact) -> str:
    if fact.status is not FactStatus.USABLE:
        return STATUS_REASONS[fact.status]
    if "provisional" in fact.qualifiers:
        return Reason.PRELIMINARY
    return Reason.NEEDS_ATTESTATION if fact.qualifiers & {"review", "supporting"} else ""


def _begun(fact: Fact, at: datetime) -> bool:
    """Say whether a finding counts by an instant: presence if it may, absence if it must."""
    if fact.start is None:
        return True
    return (fact.start.earliest if was_done(fact) else fact.start.latest) <= at


def drawn_around_dialysis(record: Record, since: datetime, until: datetime) -> list[Fact]:
    """Return creatinines whose code says that they were drawn before or after dialysis."""
    found = []
    for fact in dated_facts(record, FactKind.MEASUREMENT, "creatinine", until=until):
        if fact.start is not None and fact.start.earliest < since:
            break
        if fact.qualifiers & _TIMED and fact.status is FactStatus.USABLE:
            found.append(fact)
    return found


def choose_ventilation(
    record: Record,
    rules: EvaluationRules,
    *,
    at: datetime | None = None,
    name: str = "ventilation",
) -> Choice:
    """Choose whether the patient is invasively ventilated, and for which reason."""
    at = record.as_of if at is None else at
    sources = [(FactKind.PROCEDURE, _VENTILATION), (FactKind.PROCEDURE, "intubation")]
    signs, passed = support_signs(record, sources, at)
    possible = _possible_signs(record, sources, at, rules.support_age)
    current = [f for f in possible if f.status is FactStatus.USABLE and current_undated(f)]
    for fact in (*current, *signs):
        last = last_sign(fact)
        if was_done(fact) and (fact in current or runs_at(fact, at, rules.support_age)):
            if denied(record, _VENTILATION, rules, at=at, sign=fact):
                passed.append((fact, Reason.CONFLICTING))
                continue
            if not _since(fact, at, rules.support_age):
                possible.append(fact)
                continue
            on = _support_choice(fact, _NOBODY_SAID, name, at, "", passed, rules.support_age)
            return _with_reason(on, record, rules, fact, at)
        if reaches_past(fact, at) or possible or passed:
            continue
        if not was_done(fact) and last and last + rules.support_age >= at:
            none = _VENTILATED["no"]
            return _support_choice(
                fact, none, name, at, "recorded as not done", (), rules.support_age
            )
    settled = settled_without_record(
        record,
        _VENTILATION,
        rules,
        at=at,
        name=name,
        passed=passed,
        codes=_VENTILATED,
        possible=possible,
    )
    if settled.fact is None or settled.value != _NOBODY_SAID:
        return settled
    return _with_reason(settled, record, rules, settled.fact, at)


def _with_reason(
    choice: Choice, record: Record, rules: EvaluationRules, fact: Fact, at: datetime
) -> Choice:
    """Say why a patient is ventilated: encephalopathy alone, or anything else."""
    if _HEPATIC in fact.qualifiers:
        why = "ventilated, reason sent with the procedure"
        return replace(choice, value=frozenset({_HEPATIC}), why=why)
    began = fact.start.earliest if fact.start else at
    chosen = choose(
        record,
        FactKind.GRADE,
        "ventilation_reason",
        rules=rules,
        at=at,
        window=Window(began - rules.support_age, at),
    )
    if isinstance(chosen.value, frozenset) and chosen.value:
        hepatic = chosen.value == frozenset({_HEPATIC})
        reason = frozenset({_HEPATIC if hepatic else "other"})
        why = "ventilated, reason recorded"
        return replace(choice, value=reason, why=why, also=chosen.facts)
    return replace(choice, why="ventilated, nobody said why")
