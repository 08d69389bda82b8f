"""Stretches of time as protocols write them: `48 h`, `30 d`, `3 months`."""

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from aclf_fhir.errors import AclfError, Category

__all__ = ["Period", "parse_period"]

_PERIOD = re.compile(r"(\d+) ?(h|d|weeks?|months?|a)")
_HOURS = {"h": 1, "d": 24, "week": 168}


@dataclass(frozen=True, slots=True)
class Period:
    """A number of hours, or of calendar months.

    Parameters
    ----------
    hours
        Exact length; days are 24 h each, as both trials' look-backs are read.
    months
        Calendar months, 0 where the length is exact.
    text
        As the protocol writes it.
    """

    hours: int
    months: int
    text: str

    @property
    def delta(self) -> timedelta:
        """The exact length; a calendar month counts as 31 days."""
        return timedelta(hours=self.hours, days=31 * self.months)

    def before(self, at: datetime, zone: tzinfo) -> datetime:
        """Return the instant this long before `at`."""
        return self._moved(at, zone, -1)

    def after(self, at: datetime, zone: tzinfo) -> datetime:
        """Return the instant this long after `at`."""
        return self._moved(at, zone, 1)

    def _moved(self, at: datetime, zone: tzinfo, sign: int) -> datetime:
        if not self.months:
            return at + sign * timedelta(hours=self.hours)
        local = at.astimezone(zone)
        years, month = divmod(local.year * 12 + local.month - 1 + sign * self.months, 12)
        day = min(local.day, calendar.monthrange(years, month + 1)[1])
        return local.replace(year=years, month=month + 1, day=day).astimezone(at.tzinfo)


def parse_period(text: str, where: str = "") -> Period:
    """Parse `48 h`, `30 d`, `12 weeks`, `3 months` or `1 a`."""
    match = _PERIOD.fullmatch(text)
    if match is None:
        raise AclfError.of(
            Category.INVALID, where, f"{text!r} is no period", "write `48 h`, `30 d` or `3 months`"
        )
    number, unit = int(match[1]), match[2].removesuffix("s")
    if unit in _HOURS:
        return Period(number * _HOURS[unit], 0, text)
    return Period(0, number * (12 if unit == "a" else 1), text)
