"""Instants that are known exactly, or only to lie in a range."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

__all__ = ["TimeRange"]


@dataclass(frozen=True, slots=True, order=True)
class TimeRange:
    """An instant known to lie between two aware datetimes, both included.

    A full dateTime gives `earliest == latest`; `2024-03` gives the whole month.
    """

    earliest: datetime
    latest: datetime

    @classmethod
    def exact(cls, instant: datetime) -> Self:
        """Return the range that holds one instant."""
        return cls(instant, instant)

    @property
    def is_exact(self) -> bool:
        """Whether both ends meet."""
        return self.earliest == self.latest
