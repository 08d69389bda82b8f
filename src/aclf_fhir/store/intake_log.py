"""The intake log: how every entry of every push ended, and the sums of it."""

from collections import Counter
from typing import Any

from sqlalchemy import and_, bindparam, distinct, func, insert, select

from aclf_fhir.mapping.models import Disposition
from aclf_fhir.store.access import Access
from aclf_fhir.store.models import Accounting, LogEntry
from aclf_fhir.store.tables import HOLDING, INTAKE, SITE_ZONE
from aclf_fhir.store.texts import key_text

__all__ = ["INSERT_LOG", "NOTHING_STORED", "IntakeReads"]

NOTHING_STORED = frozenset({"refused", "unread"})
"""How an entry ends of which nothing is stored."""

INSERT_LOG = insert(INTAKE)

_COLUMN = INTAKE.c
_VERSION = SITE_ZONE.version.c
_SETTLED = INTAKE.outerjoin(
    SITE_ZONE.version,
    and_(_VERSION.rid == _COLUMN.rid, _VERSION.version == _COLUMN.version),
)
_OF_PUSH = (_COLUMN.site == bindparam("site"), _COLUMN.push == bindparam("push"))
_COUNTS = (
    select(
        _COLUMN.type,
        _COLUMN.outcome,
        func.coalesce(_VERSION.disposition, ""),
        func.coalesce(_VERSION.rule, ""),
        func.count(),
    )
    .select_from(_SETTLED)
    .where(*_OF_PUSH)
    .group_by(_COLUMN.type, _COLUMN.outcome, _VERSION.disposition, _VERSION.rule)
)
_HOLDING = HOLDING.c
_RESOURCES = func.count(distinct(_HOLDING.rid))
_HELD = (
    select(_HOLDING.reason, _HOLDING.detail, _RESOURCES)
    .select_from(
        INTAKE.join(HOLDING, and_(_HOLDING.rid == _COLUMN.rid, _HOLDING.version == _COLUMN.version))
    )
    .where(*_OF_PUSH)
    .group_by(_HOLDING.reason, _HOLDING.detail)
    .order_by(_RESOURCES.desc(), _HOLDING.reason, _HOLDING.detail)
)
_ENTRIES = (
    select(
        _COLUMN.sequence,
        _COLUMN.type,
        _COLUMN.id,
        _COLUMN.version,
        _COLUMN.outcome,
        func.coalesce(_VERSION.disposition, ""),
        func.coalesce(_VERSION.rule, ""),
        _COLUMN.detail,
    )
    .select_from(_SETTLED)
    .where(*_OF_PUSH)
    .order_by(_COLUMN.sequence, _COLUMN.seq)
)
_PUSHES = (
    select(_COLUMN.push)
    .where(_COLUMN.site == bindparam("site"))
    .group_by(_COLUMN.push)
    .order_by(func.min(_COLUMN.seq))
)


class IntakeReads(Access):
    """Reads of the intake log."""

    def accounting(self, site: str, push: str) -> Accounting:
        """Return where every entry of a push ended, as things stand in this snapshot."""
        outcomes: Counter[str] = Counter()
        dispositions: Counter[str] = Counter()
        rules: Counter[str] = Counter()
        types: Counter[tuple[str, str]] = Counter()
        unread = 0
        for type_, outcome, disposition, rule, count in self._session.all(
            _COUNTS, site=site, push=key_text(push)
        ):
            if outcome == "unread":
                unread += count
                continue
            outcomes[outcome] += count
            if outcome == "refused":
                types[type_, outcome] += count
                continue
            dispositions[disposition] += count
            types[type_, disposition or "unsettled"] += count
            if rule:
                rules[rule] += count
        return Accounting(
            total=outcomes.total(),
            stored=outcomes["stored"],
            duplicate=outcomes["duplicate"],
            refused=outcomes["refused"],
            mapped=dispositions[Disposition.MAPPED],
            not_needed=dispositions[Disposition.NOT_NEEDED],
            held=dispositions[Disposition.HELD],
            unsettled=dispositions[""],
            unread=unread,
            holdings={
                (reason, detail): count
                for reason, detail, count in self._session.all(
                    _HELD, site=site, push=key_text(push)
                )
            },
            rules=dict(sorted(rules.items())),
            types=dict(sorted(types.items())),
        )

    def log_entries(self, site: str, push: str) -> list[LogEntry]:
        """Return the entries of a push in their order."""
        rows = self._session.all(_ENTRIES, site=site, push=key_text(push))
        return [_entry(row) for row in rows]

    def pushes(self, site: str) -> list[str]:
        """Return the pushes of a site, oldest first."""
        return [row[0] for row in self._session.all(_PUSHES, site=site)]


def _entry(row: tuple[Any, ...]) -> LogEntry:
    sequence, type_, id_, version, outcome, disposition, rule, detail = row
    return LogEntry(
        sequence=sequence,
        type=type_,
        id=id_,
        version=version,
        outcome=outcome,
        disposition=Disposition(disposition) if disposition else None,
        rule=rule,
        detail=detail,
    )
