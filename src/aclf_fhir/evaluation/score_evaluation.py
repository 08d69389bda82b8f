"""A score's result together with the choices it rests on."""

from datetime import datetime, timedelta

import msgspec

from aclf_fhir.evaluation.choice import Choice
from aclf_fhir.record import Fact
from aclf_fhir.scores.result import ScoreResult

__all__ = ["ScoreEvaluation"]


class ScoreEvaluation(msgspec.Struct, frozen=True, kw_only=True):
    """A score's result with the choices it rests on.

    Parameters
    ----------
    score
        Id of the score.
    result
        What the formula said; its flags include those of the choices.
    choices
        One per input, in the order the score declares them.
    span
        From the oldest to the newest measured or graded input; None below two.
    span_exceeded
        True where the caller's limit on the span is exceeded.
    at
        The instant evaluated.
    fresh_until
        Last instant at which the same choices would be made, if nothing new arrives.
    """

    score: str
    result: ScoreResult
    choices: tuple[Choice, ...]
    span: timedelta | None
    span_exceeded: bool
    at: datetime
    fresh_until: datetime | None

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Every fact the result rests on, each once."""
        found = dict.fromkeys(fact for choice in self.choices for fact in choice.facts)
        return tuple(found)
