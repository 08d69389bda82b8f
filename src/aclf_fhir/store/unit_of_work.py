"""What every group of writes of one unit of work stands on."""

from collections.abc import Sequence
from datetime import datetime

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.record import Fact
from aclf_fhir.store.access import Numbers
from aclf_fhir.store.facts import FactsKey
from aclf_fhir.store.identities import Identity, Owner
from aclf_fhir.store.reader import SITE_STATEMENTS, TRIAL_STATEMENTS, Reader
from aclf_fhir.store.resource_writer import Head, Memory, ResourceWriter
from aclf_fhir.store.session import Session

__all__ = ["GroupMemory", "UnitOfWork"]


class GroupMemory:
    """What a commit group read or wrote, so that it need not be read again."""

    def __init__(self, site: Memory, trial: Memory) -> None:
        self.site = site
        self.trial = trial
        self.owners: dict[Identity, Owner | None] = {}
        self.facts: dict[FactsKey, Sequence[Fact] | None] = {}
        self.awaited: set[tuple[str, str]] = set()
        """Site and target of what somebody in the group began to wait for."""

    def committed(self) -> None:
        """Keep for good what stays true."""
        self.site.committed()
        self.trial.committed()


class UnitOfWork(Reader):
    """Reads that see the unit's own writes, and what its writes have in common."""

    def __init__(
        self, session: Session, watermark: int, numbers: Numbers, group: GroupMemory
    ) -> None:
        super().__init__(session, watermark)
        self._numbers = numbers
        self._resources = ResourceWriter(session, SITE_STATEMENTS, numbers, group.site)
        self._trial_resources = ResourceWriter(session, TRIAL_STATEMENTS, numbers, group.trial)

    @property
    def known(self) -> datetime:
        """The instant of this commit group: lastUpdated and known time of all it writes.

        Later than that of every group committed before, whatever the clock does.
        """
        return self._numbers.instant

    def _head(self, site: str, type_: str, id_: str) -> Head:
        head = self._resources.head(site, type_, id_)
        if head is None:
            raise AclfError.of(Category.NOT_FOUND, type_, "There is no such resource.")
        return head
