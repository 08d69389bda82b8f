"""What a search asks, before it becomes SQL.

A `SearchQuery` joins its clauses with AND; the values inside a clause are
alternatives (OR), as in FHIR search.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from aclf_fhir.store.models import Stored

__all__ = [
    "Clause",
    "DateClause",
    "DatePrefix",
    "DateValue",
    "IdClause",
    "MissingClause",
    "Page",
    "ReferenceClause",
    "SearchQuery",
    "Sort",
    "StatusClause",
    "StringClause",
    "SubjectClause",
    "TokenClause",
    "TokenValue",
]


class Sort(StrEnum):
    """In which order matches come; ties by order of first arrival."""

    ARRIVAL = "arrival"
    """Order of creation: nothing that arrives later comes before what was seen."""
    DATE = "date"
    DATE_DESC = "-date"
    LAST_UPDATED = "_lastUpdated"
    LAST_UPDATED_DESC = "-_lastUpdated"


class DatePrefix(StrEnum):
    """R4 search 3.1.1.4.5: how the resource's range relates to the asked range."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    LT = "lt"
    GE = "ge"
    LE = "le"
    SA = "sa"
    EB = "eb"
    AP = "ap"
    """Overlaps; the caller widens the range, for "about" depends on the present."""


@dataclass(frozen=True, slots=True)
class IdClause:
    """`_id`."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SubjectClause:
    """`patient`, or `subject` when it names a Patient: `Patient/123`."""

    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StatusClause:
    """`status`; with `negate` (`:not`) every other status matches, none included."""

    codes: tuple[str, ...]
    negate: bool = False


@dataclass(frozen=True, slots=True)
class TokenValue:
    """One alternative of a token search.

    `code` is `TokenValue(None, "code")`, `system|code` has both, `|code` is
    `TokenValue("", "code")` and `system|` is `TokenValue("system", None)`.
    """

    system: str | None
    code: str | None


@dataclass(frozen=True, slots=True)
class TokenClause:
    """A token parameter, such as `code`, `category` or `identifier`."""

    param: str
    values: tuple[TokenValue, ...]
    negate: bool = False


@dataclass(frozen=True, slots=True)
class ReferenceClause:
    """A reference parameter other than the subject; targets are `Type/id`."""

    param: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DateValue:
    """One alternative of a date search: both instants belong to the range."""

    prefix: DatePrefix
    low: datetime
    high: datetime


@dataclass(frozen=True, slots=True)
class DateClause:
    """A date parameter; `date` and `_lastUpdated` are the quick ones."""

    param: str
    values: tuple[DateValue, ...]


@dataclass(frozen=True, slots=True)
class StringClause:
    """A string parameter: begins with one of the texts, whatever the case."""

    param: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MissingClause:
    """`:missing` for a parameter; `kind` is the clause that would ask for its value.

    For subject and status `param` is not read.
    """

    kind: type[
        SubjectClause | StatusClause | TokenClause | ReferenceClause | DateClause | StringClause
    ]
    param: str
    missing: bool


Clause = (
    IdClause
    | SubjectClause
    | StatusClause
    | TokenClause
    | ReferenceClause
    | DateClause
    | StringClause
    | MissingClause
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """One search over one resource type.

    Parameters
    ----------
    clauses
        All must hold.
    sort
        None: newest date first for one subject, else order of arrival.
    count
        Matches per page; 0 asks for the total only.
    cursor
        `Page.next_cursor` of the page before, None for the first.
    total
        Whether to count all matches.
    """

    clauses: tuple[Clause, ...] = ()
    sort: Sort | None = None
    count: int = 50
    cursor: str | None = None
    total: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of matches.

    Parameters
    ----------
    matches
        In the order asked for.
    next_cursor
        Gives the next page; None after the last one.
    total
        How many there are on all pages, if asked.
    """

    matches: tuple[Stored, ...]
    next_cursor: str | None
    total: int | None
