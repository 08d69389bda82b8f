"""The versions of one resource, page by page (R4 4.0.1, http.html#history)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from aclf_fhir.errors import AclfError, Category, Issue
from aclf_fhir.fhir import parse_search_date
from aclf_fhir.store import Stored
from aclf_fhir.workflows.serving import Served, served, version_number

__all__ = ["History", "HistoryEntry", "Span", "history_of", "read_span"]

_COUNT = 50
_MOST = 1000
_IGNORED = frozenset({"_format", "_pretty"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which versions are asked for.

    Parameters
    ----------
    count
        How many at most.
    since
        Not those stored before this instant; None for all.
    before
        Not those stored at or after this place in the order of commits; None for all.
    """

    count: int
    since: datetime | None
    before: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One version; `served` is None where it is a deletion.

    Parameters
    ----------
    created
        Whether there was nothing before it.
    """

    version: int
    last_updated: datetime
    served: Served | None
    created: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One page of versions, and the place of the next one, None after the last."""

    entries: tuple[HistoryEntry, ...]
    next_cursor: str | None


def read_span(
    parameters: Iterable[tuple[str, str]], *, zone: tzinfo, cursor: str | None, lenient: bool
) -> Span:
    """Read `_count` and `_since`.

    Parameters
    ----------
    zone
        Time zone of a partial date.
    cursor
        Place in the order of commits at which the page before ended.
    lenient
        Leave out what is not known instead of refusing it.

    Raises
    ------
    AclfError
        `invalid` (400), with every parameter that is unknown or cannot be read.
    """
    issues: list[Issue] = []
    count, since = _COUNT, None
    for name, value in parameters:
        if name == "_count":
            number = version_number(value)
            if number is None:
                issues.append(_issue(name, "is not a number of versions"))
            else:
                count = min(number, _MOST)
        elif name == "_since":
            try:
                since = parse_search_date(value.replace(" ", "+"), zone).earliest
            except AclfError as error:
                issues.append(_issue(name, error.issues[0].message))
        elif name not in _IGNORED and not lenient:
            issues.append(_issue(name, "is not a parameter of a history here"))
    before = None if cursor is None else version_number(cursor)
    if cursor is not None and before is None:
        issues.append(_issue("_cursor", "is not a place of this history"))
    if issues:
        raise AclfError(*issues)
    return Span(count=count, since=since, before=before)


def _issue(name: str, message: str) -> Issue:
    remedy = "A history takes _count and _since."
    return Issue(Category.INVALID, f"http.{name}", message, remedy, http=400)


def history_of(found: Sequence[Stored], span: Span) -> History:
    """Turn versions into a page.

    Parameters
    ----------
    found
        Newest first, one more than asked for if there are more.
    """
    shown = found[: span.count]
    older: list[Stored | None] = [*found[1:], None]
    return History(
        entries=tuple(
            HistoryEntry(
                version=stored.version,
                last_updated=stored.last_updated,
                served=None if stored.deleted else served(stored),
                created=stored.version == 1 or (before is not None and before.deleted),
            )
            for stored, before in zip(shown, older, strict=False)
        ),
        next_cursor=str(shown[-1].seq) if shown and len(found) > len(shown) else None,
    )
