"""Tables of points over a few inputs, and the scores that add such points up.

Where inputs are not exact, a table says what is possible for each of its organs. What it
says depends only on the side of each cut-off a value lies on, and an organ has few
inputs: every answer is kept under those sides. A score that is a sum is then bounded by the
sums of its tables, where the corners of all its inputs would each be a whole formula.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from itertools import product
from typing import Generic, NamedTuple, TypeVar

from aclf_fhir.scores.corners import between, codes_of, representatives
from aclf_fhir.scores.definition import Score, ScoreInput, ScoreValue
from aclf_fhir.scores.result import ScoreResult

__all__ = ["Points", "Sum", "Table"]

_T = TypeVar("_T", bound=Hashable)

Points = tuple[int, ...]


class Table(Generic[_T]):
    """What one organ has, or several organs that share an input, for inputs of any kind.

    Parameters
    ----------
    arguments
        The inputs, with every cut-off of the table, in ascending order.
    look_up
        The table: one exact value per argument, None where an argument that is not
        required is not there.
    ends_only
        True where the least and the most suffice: each argument moves the points in the
        direction it declares.
    """

    __slots__ = ("_arguments", "_ends_only", "_known", "_look_up")

    def __init__(
        self,
        arguments: Iterable[ScoreInput],
        look_up: Callable[..., _T],
        *,
        ends_only: bool = False,
    ) -> None:
        self._arguments = tuple(arguments)
        self._look_up = look_up
        self._ends_only = ends_only
        self._known: dict[tuple[object, ...], frozenset[_T]] = {}

    def possible(self, values: Mapping[str, ScoreValue]) -> frozenset[_T]:
        """Return what the table can say of some values; None is unknown."""
        sides = tuple([_side(each, values.get(each.name)) for each in self._arguments])
        found = self._known.get(sides)
        if found is None:
            found = self._known[sides] = frozenset(
                [
                    self._look_up(*each)
                    for tried in self._all_tried(values)
                    for each in product(*tried)
                ]
            )
        return found

    def _all_tried(self, values: Mapping[str, ScoreValue]) -> Iterator[list[tuple[object, ...]]]:
        """Yield what is tried of each argument; with `ends_only` at the least, then the most."""
        tried = [_tried(each, values.get(each.name)) for each in self._arguments]
        if not self._ends_only:
            yield tried
            return
        for side in (1, -1):
            yield [
                each
                if not declared.direction
                else each[:1]
                if declared.direction == side
                else each[-1:]
                for declared, each in zip(self._arguments, tried, strict=True)
            ]


def _side(declared: ScoreInput, value: ScoreValue) -> object:
    """Return what a table can see of a value: where its numbers lie among the cut-offs."""
    if value is None or isinstance(value, frozenset):
        return value
    low = value.low
    if low is not None and low == value.high:
        return _place(declared, low)
    return tuple([_place(declared, number) for number in representatives(declared, value)])


def _place(declared: ScoreInput, number: Decimal) -> int:
    """Return the place of a number: even beside cut-offs, odd on one; a whole one is its own."""
    if declared.whole:
        return int(number)
    return bisect_left(declared.cuts, number) + bisect_right(declared.cuts, number)


def _tried(declared: ScoreInput, value: ScoreValue) -> tuple[object, ...]:
    """Return one value for each answer of a table."""
    if value is None and not declared.required:
        return (None,)
    if declared.is_switch:
        return tuple([code == declared.values[1] for code in codes_of(declared, value)])
    if declared.values:
        return codes_of(declared, value)
    numbers = representatives(declared, value)
    return tuple([int(number) for number in numbers]) if declared.whole else numbers


class _Range(NamedTuple):
    """The least and the most points of a table: in all, and per component."""

    low: int
    high: int
    least: Points
    most: Points


@cache
def _range(possible: frozenset[Points]) -> _Range:
    """Return the range of some points; tables are small, so there are few sets of points."""
    sums = [sum(points) for points in possible]
    columns = list(zip(*possible, strict=True))
    return _Range(
        min(sums),
        max(sums),
        tuple([min(column) for column in columns]),
        tuple([max(column) for column in columns]),
    )


def _no_flags(_: Mapping[str, ScoreValue]) -> tuple[str, ...]:
    return ()


class Sum:
    """A score that adds up the points of tables; `spread` is for inputs that are not exact.

    Parameters
    ----------
    components
        Every component, in the order of the result.
    tables
        Which arguments give the points of which components, and the table.
    failing
        Names the organs in failure, where the score tells them.
    flags
        What the arguments make sure a reader must know.
    """

    __slots__ = ("_components", "_failing", "_flags", "_tables")

    def __init__(
        self,
        components: tuple[str, ...],
        *tables: tuple[tuple[str, ...], Iterable[ScoreInput], Callable[..., Points]],
        failing: Callable[[Mapping[str, int]], tuple[str, ...]] | None = None,
        flags: Callable[[Mapping[str, ScoreValue]], tuple[str, ...]] = _no_flags,
    ) -> None:
        self._components = components
        self._tables = tuple(
            [
                (names, Table(arguments, look_up, ends_only=True))
                for names, arguments, look_up in tables
            ]
        )
        self._failing = failing
        self._flags = flags

    def spread(self, score: Score, values: Mapping[str, ScoreValue]) -> ScoreResult:
        """Add up arguments of which at least one is not exact."""
        low = high = 0
        least: dict[str, int] = {}
        most: dict[str, int] = {}
        for names, table in self._tables:
            found = _range(table.possible(values))
            low += found.low
            high += found.high
            least.update(zip(names, found.least, strict=True))
            most.update(zip(names, found.most, strict=True))
        components = {
            name: least[name] if least[name] == most[name] else None for name in self._components
        }
        details: dict[str, object] = {}
        if self._failing is not None:
            failed = self._failing(least)
            if failed == self._failing(most):
                details["organ_failures"] = failed
        flags = self._flags(values)
        if low == high:
            return score.result(low, components=components, flags=flags, details=details)
        return between(
            score, low, high, components=components, flags=score.flagged(flags), details=details
        )
