"""The catalog's factors against an independent UCUM engine (`tools/ucum_oracle.mjs`)."""

import json
from pathlib import Path
from typing import Any

import pytest

from aclf_fhir.catalog import Catalog

TABLE = Path(__file__).parents[3] / "tests" / "spec" / "units" / "ucum_oracle.json"
ROWS: list[dict[str, Any]] = json.loads(TABLE.read_text(encoding="utf-8"))["pairs"]

EXEMPT = {
    ("urea_nitrogen", "mg/dL"),
    ("urea_nitrogen", "mg/dl"),
    ("urea_nitrogen", "mg/(100.mL)"),
    *(
        ("alpha_fetoprotein", unit)
        for unit in ("[IU]/mL", "[iU]/mL", "[iU]/ml", "[IU]/ml", "k[IU]/L", "k[iU]/L")
    ),
}
"""Pairs that are not two units of one quantity; each row says why."""


def test_the_table_is_that_of_this_catalog(catalog: Catalog) -> None:
    pairs = {
        (analyte.id, unit, analyte.unit, analyte.molar_mass)
        for analyte in catalog.analytes.values()
        for unit in analyte.units.factors
    }
    assert {
        (row["analyte"], row["unit"], row["canonical"], row["molar_mass"]) for row in ROWS
    } == pairs, "run tools/ucum_pairs.py and tools/ucum_oracle.mjs again"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['analyte']}-{row['unit']}")
def test_factor(catalog: Catalog, row: dict[str, Any]) -> None:
    assert row["valid"], "not a UCUM code: it belongs under spellings"
    ours = float(catalog.analytes[row["analyte"]].units.factors[row["unit"]])
    if row["factor"] is None:
        assert (row["analyte"], row["unit"]) in EXEMPT
        assert row["reason"]
        return
    conventional = row["how"] == "molecularWeight" or row["unit"] == "kPa"
    assert ours == pytest.approx(row["factor"], rel=1e-3 if conventional else 1e-9)


def test_exactly_the_known_pairs_are_exempt() -> None:
    assert {(row["analyte"], row["unit"]) for row in ROWS if row["how"] == "exempt"} == EXEMPT


def test_a_wrong_factor_would_show(catalog: Catalog) -> None:
    """The misprinted molar mass of bilirubin (548.66 for 584.66) lies far outside."""
    ours = float(catalog.analytes["bilirubin_total"].units.factors["umol/L"])
    assert ours != pytest.approx(548.66 / 10000, rel=1e-3)
