"""What goes into the store and what comes out of it."""

from dataclasses import dataclass
from datetime import datetime

from aclf_fhir.mapping.models import Disposition, Holding
from aclf_fhir.record import Fact

__all__ = [
    "Accounting",
    "FactChanges",
    "Held",
    "HeldGroup",
    "IndexRows",
    "LogEntry",
    "Mark",
    "Stored",
    "StoredVersion",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRows:
    """What searches can ask of one resource.

    Parameters
    ----------
    subject
        `Patient/123`: the Patient the resource belongs to (search parameters
        `patient` and `subject`); for a Patient its own reference; "" for none.
    status
        Code of the `status` element, "" for none.
    tokens
        (param, system, code): `("code", "http://loinc.org", "1975-2")`; system
        "" where the coding has none.
    references
        (param, `Type/id`): references other than the subject.
    dates
        (param, first instant, last instant), None for an open end. At most one
        with the param `date`.
    strings
        (param, text); compared without case, by prefix.
    identifiers
        (system, value): search parameter `identifier`.
    unique
        Those identifiers whose system the site declares unique: each names at
        most one current resource of a type.
    """

    subject: str = ""
    status: str = ""
    tokens: tuple[tuple[str, str, str], ...] = ()
    references: tuple[tuple[str, str], ...] = ()
    dates: tuple[tuple[str, datetime | None, datetime | None], ...] = ()
    strings: tuple[tuple[str, str], ...] = ()
    identifiers: tuple[tuple[str, str], ...] = ()
    unique: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """The number a stored version was given, and when."""

    site: str
    type: str
    id: str
    version: int
    last_updated: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One stored version of a resource.

    Parameters
    ----------
    site
        Who owns it: a site, or in the trial zone a trial.
    type, id, version
        Its FHIR key.
    last_updated
        When it became known: the instant of its commit group.
    body
        The bytes to serve: as received, but for references that the gateway resolved
        (`Reader.received` returns what was sent); empty for a deletion.
    content_hash
        As given by the caller.
    deleted
        Whether this version is a deletion.
    derived
        Whether the gateway made it.
    disposition
        How it was settled; None where mapping does not apply (derived, deleted).
    rule
        The rule a not-needed resource falls under.
    seq
        Place in the order of commits: a later version of anything has a higher one.
    """

    site: str
    type: str
    id: str
    version: int
    last_updated: datetime
    body: bytes
    content_hash: bytes
    deleted: bool
    derived: bool
    disposition: Disposition | None
    rule: str
    seq: int


@dataclass(frozen=True, slots=True)
class FactChanges:
    """What replacing the facts of a resource changed; both empty if nothing did."""

    added: tuple[Fact, ...] = ()
    closed: tuple[Fact, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.closed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A subject that has to be evaluated.

    Parameters
    ----------
    since
        The earliest effective instant the change can affect.
    due
        None: at once; else when time alone will have changed something.
    marked
        When the oldest change behind this mark became known.
    seq
        Changes with each marking; give it to `Transaction.clear_mark`.
    reason
        Of the first marking.
    """

    site: str
    subject: str
    since: datetime
    due: datetime | None
    marked: datetime
    seq: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One reason one resource version waits on the work list.

    Parameters
    ----------
    judged_by
        The rules by which it was held; by others it may no longer be.
    """

    site: str
    type: str
    id: str
    version: int
    subject: str
    since: datetime
    holding: Holding
    judged_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldGroup:
    """Held items with the same reason and detail, and how many subjects they block."""

    reason: str
    detail: str
    resources: int
    subjects: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """How one entry of a push ended.

    Parameters
    ----------
    outcome
        `stored`, `duplicate` or `refused`.
    disposition
        How the version it was stored as, or is a duplicate of, is settled now.
    detail
        For people: why it was refused; never a patient value.
    """

    sequence: int
    type: str
    id: str
    version: int | None
    outcome: str
    disposition: Disposition | None
    rule: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounting:
    """Where every entry of a push ended.

    `total` = stored + duplicate + refused, and
    stored + duplicate = mapped + not_needed + held + unsettled.
    `unsettled` counts versions that mapping does not apply to (deletions); `unread`, which
    stands beside the sums, Bundles refused whole. `holdings` counts resources by reason and
    detail for which they are held; one may be held for several.

    Parameters
    ----------
    rules
        How many are not needed, by rule.
    types
        How many entries, by resource type and outcome or disposition.
    """

    total: int
    stored: int
    duplicate: int
    refused: int
    mapped: int
    not_needed: int
    held: int
    unsettled: int
    unread: int
    holdings: dict[tuple[str, str], int]
    rules: dict[str, int]
    types: dict[tuple[str, str], int]
