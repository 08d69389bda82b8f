"""The only way from an evaluation into the trial zone: codes, numbers, instants.

What is copied here is named member by member. Texts, facts, values, sources and
sites have no member to stand in.
"""

from dataclasses import dataclass
from datetime import date

from aclf_fhir.trial.outcomes import OutcomeResult
from aclf_fhir.trial.screen import Verdict

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
    """A verdict without evidence.

    Until when it holds stays behind: that may be the day of the next birthday.
    """

    version: str
    verdict: str
    reasons: tuple[str, ...]
    criteria: tuple[BlindCriterion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindOutcome:
    """An outcome's answer, and the day it was due; never the day of an event.

    The variants stay behind: one of them counts from the first dose, and whether there
    was one is not for a blinded reader.
    """

    id: str
    answer: str
    due: date
    reasons: tuple[str, ...]
    flags: tuple[str, ...]


def blind_verdict(verdict: Verdict) -> BlindVerdict:
    """Copy what a trial may know of a verdict."""
    return BlindVerdict(
        version=verdict.version,
        verdict=verdict.verdict,
        reasons=verdict.reasons,
        criteria=tuple(
            BlindCriterion(
                id=criterion.criterion,
                role=criterion.role,
                outcome=criterion.outcome.value,
                reasons=tuple(reason.value for reason in criterion.reasons),
                flags=criterion.flags,
            )
            for criterion in verdict.criteria
        ),
    )


def blind_outcome(result: OutcomeResult) -> BlindOutcome:
    """Copy what a trial may know of an outcome."""
    return BlindOutcome(
        id=result.outcome,
        answer=result.value,
        due=result.due,
        reasons=result.reasons,
        flags=result.flags,
    )
