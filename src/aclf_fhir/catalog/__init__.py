"""Data files into frozen models: analytes, value sets, scales, sites, protocols."""

from aclf_fhir.catalog.catalog import Catalog, check, load_catalog
from aclf_fhir.catalog.files import data_root
from aclf_fhir.catalog.indexes import Indexes
from aclf_fhir.catalog.shipped_cases import own_cases

__all__ = ["Catalog", "Indexes", "check", "data_root", "load_catalog", "own_cases"]
