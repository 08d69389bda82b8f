"""The state file of a send: which requests have been answered, so that none is lost or redone.

Lines of JSON, only ever appended and made durable one by one. An interrupted send reads
them and goes on; a finished one starts anew when it is repeated.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from aclf_fhir.errors import AclfError, Category

__all__ = ["Checkpoint"]


class _Line(msgspec.Struct, omit_defaults=True):
    event: str
    server: str = ""
    source: str = ""
    push: str = ""
    request: str = ""
    result: dict[str, Any] = {}


_decode = msgspec.json.Decoder(_Line).decode
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Checkpoint:
    """What has been answered so far in one push.

    Parameters
    ----------
    path
        The state file, None to keep none.
    server, source
        What is sent where; a state file of another send is not touched.
    push
        Name of the push; an interrupted one keeps its name.
    answered
        Result by fingerprint of the request.
    """

    path: Path | None
    server: str
    source: str
    push: str
    answered: dict[str, dict[str, Any]] = field(default_factory=dict)
    resumed: bool = False

    @classmethod
    def open(cls, path: Path | None, *, server: str, source: str, push: str) -> "Checkpoint":
        """Read a state file and go on from it, or begin one.

        Raises
        ------
        AclfError
            `conflict`, if the file belongs to another send, or is none of ours.
        """
        checkpoint = cls(path, server, source, push)
        lines = checkpoint._lines()
        if not lines or lines[-1].event == "finished":
            checkpoint._begin()
            return checkpoint
        first = lines[0]
        if (first.event, first.server, first.source) != ("started", server, source):
            raise AclfError.of(
                Category.CONFLICT,
                str(path),
                "is the state of a send to another server or from another source",
                "Name another file with --state, or delete this one.",
            )
        checkpoint.push = first.push
        checkpoint.resumed = True
        for line in lines:
            if line.event == "answered":
                checkpoint.answered[line.request] = line.result
        return checkpoint

    def note(self, request: str, result: dict[str, Any]) -> None:
        """Keep the result of a request."""
        self.answered[request] = result
        self._append(_Line("answered", request=request, result=result))

    def finish(self) -> None:
        """Say that all has been sent."""
        self._append(_Line("finished"))

    def _begin(self) -> None:
        if self.path is not None:
            self.path.unlink(missing_ok=True)
            self.path.touch(mode=0o600)  # it names resources
            started = _Line("started", server=self.server, source=self.source, push=self.push)
            self._append(started)

    def _append(self, line: _Line) -> None:
        if self.path is None:
            return
        with self.path.open("ab") as file:
            file.write(_encode(line) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _lines(self) -> list[_Line]:
        if self.path is None or not self.path.exists():
            return []
        lines = self.path.read_bytes().split(b"\n")
        whole, torn = lines[:-1], lines[-1]
        if torn:  # the machine went down inside a write; that request is sent again
            os.truncate(self.path, self.path.stat().st_size - len(torn))
        try:
            return [_decode(line) for line in whole]
        except msgspec.DecodeError:
            raise AclfError.of(
                Category.CONFLICT,
                str(self.path),
                "is not the state file of a send",
                "Name another file with --state.",
            ) from None
