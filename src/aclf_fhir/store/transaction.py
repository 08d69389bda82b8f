"""What one unit of work can write."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.mapping.models import Disposition, Holding, MappingOutcome
from aclf_fhir.record import Fact
from aclf_fhir.store.access import Numbers
from aclf_fhir.store.facts import replace_facts
from aclf_fhir.store.holdings import hold, release
from aclf_fhir.store.instants import to_microseconds
from aclf_fhir.store.intake_log import INSERT_LOG
from aclf_fhir.store.marks import Marking, clear_mark
from aclf_fhir.store.models import (
    FactChanges,
    IndexRows,
    Stored,
    StoredEvaluation,
    StoredVersion,
)
from aclf_fhir.store.query import Page, SearchQuery
from aclf_fhir.store.reader import SITE_STATEMENTS, TRIAL_STATEMENTS, Reader
from aclf_fhir.store.resources import Head, Memory, ResourceWriter, read_page
from aclf_fhir.store.session import Session
from aclf_fhir.store.tables import BUSINESS_IDENTITY, EVALUATION, TRIAL_KEY
from aclf_fhir.store.texts import key_text

__all__ = ["GroupMemory", "Transaction"]

_IDENTITY = BUSINESS_IDENTITY.c
_OWNER = select(_IDENTITY.rid, _IDENTITY.id).where(
    _IDENTITY.site == bindparam("site"),
    _IDENTITY.type == bindparam("type"),
    _IDENTITY.system == bindparam("system"),
    _IDENTITY.value == bindparam("value"),
)
_INSERT_IDENTITY = insert(BUSINESS_IDENTITY)
_FREE_IDENTITY = delete(BUSINESS_IDENTITY).where(
    _IDENTITY.site == bindparam("of_site"),
    _IDENTITY.type == bindparam("of_type"),
    _IDENTITY.system == bindparam("of_system"),
    _IDENTITY.value == bindparam("of_value"),
)
_INSERT_EVALUATION = insert(EVALUATION)
_INSERT_KEY = insert(TRIAL_KEY)


_Identity = tuple[str, str, str, str]
_Owner = tuple[int, str]


class GroupMemory:
    """What a commit group read or wrote, so that it need not be read again."""

    def __init__(self, site: Memory, trial: Memory) -> None:
        self.site = site
        self.trial = trial
        self.owners: dict[_Identity, _Owner | None] = {}

    def committed(self) -> None:
        """Keep for good what stays true."""
        self.site.committed()
        self.trial.committed()


class Transaction(Reader):
    """One unit of work: reads that see its own writes, and writes of one instant.

    It is done wholly or not at all, and nobody else writes meanwhile. What it
    reads may be relied on until it ends.
    """

    def __init__(
        self, session: Session, watermark: int, numbers: Numbers, group: GroupMemory
    ) -> None:
        super().__init__(session, watermark)
        self._numbers = numbers
        self._group = group
        self._owners: dict[_Identity, _Owner | None] = {}
        self._resources = ResourceWriter(session, SITE_STATEMENTS, numbers, group.site)
        self._trial_resources = ResourceWriter(session, TRIAL_STATEMENTS, numbers, group.trial)
        self._marking = Marking(session, numbers)

    @property
    def known(self) -> datetime:
        """The instant of this commit group: lastUpdated and known time of all it writes.

        Later than that of every group committed before, whatever the clock does.
        """
        return self._numbers.instant

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

        Raises
        ------
        AclfError
            `conflict`, if a unique identifier names another current resource.
        """
        before = self._resources.head(site, type_, id_)
        freed = frozenset() if before is None else _unique(before.rows)
        wanted = frozenset() if deleted else _unique(index)
        for system, value in wanted - freed:
            self._refuse_taken((site, type_, system, value))
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
        )
        for system, value in sorted(freed - wanted):
            self._free((site, type_, system, value))
        for system, value in sorted(wanted - freed):
            self._claim((site, type_, system, value), (head.rid, id_))
        return StoredVersion(
            site=site,
            type=type_,
            id=id_,
            version=head.stored.version,
            last_updated=head.stored.last_updated,
        )

    def by_identity(self, site: str, type_: str, system: str, value: str) -> str | None:
        """Return the id of the one resource a unique identifier names, None if free."""
        owner = self._owner((site, type_, key_text(system), key_text(value)))
        return None if owner is None else owner[1]

    def _owner(self, identity: _Identity) -> _Owner | None:
        for seen in (self._owners, self._group.owners):
            if identity in seen:
                return seen[identity]
        site, type_, system, value = identity
        row = self._session.look(_OWNER, site=site, type=type_, system=system, value=value)
        owner = self._owners[identity] = None if row is None else (row[0], row[1])
        return owner

    def _refuse_taken(self, identity: _Identity) -> None:
        if self._owner(identity) is not None:
            raise AclfError.of(
                Category.CONFLICT,
                f"{identity[1]}.identifier",
                "Another resource already has this identifier, which the site declares unique.",
                "Update that resource, or correct the identifier.",
            )

    def _claim(self, identity: _Identity, owner: _Owner) -> None:
        site, type_, system, value = identity
        row = {"site": site, "type": type_, "system": system, "value": value}
        self._session.insert(_INSERT_IDENTITY, {**row, "rid": owner[0], "id": owner[1]})
        self._owners[identity] = owner

    def _free(self, identity: _Identity) -> None:
        site, type_, system, value = identity
        self._session.run(
            _FREE_IDENTITY, of_site=site, of_type=type_, of_system=system, of_value=value
        )
        self._owners[identity] = None

    # ── What a resource became ───────────────────────────────────────────────

    def settle(
        self, site: str, type_: str, id_: str, version: int, outcome: MappingOutcome
    ) -> FactChanges:
        """Replace facts, holdings and disposition of a resource by what a mapping gave.

        The one call that keeps the three in step; `FactChanges` says which facts
        came and went, and so from which instant the subjects have to be marked.
        """
        head = self._head(site, type_, id_)
        self._resources.settle(head, version, outcome.disposition, outcome.rule)
        self._hold(head, version, outcome.holdings, outcome.waits_for)
        return self._replace_facts(head, outcome.facts)

    def dispose(
        self, site: str, type_: str, id_: str, version: int, disposition: Disposition, rule: str
    ) -> None:
        """Say how a version is settled, nothing else."""
        self._resources.settle(self._head(site, type_, id_), version, disposition, rule)

    def replace_facts(
        self, site: str, type_: str, id_: str, version: int, facts: Sequence[Fact]
    ) -> FactChanges:
        """Make `facts` the facts that stand for a resource.

        Facts that say the same from the same version stay open with their known
        time; others of the resource are closed, and new ones added, at `known`.
        `version` is the version they were mapped from, each fact's source.
        """
        if any(fact.source.version != version for fact in facts):
            message = "facts come from another version of the resource"
            raise ValueError(message)
        return self._replace_facts(self._head(site, type_, id_), facts)

    def _replace_facts(self, head: Head, facts: Sequence[Fact]) -> FactChanges:
        changes = replace_facts(
            self._session,
            self._numbers,
            site=head.stored.site,
            rid=head.rid,
            facts=facts,
            has_open=head.has_facts,
        )
        head.has_facts = head.has_facts or bool(facts)
        return changes

    def hold(
        self,
        site: str,
        type_: str,
        id_: str,
        version: int,
        holdings: Sequence[Holding],
        waits_for: Sequence[str] = (),
    ) -> None:
        """Replace the reasons a resource is held and the references it waits for."""
        self._hold(self._head(site, type_, id_), version, holdings, waits_for)

    def release(self, site: str, type_: str, id_: str) -> None:
        """Take a resource off the work list; it waits for nothing any more."""
        self._hold(self._head(site, type_, id_), 0, (), ())

    def _hold(
        self, head: Head, version: int, holdings: Sequence[Holding], waits_for: Sequence[str]
    ) -> None:
        if head.has_holdings:
            release(self._session, head.rid)
        hold(
            self._session,
            self._numbers,
            site=head.stored.site,
            rid=head.rid,
            version=version,
            holdings=holdings,
            waits_for=waits_for,
        )
        head.has_holdings = bool(holdings or waits_for)

    def _head(self, site: str, type_: str, id_: str) -> Head:
        head = self._resources.head(site, type_, id_)
        if head is None:
            raise AclfError.of(Category.NOT_FOUND, type_, "There is no such resource.")
        return head

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
            `stored`, `duplicate` or `refused`.
        detail
            For people; never a patient value.
        """
        if outcome not in {"stored", "duplicate", "refused"}:
            message = f"outcome {outcome!r} is none of stored, duplicate, refused"
            raise ValueError(message)
        rid = None if version is None else self._head(site, type_, id_).rid
        if (rid is None) != (outcome == "refused"):
            message = "an entry has a version unless it is refused"
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

    # ── Evaluations and the trial zone ───────────────────────────────────────

    def put_evaluation(self, evaluation: StoredEvaluation) -> None:
        """Keep a published evaluation for ever."""
        self._session.insert(
            _INSERT_EVALUATION,
            {
                "site": evaluation.site,
                "subject": evaluation.subject,
                "as_of": to_microseconds(evaluation.as_of),
                "known_at": to_microseconds(evaluation.known_at),
                "content_hash": evaluation.content_hash,
                "versions": evaluation.versions,
                "body": evaluation.body,
            },
        )

    def put_trial_key(self, trial: str, key: bytes) -> None:
        """Keep the secret of a trial; it is given once and never changed."""
        if self.trial_key(trial) is not None:
            raise AclfError.of(Category.CONFLICT, "", "The trial already has a key.")
        self._session.insert(_INSERT_KEY, {"trial": trial, "key": key})

    def trial_current(self, trial: str, type_: str, id_: str) -> Stored | None:
        """Return the newest version of a resource of a trial's zone."""
        head = self._trial_resources.head(trial, type_, id_)
        return None if head is None else head.stored

    def trial_search(self, trial: str, type_: str, query: SearchQuery) -> Page:
        """Return one page of the current resources of a trial's zone that match a query."""
        return read_page(self._session, TRIAL_STATEMENTS, scope=trial, type_=type_, query=query)

    def put_trial(
        self,
        trial: str,
        type_: str,
        id_: str,
        body: bytes,
        *,
        content_hash: bytes,
        index: IndexRows,
        deleted: bool = False,
    ) -> StoredVersion:
        """Store a new version of a resource of a trial's zone."""
        head = self._trial_resources.put(
            trial,
            type_,
            id_,
            body,
            content_hash=content_hash,
            index=index,
            derived=True,
            deleted=deleted,
            disposition=None,
            rule="",
        )
        return StoredVersion(
            site=trial,
            type=type_,
            id=id_,
            version=head.stored.version,
            last_updated=head.stored.last_updated,
        )

    def finish(self) -> None:
        """End the unit of work: what it did stands, unless its group fails."""
        self._marking.write()
        self._resources.adopt()
        self._trial_resources.adopt()
        self._group.owners.update(self._owners)


def _unique(index: IndexRows) -> frozenset[tuple[str, str]]:
    return frozenset((key_text(system), key_text(value)) for system, value in index.unique)
