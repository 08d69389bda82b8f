"""FHIR files as a list of resources: NDJSON lines, single resources, Bundles, folders of them.

Only the place of an NDJSON line is kept, not its bytes: a folder may be larger than
memory, and still be sent in another order than it was written.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from aclf_fhir.batch.rejects import Rejected, Rejects
from aclf_fhir.errors import AclfError, Category
from aclf_fhir.fhir import split_bundle

__all__ = ["Item", "Sources", "read_sources"]

_LINES = frozenset({".ndjson", ".jsonl"})
_WHOLE = frozenset({".json"})
_BESIDE = frozenset({".md", ".txt", ".yaml", ".yml"})
"""What people and programs write beside resources."""

_DATA_BUNDLES = frozenset({"batch", "collection", "document", "history", "message", "searchset"})


class _Reference(msgspec.Struct):
    reference: str | None = None


class _Head(msgspec.Struct, rename="camel"):
    resource_type: str = ""
    id: str | None = None
    type: msgspec.Raw = msgspec.Raw(b"null")
    subject: msgspec.Raw = msgspec.Raw(b"null")
    patient: msgspec.Raw = msgspec.Raw(b"null")
    individual: msgspec.Raw = msgspec.Raw(b"null")


_head = msgspec.json.Decoder(_Head).decode
_reference: Callable[[bytes], _Reference | None] = msgspec.json.Decoder(_Reference | None).decode


@dataclass(frozen=True, slots=True)
class Item:
    """One resource, or a transaction that must stay whole.

    Parameters
    ----------
    type, id
        Of the resource; a transaction's type is `Bundle`. `id` is "" if it has none.
    place
        File and line, or file and entry, for people.
    path, offset, length
        Where its bytes are.
    body
        The bytes themselves, where they are not a part of a file as they stand.
    full_url
        Under which other entries of its Bundle may point at it.
    patient
        The Patient it is about, as referenced; "" where it names none.
    """

    type: str
    id: str
    place: str
    path: Path
    offset: int = 0
    length: int = -1
    body: bytes | None = None
    full_url: str = ""
    patient: str = ""

    def read(self) -> bytes:
        """Return the bytes."""
        if self.body is not None:
            return self.body
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.length)


@dataclass(slots=True)
class Sources:
    """What a path holds.

    Parameters
    ----------
    items
        In the order of files and lines.
    rejects
        What is no JSON, or no resource.
    skipped
        Files that hold no FHIR and are none of ours.
    """

    items: list[Item] = field(default_factory=list)
    rejects: Rejects = field(default_factory=Rejects)
    skipped: list[Path] = field(default_factory=list)


def read_sources(path: Path) -> Sources:
    """List the resources of a file or, through all its folders, of a folder.

    Raises
    ------
    AclfError
        `not_found` if there is no such path, `invalid` if it holds no resource at all.
    """
    if not path.exists():
        raise AclfError.of(
            Category.NOT_FOUND, str(path), "is not there", "Give a file or a folder."
        )
    sources = Sources()
    for file in sorted(_files(path)):
        if file.suffix in _LINES:
            _read_lines(file, sources)
        elif file.suffix in _WHOLE:
            _read_whole(file, sources)
        elif file.suffix not in _BESIDE:
            sources.skipped.append(file)
    if not sources.items and not sources.rejects.records:
        raise AclfError.of(
            Category.INVALID,
            str(path),
            "holds no FHIR resource",
            "Resources are read from .ndjson and .json files.",
        )
    return sources


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for inner in path.rglob("*"):
        hidden = any(part.startswith(".") for part in inner.relative_to(path).parts)
        if inner.is_file() and not hidden:
            yield inner


def _read_lines(file: Path, sources: Sources) -> None:
    offset = 0
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            place = f"{file}:{number}"
            if line.strip():
                _take(line, place, sources, Item("", "", place, file, offset, len(line)))
            offset += len(line)


def _read_whole(file: Path, sources: Sources) -> None:
    body = file.read_bytes()
    place = str(file)
    try:
        head = _head(body)
    except msgspec.DecodeError as error:
        sources.rejects.records.append(_no_json(place, error))
        return
    if not head.resource_type:
        sources.skipped.append(file)  # a manifest or the like
    elif head.resource_type == "Bundle":
        _read_bundle(body, file, sources)
    else:
        sources.items.append(Item(head.resource_type, head.id or "", place, file, 0, len(body)))


def _read_bundle(body: bytes, file: Path, sources: Sources) -> None:
    try:
        parts = split_bundle(body)
    except AclfError as error:
        sources.rejects.add(str(file), error)
        return
    if parts.type == "transaction":
        sources.items.append(Item("Bundle", "", str(file), file, 0, len(body)))
        return
    if parts.type not in _DATA_BUNDLES:
        _reject(sources, str(file), "Bundle.type: holds results of requests, not resources")
        return
    # A history stands newest first (R4 http.html#history); what is newest has to come last.
    entries = parts.entries[::-1] if parts.type == "history" else parts.entries
    for entry in entries:
        place = f"{file} {entry.location}"
        if entry.resource is None:
            _reject(sources, place, f"{entry.location}.resource: there is no resource to use")
            continue
        item = Item("", "", place, file, body=entry.resource, full_url=entry.full_url or "")
        _take(entry.resource, place, sources, item)


def _reject(sources: Sources, place: str, reason: str) -> None:
    sources.rejects.records.append(Rejected(place, (reason,)))


def _take(body: bytes, place: str, sources: Sources, item: Item) -> None:
    try:
        head = _head(body)
    except msgspec.DecodeError as error:
        sources.rejects.records.append(_no_json(place, error))
        return
    if not head.resource_type:
        _reject(sources, place, "resourceType: is missing")
        return
    sources.items.append(
        Item(
            head.resource_type,
            head.id or "",
            place,
            item.path,
            item.offset,
            item.length,
            item.body,
            item.full_url,
            _patient(head),
        )
    )


def _patient(head: _Head) -> str:
    """Return the Patient a resource names; what cannot be read is for the server to refuse."""
    for raw in (head.subject, head.patient, head.individual):
        try:
            found = _reference(raw)
        except msgspec.DecodeError:
            continue
        if found is not None and found.reference and "Patient/" in found.reference:
            return found.reference
    return ""


def _no_json(place: str, error: msgspec.DecodeError) -> Rejected:
    """Say that it cannot be read; the decoder's text names places and types, no values."""
    return Rejected(place, (f"is not a JSON object that can be read: {error}",))
