"""Check digits of LOINC and SNOMED CT: they catch most typing errors in a code."""

import re

__all__ = ["is_loinc", "is_snomed"]

_LOINC = re.compile(r"[1-9][0-9]{0,6}-[0-9]", re.ASCII)
_SNOMED = re.compile(r"[1-9][0-9]{5,17}", re.ASCII)
_PARTITIONS = frozenset({"00", "10"})

# Verhoeff's dihedral group D5: the multiplication table, and one permutation of ten digits.
_TIMES = tuple(
    tuple((a + b) % 5 + 5 * (b >= 5) if a < 5 else (a - b) % 5 + 5 * (b < 5) for b in range(10))
    for a in range(10)
)
_PERMUTED = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def is_loinc(code: str) -> bool:
    """Say whether `code` is the number of a LOINC term with its right check digit.

    `3150-0` is; the frequent misprint `3150-6` is not (LOINC Users' Guide, mod 10).
    """
    if not _LOINC.fullmatch(code):
        return False
    number, _, digit = code.partition("-")
    total = 0
    for place, figure in enumerate(reversed(number)):
        doubled = int(figure) * (2 if place % 2 == 0 else 1)
        total += doubled // 10 + doubled % 10
    return (10 - total % 10) % 10 == int(digit)


def is_snomed(code: str) -> bool:
    """Say whether `code` is a SNOMED CT concept id with its right check digit.

    The partition (the two digits before the check digit) must be that of a concept,
    international or of an extension (SNOMED CT TIG 6.3, Verhoeff).
    """
    if not _SNOMED.fullmatch(code) or code[-3:-1] not in _PARTITIONS:
        return False
    check = 0
    for place, figure in enumerate(reversed(code)):
        digit = int(figure)
        for _ in range(place % 8):
            digit = _PERMUTED[digit]
        check = _TIMES[check][digit]
    return check == 0
