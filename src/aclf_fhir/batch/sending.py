"""Sending resources to a FHIR R4 server: batches, in order, resumable, every refusal kept.

A request is a batch of resources, PUT under the sender's ids (POST where one has none),
or a transaction that the sender made. A batch that a server refuses as a whole is halved
until the resource that it does not take stands alone, and is sent by itself.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from aclf_fhir.batch.checkpoint import Checkpoint
from aclf_fhir.batch.order import precedence
from aclf_fhir.batch.sources import Item, Sources
from aclf_fhir.errors import AclfError, Category
from aclf_fhir.remote import Answer, FhirServer, issues_of

__all__ = ["Progress", "Refusal", "SendSummary", "send"]

Progress = Callable[[int, int], None]
"""Told how many resources are done, and of how many."""

_MAX_BYTES = 8 * 1024 * 1024
_HALVED = frozenset({400, 413, 422})
_LATER = frozenset({"429", "503"})
"""Of an entry: nothing was done, and it may be taken in a moment."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A resource that the server did not take, and what it said."""

    type: str
    id: str
    place: str
    reason: str


@dataclass(slots=True)
class SendSummary:
    """How a send ended.

    Parameters
    ----------
    push
        Name of the push.
    total
        Resources sent, a transaction counting as its entries.
    statuses
        How many answers had which HTTP status.
    held
        How many the server took with a warning.
    refusals
        Every resource it did not take.
    resumed
        Whether an earlier, interrupted send was continued.
    """

    push: str
    total: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    held: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    resumed: bool = False


class _Response(msgspec.Struct):
    status: str = ""
    outcome: msgspec.Raw = msgspec.Raw(b"null")


class _Entry(msgspec.Struct):
    response: _Response = msgspec.field(default_factory=_Response)


class _Answered(msgspec.Struct, rename="camel"):
    resource_type: str = ""
    entry: list[_Entry] = []


class _Severity(msgspec.Struct):
    severity: str = ""


class _Outcome(msgspec.Struct):
    issue: list[_Severity] = []


class _Count(msgspec.Struct):
    entry: list[msgspec.Raw] = []


_answered = msgspec.json.Decoder(_Answered).decode
_severities = msgspec.json.Decoder(_Outcome | None).decode
_counted = msgspec.json.Decoder(_Count).decode


def send(
    server: FhirServer,
    sources: Sources,
    *,
    source: Path,
    batch_size: int,
    push: str,
    state: Path | None = None,
    progress: Progress = lambda _done, _total: None,
) -> SendSummary:
    """Send every resource, and return how each ended.

    Parameters
    ----------
    server
        Where to.
    sources, source
        What to send, and the path it was read from.
    batch_size
        Resources per batch at most.
    push
        Name of the push, sent as `X-Push-Id`; an interrupted push keeps its own.
    state
        The state file by which an interrupted send is continued; None for none.
    progress
        Told after each request.

    Raises
    ------
    AclfError
        If the server cannot be reached or breaks off; what was answered until then is
        in the state file.
    """
    checkpoint = Checkpoint.open(state, server=server.base, source=str(source.resolve()), push=push)
    summary = SendSummary(checkpoint.push, resumed=checkpoint.resumed)
    total = len(sources.items)
    done = 0
    for group in _groups(sources.items, batch_size):
        bodies = [item.read() for item in group]
        request = _fingerprint(group, bodies)
        result = checkpoint.answered.get(request)
        if result is None:
            result = _Sender(server, checkpoint.push).send(group, bodies)
            checkpoint.note(request, result)
        _count(summary, result)
        done += len(group)
        progress(done, total)
    checkpoint.finish()
    return summary


def _groups(items: Sequence[Item], batch_size: int) -> Iterator[list[Item]]:
    """Split into requests: others point at what comes first; transactions stay whole."""
    group: list[Item] = []
    size = 0
    ordered = sorted(
        (item for item in items if item.type != "Bundle"),
        key=lambda item: precedence(item.type, item.patient),
    )
    seen: set[tuple[str, str]] = set()
    for item in ordered:
        length = item.length if item.body is None else len(item.body)
        key = (item.type, item.id)
        # Two versions of one resource must not race inside a batch: R4 gives it no order.
        if group and (
            len(group) >= batch_size or size + length > _MAX_BYTES or (item.id and key in seen)
        ):
            yield group
            group, size = [], 0
            seen.clear()
        group.append(item)
        seen.add(key)
        size += length
    if group:
        yield group
    for item in items:
        if item.type == "Bundle":
            yield [item]


def _fingerprint(group: Sequence[Item], bodies: Sequence[bytes]) -> str:
    content = hashlib.blake2b(digest_size=16)
    for item, body in zip(group, bodies, strict=True):
        content.update(f"{item.type}/{item.id}:{len(body)}:".encode())
        content.update(body)
    return content.hexdigest()


@dataclass(frozen=True, slots=True)
class _Sender:
    """Sends one request's worth of resources, and says how each of them ended."""

    server: FhirServer
    push: str

    def send(
        self, group: Sequence[Item], bodies: Sequence[bytes], attempt: int = 1
    ) -> dict[str, Any]:
        """Send resources that go together; those a busy server puts off, again."""
        if group[0].type == "Bundle":
            return self._transaction(group[0], bodies[0])
        answer = self._post(_batch(group, bodies), repeatable=all(item.id for item in group))
        if not answer.ok:
            return self._refused_whole(answer, group, bodies)
        entries = _entries(answer, len(group))
        result = _empty(len(group))
        busy = []
        for place, entry in enumerate(entries):
            if entry.response.status[:3] in _LATER and attempt < self.server.retry.attempts:
                busy.append(place)
            else:
                _take(result, group[place], entry)
        if not busy:
            return result
        self.server.pause(attempt)
        again = self.send(
            [group[place] for place in busy], [bodies[place] for place in busy], attempt + 1
        )
        return _joined(result, {**again, "total": 0})

    def _post(self, body: bytes, *, repeatable: bool) -> Answer:
        headers = {"X-Push-Id": self.push}
        return self.server.request("POST", "", body=body, headers=headers, repeatable=repeatable)

    def _refused_whole(
        self, answer: Answer, group: Sequence[Item], bodies: Sequence[bytes]
    ) -> dict[str, Any]:
        """Find out which resource a whole batch is refused for."""
        if answer.status not in _HALVED:
            self.server.expect(answer)
        if len(group) == 1:
            return self._alone(group[0], bodies[0])
        middle = len(group) // 2
        return _joined(
            self.send(group[:middle], bodies[:middle]), self.send(group[middle:], bodies[middle:])
        )

    def _alone(self, item: Item, body: bytes) -> dict[str, Any]:
        """Send one resource without a Bundle: the server says what it thinks of it alone."""
        answer = self.server.request(
            "PUT" if item.id else "POST",
            "/".join(quote(part, safe="") for part in (item.type, item.id) if part),
            body=body.strip(),
            headers={"X-Push-Id": self.push},
            repeatable=bool(item.id),
        )
        if answer.status >= 500:
            self.server.expect(answer)
        result = _empty(1)
        if answer.ok:
            _taken(result, str(answer.status), answer.body)
        else:
            _refuse(result, item, answer.status, issues_of(answer.body))
        return result

    def _transaction(self, item: Item, body: bytes) -> dict[str, Any]:
        count = max(len(_counted(body).entry), 1)
        answer = self._post(body, repeatable=b'"POST"' not in body)
        result = _empty(count)
        if answer.ok:
            for entry in _entries(answer, count):
                _take(result, item, entry)
        elif answer.status in {*_HALVED, 404, 409, 412}:
            _refuse(result, item, answer.status, issues_of(answer.body))
            result["statuses"] = {str(answer.status): count}
        else:
            self.server.expect(answer)
        return result


def _batch(group: Sequence[Item], bodies: Sequence[bytes]) -> bytes:
    entries = []
    for item, body in zip(group, bodies, strict=True):
        method, url = ("PUT", f"{item.type}/{item.id}") if item.id else ("POST", item.type)
        entry: dict[str, Any] = {"fullUrl": item.full_url} if item.full_url else {}
        # The bytes as they are: numbers keep their digits, and odd bytes reach the server.
        entry["resource"] = msgspec.Raw(body.strip())
        entry["request"] = {"method": method, "url": url}
        entries.append(entry)
    return msgspec.json.encode({"resourceType": "Bundle", "type": "batch", "entry": entries})


def _entries(answer: Answer, expected: int) -> list[_Entry]:
    try:
        bundle = _answered(answer.body)
    except msgspec.DecodeError:
        bundle = _Answered()
    if bundle.resource_type != "Bundle" or len(bundle.entry) != expected:
        raise AclfError.of(
            Category.UNSUPPORTED,
            "Bundle.entry",
            "The server did not say how each entry ended.",
            "It has to answer a batch with one response per entry (R4 http.html#transaction).",
        )
    return bundle.entry


def _take(result: dict[str, Any], item: Item, entry: _Entry) -> None:
    status = entry.response.status[:3]
    outcome = bytes(entry.response.outcome)
    if not status.startswith("2"):
        _refuse(result, item, int(status) if status.isdigit() else 0, issues_of(outcome))
        return
    _taken(result, status, outcome)


def _taken(result: dict[str, Any], status: str, outcome: bytes) -> None:
    result["statuses"][status] = result["statuses"].get(status, 0) + 1
    said = _severities(outcome)
    if said is not None and any(issue.severity == "warning" for issue in said.issue):
        result["held"] += 1


def _refuse(result: dict[str, Any], item: Item, status: int, reasons: list[str]) -> None:
    result["statuses"][str(status)] = result["statuses"].get(str(status), 0) + 1
    reason = "; ".join(reasons) or f"HTTP {status}"
    result["refusals"].append([item.type, item.id, item.place, reason])


def _empty(total: int) -> dict[str, Any]:
    return {"total": total, "statuses": {}, "held": 0, "refusals": []}


def _joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {
        "total": one["total"] + other["total"],
        "statuses": dict(Counter(one["statuses"]) + Counter(other["statuses"])),
        "held": one["held"] + other["held"],
        "refusals": [*one["refusals"], *other["refusals"]],
    }


def _count(summary: SendSummary, result: dict[str, Any]) -> None:
    summary.total += result["total"]
    summary.statuses.update(result["statuses"])
    summary.held += result["held"]
    summary.refusals.extend(Refusal(*refusal) for refusal in result["refusals"])
