"""Bundles, taken apart without decoding what their entries carry.

Each entry's resource stays the bytes that were received: a bad one is reported
with its own index, and what is stored is what was sent.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import cast

import msgspec

from aclf_fhir.errors import AclfError, Category, Issue
from aclf_fhir.fhir.invariants import resource_head
from aclf_fhir.fhir.r4.bundle import Bundle, BundleEntryRequest
from aclf_fhir.fhir.strict_json import MAX_DEPTH
from aclf_fhir.fhir.validation import parse_envelope

__all__ = ["BundleEntry", "BundleParts", "entry_issues", "split_bundle", "split_requests"]

_NO_REQUEST = BundleEntryRequest()
_WITH_REQUESTS = frozenset({"batch", "transaction"})
_ALONE = b'{"resourceType":"Bundle","type":"batch","entry":[%b]}'
_ANY_ENTRIES = b'[{"request":{"method":"GET","url":"Patient"}}]'
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_text = msgspec.json.Decoder(str).decode


class _PlainEntry(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    resource: msgspec.Raw
    full_url: str | None = msgspec.field(name="fullUrl", default=None)


class _Plain(msgspec.Struct):
    entry: list[_PlainEntry]


_plain = msgspec.json.Decoder(_Plain).decode
_PLAIN_URLS = re.compile(r"[!#-\[\]-~]*").fullmatch
_ENTRIES = b'"entry":['


class BundleEntry(msgspec.Struct, frozen=True, gc=False):
    """One entry of a Bundle.

    Parameters
    ----------
    index
        Its place, from 0.
    full_url
        `fullUrl`, or None.
    resource
        The resource exactly as received, or None. Not yet validated.
    method, url
        What `request` asks for, or None.
    if_none_exist, if_match, if_none_match, if_modified_since
        The conditions of `request`, or None.
    issues
        What is wrong with the entry around its resource; the rest is then as far as it
        could be read.
    """

    index: int
    full_url: str | None
    resource: bytes | None
    method: str | None = None
    url: str | None = None
    if_none_exist: str | None = None
    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: str | None = None
    issues: tuple[Issue, ...] = ()

    @property
    def location(self) -> str:
        """FHIRPath of the entry."""
        return f"Bundle.entry[{self.index}]"


@dataclass(frozen=True, slots=True)
class BundleParts:
    """A Bundle's type and its entries in order."""

    type: str | None
    entries: tuple[BundleEntry, ...]


def split_bundle(body: bytes, *, max_depth: int = MAX_DEPTH) -> BundleParts:
    """Validate a Bundle around its resources, and take it apart.

    Raises
    ------
    AclfError
        `invalid`, with every problem of the Bundle itself; what is wrong inside
        `entry.resource` shows when that entry is parsed.
    """
    plain = _plain_parts(body, max_depth)
    if plain is not None:
        return plain
    bundle = cast("Bundle", parse_envelope(body, "Bundle", max_depth=max_depth))
    entries = []
    for index, entry in enumerate(bundle.entry or ()):
        request = entry.request or _NO_REQUEST
        entries.append(
            BundleEntry(
                index,
                entry.full_url,
                _received(entry.resource),
                request.method,
                request.url,
                request.if_none_exist,
                request.if_match,
                request.if_none_match,
                request.if_modified_since,
            )
        )
    return BundleParts(bundle.type, tuple(entries))


def split_requests(body: bytes, *, max_depth: int = MAX_DEPTH) -> BundleParts:
    """Take a batch or transaction apart; what is wrong with one entry stays with it.

    Raises
    ------
    AclfError
        As `split_bundle`, for what is wrong with the Bundle itself or its type.
    """
    try:
        return split_bundle(body, max_depth=max_depth)
    except AclfError as error:
        found = None if error.issues[0].unparsable else _raw_entries(body)
        if not found:
            raise
    kind, around, raws = found
    split_bundle(around, max_depth=max_depth)
    entries: list[BundleEntry] = []
    named: dict[tuple[str, str | None], int] = {}
    for index, raw in enumerate(raws):
        entry = _entry_alone(bytes(raw), index, max_depth)
        if entry.full_url is not None and not entry.issues:
            version = resource_head(msgspec.Raw(entry.resource or b""))[1]
            first = named.setdefault((entry.full_url, version), index)
            if first != index:  # bdl-7
                message = f"is that of Bundle.entry[{first}]"
                place = f"{entry.location}.fullUrl"
                issue = Issue(Category.INVALID, place, message, "Name each entry its own way.")
                entry = msgspec.structs.replace(entry, issues=(issue,))
        entries.append(entry)
    return BundleParts(kind, tuple(entries))


def _raw_entries(body: bytes) -> tuple[str, bytes, list[msgspec.Raw]] | None:
    """Return type, the Bundle with other entries, its own entries; None if it has none."""
    try:
        members = _members(body)
        raw = bytes(members["entry"])
        kind, raws = _text(members["type"]), _items(raw)
    except (KeyError, msgspec.DecodeError):
        return None
    if kind not in _WITH_REQUESTS or not raws:
        return None
    return kind, body.replace(raw, _ANY_ENTRIES, 1), raws


def _entry_alone(raw: bytes, index: int, max_depth: int) -> BundleEntry:
    """Read one entry as if it were the only one."""
    place = f"Bundle.entry[{index}]"
    try:
        (entry,) = split_bundle(_ALONE % raw, max_depth=max_depth).entries
    except AclfError as error:
        issues = tuple(
            replace(issue, location=place + issue.location.removeprefix("Bundle.entry[0]"))
            if issue.location.startswith("Bundle.entry[0]")
            else replace(issue, location=place)
            for issue in error.issues
        )
        members = _legible(raw)
        request = _legible(members.get("request", b""))
        method, url = (_legible_text(request.get(name, b"")) for name in ("method", "url"))
        resource = members.get("resource")
        return BundleEntry(index, None, resource, method, url, None, None, None, None, issues)
    return msgspec.structs.replace(entry, index=index)


def _legible(raw: bytes) -> dict[str, bytes]:
    try:
        return {name: bytes(value) for name, value in _members(raw).items()}
    except msgspec.DecodeError:
        return {}


def _legible_text(raw: bytes) -> str | None:
    try:
        return _text(raw)
    except msgspec.DecodeError:
        return None


def _plain_parts(body: bytes, max_depth: int) -> BundleParts | None:
    """Take apart a Bundle whose entries are all but resources, and written without space.

    None sends it the long way: it is written otherwise, or something may be wrong. What
    is checked of such entries is the same for all of them but for their URLs, so that a
    Bundle of the first one tells of all; and they stand, byte by byte, where they have to, so
    that nothing lies between them that was not read. How deep a resource nests is judged
    when it is parsed.
    """
    try:
        listed = _plain(body).entry
    except (ValueError, RecursionError):
        return None
    urls = [entry.full_url for entry in listed if entry.full_url is not None]
    if not listed or len(set(urls)) < len(urls) or "" in urls or "/_history/" in "".join(urls):
        return None
    if not _PLAIN_URLS("".join(urls)):
        return None
    place = body.find(_ENTRIES) + len(_ENTRIES)
    end = first_end = 0
    entries: list[BundleEntry] = []
    for index, entry in enumerate(listed):
        url = entry.full_url
        before = b'{"resource":' if url is None else b'{"fullUrl":"%b","resource":' % url.encode()
        begin = place + len(before)
        end = begin + len(entry.resource)
        resource = body[begin:end]
        if body[place:begin] != before or resource != bytes(entry.resource):
            return None
        place = end + 2
        last = index + 1 == len(listed)
        if body[end:place] != (b"}]" if last else b"},") or not resource.startswith(b"{"):
            return None
        first_end = first_end or end
        entries.append(BundleEntry(index, url, resource))
    try:
        first = body[:first_end] + body[end:]
        bundle = cast("Bundle", parse_envelope(first, "Bundle", max_depth=max_depth))
    except AclfError:
        return None
    return BundleParts(bundle.type, tuple(entries))


def entry_issues(issues: Iterable[Issue], index: int) -> tuple[Issue, ...]:
    """Return issues of an entry's resource with locations inside the Bundle.

    `Observation.status` becomes `Bundle.entry[3].resource.status`.
    """
    return tuple(issue.under(f"Bundle.entry[{index}].resource") for issue in issues)


def _received(raw: msgspec.Raw | None) -> bytes | None:
    return None if raw is None else bytes(raw)
