"""Whether a person who answered may have known of a fact."""

from datetime import UTC, datetime

from aclf_fhir.record import Fact

__all__ = ["came_after"]

_UNDATED = datetime.min.replace(tzinfo=UTC)


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
