"""Groups of units: shared commits, undone alone, and what happens when a group fails."""

import sqlite3
import threading
from concurrent.futures import Future
from pathlib import Path

import psycopg
import pytest
import sqlalchemy

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.mapping.models import Disposition
from aclf_fhir.store import IndexRows, SearchQuery, Store, Transaction
from aclf_fhir.store.writer import Writer
from tests.integration.store.oracle import identified


def put(tx: Transaction, id_: str, *, unique: str = "") -> int:
    identifiers = (("s", unique),) if unique else ()
    index = IndexRows(identifiers=identifiers, unique=identifiers, tokens=(("code", "s", id_),))
    return tx.put("a", "Basic", id_, b"{}", content_hash=b"", index=index).version


class Hold:
    """Keeps the writer busy, so that what is submitted meanwhile forms one group."""

    def __init__(self, store: Store) -> None:
        self._go = threading.Event()
        started = threading.Event()

        def wait(_: Transaction) -> None:
            started.set()
            self._go.wait()

        self._future = store.submit(wait)
        started.wait()

    def release(self) -> None:
        self._go.set()
        self._future.result()


def ids(store: Store) -> list[str]:
    with store.read() as reader:
        return sorted(one.id for one in reader.search("a", "Basic", SearchQuery()).matches)


def test_units_that_wait_share_an_instant(store: Store) -> None:
    hold = Hold(store)
    futures = [store.submit(lambda tx, n=n: (put(tx, f"o{n}"), tx.known)[1]) for n in range(20)]
    hold.release()
    assert len({future.result() for future in futures}) == 1
    assert len(ids(store)) == 20


def test_a_failing_unit_is_undone_alone(store: Store) -> None:
    store.write(lambda tx: put(tx, "before"))

    def fails(tx: Transaction, id_: str, *, written: bool) -> None:
        put(tx, id_, unique=id_)
        put(tx, "before")
        if written:  # makes what waits go to the database
            assert identified(tx, "Basic", id_) == [id_]
        message = "no"
        raise ZeroDivisionError(message)

    hold = Hold(store)
    futures: list[Future[object]] = []
    for number in range(6):
        futures.append(store.submit(lambda tx, n=number: put(tx, f"good{n}", unique=f"u{n}")))
        futures.append(store.submit(lambda tx, n=number: fails(tx, f"bad{n}", written=n % 2 == 0)))
        # The next one claims what the failing one had claimed, under the same new search keys.
        futures.append(store.submit(lambda tx, n=number: put(tx, f"next{n}", unique=f"bad{n}")))
    hold.release()
    for number, future in enumerate(futures):
        if number % 3 == 1:
            with pytest.raises(ZeroDivisionError):
                future.result()
        else:
            assert future.result() == 1
    expected = [f"{name}{n}" for name in ("good", "next") for n in range(6)]
    assert ids(store) == sorted(["before", *expected])
    with store.read() as reader:
        before = reader.current("a", "Basic", "before")
        assert before is not None
        assert before.version == 1
        assert reader.by_identity("a", "Basic", "s", "bad3") == "next3"
        assert identified(reader, "Basic", "bad3") == ["next3"]


def test_the_same_identity_in_one_group_wins_once(store: Store) -> None:
    def create(tx: Transaction, number: int) -> str:
        found = tx.by_identity("a", "Basic", "s", "same")
        if found is None:
            put(tx, f"o{number}", unique="same")
            return f"o{number}"
        return found

    hold = Hold(store)
    futures = [store.submit(lambda tx, n=n: create(tx, n)) for n in range(32)]
    hold.release()
    assert {future.result() for future in futures} == {"o0"}
    assert ids(store) == ["o0"]


def test_writes_from_many_threads(store: Store) -> None:
    def work(number: int) -> None:
        for turn in range(5):
            store.write(lambda tx, turn=turn: put(tx, f"o{number}-{turn}"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids(store)) == 40


def test_readers_see_committed_data_only(store: Store) -> None:
    with store.read() as early:
        version = store.write(lambda tx: put(tx, "o"))
        assert version == 1
        assert early.current("a", "Basic", "o") is None  # a snapshot stays as it was
        mark = early.watermark()
    hold = threading.Event(), threading.Event()

    def slow(tx: Transaction) -> None:
        put(tx, "p")
        assert tx.version("a", "Basic", "p", 1) is not None  # it is in the database by now
        hold[0].set()
        hold[1].wait()

    future = store.submit(slow)
    hold[0].wait()
    with store.read() as reader:
        assert reader.current("a", "Basic", "p") is None
        assert reader.watermark() > mark
    hold[1].set()
    future.result()
    assert ids(store) == ["o", "p"]


def test_a_cancelled_unit_is_not_run(store: Store) -> None:
    hold = Hold(store)
    future = store.submit(lambda tx: put(tx, "o"))
    assert future.cancel()
    hold.release()
    store.write(lambda tx: put(tx, "p"))
    assert ids(store) == ["p"]


def test_a_unit_cannot_wait_for_another(store: Store) -> None:
    with pytest.raises(RuntimeError, match="cannot wait"):
        store.write(lambda tx: store.write(lambda inner: put(inner, "o")))


def test_a_closed_store_refuses(database_url: str) -> None:
    store = Store.open(database_url)
    futures = [store.submit(lambda tx, n=n: put(tx, f"o{n}")) for n in range(10)]
    store.close()
    assert [future.result() for future in futures] == [1] * 10
    with pytest.raises(AclfError) as caught:
        store.write(lambda tx: put(tx, "late"))
    assert caught.value.category is Category.UNAVAILABLE
    with Store.open(database_url) as again:
        assert len(ids(again)) == 10


def test_too_many_waiting_units_are_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store._writer, "_most_waiting", 3)
    hold = Hold(store)
    futures = [store.submit(lambda tx, n=n: put(tx, f"o{n}")) for n in range(3)]
    with pytest.raises(AclfError) as caught:
        store.submit(lambda tx: put(tx, "late"))
    assert caught.value.http == 503
    hold.release()
    assert [future.result() for future in futures] == [1] * 3


@pytest.mark.parametrize("error", [sqlite3.OperationalError, psycopg.OperationalError])
def test_a_failing_group_is_tried_again_one_by_one(store: Store, error: type[Exception]) -> None:
    failures = iter([True, False, False])

    def breaks(tx: Transaction) -> int:
        put(tx, "b")
        if next(failures):
            raise error("the disk is full")
        return 7

    hold = Hold(store)
    futures = [
        store.submit(lambda tx: put(tx, "a")),
        store.submit(breaks),
        store.submit(lambda tx: put(tx, "c")),
    ]
    hold.release()
    assert [future.result() for future in futures] == [1, 7, 1]
    assert ids(store) == ["a", "b", "c"]


def test_a_unit_that_fails_twice_is_unavailable(store: Store) -> None:
    def breaks(tx: Transaction) -> None:
        put(tx, "b")
        raise sqlite3.OperationalError

    hold = Hold(store)
    futures = [store.submit(lambda tx: put(tx, "a")), store.submit(breaks)]
    hold.release()
    assert futures[0].result() == 1
    with pytest.raises(AclfError) as caught:
        futures[1].result()
    assert caught.value.category is Category.UNAVAILABLE
    assert ids(store) == ["a"]
    store.write(lambda tx: put(tx, "c"))


@pytest.mark.parametrize("after_commit", [True, False])
def test_a_commit_whose_answer_is_lost_counts_once(
    store: Store, monkeypatch: pytest.MonkeyPatch, after_commit: bool
) -> None:
    store.write(lambda tx: put(tx, "first"))
    if store._database.kind == "sqlite" and after_commit:
        pytest.skip("SQLite answers in the same process: an answer cannot be lost")
    session = store._writer._session
    assert session is not None
    command = type(session).command
    broken = []

    def losing(self: object, sql: str) -> None:
        if sql == "COMMIT" and not broken:
            broken.append(sql)
            if after_commit:
                command(self, sql)
            raise psycopg.OperationalError("the connection is lost")
        command(self, sql)

    monkeypatch.setattr(type(session), "command", losing)
    assert store.write(lambda tx: put(tx, "o")) == 1
    assert broken
    with store.read() as reader:
        assert len(reader.history("a", "Basic", "o")) == 1


def test_an_unknown_schema_is_refused(database_url: str) -> None:
    Store.open(database_url).close()
    engine = sqlalchemy.create_engine(database_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE schema_version SET version = 99"))
    with pytest.raises(AclfError, match="schema version") as caught:
        Store.open(database_url)
    assert caught.value.category is Category.UNSUPPORTED
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("DROP TABLE schema_version"))
    engine.dispose()
    with pytest.raises(AclfError, match="other software"):
        Store.open(database_url)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "foo",
        "mysql://host/name",
        "sqlite:////no/such/folder/x.db",
        "a b://c",
    ],
)
def test_urls_that_cannot_be_used(url: str) -> None:
    with pytest.raises(AclfError) as caught:
        Store.open(url)
    assert caught.value.category in {Category.UNSUPPORTED, Category.UNAVAILABLE}


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "x.sqlite"
    file.write_bytes(b"not a database" * 100)
    with pytest.raises(AclfError) as caught:
        Store.open(f"sqlite:///{file}")
    assert caught.value.category is Category.UNAVAILABLE


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_nobody_waits_for_a_writer_that_died(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(self: Writer, units: object) -> None:
        raise SystemExit

    monkeypatch.setattr(Writer, "_write_group", dies)
    future = store.submit(lambda tx: put(tx, "o"))
    with pytest.raises(AclfError):
        future.result(timeout=30)


def test_what_a_failing_unit_saw_is_forgotten(store: Store) -> None:
    def fails(tx: Transaction) -> None:
        tx.dispose("a", "Basic", "o", 1, Disposition.HELD, "")
        put(tx, "p")
        raise ZeroDivisionError

    def look(tx: Transaction) -> tuple[Disposition | None, bool]:
        current = tx.current("a", "Basic", "o")
        assert current is not None
        return current.disposition, tx.current("a", "Basic", "p") is None

    hold = Hold(store)
    futures = [store.submit(work) for work in (lambda tx: put(tx, "o"), fails, look)]
    hold.release()
    assert futures[2].result() == (None, True)
    with pytest.raises(ZeroDivisionError):
        futures[1].result()
    assert store.write(look) == (None, True)
