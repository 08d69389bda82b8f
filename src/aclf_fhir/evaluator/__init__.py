"""The loop that keeps derived data up to date, apart from intake."""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime, timedelta

from aclf_fhir.errors import AclfError
from aclf_fhir.store import Mark
from aclf_fhir.workflows.evaluating import evaluate_marked
from aclf_fhir.workflows.gateway import Gateway
from aclf_fhir.workflows.worklist import Replayed, replay_outdated

__all__ = ["Bursts", "Evaluator"]

_LOG = logging.getLogger("aclf_fhir.evaluator")

_BATCH = 20
_QUIET = timedelta(milliseconds=500)
"""How long a subject is left alone after a change, so that a burst counts once."""
_LONGEST = timedelta(milliseconds=1500)
"""How long a subject is left alone at the most, however long its burst."""
_IDLE_S = 0.1
_LONGEST_PAUSE_S = 1.0
_AFTER_FAILURE_S = 2.0
_REPLAYED_AT_ONCE = 20
"""Held resources mapped again between two looks at the marks: intake waits for no more."""


class Bursts:
    """Tells bursts that go on from those that are over, by the numbers of their marks."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], tuple[int, datetime]] = {}

    def over(self, marks: Sequence[Mark], now: datetime) -> list[Mark]:
        """Return the marks that have not changed for a while, or are old enough."""
        before, self._last = self._last, {}
        ripe = []
        for mark in marks:
            key = (mark.site, mark.subject)
            # A mark gets another number with each change; what is new has just changed.
            number, since = before.get(key, (mark.seq, now))
            if number != mark.seq:
                since = now
            self._last[key] = (mark.seq, since)
            if mark.due is not None or now - since >= _QUIET or now - mark.marked >= _LONGEST:
                ripe.append(mark)
        return ripe


class Evaluator:
    """A thread that empties the marks, a few subjects at a time.

    What is held by other rules than today's (a site file was mended, the software is
    newer) it maps again first, a few resources at a time, beside all other work.

    Parameters
    ----------
    gateway
        The running system.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._bursts = Bursts()
        self._replayed = Replayed()
        self._replay_after: int | None = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="evaluator", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread runs; a gateway whose evaluator has died is not ready."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End after the subject at hand; marks that are left survive in the store."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            pause = _IDLE_S
            try:
                if self._replay_after is not None:
                    self._replay()
                    pause = 0.0
                if evaluate_marked(
                    self._gateway,
                    limit=_BATCH,
                    ripe=self._bursts.over,
                    stopping=self._stopping.is_set,
                ):
                    # Half of the time at the most: intake comes first.
                    pause = min(time.monotonic() - began, _LONGEST_PAUSE_S)
            except AclfError as error:
                # The marks are still there; only the category may be said of a failure.
                _LOG.warning("evaluation.failed category=%s", error.category)
                pause = _AFTER_FAILURE_S
            self._stopping.wait(pause)

    def _replay(self) -> None:
        """Map again a few of what is held by other rules; say so once all are done."""
        step, self._replay_after = replay_outdated(
            self._gateway, after=self._replay_after or 0, limit=_REPLAYED_AT_ONCE
        )
        self._replayed += step
        done = self._replayed
        if self._replay_after is None and done.tried:
            _LOG.info(
                "replay.done tried=%d mapped=%d not_needed=%d held=%d failed=%d", *astuple(done)
            )
