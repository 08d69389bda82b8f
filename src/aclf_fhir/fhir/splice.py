"""Change a few values inside received JSON bytes and leave every other byte alone.

What a sender wrote is evidence: `1.20` stays `1.20`, and so do key order and white
space. These functions take well-formed JSON objects, as `validation` lets through.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime

import msgspec

from aclf_fhir.fhir.times import format_instant

__all__ = ["splice_meta", "splice_references"]

_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_KEY = re.compile(rb'[ \t\r\n,]*"((?:[^"\\]|\\.)*)"[ \t\r\n]*:[ \t\r\n]*', re.DOTALL).match
_NAME = b'"reference"'
_REFERENCE = re.compile(_NAME + rb'[ \t\r\n]*:[ \t\r\n]*("(?:[^"\\]|\\.)*")', re.DOTALL).match
# Walks over every string, so that it also sees a key that is spelled with escapes.
_ANY_MEMBER = re.compile(
    rb'"(?:[^"\\]|\\.)*"(?:[ \t\r\n]*:[ \t\r\n]*("(?:[^"\\]|\\.)*"))?', re.DOTALL
)


def splice_meta(
    body: bytes,
    *,
    id: str,  # noqa: A002 - FHIR's own name
    version_id: str,
    last_updated: datetime,
) -> bytes:
    """Return the body with `id`, `meta.versionId` and `meta.lastUpdated` set.

    Values that are there are replaced; missing members are put in after the first
    member (`resourceType`, as a rule). No other byte changes.
    """
    meta = {
        "versionId": _written(version_id),
        "lastUpdated": _written(format_instant(last_updated)),
    }
    old = _members(body).get("meta")
    new = _with_members(b"{}" if old is None else bytes(old), meta)
    return _with_members(body, {"id": _written(id), "meta": new})


def splice_references(body: bytes, mapping: Mapping[str, str]) -> bytes:
    """Return the body with every `reference` that is a key of the mapping replaced.

    Only whole values of members named `reference` count, wherever they stand.
    """
    if b"\\u" in body:
        return _ANY_MEMBER.sub(lambda found: _replaced_if_named(found, mapping), body)
    parts: list[bytes] = []
    done, place = 0, body.find(_NAME)
    compact = b"\\" not in body
    while place >= 0:
        start = place + len(_NAME) + 2
        if compact and body[start - 2 : start] == b':"':
            place = body.index(b'"', start)
            target = mapping.get(body[start:place].decode())
            if target is not None:
                parts += [body[done : start - 1], _written(target)]
                done = place + 1
            place = body.find(_NAME, place)
            continue
        found = _REFERENCE(body, place)
        end = place + len(_NAME)
        if found is not None and body[place - 1 : place] != b"\\":
            end = found.end()
            new = _replaced(found, mapping)
            if new != found[0]:
                parts += [body[done:place], new]
                done = end
        place = body.find(_NAME, end)
    return b"".join([*parts, body[done:]]) if parts else body


def _replaced(found: re.Match[bytes], mapping: Mapping[str, str]) -> bytes:
    old = found[1]
    text = json.loads(old) if b"\\" in old else old[1:-1].decode()
    new = mapping.get(text)
    whole: bytes = found[0]
    return whole if new is None else whole[: -len(old)] + _written(new)


def _replaced_if_named(found: re.Match[bytes], mapping: Mapping[str, str]) -> bytes:
    if found[1] is None:
        return found[0]
    key = found[0][: found.start(1) - found.start()].rstrip(b" \t\r\n").removesuffix(b":")
    return _replaced(found, mapping) if json.loads(key) == "reference" else found[0]


def _with_members(body: bytes, values: Mapping[str, bytes]) -> bytes:
    """Return a JSON object with these members set to these written values."""
    parts: list[bytes] = []
    members = _members(body)
    missing = [name for name in values if name not in members]
    awaited = len(values) - len(missing)
    first = done = position = body.index(b"{") + 1
    insert = b",".join(_written(name) + b":" + values[name] for name in missing)
    if insert and not members:
        return body[:position] + insert + body[position:]
    for name, old in members.items():
        if not awaited and not insert:
            break
        key = _KEY(body, position)
        if key is None or json.loads(b'"%b"' % key[1]) != name:
            message = "the object repeats a key"
            raise ValueError(message)
        position = key.end() + len(old)
        if name in values:
            parts += [body[done : key.end()], values[name]]
            done = position
            awaited -= 1
        if insert:
            parts += [body[done:position], b",", insert]
            done, insert = position, b""
    return b"".join([body[:first], *parts, body[done:]])


def _written(text: str) -> bytes:
    return msgspec.json.encode(text)
