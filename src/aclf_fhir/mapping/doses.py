"""Dose rates: mass per minute, or mass per kilogram body weight per minute."""

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from aclf_fhir.record import SentValue
from aclf_fhir.units import Interval

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.datatypes import Quantity, Ratio
    from aclf_fhir.mapping.times import Span

__all__ = ["UG_KG_MIN", "UG_MIN", "DoseRate", "dose_over_span", "rate_of"]

UG_MIN = "ug/min"
UG_KG_MIN = "ug/kg/min"

# Exact metric factors; ISMP's `mcg` stands for UCUM's `ug`.
_MASS = {
    "ng": Fraction(1, 1000),
    "ug": Fraction(1),
    "mcg": Fraction(1),
    "mg": Fraction(1000),
    "g": Fraction(1_000_000),
}
_MINUTES = {
    "s": Fraction(1, 60),
    "min": Fraction(1),
    "h": Fraction(60),
    "hr": Fraction(60),
    "d": Fraction(1440),
}
_RATE = re.compile(r"(?P<mass>[a-z]+)(?P<kg>/kg|\.kg-1)?/(?:\((?P<time>kg\.)?)?(?P<per>[a-z]+)\)?")
_MICRO = str.maketrans({"\u00b5": "u", "\u03bc": "u"})


@dataclass(frozen=True, slots=True)
class DoseRate:
    """A rate in `ug/min` or `ug/kg/min`, and as sent."""

    value: Interval
    unit: str
    sent: SentValue
    flags: frozenset[str] = frozenset()


def rate_of(quantity: "Quantity | None", ratio: "Ratio | None") -> DoseRate | None:
    """Return the rate a Quantity (`0.1 ug/kg/min`) or a Ratio (`4 mg / 1 h`) states.

    None where it is a volume (`5 mL/h`) or in international units: how much drug that
    is was not said.
    """
    if quantity is not None and quantity.value is not None:
        spelled = quantity.code or quantity.unit or ""
        return _rate(quantity.value, quantity.comparator, spelled, str(quantity.value), spelled)
    if ratio is None or ratio.numerator is None or ratio.denominator is None:
        return None
    above, below = ratio.numerator, ratio.denominator
    if above.value is None or below.value is None or below.value <= 0 or below.comparator:
        return None
    spelled = f"{above.code or above.unit or ''}/{below.code or below.unit or ''}"
    text = f"{above.comparator or ''}{above.value}/{below.value}"
    share = 1 / Fraction(below.value)
    return _rate(above.value, above.comparator, spelled, text, spelled, share)


def dose_over_span(dose: "Quantity | None", span: "Span") -> DoseRate | None:
    """Return the mean rate of a dose given over an exact period, flagged as derived."""
    if dose is None or dose.value is None or span.start is None or span.end is None:
        return None
    lasted = span.end.earliest - span.start.earliest
    if not (span.start.is_exact and span.end.is_exact) or lasted <= timedelta(0):
        return None
    unit = dose.code or dose.unit or ""
    share = Fraction(1_000_000, lasted // timedelta(microseconds=1))
    rate = _rate(dose.value, dose.comparator, f"{unit}/s", str(dose.value), unit, share)
    return None if rate is None else replace(rate, flags=rate.flags | {"derived"})


def _rate(
    number: Decimal,
    comparator: str | None,
    spelled: str,
    text: str,
    unit_sent: str,
    share: Fraction = Fraction(1),
) -> DoseRate | None:
    """Read `number` times `share` in the unit `spelled`, with one rounding at the end."""
    found = _RATE.fullmatch(spelled.strip().translate(_MICRO))
    if found is None or number < 0:
        return None
    mass, minutes = _MASS.get(found["mass"]), _MINUTES.get(found["per"])
    if mass is None or minutes is None or (found["kg"] and found["time"]):
        return None
    unit = UG_KG_MIN if found["kg"] or found["time"] else UG_MIN
    value = (
        Interval.exact(number)
        if comparator is None
        else Interval.from_comparator(comparator, number)
    )
    sent = SentValue(text, unit_sent, _scaled(value, share), spelled)
    flags = frozenset() if comparator is None else frozenset({"comparator"})
    return DoseRate(_scaled(value, share * mass / minutes), unit, sent, flags)


def _scaled(value: Interval, factor: Fraction) -> Interval:
    return Interval(
        _times(value.low, factor), _times(value.high, factor), value.low_closed, value.high_closed
    )


def _times(number: Decimal | None, factor: Fraction) -> Decimal | None:
    if number is None or factor == 1:
        return number
    exact = Fraction(number) * factor
    return Decimal(exact.numerator) / Decimal(exact.denominator)
