"""A record seen by one protocol at one instant."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aclf_fhir.evaluation import (
    Choice,
    EvaluationRules,
    Reason,
    ScoreEvaluation,
    Snapshot,
    Window,
    choose,
    evaluate_at,
)
from aclf_fhir.evaluation.answers import is_held
from aclf_fhir.evaluation.choice import reaches_past, told_by
from aclf_fhir.record import UNREAD, Fact, FactKind, FactStatus, Record
from aclf_fhir.trial.judgement import Need
from aclf_fhir.units import TimeRange

__all__ = ["ENDED", "Item", "Situation", "awaiting"]

ENDED = frozenset({"rejected", "inactive", "withdrawn"})
"""The status of a Consent that allows nothing any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A question that a person answers and signs.

    Parameters
    ----------
    code
        Code in the attestation CodeSystem; the concept of the facts.
    text
        The question.
    type
        `yes-no`, `choice`, `date`, `integer` or `quantity`.
    answers
        Accepted codes and their texts, for `yes-no` and `choice`.
    low, high
        Bounds of an integer or a quantity.
    unit
        UCUM unit of a quantity.
    valid
        How long an answer holds.
    supplier
        Who can answer.
    named
        True where another trial asks something else under the same code: an answer
        counts only if it names the Questionnaire of this study.
    of_signing
        True where the question is about the signing of consent: an answer given before
        the Consent now in force was signed is as good as one that is too old.
    """

    code: str
    text: str
    type: str
    answers: Mapping[str, str] = field(default_factory=dict)
    low: int | None = None
    high: int | None = None
    unit: str = ""
    valid: timedelta = timedelta(days=7)
    supplier: str = "investigator"
    named: bool = False
    of_signing: bool = False


def awaiting(choice: Choice) -> Choice:
    """Leave nothing chosen where a newer result is held: its value is not known yet.

    A preliminary result is ignored, and one without a value is no result: beside them an
    older value stands, flagged. A held one is final and has a value that nobody could
    read, so a criterion waits until the work list is done.
    """
    held = next((fact for fact, _ in choice.passed_over if is_held(fact)), None)
    if held is None or not _explains(held, choice):
        return choice
    reason = Reason.UNIT_MISSING if "unit_missing" in held.flags else Reason.NO_DATA
    older = () if choice.fact is None else ((choice.fact, "older than a result that is held"),)
    return Choice(
        input=choice.input,
        concept=choice.concept,
        unit=choice.unit,
        why=reason,
        reason=reason,
        passed_over=choice.passed_over + older,
    )


def _explains(held: Fact, choice: Choice) -> bool:
    """Say whether a held result is newer than the one taken, or why none was."""
    if choice.fact is None:
        return choice.reason is Reason.NO_DATA
    drawn = choice.fact.start
    return held.start is not None and drawn is not None and held.start.latest > drawn.latest


def _reaches(fact: Fact, since: datetime) -> bool:
    last = fact.end or fact.start
    if last is None or last.latest >= since:
        return True
    goes_on = fact.kind is FactKind.FINDING or bool(fact.qualifiers & {"active", "in_progress"})
    return fact.end is None and goes_on


class Situation:
    """What the criteria of one protocol are judged on.

    Parameters
    ----------
    record
        The subject's facts.
    rules
        Age limits, unit tables, feeds of the site.
    study
        Id of the protocol.
    items
        Attestation items by code.
    at
        The instant judged, the record's by default.
    window
        For outcomes: measurements and grades come from here, nearest to its target.
    snapshot
        Shared with other protocols judging the same record at the same instant.
    """

    __slots__ = ("_scores", "at", "items", "record", "rules", "snapshot", "study", "window")

    def __init__(
        self,
        record: Record,
        rules: EvaluationRules,
        *,
        study: str,
        items: Mapping[str, Item],
        at: datetime | None = None,
        window: Window | None = None,
        snapshot: Snapshot | None = None,
    ) -> None:
        self.record = record
        self.rules = rules
        self.study = study
        self.items = items
        self.at = record.as_of if at is None else at
        self.window = window
        self.snapshot = snapshot if snapshot is not None else Snapshot(record, rules, self.at)
        self._scores: dict[tuple[str, timedelta | None], ScoreEvaluation] = {}

    def measured(self, concept: str, unit: str, max_age: timedelta | None) -> Choice:
        """Choose a measurement, from the visit window if there is one."""
        if self.window is None and max_age in {None, self.rules.age_limit(concept)}:
            return awaiting(self.snapshot.analyte(concept, unit))
        chosen = choose(
            self.record,
            FactKind.MEASUREMENT,
            concept,
            rules=self.rules,
            unit=unit,
            at=self.at,
            max_age=max_age,
            window=self.window,
        )
        return chosen if self.window is not None else awaiting(chosen)

    def graded(self, concept: str, max_age: timedelta | None) -> Choice:
        """Choose a grade, from the visit window if there is one."""
        if self.window is None and max_age in {None, self.rules.age_limit(concept)}:
            return awaiting(self.snapshot.grade(concept))
        chosen = choose(
            self.record,
            FactKind.GRADE,
            concept,
            rules=self.rules,
            at=self.at,
            max_age=max_age,
            window=self.window,
        )
        return chosen if self.window is not None else awaiting(chosen)

    def scored(self, score: str, span_limit: timedelta | None = None) -> ScoreEvaluation:
        """Evaluate a score once."""
        key = (score, span_limit)
        found = self._scores.get(key)
        if found is None:
            found = self._scores[key] = evaluate_at(self.snapshot, score, span_limit=span_limit)
        return found

    def facts(self, kind: FactKind, concept: str) -> tuple[Fact, ...]:
        """Return the facts of a concept that are not retracted and not of the future."""
        group = self.record.facts.get((kind, concept))
        if group is None:
            return ()
        return tuple(
            [
                fact
                for fact in group
                if fact.status is not FactStatus.RETRACTED
                and (fact.start is None or fact.start.earliest <= self.at)
            ]
        )

    def consents(self) -> tuple[Fact, ...]:
        """Return the Consents that name this study, or that its ResearchSubject points to."""
        return tuple(fact for fact in self._consents() if fact.status is not FactStatus.RETRACTED)

    def consent_taken_back(self) -> bool:
        """Say whether a Consent to this study was entered in error, or deleted."""
        return any(fact.status is FactStatus.RETRACTED for fact in self._consents())

    def _consents(self) -> Iterator[Fact]:
        pointers = {
            text
            for fact in self.facts(FactKind.PARTICIPATION, self.study)
            for name, text in fact.context
            if name == "consent"
        }
        for concept in (self.study, "unspecified"):
            for fact in self.record.of_concept(FactKind.CONSENT, concept):
                named = concept == self.study
                pointed = f"{fact.source.type}/{fact.source.id}" in pointers
                if (named or pointed) and (fact.start is None or fact.start.earliest <= self.at):
                    yield fact

    def may_be_later(self, fact: Fact) -> bool:
        """Say whether a fact's day is not over, and nothing shows that it began by now."""
        return reaches_past(fact, self.at) and not told_by(fact, self.at)

    def superseded(self, fact: Fact, others: Iterable[Fact]) -> bool:
        """Say whether one of some facts is certainly newer, and certainly not of later."""
        return any(
            fact.start is not None
            and other.start is not None
            and fact.start.latest < other.start.earliest
            and not self.may_be_later(other)
            for other in others
        )

    def consent_states(self, fact: Fact) -> frozenset[str]:
        """Return the status of a Consent: `inactive` once it is past its end."""
        if fact.end is not None and fact.end.latest < self.at:
            return frozenset({"inactive"})
        return fact.value if isinstance(fact.value, frozenset) else frozenset()

    def effective_consents(self) -> list[Fact]:
        """Return the verified Consents, active or ended, that no other such is newer than.

        Undated ones are among them.
        """
        effective = [
            fact
            for fact in self._verified_consents()
            if fact.value is not None and self.consent_states(fact) <= ENDED | {"active"}
        ]
        return [fact for fact in effective if not self.superseded(fact, effective)]

    def consents_in_force(self) -> list[Fact]:
        """Return the verified Consents that no other one is certainly newer than.

        One that is neither active nor ended (proposed) does not take the place of an end:
        only an active one does. Undated ones are among them.
        """
        effective = self.effective_consents()
        if any(self.consent_states(fact) <= ENDED for fact in effective):
            return effective
        verified = self._verified_consents()
        return [fact for fact in verified if not self.superseded(fact, verified)]

    def _verified_consents(self) -> list[Fact]:
        return [
            fact
            for fact in self.consents()
            if fact.status is FactStatus.USABLE and "unverified" not in fact.qualifiers
        ]

    def signed(self) -> TimeRange | None:
        """Return between which instants the active Consent was signed; None if that is open."""
        active = frozenset({"active"})
        times = [fact.start for fact in self.consents_in_force() if fact.value == active]
        dated = [time for time in times if time is not None]
        if not dated or len(dated) < len(times):
            return None
        return TimeRange(min(time.earliest for time in dated), max(time.latest for time in dated))

    def feed_complete(self, kind: FactKind, *names: str, since: datetime | None = None) -> bool:
        """Say whether no record of these concepts means that none of them applies.

        The site declares their feeds complete, and nothing of the same kind waits on the
        work list with a code that nobody could read: it may be one of them.
        """
        declared = self.rules.complete_feeds.issuperset(names)
        return declared and not self.unread(kind, *names, since=since)

    def unread(
        self, kind: FactKind, *names: str, since: datetime | None = None
    ) -> tuple[Fact, ...]:
        """Return what keeps a feed that is declared complete from telling that there is none.

        It began by the instant judged, and was not certainly over before `since`. An
        outcome does not look at it: a study's product under a code of the site would tell.
        """
        if self.window is not None or not self.rules.complete_feeds.issuperset(names):
            return ()
        return tuple(
            fact
            for fact in self.record.of_concept(kind, UNREAD)
            if fact.status is not FactStatus.RETRACTED
            and (fact.start is None or fact.start.earliest <= self.at)
            and (since is None or _reaches(fact, since))
        )

    def retracted(self, kind: FactKind, concept: str) -> tuple[Fact, ...]:
        """Return the facts of a concept that were taken back."""
        return tuple(
            fact
            for fact in self.record.of_concept(kind, concept)
            if fact.status is FactStatus.RETRACTED
        )

    def need_measured(self, concept: str) -> Need:
        """Return the need of a measurement."""
        analyte = self.rules.analytes.get(concept)
        bedside = analyte is not None and analyte.bedside
        return Need("measurement", concept, "ward" if bedside else "laboratory")

    def need_item(self, code: str) -> Need:
        """Return the need of an answer."""
        return Need("attestation", code, self.items[code].supplier)
