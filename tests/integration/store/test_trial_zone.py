"""The trial zone: stored apart, read by a reader that knows no other tables."""

import pytest

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.store import (
    IndexRows,
    SearchQuery,
    Store,
    StoredVersion,
    TokenClause,
    TokenValue,
    Transaction,
    TrialReader,
)
from aclf_fhir.store.tables import SITE_ZONE, TRIAL_ZONE

INDEX = IndexRows(tokens=(("code", "s", "meld"),))


def put(tx: Transaction, trial: str, id_: str, body: bytes) -> StoredVersion:
    return tx.put_trial(trial, "Observation", id_, body, content_hash=body, index=INDEX)


def test_a_trial_sees_its_own_zone_only(store: Store) -> None:
    def work(tx: Transaction) -> None:
        tx.put("a", "Observation", "o", b"identified", content_hash=b"", index=INDEX)
        put(tx, "one", "x", b"1")
        put(tx, "two", "y", b"2")
        current = tx.trial_current("one", "Observation", "x")
        assert current is not None
        assert current.body == b"1"

    store.write(work)
    query = SearchQuery(clauses=(TokenClause("code", (TokenValue("s", "meld"),)),))
    with store.read_trial("one") as reader:
        assert [match.id for match in reader.search("Observation", query).matches] == ["x"]
        assert reader.current("Observation", "o") is None
        assert reader.current("Observation", "y") is None
    with store.read() as reader:
        assert [match.id for match in reader.search("a", "Observation", query).matches] == ["o"]


def test_versions_and_deletions(store: Store) -> None:
    first = store.write(lambda tx: put(tx, "one", "x", b"1"))
    second = store.write(lambda tx: put(tx, "one", "x", b"2"))
    assert (first.version, second.version) == (1, 2)
    store.write(
        lambda tx: tx.put_trial(
            "one", "Observation", "x", b"", content_hash=b"", index=INDEX, deleted=True
        )
    )
    with store.read_trial("one") as reader:
        old = reader.version("Observation", "x", 1)
        assert old is not None
        assert old.body == b"1"
        current = reader.current("Observation", "x")
        assert current is not None
        assert current.deleted
        assert reader.search("Observation", SearchQuery()).matches == ()
        assert reader.watermark() > second.last_updated


def test_the_trial_reader_has_no_other_reads() -> None:
    public = {name for name in dir(TrialReader) if not name.startswith("_")}
    assert public == {"current", "version", "search", "watermark"}


def test_the_zones_share_no_table() -> None:
    zones = [
        {getattr(zone, name) for name in type(zone).__slots__} for zone in (SITE_ZONE, TRIAL_ZONE)
    ]
    assert zones[0].isdisjoint(zones[1])
    assert all(table.name.startswith("trial_") for table in zones[1])


def test_a_trial_key_is_given_once(store: Store) -> None:
    store.write(lambda tx: tx.put_trial_key("one", b"\x00secret"))
    with pytest.raises(AclfError) as caught:
        store.write(lambda tx: tx.put_trial_key("one", b"other"))
    assert caught.value.category is Category.CONFLICT
    with store.read() as reader:
        assert reader.trial_key("one") == b"\x00secret"
        assert reader.trial_key("two") is None
