"""What can be read of the site zone, and, apart from it, of one trial's zone."""

from datetime import datetime

from sqlalchemy import bindparam, select

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.store.access import Access
from aclf_fhir.store.facts import FactReads
from aclf_fhir.store.holdings import HoldingReads
from aclf_fhir.store.identities import OWNER
from aclf_fhir.store.instants import to_microseconds
from aclf_fhir.store.intake_log import IntakeReads
from aclf_fhir.store.marks import MarkReads
from aclf_fhir.store.models import Stored
from aclf_fhir.store.query import Page, SearchQuery
from aclf_fhir.store.resource_statements import ResourceStatements
from aclf_fhir.store.resources import find, read_page
from aclf_fhir.store.session import Session
from aclf_fhir.store.tables import (
    OPEN,
    SITE_ZONE,
    TRIAL_KEY,
    TRIAL_ZONE,
    UNBOUNDED,
)
from aclf_fhir.store.texts import key_text

__all__ = ["SITE_STATEMENTS", "TRIAL_STATEMENTS", "Reader", "TrialReader"]

SITE_STATEMENTS = ResourceStatements(SITE_ZONE)
TRIAL_STATEMENTS = ResourceStatements(TRIAL_ZONE)

_TRIAL_KEY = select(TRIAL_KEY.c.key).where(TRIAL_KEY.c.trial == bindparam("trial"))


class Reader(FactReads, MarkReads, HoldingReads, IntakeReads):
    """Reads of the site zone, all from one snapshot of committed data."""

    def current(self, site: str, type_: str, id_: str) -> Stored | None:
        """Return the newest version of a resource, which may be a deletion."""
        found = find(self._session, SITE_STATEMENTS.current, site, type=type_, id=id_)
        return found[0] if found else None

    def version(self, site: str, type_: str, id_: str, number: int) -> Stored | None:
        """Return one version of a resource."""
        found = find(
            self._session, SITE_STATEMENTS.version, site, type=type_, id=id_, number=number
        )
        return found[0] if found else None

    def received(self, site: str, type_: str, id_: str, version: int) -> bytes:
        """Return the bytes one version was received as; empty for a deletion.

        Raises
        ------
        AclfError
            `not_found`, if there is no such version.
        """
        row = self._session.one(
            SITE_STATEMENTS.received, scope=site, type=type_, id=id_, number=version
        )
        if row is None:
            raise AclfError.of(Category.NOT_FOUND, type_, "There is no such version.")
        return bytes(row[0])

    def history(
        self,
        site: str,
        type_: str,
        id_: str | None = None,
        *,
        since: datetime | None = None,
        before: int | None = None,
        count: int = 50,
    ) -> tuple[Stored, ...]:
        """Return versions of a resource, or of all of a type, newest first.

        `since` leaves out what was stored earlier; `before`, the `seq` of the last
        version of a page, gives the next page.
        """
        statements = SITE_STATEMENTS
        values: dict[str, object] = {
            "type": type_,
            "before": OPEN if before is None else before,
            "since": UNBOUNDED if since is None else to_microseconds(since),
            "count": count,
        }
        if id_ is None:
            return find(self._session, statements.history_of_type, site, **values)
        return find(self._session, statements.history_of_one, site, id=id_, **values)

    def search(self, site: str, type_: str, query: SearchQuery) -> Page:
        """Return one page of the current resources of a type that match a query."""
        return read_page(self._session, SITE_STATEMENTS, scope=site, type_=type_, query=query)

    def by_identity(self, site: str, type_: str, system: str, value: str) -> str | None:
        """Return the id of the one resource a unique identifier names, None if free."""
        row = self._session.one(
            OWNER,
            site=site,
            type=type_,
            system=key_text(system),
            value=key_text(value),
        )
        return None if row is None else row[1]

    def trial_key(self, trial: str) -> bytes | None:
        """Return the secret the pseudonyms of a trial are made with."""
        row = self._session.one(_TRIAL_KEY, trial=trial)
        return None if row is None else row[0]


class TrialReader(Access):
    """Reads of one trial's zone; it knows no other tables."""

    def __init__(self, session: Session, watermark: int, trial: str) -> None:
        super().__init__(session, watermark)
        self.trial = trial

    def current(self, type_: str, id_: str) -> Stored | None:
        """Return the newest version of a resource, which may be a deletion."""
        statement = TRIAL_STATEMENTS.current
        found = find(self._session, statement, self.trial, type=type_, id=id_)
        return found[0] if found else None

    def version(self, type_: str, id_: str, number: int) -> Stored | None:
        """Return one version of a resource."""
        statement = TRIAL_STATEMENTS.version
        found = find(self._session, statement, self.trial, type=type_, id=id_, number=number)
        return found[0] if found else None

    def search(self, type_: str, query: SearchQuery) -> Page:
        """Return one page of the current resources of a type that match a query."""
        return read_page(
            self._session, TRIAL_STATEMENTS, scope=self.trial, type_=type_, query=query
        )
