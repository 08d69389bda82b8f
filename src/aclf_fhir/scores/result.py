"""What a score says: a value, bounds on one, or why there is none."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, NamedTuple, Self

from aclf_fhir.units import Interval

__all__ = ["Reason", "ScoreResult", "Status"]

Status = Literal["ok", "indeterminate", "error"]

Reason = Literal[
    "non_positive_input", "missing_unit", "unsupported_unit", "out_of_range", "not_applicable"
]


_NOTHING: Mapping[str, int | None] = {}
_NO_DETAILS: Mapping[str, object] = {}


class ScoreResult(NamedTuple):
    """The result of one score for one set of inputs.

    Made by keyword; a tuple for the reason given at `Interval`, one for each corner.

    Parameters
    ----------
    score
        Id of the score, e.g. `meld_3_0`.
    version
        Version of the implementation; it changes when a result can change.
    status
        `ok`: every value the inputs allow gives this one result. `indeterminate`:
        they allow several. `error`: an input cannot be used.
    value
        The unrounded value: a number, a grade or a truth. None unless `ok`.
    rounded
        The number as the publication reports it. None unless `ok`.
    category
        Grade, class or risk group, where only one is possible.
    bounds
        Where the unrounded number lies, if `indeterminate`.
    rounded_bounds
        Where the rounded number lies, if `indeterminate`.
    possible
        Every category the inputs allow, in order of severity.
    components
        Points per organ or input; None where the inputs allow several.
    missing
        Names of the required inputs that were not there, also if the result is `ok`
        without them.
    flags
        What a reader must know, sorted.
    reason
        Why there is no result; `not_applicable` also stands beside a number
        computed for a patient the score is not meant for.
    details
        What the score adds: mortality, organ failures, the uncapped value.
        `field` is the offending input of an `error`.
    """

    score: str
    version: str
    status: Status
    value: Decimal | str | bool | None = None
    rounded: Decimal | None = None
    category: str | None = None
    bounds: Interval | None = None
    rounded_bounds: Interval | None = None
    possible: tuple[str, ...] = ()
    components: Mapping[str, int | None] = _NOTHING
    missing: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    reason: Reason | None = None
    details: Mapping[str, object] = _NO_DETAILS

    def noted(self, flags: tuple[str, ...], missing: tuple[str, ...] | None = None) -> Self:
        """Return the same result with these flags, and these inputs missing."""
        return self._replace(flags=flags, missing=self.missing if missing is None else missing)
