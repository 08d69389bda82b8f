"""Evaluate a score for inputs that are not exact: at the corners and at every cut-off inside.

A score states per input in which direction it moves the result. For the inputs with
a direction one corner gives the lowest result and one the highest; an input whose
direction depends on the others is tried at both ends. Points and codes are tried on
each side of every cut-off inside. An unknown input ranges over everything the score
accepts, so less knowledge never gives narrower bounds.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_CEILING, Decimal
from itertools import pairwise, product
from typing import NamedTuple

from aclf_fhir.scores.definition import Score, ScoreInput, ScoreValue
from aclf_fhir.scores.result import ScoreResult, Status
from aclf_fhir.units import Interval

__all__ = ["Part", "Point", "between", "codes_of", "representatives", "spread", "within"]

# Far below any step of a result, to look just beside an open end.
_BESIDE = Decimal("1E-12")

_HALF = Decimal("0.5")

# How near to an open end it is asked whether the result is flat there, in parts of the way to
# the next cut-off: a result may be limited where no input has a cut-off.
_NEAR = Decimal("1E-9")

_ANYTHING = Interval(None, None)

_SHORT_SCALE = 12


class Point(NamedTuple):
    """One exact value of one argument.

    Parameters
    ----------
    value
        The value, in the type of the function's parameter.
    beside
        Where `value` is an open end: a value inside, no cut-off between them.
    """

    value: object
    beside: object = None


class Part(NamedTuple):
    """An interval with two ends."""

    low: Decimal
    high: Decimal
    low_closed: bool
    high_closed: bool


def within(declared: ScoreInput, value: Interval) -> Part | None:
    """Return the part of an interval that the input accepts; None where there is none."""
    lowest, highest = declared.limits
    low, low_closed = lowest, True
    if value.low is not None and value.low >= lowest:
        low, low_closed = value.low, value.low_closed
    high, high_closed = highest, True
    if value.high is not None and value.high <= highest:
        high, high_closed = value.high, value.high_closed
    if declared.whole:
        low, low_closed = _next_whole(low, closed=low_closed), True
        high, high_closed = -_next_whole(-high, closed=high_closed), True
    is_empty = low > high or (low == high and not (low_closed and high_closed))
    return None if is_empty else Part(low, high, low_closed, high_closed)


def codes_of(declared: ScoreInput, value: ScoreValue) -> tuple[str, ...]:
    """Return the possible codes of an input in its own order; all of them if unknown."""
    if not isinstance(value, frozenset) or not value:
        return declared.values
    return tuple(code for code in declared.values if code in value)


def representatives(
    declared: ScoreInput, value: ScoreValue, cuts: Sequence[Decimal] = ()
) -> tuple[Decimal, ...]:
    """Return one number for each different answer a table can give within an interval.

    Each cut-off inside is one, and a number in each gap between two of them. The
    value of an unknown number is everything the input accepts.
    """
    low, high, low_closed, high_closed = _part(declared, value)
    if low == high:
        return (low,)
    cuts = cuts or declared.cuts
    if declared.whole:
        return _whole_representatives(low, high, cuts)
    stops = [low, *sorted(cut for cut in cuts if low < cut < high), high]
    chosen = [low] if low_closed else []
    for before, after in pairwise(stops):
        chosen += [(before + after) * _HALF, after]
    return tuple(chosen if high_closed else chosen[:-1])


def spread(score: Score, values: Mapping[str, ScoreValue]) -> ScoreResult:
    """Evaluate a score for arguments of which at least one is not exact.

    Parameters
    ----------
    score
        The score.
    values
        Its arguments, each within what the score accepts; None is unknown.

    Returns
    -------
    ScoreResult
        `ok` where all values give one result, otherwise `indeterminate` with bounds.
    """
    lowest: list[Sequence[Point]] = []
    highest: list[Sequence[Point]] = []
    used: list[ScoreInput] = []
    for declared in score.arguments:
        value = values.get(declared.name)
        if value is None and not declared.required:
            continue
        used.append(declared)
        points = _open_points(score, declared) if value is None else _points(score, declared, value)
        if declared.direction == 0:
            lowest.append(points)
            highest.append(points)
        elif declared.direction == 1:
            lowest.append(points[:1])
            highest.append(points[-1:])
        else:
            lowest.append(points[-1:])
            highest.append(points[:1])
    corners = list(product(*lowest))
    if lowest != highest:
        corners += product(*highest)
    found = [(corner, _call(score, used, corner)) for corner in corners]
    return _summary(score, used, found)


def _open_points(score: Score, declared: ScoreInput) -> tuple[Point, ...]:
    """Return the points of an argument of which nothing is known: always the same ones."""
    points = score.open_points.get(declared.name)
    if points is None:
        points = score.open_points[declared.name] = _points(score, declared, None)
    return points


def _summary(
    score: Score,
    used: Sequence[ScoreInput],
    found: Sequence[tuple[Sequence[Point], ScoreResult]],
) -> ScoreResult:
    """Return the one result, or the bounds on all of them."""
    results = [result for _, result in found]
    if any(result.status == "error" for result in results):
        return _unbounded(score)
    numbers = [_number(score, result) for result in results]
    low, high = min(numbers), max(numbers)
    if not isinstance(results[0].value, Decimal):
        return _words(score, results, int(low), int(high))
    part = Part(
        low,
        high,
        _is_reached(score, used, found, low),
        _is_reached(score, used, found, high),
    )
    bounds = Interval(*part)
    first = results[0]
    if low == high:
        return _common(
            results,
            value=low,
            rounded=score.reported(low),
            category=first.category,
            possible=first.possible,
        )
    possible = _bands(score, bounds)
    return _common(
        results,
        status="indeterminate",
        bounds=bounds,
        rounded_bounds=_rounded(score, part),
        category=possible[0] if len(possible) == 1 else None,
        possible=possible,
    )


def between(
    score: Score,
    low: int,
    high: int,
    *,
    components: Mapping[str, int | None],
    flags: tuple[str, ...],
    details: Mapping[str, object],
) -> ScoreResult:
    """Return the result of points of which only the least and the most are known."""
    part = Part(Decimal(low), Decimal(high), low_closed=True, high_closed=True)
    bounds = Interval(*part)
    possible = _bands(score, bounds)
    return ScoreResult(
        score=score.id,
        version=score.version,
        status="indeterminate",
        bounds=bounds,
        rounded_bounds=_rounded(score, part),
        category=possible[0] if len(possible) == 1 else None,
        possible=possible,
        components=components,
        flags=flags,
        details=details,
    )


def _bands(score: Score, bounds: Interval) -> tuple[str, ...]:
    """Return the categories that some bounds allow."""
    return tuple([band.label for band in score.bands if _overlap(band.values, bounds)])


def _words(score: Score, results: Sequence[ScoreResult], low: int, high: int) -> ScoreResult:
    """Return the one grade or truth, or the possible ones."""
    first = results[0]
    if low == high:
        return _common(results, value=first.value, category=first.category, possible=first.possible)
    return _common(results, status="indeterminate", possible=score.order[low : high + 1])


def _unbounded(score: Score) -> ScoreResult:
    """Return a result of which nothing can be said: the formula has no value at some corner."""
    return ScoreResult(
        score=score.id,
        version=score.version,
        status="indeterminate",
        flags=score.flagged(()),
    )


def _common(
    results: Sequence[ScoreResult],
    *,
    status: Status = "ok",
    value: Decimal | str | bool | None = None,
    rounded: Decimal | None = None,
    category: str | None = None,
    bounds: Interval | None = None,
    rounded_bounds: Interval | None = None,
    possible: tuple[str, ...] = (),
) -> ScoreResult:
    """Return what is said of all results, with what they agree on."""
    first, rest = results[0], results[1:]
    components, details, flags, reason = first.components, first.details, first.flags, first.reason
    for other in rest:
        components = {
            name: points if other.components.get(name) == points else None
            for name, points in components.items()
        }
        details = {
            key: value
            for key, value in details.items()
            if key in other.details and other.details[key] == value
        }
        flags = tuple([flag for flag in flags if flag in other.flags])
        reason = reason if other.reason == reason else None
    return ScoreResult(
        score=first.score,
        version=first.version,
        status=status,
        value=value,
        rounded=rounded,
        category=category,
        bounds=bounds,
        rounded_bounds=rounded_bounds,
        possible=possible,
        components=components,
        flags=flags,
        reason=reason,
        details=details,
    )


def _is_reached(
    score: Score,
    used: Sequence[ScoreInput],
    found: Iterable[tuple[Sequence[Point], ScoreResult]],
    extreme: Decimal,
) -> bool:
    """Say whether the inputs allow the extreme itself, or only values beside it."""
    if score.form != "smooth":
        return True
    for corner, result in found:
        if result.value != extreme:
            continue
        if all(point.beside is None for point in corner):
            return True
        # A floor, a cap or a rule that ignores the input makes the result flat near its end.
        inside = [point if point.beside is None else Point(point.beside) for point in corner]
        if _call(score, used, inside).value == extreme:
            return True
    return False


def _points(score: Score, declared: ScoreInput, value: ScoreValue) -> tuple[Point, ...]:
    """Return the points of one argument to try, lowest first."""
    if isinstance(value, Interval) and value.low is not None and value.low == value.high:
        return (Point(int(value.low) if declared.whole else value.low),)
    if declared.values:
        codes = codes_of(declared, value)
        if declared.is_switch:
            return tuple([Point(code == declared.values[1]) for code in codes])
        return tuple([Point(code) for code in codes])
    if declared.whole:
        return tuple([Point(int(number)) for number in representatives(declared, value)])
    if score.form == "steps":
        return tuple([Point(number) for number in representatives(declared, value)])
    part = _part(declared, value)
    low, high = part.low, part.high
    if low == high:
        return (Point(low),)
    inner = sorted(cut for cut in declared.cuts if low < cut < high)
    stops = [low, *inner, high]
    first = Point(low, None if part.low_closed else low + (stops[1] - low) * _NEAR)
    last = Point(high, None if part.high_closed else high - (high - stops[-2]) * _NEAR)
    return (first, last)


def _call(score: Score, used: Sequence[ScoreInput], corner: Sequence[Point]) -> ScoreResult:
    return score.function(
        **{declared.parameter: point.value for declared, point in zip(used, corner, strict=True)}
    )


def _number(score: Score, result: ScoreResult) -> Decimal:
    """Return the value as a number: the rank of a grade, 0 or 1 for a truth."""
    value = result.value
    if isinstance(value, str):
        return Decimal(score.order.index(value))
    return Decimal(value or 0)


def _rounded(score: Score, bounds: Part) -> Interval:
    """Return where the rounded number lies; an open end does not reach its own rounding."""
    return Interval(
        score.reported(bounds.low if bounds.low_closed else bounds.low + _BESIDE),
        score.reported(bounds.high if bounds.high_closed else bounds.high - _BESIDE),
    )


def _overlap(one: Interval, other: Interval) -> bool:
    """Say whether two intervals share a number."""
    return _starts_before_end(one, other) and _starts_before_end(other, one)


def _starts_before_end(one: Interval, other: Interval) -> bool:
    if one.low is None or other.high is None or one.low < other.high:
        return True
    return one.low == other.high and one.low_closed and other.high_closed


def _whole_representatives(
    low: Decimal, high: Decimal, cuts: Sequence[Decimal]
) -> tuple[Decimal, ...]:
    """Return every number of a short scale; of a long one the ends and what lies at a cut-off."""
    if high - low <= _SHORT_SCALE:
        return tuple(Decimal(number) for number in range(int(low), int(high) + 1))
    near = {cut + step for cut in cuts for step in (-1, 0, 1)}
    return tuple(sorted({low, high} | {number for number in near if low < number < high}))


def _next_whole(number: Decimal, *, closed: bool) -> Decimal:
    """Return the first whole number from here on, this one only if it belongs."""
    whole = number.to_integral_value(rounding=ROUND_CEILING)
    return whole if closed or whole != number else whole + 1


def _part(declared: ScoreInput, value: ScoreValue) -> Part:
    """Return the accepted part of a value; all that is accepted if nothing is known."""
    part = within(declared, value if isinstance(value, Interval) else _ANYTHING)
    if part is None:
        message = f"{declared.name} has no number in its range"
        raise ValueError(message)
    return part
