from datetime import UTC, datetime, timedelta, timezone

import pytest

from aclf_fhir.record import Fact, FactStatus
from aclf_fhir.units import TimeRange
from aclf_fhir.workflows.verdicts import first_dose_of
from tests.unit.evaluation.facts import T, ago, given, record

PRODUCT = "investigational_product"
ZERO = T - timedelta(hours=100)
DOSE = T - timedelta(hours=40)
ZONE = timezone(timedelta(hours=2))


def first(*facts: Fact, start: datetime = ZERO) -> datetime | None:
    return first_dose_of(record(*facts), start, UTC)


def test_the_first_administration_after_time_zero_counts() -> None:
    doses = [given(PRODUCT, None, hours) for hours in (10, 40, 20)]
    assert first(*doses) == DOSE
    assert first() is None


@pytest.mark.parametrize(
    "no_dose",
    [
        given(PRODUCT, None, 300),
        given(PRODUCT, None, hours=None),
        given(PRODUCT, None, 60, qualifiers=frozenset({"requested"})),
        given(PRODUCT, None, 60, qualifiers=frozenset({"not_done"})),
        given(PRODUCT, None, 60, status=FactStatus.RETRACTED),
        given("albumin_infusion", None, 60),
    ],
)
def test_nothing_else_is_a_first_dose(no_dose: Fact) -> None:
    assert first(no_dose) is None
    assert first(no_dose, given(PRODUCT, None, 40)) == DOSE


def test_the_day_of_time_zero_counts_on_the_site_calendar() -> None:
    day_end = datetime(2024, 3, 13, 21, 59, 59, tzinfo=UTC)
    dose = given(PRODUCT, None, start=TimeRange.exact(datetime(2024, 3, 13, 8, tzinfo=UTC)))
    assert first_dose_of(record(dose), day_end, ZONE) == datetime(2024, 3, 13, 8, tzinfo=UTC)
    assert first(given(PRODUCT, None, start=ago(60, until=36))) == T - timedelta(hours=36)
