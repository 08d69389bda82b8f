"""What every group of reads and writes stands on: a session and a place in time."""

from datetime import datetime

from aclf_fhir.store.instants import from_microseconds
from aclf_fhir.store.session import Session

__all__ = ["Access", "Numbers"]


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
        self.instant = from_microseconds(known)
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
