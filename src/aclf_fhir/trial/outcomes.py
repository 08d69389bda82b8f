"""Outcomes of someone who takes part: death, survival, remission at a visit.

No news is not alive: being alive at a time point needs a contact on or after it, or a
death after it. Days are counted on the calendar of the site; time zero is day 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from aclf_fhir.evaluation import EvaluationRules, Reason, Window
from aclf_fhir.record import Fact, FactStatus, Record
from aclf_fhir.trial.follow_up import Answer, FollowUp, Vital
from aclf_fhir.trial.judgement import Evidence, Outcome
from aclf_fhir.trial.models import DeathBy, OutcomeDefinition, Protocol, Remission, Survival
from aclf_fhir.trial.situation import Situation

__all__ = ["Enrolment", "OutcomeResult", "assess"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """A person's part in the trial.

    Parameters
    ----------
    start
        Time zero: randomisation, or the move to `on-study` where it is not recorded.
    status
        ResearchSubject.status.
    first_dose
        First infusion, or None.
    """

    start: datetime
    status: str
    first_dose: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeResult:
    """What the record proves of one outcome.

    Parameters
    ----------
    outcome
        Id of the definition.
    title
        Its title.
    value
        `yes`, `no`, or `unknown`: follow-up proves neither.
    due
        The day of the time point.
    reasons
        Why it is unknown: `not-due`, `no-contact`, `death-date-unknown`, or a reason
        of a criterion.
    evidence
        What decided.
    competing
        Liver transplantation before the time point.
    variants
        The same question asked in another way, where the protocol leaves it open:
        `from_first_dose`, `transplant_free`, `calendar`.
    flags
        What a reader must know.
    note
        One sentence for people.
    as_of, known_at
        The two clocks.
    fresh_until
        When time alone may change it, None if it cannot.
    """

    outcome: str
    title: str
    value: Answer
    due: date
    reasons: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    competing: tuple[Evidence, ...] = ()
    variants: Mapping[str, Answer] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    note: str = ""
    as_of: datetime
    known_at: datetime
    fresh_until: datetime | None = None


def assess(
    protocol: Protocol, record: Record, enrolment: Enrolment, rules: EvaluationRules
) -> tuple[OutcomeResult, ...]:
    """Assess every outcome of someone who takes part.

    Parameters
    ----------
    protocol
        The trial.
    record
        The subject's facts, for the instant and knowledge to be judged by.
    enrolment
        Time zero, status and first dose; the arm is not asked for.
    rules
        As for screening.
    """
    return tuple(
        _assess(definition, protocol, record, enrolment, rules) for definition in protocol.outcomes
    )


def _assess(
    definition: OutcomeDefinition,
    protocol: Protocol,
    record: Record,
    enrolment: Enrolment,
    rules: EvaluationRules,
) -> OutcomeResult:
    follow = FollowUp(record, rules, enrolment.start, protocol)
    if isinstance(definition, Remission):
        return _remission(definition, protocol, follow)
    day = follow.due(definition.day)
    vital = follow.vital(day)
    transplants, possible = follow.transplants(day), follow.possible_transplants(day)
    value: Answer = vital.died
    variants: dict[str, Answer] = {}
    if isinstance(definition, DeathBy) and enrolment.first_dose is not None:
        treated = FollowUp(record, rules, enrolment.first_dose, protocol)
        variants["from_first_dose"] = treated.vital(treated.due(definition.day)).died
    if isinstance(definition, Survival):
        value = _opposite(vital.died)
        complete = "liver_transplantation" in rules.complete_feeds
        variants["transplant_free"] = _transplant_free(value, transplants, possible, complete)
        if definition.calendar is not None:
            later = follow.day(definition.calendar.after(enrolment.start, rules.zone))
            variants["calendar"] = _opposite(follow.vital(later).died)
    return OutcomeResult(
        outcome=definition.id,
        title=definition.title,
        value=value,
        due=day,
        reasons=(vital.reason,) if vital.died == "unknown" else (),
        evidence=follow.evidence(vital.facts),
        competing=follow.evidence(transplants),
        variants=variants,
        flags=("transplanted",) if transplants else (),
        note=_note(vital, day),
        as_of=record.as_of,
        known_at=record.known_at,
        fresh_until=_midnight(day, rules) if vital.reason == "not-due" else None,
    )


def _note(vital: Vital, day: date) -> str:
    if vital.reason == "no-contact":
        return f"No contact on or after {day.isoformat()} is on file; no news is not alive."
    if vital.reason == "not-due":
        return f"Due on {day.isoformat()}."
    return ""


def _opposite(answer: Answer) -> Answer:
    return "unknown" if answer == "unknown" else "no" if answer == "yes" else "yes"


def _transplant_free(
    alive: Answer, transplants: list[Fact], possible: list[Fact], complete: bool
) -> Answer:
    """Say whether someone lived on without a new liver; no record of one proves nothing."""
    if transplants or alive == "no":
        return "no"
    if possible:
        return "unknown"
    return alive if complete else "unknown"


def _midnight(day: date, rules: EvaluationRules) -> datetime:
    return datetime.combine(day, time(0), rules.zone)


def _remission(definition: Remission, protocol: Protocol, follow: FollowUp) -> OutcomeResult:
    """Judge the criteria at the visit; death and transplantation are no remission."""
    record, rules = follow.record, follow.rules
    day = follow.due(definition.day)
    span = timedelta(days=definition.tolerance)
    opens, closes = _midnight(day - span, rules), _midnight(day + span + timedelta(days=1), rules)
    died, transplants = follow.vital(day), follow.transplants(day)
    possible = follow.possible_transplants(day)
    blank = OutcomeResult(
        outcome=definition.id,
        title=definition.title,
        value="unknown",
        due=day,
        as_of=record.as_of,
        known_at=record.known_at,
    )
    if died.died == "yes" or transplants:
        facts = tuple(transplants) or died.facts
        return replace(
            blank,
            value="no",
            evidence=follow.evidence(facts),
            competing=follow.evidence(transplants),
            flags=("transplanted",) if transplants else ("died",),
            note="Death or transplantation before the visit is no remission.",
        )
    if died.reason in {"conflicting", "death-date-unknown"}:
        return replace(
            blank,
            reasons=(died.reason,),
            evidence=follow.evidence(died.facts),
            note="Whether the patient was alive at the visit is not certain.",
        )
    if possible:
        disputed = any(fact.status is FactStatus.CONFLICTING for fact in possible)
        return replace(
            blank,
            reasons=(str(Reason.CONFLICTING if disputed else Reason.OUTSIDE_WINDOW),),
            evidence=follow.evidence(possible),
            note="Whether a transplantation came before the visit is not certain.",
        )
    due = _midnight(day, rules)
    if record.as_of < due:
        return replace(
            blank,
            reasons=("not-due",),
            note=f"Due on {day.isoformat()}.",
            fresh_until=due,
        )
    end = min(record.as_of, closes - timedelta(microseconds=1))
    target = _midnight(day, rules) + timedelta(hours=12)
    situation = Situation(
        record,
        rules,
        study=protocol.id,
        items=protocol.items,
        at=end,
        window=Window(opens, end, target),
    )
    found = definition.node.judge(situation)
    answers: dict[Outcome, Answer] = {Outcome.MET: "yes", Outcome.NOT_MET: "no"}
    still_open = record.as_of < closes
    return replace(
        blank,
        value=answers.get(found.outcome, "unknown"),
        reasons=tuple(str(reason) for reason in found.reasons),
        evidence=found.evidence,
        flags=tuple(sorted(found.flags | ({"visit_window_open"} if still_open else set()))),
        note=found.note,
        fresh_until=closes if still_open else None,
    )
