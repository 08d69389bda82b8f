"""Which answers of persons count at an instant, and what they may have known of."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from aclf_fhir.evaluation.choice import reaches_past, told_by
from aclf_fhir.record import Fact, FactStatus

__all__ = ["NEWER_UNUSABLE", "Answers", "came_after", "is_held", "newest_answers"]

NEWER_UNUSABLE = "newer_answer_not_usable"
"""Flag of an answer beside which a newer one is not signed, not finished or not allowed."""

_GIVEN = frozenset({FactStatus.USABLE, FactStatus.CONFLICTING})
"""An answer that is preliminary or unsigned is none yet; a disputed one leaves no older one."""

_UNDATED = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered to one item, as far as it bears on an instant.

    Parameters
    ----------
    newest
        Those of which each may be the newest: which one is, their times do not tell.
    rivals
        Of a day that is not over, and learnt of later: they may be newer, or of the future.
    held
        As new or newer, but nobody could read them yet.
    unusable
        As new or newer, but not signed, not finished, or not this person's to give; or
        held for its time, which nobody knows, and learnt after the newest was given.
    stale
        The newest one of those that came too early to count, where no other counts.
    """

    newest: tuple[Fact, ...] = ()
    rivals: tuple[Fact, ...] = ()
    held: tuple[Fact, ...] = ()
    unusable: tuple[Fact, ...] = ()
    stale: Fact | None = None


def newest_answers(
    facts: Iterable[Fact],
    *,
    at: datetime,
    too_early: Callable[[Fact], bool],
    may_answer: Callable[[Fact], bool] = lambda _: True,
) -> Answers:
    """Sort the answers to one item, given newest first."""
    newest: list[Fact] = []
    rivals: list[Fact] = []
    passed: list[Fact] = []
    stale: Fact | None = None
    facts = list(facts)
    for fact in facts:
        start = fact.start
        if start is None or fact.status is FactStatus.RETRACTED or start.earliest > at:
            continue
        if newest and newest[0].start and start.latest < newest[0].start.earliest:
            break
        if fact.status not in _GIVEN or not may_answer(fact):
            passed.append(fact)
        elif reaches_past(fact, at) and not told_by(fact, at):
            rivals.append(fact)
        elif too_early(fact):
            stale = None if newest else fact
            break
        else:
            newest.append(fact)
    untimed = [
        fact
        for fact in facts
        if fact.start is None and is_held(fact) and newest and came_after(fact, newest[0])
    ]
    return Answers(
        newest=tuple(newest),
        rivals=tuple(rivals),
        held=tuple(fact for fact in passed if is_held(fact)),
        unusable=(*(fact for fact in passed if not is_held(fact)), *untimed),
        stale=stale,
    )


def is_held(fact: Fact) -> bool:
    """Say whether a fact has a value that waits on the work list."""
    return fact.status is FactStatus.NO_VALUE and "held" in fact.flags


def came_after(fact: Fact, answer: Fact) -> bool:
    """Say whether a person who answered may not have known of a fact.

    What began, was written down or was learnt after the answer came after it, and what
    bears the very time of the answer may have: a tie is asked again. So did what bears no
    time at all, unless it was on file before the answer was given.
    """
    if answer.start is None or fact.source == answer.source:
        return False
    given = answer.start.earliest
    if fact.start is None and fact.recorded is None:
        return not (_UNDATED < fact.known <= given)
    times = [] if fact.start is None else [fact.start.latest]
    times += [] if fact.recorded is None else [fact.recorded]
    # What arrives together with the answer, as in an import, was there when it was given.
    return max(times) >= given or fact.known > max(given, answer.known)
