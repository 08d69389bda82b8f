"""A store of plain lists and dicts: slow, obvious, and what the real one must agree with."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from aclf_fhir.mapping.models import Disposition, MappingOutcome
from aclf_fhir.record import Fact
from aclf_fhir.store import IndexRows, Reader, SearchQuery, TokenClause, TokenValue


def identified(
    reader: Reader, type_: str, value: str, *, system: str = "s", site: str = "a"
) -> list[str]:
    """Return the ids of the current resources that carry an identifier."""
    query = SearchQuery(clauses=(TokenClause("identifier", (TokenValue(system, value),)),))
    return [one.id for one in reader.search(site, type_, query).matches]


@dataclass
class Version:
    body: bytes
    index: IndexRows
    deleted: bool
    known: datetime
    disposition: Disposition | None = None


@dataclass
class KnownFact:
    owner: str
    fact: Fact
    closed: datetime | None = None


@dataclass
class Oracle:
    """One site with one resource type."""

    resources: dict[str, list[Version]] = field(default_factory=dict)
    facts: list[KnownFact] = field(default_factory=list)
    marks: dict[str, datetime] = field(default_factory=dict)
    holdings: dict[str, MappingOutcome] = field(default_factory=dict)
    log: list[tuple[str, int]] = field(default_factory=list)

    def owner(self, value: str) -> str | None:
        """Return the id of the current resource with a unique identifier."""
        for id_, versions in self.resources.items():
            if not versions[-1].deleted and ("s", value) in versions[-1].index.unique:
                return id_
        return None

    def put(self, id_: str, version: Version) -> None:
        self.resources.setdefault(id_, []).append(version)

    def settle(self, id_: str, outcome: MappingOutcome, known: datetime) -> None:
        self.resources[id_][-1].disposition = outcome.disposition
        self.holdings[id_] = outcome
        wanted = Counter(replace(fact, known=known) for fact in outcome.facts)
        for one in self.facts:
            if one.owner == id_ and one.closed is None:
                key = replace(one.fact, known=known)
                if wanted[key] > 0:
                    wanted[key] -= 1
                else:
                    one.closed = known
        for fact in outcome.facts:
            key = replace(fact, known=known)
            if wanted[key] > 0:
                wanted[key] -= 1
                self.facts.append(KnownFact(id_, key))

    def known_facts(self, subject: str, known_at: datetime | None) -> Counter[Fact]:
        return Counter(
            one.fact
            for one in self.facts
            if one.fact.subject == subject
            and (
                one.closed is None
                if known_at is None
                else one.fact.known <= known_at and (one.closed is None or known_at < one.closed)
            )
        )

    def current(self) -> dict[str, Version]:
        return {
            id_: versions[-1]
            for id_, versions in self.resources.items()
            if not versions[-1].deleted
        }
