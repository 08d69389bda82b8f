"""Whether no record of something means that there is none."""

from datetime import datetime

from aclf_fhir.evaluation.rules import EvaluationRules
from aclf_fhir.record import UNREAD, Fact, FactKind, FactStatus, Record

__all__ = ["feed_complete", "unread_facts"]


def feed_complete(
    record: Record,
    rules: EvaluationRules,
    kind: FactKind,
    *concepts: str,
    at: datetime,
    since: datetime | None = None,
) -> bool:
    """Say whether no record of some concepts means that none of them applies.

    The site declares their feeds complete, and nothing of the same kind waits on the work
    list with a code that nobody could read: it may be one of them.
    """
    declared = rules.complete_feeds.issuperset(concepts)
    return declared and not unread_facts(record, kind, at=at, since=since)


def unread_facts(
    record: Record, kind: FactKind, *, at: datetime, since: datetime | None = None
) -> list[Fact]:
    """Return what began by an instant, and was not certainly over before `since`."""
    return [
        fact
        for fact in record.of_concept(kind, UNREAD)
        if fact.status is not FactStatus.RETRACTED
        and (fact.start is None or fact.start.earliest <= at)
        and (since is None or _reaches(fact, since))
    ]


def _reaches(fact: Fact, since: datetime) -> bool:
    last = fact.end or fact.start
    if last is None or last.latest >= since:
        return True
    goes_on = fact.kind is FactKind.FINDING or bool(fact.qualifiers & {"active", "in_progress"})
    return fact.end is None and goes_on
