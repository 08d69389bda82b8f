"""Write `tests/spec/cases/score_cases.json`: the project's own cases, in the format of `verify`.

    python tools/generate_case_file.py            writes the file
    python tools/generate_case_file.py --check    writes nothing, fails if the file is stale

The file is part of the wheel: `aclf-fhir verify` without `--cases` recomputes it.
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal

from spec_cases import SPEC, every_case

OUTPUT = SPEC / "cases" / "score_cases.json"

HEAD = {
    "title": "Cases of the aclf-fhir specification: scores, cut-offs, units",
    "conventions": {
        "inputs": "an object with value, unit and sometimes comparator is a quantity as sent; a"
        " bare number has the unit its name or its nature says; text is a code; null is missing",
        "support": "dialysis, rrt, shock and mechanical_ventilation that a case does not mention"
        " were not present; vasoactives lists drugs with their rate in ug/kg/min",
        "expected": "only what is named is compared; value, mortality and ratios to within 0.0001,"
        " everything else exactly; half is rounded away from zero",
        "status": "ok, indeterminate (the missing inputs are named), error (with the reason)",
    },
}


def case_file() -> str:
    """One case on each line, so that a changed case is one changed line."""
    cases = [json.dumps(case, ensure_ascii=False, default=_number) for case in every_case()]
    head = json.dumps({**HEAD, "count": len(cases)}, ensure_ascii=False, indent=1)
    return head.removesuffix("\n}") + ',\n "cases": [\n  ' + ",\n  ".join(cases) + "\n ]\n}\n"


def _number(value: object) -> float | int:
    """Write a decimal with its own digits, not with those of the nearest binary number."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{value!r} has no place in a case file")
    number = int(value) if value == int(value) else float(value)
    if Decimal(str(number)) != value:
        raise ValueError(f"{value} has too many digits")
    return number


def main(arguments: list[str]) -> int:
    text = case_file()
    if arguments == ["--check"]:
        if OUTPUT.is_file() and OUTPUT.read_text(encoding="utf-8") == text:
            return 0
        print("stale: tests/spec/cases/score_cases.json; run tools/generate_case_file.py")
        return 1
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
