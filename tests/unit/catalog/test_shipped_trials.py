import pytest

from aclf_fhir.catalog import Catalog
from aclf_fhir.codes import CANONICAL_BASE


@pytest.mark.parametrize("trial", ["nct02857010", "nct03668171"])
def test_the_shipped_trials_are_found_by_every_name(catalog: Catalog, trial: str) -> None:
    names = catalog.indexes("default").trials
    for name in (
        trial,
        trial.upper(),
        f"ResearchStudy/{trial}",
        f"{CANONICAL_BASE}/ResearchStudy/{trial}",
    ):
        assert names[name] == trial
    items = set(catalog.protocols[trial].items)
    assert items
    assert items <= catalog.indexes("default").attestation_items
