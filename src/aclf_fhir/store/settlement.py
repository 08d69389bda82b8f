"""Writes that say what a resource became: facts, a place on the work list, neither."""

from collections.abc import Sequence

from aclf_fhir.mapping.models import Disposition, Holding, MappingOutcome
from aclf_fhir.record import Fact
from aclf_fhir.store.access import Numbers
from aclf_fhir.store.facts import FactsKey, StandingFacts, replace_facts
from aclf_fhir.store.holdings import WAITING_FOR, hold, release
from aclf_fhir.store.models import FactChanges
from aclf_fhir.store.resource_writer import Head
from aclf_fhir.store.session import Session
from aclf_fhir.store.texts import key_text
from aclf_fhir.store.unit_of_work import GroupMemory, UnitOfWork

__all__ = ["Settlement"]


class Settlement(UnitOfWork):
    """Writes of facts, holdings and dispositions."""

    def __init__(
        self, session: Session, watermark: int, numbers: Numbers, group: GroupMemory
    ) -> None:
        super().__init__(session, watermark, numbers, group)
        self._awaited = group.awaited
        self._standing = StandingFacts(self._facts_of, group.facts)

    def standing_facts(self, site: str, subject: str, concept: str) -> Sequence[Fact]:
        """Do what `facts` does for one concept at present, for what is asked again and again."""
        return self._standing.of((site, subject, concept))

    def _facts_of(self, key: FactsKey) -> Sequence[Fact]:
        site, subject, concept = key
        return self.facts(site, subject, concepts=(concept,))

    def waiting_for(self, site: str, reference: str) -> list[tuple[str, str]]:
        """Return (type, id) of the resources to map again once `Type/id` is there."""
        target = key_text(reference)
        if (site, target) in self._awaited:
            return super().waiting_for(site, reference)
        rows = self._session.look_all(WAITING_FOR, site=site, target=target)
        return [(row[0], row[1]) for row in rows]

    def settle(
        self,
        site: str,
        type_: str,
        id_: str,
        version: int,
        outcome: MappingOutcome,
        judged_by: str = "",
    ) -> FactChanges:
        """Replace facts, holdings and disposition of a resource by what a mapping gave.

        The one call that keeps the three in step; `FactChanges` says which facts
        came and went, and so from which instant the subjects have to be marked.
        `judged_by` names the rules of the mapping.
        """
        head = self._head(site, type_, id_)
        self._resources.settle(head, version, outcome.disposition, outcome.rule)
        self._hold(head, version, outcome.holdings, outcome.waits_for, judged_by)
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
        self._standing.forget(
            (head.stored.site, fact.subject, fact.concept)
            for fact in (*changes.added, *changes.closed)
        )
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
        self,
        head: Head,
        version: int,
        holdings: Sequence[Holding],
        waits_for: Sequence[str],
        judged_by: str = "",
    ) -> None:
        if head.has_holdings:
            release(self._session, head.rid)
        self._awaited.update((head.stored.site, key_text(target)) for target in waits_for)
        hold(
            self._session,
            self._numbers,
            site=head.stored.site,
            rid=head.rid,
            version=version,
            holdings=holdings,
            waits_for=waits_for,
            judged_by=judged_by,
        )
        head.has_holdings = bool(holdings or waits_for)
