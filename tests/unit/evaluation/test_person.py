from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from aclf_fhir.evaluation import Reason, Snapshot
from aclf_fhir.evaluation.person import age_at, birthday, choose_sex, completed_years
from aclf_fhir.record import Fact, FactKind, FactStatus
from aclf_fhir.units import Interval, TimeRange
from tests.unit.evaluation.facts import T, fact, record, rules


def born(first: str, last: str | None = None, **rest: object) -> Fact:
    start = datetime.fromisoformat(f"{first}T00:00:00+00:00")
    end = datetime.fromisoformat(f"{last or first}T23:59:59+00:00")
    return fact(FactKind.DEMOGRAPHIC, "birth_date", TimeRange(start, end), None, **rest)


@pytest.mark.parametrize(
    ("birth", "on", "years"),
    [
        (date(2006, 6, 15), date(2024, 6, 14), 17),
        (date(2006, 6, 15), date(2024, 6, 15), 18),
        (date(2004, 2, 29), date(2023, 2, 28), 18),
        (date(2004, 2, 29), date(2023, 3, 1), 19),
        (date(2004, 2, 29), date(2024, 2, 29), 20),
    ],
)
def test_completed_years(birth: date, on: date, years: int) -> None:
    assert completed_years(birth, on) == years


def test_birthday_of_a_leapling() -> None:
    assert birthday(date(2004, 2, 29), 19) == date(2023, 3, 1)
    assert birthday(date(2004, 2, 29), 20) == date(2024, 2, 29)


def test_exact_age_holds_until_the_next_birthday() -> None:
    choice = age_at(record(born("1970-03-20")), rules())
    assert choice.value == Interval.exact(Decimal(53))
    assert choice.fresh_until == datetime(2024, 3, 20, tzinfo=UTC)


def test_a_year_gives_both_extremes() -> None:
    choice = age_at(record(born("1970-01-01", "1970-12-31")), rules())
    assert choice.value == Interval(Decimal(53), Decimal(54))
    assert choice.flags == {"birth_date_partial"}


def test_no_birth_date_and_two_that_differ() -> None:
    assert age_at(record(), rules()).reason is Reason.NO_DATA
    both = record(born("1970-03-20"), born("1971-03-20"))
    assert age_at(both, rules()).reason is Reason.CONFLICTING
    retracted = record(born("1970-03-20", status=FactStatus.RETRACTED))
    assert age_at(retracted, rules()).reason is Reason.NO_DATA


def test_the_day_is_that_of_the_site() -> None:
    zone = timezone(timedelta(hours=14))
    start = datetime(1970, 3, 16, tzinfo=zone)
    birth = fact(
        FactKind.DEMOGRAPHIC, "birth_date", TimeRange(start, start + timedelta(hours=23)), None
    )
    assert age_at(record(birth), rules(zone=zone)).value == Interval.exact(Decimal(54))
    assert age_at(
        record(birth), rules(zone=zone), at=T - timedelta(hours=3)
    ).value == Interval.exact(Decimal(53))


def test_sex_at_birth_before_gender() -> None:
    gender = fact(FactKind.DEMOGRAPHIC, "sex", "male", None)
    birth = fact(FactKind.DEMOGRAPHIC, "birth_sex", "female", None)
    assert choose_sex(record(gender, birth)).value == {"female"}
    only = choose_sex(record(gender))
    assert (only.value, only.flags) == ({"male"}, {"sex_from_gender"})


def test_sex_not_recorded_or_another_one() -> None:
    for facts in ([], [fact(FactKind.DEMOGRAPHIC, "sex", "other", None)]):
        choice = choose_sex(record(*facts))
        assert choice.value == {"male", "female"}
        assert choice.reason is Reason.NO_DATA


def test_a_snapshot_asks_once() -> None:
    snapshot = Snapshot(record(born("1970-03-20")), rules())
    assert snapshot.age() is snapshot.age()
    assert snapshot.sex() is snapshot.sex()
