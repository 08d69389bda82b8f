"""Outcomes of someone who takes part: death, survival, remission at a visit.

No news is not alive: being alive at a time point needs a contact on or after it, or a
death after it. Days are counted on the calendar of the site; time zero is day 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Literal

from aclf_fhir.evaluation import EvaluationRules, Window
from aclf_fhir.record import Fact, FactKind, FactStatus, Record
from aclf_fhir.trial.judgement import Evidence, Outcome, evidence_of
from aclf_fhir.trial.models import DeathBy, OutcomeDefinition, Protocol, Remission, Survival
from aclf_fhir.trial.situation import Situation
from aclf_fhir.units import TimeRange

__all__ = ["Enrolment", "OutcomeResult", "assess"]

Answer = Literal["yes", "no", "unknown"]

_CONTACTS = frozenset(
    {
        FactKind.MEASUREMENT,
        FactKind.GRADE,
        FactKind.ENCOUNTER,
        FactKind.PROCEDURE,
        FactKind.MEDICATION,
        FactKind.ATTESTATION,
    }
)


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


@dataclass(frozen=True, slots=True)
class _Vital:
    """Whether someone died on or before a day: `yes`, `no` (alive on it), `unknown`."""

    died: Answer
    facts: tuple[Fact, ...] = ()
    reason: str = ""


class _FollowUp:
    """What the record says of life and death after time zero."""

    def __init__(self, record: Record, rules: EvaluationRules, start: datetime) -> None:
        self.record = record
        self.rules = rules
        self.zero = self.day(start)
        self.today = self.day(record.as_of)
        self.start = start

    def day(self, instant: datetime) -> date:
        """Return the calendar day of an instant at the site."""
        return instant.astimezone(self.rules.zone).date()

    def due(self, days: int) -> date:
        """Return the calendar day of a time point."""
        return self.zero + timedelta(days=days)

    def deaths(self) -> list[Fact]:
        """Return every usable statement that the subject is dead."""
        return [
            fact
            for kind in (FactKind.DEMOGRAPHIC, FactKind.FINDING)
            for fact in self.record.of_concept(kind, "death")
            if fact.status is FactStatus.USABLE and fact.value != frozenset({"alive"})
        ]

    def _died_by(self, fact: Fact, day: date) -> Answer:
        when = fact.value if isinstance(fact.value, TimeRange) else fact.start
        if when is None:
            return "unknown"
        if self.day(when.latest) <= day:
            return "yes"
        return "no" if self.day(when.earliest) > day else "unknown"

    def _death_day(self, fact: Fact) -> date:
        when = fact.value if isinstance(fact.value, TimeRange) else fact.start
        return self.today if when is None else self.day(when.latest)

    def vital(self, day: date) -> _Vital:
        """Say whether the subject died on or before a day."""
        deaths = self.deaths()
        answers = {self._died_by(fact, day) for fact in deaths}
        contact = self.contact(day)
        early = [fact for fact in deaths if self._died_by(fact, day) == "yes"]
        if early and "no" not in answers:
            # What is signed after a death, about it, contradicts nothing.
            after = max(self._death_day(fact) for fact in early) + timedelta(days=1)
            later = self.contact(after, _CONTACTS - {FactKind.ATTESTATION})
            if later is not None:
                return _Vital("unknown", (*early, later), "conflicting")
            return _Vital("yes", tuple(early))
        if {"yes", "no"} <= answers:
            return _Vital("unknown", tuple(deaths), "conflicting")
        if answers == {"no"}:
            return _Vital("no", tuple(deaths))
        if contact is not None:
            return _Vital("no", (contact,))
        if deaths:
            return _Vital("unknown", tuple(deaths), "death-date-unknown")
        return _Vital("unknown", (), "not-due" if self.today < day else "no-contact")

    def contact(self, day: date, kinds: frozenset[FactKind] = _CONTACTS) -> Fact | None:
        """Return the first sign that the patient was alive on or after a day."""
        best: Fact | None = None
        for (kind, _), facts in self.record.facts.items():
            if kind not in kinds:
                continue
            for fact in facts:
                if fact.status is not FactStatus.USABLE or fact.start is None:
                    continue
                if kind is FactKind.MEDICATION and "administered" not in fact.qualifiers:
                    continue
                if kind is FactKind.PROCEDURE and fact.value != frozenset({"done"}):
                    continue
                if self.day(_seen(fact)) < day or _seen(fact) > self.record.as_of:
                    continue
                if best is None or _key(fact) < _key(best):
                    best = fact
        return best

    def transplants(self, day: date) -> list[Fact]:
        """Return liver transplantations between time zero and a day."""
        sources = (
            (FactKind.PROCEDURE, "liver_transplantation"),
            (FactKind.FINDING, "liver_transplant_status"),
        )
        return [
            fact
            for kind, concept in sources
            for fact in self.record.of_concept(kind, concept)
            if fact.status is FactStatus.USABLE
            and fact.value in (frozenset({"done"}), frozenset({"present"}))
            and fact.start is not None
            and fact.start.earliest >= self.start
            and self.day(fact.start.latest) <= day
        ]

    def evidence(self, facts: tuple[Fact, ...] | list[Fact]) -> tuple[Evidence, ...]:
        """Return facts as evidence."""
        return tuple(evidence_of(fact, rules=self.rules) for fact in facts)


def _seen(fact: Fact) -> datetime:
    """Return the latest instant at which a fact certainly shows the patient alive."""
    # Only dated facts are contacts.
    seen = fact.start.earliest if fact.start is not None else fact.known
    return seen if fact.end is None else max(seen, fact.end.earliest)


def _key(fact: Fact) -> tuple[datetime, str, str, str]:
    return _seen(fact), fact.source.type, fact.source.id, fact.source.path


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
    follow = _FollowUp(record, rules, enrolment.start)
    if isinstance(definition, Remission):
        return _remission(definition, protocol, follow)
    day = follow.due(definition.day)
    vital = follow.vital(day)
    transplants = follow.transplants(day)
    value: Answer = vital.died
    variants: dict[str, Answer] = {}
    if isinstance(definition, DeathBy) and enrolment.first_dose is not None:
        treated = _FollowUp(record, rules, enrolment.first_dose)
        variants["from_first_dose"] = treated.vital(treated.due(definition.day)).died
    if isinstance(definition, Survival):
        value = _opposite(vital.died)
        variants["transplant_free"] = _transplant_free(value, transplants, rules)
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


def _note(vital: _Vital, day: date) -> str:
    if vital.reason == "no-contact":
        return f"No contact on or after {day.isoformat()} is on file; no news is not alive."
    if vital.reason == "not-due":
        return f"Due on {day.isoformat()}."
    return ""


def _opposite(answer: Answer) -> Answer:
    return "unknown" if answer == "unknown" else "no" if answer == "yes" else "yes"


def _transplant_free(alive: Answer, transplants: list[Fact], rules: EvaluationRules) -> Answer:
    """Say whether someone lived on without a new liver; no record of one proves nothing."""
    if transplants or alive == "no":
        return "no"
    return alive if "liver_transplantation" in rules.complete_feeds else "unknown"


def _midnight(day: date, rules: EvaluationRules) -> datetime:
    return datetime.combine(day, time(0), rules.zone)


def _remission(definition: Remission, protocol: Protocol, follow: _FollowUp) -> OutcomeResult:
    """Judge the criteria at the visit; death and transplantation are no remission."""
    record, rules = follow.record, follow.rules
    day = follow.due(definition.day)
    span = timedelta(days=definition.tolerance)
    opens, closes = _midnight(day - span, rules), _midnight(day + span + timedelta(days=1), rules)
    died, transplants = follow.vital(day), follow.transplants(day)
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
    if died.reason == "conflicting":
        return replace(
            blank,
            reasons=(died.reason,),
            evidence=follow.evidence(died.facts),
            note=_note(died, day),
        )
    if record.as_of < opens:
        return replace(
            blank,
            reasons=("not-due",),
            note=f"Due on {day.isoformat()}.",
            fresh_until=opens,
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
