"""One normalised statement about one subject, with its two clocks and its source.

msgspec structs, because several are made of every result received: a frozen dataclass
takes ten times as long. Changed copies come from `msgspec.structs.replace`.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from aclf_fhir.units import Interval, TimeRange

__all__ = [
    "AFTER_DEATH",
    "UNREAD",
    "Fact",
    "FactKind",
    "FactStatus",
    "SentValue",
    "SourceVersion",
    "Value",
    "shows_alive",
]

AFTER_DEATH = "after_death"
"""Concept of an encounter that only a result held for lying after the death tells of."""

UNREAD = "unread"
"""Concept of what was received under a code that nobody could read: it may be anything."""


class FactKind(StrEnum):
    """What sort of statement a fact is; each kind has its own reading of `concept`."""

    MEASUREMENT = "measurement"
    """A number with a unit; concept is an analyte id (`bilirubin_total`)."""
    GRADE = "grade"
    """An ordinal or nominal scale (`he_grade`, `ascites`, `nyha_class`, `gold_grade`)."""
    FINDING = "finding"
    """A notion found present or absent (`cirrhosis`, `gi_bleeding`, `hiv`); a value set id."""
    PROCEDURE = "procedure"
    """Something done (`renal_replacement`, `mechanical_ventilation`); a value set id."""
    MEDICATION = "medication"
    """A drug given, requested or reported (`norepinephrine`); a value set id."""
    DEMOGRAPHIC = "demographic"
    """`birth_date`, `sex`, `birth_sex`, `death`."""
    ENCOUNTER = "encounter"
    """A stay or visit; concept is the class (`inpatient`, `emergency`, `ambulatory`)."""
    CONSENT = "consent"
    """A Consent; concept is the study id it names, or `unspecified`."""
    PARTICIPATION = "participation"
    """A ResearchSubject; concept is the study it belongs to, as sent."""
    ATTESTATION = "attestation"
    """A person's answer; concept is the item code (`symptom-burden`)."""


class FactStatus(StrEnum):
    """How far a fact can be relied on."""

    USABLE = "usable"
    PRELIMINARY = "preliminary"
    """The sender calls it not yet final: never decides, explains an unknown."""
    CONFLICTING = "conflicting"
    """A lower status came after a higher one, or two sources disagree at one instant."""
    NO_VALUE = "no_value"
    """Final, but the value is absent (dataAbsentReason)."""
    RETRACTED = "retracted"
    """Entered in error, deleted, or retired by a person with a reason."""


class SourceVersion(msgspec.Struct, frozen=True):
    """The resource version a fact came from, and the element in it."""

    type: str
    id: str
    version: int
    path: str = ""

    @property
    def reference(self) -> str:
        """The version-specific relative reference, `Observation/123/_history/2`."""
        return f"{self.type}/{self.id}/_history/{self.version}"


class SentValue(msgspec.Struct, frozen=True):
    """A measurement as the sender wrote it; every conversion starts from here.

    Converting twice would lose exactness (170 umol/L to mg/dL and back is not
    170), so scores and criteria convert from this value straight to their own unit.

    Parameters
    ----------
    text
        Value as sent, comparator included: `205.2`, `<0.2`.
    unit
        Unit code or text as sent; "" where none was sent.
    value
        The value read, in the unit `ucum`.
    ucum
        The UCUM unit that was read from `unit`, the text or the site's map.
    """

    text: str
    unit: str
    value: Interval
    ucum: str


Value = Interval | frozenset[str] | TimeRange | None
"""A number (canonical unit), the possible codes of a scale, an instant, or nothing."""


class Fact(msgspec.Struct, frozen=True):
    """One statement about one subject.

    Parameters
    ----------
    subject
        Logical id of the Patient within its site.
    kind
        What sort of statement it is; decides how `concept` and `value` are read.
    concept
        Id from the catalog.
    value
        MEASUREMENT: `Interval` in the analyte's canonical unit. GRADE: `Interval`
        on an ordinal scale (West Haven 0 to 4), or the set of possible codes.
        FINDING, PROCEDURE, PARTICIPATION, CONSENT, ATTESTATION: a set of codes,
        normally one (`{"present"}`, `{"absent"}`, `{"active"}`, `{"yes"}`).
        MEDICATION: dose rate in ug/kg/min as `Interval`, or None where unknown.
        DEMOGRAPHIC: `TimeRange` for dates, a set of codes for sex.
    unit
        Canonical UCUM unit of an `Interval` that has one, else "".
    start
        When it was true of the patient, or began; None where the sender did not say
        (never filled from `issued` or a recorded date).
    end
        When it ended; None for an instant, or for something open or of unknown end.
    recorded
        When the sender says it was written down; bounds an event from above only.
    known
        When the gateway learnt it.
    status
        How far it can be relied on.
    source
        The resource version it came from.
    qualifiers
        Closed vocabulary per kind that criteria read: for findings `active`, `history`,
        `provisional`, `supporting`, `review`, `refuted`; for medications `administered`,
        `in_progress`, `requested`, `reported`, and route; for measurements `arterial`, `venous`,
        `capillary`, `pre_dialysis`, `post_dialysis`, `estimated`; for procedures
        `in_progress`, `completed`, `not_done`, and the reason.
    flags
        What a reader must know: `unit_from_text`, `unit_mapped`, `derived`, `comparator`.
    codes
        The source codings as `system|code`, for evidence.
    sent
        The measurement as sent; None for other kinds.
    reference_high
        Upper limit of normal from the same result, canonical unit; None where absent.
    context
        Who or what else belongs to it: signer of an attestation, study of a
        participation, drug name, encounter. Pairs of name and value, sorted.
    """

    subject: str
    kind: FactKind
    concept: str
    value: Value
    source: SourceVersion
    known: datetime
    unit: str = ""
    start: TimeRange | None = None
    end: TimeRange | None = None
    recorded: datetime | None = None
    status: FactStatus = FactStatus.USABLE
    qualifiers: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    codes: tuple[str, ...] = ()
    sent: SentValue | None = None
    reference_high: Interval | None = None
    context: tuple[tuple[str, str], ...] = ()


_CONTACTS = frozenset(
    {
        FactKind.MEASUREMENT,
        FactKind.GRADE,
        FactKind.ENCOUNTER,
        FactKind.PROCEDURE,
        FactKind.MEDICATION,
    }
)


def shows_alive(fact: Fact) -> bool:
    """Say whether a fact tells that something was done with, or measured of, the patient."""
    if fact.kind not in _CONTACTS or fact.status is not FactStatus.USABLE or fact.start is None:
        return False
    if fact.kind is FactKind.MEDICATION:
        return "administered" in fact.qualifiers
    return fact.kind is not FactKind.PROCEDURE or fact.value == frozenset({"done"})
