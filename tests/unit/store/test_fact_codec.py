"""A fact read back is the fact that was written, to the last digit."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from aclf_fhir.record import Fact, FactKind, FactStatus, SentValue, SourceVersion
from aclf_fhir.store.fact_codec import decode_fact, encode_fact
from aclf_fhir.units import Interval, TimeRange

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_decimals = st.decimals(allow_nan=False, allow_infinity=False)
_ends = st.none() | _decimals
_intervals = st.builds(Interval, _ends, _ends, st.booleans(), st.booleans())
_zones = st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(-timedelta(hours=3.5))])
_instants = st.datetimes(
    min_value=datetime(2, 1, 1),  # noqa: DTZ001 (the zone comes from `timezones`)
    max_value=datetime(9998, 12, 31),  # noqa: DTZ001 - the zone comes from `timezones`
    timezones=_zones,
)
_times = st.builds(TimeRange, _instants, _instants)

facts = st.builds(
    Fact,
    subject=_texts,
    kind=st.sampled_from(FactKind),
    concept=_texts,
    value=st.none() | _intervals | st.frozensets(_texts, max_size=3) | _times,
    source=st.builds(SourceVersion, _texts, _texts, st.integers(1, 10**6), _texts),
    known=_instants,
    unit=_texts,
    start=st.none() | _times,
    end=st.none() | _times,
    recorded=st.none() | _instants,
    status=st.sampled_from(FactStatus),
    qualifiers=st.frozensets(_texts, max_size=3),
    flags=st.frozensets(_texts, max_size=3),
    codes=st.lists(_texts, max_size=3).map(tuple),
    sent=st.none() | st.builds(SentValue, _texts, _texts, _intervals, _texts),
    reference_high=st.none() | _intervals,
    context=st.lists(st.tuples(_texts, _texts), max_size=3).map(tuple),
)


@given(facts)
def test_round_trip(fact: Fact) -> None:
    content = encode_fact(fact)
    read = decode_fact(
        content, subject=fact.subject, kind=fact.kind, concept=fact.concept, known=fact.known
    )
    assert read == fact
    assert encode_fact(read) == content


def test_digits_are_kept() -> None:
    fact = Fact(
        subject="p",
        kind=FactKind.MEASUREMENT,
        concept="creatinine",
        value=Interval.exact(Decimal("1.20")),
        source=SourceVersion("Observation", "o", 1),
        known=datetime(2024, 1, 1, tzinfo=UTC),
    )
    read = decode_fact(
        encode_fact(fact), subject="p", kind="measurement", concept="creatinine", known=fact.known
    )
    assert isinstance(read.value, Interval)
    assert str(read.value.low) == "1.20"


def test_another_source_version_is_another_statement() -> None:
    one, two = (
        Fact(
            subject="p",
            kind=FactKind.FINDING,
            concept="hiv",
            value=frozenset({"present"}),
            source=SourceVersion("Condition", "c", version),
            known=datetime(2024, 1, 1, tzinfo=UTC),
        )
        for version in (1, 2)
    )
    assert encode_fact(one) != encode_fact(two)
