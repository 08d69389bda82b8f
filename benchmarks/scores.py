"""What a conversion and a score cost, in microseconds and in parses of an Observation by orjson."""

import subprocess
import sys
import timeit
from collections.abc import Callable, Mapping
from decimal import Decimal

import orjson

from aclf_fhir.scores import SCORES, ScoreInput, ScoreValue, compute
from aclf_fhir.units import Interval
from aclf_fhir.units.quantity import UnitTable

OBSERVATION = orjson.dumps({
    "resourceType": "Observation", "id": "b1", "status": "final",
    "category": [{"coding": [{
        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
        "code": "laboratory",
    }]}],
    "code": {"coding": [{"system": "http://loinc.org", "code": "1975-2", "display": "Bilirubin"}]},
    "subject": {"reference": "Patient/p1"}, "encounter": {"reference": "Encounter/e1"},
    "effectiveDateTime": "2024-03-01T07:30:00+01:00", "issued": "2024-03-01T08:10:00+01:00",
    "valueQuantity": {
        "value": 12.3, "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL",
    },
    "referenceRange": [{"high": {"value": 1.2, "unit": "mg/dL"}}],
})  # fmt: skip

TABLE = UnitTable.build(canonical="mg/dL", factors={"umol/L": "1/17.1"})

TYPICAL = {
    "age": "54", "albumin": "2.9", "baseline": "1", "bilirubin": "12", "bilirubin_day7": "10",
    "bilirubin_uln": "20", "clif_c_of": "9", "creatinine": "1.8",
    "days_from_jaundice_to_decompensation": "10", "fio2": "0.4", "hbv_sofa": "5", "he_grade": "2",
    "inr": "2.1", "isi": "1", "lactate": "2.2", "leukocytes": "11", "mean_arterial_pressure": "72",
    "meld": "24", "neutrophils": "8", "pao2": "75", "platelets": "90", "prothrombin_time": "22",
    "pt_control": "12", "pt_mean_normal": "12", "pt_prolongation": "8", "sodium": "131",
    "urea": "9",
}  # fmt: skip


def typical(declared: ScoreInput) -> ScoreValue:
    if declared.values:
        return frozenset({declared.values[0]})
    if declared.kind == "drug":
        return Interval.exact(Decimal(0))
    number = Decimal(TYPICAL[declared.name])
    si = {"albumin_g_l": 10, "bilirubin_umol_l": 17, "creatinine_umol_l": 88}
    return Interval.exact(number * si.get(declared.parameter, 1))


def inputs_of(score_id: str) -> dict[str, ScoreValue]:
    return {
        declared.name: typical(declared)
        for declared in SCORES[score_id].inputs
        if declared.required or declared.name in {"inr", "pao2", "fio2", "shock"}
    }


def microseconds(function: Callable[[], object], number: int) -> float:
    return min(timeit.repeat(function, number=number, repeat=7)) / number * 1e6


def import_milliseconds() -> float:
    """Import the scores in a fresh interpreter; the best of five, once they are compiled."""
    code = (
        "import time; start = time.perf_counter(); import aclf_fhir.scores;"
        "print(time.perf_counter() - start)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(5)
    ]
    return min(float(run.stdout) for run in runs) * 1e3


def main() -> None:
    print(f"import of aclf_fhir.scores: {import_milliseconds():.1f} ms")
    parse = microseconds(lambda: orjson.loads(OBSERVATION), 20_000)
    print(f"orjson parse of one Observation ({len(OBSERVATION)} bytes): {parse:.2f} us")

    def report(name: str, cost: float) -> None:
        print(f"{name:48} {cost:9.2f} us {cost / parse:9.2f} parses")

    value = Decimal("205.2")
    exact = Interval.exact(value)
    assert TABLE.convert_number(value, "umol/L", "mg/dL") == 12
    report(
        "conversion, known pair",
        microseconds(lambda: TABLE.convert_number(value, "umol/L", "mg/dL"), 50_000),
    )
    report(
        "conversion, known pair, interval in and out",
        microseconds(lambda: TABLE.convert(exact, "umol/L", "mg/dL"), 20_000),
    )
    known: Mapping[str, dict[str, ScoreValue]] = {name: inputs_of(name) for name in SCORES}
    for name, inputs in known.items():
        assert compute(name, inputs).status == "ok", compute(name, inputs)
        report(name, microseconds(lambda n=name, i=inputs: compute(n, i), 300))

    def every(inputs: Mapping[str, dict[str, ScoreValue]]) -> None:
        for name, values in inputs.items():
            compute(name, values)

    report(f"all {len(SCORES)} scores, everything known", microseconds(lambda: every(known), 20))
    partly = {
        name: {key: value for key, value in inputs.items() if key not in {"he_grade", "fio2"}}
        for name, inputs in known.items()
    }
    report(
        f"all {len(SCORES)} scores, encephalopathy and FiO2 unknown",
        microseconds(lambda: every(partly), 10),
    )
    nothing: Mapping[str, dict[str, ScoreValue]] = {name: {} for name in SCORES}
    report(f"all {len(SCORES)} scores, nothing known", microseconds(lambda: every(nothing), 5))


if __name__ == "__main__":
    main()
