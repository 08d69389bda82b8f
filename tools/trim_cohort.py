"""Trim the output of clinosim to the cohort in `examples/clinosim/`.

Whole lines are left out; no byte of a line that stays is changed. Usage::

    pip install clinosim==0.6.5
    clinosim test-disease liver_cirrhosis_decompensated -n 20 -s 42 --format fhir-r4 -o OUT
    python tools/trim_cohort.py OUT/fhir_r4 examples/clinosim

What is left out, and why, stands in `examples/clinosim/README.md`.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

PATIENTS = 12
"""How many patients stay: the first ones in the order of their ids."""
ORDERS_OF = 2
"""How many of them keep their ServiceRequests."""
VITALS = {"8867-4", "8310-5", "9279-1", "80288-4"}
"""Vital signs no score reads; only the first patient keeps them."""
DOCUMENTS = 4
"""How many lines of each kind of document stay."""
LIMIT = 900_000
"""Bytes per file; more lines go to a next one."""


def subject_of(resource: dict[str, object]) -> str | None:
    """Return the logical id of the Patient a resource is about."""
    if resource["resourceType"] == "Patient":
        return str(resource["id"])
    for element in ("subject", "patient"):
        reference = resource.get(element)
        if isinstance(reference, dict):
            return str(reference["reference"]).removeprefix("Patient/")
    return None


def kept(path: Path, patients: list[str]) -> Iterator[bytes]:
    """Yield the lines of a file that stay."""
    documents = 0
    for line in path.read_bytes().splitlines():
        resource = json.loads(line)
        subject = subject_of(resource)
        if subject is not None and subject not in patients:
            continue
        kind = resource["resourceType"]
        if kind == "Observation":
            codes = {coding["code"] for coding in resource["code"]["coding"]}
            if codes & VITALS and subject != patients[0]:
                continue
        elif kind == "ServiceRequest" and subject not in patients[:ORDERS_OF]:
            continue
        elif kind in {"Composition", "DocumentReference"}:
            documents += 1
            if documents > DOCUMENTS:
                continue
        yield line


def main(source: Path, target: Path) -> None:
    lines = (source / "Patient.ndjson").read_bytes().splitlines()
    patients = sorted(json.loads(line)["id"] for line in lines)[:PATIENTS]
    target.mkdir(parents=True, exist_ok=True)
    for old in target.glob("*.ndjson"):
        old.unlink()
    for path in sorted(source.glob("*.ndjson")):
        parts: list[list[bytes]] = [[]]
        for line in kept(path, patients):
            if sum(map(len, parts[-1])) + len(line) > LIMIT:
                parts.append([])
            parts[-1].append(line)
        for number, part in enumerate(parts):
            name = f"{path.stem}-{number + 1}" if len(parts) > 1 else path.stem
            (target / f"{name}.ndjson").write_bytes(b"\n".join(part) + b"\n")
            print(f"{name}: {len(part)} lines")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
