"""A unit in words beside a code: read, compared by size, held where it differs."""

import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from aclf_fhir.catalog import load_catalog
from aclf_fhir.codes import UCUM
from aclf_fhir.fhir.r4 import datatypes
from aclf_fhir.mapping.doses import rate_of
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
leukocytes      | 10*3/uL | K/UL
leukocytes      | 10*3/uL | X10^3/UL
leukocytes      | 10*3/uL | X10E3/UL
leukocytes      | 10*3/uL | 10*3/UL
leukocytes      | 10*3/uL | THOUS/MCL
leukocytes      | 10*3/uL | 10(3)/uL
leukocytes      | 10*3/uL | 10^3/microL
leukocytes      | 10*9/L  | K/UL
leukocytes      | 10*9/L  | GPT/L
leukocytes      | 10*9/L  | x10 9/L
leukocytes      | 10*9/L  | giga/L
platelets       | 10*9/L  | X10^3/UL
albumin         | g/dL    | gm/dL
albumin         | g/dL    | Gm/dL
sodium          | mmol/L  | mmole/L
sodium          | mmol/L  | mmoles/L
bilirubin_total | mg/dL   | mgs/dl
bilirubin_total | umol/L  | Umol/L
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
leukocytes      | 10*3/uL | mil/uL
leukocytes      | 10*3/uL | MIL/uL
leukocytes      | 10*3/uL | 10*6/L
leukocytes      | 10*3/uL | T/L
leukocytes      | 10*3/uL | cells/uL
leukocytes      | 10*3/uL | 10(6)/uL
albumin         | g/dL    | g/L
bilirubin_total | umol/L  | MMOL/L
bilirubin_total | mg/dL   | N/A
bilirubin_total | mg/dL   | 10*31 mg/dL
inr             | 1       | %
inr             | 1       | s
inr             | 1       | sec
inr             | 1       | U/L
inr             | 1       | Quick
inr             | 1       | activity
inr             | {INR}   | prothrombin activity
inr             | 1       | 1 (Quick)
urea            | mg/dL   | BUN
urea            | mg/dL   | urea nitrogen
urea            | mg/dL   | as nitrogen
urea            | mg/dL   | mg/dL (Urea Nitrogen)
urea            | mg/dL   | mg{urea_N}/dL
urea_nitrogen   | mg/dL   | mg/dL (urea)
bilirubin_total | mg/dL   | mg/dL (direct)
bilirubin_total | mg/dL   | mg/dL (conjugated)
bilirubin_total | mg/dL   | direct bilirubin
creatinine      | mg/dL   | mg/dL (urine)
creatinine      | mg/dL   | random urine
"""

PASSED_OVER = """
bilirubin_total | mg/dL   | mg/dL (calc)
bilirubin_total | mg/dL   | see comment
bilirubin_total | mg/dL   | milligrams per deciliter (calculated value)
leukocytes      | 10*3/uL | 10^3{leukocytes}/uL
inr             | 1       | N/A
inr             | 1       | n/a
inr             | {INR}   | none
inr             | 1       | unitless
inr             | 1       | -
inr             | 1       | INR units
inr             | {INR}   | index
urea            | mg/dL   | mg/dL (urea)
urea_nitrogen   | mg/dL   | mg/dL (urea nitrogen)
urea_nitrogen   | mg/dL   | urea nitrogen
creatinine      | mg/dL   | mg/dL (serum)
bilirubin_total | mg/dL   | mg/dL (total)
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


@pytest.mark.parametrize("spelling", ["K/UL", "X10^3/UL"])
def test_capital_thousands_need_no_code(spelling: str) -> None:
    quantity = datatypes.Quantity(unit=spelling)
    read = read_quantity_unit(quantity, SHIPPED.analytes["leukocytes"], context(), "valueQuantity")
    assert read == Unit(spelling, "10*3/uL", frozenset({"unit_from_text", "unit_mapped"}))


@pytest.mark.parametrize("text", ["N/A", "none", "-"])
def test_no_unit_in_words_says_nothing_without_a_code(text: str) -> None:
    quantity = datatypes.Quantity(unit=text)
    read = read_quantity_unit(quantity, SHIPPED.analytes["inr"], context(), "valueQuantity")
    assert isinstance(read, Problem)
    assert read.reason is HeldReason.UNIT_UNKNOWN


ENDLESS = ["(" * 2000, ".".join(["10*999"] * 400), "see comment " * 9]


@pytest.mark.parametrize("text", ENDLESS)
def test_a_text_too_long_for_a_unit_is_held_unread(text: str) -> None:
    began = time.process_time()
    beside = _read(f"bilirubin_total | mg/dL | {text}")
    assert isinstance(beside, Problem)
    assert beside.reason is HeldReason.UNIT_UNKNOWN
    assert len(beside.detail) < 200
    drug = datatypes.Quantity(value=Decimal(1), system=UCUM, code="ug/min", unit=text)
    hour = datatypes.Quantity(value=Decimal(1), unit="h")
    bare = datatypes.Quantity(value=Decimal(1), unit=text)
    for rate in (
        rate_of(drug, None, SHIPPED.unit_parts),
        rate_of(bare, None, SHIPPED.unit_parts),
        rate_of(None, datatypes.Ratio(numerator=bare, denominator=hour), SHIPPED.unit_parts),
        rate_of(None, datatypes.Ratio(numerator=drug, denominator=hour), SHIPPED.unit_parts),
    ):
        assert isinstance(rate, Problem)
        assert rate.reason is HeldReason.UNIT_UNKNOWN
    assert time.process_time() - began < 1


@pytest.mark.parametrize(("letters", "is_read"), [(99, True), (100, True), (101, False)])
def test_the_longest_text_that_is_read(letters: int, is_read: bool) -> None:
    text = "mg/dL".ljust(letters - 1) + "1"
    assert (SHIPPED.unit_parts.read(text).size is not None) is is_read


@pytest.mark.parametrize(("power", "is_read"), [(29, True), (30, True), (31, False)])
def test_the_highest_power_that_is_read(power: int, is_read: bool) -> None:
    for sign in ("", "-"):
        assert (SHIPPED.unit_parts.read(f"10*{sign}{power}/L").size is not None) is is_read


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
