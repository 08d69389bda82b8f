"""How long mapping one Observation to a fact takes, in parses of its own bytes.

The unit is `orjson.loads` of the same bytes, measured in the same rounds; the aim of
the project is at most 5. Parsing and validating come before mapping and are shown
beside it.
"""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime

import orjson

from aclf_fhir.catalog import load_catalog
from aclf_fhir.fhir import parse_resource
from aclf_fhir.mapping import Disposition, SubjectDates, map_resource
from aclf_fhir.units import TimeRange

ROUNDS = 31
CALLS = 2000

BIRTH = TimeRange.exact(datetime(1970, 5, 1, tzinfo=UTC))
SUBJECTS = {"p1": SubjectDates(birth=BIRTH)}

OBSERVATION = orjson.dumps(
    {
        "resourceType": "Observation",
        "id": "bili-0001",
        "meta": {"lastUpdated": "2024-06-15T09:00:00.000Z", "source": "urn:invented:lis"},
        "identifier": [
            {
                "use": "official",
                "system": "urn:invented:lis:result",
                "value": "R-2024-000001",
                "assigner": {"display": "Laboratory"},
            },
            {"system": "urn:invented:lis:filler", "value": "F-77-000001"},
        ],
        "status": "final",
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                        "code": "laboratory",
                        "display": "Laboratory",
                    }
                ]
            }
        ],
        "code": {
            "coding": [
                {
                    "system": "http://loinc.org",
                    "code": "1975-2",
                    "display": "Bilirubin.total [Mass/volume] in Serum or Plasma",
                },
                {"system": "urn:invented:lis:test", "code": "TBIL", "display": "Bilirubin total"},
            ],
            "text": "Bilirubin total",
        },
        "subject": {
            "reference": "Patient/p1",
            "identifier": {"system": "urn:invented:mrn", "value": "MRN-0001"},
        },
        "encounter": {"reference": "Encounter/e1", "display": "Stay on the hepatology ward"},
        "effectiveDateTime": "2024-06-15T08:12:00+02:00",
        "issued": "2024-06-15T08:58:00.000+02:00",
        "performer": [
            {"reference": "Organization/lab", "display": "Central laboratory"},
            {"reference": "Practitioner/mt1", "display": "Medical technologist"},
        ],
        "valueQuantity": {
            "value": 205.2,
            "unit": "umol/L",
            "system": "http://unitsofmeasure.org",
            "code": "umol/L",
        },
        "interpretation": [
            {
                "coding": [
                    {
                        "system": (
                            "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
                        ),
                        "code": "H",
                        "display": "High",
                    }
                ]
            }
        ],
        "specimen": {"reference": "Specimen/s1"},
        "referenceRange": [
            {
                "low": {
                    "value": 3.4,
                    "unit": "umol/L",
                    "system": "http://unitsofmeasure.org",
                    "code": "umol/L",
                },
                "high": {
                    "value": 17.1,
                    "unit": "umol/L",
                    "system": "http://unitsofmeasure.org",
                    "code": "umol/L",
                },
                "text": "3.4 to 17.1 umol/L",
            }
        ],
    }
)
SPECIMEN = parse_resource(
    orjson.dumps(
        {
            "resourceType": "Specimen",
            "id": "s1",
            "type": {"coding": [{"system": "http://snomed.info/sct", "code": "119364003"}]},
        }
    )
)


def main() -> None:
    context = (
        load_catalog()
        .indexes("default")
        .context(
            resource_id="bili-0001",
            version=1,
            known=datetime(2024, 6, 15, 9, tzinfo=UTC),
            subject_dates=SUBJECTS.get,
            resolve={"Specimen/s1": SPECIMEN}.get,
        )
    )
    resource = parse_resource(OBSERVATION)
    outcome = map_resource(resource, context)
    assert outcome.disposition is Disposition.MAPPED
    assert str(outcome.facts[0].value.low) == "12"

    works: dict[str, Callable[[], object]] = {
        "orjson.loads": lambda: orjson.loads(OBSERVATION),
        "parse and validate": lambda: parse_resource(OBSERVATION),
        "map one Observation": lambda: map_resource(resource, context),
        "parse, validate and map": lambda: map_resource(parse_resource(OBSERVATION), context),
    }
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            started = time.perf_counter()
            for _ in range(CALLS):
                work()
            times[name].append((time.perf_counter() - started) / CALLS)
    base = times["orjson.loads"]
    print(f"Observation of {len(OBSERVATION)} bytes, median of {ROUNDS} interleaved rounds")
    for name, taken in times.items():
        ratio = statistics.median(one / other for one, other in zip(taken, base, strict=True))
        print(f"  {name:26} {statistics.median(taken) * 1e6:8.2f} us  {ratio:6.2f} x orjson.loads")


if __name__ == "__main__":
    main()
