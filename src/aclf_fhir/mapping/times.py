"""When something was true of the patient, and when that cannot be."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from aclf_fhir.fhir import is_sentinel, parse_date_time
from aclf_fhir.mapping.draft import Draft
from aclf_fhir.mapping.models import HeldReason
from aclf_fhir.units import TimeRange

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.datatypes import Age, Period, Quantity, Range

__all__ = [
    "FUTURE_TOLERANCE",
    "Span",
    "age_span",
    "check_time",
    "period_span",
    "read_recorded",
    "read_time",
]

_DATE = len("2024-06-15")

FUTURE_TOLERANCE = timedelta(minutes=5)
"""How far a sender's clock may run ahead of ours; more is held."""


class Span(msgspec.Struct, frozen=True):
    """When something began and ended; None where that was not said."""

    start: TimeRange | None = None
    end: TimeRange | None = None


def read_time(text: str | None, draft: Draft) -> TimeRange | None:
    """Read a date or dateTime in the site's zone; None if absent.

    So are years such as 1 and 9999, which stand for "always" and "open" in some engines.
    """
    if text is None or is_sentinel(text):
        return None
    if len(text) > _DATE and text[17:19] != "60":
        # The text was checked when the resource was parsed: no second look at its form.
        return TimeRange.exact(datetime.fromisoformat(text).astimezone(UTC))
    return parse_date_time(text, draft.context.site.zone)


def read_recorded(text: str | None, draft: Draft) -> datetime | None:
    """Read when something was written down: no later than the end of a partial date."""
    moment = read_time(text, draft)
    return None if moment is None else moment.latest


def period_span(period: "Period | None", draft: Draft) -> Span:
    """Read both ends of a Period."""
    if period is None:
        return Span()
    return Span(read_time(period.start, draft), read_time(period.end, draft))


def check_time(draft: Draft, moment: TimeRange, path: str) -> None:
    """Hold the resource if the moment surely lies in the future or outside the life."""
    if moment.earliest - draft.context.known > FUTURE_TOLERANCE:
        draft.block(HeldReason.FUTURE, path)
        return
    dates = draft.dates
    if dates is None:
        return
    if dates.birth is not None and moment.latest < dates.birth.earliest:
        draft.block(HeldReason.BEFORE_BIRTH, path)
        draft.wait_for(f"Patient/{draft.subject}")
    elif dates.death is not None and moment.earliest > dates.death.latest:
        draft.block(HeldReason.AFTER_DEATH, path)
        draft.late = (path, moment)
        draft.wait_for(f"Patient/{draft.subject}")


def age_span(draft: Draft, *, age: "Age | None", ages: "Range | None") -> TimeRange | None:
    """Turn an age in whole years into the range of instants it covers.

    None if the birth date is unknown or the age is not in years. Someone is 54 from
    the 54th birthday until the day before the 55th.
    """
    birth = None if draft.dates is None else draft.dates.birth
    if birth is None:
        return None
    low = _years(age if ages is None else ages.low)
    high = _years(age if ages is None else ages.high)
    if low is None or high is None or high < low:
        return None
    return TimeRange(_birthday(birth.earliest, low), _birthday(birth.latest, high + 1))


def _years(quantity: "Quantity | None") -> int | None:
    if quantity is None or quantity.value is None or quantity.comparator is not None:
        return None
    if quantity.code != "a" or not Decimal(0) <= quantity.value <= Decimal(150):
        return None
    return int(quantity.value)


def _birthday(instant: datetime, years: int) -> datetime:
    """Return the instant `years` later; 29 February falls on 1 March in common years."""
    try:
        return instant.replace(year=instant.year + years)
    except ValueError:
        return instant.replace(year=instant.year + years, month=3, day=1)
