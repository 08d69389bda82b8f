"""Writes that say what a resource became: facts, a place on the work list, neither."""

from collections.abc import Sequence

from aclf_fhir.mapping.models import Disposition, Holding, MappingOutcome
from aclf_fhir.record import Fact
from aclf_fhir.store.facts import replace_facts
from aclf_fhir.store.holdings import hold, release
from aclf_fhir.store.models import FactChanges
from aclf_fhir.store.resource_writer import Head
from aclf_fhir.store.unit_of_work import UnitOfWork

__all__ = ["Settlement"]


class Settlement(UnitOfWork):
    """Writes of facts, holdings and dispositions."""

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
