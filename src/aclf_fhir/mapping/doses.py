"""Dose rates: mass per minute, or mass per kilogram body weight per minute."""

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import msgspec

from aclf_fhir.mapping.models import HeldReason, ValueSet
from aclf_fhir.mapping.units_read import Problem, text_beside_code
from aclf_fhir.record import SentValue
from aclf_fhir.units import Interval
from aclf_fhir.units.expression import LONGEST

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aclf_fhir.fhir.r4.datatypes import Quantity, Ratio
    from aclf_fhir.mapping.draft import Draft
    from aclf_fhir.mapping.times import Span
    from aclf_fhir.units.expression import Size, UnitParts

__all__ = ["UG_KG_MIN", "UG_MIN", "DoseRate", "accept_rate", "dose_over_span", "rate_of"]

UG_MIN = "ug/min"
UG_KG_MIN = "ug/kg/min"

_NONE: frozenset[str] = frozenset()
_COMPARED = frozenset({"comparator"})
_FROM_TEXT = frozenset({"unit_from_text"})


@dataclass(frozen=True, slots=True)
class DoseRate:
    """A rate in `ug/min` or `ug/kg/min`, as sent, and the element that states it."""

    value: Interval
    unit: str
    sent: SentValue
    path: str
    flags: frozenset[str] = _NONE


def rate_of(
    quantity: "Quantity | None", ratio: "Ratio | None", parts: "UnitParts"
) -> DoseRate | Problem | None:
    """Return the rate a Quantity (`0.1 ug/kg/min`) or a Ratio (`4 mg / 1 h`) states.

    Parameters
    ----------
    quantity, ratio
        `rateQuantity` or `rateRatio`.
    parts
        What the units are read with.

    Returns
    -------
    DoseRate | Problem | None
        None where it is a volume (`5 mL/h`) or in international units: how much drug
        that is was not said. A problem where code and text are of different size, or one
        is too long for a unit.
    """
    if quantity is not None and quantity.value is not None:
        return _rate(quantity, None, str(quantity.value), parts, "rateQuantity")
    if ratio is None or ratio.numerator is None or ratio.denominator is None:
        return None
    above, below = ratio.numerator, ratio.denominator
    if above.value is None or below.value is None or below.value <= 0 or below.comparator:
        return None
    text = f"{above.comparator or ''}{above.value}/{below.value}"
    return _rate(above, below, text, parts, "rateRatio")


def dose_over_span(
    dose: "Quantity | None", span: "Span", parts: "UnitParts"
) -> DoseRate | Problem | None:
    """Return the mean rate of a dose given over an exact period, flagged as derived."""
    if dose is None or dose.value is None or span.start is None or span.end is None:
        return None
    lasted = span.end.earliest - span.start.earliest
    if not (span.start.is_exact and span.end.is_exact) or lasted <= timedelta(0):
        return None
    share = Fraction(1_000_000, lasted // timedelta(microseconds=1))
    rate = _rate(dose, None, str(dose.value), parts, "dose", share=share, per="/s")
    if not isinstance(rate, DoseRate):
        return rate
    sent = msgspec.structs.replace(rate.sent, unit=_spelled(dose))
    return replace(rate, sent=sent, flags=rate.flags | {"derived"})


def accept_rate(
    found: DoseRate | Problem | None, drugs: "Iterable[ValueSet]", draft: "Draft", place: str
) -> DoseRate | None:
    """Return a rate that can be used; hold one in doubt, or that nobody is given.

    The drug itself stands: it was given, at a rate that is not known.
    """
    if isinstance(found, DoseRate):
        for drug in drugs:
            limits = drug.plausible_rates.get(found.unit)
            if limits is not None and not limits.overlaps(found.value):
                detail = f"{drug.id}: outside {limits.low} to {limits.high} {found.unit}"
                found = Problem(HeldReason.IMPLAUSIBLE, found.path, detail)
                break
    if isinstance(found, Problem):
        draft.hold(found.reason, f"{place}.{found.path}", found.detail)
        return None
    return found


def _rate(
    above: "Quantity",
    below: "Quantity | None",
    text: str,
    parts: "UnitParts",
    path: str,
    *,
    share: Fraction = Fraction(1),
    per: str = "",
) -> DoseRate | Problem | None:
    """Read a number times `share` in the unit of `above` by that of `below` or `per`.

    It is rounded once, at the end.
    """
    number = above.value
    spelled = f"{_spelled(above)}{per}" if below is None else f"{_spelled(above)}/{_spelled(below)}"
    sides = (above,) if below is None else (above, below)
    if any(len(unit or "") > LONGEST for unit in (spelled, *(side.unit for side in sides))):
        return Problem(HeldReason.UNIT_UNKNOWN, path, f"more than {LONGEST} characters")
    found = _canonical(parts.read(spelled).size, parts)
    if found is None or number is None or number < 0:
        return None
    unit, factor = found
    flags = _NONE
    for side in sides:
        flag = _flags(side, parts)
        if flag is None:
            detail = f"code {side.code}, unit {side.unit}"
            return Problem(HeldReason.UNIT_DISAGREES, path, detail)
        flags |= flag
    value = Interval.exact(number)
    if above.comparator is not None:
        value, flags = Interval.from_comparator(above.comparator, number), flags | _COMPARED
    if below is not None and below.value is not None:
        share = 1 / Fraction(below.value)
    sent = SentValue(text, spelled, _scaled(value, share), spelled)
    return DoseRate(_scaled(value, share * factor), unit, sent, path, flags)


def _spelled(quantity: "Quantity") -> str:
    return quantity.code or quantity.unit or ""


def _canonical(size: "Size | None", parts: "UnitParts") -> tuple[str, Fraction] | None:
    """Return the unit a rate is kept in, and how much of it one of the unit sent is."""
    for unit in (UG_MIN, UG_KG_MIN):
        kept = parts.read(unit).size
        if size is not None and kept is not None and size[1:] == kept[1:]:
            return unit, size.factor / kept.factor
    return None


def _flags(quantity: "Quantity", parts: "UnitParts") -> frozenset[str] | None:
    """Return what a reader must know of the unit, None if code and text differ."""
    if quantity.code is None:
        return _FROM_TEXT if quantity.unit else _NONE
    return text_beside_code(quantity.code, quantity.unit, parts)


def _scaled(value: Interval, factor: Fraction) -> Interval:
    return Interval(
        _times(value.low, factor), _times(value.high, factor), value.low_closed, value.high_closed
    )


def _times(number: Decimal | None, factor: Fraction) -> Decimal | None:
    if number is None or factor == 1:
        return number
    exact = Fraction(number) * factor
    return Decimal(exact.numerator) / Decimal(exact.denominator)
