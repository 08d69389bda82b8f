"""Intervals and time ranges are values: equal by content, hashable, never changed, not mixed up."""

import operator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from aclf_fhir.units import Interval, TimeRange

ONE, TWO = Decimal(1), Decimal(2)
T = datetime(2026, 3, 1, 8, tzinfo=UTC)
DAY = TimeRange(T, T + timedelta(days=1))


@pytest.mark.parametrize(
    ("value", "attribute"), [(Interval.exact(ONE), "low"), (TimeRange.exact(T), "earliest")]
)
def test_nothing_of_them_can_be_changed(value, attribute):
    with pytest.raises(AttributeError):
        setattr(value, attribute, None)
    with pytest.raises(AttributeError):
        value.other = None


def test_equal_by_content():
    assert Interval.exact(ONE) == Interval(ONE, ONE)
    assert hash(Interval.exact(ONE)) == hash(Interval(ONE, Decimal("1.00")))
    assert Interval(ONE, TWO) != Interval(ONE, TWO, low_closed=False)
    assert TimeRange.exact(T) == TimeRange(T, T)
    assert Interval.exact(ONE) != TimeRange.exact(T)
    assert deepcopy((Interval.exact(ONE), DAY)) == (Interval.exact(ONE), DAY)


def test_digits_and_kind_are_kept():
    kept = Interval.exact(Decimal("1.20"))
    assert type(kept) is Interval
    assert repr(kept) == (
        "Interval(low=Decimal('1.20'), high=Decimal('1.20'), low_closed=True, high_closed=True)"
    )


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
def test_intervals_have_no_order(compare):
    with pytest.raises(TypeError, match="no order"):
        compare(Interval(ONE, TWO), Interval(ONE, TWO))


def test_in_is_refused_where_it_would_ask_for_an_end():
    with pytest.raises(TypeError, match="contains"):
        _ = Decimal("1.5") in Interval(ONE, TWO)
    with pytest.raises(TypeError, match="earliest"):
        _ = T in DAY


def test_time_ranges_are_ordered_by_their_ends():
    assert sorted([DAY, TimeRange.exact(T)]) == [TimeRange.exact(T), DAY]
