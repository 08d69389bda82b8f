"""Searches: every kind of clause, every order, pages that stay stable."""

from datetime import UTC, datetime, timedelta

import pytest

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.store import (
    Clause,
    DateClause,
    DatePrefix,
    DateValue,
    IdClause,
    IndexRows,
    MissingClause,
    ReferenceClause,
    SearchQuery,
    Sort,
    StatusClause,
    Store,
    StringClause,
    SubjectClause,
    TokenClause,
    TokenValue,
    Transaction,
)

LOINC = "http://loinc.org"
DAY = datetime(2024, 3, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY_END = DAY + 24 * HOUR - timedelta(microseconds=1)


def put(tx: Transaction, id_: str, index: IndexRows) -> None:
    tx.put("a", "Observation", id_, id_.encode(), content_hash=b"", index=index)


def found(store: Store, *clauses: Clause, sort: Sort = Sort.ARRIVAL) -> list[str]:
    with store.read() as reader:
        query = SearchQuery(clauses=clauses, sort=sort, total=True)
        page = reader.search("a", "Observation", query)
        assert page.total == len(page.matches)
        assert page.next_cursor is None
        return [match.id for match in page.matches]


def test_tokens(store: Store) -> None:
    def work(tx: Transaction) -> None:
        put(tx, "both", IndexRows(tokens=(("code", LOINC, "1"), ("code", "local", "1"))))
        put(tx, "local", IndexRows(tokens=(("code", "local", "2"),)))
        put(tx, "bare", IndexRows(tokens=(("code", "", "1"), ("category", "c", "lab"))))
        put(tx, "none", IndexRows())

    store.write(work)

    def code(*values: tuple[str | None, str | None], negate: bool = False) -> list[str]:
        clause = TokenClause("code", tuple(TokenValue(*value) for value in values), negate)
        wide, narrow = found(store, clause), found(store, IdClause(everything), clause)
        assert wide == narrow
        return wide

    everything = ("both", "local", "bare", "none")
    assert code((None, "1")) == ["both", "bare"]
    assert code((LOINC, "1")) == ["both"]
    assert code(("", "1")) == ["bare"]
    assert code(("local", None)) == ["both", "local"]
    assert code((LOINC, "2")) == []
    assert code(("other", "1")) == []
    assert code((LOINC, "1"), (None, "2")) == ["both", "local"]
    assert code((None, "1"), negate=True) == ["local", "none"]
    lab = TokenClause("category", (TokenValue(None, "lab"),))
    assert found(store, TokenClause("code", (TokenValue(None, "1"),)), lab) == ["bare"]
    assert found(store, MissingClause(TokenClause, "code", True)) == ["none"]
    assert found(store, MissingClause(TokenClause, "code", False)) == ["both", "local", "bare"]


def test_columns_references_and_strings(store: Store) -> None:
    def work(tx: Transaction) -> None:
        put(
            tx,
            "x",
            IndexRows(
                subject="Patient/p",
                status="final",
                references=(("encounter", "Encounter/1"),),
                strings=(("name", "Straße"),),
                identifiers=(("urn:s", "v"),),
            ),
        )
        put(tx, "y", IndexRows(subject="Patient/q", status="preliminary"))
        put(tx, "z", IndexRows(strings=(("name", "100%"), ("name", "_b"))))

    store.write(work)
    assert found(store, SubjectClause(("Patient/p",))) == ["x"]
    assert found(store, SubjectClause(("Patient/p", "Patient/q"))) == ["x", "y"]
    assert found(store, StatusClause(("final", "amended"))) == ["x"]
    assert found(store, StatusClause(("final",), negate=True)) == ["y", "z"]
    assert found(store, ReferenceClause("encounter", ("Encounter/2", "Encounter/1"))) == ["x"]
    assert found(store, ReferenceClause("performer", ("Encounter/1",))) == []
    assert found(store, StringClause("name", ("STRAS", "q"))) == ["x"]
    assert found(store, StringClause("name", ("1%",))) == []
    assert found(store, StringClause("name", ("_",))) == ["z"]
    assert found(store, TokenClause("identifier", (TokenValue("urn:s", "v"),))) == ["x"]
    assert found(store, IdClause(("z", "x", "nobody"))) == ["x", "z"]
    assert found(store, MissingClause(SubjectClause, "", True)) == ["z"]
    assert found(store, MissingClause(StatusClause, "", False)) == ["x", "y"]
    assert found(store, MissingClause(StringClause, "name", True)) == ["y"]
    assert found(store, MissingClause(ReferenceClause, "encounter", False)) == ["x"]


DATES = {
    "day": (DAY, DAY_END),
    "inside": (DAY + 9 * HOUR, DAY + 10 * HOUR),
    "into": (DAY - HOUR, DAY + HOUR),
    "out": (DAY_END - HOUR, DAY_END + HOUR),
    "around": (DAY - HOUR, DAY_END + HOUR),
    "before": (DAY - 2 * HOUR, DAY - HOUR),
    "after": (DAY_END + HOUR, DAY_END + 2 * HOUR),
    "since": (DAY + HOUR, None),
    "until": (None, DAY + HOUR),
}
EXPECTED = {
    DatePrefix.EQ: {"day", "inside"},
    DatePrefix.NE: set(DATES) - {"day", "inside"},
    DatePrefix.GT: {"out", "around", "after", "since"},
    DatePrefix.LT: {"into", "around", "before", "until"},
    DatePrefix.GE: {"day", "inside", "out", "around", "after", "since"},
    DatePrefix.LE: {"day", "inside", "into", "around", "before", "until"},
    DatePrefix.SA: {"after"},
    DatePrefix.EB: {"before"},
    DatePrefix.AP: set(DATES) - {"before", "after"},
}


@pytest.mark.parametrize("param", ["date", "onset-date"])
def test_dates(store: Store, param: str) -> None:
    def work(tx: Transaction) -> None:
        for id_, (low, high) in DATES.items():
            put(tx, id_, IndexRows(dates=((param, low, high),)))
        put(tx, "undated", IndexRows())

    store.write(work)
    for prefix, expected in EXPECTED.items():
        clause = DateClause(param, (DateValue(prefix, DAY, DAY_END),))
        assert set(found(store, clause)) == expected, prefix
        assert set(found(store, IdClause((*DATES, "undated")), clause)) == expected, prefix
    either = DateClause(
        param,
        (DateValue(DatePrefix.SA, DAY, DAY_END), DateValue(DatePrefix.EB, DAY, DAY_END)),
    )
    assert set(found(store, either)) == {"before", "after"}
    both = [
        DateClause(param, (DateValue(prefix, DAY, DAY_END),))
        for prefix in (DatePrefix.GE, DatePrefix.LE)
    ]
    assert set(found(store, *both)) == {"day", "inside", "around"}
    assert found(store, MissingClause(DateClause, param, True)) == ["undated"]
    assert set(found(store, MissingClause(DateClause, param, False))) == set(DATES)


def test_one_date_per_resource(store: Store) -> None:
    with pytest.raises(ValueError, match="at most one"):
        store.write(
            lambda tx: put(tx, "x", IndexRows(dates=(("date", DAY, DAY), ("date", None, DAY))))
        )


def test_last_updated(store: Store) -> None:
    known = []
    for number in range(3):
        store.write(lambda tx, n=number: (put(tx, f"o{n}", IndexRows()), known.append(tx.known)))
    value = DateValue(DatePrefix.GE, known[1], known[1])
    assert found(store, DateClause("_lastUpdated", (value,))) == ["o1", "o2"]


def test_a_search_row_that_changes(store: Store) -> None:
    one = IndexRows(tokens=(("code", LOINC, "1"),), references=(("encounter", "Encounter/1"),))
    two = IndexRows(tokens=(("code", LOINC, "2"),), strings=(("name", "b"),))
    store.write(lambda tx: put(tx, "o", one))
    store.write(lambda tx: put(tx, "o", two))
    assert found(store, TokenClause("code", (TokenValue(LOINC, "1"),))) == []
    assert found(store, TokenClause("code", (TokenValue(LOINC, "2"),))) == ["o"]
    assert found(store, ReferenceClause("encounter", ("Encounter/1",))) == []
    assert found(store, StringClause("name", ("b",))) == ["o"]


def test_orders(store: Store) -> None:
    days = {"a": 2, "b": None, "c": 1, "d": 2}

    def work(tx: Transaction) -> None:
        for id_, day in days.items():
            at = None if day is None else DAY + timedelta(days=day)
            dates = () if at is None else (("date", at, at),)
            put(tx, id_, IndexRows(subject="Patient/p", dates=dates))

    store.write(work)
    store.write(lambda tx: put(tx, "b", IndexRows(subject="Patient/p")))
    assert found(store) == ["a", "b", "c", "d"]
    assert found(store, sort=Sort.DATE) == ["b", "c", "a", "d"]
    assert found(store, sort=Sort.DATE_DESC) == ["d", "a", "c", "b"]
    assert found(store, sort=Sort.LAST_UPDATED) == ["a", "c", "d", "b"]
    assert found(store, sort=Sort.LAST_UPDATED_DESC) == ["b", "d", "c", "a"]
    with store.read() as reader:
        query = SearchQuery(clauses=(SubjectClause(("Patient/p",)),))
        page = reader.search("a", "Observation", query)
        assert [match.id for match in page.matches] == ["d", "a", "c", "b"]


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_pages_stay_stable_while_data_arrive(store: Store, sort: Sort, count: int) -> None:
    def add(first: int, last: int) -> None:
        def work(tx: Transaction) -> None:
            for number in range(first, last):
                at = DAY + timedelta(hours=number % 3)
                put(tx, f"o{number}", IndexRows(dates=(("date", at, at),)))

        store.write(work)

    add(0, 5)
    add(5, 7)
    before = found(store, sort=sort)
    seen: list[str] = []
    cursor, arrived = None, 7
    while True:
        with store.read() as reader:
            query = SearchQuery(sort=sort, count=count, cursor=cursor)
            page = reader.search("a", "Observation", query)
        assert page.total is None
        seen += [match.id for match in page.matches]
        cursor = page.next_cursor
        if cursor is None:
            break
        if arrived < 12:
            add(arrived, arrived + 1)
            arrived += 1
    assert len(seen) == len(set(seen))
    assert [id_ for id_ in seen if id_ in before] == before


def test_a_count_of_nothing_is_the_total(store: Store) -> None:
    store.write(lambda tx: put(tx, "o", IndexRows()))
    with store.read() as reader:
        page = reader.search("a", "Observation", SearchQuery(count=0))
        assert (page.matches, page.next_cursor, page.total) == ((), None, 1)


@pytest.mark.parametrize("cursor", ["", "!", "AAAA", "WzFd", "WzEsMiwzXQ", "WzFlOTksMV0", "é"])
def test_foreign_cursors_are_refused(store: Store, cursor: str) -> None:
    query = SearchQuery(sort=Sort.DATE, cursor=cursor)
    with store.read() as reader, pytest.raises(AclfError) as caught:
        reader.search("a", "Observation", query)
    assert caught.value.category is Category.INVALID


def test_sites_do_not_mix(store: Store) -> None:
    index = IndexRows(subject="Patient/p", tokens=(("code", LOINC, "1"),))
    for site in ("a", "b"):
        store.write(
            lambda tx, site=site: tx.put(
                site, "Observation", site, b"", content_hash=b"", index=index
            )
        )
    assert found(store) == ["a"]
    assert found(store, TokenClause("code", (TokenValue(LOINC, "1"),))) == ["a"]
