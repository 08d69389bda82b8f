"""Mean arterial pressure worked out from a systolic and a diastolic one."""

from decimal import Decimal
from typing import TYPE_CHECKING, cast

from aclf_fhir.mapping.measurements import measurement_of
from aclf_fhir.mapping.models import HeldReason
from aclf_fhir.mapping.units_read import Problem
from aclf_fhir.record import Fact, FactKind, FactStatus, SentValue
from aclf_fhir.units import Interval

if TYPE_CHECKING:
    from aclf_fhir.mapping.draft import Draft

__all__ = ["MEAN", "PRESSURES", "add_mean_pressure", "mean_pressure"]

MEAN, _SYSTOLIC, _DIASTOLIC = "mean_arterial_pressure", "systolic_pressure", "diastolic_pressure"
PRESSURES = frozenset({_SYSTOLIC, _DIASTOLIC})
"""Out of which a mean is worked out."""
_DERIVED = frozenset({"derived"})
_HELD = frozenset({"derived", "held"})
_UNIT_MISSING = frozenset({"unit_missing"})


def add_mean_pressure(draft: "Draft") -> None:
    """State the mean of a systolic and a diastolic pressure of one Observation.

    Only where each was measured once and no mean was sent; a mean that was sent counts.
    """
    pressures: dict[str, list[Fact]] = {MEAN: [], _SYSTOLIC: [], _DIASTOLIC: []}
    for fact in draft.facts:
        if fact.concept in pressures and fact.kind is FactKind.MEASUREMENT:
            pressures[fact.concept].append(fact)
    analyte = draft.context.analytes.get(MEAN)
    if pressures[MEAN] or analyte is None:
        return
    if len(pressures[_SYSTOLIC]) != 1 or len(pressures[_DIASTOLIC]) != 1:
        return
    systolic, diastolic = pressures[_SYSTOLIC][0], pressures[_DIASTOLIC][0]
    if systolic.sent is None or diastolic.sent is None:
        if "held" in systolic.flags | diastolic.flags:
            _add_held(draft, systolic, systolic.flags | diastolic.flags)
        return
    alike = systolic.sent.ucum == diastolic.sent.ucum
    # A fact that was sent as a measurement has an interval.
    high = systolic.sent.value if alike else cast("Interval", systolic.value)
    low = diastolic.sent.value if alike else cast("Interval", diastolic.value)
    if low.low is not None and high.high is not None and low.low > high.high:
        draft.hold(HeldReason.IMPLAUSIBLE, "component", "diastolic above systolic pressure")
        _add_held(draft, systolic, systolic.flags | diastolic.flags)
        return
    sent = SentValue(
        f"{systolic.sent.text}/{diastolic.sent.text}",
        systolic.sent.unit,
        mean_pressure(systolic=high, diastolic=low),
        systolic.sent.ucum if alike else systolic.unit,
    )
    flags = _DERIVED | systolic.flags | diastolic.flags
    mean = measurement_of(sent, flags, "component", analyte=analyte)
    if isinstance(mean, Problem):  # both plausible, and yet their mean is not
        draft.hold(mean.reason, mean.path, mean.detail)
        _add_held(draft, systolic, flags)
        return
    draft.add(
        FactKind.MEASUREMENT,
        MEAN,
        mean.value,
        path="component",
        unit=analyte.unit,
        start=systolic.start,
        end=systolic.end,
        flags=flags,
        codes=systolic.codes + diastolic.codes,
        sent=sent,
    )


def _add_held(draft: "Draft", pressure: Fact, flags: frozenset[str]) -> None:
    """State that there was a mean pressure, whose value waits on the work list."""
    draft.add(
        FactKind.MEASUREMENT,
        MEAN,
        None,
        path="component",
        start=pressure.start,
        end=pressure.end,
        status=FactStatus.NO_VALUE if draft.status is FactStatus.USABLE else draft.status,
        flags=_HELD | (flags & _UNIT_MISSING),
        codes=pressure.codes,
    )


def mean_pressure(*, systolic: Interval, diastolic: Interval) -> Interval:
    """Return diastolic + (systolic - diastolic) / 3, end by end; it grows with both."""
    return Interval(
        _mean(systolic.low, diastolic.low),
        _mean(systolic.high, diastolic.high),
        systolic.low_closed and diastolic.low_closed,
        systolic.high_closed and diastolic.high_closed,
    )


def _mean(systolic: Decimal | None, diastolic: Decimal | None) -> Decimal | None:
    if systolic is None or diastolic is None:
        return None
    return (2 * diastolic + systolic) / 3
