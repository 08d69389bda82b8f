"""From the parameters of a URL to a question for the store (R4 4.0.1 search.html)."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, tzinfo
from urllib.parse import parse_qsl

from aclf_fhir.errors import AclfError, Category, Issue
from aclf_fhir.fhir import parse_reference, parse_search_date, resource_types
from aclf_fhir.store import (
    Clause,
    DateClause,
    DatePrefix,
    DateValue,
    IdClause,
    Reader,
    ReferenceClause,
    SearchQuery,
    Sort,
    StatusClause,
    StringClause,
    SubjectClause,
    TokenClause,
    TokenValue,
)
from aclf_fhir.units import TimeRange
from aclf_fhir.workflows.gateway import Gateway
from aclf_fhir.workflows.search_parameters import SearchParameter, parameters_of

__all__ = ["COMMON", "build_query", "find_one", "subjects_asked"]

COMMON = ("_id", "_lastUpdated", "_tag", "_count", "_sort", "_total", "_format", "_pretty")
"""Parameters of every resource type."""

_IGNORED = frozenset({"_format", "_pretty"})
_SORTS = {
    "date": Sort.DATE,
    "-date": Sort.DATE_DESC,
    "_lastUpdated": Sort.LAST_UPDATED,
    "-_lastUpdated": Sort.LAST_UPDATED_DESC,
}
_MAX_COUNT = 1000
_MAX_VALUES = 200
"""Alternatives of one search altogether: more than a database takes in one question."""
_MAX_CONDITIONS = 20
"""Parameters of one search: PostgreSQL plans 200 of them for minutes."""

_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


def build_query(
    resource_type: str,
    parameters: Iterable[tuple[str, str]],
    *,
    zone: tzinfo,
    now: datetime,
    cursor: str | None = None,
    lenient: bool = False,
) -> SearchQuery:
    """Read the parameters of one search.

    Parameters
    ----------
    resource_type
        Type searched.
    parameters
        Name and value as in the URL, decoded; a name may be repeated (AND).
    zone
        Time zone of partial dates.
    now
        Present, for the prefix `ap`.
    cursor
        Place of the page to return.
    lenient
        Leave out what is not known (`Prefer: handling=lenient`) instead of refusing it.

    Raises
    ------
    AclfError
        `invalid`, with every parameter that is unknown or cannot be read.
    """
    known = {parameter.name: parameter for parameter in parameters_of(resource_type)}
    clauses: list[Clause] = []
    issues: list[Issue] = []
    settings: dict[str, str] = {}
    values = 0
    for name, value in parameters:
        if name in _IGNORED or value == "":
            continue
        if name in {"_count", "_sort", "_total"}:
            settings[name] = value
            continue
        values += 1 + value.count(",")
        if values > _MAX_VALUES:
            issues.append(_issue(name, f"brings more than {_MAX_VALUES} values; ask in parts"))
            break
        if len(clauses) == _MAX_CONDITIONS:
            issues.append(_issue(name, f"is more than the {_MAX_CONDITIONS}th parameter"))
            break
        try:
            clauses.append(_clause(known, name, value, zone, now))
        except KeyError:
            if not lenient:
                issues.append(_issue(name, f"is not a search parameter of {resource_type} here"))
        except AclfError as error:
            issues.append(_issue(name, error.issues[0].message))
    count, sort = _page(settings, issues)
    if issues:
        raise AclfError(*issues)
    return SearchQuery(
        clauses=tuple(clauses),
        sort=sort,
        count=count,
        cursor=cursor,
        total=settings.get("_total", "accurate") != "none",
    )


def subjects_asked(query: SearchQuery) -> tuple[str, ...] | None:
    """Return the logical ids of the subjects a query is limited to, None if to none."""
    for clause in query.clauses:
        if isinstance(clause, SubjectClause):
            return tuple(reference.removeprefix("Patient/") for reference in clause.references)
    return None


def find_one(reader: Reader, gateway: Gateway, text: str) -> str | None:
    """Resolve a conditional reference (`Patient?identifier=s|v`) to `Type/id`.

    Returns
    -------
    str or None
        None unless exactly one stored resource matches.
    """
    resource_type, _, asked = text.partition("?")
    if resource_type not in resource_types():
        return None
    query = build_query(
        resource_type,
        parse_qsl(asked),
        zone=gateway.site_map.zone,
        now=gateway.clock(),
    )
    page = reader.search(gateway.site, resource_type, query)
    if len(page.matches) != 1 or page.next_cursor is not None or not query.clauses:
        return None
    return f"{resource_type}/{page.matches[0].id}"


def _issue(name: str, message: str) -> Issue:
    return Issue(
        Category.INVALID,
        f"http.{name}",
        message,
        "See the CapabilityStatement for the parameters of each type.",
        http=400,
    )


def _page(settings: dict[str, str], issues: list[Issue]) -> tuple[int, Sort | None]:
    count, sort = 50, None
    if "_count" in settings:
        digits = settings["_count"]
        if digits.isascii() and digits.isdigit():
            # A number too long for Python's reader is more than enough, too.
            count = min(int(digits.lstrip("0")[:9] or 0), _MAX_COUNT)
        else:
            issues.append(_issue("_count", "is not a number of matches"))
    if "_sort" in settings:
        sort = _SORTS.get(settings["_sort"])
        if sort is None:
            issues.append(_issue("_sort", f"is none of {', '.join(_SORTS)}"))
    return count, sort


def _clause(
    known: dict[str, SearchParameter], name: str, value: str, zone: tzinfo, now: datetime
) -> Clause:
    base, _, modifier = name.partition(":")
    values = tuple(value.split(","))
    if name == "_id":
        return IdClause(values)
    if name == "_lastUpdated":
        return DateClause("_lastUpdated", tuple(_date(one, zone, now) for one in values))
    if name == "_tag":
        return TokenClause("_tag", tuple(_token(one) for one in values))
    parameter = known[base]
    if modifier and not _takes(parameter, modifier):
        raise KeyError(name)
    return _BUILDERS[parameter.kind](parameter, modifier, values, zone, now)


def _takes(parameter: SearchParameter, modifier: str) -> bool:
    if parameter.kind == "token":
        return modifier == "not"
    return parameter.kind == "reference" and modifier in resource_types()


def _token_clause(
    parameter: SearchParameter,
    modifier: str,
    values: tuple[str, ...],
    _zone: tzinfo,
    _now: datetime,
) -> Clause:
    if parameter.name == "status":
        codes = tuple(one.rpartition("|")[2] for one in values)
        return StatusClause(codes, negate=modifier == "not")
    return TokenClause(
        parameter.name, tuple(_token(one) for one in values), negate=modifier == "not"
    )


def _reference_clause(
    parameter: SearchParameter,
    modifier: str,
    values: tuple[str, ...],
    _zone: tzinfo,
    _now: datetime,
) -> Clause:
    kind = modifier or parameter.target
    targets = tuple(_target(one, kind) for one in values)
    if parameter.name in {"patient", "subject"}:
        return SubjectClause(targets)
    return ReferenceClause(parameter.name, targets)


def _target(value: str, kind: str) -> str:
    if "/" not in value:
        if not kind:
            raise AclfError.of(Category.INVALID, "", "names no resource type (`Type/id`)")
        return f"{kind}/{value}"
    parsed = parse_reference(value)
    return f"{parsed.type}/{parsed.id}"


def _date_clause(
    parameter: SearchParameter,
    _modifier: str,
    values: tuple[str, ...],
    zone: tzinfo,
    now: datetime,
) -> Clause:
    return DateClause(parameter.name, tuple(_date(one, zone, now) for one in values))


def _string_clause(
    parameter: SearchParameter,
    _modifier: str,
    values: tuple[str, ...],
    _zone: tzinfo,
    _now: datetime,
) -> Clause:
    return StringClause(parameter.name, values)


_Builder = Callable[[SearchParameter, str, tuple[str, ...], tzinfo, datetime], Clause]
_BUILDERS: dict[str, _Builder] = {
    "token": _token_clause,
    "reference": _reference_clause,
    "date": _date_clause,
    "string": _string_clause,
}


def _token(value: str) -> TokenValue:
    if "|" not in value:
        return TokenValue(None, value)
    system, _, code = value.partition("|")
    return TokenValue(system, code or None)


def _date(value: str, zone: tzinfo, now: datetime) -> DateValue:
    prefix = DatePrefix.EQ
    if value[:2].isalpha():
        try:
            prefix = DatePrefix(value[:2])
        except ValueError:
            raise AclfError.of(Category.INVALID, "", "has a prefix that R4 does not know") from None
        value = value[2:]
    span: TimeRange = parse_search_date(value.replace(" ", "+"), zone)
    if prefix is DatePrefix.AP:
        # R4 suggests a tenth of the gap between now and the date.
        gap = abs(now - span.earliest) / 10
        return DateValue(
            prefix,
            span.earliest - min(gap, span.earliest - _FIRST),
            span.latest + min(gap, _LAST - span.latest),
        )
    return DateValue(prefix, span.earliest, span.latest)
