"""Bitemporal facts, the work list and the marks."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from aclf_fhir.mapping.models import Disposition, HeldReason, Holding, MappingOutcome
from aclf_fhir.record import Fact, FactKind, SourceVersion
from aclf_fhir.store import FactChanges, IndexRows, Store, Transaction
from aclf_fhir.units import Interval, TimeRange

T = datetime(2024, 5, 1, tzinfo=UTC)


def fact(id_: str, version: int, value: str, *, subject: str = "p", day: int = 0) -> Fact:
    return Fact(
        subject=subject,
        kind=FactKind.MEASUREMENT,
        concept="inr",
        value=Interval.exact(Decimal(value)),
        source=SourceVersion("Observation", id_, version),
        known=T,
        start=TimeRange.exact(T + timedelta(days=day)),
    )


def store_and_settle(
    tx: Transaction, id_: str, *values: str, subject: str = "p", new: bool = True
) -> tuple[datetime, FactChanges]:
    if new:
        index = IndexRows(subject=f"Patient/{subject}")
        tx.put("a", "Observation", id_, b"{}", content_hash=b"", index=index)
    version = tx.next_version("a", "Observation", id_) - 1
    facts = tuple(fact(id_, version, value, subject=subject) for value in values)
    outcome = MappingOutcome(Disposition.MAPPED, facts)
    return tx.known, tx.settle("a", "Observation", id_, version, outcome)


def values(facts: list[Fact]) -> list[str]:
    return sorted(str(one.value.low) for one in facts if isinstance(one.value, Interval))


def test_corrections_close_facts_and_history_stays(store: Store) -> None:
    first, _ = store.write(lambda tx: store_and_settle(tx, "o", "1.2"))
    second, changes = store.write(lambda tx: store_and_settle(tx, "o", "1.3"))
    third, _ = store.write(lambda tx: store_and_settle(tx, "o"))
    assert values(list(changes.added)) == ["1.3"]
    assert values(list(changes.closed)) == ["1.2"]
    assert changes.added[0].known == second
    moment = timedelta(milliseconds=1)
    with store.read() as reader:
        assert reader.facts("a", "p") == []
        for known_at, expected in (
            (first - moment, []),
            (first, ["1.2"]),
            (second - moment, ["1.2"]),
            (second, ["1.3"]),
            (third - moment, ["1.3"]),
            (third, []),
        ):
            assert values(reader.facts("a", "p", known_at=known_at)) == expected
        assert reader.facts("a", "p", known_at=first)[0].known == first
        assert reader.subjects("a") == ["p"]
        assert reader.facts("b", "p") == []


@pytest.mark.parametrize("concepts", [None, ["inr"]])
def test_a_fact_closed_at_an_instant_is_not_known_then(
    store: Store, concepts: list[str] | None
) -> None:
    """A fact is known from the instant of its writing to just before that of its closing."""
    written, _ = store.write(lambda tx: store_and_settle(tx, "o", "1.2"))
    closed, _ = store.write(lambda tx: store_and_settle(tx, "o"))
    step = timedelta(microseconds=1)
    with store.read() as reader:
        assert [
            len(reader.facts("a", "p", known_at=known_at, concepts=concepts))
            for known_at in (written - step, written, closed - step, closed, closed + step)
        ] == [0, 1, 1, 0, 0]


def test_the_same_facts_again_change_nothing(store: Store) -> None:
    first, _ = store.write(lambda tx: store_and_settle(tx, "o", "1.2", "1.2", "1.4"))
    _, changes = store.write(lambda tx: store_and_settle(tx, "o", "1.4", "1.2", "1.2", new=False))
    assert not changes
    _, changes = store.write(lambda tx: store_and_settle(tx, "o", "1.2", "1.5", new=False))
    assert values(list(changes.added)) == ["1.5"]
    assert values(list(changes.closed)) == ["1.2", "1.4"]
    with store.read() as reader:
        known = {str(one.value.low): one.known for one in reader.facts("a", "p")}
    assert known["1.2"] == first
    assert known["1.5"] > first


def test_a_resource_that_changes_its_subject(store: Store) -> None:
    store.write(lambda tx: store_and_settle(tx, "o", "1.2"))
    _, changes = store.write(lambda tx: store_and_settle(tx, "o", "1.2", subject="q"))
    assert [one.subject for one in changes.added + changes.closed] == ["q", "p"]
    with store.read() as reader:
        assert reader.facts("a", "p") == []
        assert values(reader.facts("a", "q")) == ["1.2"]
        assert reader.subjects("a") == ["p", "q"]


def test_facts_of_a_concept_and_window(store: Store) -> None:
    def work(tx: Transaction) -> None:
        for day in range(5):
            id_ = f"o{day}"
            tx.put("a", "Observation", id_, b"", content_hash=b"", index=IndexRows())
            tx.replace_facts("a", "Observation", id_, 1, [fact(id_, 1, str(day), day=day)])

    store.write(work)
    with store.read() as reader:
        window = {"since": T + timedelta(days=1), "until": T + timedelta(days=3)}
        assert values(reader.facts("a", "p", concepts=["inr"], **window)) == ["1", "2", "3"]
        assert values(reader.facts("a", "p", concepts=["inr", "sodium"])) == list("01234")
        assert reader.facts("a", "p", concepts=["sodium"]) == []
        with pytest.raises(ValueError, match="need concepts"):
            reader.facts("a", "p", **window)


def test_facts_of_another_version_are_refused(store: Store) -> None:
    store.write(lambda tx: store_and_settle(tx, "o", "1.2"))
    with pytest.raises(ValueError, match="another version"):
        store.write(lambda tx: tx.replace_facts("a", "Observation", "o", 2, [fact("o", 1, "1")]))


def test_held_and_released(store: Store) -> None:
    unit = Holding(HeldReason.UNIT_UNKNOWN, "Observation.valueQuantity", "K/uL")
    patient = Holding(HeldReason.UNKNOWN_PATIENT, "Observation.subject", "")

    def hold(tx: Transaction) -> None:
        for id_, subject in (("o", "p"), ("q", "p"), ("r", "s")):
            index = IndexRows(subject=f"Patient/{subject}")
            tx.put("a", "Observation", id_, b"", content_hash=b"", index=index)
            outcome = MappingOutcome(
                Disposition.HELD, holdings=(unit, patient), waits_for=("Patient/p", "Patient/p")
            )
            tx.settle("a", "Observation", id_, 1, outcome)

    store.write(hold)
    with store.read() as reader:
        assert [(one.id, one.holding) for one in reader.held_of("a", "Observation", "o")] == [
            ("o", unit),
            ("o", patient),
        ]
        assert [one.id for one in reader.held("a", HeldReason.UNIT_UNKNOWN)] == ["o", "q", "r"]
        groups = reader.held_groups("a")
        assert {(one.reason, one.detail, one.resources, one.subjects) for one in groups} == {
            ("unit-unknown", "K/uL", 3, 2),
            ("unknown-patient", "", 3, 2),
        }
        assert reader.held_groups("a", HeldReason.FUTURE) == []
        assert reader.waiting_for("a", "Patient/p") == [
            ("Observation", "o"),
            ("Observation", "q"),
            ("Observation", "r"),
        ]
        current = reader.current("a", "Observation", "o")
        assert current is not None
        assert current.disposition is Disposition.HELD

    store.write(lambda tx: store_and_settle(tx, "o", "1.2", new=False))
    store.write(lambda tx: tx.release("a", "Observation", "q"))
    store.write(lambda tx: tx.hold("a", "Observation", "r", 1, [patient], ["Patient/s"]))
    with store.read() as reader:
        assert [(one.id, one.holding) for one in reader.held("a")] == [("r", patient)]
        assert reader.waiting_for("a", "Patient/p") == []
        assert reader.waiting_for("a", "Patient/s") == [("Observation", "r")]


def test_marks_keep_the_earliest_instant(store: Store) -> None:
    day = timedelta(days=1)

    def mark(tx: Transaction) -> None:
        tx.mark("a", "p", T, "first")
        tx.mark("a", "p", T + day, "second")

    store.write(mark)
    store.write(lambda tx: tx.mark("a", "p", T - day, "third"))
    store.write(lambda tx: tx.mark("a", "p", T + day, "fourth"))
    with store.read() as reader:
        (only,) = reader.marks(10, T)
        assert (only.since, only.due, only.reason) == (T - day, None, "first")
        assert reader.mark_of("a", "p") == only
        assert reader.mark_of("a", "q") is None
        assert reader.pending("a", due_before=T) == 1
        assert reader.pending("a", due_before=T, marked_by=only.marked - day) == 0


def test_a_mark_made_while_it_was_worked_on_stays(store: Store) -> None:
    store.write(lambda tx: tx.mark("a", "p", T, "new"))
    with store.read() as reader:
        (seen,) = reader.marks(10, T)
    store.write(lambda tx: tx.mark("a", "p", T, "newer"))
    assert not store.write(lambda tx: tx.clear_mark("a", "p", seen.seq))
    with store.read() as reader:
        (again,) = reader.marks(10, T)
    assert again.seq > seen.seq
    assert store.write(lambda tx: tx.clear_mark("a", "p", again.seq))
    with store.read() as reader:
        assert reader.marks(10, T) == []


def test_marks_to_come(store: Store) -> None:
    hour = timedelta(hours=1)

    def mark(tx: Transaction) -> None:
        tx.mark_at("a", "p", T + 3 * hour, T)
        tx.mark_at("a", "p", T + 2 * hour, T - hour)
        tx.mark("a", "q", T, "new")

    store.write(mark)
    with store.read() as reader:
        assert [one.subject for one in reader.marks(10, T + 2 * hour - hour / 3600)] == ["q"]
        now, later = reader.marks(10, T + 2 * hour)
        assert (now.subject, later.subject) == ("q", "p")
        assert (later.due, later.since) == (T + 2 * hour, T - hour)
        assert reader.mark_of("a", "p", T + 2 * hour) == later
        assert reader.mark_of("a", "p", T + 2 * hour - hour / 3600) is None
        assert len(reader.marks(1, T + 2 * hour)) == 1
    # An evaluation clears both and says when the next is due.

    def evaluated(tx: Transaction) -> None:
        assert tx.clear_mark("a", "p", tx_mark)
        tx.mark_at("a", "p", T + 9 * hour, T)

    store.write(lambda tx: tx.mark("a", "p", T, "new"))
    with store.read() as reader:
        found = reader.mark_of("a", "p")
        assert found is not None
        tx_mark = found.seq
    store.write(evaluated)
    with store.read() as reader:
        assert [one.due for one in reader.marks(10, T + 9 * hour) if one.subject == "p"] == [
            T + 9 * hour
        ]
