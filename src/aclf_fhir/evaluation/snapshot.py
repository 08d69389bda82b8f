"""One record at one instant: every choice is made once and shared by all scores."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace

from aclf_fhir.evaluation.choice import Choice, choose
from aclf_fhir.evaluation.dialysis import choose_dialysis
from aclf_fhir.evaluation.drugs import choose_drug, choose_given, choose_vasopressor, given_within
from aclf_fhir.evaluation.findings import DOUBT, choose_finding
from aclf_fhir.evaluation.kidney_course import Drawn, creatinine_course
from aclf_fhir.evaluation.oxygen import OXYGENATION, choose_oxygenation
from aclf_fhir.evaluation.person import age_at, choose_sex
from aclf_fhir.evaluation.reasons import Reason
from aclf_fhir.evaluation.rules import EvaluationRules
from aclf_fhir.evaluation.score_evaluation import ScoreEvaluation
from aclf_fhir.evaluation.supplied import choose_prolongation
from aclf_fhir.evaluation.supports import choose_renal_replacement, choose_ventilation
from aclf_fhir.record import Fact, FactKind, FactStatus, Record
from aclf_fhir.units import Interval, TimeRange

__all__ = ["HINTS", "Filled", "Snapshot", "around_dialysis", "flagged"]

Filled = tuple[Choice, tuple[TimeRange, ...]]
"""What fills an input, and when what was measured for it was."""

HINTS: dict[str, tuple[str, Interval | frozenset[str], Interval | frozenset[str]]] = {
    "he_grade": (
        "hepatic_encephalopathy",
        Interval(Decimal(1), Decimal(4)),
        Interval.exact(Decimal(0)),
    ),
    "ascites": (
        "ascites_finding",
        frozenset({"mild", "controlled", "moderate", "severe", "refractory"}),
        frozenset({"none"}),
    ),
}
"""The finding that stands in for a grade nobody gave, and what it leaves possible."""


class Snapshot:
    """The inputs that a record offers at an instant.

    Parameters
    ----------
    record
        The subject's facts.
    rules
        Age limits, unit tables, feeds.
    at
        The instant, the record's own by default.
    """

    __slots__ = ("_chosen", "_course", "_oxygen", "at", "filled", "record", "rules", "scores")

    def __init__(self, record: Record, rules: EvaluationRules, at: datetime | None = None) -> None:
        self.record = record
        self.rules = rules
        self.at = record.as_of if at is None else at
        self._chosen: dict[tuple[str, ...], Choice] = {}
        self._oxygen: dict[str, Choice] | None = None
        self.scores: dict[str, ScoreEvaluation] = {}
        """Scores already evaluated at this instant."""
        self.filled: dict[tuple[str, ...], Filled] = {}
        """Inputs of scores already filled, by what the score asked for."""
        self._course: list[Drawn] | None = None

    def once(self, key: tuple[str, ...], make: Callable[[], Choice]) -> Choice:
        """Return the choice kept under a key, made the first time it is asked for."""
        choice = self._chosen.get(key)
        if choice is None:
            choice = self._chosen[key] = make()
        return choice

    @property
    def creatinines(self) -> list[Drawn]:
        """Every creatinine of the course up to the instant, newest first."""
        if self._course is None:
            self._course = creatinine_course(self.record, self.rules, until=self.at)
        return self._course

    def earlier(self, at: datetime) -> "Snapshot":
        """Return the snapshot of an earlier instant, with the part of the course up to it."""
        then = Snapshot(self.record, self.rules, at)
        if (FactKind.MEASUREMENT, "creatinine") not in self.record.vague:
            then._course = [drawn for drawn in self.creatinines if drawn.at.latest <= at]
        return then

    def take_supports(self, other: "Snapshot", silent: frozenset[str]) -> None:
        """Take over what another instant said of supports that are the same at every one.

        Dialysis is not: it is counted from the creatinine of the instant.
        """
        for key, filled in other.filled.items():
            kind, concept, name, *_ = key
            if kind == "support" and concept in silent and name != "dialysis":
                self.filled[key] = filled

    def analyte(self, concept: str, unit: str, name: str = "") -> Choice:
        """Choose a measurement, under the name of the input that asks for it."""
        if concept in OXYGENATION:
            if self._oxygen is None:
                self._oxygen = choose_oxygenation(self.record, self.rules, at=self.at)
            return self._oxygen[concept]
        key = (concept, unit, name)
        choice = self._chosen.get(key)
        if choice is None:
            choice = self._chosen[key] = self._analyte(concept, unit, name or concept)
        return choice

    def _analyte(self, concept: str, unit: str, name: str) -> Choice:
        if concept == "pt_prolongation":
            time = self.analyte("prothrombin_time", "s")
            return choose_prolongation(self.record, time, self.rules, at=self.at, name=name)
        if concept not in self.rules.analytes:
            reason = Reason.NO_DATA
            return Choice(input=name, concept=concept, unit=unit, why=reason, reason=reason)
        choice = choose(
            self.record,
            FactKind.MEASUREMENT,
            concept,
            rules=self.rules,
            unit=unit,
            name=name,
            at=self.at,
            refuse=around_dialysis if concept == "creatinine" else _nothing_wrong,
        )
        return self._doubted(choice)

    def _doubted(self, choice: Choice) -> Choice:
        """Flag a value that a drug or an infusion has made doubtful."""
        rules = self.rules
        if choice.fact is None or choice.fact.start is None:
            return choice
        drawn = choice.fact.start
        if choice.concept == "inr":
            drugs, window, flag = rules.anticoagulants, rules.anticoagulant_window, "anticoagulant"
        elif choice.concept == "albumin":
            drugs, window, flag = rules.albumin_sources, rules.albumin_window, "albumin_infused"
        else:
            return choice
        given = given_within(self.record, drugs, drawn.earliest - window, drawn.latest)
        return choice if not given else flagged(choice, flag)

    def grade(self, concept: str) -> Choice:
        """Choose a grade; a finding without a grade leaves every grade it allows."""
        return self.once(("grade", concept), lambda: self._grade(concept))

    def _grade(self, concept: str) -> Choice:
        choice = choose(self.record, FactKind.GRADE, concept, rules=self.rules, at=self.at)
        hint = HINTS.get(concept)
        if choice.fact is not None or choice.reason is Reason.CONFLICTING or hint is None:
            return choice
        finding, present, absent = hint
        since = self.at - self.rules.age_limit(concept)
        for fact in reversed(self.record.of_concept(FactKind.FINDING, finding)):
            found = fact.value == frozenset({"present"})
            if (
                fact.status is FactStatus.USABLE
                and not fact.qualifiers & DOUBT
                and self._speaks_of_now(fact, since, found=found)
                and (fact.end is None or fact.end.earliest >= self.at)
            ):
                old = fact.start is None or fact.start.earliest < since
                return Choice(
                    input=concept,
                    concept=concept,
                    fact=fact,
                    value=present if found else absent,
                    age=None
                    if fact.start is None
                    else max(self.at - fact.start.latest, timedelta(0)),
                    why="coded without a grade" if found else "found absent",
                    reason=Reason.COMPARATOR_STRADDLES if found else None,
                    passed_over=choice.passed_over,
                    flags=fact.flags | {"grade_from_finding"},
                    fresh_until=None
                    if fact.start is None or old
                    else fact.start.earliest + self.rules.age_limit(concept),
                )
        return choice

    def _speaks_of_now(self, fact: Fact, since: datetime, *, found: bool) -> bool:
        """Say whether a finding without a grade tells of the instant.

        One recorded as active goes on from its onset; any other is as old as its date.
        What is found absent must certainly have been found so by the instant.
        """
        if found and "active" in fact.qualifiers:
            return fact.start is None or fact.start.earliest <= self.at
        if fact.start is None or fact.start.earliest < since:
            return False
        return (fact.start.earliest if found else fact.start.latest) <= self.at

    def support(self, concept: str, name: str = "") -> Choice:
        """Choose an organ support, under the name of the input that asks for it."""
        name = name or concept
        return self.once(("support", concept, name), lambda: self._support(concept, name))

    def _support(self, concept: str, name: str) -> Choice:
        record, rules, at = self.record, self.rules, self.at
        if concept == "renal_replacement":
            return choose_renal_replacement(record, rules, at=at, name=name)
        if concept == "dialysis":
            creatinine = self.analyte("creatinine", self.rules.analytes["creatinine"].unit)
            drawn = creatinine.fact.start if creatinine.fact is not None else None
            before = self.at if drawn is None else drawn.latest
            return choose_dialysis(record, rules, before=before, at=at, name=name)
        if concept == "vasopressor":
            return choose_vasopressor(record, rules, at=at, name=name)
        if concept in {"ventilation", "mechanical_ventilation"}:
            return choose_ventilation(record, rules, at=at, name=name)
        if concept == "other_vasopressor":
            return choose_given(record, rules.other_vasopressors, rules, name=name, at=at)
        if concept in rules.vasopressors:
            return choose_given(record, (concept,), rules, name=name, at=at)
        return self.finding(concept, name)

    def finding(self, concept: str, name: str = "") -> Choice:
        """Choose whether something was found, under the name of the input that asks for it."""
        name = name or concept
        return self.once(
            ("finding", concept, name),
            lambda: choose_finding(self.record, concept, self.rules, at=self.at, name=name),
        )

    def drug(self, concept: str, name: str) -> Choice:
        """Choose the dose rate of a drug, under the name of the input that asks for it."""
        return self.once(
            ("drug", concept),
            lambda: choose_drug(self.record, concept, self.rules, at=self.at, name=name),
        )

    def age(self) -> Choice:
        """Choose the age in completed years."""
        return self.once(("age",), lambda: age_at(self.record, self.rules, at=self.at))

    def sex(self) -> Choice:
        """Choose the sex."""
        return self.once(("sex",), lambda: choose_sex(self.record))


def flagged(choice: Choice, *flags: str) -> Choice:
    """Return the same choice with further flags."""
    return replace(choice, flags=choice.flags | set(flags))


def around_dialysis(fact: Fact) -> str:
    """Say why a creatinine drawn around dialysis is not taken, "" for any other."""
    timed = fact.qualifiers & {"pre_dialysis", "post_dialysis"}
    return "drawn around dialysis: proves dialysis, is no plain creatinine" if timed else ""


def _nothing_wrong(_: Fact) -> str:
    return ""
