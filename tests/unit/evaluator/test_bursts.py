"""A burst of results for one subject is evaluated once, and never put off for long."""

from datetime import UTC, datetime, timedelta

from aclf_fhir.evaluator import Bursts
from aclf_fhir.store import Mark

T0 = datetime(2026, 12, 31, 12, tzinfo=UTC)


def ms(milliseconds: int) -> timedelta:
    return timedelta(milliseconds=milliseconds)


def mark(seq: int, subject: str = "p1", due: datetime | None = None) -> Mark:
    return Mark(
        site="a", subject=subject, since=T0, due=due, marked=T0, seq=seq, reason="facts changed"
    )


def test_a_mark_is_ripe_once_it_has_not_changed_for_half_a_second():
    bursts = Bursts()
    assert bursts.over([mark(1)], T0) == []
    assert bursts.over([mark(1)], T0 + ms(499)) == []
    assert bursts.over([mark(1)], T0 + ms(500)) == [mark(1)]


def test_each_change_begins_the_wait_again():
    bursts = Bursts()
    assert bursts.over([mark(1)], T0) == []
    assert bursts.over([mark(2)], T0 + ms(500)) == []
    assert bursts.over([mark(2)], T0 + ms(999)) == []
    assert bursts.over([mark(2)], T0 + ms(1000)) == [mark(2)]


def test_a_burst_without_an_end_is_evaluated_all_the_same():
    bursts = Bursts()
    for seq, at in enumerate(range(0, 1500, 100)):
        assert bursts.over([mark(seq)], T0 + ms(at)) == []
    assert bursts.over([mark(99)], T0 + ms(1499)) == []
    assert bursts.over([mark(100)], T0 + ms(1500)) == [mark(100)]


def test_what_time_makes_due_does_not_wait():
    due = mark(1, due=T0)
    assert Bursts().over([due], T0) == [due]


def test_subjects_wait_apart_from_each_other():
    bursts = Bursts()
    assert bursts.over([mark(1), mark(2, "p2")], T0) == []
    assert bursts.over([mark(1), mark(3, "p2")], T0 + ms(500)) == [mark(1)]


def test_what_was_ripe_and_not_got_to_stays_ripe():
    bursts = Bursts()
    assert bursts.over([mark(1)], T0) == []
    assert bursts.over([mark(1)], T0 + ms(500)) == [mark(1)]
    assert bursts.over([mark(1)], T0 + ms(501)) == [mark(1)]
