"""Search queries as SQL: one statement per shape of query, compiled once.

Two queries have the same shape if they differ in their values only. The shape
decides the text of the statement; the values are bound to it in order.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, assert_never

import msgspec
from sqlalchemy import (
    BigInteger,
    BindParameter,
    Column,
    ColumnElement,
    Integer,
    Select,
    String,
    Table,
    and_,
    bindparam,
    exists,
    false,
    func,
    not_,
    or_,
    select,
    tuple_,
)

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.store.instants import to_microseconds
from aclf_fhir.store.query import (
    Clause,
    DateClause,
    DatePrefix,
    IdClause,
    MissingClause,
    ReferenceClause,
    SearchQuery,
    Sort,
    StatusClause,
    StringClause,
    SubjectClause,
    TokenClause,
)
from aclf_fhir.store.tables import ABSENT, OPEN, ResourceTables
from aclf_fhir.store.texts import folded, key_text

__all__ = [
    "Plan",
    "SearchStatements",
    "cursor_values",
    "decode_cursor",
    "encode_cursor",
    "foreign_cursor",
    "plan",
    "sort_of",
]

Shape = tuple[Any, ...]

_Number = Annotated[int, msgspec.Meta(ge=ABSENT, le=OPEN)]

_LAST_CHARACTER = "\U0010ffff"


@dataclass(slots=True)
class Plan:
    """A query split into the shape of its statement and the values bound to it."""

    shape: list[Shape] = field(default_factory=list)
    values: list[object] = field(default_factory=list)

    def add(self, shape: Shape, *values: object) -> None:
        """Append one condition."""
        self.shape.append(shape)
        self.values.extend(values)

    def bound(self) -> dict[str, object]:
        """Return the values under the names the statement gives them."""
        return {f"v{number}": value for number, value in enumerate(self.values)}


def sort_of(query: SearchQuery) -> Sort:
    """Return the order of a query that may leave it to the store."""
    if query.sort is not None:
        return query.sort
    single = any(
        isinstance(clause, SubjectClause) and len(clause.references) == 1
        for clause in query.clauses
    )
    return Sort.DATE_DESC if single else Sort.ARRIVAL


def plan(query: SearchQuery) -> Plan:
    """Return shape and values of the conditions of a query."""
    made = Plan()
    for clause in query.clauses:
        _plan_clause(made, clause)
    return made


def _plan_clause(made: Plan, clause: Clause) -> None:
    match clause:
        case IdClause(ids):
            made.add(("id", len(ids)), *ids)
        case SubjectClause(references):
            made.add(("subject", len(references)), *map(key_text, references))
        case StatusClause(codes, negate):
            made.add(("status", negate, len(codes)), *map(key_text, codes))
        case TokenClause(param, values, negate):
            forms = tuple((one.system is not None, one.code is not None) for one in values)
            texts = [
                key_text(text)
                for one in values
                for text in (one.system, one.code)
                if text is not None
            ]
            made.add(("token", negate, forms), param, *texts)
        case ReferenceClause(param, targets):
            made.add(("reference", len(targets)), param, *map(key_text, targets))
        case DateClause(param, dates):
            column = {"date": "date", "_lastUpdated": "known"}.get(param, "")
            prefixes = tuple(value.prefix for value in dates)
            instants = [
                to_microseconds(instant) for value in dates for instant in (value.low, value.high)
            ]
            made.add(("date", column, prefixes), *(() if column else (param,)), *instants)
        case StringClause(param, texts_):
            limits = [
                limit for text in map(folded, texts_) for limit in (text, text + _LAST_CHARACTER)
            ]
            made.add(("string", len(texts_)), param, *limits)
        case MissingClause(kind, param, missing):
            if kind is DateClause and param == "date":
                made.add(("undated", missing))
            elif kind in {SubjectClause, StatusClause}:
                column = "subject" if kind is SubjectClause else "status"
                made.add(("empty", column, missing))
            else:
                made.add(("missing", kind.__name__, missing), param)
        case _:
            assert_never(clause)


class SearchStatements:
    """The search statements of one zone, made when first needed."""

    def __init__(self, tables: ResourceTables, stored: Select[Any]) -> None:
        self._tables = tables
        self._stored = stored
        self._made: dict[Shape, Select[Any]] = {}

    def page(self, shape: list[Shape], sort: Sort, *, after: bool) -> Select[Any]:
        """Return the statement for a page; binds `scope`, `type`, `k0`, `k1`, `count`."""
        key = (*shape, sort, after)
        found = self._made.get(key)
        if found is None:
            order, descending = _order(self._tables.resource, sort)
            statement = self._stored.where(*self._conditions(shape))
            if after:
                binds = [bindparam(f"k{place}", type_=BigInteger) for place in range(len(order))]
                left, right = (
                    (order[0], binds[0]) if len(order) == 1 else (tuple_(*order), tuple_(*binds))
                )
                statement = statement.where(left < right if descending else left > right)
            found = statement.order_by(
                *(column.desc() if descending else column.asc() for column in order)
            ).limit(bindparam("count", type_=Integer))
            self._made[key] = found
        return found

    def total(self, shape: list[Shape]) -> Select[Any]:
        """Return the statement that counts the matches; binds `scope` and `type`."""
        key = (*shape, "total")
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = select(func.count()).where(*self._conditions(shape))
        return found

    def _conditions(self, shape: list[Shape]) -> list[ColumnElement[bool]]:
        resource = self._tables.resource.c
        numbers = iter(range(10**6))

        def text() -> BindParameter[str]:
            return bindparam(f"v{next(numbers)}", type_=String)

        def number() -> BindParameter[int]:
            return bindparam(f"v{next(numbers)}", type_=resource.known.type)

        narrow = any(part[0] in {"id", "subject"} for part in shape)
        return [
            resource.scope == bindparam("scope"),
            resource.type == bindparam("type"),
            resource.deleted == bindparam("deleted"),
            *(self._condition(part, text, number, narrow=narrow) for part in shape),
        ]

    def _condition(
        self,
        part: Shape,
        text: Callable[[], BindParameter[str]],
        number: Callable[[], BindParameter[int]],
        *,
        narrow: bool,
    ) -> ColumnElement[bool]:
        tables, resource = self._tables, self._tables.resource.c
        match part:
            case ("id", count):
                return _any_of(resource.id, [text() for _ in range(count)])
            case ("subject", count):
                return _any_of(resource.subject, [text() for _ in range(count)])
            case ("status", negate, count):
                found = _any_of(resource.status, [text() for _ in range(count)])
                return not_(found) if negate else found
            case ("token", negate, forms):
                param, row = text(), tables.token.c
                alternatives = [
                    and_(
                        self._of_kind(tables.token, param, text() if with_system else None),
                        *([row.code == text()] if with_code else []),
                    )
                    for with_system, with_code in forms
                ]
                # `:not` has to look at every resource: never by the list of those that match.
                found = self._has(tables.token, alternatives, narrow=narrow or negate)
                return not_(found) if negate else found
            case ("reference", count):
                param, target = text(), tables.reference.c.target
                found = _any_of(target, [text() for _ in range(count)])
                alternatives = [and_(self._of_kind(tables.reference, param), found)]
                return self._has(tables.reference, alternatives, narrow=narrow)
            case ("date", "date", prefixes):
                low, high = resource.date_low, resource.date_high
                tests = [_date_test(one, low, high, number(), number()) for one in prefixes]
                return and_(low > ABSENT, or_(false(), *tests))
            case ("date", "known", prefixes):
                known = resource.known
                tests = [_date_test(one, known, known, number(), number()) for one in prefixes]
                return or_(false(), *tests)
            case ("date", _, prefixes):
                param, row = text(), tables.date.c
                tests = [_date_test(one, row.low, row.high, number(), number()) for one in prefixes]
                alternatives = [and_(self._of_kind(tables.date, param), or_(false(), *tests))]
                return self._has(tables.date, alternatives, narrow=narrow)
            case ("string", count):
                param, value = text(), tables.string.c.value
                begins = [and_(value >= text(), value < text()) for _ in range(count)]
                alternatives = [and_(self._of_kind(tables.string, param), or_(false(), *begins))]
                return self._has(tables.string, alternatives, narrow=narrow)
            case ("undated", missing):
                return resource.date_low == ABSENT if missing else resource.date_low > ABSENT
            case ("empty", column, missing):
                return resource[column] == "" if missing else resource[column] != ""
            case ("missing", kind, missing):
                table = {
                    TokenClause.__name__: tables.token,
                    ReferenceClause.__name__: tables.reference,
                    DateClause.__name__: tables.date,
                    StringClause.__name__: tables.string,
                }[kind]
                found = self._has(table, [self._of_kind(table, text())], narrow=True)
                return not_(found) if missing else found
            case _:
                message = f"no condition for {part[0]}"
                raise ValueError(message)

    def _of_kind(
        self, table: Table, param: BindParameter[str], system: BindParameter[str] | None = None
    ) -> ColumnElement[bool]:
        """Test whether a search row belongs to a parameter, perhaps of one code system."""
        key = self._tables.search_key.c
        kinds = select(key.kind).where(
            key.scope == bindparam("scope"), key.type == bindparam("type"), key.param == param
        )
        if system is None:
            return table.c.kind.in_(kinds)
        return table.c.kind == kinds.where(key.system == system).scalar_subquery()

    def _has(
        self, table: Table, alternatives: list[ColumnElement[bool]], *, narrow: bool
    ) -> ColumnElement[bool]:
        """Test for a search row: probed per resource if few are left, else listed first."""
        row, resource = table.c, self._tables.resource.c
        found = select(row.rid).where(or_(false(), *alternatives))
        if narrow:
            return exists(found.where(row.rid == resource.rid).correlate(self._tables.resource))
        return resource.rid.in_(found)


def _any_of(column: ColumnElement[str], values: list[BindParameter[str]]) -> ColumnElement[bool]:
    return column == values[0] if len(values) == 1 else or_(false(), *(column == v for v in values))


def _date_test(
    prefix: DatePrefix,
    low: ColumnElement[int],
    high: ColumnElement[int],
    asked_low: ColumnElement[int],
    asked_high: ColumnElement[int],
) -> ColumnElement[bool]:
    """Compare the range of a resource with the asked one (R4 search 3.1.1.4.5)."""
    contained = and_(low >= asked_low, high <= asked_high)
    match prefix:
        case DatePrefix.EQ:
            return contained
        case DatePrefix.NE:
            return not_(contained)
        case DatePrefix.GT:
            return high > asked_high
        case DatePrefix.LT:
            return low < asked_low
        case DatePrefix.GE:
            return or_(high > asked_high, contained)
        case DatePrefix.LE:
            return or_(low < asked_low, contained)
        case DatePrefix.SA:
            return low > asked_high
        case DatePrefix.EB:
            return high < asked_low
        case DatePrefix.AP:
            return and_(low <= asked_high, high >= asked_low)
        case _:
            assert_never(prefix)


def _order(resource: Table, sort: Sort) -> tuple[list[Column[int]], bool]:
    """Return the columns that make the order total, and whether it descends."""
    column = resource.c
    match sort:
        case Sort.ARRIVAL:
            return [column.rid], False
        case Sort.DATE | Sort.DATE_DESC:
            return [column.date_low, column.rid], sort is Sort.DATE_DESC
        case Sort.LAST_UPDATED | Sort.LAST_UPDATED_DESC:
            return [column.known, column.rid], sort is Sort.LAST_UPDATED_DESC
        case _:
            assert_never(sort)


def encode_cursor(sort: Sort, *, id_: str, known: int, date_low: int) -> str:
    """Return where a page ended, as text that fits a URL.

    It says nothing that the page has not said: the last resource by its id, not by its
    number, which would tell how much else has come in, of other zones too.
    """
    place = {
        Sort.ARRIVAL: (0, id_),
        Sort.DATE: (date_low, id_),
        Sort.DATE_DESC: (date_low, id_),
        Sort.LAST_UPDATED: (known, id_),
        Sort.LAST_UPDATED_DESC: (known, id_),
    }[sort]
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[int, str]:
    """Return the value sorted by and the id that a cursor names; refuse what is none."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return msgspec.json.decode(base64.urlsafe_b64decode(padded), type=tuple[_Number, str])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise foreign_cursor() from None


def cursor_values(sort: Sort, value: int, rid: int) -> dict[str, int]:
    """Return the values a place binds, by name."""
    return {"k0": rid} if sort is Sort.ARRIVAL else {"k0": value, "k1": rid}


def foreign_cursor() -> AclfError:
    """Return the error for a cursor that no page has given."""
    return AclfError.of(
        Category.INVALID,
        "",
        "The paging cursor does not belong to this search.",
        "Follow the links of the first page.",
    )
