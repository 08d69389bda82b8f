from decimal import Decimal

import pytest

from aclf_fhir.cli.computing import _value
from aclf_fhir.scores import ScoreResult
from aclf_fhir.units import Interval


def result(**more: object) -> ScoreResult:
    return ScoreResult(score="meld_3_0", version="1", status="indeterminate", **more)


@pytest.mark.parametrize(
    ("bounds", "rounded", "shown"),
    [
        (Interval(Decimal("6.43921"), Decimal("40")), None, "6.44 to 40"),
        (Interval(Decimal("6.4"), Decimal("39.7")), Interval(Decimal(6), Decimal(40)), "6 to 40"),
        (Interval(Decimal("-0.004"), None), None, "0 to …"),
        (Interval(Decimal(1), Decimal("1E+12")), None, "1 to …"),
    ],
)
def test_bounds_are_shown_as_a_reader_needs_them(
    bounds: Interval, rounded: Interval | None, shown: str
) -> None:
    assert _value(result(bounds=bounds, rounded_bounds=rounded)) == shown
