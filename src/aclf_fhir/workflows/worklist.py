"""What waits for people: held inputs, their replay, and the account of a push."""

from dataclasses import dataclass

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.mapping.models import Disposition, HeldReason
from aclf_fhir.store import Accounting, Held, HeldGroup, LogEntry, Transaction
from aclf_fhir.workflows.gateway import Gateway
from aclf_fhir.workflows.settling import settle_again

__all__ = ["Replayed", "WorkList", "accounting", "held", "replay"]


@dataclass(frozen=True, slots=True)
class WorkList:
    """Held inputs, grouped and one by one."""

    groups: tuple[HeldGroup, ...]
    items: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many held resources were mapped again, and how many still wait."""

    tried: int
    mapped: int
    not_needed: int
    held: int


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


def replay(gateway: Gateway, *, reason: str | None = None) -> Replayed:
    """Map held resources again with the catalog as it is now, without the sender.

    Facts that come of it are known from this moment on.
    """
    keys = dict.fromkeys((item.type, item.id) for item in held(gateway, reason=reason).items)
    counts = dict.fromkeys(Disposition, 0)
    for type_, id_ in keys:

        def work(tx: Transaction, type_: str = type_, id_: str = id_) -> Disposition | None:
            stored = tx.current(gateway.site, type_, id_)
            if stored is None or stored.deleted:
                return None
            return settle_again(tx, gateway, stored).disposition

        disposition = gateway.store.write(work)
        if disposition is not None:
            counts[disposition] += 1
    return Replayed(
        tried=sum(counts.values()),
        mapped=counts[Disposition.MAPPED],
        not_needed=counts[Disposition.NOT_NEEDED],
        held=counts[Disposition.HELD],
    )


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
