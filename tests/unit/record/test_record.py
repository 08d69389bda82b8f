"""A record keeps what counts at T and K, in an order that does not depend on arrival."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from msgspec.structs import replace

from aclf_fhir.record import Fact, FactKind, FactStatus, Record, SentValue, SourceVersion
from aclf_fhir.units import Interval, TimeRange

T = datetime(2026, 3, 1, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


def measured(
    value: str = "12", *, at: datetime | None = T, known: datetime = T, source: str = "o1"
) -> Fact:
    number = Interval.exact(Decimal(value))
    return Fact(
        subject="p1",
        kind=FactKind.MEASUREMENT,
        concept="bilirubin_total",
        value=number,
        unit="mg/dL",
        start=TimeRange.exact(at) if at else None,
        known=known,
        source=SourceVersion("Observation", source, 1, "valueQuantity"),
        sent=SentValue(value, "mg/dL", number, "mg/dL"),
    )


def of(record: Record) -> tuple[Fact, ...]:
    return record.of_concept(FactKind.MEASUREMENT, "bilirubin_total")


@pytest.mark.parametrize(("known", "counts"), [(T, True), (T + HOUR, False), (T - HOUR, True)])
def test_what_was_learnt_after_k_does_not_count(known, counts):
    assert bool(of(Record.of("p1", [measured(known=known)], as_of=T, known_at=T))) is counts


@pytest.mark.parametrize(
    ("at", "counts"), [(T, True), (T + HOUR, False), (T - HOUR, True), (None, True)]
)
def test_what_is_true_only_after_t_does_not_count(at, counts):
    assert bool(of(Record.of("p1", [measured(at=at)], as_of=T, known_at=T))) is counts


def test_what_may_have_been_true_at_t_counts():
    fact = replace(measured(), start=TimeRange(T - HOUR, T + HOUR))
    assert of(Record.of("p1", [fact], as_of=T, known_at=T)) == (fact,)


def test_the_same_result_sent_twice_is_one_fact():
    again = replace(measured(source="o2"), context=(("encounter", "Encounter/1"),))
    assert len(of(Record.of("p1", [measured(), again], as_of=T, known_at=T))) == 1


@pytest.mark.parametrize(
    "other",
    [
        measured("12.1", source="o2"),
        measured(at=T - HOUR, source="o2"),
        replace(measured(source="o2"), status=FactStatus.PRELIMINARY),
    ],
    ids=["value", "instant", "status"],
)
def test_another_statement_stays_another_fact(other):
    assert len(of(Record.of("p1", [measured(), other], as_of=T, known_at=T))) == 2


def test_order_of_arrival_leaves_no_trace():
    facts = [
        measured(),
        measured("11", at=T - HOUR, source="o2"),
        measured("10", at=None, source="o3"),
    ]
    records = {of(Record.of("p1", order, as_of=T, known_at=T)) for order in permutations(facts)}
    assert len(records) == 1
    assert next(iter(records.pop())).start is None


def test_the_same_knowledge_can_be_judged_for_an_earlier_instant():
    record = Record.of(
        "p1", [measured(), measured("11", at=T - 2 * HOUR, source="o2")], as_of=T, known_at=T
    )
    earlier = record.at(T - HOUR)
    assert [fact.source.id for fact in of(earlier)] == ["o2"]
    assert earlier.known_at == T


def test_a_source_names_its_version():
    assert measured().source.reference == "Observation/o1/_history/1"


@pytest.mark.parametrize("part", ["concept", "source", "sent"])
def test_a_fact_is_a_value_that_never_changes(part):
    fact = measured()
    assert fact == measured()
    assert hash(fact) == hash(measured())
    assert fact != replace(fact, unit="umol/L")
    with pytest.raises(AttributeError):
        setattr(fact, part, None)


def test_the_version_a_fact_came_from_never_changes():
    source = measured().source
    assert source == SourceVersion("Observation", "o1", 1, "valueQuantity")
    assert len({source, measured().source, replace(source, version=2)}) == 2
    with pytest.raises(AttributeError):
        source.version = 2


def test_a_record_says_where_a_start_is_vague():
    day = TimeRange(T - 30 * HOUR, T - 7 * HOUR)
    facts = [measured(), replace(measured(source="o2"), concept="inr", start=day)]
    undated = replace(measured(source="o3", at=None), concept="sodium")
    record = Record.of("p1", [*facts, undated], as_of=T, known_at=T)
    assert record.vague == {(FactKind.MEASUREMENT, "inr")}
    assert record.at(T - 40 * HOUR).vague == frozenset()
