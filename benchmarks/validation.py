"""What validating one Observation costs, as a multiple of `orjson.loads` of its bytes.

    python benchmarks/validation.py [--rounds N] [--no-peer]

Rounds are short and interleaved (A, B, C, A, B, C ...), CPU time is taken, and the
median of the ratios of each round is printed: both sides of a ratio meet the same
moods of the machine. The goal is 4.0 for `parse_resource`, which includes the
strict JSON checks.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import msgspec
import orjson

from aclf_fhir.fhir import parse_resource
from aclf_fhir.fhir.validation import _kit

UCUM = "http://unitsofmeasure.org"
GOAL = 4.0


def quantity(value: float) -> dict[str, Any]:
    return {"value": value, "unit": "mg/dL", "system": UCUM, "code": "mg/dL"}


def concept(system: str, code: str, display: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}


OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "obs-1",
    "meta": {"profile": ["http://example.org/fhir/StructureDefinition/lab"], "source": "urn:lis:1"},
    "identifier": [
        {
            "use": "official",
            "type": concept("http://terminology.hl7.org/CodeSystem/v2-0203", "FILL", "Filler"),
            "system": "http://hospital.example/lis/order",
            "value": "LAB-2024-000123",
        },
        {"system": "http://hospital.example/lis/result", "value": "LAB-2024-000123-7"},
    ],
    "status": "final",
    "category": [
        concept(
            "http://terminology.hl7.org/CodeSystem/observation-category",
            "laboratory",
            "Laboratory",
        )
    ],
    "code": {
        "coding": [
            {
                "system": "http://loinc.org",
                "code": "1975-2",
                "display": "Bilirubin.total [Mass/volume] in Serum or Plasma",
            },
            {"system": "http://hospital.example/lis/codes", "code": "TBIL", "display": "Bilirubin"},
        ],
        "text": "Bilirubin total",
    },
    "subject": {
        "reference": "Patient/p-0001",
        "identifier": {"system": "http://hospital.example/mrn", "value": "MRN-0001"},
    },
    "encounter": {"reference": "Encounter/e-0001"},
    "effectiveDateTime": "2024-06-15T08:30:00+02:00",
    "issued": "2024-06-15T09:12:33.123+02:00",
    "performer": [{"reference": "Organization/lab-1", "display": "Central laboratory"}],
    "valueQuantity": quantity(3.4),
    "interpretation": [
        concept("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "H", "High")
    ],
    "specimen": {"reference": "Specimen/s-0001"},
    "referenceRange": [{"low": quantity(0.2), "high": quantity(1.2), "text": "0.2 to 1.2 mg/dL"}],
}


def subjects(body: bytes, *, peer: bool) -> dict[str, Callable[[], object]]:
    kit = _kit("Observation")
    resource = kit.decode(body)
    found: dict[str, Callable[[], object]] = {
        "orjson.loads": lambda: orjson.loads(body),
        "parse_resource": lambda: parse_resource(body, expected_type="Observation"),
        "  of it: decode": lambda: kit.decode(body),
        "  of it: check": lambda: kit.check_plain(resource, []),
        "  of it: quotes": lambda: body.count(b'"'),
        "msgspec, untyped": lambda: msgspec.json.decode(body),
    }
    if peer:
        from fhir.resources.R4B.observation import Observation

        found["fhir.resources R4B"] = lambda: Observation.model_validate_json(body)
    return found


def measure(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Return seconds per call, by round."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    repeats = {name: 3 if "fhir.resources" in name else 50 for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            started = time.process_time()
            for _ in range(repeats[name]):
                call()
            found[name].append((time.process_time() - started) / repeats[name])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Cost of validating one Observation.")
    parser.add_argument("--rounds", type=int, default=201)
    parser.add_argument("--no-peer", action="store_true", help="leave fhir.resources out")
    arguments = parser.parse_args()
    compact = json.dumps(OBSERVATION, separators=(",", ":")).encode()
    for label, body in (("compact", compact), ("spaced", json.dumps(OBSERVATION).encode())):
        assert parse_resource(body)
        times = measure(subjects(body, peer=not arguments.no_peer), arguments.rounds)
        base = times["orjson.loads"]
        print(f"one Observation, {label}, {len(body)} bytes")
        for name, found in times.items():
            ratio = statistics.median(a / b for a, b in zip(found, base, strict=True))
            print(f"  {name:26s} {statistics.median(found) * 1e6:8.1f} us  x {ratio:6.2f}")
    print(f"goal: parse_resource at most x {GOAL:.2f}")


if __name__ == "__main__":
    main()
