"""Logarithms and exponentials: the only floats of the scores."""

import math
from decimal import Decimal

__all__ = ["exp", "ln", "log10"]


def ln(value: Decimal) -> Decimal:
    """Return the natural logarithm of a positive number."""
    return Decimal(math.log(value))


def log10(value: Decimal) -> Decimal:
    """Return the decimal logarithm of a positive number."""
    return Decimal(math.log10(value))


def exp(value: Decimal) -> Decimal:
    """Return e to the power of a number."""
    return Decimal(math.exp(value))
