"""Reads of one trial's zone. Nothing here can reach the site zone.

A trial reads what was rendered for it; it never causes an evaluation, so that
what it asks tells nobody anything. It waits a moment for what was marked when it
came, then says how many subjects are still to come.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, tzinfo

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.store import TrialReader
from aclf_fhir.workflows.queries import build_query
from aclf_fhir.workflows.serving import (
    SearchResult,
    Served,
    present,
    result_of,
    served,
    version_number,
)

__all__ = ["TRIAL_TYPES", "TrialDesk", "trial_read", "trial_search", "trial_vread"]

TRIAL_TYPES = (
    "ResearchStudy",
    "ResearchSubject",
    "Patient",
    "Observation",
    "MeasureReport",
    "Measure",
)
"""The resource types of a trial's zone."""

_PAUSE_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialDesk:
    """All that a trial's reads are handed.

    Parameters
    ----------
    trial
        Protocol id.
    open
        Opens a snapshot of this trial's zone and of nothing else.
    pending
        Counts the subjects marked at or before an instant and not yet evaluated.
    zone
        Time zone of partial dates in searches.
    clock
        Returns the current instant.
    wait_s
        How long a search waits for what was pending when it came.
    """

    trial: str
    open: Callable[[], AbstractContextManager[TrialReader]]
    pending: Callable[[datetime], int]
    zone: tzinfo
    clock: Callable[[], datetime]
    wait_s: float = 2.0


def trial_read(desk: TrialDesk, type_: str, id_: str) -> Served:
    """Return the current version of a resource of the trial's zone.

    Raises
    ------
    AclfError
        `not_found`, `gone`.
    """
    _check(type_)
    with desk.open() as reader:
        stored = reader.current(type_, id_)
    return served(present(stored, type_))


def trial_vread(desk: TrialDesk, type_: str, id_: str, version: str) -> Served:
    """Return one version of a resource of the trial's zone."""
    _check(type_)
    stored, number = None, version_number(version)
    if number is not None:
        with desk.open() as reader:
            stored = reader.version(type_, id_, number)
    return served(present(stored, type_))


def trial_search(
    desk: TrialDesk,
    type_: str,
    parameters: Iterable[tuple[str, str]],
    *,
    cursor: str | None = None,
    lenient: bool = False,
) -> SearchResult:
    """Search the trial's zone.

    Raises
    ------
    AclfError
        `not_found` for a type this zone does not have, `invalid` for parameters.
    """
    _check(type_)
    query = build_query(
        type_, parameters, zone=desk.zone, now=desk.clock(), cursor=cursor, lenient=lenient
    )
    pending = _wait(desk)
    with desk.open() as reader:
        page = reader.search(type_, query)
    return result_of(page, query, pending)


def _wait(desk: TrialDesk) -> int:
    """Wait until what was marked on arrival is evaluated; return what is still not."""
    with desk.open() as reader:
        arrived = reader.watermark()
    left = desk.wait_s
    pending = desk.pending(arrived)
    while pending and left > 0:
        time.sleep(_PAUSE_S)
        left -= _PAUSE_S
        pending = desk.pending(arrived)
    return pending


def _check(type_: str) -> None:
    if type_ not in TRIAL_TYPES:
        raise AclfError.of(
            Category.NOT_FOUND,
            "",
            "is not a resource type of the trial zone",
            f"It serves {', '.join(TRIAL_TYPES)}.",
        )
