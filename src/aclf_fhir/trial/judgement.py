"""What a criterion says of a record, and everything one needs to defend it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import product
from typing import NamedTuple

from aclf_fhir.evaluation import Choice, EvaluationRules, Reason
from aclf_fhir.record import Fact, SourceVersion
from aclf_fhir.units import Interval, TimeRange

__all__ = [
    "DECIDED",
    "Distance",
    "Evidence",
    "Judgement",
    "Need",
    "Needs",
    "Outcome",
    "each_once",
    "evidence_of",
    "evidence_of_choice",
    "number_text",
    "value_text",
]

_ALTERNATIVES = 6


class Outcome(StrEnum):
    """What a criterion says; for an exclusion, `met` means that it is present."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


DECIDED = frozenset({Outcome.MET, Outcome.NOT_MET})


@dataclass(frozen=True, slots=True)
class Distance:
    """How far the value lies from the limit that decides; negative below it."""

    value: Decimal
    unit: str
    limit: Decimal


class Need(NamedTuple):
    """A fact that is missing, and who can supply it.

    Parameters
    ----------
    kind
        `measurement`, `grade`, `attestation`, `consent`, `demographic`, `finding`.
    concept
        Analyte, scale or attestation item.
    supplier
        Who can supply it.
    """

    kind: str
    concept: str
    supplier: str


Alternatives = tuple[frozenset[Need], ...]


_NOTHING: Alternatives = (frozenset(),)


def _fewest(sets: Iterable[frozenset[Need]]) -> Alternatives:
    """Keep the smallest alternatives, in an order that does not depend on arrival."""
    found = set(sets)
    if len(found) < 2:
        return tuple(found)
    unique = sorted(found, key=lambda needs: (len(needs), sorted(needs)))
    kept: list[frozenset[Need]] = []
    for needs in unique:
        if not any(other <= needs for other in kept):
            kept.append(needs)
    return tuple(kept[:_ALTERNATIVES])


@dataclass(frozen=True, slots=True)
class Needs:
    """Which missing facts could make something met, and which not met.

    Each is a tuple of alternatives; an alternative is a set that is needed together.
    No alternative: nothing that is missing can lead there.
    """

    met: Alternatives = ()
    not_met: Alternatives = ()

    @classmethod
    def settled(cls, outcome: Outcome) -> "Needs":
        """Return the needs of something decided: nothing, in one direction only."""
        if outcome is Outcome.NOT_APPLICABLE:
            return cls(_NOTHING, _NOTHING)
        return cls(_NOTHING) if outcome is Outcome.MET else cls((), _NOTHING)

    @classmethod
    def of(cls, *needs: Need) -> "Needs":
        """Return what one set of missing facts could decide either way."""
        if not needs:
            return cls()
        together = (frozenset(needs),)
        return cls(together, together)

    def or_else(self, other: "Needs") -> "Needs":
        """Return what either of two ways to decide needs."""
        return Needs(
            Needs.either((self.met, other.met)), Needs.either((self.not_met, other.not_met))
        )

    @property
    def reversed(self) -> "Needs":
        """What the negation needs."""
        return Needs(self.not_met, self.met)

    @staticmethod
    def together(parts: Iterable[Alternatives]) -> Alternatives:
        """Return what it takes to have every part."""
        found: Alternatives = _NOTHING
        for part in parts:
            if part == _NOTHING or found == ():
                continue
            if found == _NOTHING or part == ():
                found = part
            else:
                found = _fewest(one | other for one, other in product(found, part))
        return found

    @staticmethod
    def either(parts: Iterable[Alternatives]) -> Alternatives:
        """Return what it takes to have any one part."""
        given = [part for part in parts if part]
        if len(given) == 1:
            return given[0]
        return _fewest(needs for part in given for needs in part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One fact that decided, or that explains why nothing was decided.

    Parameters
    ----------
    concept
        Id from the catalog, or of the score.
    fact
        The fact; None for a complete feed or a computed score.
    sent
        Value as sent, unit included.
    used
        Value as used, in the unit of the criterion.
    conversion
        How one became the other, written out; "" where they are the same.
    unit
        Unit of `used`.
    drawn
        When it was true of the patient.
    received
        When the gateway learnt it.
    source
        The resource version it came from.
    flags
        What a reader must know.
    note
        Why it is here.
    """

    concept: str
    fact: Fact | None = None
    sent: str = ""
    used: str = ""
    conversion: str = ""
    unit: str = ""
    drawn: TimeRange | None = None
    received: datetime | None = None
    source: SourceVersion | None = None
    flags: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a criterion, or a part of one, says.

    Parameters
    ----------
    outcome
        Met, not met, unknown, not applicable.
    reasons
        Why it is unknown; empty otherwise.
    evidence
        What decided, or what explains the unknown.
    distance
        From the limit, where the criterion has one.
    flags
        What a person must acknowledge before signing.
    note
        One sentence for people.
    proposal
        Where unknown: what the evidence suggests to the person who is asked.
    raised_by
        Where unknown: the part of the evidence that suggests it; None for all of it.
    needs
        What is missing.
    fresh_until
        Last instant at which this holds if nothing new arrives.
    details
        Numbers by name (`value`, `rounded`, `daily_rise`), for case files.
    """

    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    distance: Distance | None = None
    flags: frozenset[str] = frozenset()
    note: str = ""
    proposal: Outcome | None = None
    raised_by: tuple[Evidence, ...] | None = None
    needs: Needs = field(default_factory=Needs)
    fresh_until: datetime | None = None
    details: Mapping[str, object] = field(default_factory=dict)

    @property
    def doubt(self) -> tuple[Evidence, ...]:
        """What speaks for met where that is unknown: an answer must not be older than it."""
        if self.proposal is not Outcome.MET:
            return ()
        return self.evidence if self.raised_by is None else self.raised_by


def each_once(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Drop evidence that is there already: the same fact, used as the same value."""
    found: dict[tuple[object, ...], Evidence] = {}
    for each in evidence:
        key = (each.concept, each.used, each.unit, each.note, each.source)
        found.setdefault(key, each)
    return tuple(found.values())


def number_text(value: Decimal) -> str:
    """Write a number without an exponent and without idle zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def value_text(value: object) -> str:
    """Write a fact's value as a person would."""
    if isinstance(value, Interval):
        low, high = value.low, value.high
        if low is None:
            if high is None:
                return "any"
            return f"<{'=' if value.high_closed else ''}{number_text(high)}"
        if high is None:
            return f">{'=' if value.low_closed else ''}{number_text(low)}"
        return number_text(low) if low == high else f"{number_text(low)} to {number_text(high)}"
    if isinstance(value, frozenset):
        return " or ".join(sorted(value))
    if isinstance(value, TimeRange):
        if value.is_exact:
            return value.earliest.isoformat()
        return f"{value.earliest.isoformat()} to {value.latest.isoformat()}"
    return ""


def _factor_text(factor: Fraction) -> str:
    """Write a conversion factor as multiplication or division by a short decimal."""
    for sign, ratio in (("x", factor), ("/", 1 / factor)):
        quotient = Decimal(ratio.numerator) / Decimal(ratio.denominator)
        if Fraction(quotient) == ratio:
            return f"{sign} {number_text(quotient)}"
    return f"x {factor.numerator}/{factor.denominator}"


def evidence_of(
    fact: Fact,
    *,
    rules: EvaluationRules,
    used: Interval | None = None,
    unit: str = "",
    note: str = "",
) -> Evidence:
    """Return a fact as evidence, its conversion written out where there was one."""
    sent, conversion = value_text(fact.value), ""
    source_unit = fact.unit
    if fact.sent is not None:
        sent = f"{fact.sent.text} {fact.sent.unit}".strip()
        source_unit = fact.sent.ucum
    elif fact.unit:
        sent = f"{sent} {fact.unit}"
    shown = value_text(fact.value if used is None else used)
    if used is not None and source_unit != unit and fact.concept in rules.analytes:
        factors = rules.analytes[fact.concept].units.factors
        factor = _factor_text(factors[source_unit] / factors[unit])
        conversion = f"{sent} {factor} = {shown} {unit}"
    return Evidence(
        concept=fact.concept,
        fact=fact,
        sent=sent,
        used=shown,
        conversion=conversion,
        unit=unit or fact.unit,
        drawn=fact.start,
        received=fact.known,
        source=fact.source,
        flags=tuple(sorted(fact.flags)),
        note=note,
    )


def evidence_of_choice(choice: Choice, rules: EvaluationRules) -> tuple[Evidence, ...]:
    """Return the facts a choice rests on, or those it passed over if it has none."""
    used = choice.value if isinstance(choice.value, Interval) else None
    found: list[Evidence] = []
    if choice.fact is not None:
        found.append(
            evidence_of(choice.fact, rules=rules, used=used, unit=choice.unit, note=choice.why)
        )
    found.extend(evidence_of(fact, rules=rules, note=choice.why) for fact in choice.also)
    if not found and choice.value is not None:
        used_text = value_text(choice.value)
        found.append(Evidence(concept=choice.concept, used=used_text, note=choice.why))
    if choice.value is None:
        found.extend(evidence_of(f, rules=rules, note=why) for f, why in choice.passed_over)
    return tuple(found)
