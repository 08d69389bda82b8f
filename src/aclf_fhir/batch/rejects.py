"""The rejects file: what a run could not use, where it stood, and why."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from aclf_fhir.errors import AclfError, Issue

__all__ = ["Rejected", "Rejects"]


@dataclass(frozen=True, slots=True)
class Rejected:
    """One record that could not be used.

    Parameters
    ----------
    place
        File and line, or file and place in its Bundle.
    reasons
        Every problem, each with its location.
    """

    place: str
    reasons: tuple[str, ...]

    @classmethod
    def of(cls, place: str, issues: Iterable[Issue]) -> "Rejected":
        """Describe the issues of one record."""
        return cls(place, tuple(_told(issue) for issue in issues))


@dataclass(slots=True)
class Rejects:
    """The rejects of one run; written as NDJSON if there are any."""

    records: list[Rejected] = field(default_factory=list)

    def add(self, place: str, error: AclfError) -> None:
        """Keep one record's problems."""
        self.records.append(Rejected.of(place, error.issues))

    def write(self, path: Path) -> None:
        """Write one line per record; a file of an earlier run does not stay behind.

        Nothing of the record itself is copied: the place tells where it is.
        """
        if not self.records:
            path.unlink(missing_ok=True)
            return
        path.write_bytes(
            b"".join(
                msgspec.json.encode({"place": one.place, "reasons": one.reasons}) + b"\n"
                for one in self.records
            )
        )


def _told(issue: Issue) -> str:
    text = f"{issue.location}: {issue.message}" if issue.location else issue.message
    return f"{text} {issue.remedy}".rstrip()
