"""Units of one analyte: which are read, which are refused, how they convert.

A table belongs to one analyte, because a factor does: urea and urea nitrogen
share their units and differ by 2.14. There is no unit engine; the factors are
data (`mappings/analytes/`), exact, and reviewed by people.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Self

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.units.interval import Interval

__all__ = ["UnitReading", "UnitTable"]

_new = tuple.__new__

# U+00B5 (micro sign) and U+03BC (Greek mu) look alike; UCUM writes `u` for both.
_MICRO = str.maketrans({"\u00b5": "u", "\u03bc": "u"})


@dataclass(frozen=True, slots=True)
class UnitReading:
    """What a unit as sent was read as.

    Parameters
    ----------
    ucum
        The UCUM code.
    mapped
        True where the sender did not write the UCUM code itself.
    """

    ucum: str
    mapped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitTable:
    """Every unit one analyte is accepted in.

    Build it with `UnitTable.build`, which checks it.

    Parameters
    ----------
    canonical
        UCUM unit facts are kept in.
    factors
        UCUM code to the factor that makes the canonical unit of it:
        for bilirubin in mg/dL, `umol/L` has 10/171.
    spellings
        What laboratories write that is not UCUM, to the UCUM code it means.
    refused
        Spellings that look right and are not, with the reason a sender can act on.
    unitless
        Whether a number without any unit is complete (INR).
    """

    canonical: str
    factors: Mapping[str, Fraction]
    spellings: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    unitless: bool = False
    _conversions: dict[str, dict[str, Callable[[Decimal], Decimal]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def build(
        cls,
        *,
        canonical: str,
        factors: Mapping[str, str],
        spellings: Mapping[str, str] | None = None,
        refused: Mapping[str, str] | None = None,
        unitless: bool = False,
    ) -> Self:
        """Build a table from factors as people write them.

        Parameters
        ----------
        canonical
            UCUM unit facts are kept in; its own factor of 1 may be left out.
        factors
            UCUM code to factor: a decimal (`"0.1"`) or one divided by another
            (`"1/17.1"`).
        spellings
            Non-UCUM text to UCUM code.
        refused
            Spelling to reason.
        unitless
            Whether a bare number is complete.

        Returns
        -------
        UnitTable
            The checked table; `AclfError` (invalid) if it contradicts itself.
        """
        exact = {canonical: Fraction(1)}
        for code, text in factors.items():
            exact[code] = _fraction(code, text)
        if exact[canonical] != 1:
            raise _contradiction(canonical, "the canonical unit has a factor other than 1")
        spellings = dict(spellings or {})
        refused = dict(refused or {})
        for spelling, code in spellings.items():
            if code not in exact:
                raise _contradiction(spelling, f"it is read as {code}, which has no factor")
            if spelling in exact:
                raise _contradiction(spelling, "it is a UCUM code of the table and a spelling")
        for spelling in refused:
            if spelling in exact or spelling in spellings:
                raise _contradiction(spelling, "it is both accepted and refused")
        return cls(
            canonical=canonical,
            factors=exact,
            spellings=spellings,
            refused=refused,
            unitless=unitless,
        )

    def read(self, spelling: str) -> UnitReading:
        """Read a unit as sent.

        Parameters
        ----------
        spelling
            The text of `Quantity.code` or `Quantity.unit`; "" where none was sent.

        Returns
        -------
        UnitReading
            The UCUM code, and whether it had to be mapped. `AclfError`
            (unsupported) for a unit outside the table; (invalid) where a unit
            is needed and none was sent.
        """
        if spelling in self.factors:
            return UnitReading(spelling, mapped=False)
        if spelling in self.refused:
            raise AclfError.of(
                Category.UNSUPPORTED, "", f"unit {spelling!r}: {self.refused[spelling]}"
            )
        if spelling in self.spellings:
            return UnitReading(self.spellings[spelling], mapped=True)
        plain = spelling.strip().translate(_MICRO)
        if not plain:
            return self._read_nothing()
        if plain != spelling:
            return UnitReading(self.read(plain).ucum, mapped=True)
        raise AclfError.of(
            Category.UNSUPPORTED,
            "",
            f"unit {spelling!r} is not accepted here",
            f"send one of: {', '.join(self.factors)}",
        )

    def convert(self, value: Interval, source: str, target: str) -> Interval:
        """Convert a value, end by end.

        Parameters
        ----------
        value
            The value in `source`.
        source, target
            UCUM codes of the table.

        Returns
        -------
        Interval
            The value in `target`: one exact factor, one rounding (28 digits).
        """
        if source == target and source in self.factors:
            return value
        try:
            convert = self._conversions[source][target]
        except KeyError:
            convert = self._conversion(source, target)
        low, high = value.low, value.high
        if low is high and low is not None:
            low = convert(low)
            # Made as `Interval.exact` makes it: this line runs for every number received.
            return _new(Interval, (low, low, True, True))
        return Interval(
            None if low is None else convert(low),
            None if high is None else convert(high),
            value.low_closed,
            value.high_closed,
        )

    def convert_number(self, value: Decimal, source: str, target: str) -> Decimal:
        """Convert one exact number; `convert` without the interval around it."""
        try:
            convert = self._conversions[source][target]
        except KeyError:
            convert = self._conversion(source, target)
        return convert(value)

    def _read_nothing(self) -> UnitReading:
        """Read the absence of a unit."""
        if self.unitless:
            return UnitReading(self.canonical, mapped=True)
        raise AclfError.of(
            Category.INVALID,
            "",
            "the value has no unit",
            f"send one of: {', '.join(self.factors)}",
        )

    def _conversion(self, source: str, target: str) -> Callable[[Decimal], Decimal]:
        """Look a pair up once and keep it."""
        for code in (source, target):
            if code not in self.factors:
                raise AclfError.of(
                    Category.UNSUPPORTED,
                    "",
                    f"unit {code!r} is not in the table",
                    f"use one of: {', '.join(self.factors)}",
                )
        convert = _multiplication(self.factors[source] / self.factors[target])
        self._conversions.setdefault(source, {})[target] = convert
        return convert


def _fraction(code: str, text: str) -> Fraction:
    """Read `0.1` or `1/17.1` exactly."""
    above, _, below = text.partition("/")
    try:
        factor = Fraction(Decimal(above.strip())) / Fraction(Decimal(below.strip() or "1"))
    except (ArithmeticError, ValueError) as error:
        raise _contradiction(code, f"{text!r} is not a decimal or a ratio of two") from error
    if factor <= 0:
        raise _contradiction(code, "a factor is positive")
    return factor


def _multiplication(factor: Fraction) -> Callable[[Decimal], Decimal]:
    """Return "times the factor" with one rounding, at the 28 digits of decimal arithmetic."""
    multiplier = _terminating(factor)
    if multiplier is not None:
        return lambda value: value * multiplier
    divisor = _terminating(1 / factor)
    if divisor is not None:
        return lambda value: value / divisor

    def multiply(value: Decimal) -> Decimal:
        exact = Fraction(value) * factor
        return Decimal(exact.numerator) / Decimal(exact.denominator)

    return multiply


def _terminating(factor: Fraction) -> Decimal | None:
    """Return the factor as a decimal if it has one that is exact and short."""
    quotient = Decimal(factor.numerator) / Decimal(factor.denominator)
    return quotient if Fraction(quotient) == factor else None


def _contradiction(spelling: str, what: str) -> AclfError:
    return AclfError.of(Category.INVALID, "", f"unit table, {spelling!r}: {what}")
