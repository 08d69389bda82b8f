"""FHIR R4 (4.0.1): typed resources, validation, references, Bundles, times.

The structs in `fhir.r4` are generated from the official definitions. An element
that is absent is None; a decimal is a `Decimal` with the digits that were sent; a
resource inside another one (`contained`, `Bundle.entry.resource`) is `msgspec.Raw`,
the bytes as received. A required primitive may still be None, where R4 lets an
extension stand in for it (`_status`).
"""

from aclf_fhir.fhir import r4
from aclf_fhir.fhir.bundle import (
    BundleEntry,
    BundleParts,
    entry_issues,
    split_bundle,
    split_requests,
)
from aclf_fhir.fhir.references import Reference, iter_references, parse_reference
from aclf_fhir.fhir.splice import splice_meta, splice_references
from aclf_fhir.fhir.times import (
    format_instant,
    is_sentinel,
    parse_clock,
    parse_date,
    parse_date_time,
    parse_instant,
    parse_search_date,
)
from aclf_fhir.fhir.validation import (
    encode,
    model,
    parse_resource,
    read_resource,
    resource_type_of,
    resource_types,
    validate,
)

__all__ = [
    "BundleEntry",
    "BundleParts",
    "Reference",
    "encode",
    "entry_issues",
    "format_instant",
    "is_sentinel",
    "iter_references",
    "model",
    "parse_clock",
    "parse_date",
    "parse_date_time",
    "parse_instant",
    "parse_reference",
    "parse_resource",
    "parse_search_date",
    "r4",
    "read_resource",
    "resource_type_of",
    "resource_types",
    "splice_meta",
    "splice_references",
    "split_bundle",
    "split_requests",
    "validate",
]
