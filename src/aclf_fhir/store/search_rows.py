"""What searches ask of one resource, as rows of the search tables and as kept beside it."""

from datetime import datetime
from typing import Any

import msgspec

from aclf_fhir.store.instants import to_microseconds
from aclf_fhir.store.models import IndexRows
from aclf_fhir.store.tables import ABSENT, LATEST, UNBOUNDED
from aclf_fhir.store.texts import folded, key_text

__all__ = ["NO_ROWS", "SearchRow", "decode_rows", "encode_rows", "main_date", "search_rows"]

NO_ROWS = IndexRows()
"""Of a resource that cannot be found by a search."""

SearchRow = tuple[Any, ...]
"""(param, system, values …)"""


def main_date(index: IndexRows) -> tuple[int, int]:
    """Return the ends of the one `date`, which are columns of the resource."""
    dates = [(low, high) for param, low, high in index.dates if param == "date"]
    if not dates:
        return ABSENT, ABSENT
    if len(dates) > 1:
        message = "a resource has at most one `date`"
        raise ValueError(message)
    low, high = dates[0]
    return (
        UNBOUNDED if low is None else to_microseconds(low),
        LATEST if high is None else to_microseconds(high),
    )


def search_rows(index: IndexRows) -> dict[str, set[SearchRow]]:
    """Return (param, system, values …) of the search rows of a resource, by table."""
    return {
        "token": {
            *((param, key_text(system), key_text(code)) for param, system, code in index.tokens),
            *(
                ("identifier", key_text(system), key_text(code))
                for system, code in index.identifiers
            ),
        },
        "reference": {(param, "", key_text(target)) for param, target in index.references},
        "date": {
            (
                param,
                "",
                UNBOUNDED if low is None else to_microseconds(low),
                LATEST if high is None else to_microseconds(high),
            )
            for param, low, high in index.dates
            if param != "date"
        },
        "string": {(param, "", folded(text)) for param, text in index.strings},
    }


class _Kept(msgspec.Struct, array_like=True, frozen=True):
    """What of `IndexRows` is kept beside a resource: that which lies in other tables."""

    tokens: tuple[tuple[str, str, str], ...]
    identifiers: tuple[tuple[str, str], ...]
    unique: tuple[tuple[str, str], ...]
    references: tuple[tuple[str, str], ...]
    dates: tuple[tuple[str, datetime | None, datetime | None], ...]
    strings: tuple[tuple[str, str], ...]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Kept).decode


def encode_rows(index: IndexRows) -> bytes:
    """Return what lies beside a resource, so that an update writes only what changed."""
    dates = tuple(date for date in index.dates if date[0] != "date")
    return _encode(
        _Kept(index.tokens, index.identifiers, index.unique, index.references, dates, index.strings)
    )


def decode_rows(kept: bytes) -> IndexRows:
    """Return what was kept beside a resource; its own columns are left out."""
    read = _decode(kept)
    return IndexRows(
        tokens=read.tokens,
        identifiers=read.identifiers,
        unique=read.unique,
        references=read.references,
        dates=read.dates,
        strings=read.strings,
    )
