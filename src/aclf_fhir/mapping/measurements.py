"""The number a laboratory or a device sent, as an interval in its own and the canonical unit."""

import re
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from aclf_fhir.mapping.codings import codings_of
from aclf_fhir.mapping.models import Analyte, HeldReason, MappingContext
from aclf_fhir.mapping.units_read import (
    Problem,
    Unit,
    read_bare_unit,
    read_quantity_unit,
    read_text_unit,
    text_beside_code,
)
from aclf_fhir.mapping.vocabulary import DATA_ABSENT_EXTENSION, NORMAL_RANGE
from aclf_fhir.record import SentValue
from aclf_fhir.units import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aclf_fhir.fhir.r4.datatypes import Element, Quantity, Range, Ratio
    from aclf_fhir.fhir.r4.observation import (
        Observation,
        ObservationComponent,
        ObservationReferenceRange,
    )

__all__ = ["Measurement", "measurement_of", "read_measurement", "read_reference_high"]

_COMPARED = frozenset({"comparator"})
_TEXT = re.compile(
    r"\s*(?P<comparator><=|>=|<|>|≤|≥)?\s*"
    r"(?P<number>[+-]?\d{1,20}(?:[.,]\d{1,20})?)\s*(?P<unit>\S.*?)?\s*",
    re.ASCII | re.DOTALL,
)
_SIGNS = {"≤": "<=", "≥": ">="}
_OTHER_VALUES = (
    "value_codeable_concept",
    "value_boolean",
    "value_sampled_data",
    "value_time",
    "value_date_time",
    "value_period",
)


class Measurement(msgspec.Struct, frozen=True):
    """A number as sent and in the canonical unit."""

    sent: SentValue
    value: Interval
    flags: frozenset[str]
    path: str


def read_measurement(
    element: "Observation | ObservationComponent",
    analyte: Analyte,
    context: MappingContext,
    units: frozenset[str],
) -> Measurement | Problem | None:
    """Read the value of an Observation or component.

    Parameters
    ----------
    element
        What carries `value[x]` and `dataAbsentReason`.
    analyte
        What was measured.
    context
        Supplies the site's units and decimal sign.
    units
        UCUM units the code may come with; empty allows the whole table.

    Returns
    -------
    Measurement | Problem | None
        None where the sender says that there is no value (`dataAbsentReason`).
    """
    quantity = element.value_quantity
    if quantity is not None:
        if quantity.value is None:
            return _no_number(quantity.value_ext, "valueQuantity")
        read = _read_quantity(quantity, quantity.value, analyte, context)
    elif element.value_string is not None:
        read = _read_string(element.value_string, analyte, context)
    elif element.value_integer is not None:
        unit = read_bare_unit(analyte, context, "valueInteger")
        number = Decimal(element.value_integer)
        read = _sent(str(number), unit, Interval.exact(number), "valueInteger")
    elif element.value_range is not None:
        read = _read_range(element.value_range, analyte, context)
    elif element.value_ratio is not None:
        read = _read_ratio(element.value_ratio, analyte, context)
    else:
        return _without_number(element)
    if isinstance(read, Problem):
        return read
    return measurement_of(*read, analyte=analyte, units=units)


def measurement_of(
    sent: SentValue,
    flags: frozenset[str],
    path: str,
    *,
    analyte: Analyte,
    units: frozenset[str] = frozenset(),
) -> Measurement | Problem:
    """Convert what was sent to the canonical unit and check that a patient can have it."""
    if units and sent.ucum not in units:
        detail = f"{analyte.id}: this code comes in {', '.join(sorted(units))}, not in {sent.ucum}"
        return Problem(HeldReason.UNIT_DISAGREES, path, detail)
    value = sent.value
    if sent.ucum != analyte.unit:
        value = analyte.units.convert(value, sent.ucum, analyte.unit)
    if not value.overlaps(analyte.plausible):
        low, high = analyte.plausible.low, analyte.plausible.high
        detail = f"{analyte.id}: outside {low} to {high} {analyte.unit}"
        return Problem(HeldReason.IMPLAUSIBLE, path, detail)
    return Measurement(sent, value, flags, path)


def read_reference_high(
    ranges: "Sequence[ObservationReferenceRange]",
    analyte: Analyte,
    context: MappingContext,
) -> tuple[Interval, str] | None:
    """Return the upper limit of normal, canonical and as sent.

    Only the untyped or `normal` range counts, and only if there is one: several (per
    age, sex or week) leave open which applies. A limit without unit is not read.
    """
    limits = [entry.high for entry in ranges if entry.high is not None and _is_normal(entry)]
    if len(limits) != 1:
        return None
    high = limits[0]
    number = high.value
    if number is None or (high.code is None and high.unit is None):
        return None
    unit = read_quantity_unit(high, analyte, context, "referenceRange.high")
    if isinstance(unit, Problem):
        return None
    limit = analyte.units.convert_number(number, unit.ucum, analyte.unit)
    return Interval.exact(limit), f"{number!s} {unit.ucum}"


def _is_normal(entry: "ObservationReferenceRange") -> bool:
    return entry.type is None or NORMAL_RANGE in codings_of(entry.type)


_Read = tuple[SentValue, frozenset[str], str] | Problem


def _sent(
    text: str,
    unit: Unit | Problem,
    value: Interval,
    path: str,
    flags: frozenset[str] = frozenset(),
) -> _Read:
    if isinstance(unit, Problem):
        return unit
    return SentValue(text, unit.sent, value, unit.ucum), unit.flags | flags, path


def _read_quantity(
    quantity: "Quantity", number: Decimal, analyte: Analyte, context: MappingContext
) -> _Read:
    unit = read_quantity_unit(quantity, analyte, context, "valueQuantity")
    comparator = quantity.comparator
    if comparator is None:
        return _sent(str(number), unit, Interval.exact(number), "valueQuantity")
    value = Interval.from_comparator(comparator, number)
    return _sent(f"{comparator}{number}", unit, value, "valueQuantity", _COMPARED)


def _read_string(text: str, analyte: Analyte, context: MappingContext) -> _Read:
    """Read `1.2`, `<0.2` or `1.2 mg/dL`; any other text is held."""
    path = "valueString"
    found = _TEXT.fullmatch(text)
    if found is None:
        return Problem(HeldReason.VALUE_UNREADABLE, path, f"{analyte.id}: the text is no number")
    written = found["number"]
    comma = context.site.decimal_comma
    # At a site with a decimal comma, 1.234 may be one thousand two hundred and thirty-four.
    thousands = comma and re.fullmatch(r"[+-]?\d{1,3}\.\d{3}", written) is not None
    if ("," in written and not comma) or thousands:
        return Problem(HeldReason.DECIMAL_COMMA, path, f"{analyte.id}: which sign is decimal?")
    number = Decimal(written.replace(",", "."))
    unit = (
        read_bare_unit(analyte, context, path)
        if found["unit"] is None
        else read_text_unit(found["unit"], analyte, context, path)
    )
    sign = found["comparator"]
    if sign is None:
        return _sent(text.strip(), unit, Interval.exact(number), path)
    value = Interval.from_comparator(_SIGNS.get(sign, sign), number)
    return _sent(text.strip(), unit, value, path, _COMPARED)


def _read_range(value: "Range", analyte: Analyte, context: MappingContext) -> _Read:
    """Read a Range, both ends included; a missing end is not known."""
    path = "valueRange"
    units: list[Unit] = []
    ends: list[Decimal | None] = []
    for name, end in (("low", value.low), ("high", value.high)):
        number = None if end is None else end.value
        ends.append(number)
        if end is None or number is None:
            continue
        unit = read_quantity_unit(end, analyte, context, f"{path}.{name}")
        if isinstance(unit, Problem):
            return unit
        units.append(unit)
    low, high = ends
    if not units or (low is not None and high is not None and low > high):
        return Problem(HeldReason.VALUE_UNREADABLE, path, f"{analyte.id}: no usable range")
    if len({unit.ucum for unit in units}) > 1:
        return Problem(HeldReason.UNIT_DISAGREES, path, f"{analyte.id}: low and high differ")
    flags = frozenset({"range"}).union(*(unit.flags for unit in units))
    interval = Interval(low, high, low is not None, high is not None)
    text = f"{'' if low is None else low} - {'' if high is None else high}"
    return SentValue(text, units[0].sent, interval, units[0].ucum), flags, path


def _read_ratio(ratio: "Ratio", analyte: Analyte, context: MappingContext) -> _Read:
    """Read a Ratio as one number where numerator and denominator make a unit of the analyte."""
    path = "valueRatio"
    unreadable = Problem(HeldReason.VALUE_UNREADABLE, path, f"{analyte.id}: no usable ratio")
    above, below = ratio.numerator, ratio.denominator
    if above is None or below is None or above.value is None or below.value is None:
        return unreadable
    if below.value <= 0 or below.comparator is not None:
        return unreadable
    sign = above.comparator
    flags = frozenset({"ratio"}) if sign is None else _COMPARED
    for name, side in (("numerator", above), ("denominator", below)):
        if side.code is not None:
            flag = text_beside_code(side.code, side.unit, context.unit_parts)
            if flag is None:
                detail = f"{analyte.id}: code {side.code}, unit {side.unit}"
                return Problem(HeldReason.UNIT_DISAGREES, f"{path}.{name}", detail)
            flags |= flag
    upper, lower = above.code or above.unit or "", below.code or below.unit or ""
    spelled = f"{upper}/{lower}" if lower not in ("", "1") else upper
    unit = (
        read_text_unit(spelled, analyte, context, path)
        if spelled
        else read_bare_unit(analyte, context, path)
    )
    number = above.value / below.value
    value = Interval.exact(number) if sign is None else Interval.from_comparator(sign, number)
    text = f"{sign or ''}{above.value}/{below.value}"
    return _sent(text, unit, value, path, flags)


def _without_number(element: "Observation | ObservationComponent") -> Problem | None:
    """Say why there is no number: absent with a reason, or of a kind that is none."""
    if element.data_absent_reason is not None:
        return None
    for name in _OTHER_VALUES:
        if getattr(element, name) is not None:
            first, *rest = name.split("_")
            path = first + "".join(part.capitalize() for part in rest)
            return Problem(HeldReason.VALUE_UNREADABLE, path, "a number is expected")
    extension = element.value_string_ext or element.value_integer_ext
    return _no_number(extension, "value")


def _no_number(sibling: "Element | None", path: str) -> Problem | None:
    """Accept a missing number whose sibling element says why (R4 data-absent-reason)."""
    for extension in () if sibling is None else sibling.extension or ():
        if extension.url == DATA_ABSENT_EXTENSION:
            return None
    return Problem(HeldReason.VALUE_UNREADABLE, path, "no value and no dataAbsentReason")
