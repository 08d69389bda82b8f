"""Numbers that are known exactly, or only to lie between two ends."""

from decimal import Decimal
from typing import Literal, NamedTuple, NoReturn, Self

__all__ = ["Interval", "Truth"]

Truth = Literal["true", "false", "unknown"]


class Interval(NamedTuple):
    """A number between two ends, each open or closed; None is unbounded.

    `<0.2` is `Interval(None, Decimal("0.2"), False, False)`; an exact value
    has two closed ends that meet. It is a tuple because every number is one, and a
    frozen dataclass takes four times as long to make; it is neither ordered nor
    searched as one, which would compare ends with each other.
    """

    low: Decimal | None
    high: Decimal | None
    low_closed: bool = True
    high_closed: bool = True

    @classmethod
    def exact(cls, value: Decimal) -> Self:
        """Return the interval that holds one number."""
        return tuple.__new__(cls, (value, value, True, True))

    @classmethod
    def from_comparator(cls, comparator: str, value: Decimal) -> Self:
        """Return what `<`, `<=`, `>=` or `>` (R4 quantity-comparator) says of a value."""
        if comparator == "<":
            return cls(None, value, low_closed=False, high_closed=False)
        if comparator == "<=":
            return cls(None, value, low_closed=False)
        if comparator == ">":
            return cls(value, None, low_closed=False, high_closed=False)
        if comparator == ">=":
            return cls(value, None, high_closed=False)
        message = "comparator must be one of <, <=, >=, >"
        raise ValueError(message)

    @property
    def is_exact(self) -> bool:
        """Whether both ends meet."""
        return self.low is not None and self.low == self.high

    @property
    def value(self) -> Decimal | None:
        """The number, if it is known exactly."""
        return self.low if self.is_exact else None

    def __contains__(self, value: object) -> NoReturn:
        """Refuse `in`; `contains` asks whether the number could be `value`."""
        message = "ask Interval.contains"
        raise TypeError(message)

    def __lt__(self, other: object) -> NoReturn:
        """Refuse an order: two intervals have none."""
        raise _unordered()

    def __le__(self, other: object) -> NoReturn:
        """Refuse an order."""
        raise _unordered()

    def __gt__(self, other: object) -> NoReturn:
        """Refuse an order."""
        raise _unordered()

    def __ge__(self, other: object) -> NoReturn:
        """Refuse an order."""
        raise _unordered()

    def above(self, limit: Decimal) -> Truth:
        """Say whether the number is greater than `limit` (strictly)."""
        if self.low is not None and (
            self.low > limit or (self.low == limit and not self.low_closed)
        ):
            return "true"
        if self.high is not None and self.high <= limit:
            return "false"
        return "unknown"

    def at_least(self, limit: Decimal) -> Truth:
        """Say whether the number is `limit` or greater."""
        if self.low is not None and self.low >= limit:
            return "true"
        if self.high is not None and (
            self.high < limit or (self.high == limit and not self.high_closed)
        ):
            return "false"
        return "unknown"

    def contains(self, value: Decimal) -> bool:
        """Say whether the number could be `value`."""
        if self.low is not None and (
            value < self.low or (value == self.low and not self.low_closed)
        ):
            return False
        return not (
            self.high is not None
            and (value > self.high or (value == self.high and not self.high_closed))
        )

    def overlaps(self, other: "Interval") -> bool:
        """Say whether the two have a number in common."""
        return not (_surely_below(self, other) or _surely_below(other, self))


def _surely_below(a: Interval, b: Interval) -> bool:
    if a.high is None or b.low is None:
        return False
    return a.high < b.low or (a.high == b.low and not (a.high_closed and b.low_closed))


def _unordered() -> TypeError:
    return TypeError("intervals have no order: ask Interval.above or Interval.at_least")
