"""What one unit of work can write."""

from datetime import datetime

from aclf_fhir.mapping.models import Disposition
from aclf_fhir.store.access import Numbers
from aclf_fhir.store.identities import Identities
from aclf_fhir.store.intake_log import INSERT_LOG, NOTHING_STORED
from aclf_fhir.store.marks import Marking, clear_mark
from aclf_fhir.store.models import IndexRows, Stored, StoredVersion
from aclf_fhir.store.session import Session
from aclf_fhir.store.settlement import Settlement
from aclf_fhir.store.texts import key_text
from aclf_fhir.store.trial_writes import TrialWrites
from aclf_fhir.store.unit_of_work import GroupMemory

__all__ = ["Transaction"]


class Transaction(Settlement, TrialWrites):
    """One unit of work: reads that see its own writes, and writes of one instant.

    It is done wholly or not at all, and nobody else writes meanwhile. What it
    reads may be relied on until it ends.
    """

    def __init__(
        self, session: Session, watermark: int, numbers: Numbers, group: GroupMemory
    ) -> None:
        super().__init__(session, watermark, numbers, group)
        self._identities = Identities(session, group.owners)
        self._marking = Marking(session, numbers)

    # ── Resources ────────────────────────────────────────────────────────────

    def current(self, site: str, type_: str, id_: str) -> Stored | None:
        """Return the newest version of a resource, which may be a deletion."""
        head = self._resources.head(site, type_, id_)
        return None if head is None else head.stored

    def next_version(self, site: str, type_: str, id_: str) -> int:
        """Return the number `put` will give to the next version of a resource."""
        head = self._resources.head(site, type_, id_)
        return 1 if head is None else head.stored.version + 1

    def put(
        self,
        site: str,
        type_: str,
        id_: str,
        body: bytes,
        *,
        content_hash: bytes,
        index: IndexRows,
        derived: bool = False,
        deleted: bool = False,
        disposition: Disposition | None = None,
        rule: str = "",
        received: bytes | None = None,
    ) -> StoredVersion:
        """Store a new version of a resource; the caller decides whether one is due.

        Parameters
        ----------
        site, type_, id_
            Key of the resource.
        body
            The bytes to keep and to serve; b"" for a deletion.
        content_hash
            What a resend is recognised by.
        index
            What searches can ask; ignored for a deletion.
        derived
            Whether the gateway made it.
        deleted
            Whether this version is a deletion; it frees the unique identifiers.
        disposition, rule
            How it is settled, where that is known already; else call `settle`.
        received
            The sender's bytes, where they may differ from `body`; None if they do not.

        Raises
        ------
        AclfError
            `conflict`, if a unique identifier names another current resource.
        """
        before = self._resources.head(site, type_, id_)
        freed = frozenset() if before is None else _unique(before.rows)
        wanted = frozenset() if deleted else _unique(index)
        for system, value in wanted - freed:
            self._identities.refuse_taken((site, type_, system, value))
        head = self._resources.put(
            site,
            type_,
            id_,
            body,
            content_hash=content_hash,
            index=index,
            derived=derived,
            deleted=deleted,
            disposition=disposition,
            rule=rule,
            received=received,
        )
        for system, value in sorted(freed - wanted):
            self._identities.free((site, type_, system, value))
        for system, value in sorted(wanted - freed):
            self._identities.claim((site, type_, system, value), (head.rid, id_))
        return StoredVersion(
            site=site,
            type=type_,
            id=id_,
            version=head.stored.version,
            last_updated=head.stored.last_updated,
        )

    def by_identity(self, site: str, type_: str, system: str, value: str) -> str | None:
        """Return the id of the one resource a unique identifier names, None if free."""
        owner = self._identities.owner((site, type_, key_text(system), key_text(value)))
        return None if owner is None else owner[1]

    def log(
        self,
        push: str,
        *,
        site: str,
        sequence: int,
        type_: str,
        id_: str,
        version: int | None,
        outcome: str,
        detail: str = "",
    ) -> None:
        """Write how one entry of a push ended.

        Parameters
        ----------
        push
            Names the push: a request, a run of `send`.
        sequence
            Place of the entry in the push.
        type_, id_, version
            What it was stored as or is a duplicate of; for a refused entry what
            could be read of it ("" otherwise), and no version.
        outcome
            `stored`, `duplicate`, `refused`, or `unread`: a Bundle refused whole, of
            whose entries nothing is known.
        detail
            For people; never a patient value.
        """
        if outcome not in {"stored", "duplicate", *NOTHING_STORED}:
            message = f"outcome {outcome!r} is none of stored, duplicate, refused, unread"
            raise ValueError(message)
        rid = None if version is None else self._head(site, type_, id_).rid
        if (rid is None) != (outcome in NOTHING_STORED):
            message = "an entry has a version unless nothing of it was stored"
            raise ValueError(message)
        self._session.insert(
            INSERT_LOG,
            {
                "seq": self._numbers.next_seq(),
                "site": site,
                "push": key_text(push),
                "sequence": sequence,
                "type": type_,
                "id": id_,
                "rid": rid,
                "version": version,
                "outcome": outcome,
                "detail": detail,
                "known": self._numbers.known,
            },
        )

    # ── Marks ────────────────────────────────────────────────────────────────

    def mark(self, site: str, subject: str, since: datetime, reason: str) -> None:
        """Mark a subject for evaluation; the earliest `since` of all marks counts."""
        self._marking.now(site, subject, since, reason)

    def mark_at(
        self, site: str, subject: str, due: datetime, since: datetime, reason: str = "time"
    ) -> None:
        """Mark a subject for evaluation at an instant to come; the earliest counts."""
        self._marking.later(site, subject, due, since, reason)

    def clear_mark(self, site: str, subject: str, mark_seq: int) -> bool:
        """Remove the mark that was worked on, unless the subject was marked again since.

        The older future mark of the subject goes with it: an evaluation that has
        seen everything says itself, with `mark_at`, when the next one is due.
        """
        return clear_mark(self._session, site, subject, mark_seq)

    # ── The end ──────────────────────────────────────────────────────────────

    def finish(self) -> None:
        """End the unit of work: what it did stands, unless its group fails."""
        self._marking.write()
        self._resources.adopt()
        self._trial_resources.adopt()
        self._identities.adopt()
        self._standing.adopt()


def _unique(index: IndexRows) -> frozenset[tuple[str, str]]:
    return frozenset((key_text(system), key_text(value)) for system, value in index.unique)
