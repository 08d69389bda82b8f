"""Decimals, intervals, quantities and instants: the numbers facts are made of."""

from aclf_fhir.units.decimals import round_half_up
from aclf_fhir.units.interval import Interval, Truth
from aclf_fhir.units.times import TimeRange

__all__ = ["Interval", "TimeRange", "Truth", "round_half_up"]
