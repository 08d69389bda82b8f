from decimal import Decimal
from fractions import Fraction

import pytest

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.units import Interval
from aclf_fhir.units.quantity import UnitReading, UnitTable

TABLE = UnitTable.build(
    canonical="mg/dL",
    factors={"umol/L": "1/17.1", "mg/L": "0.1", "third": "1/3", "odd": "7/3"},
    spellings={"MG/DL": "mg/dL", "umol/l": "umol/L"},
    refused={"K/uL": "K is kelvin"},
)
RATIO = UnitTable.build(canonical="{INR}", factors={"1": "1"}, unitless=True)


def number(text: str) -> Interval:
    return Interval.exact(Decimal(text))


def test_factors_are_exact() -> None:
    assert TABLE.factors["umol/L"] == Fraction(10, 171)
    assert TABLE.factors["mg/dL"] == 1


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        ("205.2", "umol/L", "mg/dL", "12"),
        ("12", "mg/dL", "umol/L", "205.2"),
        ("1", "odd", "third", "7"),
        ("3", "odd", "mg/dL", "7"),
        ("7", "mg/dL", "odd", "3"),
    ],
)
def test_conversion(value: str, source: str, target: str, expected: str) -> None:
    assert TABLE.convert(number(value), source, target) == number(expected)
    assert TABLE.convert_number(Decimal(value), source, target) == Decimal(expected)
    # The second call finds the pair where the first one left it.
    assert TABLE.convert(number(value), source, target) == number(expected)


def test_same_unit_gives_the_same_value_back() -> None:
    value = number("1.20")
    assert TABLE.convert(value, "mg/dL", "mg/dL") is value


def test_ends_are_converted_one_by_one() -> None:
    below = Interval.from_comparator("<", Decimal("17.1"))
    assert TABLE.convert(below, "umol/L", "mg/dL") == Interval.from_comparator("<", Decimal(1))
    above = Interval.from_comparator(">=", Decimal("34.2"))
    assert TABLE.convert(above, "umol/L", "mg/dL") == Interval.from_comparator(">=", Decimal(2))


@pytest.mark.parametrize(
    ("spelling", "ucum", "mapped"),
    [
        ("mg/dL", "mg/dL", False),
        ("MG/DL", "mg/dL", True),
        (" mg/dL ", "mg/dL", True),
        ("\u00b5mol/L", "umol/L", True),
        ("\u03bcmol/l", "umol/L", True),
    ],
)
def test_reading(spelling: str, ucum: str, mapped: bool) -> None:
    assert TABLE.read(spelling) == UnitReading(ucum, mapped)


def test_a_unitless_analyte_needs_none() -> None:
    assert RATIO.read("") == UnitReading("{INR}", mapped=True)


@pytest.mark.parametrize(
    ("spelling", "category", "message"),
    [
        ("K/uL", Category.UNSUPPORTED, "unit 'K/uL': K is kelvin"),
        ("s", Category.UNSUPPORTED, "unit 's' is not accepted here"),
        ("", Category.INVALID, "the value has no unit"),
    ],
)
def test_refusals_help(spelling: str, category: Category, message: str) -> None:
    with pytest.raises(AclfError, match=message) as caught:
        TABLE.read(spelling)
    assert caught.value.category is category


@pytest.mark.parametrize(("source", "target"), [("s", "mg/dL"), ("mg/dL", "s"), ("s", "s")])
def test_a_pair_outside_the_table_is_refused(source: str, target: str) -> None:
    with pytest.raises(AclfError) as caught:
        TABLE.convert(number("1"), source, target)
    assert caught.value.category is Category.UNSUPPORTED
    assert caught.value.issues[0].remedy.startswith("use one of: mg/dL")


@pytest.mark.parametrize(
    "arguments",
    [
        {"factors": {"a": "2"}},
        {"factors": {"b": "x"}},
        {"factors": {"b": "1/0"}},
        {"factors": {"b": "-1"}},
        {"factors": {"b": "inf"}},
        {"factors": {}, "spellings": {"B": "b"}},
        {"factors": {"b": "2"}, "spellings": {"b": "a"}},
        {"factors": {"b": "2"}, "refused": {"b": "no"}},
        {"factors": {}, "spellings": {"A": "a"}, "refused": {"A": "no"}},
    ],
)
def test_a_table_that_contradicts_itself_is_invalid(arguments: dict[str, dict[str, str]]) -> None:
    with pytest.raises(AclfError, match="unit table"):
        UnitTable.build(canonical="a", **arguments)
