"""Instants that are known exactly, or only to lie in a range."""

from datetime import datetime
from typing import NamedTuple, NoReturn, Self

__all__ = ["TimeRange"]


class TimeRange(NamedTuple):
    """An instant known to lie between two aware datetimes, both included.

    A full dateTime gives `earliest == latest`; `2024-03` gives the whole month.
    Ordered by `earliest`, then `latest`; a tuple for the reason given at `Interval`.
    """

    earliest: datetime
    latest: datetime

    @classmethod
    def exact(cls, instant: datetime) -> Self:
        """Return the range that holds one instant."""
        return tuple.__new__(cls, (instant, instant))

    def __contains__(self, instant: object) -> NoReturn:
        """Refuse `in`, which would compare with the ends only."""
        message = "compare with earliest and latest"
        raise TypeError(message)

    @property
    def is_exact(self) -> bool:
        """Whether both ends meet."""
        return self.earliest == self.latest
