"""What one resource version is becoming while its module reads it."""

from datetime import datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from aclf_fhir.mapping.models import (
    Disposition,
    HeldReason,
    Holding,
    MappingContext,
    MappingOutcome,
    SubjectDates,
)
from aclf_fhir.record import (
    AFTER_DEATH,
    UNREAD,
    Fact,
    FactKind,
    FactStatus,
    SentValue,
    SourceVersion,
    Value,
    shows_alive,
)
from aclf_fhir.units import Interval, TimeRange

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Draft", "not_needed"]

_NONE: frozenset[str] = frozenset()
_HELD = frozenset({"held"})
_FED = frozenset({FactKind.FINDING, FactKind.PROCEDURE, FactKind.MEDICATION})
"""Kinds of which no record may mean that there is none."""
_NOT_THERE = frozenset({"refuted", "not_done", "not_taken"})
_ABSENT = (frozenset({"absent"}), frozenset({"not_done"}))
_OF_NO_FEED = frozenset({"Observation", "QuestionnaireResponse"})


def not_needed(rule: str, waits_for: tuple[str, ...] = ()) -> MappingOutcome:
    """Return the outcome of a resource that is stored and nothing more."""
    return MappingOutcome(Disposition.NOT_NEEDED, rule=rule, waits_for=waits_for)


class Draft:
    """Gathers the facts, the reasons to hold and what to wait for.

    `block` holds the whole resource: no fact comes of it. `hold` holds one element;
    facts from sound parts beside it stand.

    Parameters
    ----------
    context
        What the modules may know.
    type_
        Resource type; first part of every location.
    """

    __slots__ = (
        "blocked",
        "context",
        "dates",
        "facts",
        "holdings",
        "late",
        "root",
        "shared",
        "status",
        "subject",
        "type",
        "waits",
    )

    def __init__(self, context: MappingContext, type_: str) -> None:
        self.context = context
        self.type = type_
        self.root = type_
        """FHIRPath of the resource read: of a contained one, its place."""
        self.subject = ""
        self.dates: SubjectDates | None = None
        self.status = FactStatus.USABLE
        """What the status element makes of every fact."""
        self.shared: tuple[tuple[str, str], ...] = ()
        """Context pairs of every fact."""
        self.facts: list[Fact] = []
        self.holdings: list[Holding] = []
        self.waits: list[str] = []
        self.blocked = False
        self.late: tuple[str, TimeRange] | None = None
        """Where it says that it lies after the death, and when it was."""

    def hold(self, reason: HeldReason, path: str, detail: str = "") -> None:
        """Hold one element, and the resource on the work list with it."""
        self.holdings.append(Holding(reason, f"{self.root}.{path}", detail))

    def block(self, reason: HeldReason, path: str, detail: str = "") -> None:
        """Hold the whole resource."""
        self.hold(reason, path, detail)
        self.blocked = True

    def wait_for(self, reference: str) -> None:
        """Ask for a new mapping when `reference` arrives or changes."""
        if reference not in self.waits:
            self.waits.append(reference)

    def add(
        self,
        kind: FactKind,
        concept: str,
        value: Value,
        *,
        path: str,
        unit: str = "",
        start: TimeRange | None = None,
        end: TimeRange | None = None,
        recorded: datetime | None = None,
        status: FactStatus | None = None,
        qualifiers: frozenset[str] = _NONE,
        flags: frozenset[str] = _NONE,
        codes: tuple[str, ...] = (),
        sent: SentValue | None = None,
        reference_high: Interval | None = None,
        context: "Iterable[tuple[str, str]]" = (),
    ) -> None:
        """State one fact; subject, source and both clocks' known side come from here."""
        mapping = self.context
        pairs = self.shared
        if context:
            pairs = tuple(sorted({*pairs, *context}))
        # By position, in the order Fact declares: names make it four times as slow.
        self.facts.append(
            Fact(
                self.subject,
                kind,
                concept,
                value,
                SourceVersion(
                    self.type, mapping.resource_id, mapping.version, f"{self.root}.{path}"
                ),
                mapping.known,
                unit,
                start,
                end,
                recorded,
                self.status if status is None else status,
                qualifiers,
                flags,
                codes,
                sent,
                reference_high,
                pairs,
            )
        )

    def add_unread(
        self,
        kind: FactKind,
        path: str,
        *,
        start: TimeRange | None = None,
        end: TimeRange | None = None,
        recorded: datetime | None = None,
        qualifiers: frozenset[str] = _NONE,
    ) -> None:
        """State that something was received that nobody could read."""
        self.add(
            kind,
            UNREAD,
            None,
            path=path,
            start=start,
            end=end,
            recorded=recorded,
            status=FactStatus.NO_VALUE,
            qualifiers=qualifiers,
            flags=_HELD,
        )

    def _of_blocked(self) -> tuple[Fact, ...]:
        """Return what a resource that is held whole leaves: that something was received."""
        stated, self.facts = self.facts, []
        if not self.subject:
            return ()
        if self.late is not None and any(shows_alive(fact) for fact in stated):
            # The patient was seen after a reported death: one of the two is wrong.
            path, moment = self.late
            self.add(
                FactKind.ENCOUNTER,
                AFTER_DEATH,
                None,
                path=path,
                start=moment,
                status=FactStatus.NO_VALUE,
                flags=_HELD,
            )
        left = {
            (fact.kind, fact.source.path): self._unread(fact)
            for fact in stated
            if self.type not in _OF_NO_FEED and _of_a_feed(fact)
        }
        answers = [
            replace(fact, value=None, start=None, status=FactStatus.NO_VALUE, flags=_HELD)
            for fact in stated
            if fact.kind is FactKind.ATTESTATION and "retires" not in fact.qualifiers
        ]
        return (*self.facts, *left.values(), *answers)

    def _unread(self, fact: Fact) -> Fact:
        """Return a fact without what it says, and without a time that cannot be."""
        dated = self.late is not None
        return replace(
            fact,
            concept=UNREAD,
            value=None,
            unit="",
            start=fact.start if dated else None,
            end=fact.end if dated else None,
            recorded=fact.recorded if dated else None,
            status=FactStatus.NO_VALUE,
            flags=_HELD,
            codes=(),
            sent=None,
            reference_high=None,
        )

    def outcome(self, rule: str) -> MappingOutcome:
        """Return what became of the resource; `rule` says why where nothing did."""
        waits = tuple(self.waits)
        if self.holdings:
            facts = self._of_blocked() if self.blocked else tuple(self.facts)
            return MappingOutcome(Disposition.HELD, facts, tuple(self.holdings), "", waits)
        if self.facts:
            return MappingOutcome(Disposition.MAPPED, tuple(self.facts), (), "", waits)
        return not_needed(rule, waits)


def _of_a_feed(fact: Fact) -> bool:
    """Say whether a fact would count against the absence of something."""
    return fact.kind in _FED and not fact.qualifiers & _NOT_THERE and fact.value not in _ABSENT
