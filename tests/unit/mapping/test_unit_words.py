"""A unit in words beside a code: read, compared by size, held where it differs."""

from dataclasses import replace
from pathlib import Path

import pytest

from aclf_fhir.catalog import load_catalog
from aclf_fhir.codes import UCUM
from aclf_fhir.fhir.r4 import datatypes
from aclf_fhir.mapping.models import HeldReason
from aclf_fhir.mapping.units_read import Problem, Unit, read_quantity_unit
from aclf_fhir.units import expression

from .worlds import SHIPPED, context

AGREE = """
bilirubin_total | mg/dL   | milligrams per deciliter
bilirubin_total | mg/dL   | Milligrams per decilitre
bilirubin_total | mg/dL   | milligram per 100 mL
bilirubin_total | mg/dL   | milligrams per hundred milliliters
bilirubin_total | mg/dL   | Milligramm pro Deziliter
bilirubin_total | mg/dL   | miligramos por decilitro
bilirubin_total | mg/L    | micrograms per milliliter
bilirubin_total | umol/L  | micromoles per liter
bilirubin_total | umol/L  | µmol per litre
bilirubin_total | umol/L  | Mikromol pro Liter
bilirubin_total | umol/L  | nanomoles per millilitre
albumin         | g/dL    | grams per deciliter
albumin         | g/L     | grams per liter
albumin         | g/L     | gramos por litro
sodium          | mmol/L  | millimoles per liter
sodium          | mmol/L  | milliequivalents per liter
sodium          | meq/L   | millimoles per litre
leukocytes      | 10*3/uL | thousand per microliter
leukocytes      | 10*3/uL | K/uL
leukocytes      | 10*3/uL | thousand cells per cubic millimeter
leukocytes      | 10*3/uL | x 10^3 cells/mm3
leukocytes      | 10*3/uL | thousands/cu mm
leukocytes      | 10*3/uL | Tausend pro Mikroliter
leukocytes      | 10*9/L  | thousand per microliter
leukocytes      | 10*9/L  | billion cells per liter
leukocytes      | 10*9/L  | ×10⁹ / L
leukocytes      | /uL     | cells per microliter
leukocytes      | /uL     | per microlitre
platelets       | 10*9/L  | thou/mm3
ammonia         | ug/dL   | micrograms per deciliter
alpha_fetoprotein | ng/mL | micrograms per liter
pao2            | kPa     | kilopascal
urine_output    | mL      | milliliters
body_weight     | kg      | Kilogramm
"""

DISAGREE = """
bilirubin_total | mg/dL   | milligrams per liter
bilirubin_total | mg/dL   | grams per liter
bilirubin_total | mg/dL   | micrograms per deciliter
bilirubin_total | mg/dL   | micromoles per liter
bilirubin_total | mg/dL   | milligrams
bilirubin_total | mg/dL   | milligrams per
bilirubin_total | mg/dL   | Milligramm pro Liter
bilirubin_total | mg/L    | milligrams per deciliter
bilirubin_total | umol/L  | millimoles per liter
bilirubin_total | umol/L  | nanomoles per liter
bilirubin_total | mg/dL   | mg/dL (umol/L)
bilirubin_total | mg/dL   | mg/dL calc
bilirubin_total | mg/dL   | lakh mg per dL
bilirubin_total | mg/dL   | 17.1 umol/L
bilirubin_total | mg/dL   | mg per ((dL
bilirubin_total | mg/dL   | mg//dL
bilirubin_total | mg/dL   | mg/dL)
albumin         | g/dL    | grams per liter
albumin         | g/dL    | kilograms per deciliter
albumin         | g/L     | umol/L
sodium          | mmol/L  | moles per liter
leukocytes      | /uL     | K/uL
leukocytes      | /uL     | thousand per microliter
leukocytes      | /uL     | per liter
leukocytes      | /uL     | per 0 uL
leukocytes      | /uL     | lakh per microliter
leukocytes      | 10*3/uL | per microliter
leukocytes      | 10*3/uL | M/uL
leukocytes      | 10*3/uL | millions per cubic millimeter
leukocytes      | 10*3/uL | hundred per microliter
leukocytes      | 10*3/uL | cells/[HPF]
leukocytes      | 10*3/uL | cubic
leukocytes      | 10*3/uL | mm3 cubic3
leukocytes      | 10*9/L  | million per liter
leukocytes      | 10*9/L  | 10^3 per liter
ammonia         | ug/dL   | ug{N}/dL
ammonia         | ug/dL   | micrograms of nitrogen per deciliter
ammonia         | ug/dL   | milligrams per deciliter
alpha_fetoprotein | ng/mL | nanograms per liter
alpha_fetoprotein | ng/mL | international units per milliliter
pao2            | kPa     | pascal
inr             | {INR}   | percent
inr             | 1       | seconds
urine_output    | mL      | liters
"""

PASSED_OVER = """
bilirubin_total | mg/dL   | mg/dL (calc)
bilirubin_total | mg/dL   | see comment
bilirubin_total | mg/dL   | milligrams per deciliter (calculated value)
leukocytes      | 10*3/uL | 10^3{leukocytes}/uL
"""


def _read(row: str) -> Unit | Problem:
    analyte, code, text = (cell.strip() for cell in row.split("|"))
    quantity = datatypes.Quantity(system=UCUM, code=code, unit=text)
    return read_quantity_unit(quantity, SHIPPED.analytes[analyte], context(), "valueQuantity")


@pytest.mark.parametrize("row", AGREE.strip().splitlines())
def test_words_that_mean_the_code_agree(row: str) -> None:
    read = _read(row)
    assert isinstance(read, Unit)
    assert "unit_text_unread" not in read.flags


@pytest.mark.parametrize("row", DISAGREE.strip().splitlines())
def test_words_of_another_size_are_held(row: str) -> None:
    read = _read(row)
    assert isinstance(read, Problem)
    assert read.reason is HeldReason.UNIT_DISAGREES


@pytest.mark.parametrize("row", PASSED_OVER.strip().splitlines())
def test_what_speaks_of_no_unit_is_passed_over_and_flagged(row: str) -> None:
    read = _read(row)
    assert isinstance(read, Unit)
    assert "unit_text_unread" in read.flags


def test_a_blank_text_says_nothing() -> None:
    read = _read("bilirubin_total | mg/dL |  ")
    assert read == Unit("mg/dL", "mg/dL")


def test_every_unit_of_every_analyte_is_read() -> None:
    unread = [
        (analyte.id, unit)
        for analyte in SHIPPED.analytes.values()
        for unit in analyte.units.factors
        if SHIPPED.unit_parts.read(unit).size is None
    ]
    assert not unread


def test_a_site_adds_its_own_words(tmp_path: Path) -> None:
    own = 'source: invented\nnumbers: {"100000": [lakh]}\n'
    (tmp_path / "unit_parts.yaml").write_text(own, encoding="utf-8")
    parts = load_catalog(mappings=tmp_path).indexes("default").unit_parts
    assert parts.read("lakh per microliter").size == parts.read("10*5/uL").size
    assert parts.read("mg/dL").size is not None


def test_symbols_are_read_for_what_they_are() -> None:
    read = SHIPPED.unit_parts.read
    assert read("ug/(kg.min)").size == read("ug.kg-1.min-1").size == read("mcg/kg/min").size
    assert read("m3").size == read("1000.L").size
    assert read("1").size == read("{INR}").size == read("#").size
    assert read("mg/kg/min").size != read("ug/kg/min").size
    assert read("(mg").size is None
    assert read("mg/").size is None


def test_no_more_than_so_many_texts_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expression, "_KEPT", 0)
    parts = replace(SHIPPED.unit_parts)
    assert parts.read("mg/dL") == SHIPPED.unit_parts.read("mg/dL")
    assert parts.read("mg/dL") is not parts.read("mg/dL")
