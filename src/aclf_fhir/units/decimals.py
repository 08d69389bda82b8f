"""Decimal arithmetic as the publications mean it."""

from decimal import ROUND_HALF_UP, Decimal
from functools import cache

__all__ = ["round_half_up"]


def round_half_up(value: Decimal | float, places: int = 0) -> Decimal:
    """Round half away from zero.

    Parameters
    ----------
    value
        The number; a float enters through its shortest text.
    places
        Decimal places to keep, 0 or more.

    Returns
    -------
    Decimal
        `round_half_up(Decimal("30.5"))` is 31; Python's `round` would give 30.
    """
    number = value if isinstance(value, Decimal) else Decimal(repr(value))
    return number.quantize(_last_place(places), rounding=ROUND_HALF_UP)


@cache
def _last_place(places: int) -> Decimal:
    return Decimal(1).scaleb(-places)
