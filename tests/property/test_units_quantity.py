"""Conversions are exact where a decimal can be, and keep the order of numbers."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from aclf_fhir.units import Interval
from aclf_fhir.units.quantity import UnitTable

TABLE = UnitTable.build(
    canonical="mg/dL",
    factors={"umol/L": "1/17.1", "mg/L": "0.1", "mmol/L": "1000/17.1", "odd": "7/3"},
)
UNITS = st.sampled_from(sorted(TABLE.factors))
VALUES = st.decimals(Decimal("0.001"), Decimal(5000), places=4)


@given(value=VALUES, source=UNITS, target=UNITS)
def test_one_rounding(value: Decimal, source: str, target: str) -> None:
    exact = Fraction(value) * TABLE.factors[source] / TABLE.factors[target]
    found = TABLE.convert_number(value, source, target)
    assert abs(Fraction(found) - exact) <= exact / 10**27


@given(value=VALUES)
def test_a_round_trip_through_a_terminating_factor_is_exact(value: Decimal) -> None:
    there = TABLE.convert_number(value, "mg/dL", "umol/L")
    assert TABLE.convert_number(there, "umol/L", "mg/dL") == value


@given(values=st.lists(VALUES, min_size=2, max_size=2), source=UNITS, target=UNITS)
def test_ends_keep_their_order(values: list[Decimal], source: str, target: str) -> None:
    low, high = sorted(values)
    found = TABLE.convert(Interval(low, high, low_closed=False), source, target)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.high
    assert (found.low_closed, found.high_closed) == (False, True)
