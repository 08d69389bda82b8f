"""Which unit a number was sent in: read from code, text or the site's file, never guessed."""

import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from aclf_fhir.codes import UCUM
from aclf_fhir.errors import AclfError
from aclf_fhir.mapping.models import Analyte, HeldReason, MappingContext
from aclf_fhir.units.expression import LONGEST
from aclf_fhir.units.quantity import UnitReading

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.datatypes import Quantity
    from aclf_fhir.units.expression import UnitParts

__all__ = [
    "Problem",
    "Unit",
    "read_bare_unit",
    "read_quantity_unit",
    "read_text_unit",
    "text_beside_code",
]

_WORD = re.compile(r"[^\W_]+")
_NONE: frozenset[str] = frozenset()
_MAPPED = frozenset({"unit_mapped"})
_FROM_TEXT = frozenset({"unit_from_text"})
_FROM_SITE = frozenset({"unit_from_site"})
_TEXT_UNREAD = frozenset({"unit_text_unread"})


class Problem(NamedTuple):
    """Why one element cannot be read; `path` is relative to the element's owner."""

    reason: HeldReason
    path: str
    detail: str = ""


class Unit(msgspec.Struct, frozen=True):
    """A unit as sent, what it was read as, and what a reader must know of that."""

    sent: str
    ucum: str
    flags: frozenset[str] = _NONE


def read_quantity_unit(
    quantity: "Quantity", analyte: Analyte, context: MappingContext, path: str
) -> Unit | Problem:
    """Read the unit of a Quantity: its code, checked against its text."""
    code, text = quantity.code, quantity.unit
    if code is None:
        if text is None or not text.strip():
            return read_bare_unit(analyte, context, path)
        return read_text_unit(text, analyte, context, f"{path}.unit")
    if quantity.system == UCUM and code in analyte.units.factors:
        unit = Unit(code, code)
    else:
        reading = _read(code, analyte, context, f"{path}.code")
        if isinstance(reading, Problem):
            return reading
        # A code of another system than UCUM is a spelling like any other.
        plain = quantity.system == UCUM and not reading.mapped
        unit = Unit(code, reading.ucum, _NONE if plain else _MAPPED)
    if text is None or text == code or not text.strip():
        return unit
    return _agree(unit, text, analyte, context, path)


def read_text_unit(
    text: str, analyte: Analyte, context: MappingContext, path: str
) -> Unit | Problem:
    """Read a unit that came as text only."""
    reading = _read(text, analyte, context, path)
    if isinstance(reading, Problem):
        return reading
    return Unit(text, reading.ucum, _FROM_TEXT | _MAPPED if reading.mapped else _FROM_TEXT)


def read_bare_unit(analyte: Analyte, context: MappingContext, path: str) -> Unit | Problem:
    """Return the unit of a number sent without one: none is needed, or the site declares it."""
    if analyte.units.unitless:
        return Unit("", analyte.units.canonical)
    declared = context.site.default_units.get(analyte.id)
    if declared is not None:
        return Unit("", declared, _FROM_SITE)
    expected = ", ".join(analyte.units.factors)
    return Problem(HeldReason.UNIT_MISSING, path, f"{analyte.id}: expected one of {expected}")


def text_beside_code(code: str, text: str | None, parts: "UnitParts") -> frozenset[str] | None:
    """Compare a text with a code no analyte has a table for: of a dose, of a side of a Ratio.

    Returns
    -------
    frozenset[str] | None
        What a reader must know of the text, None if it is not the code's unit.
    """
    if text is None or text == code or not text.strip():
        return _NONE
    words = parts.read(text)
    if not words.is_prose and (words.size is None or words.size != parts.read(code).size):
        return None
    return _TEXT_UNREAD if words.is_prose or words.has_remark else _NONE


def _read(
    spelling: str, analyte: Analyte, context: MappingContext, path: str
) -> UnitReading | Problem:
    """Read a spelling the site's way, then the table's."""
    declared = context.site.spellings.get((analyte.id, spelling))
    if declared is not None:
        return UnitReading(declared, mapped=True)
    if len(spelling) > LONGEST:
        detail = f"{analyte.id}: {len(spelling)} characters are too many for a unit"
        return Problem(HeldReason.UNIT_UNKNOWN, path, detail)
    try:
        return analyte.units.read(spelling)
    except AclfError as error:
        return Problem(HeldReason.UNIT_UNKNOWN, path, f"{analyte.id}: {error}")


def _agree(
    unit: Unit, text: str, analyte: Analyte, context: MappingContext, path: str
) -> Unit | Problem:
    """Check the text beside a code that was read.

    They agree if both mean the same factor: `10*3/uL` beside `10^9/L`, `milligrams per
    liter` beside `ug/mL`, and `K/uL`, which is refused as a code, beside `10*3/uL`. A text
    that is a unit in part only may be another one: people have to look. Prose does not
    outweigh the code, but where it names another quantity (`direct bilirubin`).
    """
    factors = analyte.units.factors
    reading = _read(text, analyte, context, path)
    if isinstance(reading, UnitReading):
        agrees, flags = factors[reading.ucum] == factors[unit.ucum], _NONE
    elif len(text) > LONGEST:
        return reading
    elif text.strip().casefold() in analyte.remarks.no_unit:
        agrees, flags = True, _TEXT_UNREAD
    elif _names_another(text, analyte):
        agrees, flags = False, _NONE
    else:
        words = context.unit_parts.read(text)
        agrees = words.is_prose or (
            words.size is not None
            and any(
                context.unit_parts.read(ucum).size == words.size
                for ucum, factor in factors.items()
                if factor == factors[unit.ucum]
            )
            # What a refused spelling adds to the unit is why it is refused (`ug{N}/dL`).
            and not (words.has_remark and text.strip() in analyte.units.refused)
        )
        flags = _TEXT_UNREAD if words.is_prose or words.has_remark else _NONE
    if not agrees:
        detail = f"{analyte.id}: code {unit.sent}, unit {text}"
        return Problem(HeldReason.UNIT_DISAGREES, path, detail)
    return Unit(unit.sent, unit.ucum, unit.flags | flags) if flags else unit


def _names_another(text: str, analyte: Analyte) -> bool:
    """Say whether a text has a word for something taken for the analyte: `mg/dL (urine)`."""
    words = f" {' '.join(_WORD.findall(text.casefold()))} "
    for own in analyte.remarks.own:
        words = words.replace(f" {own} ", " ")
    return any(f" {other} " in words for other in analyte.remarks.other)
