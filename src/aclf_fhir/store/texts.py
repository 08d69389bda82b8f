"""Texts as keys: what an index of either database can hold."""

import hashlib

__all__ = ["folded", "key_text"]

_LONGEST = 400
"""Characters; PostgreSQL refuses index rows beyond 2.7 kB, and up to four texts share one."""


def key_text(text: str) -> str:
    """Return a text short enough for an index; long ones end in a digest of the whole."""
    if len(text) <= _LONGEST:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{text[:64]}…{digest}"


def folded(text: str) -> str:
    """Return what a string search compares: without case, cut to what can be indexed."""
    return text.casefold()[:_LONGEST]
