"""Logs: event codes, places and durations; never a value, an identifier or a query string.

A record is one line of `key=value` pairs. What an exception says is left out, since it
may quote what a sender wrote; where it was raised is enough to find it.
"""

import logging
import re
from types import TracebackType

__all__ = ["LOG", "EventFormatter", "event", "places"]

LOG = logging.getLogger("aclf_fhir.api")

_TRACE = "Traceback (most recent call last)"
_LINE = "\n"
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def event(level: int, code: str, **places: object) -> None:
    """Log one event; the names of what goes with it are the caller's."""
    pairs = " ".join(f"{name}={value}" for name, value in places.items())
    LOG.log(level, "event=%s %s", code, pairs)


def loggable(request_id: str) -> str:
    """Return a request id if it is a UUID: any other could be somebody's number."""
    return request_id if _UUID.fullmatch(request_id) else "-"


def places(error: BaseException) -> str:
    """Name an exception's type and the lines it came through, nothing it says."""
    trace: TracebackType | None = error.__traceback__
    steps = []
    while trace is not None:
        code = trace.tb_frame.f_code
        steps.append(f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}")
        trace = trace.tb_next
    return f"{type(error).__name__}@{'>'.join(steps[-8:])}"


class EventFormatter(logging.Formatter):
    """Writes a record on one line, an exception as its type and place only."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        error = record.exc_info[1] if record.exc_info else None
        message = record.getMessage()
        if _TRACE in message:  # a trace as text: its last line says what it was about
            message = f"error={message.strip().rpartition(_LINE)[2].partition(':')[0]}"
        line = f"{self.formatTime(record)} {record.levelname} {record.name} {message}"
        return f"{line} error={places(error)}" if error else line
