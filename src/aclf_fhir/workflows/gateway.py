"""What every use case is handed: the store, the catalog, the site and the clock."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock
from typing import Literal

from aclf_fhir.catalog import Catalog
from aclf_fhir.evaluation import EvaluationRules
from aclf_fhir.mapping.models import SiteMap
from aclf_fhir.scores import SCORES
from aclf_fhir.store import Store
from aclf_fhir.trial import Protocol

__all__ = ["AsOf", "Gateway", "rule_versions", "rules_of"]

AsOf = Literal["now", "last"]
"""For which instant verdicts are given: now, or each subject's last result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The running system, passed down as one argument.

    Parameters
    ----------
    store
        Where everything is kept.
    catalog
        The data files, as models.
    site
        Id of the site whose zone this is.
    clock
        Returns the current instant, aware.
    as_of
        The T of published verdicts.
    base
        Base URL of the site's endpoint; references that begin with it are our own.
    software_version
        Version of the gateway, named in every Provenance.
    trial_keys
        Secret per trial, from which its pseudonyms are made.
    evaluating
        Held while a subject is evaluated, so that an older view never overwrites a newer.
    """

    store: Store
    catalog: Catalog
    site: str
    clock: Callable[[], datetime]
    as_of: AsOf = "now"
    base: str = ""
    software_version: str = ""
    trial_keys: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    evaluating: Lock = field(default_factory=Lock, repr=False, compare=False)

    @property
    def site_map(self) -> SiteMap:
        """What the site does its own way."""
        return self.catalog.sites[self.site]

    @property
    def judged_by(self) -> str:
        """What decides how inputs are mapped: the software, and every data file."""
        return f"{self.software_version} {self.catalog.version}"

    @property
    def rules(self) -> EvaluationRules:
        """How facts are chosen at this site."""
        return rules_of(self.catalog, self.site)


def rules_of(catalog: Catalog, site: str) -> EvaluationRules:
    """Return how facts are chosen at a site: the catalog's limits, the site's feeds."""
    site_map = catalog.indexes(site).site
    rules = EvaluationRules(
        analytes=catalog.analytes,
        scales=catalog.scales,
        complete_feeds=site_map.complete_feeds,
        zone=site_map.zone,
        constants=site_map.constants,
    )
    if site_map.complete_feeds.issuperset(rules.vasopressors):
        # Who records every drug that supports the circulation records the support.
        return replace(rules, complete_feeds=rules.complete_feeds | {"vasopressor"})
    return rules


def rule_versions(
    gateway: Gateway, protocols: Iterable[Protocol], scores: Iterable[str]
) -> dict[str, str]:
    """Return the version of each rule a result rests on, by the name Provenance gives it."""
    versions = {f"score/{score}": SCORES[score].version for score in scores}
    versions |= {f"protocol/{protocol.id}": protocol.version for protocol in protocols}
    versions["mapping"] = gateway.catalog.versions["mappings"]
    return versions
