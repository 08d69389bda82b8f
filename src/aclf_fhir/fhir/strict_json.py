"""JSON as the gateway takes it: nothing that two readers could read differently.

`read` parses any text slowly and completely, and keeps what a plain dict would
hide (repeated keys, numbers out of range), so that every problem can be listed.
The others look at bytes at the speed of a substring search, and tell what
decoding alone does not show.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import NoReturn

from aclf_fhir.errors import AclfError, Category, Issue

__all__ = [
    "LARGEST_EXPONENT",
    "MAX_DEPTH",
    "Members",
    "OutOfRange",
    "check",
    "in_range",
    "lost_members",
    "may_be_too_deep",
    "problems",
    "read",
]

MAX_DEPTH = 64
"""How deep objects and arrays may lie inside each other, unless the caller says otherwise."""

LARGEST_EXPONENT = 30

_NOT_BRACKETS = bytes(sorted(set(range(256)) - set(b"[]{}")))
# Escapes that decode to a quote, to NUL or to another control character, and half surrogates.
_TELLING_ESCAPE = re.compile(rb"\\[bf]|\\u(?:00[01]|0022|[dD][89a-fA-F])").search
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL).finditer
_INNERMOST = re.compile(rb"\{\}|\[\]")
_SURROGATE = re.compile(r"[\ud800-\udfff]").search


class Members(dict[str, object]):
    """A JSON object that remembers which of its keys came more than once."""

    repeated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutOfRange:
    """A number whose exponent or length is beyond what the gateway takes, and what is."""

    message: str


def in_range(number: Decimal) -> bool:
    """Whether a number's exponent (in scientific notation) is within ±30."""
    return -LARGEST_EXPONENT <= number.adjusted() <= LARGEST_EXPONENT


def lost_members(body: bytes, encoded: bytes) -> bool:
    """Whether decoding a body with escapes lost or changed a member.

    `encoded` is the decoded struct, written again. Every member has the two quotes
    of its key, and a string is written with as many quotes as it came with, if no
    escape spells a quote otherwise. So the counts differ if a key was repeated, if
    a member was null, or if a string stood where a decimal belongs.
    """
    return _TELLING_ESCAPE(body) is not None or body.count(b'"') != encoded.count(b'"')


def may_be_too_deep(body: bytes, max_depth: int) -> bool:
    """Whether objects and arrays may lie too deep in each other: no is certain, yes is not."""
    if body.count(b"{") + body.count(b"[") <= max_depth:
        return False
    layers = body.translate(None, _NOT_BRACKETS)
    for _ in range(max_depth):
        # Peel the innermost brackets off, one layer at a time (those in strings only add).
        shorter = _INNERMOST.sub(b"", layers)
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
    depth = 0
    for token in _TOKENS(text):
        mark = text[token.start()]
        if mark in "[{":
            depth += 1
            if depth > max_depth:
                _unparsable(f"is nested deeper than {max_depth} levels", "Send a flatter resource.")
        elif mark in "]}":
            depth -= 1
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
    except RecursionError:
        _unparsable("is nested too deep", "Send a flatter resource.")
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
                place = f"{location}.{_safe(key)}".lstrip(".")
                yield _invalid(place, "a key holds a character that R4 forbids", "Remove it.")
            yield from problems(value, f"{location}.{_safe(key)}".lstrip("."))
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            yield from problems(item, f"{location}[{index}]")
    elif isinstance(tree, str):
        if _bad_text(tree):
            message = "the text holds NUL or half of a surrogate pair"
            yield _invalid(location, message, "Remove the character.")
    elif isinstance(tree, OutOfRange):
        yield _invalid(location, tree.message, "Send a number R4 allows, in a fitting unit.")


def _members(pairs: list[tuple[str, object]]) -> Members:
    members = Members(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        repeated = [key for key, _ in pairs if key in seen or seen.add(key)]  # type: ignore[func-returns-value] # set.add answers None, which is the point
        members.repeated = tuple(dict.fromkeys(repeated))
    return members


def _number(text: str) -> object:
    try:
        number = Decimal(text)
    except InvalidOperation:  # an exponent beyond what decimals can hold at all
        number = None
    if number is None or ("e" in text.lower() and not in_range(number)):
        return OutOfRange(f"the number's exponent is beyond ±{LARGEST_EXPONENT}")
    if not in_range(number):
        return OutOfRange(
            f"the number has more than {LARGEST_EXPONENT + 1} digits before its decimal point"
            if number.adjusted() > 0
            else f"the number begins more than {LARGEST_EXPONENT} places behind its decimal point"
        )
    return int(text) if text.lstrip("-").isdigit() else number


def _constant(name: str) -> NoReturn:
    _unparsable(f"is not JSON ({name})", "Send well-formed JSON.")


def _reason(error: json.JSONDecodeError) -> str:
    return error.msg[:1].lower() + error.msg[1:].removesuffix(" at")


def _bad_text(text: str) -> bool:
    return "\0" in text or _SURROGATE(text) is not None


def _safe(key: str) -> str:
    """Return a key as it may stand in a location: a sender's odd key could hold anything."""
    return key if key.isidentifier() and key.isascii() and len(key) <= 64 else "?"


def _unparsable(message: str, remedy: str) -> NoReturn:
    raise AclfError(Issue(Category.INVALID, "", f"The body {message}.", remedy, unparsable=True))


def _invalid(location: str, message: str, remedy: str) -> Issue:
    return Issue(Category.INVALID, location, message, remedy)
