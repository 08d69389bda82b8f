"""Code systems as distinct identifiers, and codings as values."""

from aclf_fhir.codes.systems import (
    ATC,
    CANONICAL_BASE,
    ICD10,
    ICD10CM,
    ICD10PCS,
    LOCAL,
    LOINC,
    RXNORM,
    SNOMED,
    UCUM,
    Coding,
    local_system,
)

__all__ = [
    "ATC",
    "CANONICAL_BASE",
    "ICD10",
    "ICD10CM",
    "ICD10PCS",
    "LOCAL",
    "LOINC",
    "RXNORM",
    "SNOMED",
    "UCUM",
    "Coding",
    "local_system",
]
