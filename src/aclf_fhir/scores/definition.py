"""How a score declares itself: inputs with ranges and cut-offs, bands, citation, codes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from functools import wraps
from typing import Any, Literal, ParamSpec

from aclf_fhir.scores.result import Reason, ScoreResult
from aclf_fhir.units import Interval, round_half_up

__all__ = [
    "NO",
    "YES",
    "Band",
    "Derivation",
    "InputKind",
    "Score",
    "ScoreInput",
    "ScoreValue",
    "Verification",
    "settled",
]

_P = ParamSpec("_P")

NO = "no"
YES = "yes"

ScoreValue = Interval | frozenset[str] | None
"""A number, the possible codes of a scale, or nothing known."""

InputKind = Literal[
    "analyte", "course", "grade", "support", "drug", "age", "sex", "score", "finding", "supplied"
]
"""`course`: from several values of an analyte over time (a baseline, a rise); `supplied`:
by the site or a person (the control of a prothrombin time); the others as they say."""

Verification = Literal["V2", "V1", "M"]
"""V2: checked against two independent sources; V1: against one; M: not yet verified."""

_NUMBERS = (Decimal, int)

# Below this lies the noise of a binary logarithm, above it every published digit.
_RESOLUTION = Decimal("1E-10")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreInput:
    """One named input of a score.

    Parameters
    ----------
    name
        Name in `compute` and in `missing`.
    concept
        Catalog id it is filled from; for kind `score` the id of the other score,
        whose rounded value (or rounded bounds) it is.
    kind
        Where `evaluation` looks for it.
    parameter
        Parameter of the score's function.
    title
        Name for people.
    unit
        UCUM unit of a number; "" for codes and counts.
    low, high
        Accepted range, both ends included. An unknown number, or the open side of
        one, is taken to lie in this range.
    values
        Accepted codes, the one with the lowest result first; empty for a number.
    nuances
        Codes that refine another one: a set of all the other codes says nothing.
    required
        False where the publication is complete without it.
    recorded_only
        True where only a recorded yes counts and anything else is left out.
    direction
        1 if the result never falls when the input rises (or moves on in `values`),
        -1 if it never rises, 0 if the other inputs decide which. Codes without a
        direction are all tried.
    cuts
        Numbers at which the formula changes: cut-offs, floors, caps.
    whole
        True for whole numbers (grades, years, points).
    loinc
        The most common LOINC code, for documentation.
    """

    name: str
    concept: str
    kind: InputKind
    parameter: str
    title: str
    unit: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    values: tuple[str, ...] = ()
    nuances: frozenset[str] = frozenset()
    required: bool = True
    recorded_only: bool = False
    direction: Literal[-1, 0, 1] = 1
    cuts: tuple[Decimal, ...] = ()
    whole: bool = False
    loinc: str | None = None

    def using(
        self,
        *cuts: str,
        direction: Literal[-1, 0, 1] | None = None,
        required: bool | None = None,
        title: str | None = None,
    ) -> "ScoreInput":
        """Return the input as one score uses it: with its own cut-offs and direction."""
        return replace(
            self,
            cuts=tuple(Decimal(cut) for cut in cuts),
            direction=self.direction if direction is None else direction,
            required=self.required if required is None else required,
            title=self.title if title is None else title,
        )

    @property
    def is_switch(self) -> bool:
        """Whether it is a plain yes or no, a truth in the score's function."""
        return self.values == (NO, YES)

    @property
    def limits(self) -> tuple[Decimal, Decimal]:
        """The accepted range of a number."""
        if self.low is None or self.high is None:
            message = f"{self.name} is a code, not a number"
            raise TypeError(message)
        return self.low, self.high

    def says_nothing(self, value: ScoreValue) -> bool:
        """Whether a value leaves everything open."""
        if value is None:
            return True
        if isinstance(value, frozenset):
            return all(code in value or code in self.nuances for code in self.values)
        low, high = value.low, value.high
        if low is not None and low is high:
            return False
        lowest, highest = self.limits
        return (low is None or low <= lowest) and (high is None or high >= highest)

    def refusal(self, value: object) -> Reason | None:
        """Say why an exact value of the function's parameter cannot be used, if so."""
        if self.values:
            known = isinstance(value, bool) if self.is_switch else value in self.values
            return None if known else "out_of_range"
        if not isinstance(value, _NUMBERS) or isinstance(value, bool):
            return "out_of_range"
        if self.low is not None and value < self.low:
            concentration = self.kind == "analyte" and self.low > 0
            return "non_positive_input" if concentration and value <= 0 else "out_of_range"
        if (self.high is not None and value > self.high) or (self.whole and value != int(value)):
            return "out_of_range"
        return None


@dataclass(frozen=True, slots=True)
class Band:
    """A category and the values that belong to it."""

    label: str
    values: Interval

    @classmethod
    def below(cls, label: str, limit: str, *, included: bool = False) -> "Band":
        """Return the lowest band, up to `limit`."""
        return cls(label, Interval(None, Decimal(limit), high_closed=included))

    @classmethod
    def from_to(
        cls,
        label: str,
        low: str,
        high: str,
        *,
        low_included: bool = True,
        high_included: bool = False,
    ) -> "Band":
        """Return a band in the middle."""
        return cls(label, Interval(Decimal(low), Decimal(high), low_included, high_included))

    @classmethod
    def above(cls, label: str, limit: str, *, included: bool = True) -> "Band":
        """Return the highest band, from `limit`."""
        return cls(label, Interval(Decimal(limit), None, low_closed=included))


@dataclass(frozen=True, slots=True)
class Derivation:
    """Inputs computed from other inputs before the formula (oxygenation ratios).

    Parameters
    ----------
    values
        Values of the formula's inputs, with the derived ones in place of their sources.
    missing
        Names to report instead of theirs.
    flags
        What a reader must know about the derivation.
    """

    values: Mapping[str, ScoreValue]
    missing: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True, eq=False)
class Score:
    """A published score: what it needs, where it comes from, how it is computed.

    Parameters
    ----------
    id
        Id as in the specification cases; a revision of a formula is a new id.
    version
        Version of this implementation: changes when a result can change.
    title
        Name for people.
    inputs
        What `evaluation` fills.
    citation
        The publication.
    doi
        Its DOI, or "" where none is known.
    verification
        How far the formula was checked; M is shown in every result as the flag
        `formula_unverified`.
    formula
        The formula or table in one line.
    unit
        UCUM unit of the value, "" for a grade or a truth.
    loinc
        LOINC code of the score, or None where it has a local code.
    places
        Decimal places of the rounded value.
    lowest, highest
        Limits of the rounded value where the value itself has none.
    bands
        Categories of a number, lowest first.
    order
        Every value of a score that is a grade in words, lowest first.
    form
        `smooth`: continuous, so an open end of an input is an open end of the
        bounds. `steps`: points, every value is reached. `mixed`: a rounded score
        inside a formula; the bounds are closed.
    arguments
        Inputs of the formula, where `derive` makes them differ from `inputs`.
    derive
        Computes `arguments` from `inputs`.
    spread
        Evaluates inexact arguments where corners do not suffice (grades).
    function
        The formula, set by `computed_by`: keyword-only, exact values in range in, a
        result out.
    open_points
        What `spread` tries for an argument of which nothing is known, once it was asked.
    """

    id: str
    version: str
    title: str
    inputs: tuple[ScoreInput, ...]
    citation: str
    doi: str
    verification: Verification
    formula: str
    unit: str = "{score}"
    loinc: str | None = None
    places: int = 0
    lowest: Decimal | None = None
    highest: Decimal | None = None
    bands: tuple[Band, ...] = ()
    order: tuple[str, ...] = ()
    form: Literal["smooth", "steps", "mixed"] = "smooth"
    arguments: tuple[ScoreInput, ...] = ()
    derive: Callable[[Mapping[str, ScoreValue]], Derivation] | None = None
    spread: "Callable[[Score, Mapping[str, ScoreValue]], ScoreResult] | None" = None
    function: Callable[..., ScoreResult] = field(init=False, repr=False)
    open_points: dict[str, tuple[Any, ...]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Let the formula take the inputs themselves where nothing is derived."""
        if not self.arguments:
            self.arguments = self.inputs

    def computed_by(self, function: Callable[_P, ScoreResult]) -> Callable[_P, ScoreResult]:
        """Make `function` the formula, and return it with its ranges checked."""
        self.function = function
        by_parameter = {each.parameter: each for each in self.arguments}

        @wraps(function)
        def checked(*args: _P.args, **kwargs: _P.kwargs) -> ScoreResult:
            for parameter, value in kwargs.items():
                declared = by_parameter.get(parameter)
                if declared is not None and value is not None:
                    reason = declared.refusal(value)
                    if reason is not None:
                        return self.error(reason, declared.name)
            return function(*args, **kwargs)

        return checked

    def input(self, name: str) -> ScoreInput:
        """Return the input called `name`."""
        return next(each for each in self.inputs if each.name == name)

    def reported(self, value: Decimal) -> Decimal:
        """Round a value as the publication reports it."""
        rounded = round_half_up(value, self.places)
        if self.lowest is not None and rounded < self.lowest:
            return self.lowest
        if self.highest is not None and rounded > self.highest:
            return self.highest
        return rounded

    def result(
        self,
        value: Decimal | int | str | bool,
        *,
        category: str | None = None,
        components: Mapping[str, int | None] | None = None,
        flags: tuple[str, ...] = (),
        details: Mapping[str, object] | None = None,
        reason: Reason | None = None,
    ) -> ScoreResult:
        """Return the `ok` result for a value; categories come from the unrounded number."""
        rounded: Decimal | None = None
        if isinstance(value, _NUMBERS) and not isinstance(value, bool):
            value = Decimal(value) if isinstance(value, int) else settled(value)
            rounded = self.reported(value)
            for band in self.bands:
                if band.values.contains(value):
                    category = band.label
        return ScoreResult(
            score=self.id,
            version=self.version,
            status="ok",
            value=value,
            rounded=rounded,
            category=category,
            possible=(category,) if category is not None else (),
            components=components or {},
            flags=self.flagged(flags),
            reason=reason,
            details=details or {},
        )

    def error(self, reason: Reason, name: str) -> ScoreResult:
        """Return the result for an input that cannot be used."""
        return ScoreResult(
            score=self.id,
            version=self.version,
            status="error",
            reason=reason,
            details={"field": name},
        )

    def flagged(self, flags: tuple[str, ...]) -> tuple[str, ...]:
        """Return flags sorted, each once, with the mark of an unverified formula."""
        if self.verification == "M":
            flags = (*flags, "formula_unverified")
        return tuple(sorted(set(flags))) if flags else ()


def settled(value: Decimal) -> Decimal:
    """Cut a computed value to the digits that mean something."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -10:
        return value.quantize(_RESOLUTION, rounding=ROUND_HALF_UP)
    return value
