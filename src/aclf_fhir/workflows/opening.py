"""Opening and closing the gateway: catalog, store, keys, and what is published once."""

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from aclf_fhir.catalog import Catalog, load_catalog
from aclf_fhir.errors import AclfError, Category
from aclf_fhir.publication import (
    Derived,
    EvaluationReason,
    TrialZone,
    gateway_device,
    measure,
    research_study,
)
from aclf_fhir.store import SearchQuery, Sort, Store, Transaction
from aclf_fhir.workflows.gateway import AsOf, Gateway
from aclf_fhir.workflows.publishing import pages, put_derived, put_trial_derived
from aclf_fhir.workflows.settling import BEGINNING

__all__ = ["close_gateway", "open_gateway"]

_KEY_BYTES = 32
_PAGE = 500


def open_gateway(
    *,
    database: str,
    site: str,
    as_of: AsOf = "now",
    mappings: Path | None = None,
    trials: Path | None = None,
    base: str = "",
    software_version: str = "source",
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    serving: bool = True,
) -> Gateway:
    """Load the catalog, open the store, and publish what depends on neither patient nor time.

    Whoever looks into the database of a server leaves publishing to the server (`serving`).

    Parameters
    ----------
    database
        URL of the database; made if it is empty.
    site
        Id of the site, a file of `mappings/sites/`.
    as_of
        For which instant verdicts are given.
    mappings, trials
        The site's own data folders, laid over the package's.
    base
        Base URL of the site's endpoint, `http://127.0.0.1:8000/fhir`.
    software_version
        Version of the gateway, named in every Provenance.
    clock
        Returns the current instant.
    serving
        Whether an empty database is made ready, and studies and measures are published as
        these data files have them; else it is refused, and nothing is written.

    Raises
    ------
    AclfError
        `invalid` with every problem of the data files, `not_found` for an unknown
        site, `unsupported` or `unavailable` for the database.
    """
    catalog = load_catalog(mappings=mappings, trials=trials)
    if site not in catalog.sites:
        raise AclfError.of(
            Category.NOT_FOUND,
            "site",
            "there is no site of that name",
            f"Known sites: {', '.join(sorted(catalog.sites))}.",
        )
    store = Store.open(database, create=serving)
    try:
        keys = store.write(lambda tx: _keys(tx, catalog)) if serving else {}
        gateway = Gateway(
            store=store,
            catalog=catalog,
            site=site,
            clock=clock,
            as_of=as_of,
            base=base,
            software_version=software_version,
            trial_keys=keys,
        )
        if serving:
            store.write(lambda tx: _publish_definitions(tx, gateway))
    except BaseException:
        store.close()
        raise
    return gateway


def close_gateway(gateway: Gateway) -> None:
    """Finish the writes that wait and close the store."""
    gateway.store.close()


def _keys(tx: Transaction, catalog: Catalog) -> Mapping[str, bytes]:
    """Return the secret of each trial, making it the first time."""
    keys = {}
    for trial in catalog.protocols:
        key = tx.trial_key(trial)
        if key is None:
            key = secrets.token_bytes(_KEY_BYTES)
            tx.put_trial_key(trial, key)
        keys[trial] = key
    return keys


def _publish_definitions(tx: Transaction, gateway: Gateway) -> None:
    put_derived(tx, gateway, gateway_device(gateway.software_version))
    rules_changed = False
    for trial, protocol in gateway.catalog.protocols.items():
        zone = TrialZone(trial, gateway.trial_keys[trial])
        definitions: tuple[Derived, ...] = (research_study(protocol), *measure(protocol))
        for derived in definitions:
            rules_changed |= put_derived(tx, gateway, derived) is not None
            put_trial_derived(tx, gateway, zone.trial, derived)
    if rules_changed:
        _judge_again(tx, gateway)


def _judge_again(tx: Transaction, gateway: Gateway) -> None:
    """Mark every Patient: a verdict by another version of a protocol is another verdict."""
    everybody = SearchQuery(clauses=(), sort=Sort.ARRIVAL, count=_PAGE)
    for patient in pages(lambda one: tx.search(gateway.site, "Patient", one), everybody):
        tx.mark(gateway.site, patient.id, BEGINNING, EvaluationReason.RULES_CHANGED)
