"""Versions, current resources, identities, the intake log."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.mapping.models import Disposition
from aclf_fhir.store import IndexRows, SearchQuery, Store, StoredVersion, Transaction
from aclf_fhir.store.reader import SITE_STATEMENTS
from aclf_fhir.store.tables import SITE_ZONE
from tests.integration.store.oracle import identified

SYSTEM = "urn:example:result"


def put(
    transaction: Transaction,
    id_: str,
    body: bytes = b"{}",
    *,
    unique: str = "",
    deleted: bool = False,
    disposition: Disposition | None = Disposition.MAPPED,
) -> StoredVersion:
    identifiers = ((SYSTEM, unique),) if unique else ()
    return transaction.put(
        "a",
        "Observation",
        id_,
        body,
        content_hash=b"hash",
        index=IndexRows(identifiers=identifiers, unique=identifiers),
        deleted=deleted,
        disposition=None if deleted else disposition,
    )


def test_versions_are_kept_as_received(store: Store) -> None:
    first = store.write(lambda tx: put(tx, "o", b'{ "value": 1.20 }'))
    second = store.write(lambda tx: put(tx, "o", b"{}"))
    assert (first.version, second.version) == (1, 2)
    assert second.last_updated > first.last_updated
    with store.read() as reader:
        old, new = (reader.version("a", "Observation", "o", number) for number in (1, 2))
        assert old is not None
        assert old.body == b'{ "value": 1.20 }'
        assert old.last_updated == first.last_updated
        assert new == reader.current("a", "Observation", "o")
        assert reader.version("a", "Observation", "o", 3) is None
        assert reader.current("b", "Observation", "o") is None
        assert reader.history("a", "Observation", "o") == (new, old)
        assert reader.watermark() == second.last_updated


def test_received_bytes_stay_beside_a_body_that_differs(store: Store) -> None:
    def work(tx: Transaction) -> list[bytes]:
        for body, received in ((b"1", b" 1"), (b"2", b"2"), (b"3", None)):
            tx.put(
                "a",
                "Basic",
                "o",
                body,
                content_hash=b"",
                index=IndexRows(),
                received=received,
            )
        tx.put("a", "Basic", "o", b"", content_hash=b"", index=IndexRows(), deleted=True)
        return [tx.received("a", "Basic", "o", number) for number in (1, 2, 3, 4)]

    expected = [b" 1", b"2", b"3", b""]
    assert store.write(work) == expected
    with store.read() as reader:
        assert [reader.received("a", "Basic", "o", number) for number in (1, 2, 3, 4)] == expected
        assert [one.body for one in reader.history("a", "Basic", "o")] == [b"", b"3", b"2", b"1"]
        # Only what differs is kept twice.
        kept = reader._session.all(select(SITE_ZONE.version.c.received))
        assert [row[0] for row in kept if row[0] is not None] == [b" 1"]
        for site, number in (("b", 1), ("a", 5)):
            with pytest.raises(AclfError) as caught:
                reader.received(site, "Basic", "o", number)
            assert caught.value.category is Category.NOT_FOUND


def test_searches_do_not_read_the_received_bytes() -> None:
    statements = SITE_STATEMENTS
    for statement in (statements.stored, statements.current, statements.history_of_type):
        assert "body" in statement.selected_columns
        assert "received" not in str(statement)


def test_a_unit_sees_its_own_writes(store: Store) -> None:
    def work(tx: Transaction) -> None:
        assert tx.next_version("a", "Observation", "o") == 1
        put(tx, "o", b"1", unique="x")
        assert tx.next_version("a", "Observation", "o") == 2
        current = tx.current("a", "Observation", "o")
        assert current is not None
        assert current == tx.version("a", "Observation", "o", 1)
        assert identified(tx, "Observation", "x", system=SYSTEM) == ["o"]
        assert tx.by_identity("a", "Observation", SYSTEM, "x") == "o"
        assert tx.search("a", "Observation", SearchQuery()).matches == (current,)

    store.write(work)


def test_deleted_resources_keep_their_versions(store: Store) -> None:
    store.write(lambda tx: put(tx, "o", b"1", unique="x"))
    store.write(lambda tx: put(tx, "o", b"", deleted=True))
    with store.read() as reader:
        current = reader.current("a", "Observation", "o")
        assert current is not None
        assert (current.version, current.deleted, current.disposition) == (2, True, None)
        assert reader.search("a", "Observation", SearchQuery(total=True)).total == 0
        assert identified(reader, "Observation", "x", system=SYSTEM) == []
        assert reader.by_identity("a", "Observation", SYSTEM, "x") is None
    again = store.write(lambda tx: put(tx, "o", b"3", unique="x"))
    assert again.version == 3
    with store.read() as reader:
        assert reader.by_identity("a", "Observation", SYSTEM, "x") == "o"
        assert [one.version for one in reader.history("a", "Observation")] == [3, 2, 1]


def test_a_unique_identifier_names_one_resource(store: Store) -> None:
    store.write(lambda tx: put(tx, "o", unique="x"))
    with pytest.raises(AclfError) as caught:
        store.write(lambda tx: put(tx, "p", unique="x"))
    assert caught.value.category is Category.CONFLICT
    with store.read() as reader:
        assert reader.current("a", "Observation", "p") is None
    # Given up by an update, it is free for another resource.
    store.write(lambda tx: put(tx, "o", unique="y"))
    store.write(lambda tx: put(tx, "p", unique="x"))
    with store.read() as reader:
        assert reader.by_identity("a", "Observation", SYSTEM, "x") == "p"
        assert reader.by_identity("a", "Observation", SYSTEM, "y") == "o"


def test_history_pages_and_since(store: Store) -> None:
    stored = [store.write(lambda tx, n=n: put(tx, f"o{n % 2}", str(n).encode())) for n in range(6)]
    with store.read() as reader:
        page = reader.history("a", "Observation", count=4)
        rest = reader.history("a", "Observation", count=4, before=page[-1].seq)
        assert [one.body for one in page + rest] == [b"5", b"4", b"3", b"2", b"1", b"0"]
        since = reader.history("a", "Observation", since=stored[4].last_updated)
        assert [one.body for one in since] == [b"5", b"4"]
        assert [one.body for one in reader.history("a", "Observation", "o0")] == [b"4", b"2", b"0"]


def test_long_keys_fit_both_databases(store: Store) -> None:
    long = "x" * 5000
    store.write(lambda tx: put(tx, "o", unique=long))
    with store.read() as reader:
        assert reader.by_identity("a", "Observation", SYSTEM, long) == "o"
        assert identified(reader, "Observation", long, system=SYSTEM) == ["o"]
        assert identified(reader, "Observation", long + "x", system=SYSTEM) == []


def test_accounting_adds_up(store: Store) -> None:
    def log(tx: Transaction, sequence: int, id_: str, version: int | None, outcome: str) -> None:
        tx.log(
            "push",
            site="a",
            sequence=sequence,
            type_="Observation",
            id_=id_,
            version=version,
            outcome=outcome,
            detail="why" if outcome == "refused" else "",
        )

    def work(tx: Transaction) -> None:
        put(tx, "mapped")
        put(tx, "held", disposition=None)
        tx.dispose("a", "Observation", "held", 1, Disposition.HELD, "")
        put(tx, "rest", disposition=None)
        tx.dispose("a", "Observation", "rest", 1, Disposition.NOT_NEEDED, "no-analyte")
        for sequence, id_ in enumerate(("mapped", "held", "rest", "rest")):
            log(tx, sequence, id_, 1, "stored" if sequence < 3 else "duplicate")
        log(tx, 4, "", None, "refused")
        log(tx, 5, "", None, "unread")

    store.write(work)
    with store.read() as reader:
        sums = reader.accounting("a", "push")
        assert (sums.total, sums.stored, sums.duplicate, sums.refused) == (5, 3, 1, 1)
        assert (sums.mapped, sums.held, sums.not_needed, sums.unsettled) == (1, 1, 2, 0)
        assert (sums.rules, sums.unread, sums.holdings) == ({"no-analyte": 2}, 1, {})
        assert sum(sums.types.values()) == sums.total
        assert [entry.outcome for entry in reader.log_entries("a", "push")] == [
            "stored",
            "stored",
            "stored",
            "duplicate",
            "refused",
            "unread",
        ]
        assert reader.pushes("a") == ["push"]
        assert reader.accounting("a", "other").total == 0
    # Settled later, the sums follow.
    store.write(lambda tx: tx.dispose("a", "Observation", "held", 1, Disposition.MAPPED, ""))
    with store.read() as reader:
        assert reader.accounting("a", "push").mapped == 2
        assert reader.accounting("a", "push").held == 0


def test_log_refuses_nonsense(store: Store) -> None:
    def work(outcome: str, version: int | None) -> None:
        store.write(
            lambda tx: tx.log(
                "p", site="a", sequence=0, type_="X", id_="x", version=version, outcome=outcome
            )
        )

    with pytest.raises(ValueError, match="none of"):
        work("lost", None)
    with pytest.raises(ValueError, match="unless nothing of it was stored"):
        work("stored", None)
    with pytest.raises(AclfError):
        work("stored", 1)


def test_known_times_rise_even_if_the_clock_falls(database_url: str) -> None:
    times = iter(
        datetime(2024, 1, 1, tzinfo=UTC) + timedelta(microseconds=step)
        for step in (1500, 1600, -(10**9), 7000)
    )
    with Store.open(database_url, clock=lambda: next(times)) as store:
        known = [store.write(lambda tx: put(tx, "o").last_updated) for _ in range(4)]
    milliseconds = [round((one - known[0]) / timedelta(milliseconds=1)) for one in known]
    assert milliseconds == [0, 1, 2, 6]
    assert all(one.microsecond % 1000 == 0 for one in known)
