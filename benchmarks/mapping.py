"""How long mapping one Observation to a fact takes, in parses of its own bytes.

    python benchmarks/mapping.py [--rounds N] [--examples DIR]

The unit is `orjson.loads` of the same bytes; the goal is 5. Mapping includes making
its context; parsing and validating come before it and are shown beside it. First a
laboratory result with all that engines send, 64 of them that differ in value, time
and identifiers; then the Observations of the examples, by what became of them. Rounds
are short and interleaved, CPU time is taken, and the median of each round's ratio is
printed: both sides meet the same moods of the machine.
"""

import argparse
import copy
import statistics
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from aclf_fhir.catalog import load_catalog
from aclf_fhir.fhir import parse_resource
from aclf_fhir.mapping import Disposition, MappingOutcome, SubjectDates, map_resource
from aclf_fhir.units import TimeRange

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.datatypes import Resource

GOAL = 5.0
VARIANTS = 64
KNOWN = datetime(2100, 1, 1, tzinfo=UTC)
INDEXES = load_catalog().indexes("default")

BIRTH = TimeRange.exact(datetime(1970, 5, 1, tzinfo=UTC))

OBSERVATION: dict[str, Any] = {
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
SPECIMEN = {
    "resourceType": "Specimen",
    "id": "s1",
    "type": {"coding": [{"system": "http://snomed.info/sct", "code": "119364003"}]},
}
DATES = SubjectDates(birth=BIRTH)


class Sent(NamedTuple):
    """One Observation as received and as parsed, with what the gateway stores beside it."""

    body: bytes
    parsed: "Resource"
    stored: "dict[str, Resource]"

    def mapped(self) -> MappingOutcome:
        """Map it, context included."""
        context = INDEXES.context(
            resource_id=self.parsed.id or "",
            version=1,
            known=KNOWN,
            subject_dates=_dates,
            resolve=self.stored.get,
        )
        return map_resource(self.parsed, context)


def _dates(_: str) -> SubjectDates:
    return DATES


def variants() -> list[Sent]:
    """Return results of one kind that differ as those of a day do."""
    stored = {"Specimen/s1": parse_resource(orjson.dumps(SPECIMEN))}
    start = datetime.fromisoformat(OBSERVATION["effectiveDateTime"])
    found = []
    for number in range(VARIANTS):
        body = copy.deepcopy(OBSERVATION)
        body["id"] = f"bili-{number:04}"
        for identifier in body["identifier"]:
            identifier["value"] += f"-{number}"
        body["effectiveDateTime"] = (start + timedelta(minutes=7 * number)).isoformat()
        body["valueQuantity"]["value"] = round(17.1 + 3.7 * number, 1)
        content = orjson.dumps(body)
        found.append(Sent(content, parse_resource(content), stored))
    return found


def examples(folder: Path) -> dict[str, list[Sent]]:
    """Return the Observations under a folder by what becomes of them, spread evenly."""
    bodies: list[bytes] = []
    stored: dict[str, Resource] = {}
    for path in sorted(folder.rglob("*.ndjson")):
        for line in path.read_bytes().splitlines():
            type_ = orjson.loads(line)["resourceType"]
            if type_ == "Observation":
                bodies.append(line)
            elif type_ == "Specimen":
                specimen = parse_resource(line)
                stored[f"Specimen/{specimen.id}"] = specimen
    kinds: dict[str, list[Sent]] = {}
    for body in bodies[:: max(1, len(bodies) // 3000)]:
        sent = Sent(body, parse_resource(body), stored)
        kinds.setdefault(_kind(sent.mapped()), []).append(sent)
    return {kind: few[:: max(1, len(few) // VARIANTS)] for kind, few in sorted(kinds.items())}


def _kind(outcome: MappingOutcome) -> str:
    if outcome.disposition is Disposition.MAPPED:
        kinds = sorted({fact.kind.value for fact in outcome.facts})
        return f"{len(outcome.facts)} x {', '.join(kinds)}"
    why = outcome.rule or outcome.holdings[0].reason.value
    return f"{outcome.disposition.value}: {why}"


def compare(
    sent: list[Sent], works: dict[str, Callable[[Sent], object]], rounds: int
) -> dict[str, tuple[float, float]]:
    """Return microseconds and parses of the same bytes, per kind of work."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            started = time.process_time()
            for each in sent:
                work(each)
            times[name].append((time.process_time() - started) / len(sent))
    base = times["orjson.loads"]
    return {
        name: (
            statistics.median(taken) * 1e6,
            statistics.median(one / other for one, other in zip(taken, base, strict=True)),
        )
        for name, taken in times.items()
    }


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=201)
    parser.add_argument("--examples", type=Path, default=Path("examples"))
    options = parser.parse_args(None if arguments is None else list(arguments))
    results = variants()
    assert all(each.mapped().disposition is Disposition.MAPPED for each in results)

    parse: dict[str, Callable[[Sent], object]] = {
        "orjson.loads": lambda each: orjson.loads(each.body),
        "parse and validate": lambda each: parse_resource(each.body),
        "map one Observation": Sent.mapped,
    }
    size = round(statistics.mean(len(each.body) for each in results))
    print(f"{len(results)} laboratory results of {size} bytes, {options.rounds} rounds")
    for name, (taken, ratio) in compare(results, parse, options.rounds).items():
        goal = f"  (goal {GOAL:g})" if name == "map one Observation" else ""
        print(f"  {name:26} {taken:8.2f} us  {ratio:6.2f} x orjson.loads{goal}")
    del parse["parse and validate"]
    print("Observations of the examples, mapping only")
    for kind, few in examples(options.examples).items():
        found = compare(few, parse, max(9, options.rounds // 5))
        taken, ratio = found["map one Observation"]
        size = round(statistics.mean(len(each.body) for each in few))
        print(f"  {kind:40} {size:5} bytes  {taken:8.2f} us  {ratio:6.2f} x orjson.loads")


if __name__ == "__main__":
    main()
