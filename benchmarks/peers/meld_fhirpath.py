"""MELD of one Bundle by fhirpathpy, as often as asked.

    PYTHONPATH=FOLDER python meld_fhirpath.py BUNDLE

FOLDER is where `pip install --target` put the package. FHIRPath of R4 cannot sort, so the newest
result is the last one listed: the Bundle has to be in the order of time. Each line on standard
input is a number of runs; the answer is one line of JSON.
"""

import json
import sys
import time
from pathlib import Path

from fhirpathpy import compile as compile_path
from fhirpathpy.models import models

OBSERVATIONS = "Bundle.entry.resource.where(resourceType = 'Observation')"
USABLE = "(status = 'final' or status = 'amended' or status = 'corrected') and value.exists()"
CODED = "code.coding.where(system = 'http://loinc.org' and code = '{}').exists()"
NEWEST = f"{OBSERVATIONS}.where({CODED} and {USABLE}).last()"
DIALYSES = (
    "Bundle.entry.resource.where(resourceType = 'Procedure' and status = 'completed' and "
    "code.coding.where(system = 'http://snomed.info/sct' and "
    "(code = '302497006' or code = '265764009')).exists())"
    ".where(performed >= %drawn - 7 days and performed <= %drawn).count()"
)
MELD = (
    "10.0 * (0.957 * iif(%dialyses >= 2, 4.0, iif(%creatinine > 4.0, 4.0, iif(%creatinine < 1.0, "
    "1.0, %creatinine))).ln() + 0.378 * iif(%bilirubin < 1.0, 1.0, %bilirubin).ln() "
    "+ 1.120 * iif(%inr < 1.0, 1.0, %inr).ln() + 0.643)"
)


def main(file: str) -> None:
    body = Path(file).read_bytes()
    r4 = models["r4"]
    newest = {
        name: compile_path(NEWEST.format(code) + ".value.value", r4)
        for name, code in (("bilirubin", "1975-2"), ("creatinine", "2160-0"), ("inr", "6301-6"))
    }
    drawn = compile_path(NEWEST.format("2160-0") + ".effective", r4)
    dialyses, formula = compile_path(DIALYSES, r4), compile_path(MELD, r4)

    def meld() -> float:
        bundle = json.loads(body)
        known = {name: path(bundle)[0] for name, path in newest.items()}
        known["dialyses"] = dialyses(bundle, {"drawn": drawn(bundle)[0]})[0]
        return float(formula({}, known)[0])

    for line in sys.stdin:
        started = time.perf_counter()
        for _ in range(int(line)):
            value = meld()
        answer = {"seconds": time.perf_counter() - started, "value": value}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
