"""Writes of what a trial sees: the resources of its zone, and its key."""

from sqlalchemy import insert

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.store.models import IndexRows, Stored, StoredVersion
from aclf_fhir.store.query import Page, SearchQuery
from aclf_fhir.store.reader import TRIAL_STATEMENTS
from aclf_fhir.store.resources import read_page
from aclf_fhir.store.tables import TRIAL_KEY
from aclf_fhir.store.unit_of_work import UnitOfWork

__all__ = ["TrialWrites"]

_INSERT_KEY = insert(TRIAL_KEY)


class TrialWrites(UnitOfWork):
    """Writes of the trial zone, which is read here as it is written."""

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
