"""The T of `--as-of last`: the newest thing on file that is not allocation."""

from datetime import UTC, datetime, timedelta

from aclf_fhir.record import Fact, FactKind, FactStatus, SourceVersion
from aclf_fhir.units import TimeRange
from aclf_fhir.workflows.evaluating import last_instant

T = datetime(2024, 3, 5, 9, tzinfo=UTC)
NOW = T + timedelta(days=100)


def given(concept: str, at: datetime) -> Fact:
    return Fact(
        kind=FactKind.MEDICATION,
        concept=concept,
        value=None,
        subject="p",
        start=TimeRange.exact(at),
        known=at,
        status=FactStatus.USABLE,
        source=SourceVersion("MedicationAdministration", "m", 1),
    )


def test_the_giving_of_the_product_moves_nothing() -> None:
    other = given("terlipressin", T)
    assert last_instant([other, given("terlipressin", T + timedelta(days=1))], NOW) > T
    assert last_instant([other, given("investigational_product", T + timedelta(days=1))], NOW) == T
