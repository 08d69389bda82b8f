"""What waits for people: held inputs, their replay, and the account of a push."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from typing import Self

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.mapping.models import Disposition, HeldReason
from aclf_fhir.store import Accounting, Held, HeldGroup, LogEntry, Stored, Transaction
from aclf_fhir.workflows.gateway import Gateway
from aclf_fhir.workflows.serving import present
from aclf_fhir.workflows.settling import REPLAYED, settle_again

__all__ = [
    "Replayed",
    "WorkList",
    "accounting",
    "held",
    "held_resource",
    "replay",
    "replay_outdated",
]

_TOGETHER = 20
"""Resources replayed at a time: what comes in waits for no more than these."""


@dataclass(frozen=True, slots=True)
class WorkList:
    """Held inputs, grouped and one by one."""

    groups: tuple[HeldGroup, ...]
    items: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many held resources were mapped again, and what came of it.

    Parameters
    ----------
    failed
        Could not be mapped at all; they stay held.
    """

    tried: int = 0
    mapped: int = 0
    not_needed: int = 0
    held: int = 0
    failed: int = 0

    def __add__(self, other: Self) -> Self:
        """Return both together."""
        return type(self)(
            *(one + another for one, another in zip(astuple(self), astuple(other), strict=True))
        )


def held(gateway: Gateway, *, reason: str | None = None) -> WorkList:
    """Return the work list of the site, or the part of it held for one reason.

    Raises
    ------
    AclfError
        `invalid` for a reason that does not exist.
    """
    wanted = None if reason is None else _reason(reason)
    with gateway.store.read() as reader:
        return WorkList(
            tuple(reader.held_groups(gateway.site, wanted)),
            tuple(reader.held(gateway.site, wanted)),
        )


def held_resource(gateway: Gateway, type_: str, id_: str) -> tuple[Stored, tuple[Held, ...]]:
    """Return a resource, and why it is held.

    Raises
    ------
    AclfError
        `not_found`, `gone`, or `not_found` if it is not held.
    """
    with gateway.store.read() as reader:
        stored = present(reader.current(gateway.site, type_, id_), type_)
        items = tuple(reader.held_of(gateway.site, type_, id_))
    if not items:
        raise AclfError.of(Category.NOT_FOUND, type_, "is not held", "See the work list.")
    return stored, items


def replay(
    gateway: Gateway,
    *,
    reason: str | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Replayed:
    """Map held resources again with the catalog as it is now, without the sender.

    Facts that come of it are known from this moment on.
    """
    keys = list(dict.fromkeys((item.type, item.id) for item in held(gateway, reason=reason).items))
    total = Replayed()
    for start in range(0, len(keys), _TOGETHER):
        total += _settled(gateway, keys[start : start + _TOGETHER])
        progress(total.tried, len(keys))
    return total


def replay_outdated(gateway: Gateway, *, after: int, limit: int) -> tuple[Replayed, int | None]:
    """Map again a few of the resources that were held by other rules than today's.

    Parameters
    ----------
    after
        Where the step before ended, 0 for the first.
    limit
        How many at most: intake waits for no more than these.

    Returns
    -------
    tuple
        What came of these, and where they ended; None if no more are left.
    """
    with gateway.store.read() as reader:
        found = reader.outdated(gateway.site, gateway.judged_by, after=after, count=limit)
    if not found:
        return Replayed(), None
    return _settled(gateway, [(type_, id_) for _, type_, id_ in found]), found[-1][0]


def _settled(gateway: Gateway, keys: Sequence[tuple[str, str]]) -> Replayed:
    """Map resources again, each on its own, in as few commits as can be."""
    counts: Counter[Disposition | None] = Counter()
    for future in [gateway.store.submit(_again(gateway, *key)) for key in keys]:
        try:
            counts[future.result()] += 1
        except AclfError as error:
            if error.category is Category.UNAVAILABLE:
                raise
            counts[None] += 1
    return Replayed(
        tried=counts.total(),
        mapped=counts[Disposition.MAPPED],
        not_needed=counts[Disposition.NOT_NEEDED],
        held=counts[Disposition.HELD],
        failed=counts[None],
    )


def _again(gateway: Gateway, type_: str, id_: str) -> Callable[[Transaction], Disposition]:
    def work(tx: Transaction) -> Disposition:
        stored = present(tx.current(gateway.site, type_, id_), type_)
        return settle_again(tx, gateway, stored, REPLAYED).disposition

    return work


def accounting(gateway: Gateway, push: str) -> tuple[Accounting, tuple[LogEntry, ...]]:
    """Return where every entry of a push ended, in sums and one by one.

    Raises
    ------
    AclfError
        `not_found` for a push the gateway has not seen.
    """
    with gateway.store.read() as reader:
        entries = tuple(reader.log_entries(gateway.site, push))
        if not entries:
            raise AclfError.of(
                Category.NOT_FOUND,
                "http.push",
                "no push of that name has arrived here",
                "Name a push by its X-Push-Id or X-Request-Id.",
            )
        return reader.accounting(gateway.site, push), entries


def _reason(text: str) -> HeldReason:
    try:
        return HeldReason(text)
    except ValueError:
        raise AclfError.of(
            Category.INVALID,
            "http.reason",
            "is not a reason for which inputs are held",
            f"One of: {', '.join(HeldReason)}.",
        ) from None
