"""The text formats of R4 primitive types (datatypes.html §2.24.0.1).

Each function answers whether a text that is not empty conforms. Dates must also
exist: the patterns of the standard let 2026-02-30 through, a calendar does not.
"""

import re
from binascii import Error, a2b_base64
from collections.abc import Callable
from datetime import datetime

__all__ = ["DESCRIPTIONS", "FORMATS", "ID_CHARACTERS", "has_control_characters"]

_YEAR = "(?!0000)[0-9]{4}"
_MONTH = "-(?:0[1-9]|1[0-2])"
_DAY = "-(?:0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"

_date = re.compile(f"{_YEAR}(?:{_MONTH}(?:{_DAY})?)?").fullmatch
_time = re.compile(_CLOCK).fullmatch
ID_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-."
_oid = re.compile(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+").fullmatch
_uuid = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
_code = re.compile(r"\S+(\s\S+)*").fullmatch
_space = re.compile(r"\s").search
_control = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f]").search

_TO_ZERO = bytes.maketrans(b"123456789", b"000000000")
_SHAPES = frozenset(
    f"0000-00-00T00:00:00{fraction}{zone}".encode()
    for fraction in ("", *("." + "0" * digits for digits in range(1, 10)))
    for zone in ("Z", "+00:00", "-00:00")
)
_OFFSETS = frozenset(
    f"{sign}{minutes // 60:02}:{minutes % 60:02}" for sign in "+-" for minutes in range(14 * 60 + 1)
)
_LONG_FRACTION = re.compile(r"([0-9:T-]{19}\.[0-9]{9})[0-9]+(Z|[+-][0-9:]{5})").fullmatch
_LONG_MONTHS = frozenset({"01", "03", "05", "07", "08", "10", "12"})


def _day_exists(text: str) -> bool:
    day, month = text[8:10], text[5:7]
    if month in _LONG_MONTHS:
        return True
    if month != "02":
        return day < "31"
    year = int(text[:4])
    return day == "29" and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def is_date(text: str) -> bool:
    """`2024`, `2024-03` or `2024-03-09`."""
    return _date(text) is not None and (text[8:10] < "29" or _day_exists(text))


def is_date_time(text: str) -> bool:
    """As `is_date`, or a full date with time and zone."""
    return is_instant(text) or is_date(text)


def is_instant(text: str) -> bool:
    """Tell a full date with time, seconds and zone."""
    # Python's reader is the quickest judge of digits and calendar, but takes other shapes
    # too; so the shape and the zone are looked up first.
    if not text.isascii() or text.encode().translate(_TO_ZERO) not in _SHAPES:
        return _is_long_fraction(text)
    if text[-1] != "Z" and text[-6:] not in _OFFSETS:
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return text[17:19] == "60" and is_instant(f"{text[:17]}59{text[19:]}")
    return True


def _is_long_fraction(text: str) -> bool:
    shorter = _LONG_FRACTION(text)
    return shorter is not None and is_instant(shorter[1] + shorter[2])


def is_time(text: str) -> bool:
    """`hh:mm:ss`, with a fraction perhaps."""
    return _time(text) is not None


def is_id(text: str) -> bool:
    """Up to 64 letters, digits, `-` and `.`."""
    return 0 < len(text) <= 64 and not text.strip(ID_CHARACTERS)


def _is_solid(text: str) -> bool:
    # Quicker than a pattern; what is not printable may still conform.
    return " " not in text and text.isprintable()


def is_code(text: str) -> bool:
    """No space at either end, single ones inside."""
    return _is_solid(text) or _code(text) is not None


def is_uri(text: str) -> bool:
    """No white space."""
    return _is_solid(text) or _space(text) is None


def is_oid(text: str) -> bool:
    """`urn:oid:` and dotted numbers."""
    return _oid(text) is not None


def is_uuid(text: str) -> bool:
    """`urn:uuid:` and a UUID in lower case."""
    return _uuid(text) is not None


def is_base64(text: str) -> bool:
    """Base64 with padding; white space between groups is ignored."""
    try:
        a2b_base64("".join(text.split()).encode(), strict_mode=True)
    except Error:
        return False
    return True


def has_control_characters(text: str) -> bool:
    """Whether the text holds a character below U+0020 other than NUL, tab, CR and LF."""
    return _control(text) is not None


FORMATS: dict[str, Callable[[str], bool]] = {
    "base64Binary": is_base64,
    "canonical": is_uri,
    "code": is_code,
    "date": is_date,
    "dateTime": is_date_time,
    "id": is_id,
    "instant": is_instant,
    "oid": is_oid,
    "time": is_time,
    "uri": is_uri,
    "url": is_uri,
    "uuid": is_uuid,
}

DESCRIPTIONS = {
    "base64Binary": "base64 with padding",
    "canonical": "a canonical URL without white space",
    "code": "a code without leading, trailing or doubled white space",
    "date": "a date such as 2024, 2024-03 or 2024-03-09 that exists",
    "dateTime": "a dateTime such as 2024-03-09 or 2024-03-09T08:00:00+01:00 that exists",
    "id": "an id of 1 to 64 letters, digits, '-' and '.'",
    "instant": "an instant such as 2024-03-09T08:00:00.000Z, with seconds and zone",
    "oid": "an OID such as urn:oid:1.2.3",
    "time": "a time such as 08:00:00",
    "uri": "a URI without white space",
    "url": "a URL without white space",
    "uuid": "a UUID such as urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
    "xhtml": "a <div> of plain XHTML with some content",
}
