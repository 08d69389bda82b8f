"""The only way from an evaluation into the trial zone: codes, numbers, instants.

What is copied here is named member by member. Text, facts, values, sources and
sites have no member to stand in.
"""

from dataclasses import dataclass
from datetime import datetime

from aclf_fhir.trial import OutcomeResult, Verdict

__all__ = ["BlindCriterion", "BlindOutcome", "BlindVerdict", "blind_outcome", "blind_verdict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindCriterion:
    """The result of one criterion without what decided it."""

    id: str
    role: str
    outcome: str
    reasons: tuple[str, ...]
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindVerdict:
    """A verdict without evidence."""

    version: str
    verdict: str
    criteria: tuple[BlindCriterion, ...]
    fresh_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindOutcome:
    """An outcome's answer, and the day it was due; never the day of an event."""

    id: str
    answer: str
    due: datetime
    reasons: tuple[str, ...]
    flags: tuple[str, ...]
