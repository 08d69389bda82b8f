"""Facts are read once in a commit group, and again once they have changed."""

from aclf_fhir.store.facts import FactsKey, StandingFacts

BIRTH = ("a", "p1", "birth_date")


class Table:
    def __init__(self) -> None:
        self.reads: list[FactsKey] = []

    def read(self, key: FactsKey) -> list:
        self.reads.append(key)
        return []


def test_a_group_reads_once():
    table, group = Table(), {}
    for _ in range(3):
        unit = StandingFacts(table.read, group)
        unit.of(BIRTH)
        unit.of(BIRTH)
        unit.adopt()
    assert table.reads == [BIRTH]


def test_what_changed_is_read_again_by_the_unit_and_by_those_after_it():
    table, group = Table(), {}
    unit = StandingFacts(table.read, group)
    unit.of(BIRTH)
    unit.forget([BIRTH])
    unit.of(BIRTH)
    unit.forget([BIRTH])
    unit.adopt()
    StandingFacts(table.read, group).of(BIRTH)
    assert table.reads == [BIRTH] * 3


def test_what_a_failed_unit_saw_is_forgotten():
    table, group = Table(), {}
    StandingFacts(table.read, group).of(BIRTH)  # not adopted
    StandingFacts(table.read, group).of(BIRTH)
    assert table.reads == [BIRTH] * 2
