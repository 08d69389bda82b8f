"""The code systems this project reads and writes, by their R4 canonical URLs."""

from typing import NamedTuple

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

CANONICAL_BASE = "https://aclf-fhir.example/fhir"
"""The one base of every URL this project owns."""

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICD10PCS = "http://www.cms.gov/Medicare/Coding/ICD10"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"


def local_system(name: str) -> str:
    """Return the URL of one of the project's own code systems, e.g. `scores`."""
    return f"{CANONICAL_BASE}/CodeSystem/{name}"


LOCAL = {
    name: local_system(name)
    for name in ("scores", "findings", "attestations", "criteria", "flags", "reasons")
}
"""Code systems the project owns, for what no standard code carries."""


class Coding(NamedTuple):
    """A code in its system."""

    system: str
    code: str

    def __str__(self) -> str:
        return f"{self.system}|{self.code}"
