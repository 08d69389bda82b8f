"""Prints every (analyte, unit) pair of the catalog, for `tools/ucum_oracle.mjs` to check.

    python tools/ucum_pairs.py | node tools/ucum_oracle.mjs FOLDER > ucum_oracle.json

The result goes to `tests/spec/units/`. FOLDER is any folder outside the repository in which
`npm install @lhncbc/ucum-lhc` was run.
"""

import json
import sys

from aclf_fhir.catalog import load_catalog


def main() -> None:
    pairs = [
        {
            "analyte": analyte.id,
            "unit": unit,
            "canonical": analyte.unit,
            "molar_mass": analyte.molar_mass,
        }
        for analyte in load_catalog().analytes.values()
        for unit in analyte.units.factors
    ]
    json.dump(pairs, sys.stdout)


if __name__ == "__main__":
    main()
