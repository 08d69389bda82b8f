"""Age and sex of the subject at an instant."""

from datetime import date, datetime
from decimal import Decimal

from aclf_fhir.evaluation.choice import Choice
from aclf_fhir.evaluation.reasons import Reason
from aclf_fhir.evaluation.rules import EvaluationRules
from aclf_fhir.record import Fact, FactKind, FactStatus, Record
from aclf_fhir.units import Interval, TimeRange

__all__ = ["age_at", "birthday", "choose_sex", "completed_years", "usable_fact"]

_SEXES = frozenset({"male", "female"})


def completed_years(born: date, on: date) -> int:
    """Return completed years; someone born on 29 February ages on 1 March in common years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def birthday(born: date, years: int) -> date:
    """Return the day on which someone completes `years`."""
    try:
        return born.replace(year=born.year + years)
    except ValueError:  # 29 February in a common year
        return date(born.year + years, 3, 1)


def usable_fact(record: Record, kind: FactKind, concept: str) -> Fact | None:
    """Return the last usable fact of a concept, whenever it was true."""
    for fact in reversed(record.of_concept(kind, concept)):
        if fact.status is FactStatus.USABLE:
            return fact
    return None


def age_at(
    record: Record, rules: EvaluationRules, *, at: datetime | None = None, name: str = "age"
) -> Choice:
    """Choose the age in completed years; a partial birth date gives both extremes."""
    fact = usable_fact(record, FactKind.DEMOGRAPHIC, "birth_date")
    if fact is None or not isinstance(fact.value, TimeRange):
        reason = Reason.NO_DATA
        return Choice(input=name, concept="birth_date", why=reason, reason=reason)
    births = {
        usable.value
        for usable in record.of_concept(FactKind.DEMOGRAPHIC, "birth_date")
        if usable.status is FactStatus.USABLE
    }
    if len(births) > 1:
        reason = Reason.CONFLICTING
        return Choice(input=name, concept="birth_date", why=reason, reason=reason)
    today = (record.as_of if at is None else at).astimezone(rules.zone).date()
    latest = fact.value.latest.astimezone(rules.zone).date()
    earliest = fact.value.earliest.astimezone(rules.zone).date()
    low, high = completed_years(latest, today), completed_years(earliest, today)
    next_birthday = birthday(earliest, high + 1)
    midnight = datetime(
        next_birthday.year, next_birthday.month, next_birthday.day, tzinfo=rules.zone
    )
    return Choice(
        input=name,
        concept="birth_date",
        fact=fact,
        value=Interval(Decimal(low), Decimal(high)),
        unit="a",
        why="completed years" if low == high else "both extremes of a partial birth date",
        flags=fact.flags if low == high else fact.flags | {"birth_date_partial"},
        fresh_until=midnight,
    )


def choose_sex(record: Record, *, name: str = "sex") -> Choice:
    """Choose the sex recorded at birth, else the administrative gender, flagged."""
    for concept, flags in (
        ("birth_sex", frozenset[str]()),
        ("sex", frozenset({"sex_from_gender"})),
    ):
        fact = usable_fact(record, FactKind.DEMOGRAPHIC, concept)
        if fact is not None and isinstance(fact.value, frozenset) and fact.value <= _SEXES:
            return Choice(
                input=name,
                concept=concept,
                fact=fact,
                value=fact.value,
                why="birth sex" if not flags else "administrative gender",
                flags=fact.flags | flags,
            )
    reason = Reason.NO_DATA
    return Choice(input=name, concept="sex", value=_SEXES, why="sex not recorded", reason=reason)
