"""The loop that keeps derived data up to date, apart from intake."""

import logging
import threading
import time
from datetime import timedelta

from aclf_fhir.errors import AclfError
from aclf_fhir.workflows.evaluating import evaluate_marked
from aclf_fhir.workflows.gateway import Gateway

__all__ = ["Evaluator"]

_LOG = logging.getLogger("aclf_fhir.evaluator")

_BATCH = 20
_QUIET = timedelta(milliseconds=500)
"""How long a subject is left alone after its first change, so that a burst counts once."""
_IDLE_S = 0.1
_LONGEST_PAUSE_S = 1.0
_AFTER_FAILURE_S = 2.0


class Evaluator:
    """A thread that empties the marks, a few subjects at a time.

    Parameters
    ----------
    gateway
        The running system.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
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
                if evaluate_marked(
                    self._gateway, limit=_BATCH, quiet=_QUIET, stopping=self._stopping.is_set
                ):
                    # Half of the time at the most: intake comes first.
                    pause = min(time.monotonic() - began, _LONGEST_PAUSE_S)
            except AclfError as error:
                # The marks are still there; only the category may be said of a failure.
                _LOG.warning("evaluation.failed category=%s", error.category)
                pause = _AFTER_FAILURE_S
            self._stopping.wait(pause)
