"""What every group of reads and writes stands on: a session and a place in time."""

from datetime import datetime

from aclf_fhir.store.instants import from_microseconds
from aclf_fhir.store.session import Session

__all__ = ["Access", "Numbers", "WriteAccess"]


class Access:
    """Reads of committed data, as of one snapshot."""

    def __init__(self, session: Session, watermark: int) -> None:
        self._session = session
        self._watermark = watermark

    def watermark(self) -> datetime:
        """Return the instant of the last commit group this snapshot holds.

        Groups commit one after the other, also those of several processes, and
        each has a later instant than the one before. Nothing known at or before
        the watermark can appear later.
        """
        return from_microseconds(self._watermark)


class Numbers:
    """The instant of a commit group, and the numbers it gives out."""

    def __init__(self, *, known: int, rid: int, seq: int) -> None:
        self.known = known
        self.rid = rid
        self.seq = seq

    def next_rid(self) -> int:
        """Return the number of a new resource."""
        self.rid += 1
        return self.rid

    def next_seq(self) -> int:
        """Return the number of a new row."""
        self.seq += 1
        return self.seq


class WriteAccess(Access):
    """Writes inside one unit of work of a commit group."""

    def __init__(self, session: Session, watermark: int, numbers: Numbers) -> None:
        super().__init__(session, watermark)
        self._numbers = numbers

    @property
    def known(self) -> datetime:
        """The instant of this commit group: lastUpdated and known time of all it writes.

        Later than that of every group committed before, whatever the clock does.
        """
        return from_microseconds(self._numbers.known)
