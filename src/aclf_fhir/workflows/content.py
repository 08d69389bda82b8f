"""When two bodies say the same thing."""

import hashlib
import json
from typing import Any

__all__ = ["digest", "says_the_same"]

_SERVER_META = ("versionId", "lastUpdated")


def digest(body: bytes) -> bytes:
    """Return a short fingerprint of the exact bytes."""
    return hashlib.blake2b(body, digest_size=16).digest()


def says_the_same(one: bytes, other: bytes) -> bool:
    """Tell whether two bodies differ in nothing but layout, id and what the server sets.

    Numbers are compared as written: `1.20` and `1.2` are two statements, since
    precision has meaning in R4 (datatypes.html#decimal).
    """
    return one == other or _statement(one) == _statement(other)


def _statement(body: bytes) -> Any:
    content = json.loads(body, parse_float=_number, parse_int=_number)
    content.pop("id", None)
    meta = content.get("meta")
    if isinstance(meta, dict):
        for name in _SERVER_META:
            meta.pop(name, None)
        if not meta:
            del content["meta"]
    return content


def _number(text: str) -> tuple[str, str]:
    return ("number", text)
