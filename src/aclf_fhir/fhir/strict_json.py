"""JSON as the gateway takes it: nothing that two readers could read differently.

`read` parses any text slowly and completely, and keeps what a plain dict would
hide (repeated keys, numbers out of range), so that every problem can be listed.
`skim` looks at bytes once, at the speed of a substring search, and says whether
anything could be wrong that decoding alone does not show; `lost_members` then
settles whether a decoded struct holds everything that was sent.
"""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NoReturn

from aclf_fhir.errors import AclfError, Category, Issue

__all__ = [
    "MAX_DEPTH",
    "Members",
    "OutOfRange",
    "check",
    "exact_decimal",
    "lost_members",
    "problems",
    "read",
    "skim",
]

MAX_DEPTH = 64
"""How deep objects and arrays may lie inside each other, unless the caller says otherwise."""

_LARGEST_EXPONENT = 30
_LONGEST_NUMBER = 100

_NOT_STRUCTURE = bytes(sorted(set(range(256)) - set(b'"[]{}')))
# Escapes that decode to a quote, to NUL or to another control character, and half surrogates.
_TELLING_ESCAPE = re.compile(rb"\\[bf]|\\u(?:00[01]|0022|[dD][89a-fA-F])").search
_EMPTY_OBJECT = re.compile(rb"\{[ \t\r\n]*\}").search
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL).finditer
_SURROGATE = re.compile(r"[\ud800-\udfff]").search


class Members(dict[str, object]):
    """A JSON object that remembers which of its keys came more than once."""

    repeated: tuple[str, ...] = ()


class OutOfRange:
    """A number whose exponent or length is beyond what the gateway takes."""


def exact_decimal(text: str) -> Decimal:
    """Return a JSON number with all its digits.

    Raises
    ------
    ValueError
        If its exponent, written or resulting, is beyond ±30, or it is absurdly long.
    """
    if len(text) < 20 and "e" not in text and "E" not in text:
        return Decimal(text)
    mantissa, _, exponent = text.replace("E", "e").partition("e")
    if len(mantissa) > _LONGEST_NUMBER or len(exponent) > _LONGEST_NUMBER:
        raise ValueError("a number is too long")
    number = Decimal(text)
    written = int(exponent or 0)
    if not -_LARGEST_EXPONENT <= written <= _LARGEST_EXPONENT or (
        number and not -_LARGEST_EXPONENT <= number.adjusted() <= _LARGEST_EXPONENT
    ):
        raise ValueError("an exponent is beyond 30")
    return number


def skim(body: bytes, max_depth: int) -> int:
    """Return the number of quotes in the body, or -1 if it needs a closer look.

    The bodies that need none hold no empty object, no telling escape and no more
    opening brackets than the depth that is allowed.
    """
    if b"\\" in body and _TELLING_ESCAPE(body):
        return -1
    structure = body.translate(None, _NOT_STRUCTURE)
    if b"{}" in structure and _EMPTY_OBJECT(body):
        return -1
    if structure.count(b"{") + structure.count(b"[") > max_depth and _depth_may_exceed(
        structure, max_depth
    ):
        return -1
    return structure.count(b'"')


def lost_members(quotes: int, encoded: bytes) -> bool:
    """Whether decoding lost a member: a repeated key, or one that was null.

    `encoded` is the decoded struct, written again; `quotes` comes from `skim`.
    Every member has the two quotes of its key, and a string is written with as
    many quotes as it came with (`skim` lets no escaped spelling of a quote
    through), so the counts agree only if nothing is missing.
    """
    return quotes != encoded.count(b'"')


def _depth_may_exceed(structure: bytes, max_depth: int) -> bool:
    """Peel innermost brackets off, one layer at a time (brackets in strings only add)."""
    layers = structure.replace(b'"', b"")
    for _ in range(max_depth):
        shorter = layers.replace(b"{}", b"").replace(b"[]", b"")
        if not shorter:
            return False
        if len(shorter) == len(layers):
            return True
        layers = shorter
    return True


def check(body: bytes, *, max_depth: int = MAX_DEPTH) -> None:
    """Refuse what is not strict JSON.

    Raises
    ------
    AclfError
        `invalid`: unparsable if the text is not JSON at all, else with every problem.
    """
    issues = list(problems(read(body, max_depth=max_depth)))
    if issues:
        raise AclfError.all_of(issues)


def read(body: bytes, *, max_depth: int = MAX_DEPTH) -> object:
    """Parse JSON into `Members`, lists, text, integers, `Decimal`, `OutOfRange`, booleans, None.

    Raises
    ------
    AclfError
        `invalid` and unparsable: malformed, not UTF-8, or nested too deep.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        _unparsable(f"is not UTF-8 (byte {error.start})", "Send UTF-8.")
    depth = deepest = 0
    for token in _TOKENS(text):
        mark = text[token.start()]
        if mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in "]}":
            depth -= 1
    if deepest > max_depth:
        _unparsable(f"is nested deeper than {max_depth} levels", "Send a flatter resource.")
    try:
        tree: object = json.loads(
            text,
            object_pairs_hook=_members,
            parse_float=_number,
            parse_int=_number,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        _unparsable(f"is not JSON ({where}: {_reason(error)})", "Send well-formed JSON.")
    return tree


def problems(tree: object, location: str = "") -> Iterator[Issue]:
    """List what is JSON, but ambiguous or out of range: repeated keys, NUL, exponents.

    Locations start with the resource type, if the tree tells one.
    """
    if not location and isinstance(tree, Members):
        named = tree.get("resourceType")
        location = named if isinstance(named, str) and named.isalpha() else ""
    if isinstance(tree, Members):
        for key in tree.repeated:
            place = f"{location}.{_safe(key)}".lstrip(".")
            yield _invalid(place, "the key stands more than once in one object", "Send it once.")
        for key, value in tree.items():
            if _bad_text(key):
                yield _invalid(location, "a key holds a character that R4 forbids", "Remove it.")
            yield from problems(value, f"{location}.{_safe(key)}".lstrip("."))
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            yield from problems(item, f"{location}[{index}]")
    elif isinstance(tree, str):
        if _bad_text(tree):
            message = "the text holds NUL or half of a surrogate pair"
            yield _invalid(location, message, "Remove the character.")
    elif isinstance(tree, OutOfRange):
        message = "the number's exponent is beyond ±30, or it is too long"
        yield _invalid(location, message, "Send the value in a fitting unit.")


def _members(pairs: list[tuple[str, object]]) -> Members:
    members = Members(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        repeated = [key for key, _ in pairs if key in seen or seen.add(key)]  # type: ignore[func-returns-value]
        members.repeated = tuple(dict.fromkeys(repeated))
    return members


def _number(text: str) -> object:
    try:
        number = exact_decimal(text)
    except ValueError:
        return OutOfRange()
    return int(text) if text.lstrip("-").isdigit() else number


def _constant(name: str) -> NoReturn:
    _unparsable(f"is not JSON ({name})", "Send well-formed JSON.")


def _reason(error: json.JSONDecodeError) -> str:
    return error.msg[:1].lower() + error.msg[1:]


def _bad_text(text: str) -> bool:
    return "\0" in text or _SURROGATE(text) is not None


def _safe(key: str) -> str:
    """Return a key as it may stand in a location: a sender's odd key could hold anything."""
    return key if key.isidentifier() and key.isascii() and len(key) <= 64 else "?"


def _unparsable(message: str, remedy: str) -> NoReturn:
    raise AclfError(Issue(Category.INVALID, "", f"The body {message}.", remedy, unparsable=True))


def _invalid(location: str, message: str, remedy: str) -> Issue:
    return Issue(Category.INVALID, location, message, remedy)
