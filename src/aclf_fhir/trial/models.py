"""A trial as data: identity, criteria, outcomes, questions, attestation items, examples."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from aclf_fhir.trial.node import Node
from aclf_fhir.trial.periods import Period
from aclf_fhir.trial.situation import Item

__all__ = [
    "Arm",
    "Criterion",
    "DeathBy",
    "Dose",
    "Example",
    "OutcomeDefinition",
    "Protocol",
    "Question",
    "Remission",
    "Role",
    "Survival",
]

Role = Literal["inclusion", "exclusion"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One inclusion or exclusion criterion.

    Parameters
    ----------
    id
        Id within the protocol, `I3`, `X7`.
    role
        Inclusion or exclusion.
    text
        What it asks, in own words.
    source
        Where the registry text says so.
    node
        How it is judged.
    reading
        The reading taken where the text allows several, or "".
    questions
        Ids in the question register.
    decided_by
        `computed`, `person`, or `mixed`.
    applies_to
        Whom it concerns; not applicable to anybody else.
    """

    id: str
    role: Role
    text: str
    source: str
    node: Node
    reading: str = ""
    questions: tuple[str, ...] = ()
    decided_by: Literal["computed", "person", "mixed"] = "computed"
    applies_to: Node | None = None

    def nodes(self) -> Iterator[Node]:
        """Yield every part, applicability included."""
        yield from self.node.walk()
        if self.applies_to is not None:
            yield from self.applies_to.walk()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeDefinition:
    """What is common to all outcomes: id, text, time point counted from time zero.

    Parameters
    ----------
    day
        Day of the time point; time zero is day 0.
    """

    id: str
    title: str
    text: str
    source: str
    day: int
    primary: bool = False
    reading: str = ""
    questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeathBy(OutcomeDefinition):
    """Death on or before the time point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survival(OutcomeDefinition):
    """Alive at the time point.

    Parameters
    ----------
    calendar
        The same time point in calendar months, shown where it differs; or None.
    """

    calendar: Period | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remission(OutcomeDefinition):
    """Criteria judged at a visit of someone alive and not transplanted.

    Parameters
    ----------
    tolerance
        Days before and after the time point that still belong to the visit.
    node
        What must hold.
    """

    tolerance: int
    node: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An ambiguity of the registry text, and the reading taken.

    Parameters
    ----------
    text
        What is open.
    reading
        What this project reads.
    effect
        What another reading would change.
    closed_by
        Who can close it.
    """

    id: str
    text: str
    reading: str
    effect: str
    closed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A group of the trial."""

    id: str
    title: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """When a dose is due: days after the first one."""

    day_offset: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An invented patient, written as a clinician would.

    Parameters
    ----------
    id
        Name within the protocol.
    verdict
        What screening must say.
    because
        Criteria that decide: those that fail, or those that are unknown.
    facts
        Facts by kind; see `examples.record_of`.
    note
        What it shows.
    """

    id: str
    verdict: Literal["eligible", "ineligible", "undetermined"]
    because: tuple[str, ...]
    facts: Mapping[str, Mapping[str, object]]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """A trial.

    Parameters
    ----------
    id
        Registry id in lower case.
    version
        Version of this reading of the protocol.
    effective
        Date from which the version holds, `YYYY-MM-DD`.
    title, short_title, sponsor, registry_id, phase
        Identity as registered.
    identifiers
        Further names of the study (registry numbers).
    status
        Recruitment status as registered: `unknown`, `terminated`, `recruiting` …
    sites
        Hospitals, by name.
    arms, schedule, dose, time_zero, stratification
        Treatment as registered, for people; nothing computed depends on it.
    scores
        Scores that are stored while the protocol is active.
    inclusion, exclusion
        The criteria.
    outcomes
        Outcome definitions.
    items
        Attestation items by code, in the order of the questionnaire.
    questions
        The question register.
    examples
        Worked examples.
    """

    id: str
    version: str
    effective: str
    title: str
    short_title: str
    registry_id: str
    sponsor: str
    status: str
    time_zero: str
    phase: str = ""
    identifiers: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    target: int | None = None
    enrolled: int | None = None
    masking: str = ""
    arms: tuple[Arm, ...] = ()
    schedule: tuple[Dose, ...] = ()
    dose: str = ""
    stratification: str = ""
    scores: tuple[str, ...] = ()
    inclusion: tuple[Criterion, ...]
    exclusion: tuple[Criterion, ...]
    outcomes: tuple[OutcomeDefinition, ...] = ()
    items: Mapping[str, Item] = field(default_factory=dict)
    questions: Mapping[str, Question] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """All criteria, inclusion first."""
        return self.inclusion + self.exclusion

    def criterion(self, criterion_id: str) -> Criterion:
        """Return a criterion by its id."""
        return next(each for each in self.criteria if each.id == criterion_id)

    def references(self) -> frozenset[tuple[str, str]]:
        """Return what the catalog must know: `analyte`, `scale`, `score`, fact kinds, ids."""
        nodes = [node for criterion in self.criteria for node in criterion.nodes()]
        nodes += [
            node
            for outcome in self.outcomes
            if isinstance(outcome, Remission)
            for node in outcome.node.walk()
        ]
        found = {reference for node in nodes for reference in node.references()}
        return frozenset(found | {("score", score) for score in self.scores})
