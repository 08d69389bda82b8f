"""What was there before a window: beside it, what is coded anew inside is no onset."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from aclf_fhir.evaluation.findings import DOUBT, grade_shows
from aclf_fhir.record import Fact, FactKind, FactStatus
from aclf_fhir.units import Interval, TimeRange

__all__ = ["GRADED_AS", "Presences", "is_sighting", "lasts"]

GRADED_AS = {"ascites_finding": "ascites", "hepatic_encephalopathy": "he_grade"}
"""The scale that grades a finding."""

_SIGHTINGS = frozenset({"Observation", "DiagnosticReport", "QuestionnaireResponse"})
_NOT_THERE = (frozenset({"absent"}), frozenset({"not_done"}))


def is_sighting(fact: Fact) -> bool:
    """Say whether a fact tells that something was there at its time, not that it began then."""
    return fact.source.type in _SIGHTINGS


def lasts(fact: Fact) -> bool:
    """Say whether an event is still called active, without an end."""
    return fact.end is None and bool(fact.qualifiers & {"active", "in_progress"})


class Presences:
    """What tells that something was there, and that nothing shows to be over before an onset.

    Parameters
    ----------
    facts
        The findings and the grades of one notion.
    onsets
        Those that count as an onset.
    """

    __slots__ = ("_began",)

    def __init__(self, facts: Iterable[Fact], onsets: Iterable[Fact]) -> None:
        facts = list(facts)
        latest = max((each.start.earliest for each in onsets if each.start), default=None)
        overs = [
            over
            for over in map(_over, facts)
            if over is not None and latest is not None and over.latest < latest
        ]
        self._began: list[tuple[datetime, Fact]] = []
        for fact in facts:
            began = fact.recorded if fact.start is None else fact.start.latest
            if began is not None and _stays(fact, began, overs):
                self._began.append((began, fact))

    def before(self, since: datetime) -> list[Fact]:
        """Return what was there before a window, and not over by its beginning."""
        return [
            fact
            for began, fact in self._began
            if began < since and (is_sighting(fact) or fact.end is None or fact.end.latest >= since)
        ]

    def from_(self, since: datetime) -> list[datetime]:
        """Return when what lies in the window began, if it will be there before a later one."""
        return [
            began
            for began, fact in self._began
            if began >= since and (is_sighting(fact) or fact.end is None or fact.end.latest > began)
        ]


def _stays(fact: Fact, began: datetime, overs: list[TimeRange]) -> bool:
    if "refuted" in fact.qualifiers or not _shows(fact):
        return False
    if not is_sighting(fact):
        return lasts(fact) or fact.end is not None
    return "history" not in fact.qualifiers and not any(began < over.earliest for over in overs)


def _shows(fact: Fact) -> bool:
    if fact.kind is FactKind.GRADE:
        return grade_shows(fact)
    readable = isinstance(fact.value, frozenset)
    return fact.value not in _NOT_THERE and (readable or not is_sighting(fact))


def _over(fact: Fact) -> TimeRange | None:
    """Return when a fact shows without doubt that nothing was there any more."""
    if fact.status is not FactStatus.USABLE or fact.qualifiers & (DOUBT - {"history"}):
        return None
    if _shows(fact):
        return None if is_sighting(fact) else fact.end
    value, history = fact.value, "history" in fact.qualifiers
    none = isinstance(value, Interval) and value.above(Decimal(0)) == "false"
    absent = none or value in (*_NOT_THERE, frozenset({"none"}))
    return fact.start if absent and not history else None
