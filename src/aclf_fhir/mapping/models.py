"""What the mapping modules are told: analytes, value sets, scales, the site, the context.

The catalog fills these models from `mappings/`; nothing here reads a file. Long, because
each model says in full what its fields mean; there is no logic beyond looking a code up.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from aclf_fhir.codes import LOINC, SNOMED, Coding
from aclf_fhir.codes.check_digits import is_loinc, is_snomed
from aclf_fhir.mapping.vocabulary import Vocabulary
from aclf_fhir.record import Fact, FactKind
from aclf_fhir.units import Interval, TimeRange

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.datatypes import Resource
    from aclf_fhir.units.expression import UnitParts
    from aclf_fhir.units.quantity import UnitTable

__all__ = [
    "Analyte",
    "AnalyteCode",
    "Disposition",
    "GradeScale",
    "HeldReason",
    "Holding",
    "LookAlike",
    "MappingContext",
    "MappingOutcome",
    "NotNeededRules",
    "SiteMap",
    "Strength",
    "SubjectDates",
    "UnitRemarks",
    "ValueSet",
]


@dataclass(frozen=True, slots=True)
class AnalyteCode:
    """A code that stands for an analyte, and what it says beyond the analyte.

    Parameters
    ----------
    coding
        The code in its system.
    qualifiers
        What the code itself asserts: `arterial`, `venous`, `capillary`,
        `pre_dialysis`, `post_dialysis`, `estimated`, `corrected`.
    units
        UCUM units this code may come with; empty allows the whole table.
    needs_site
        True where only a site's own map may accept the code (LOINC 5894-1).
    """

    coding: Coding
    qualifiers: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    needs_site: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRemarks:
    """What a unit's text beside its code may say of an analyte; lower case.

    Parameters
    ----------
    other
        Words for another quantity (`direct` for total bilirubin): the value is held.
    own
        Words that contain one of those and mean the analyte (`urea nitrogen`).
    no_unit
        Whole texts that say there is no unit (`n/a` for an INR).
    """

    other: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    no_unit: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Analyte:
    """What a laboratory or a bedside device measures.

    Parameters
    ----------
    id
        Catalog id, e.g. `bilirubin_total`.
    title
        Name for people.
    unit
        Canonical UCUM unit.
    units
        Every accepted unit and spelling with its exact factor.
    codes
        Codes that stand for it.
    plausible
        Values a living patient can have, canonical unit; outside is held.
    max_age
        How old a value may be at T.
    bedside
        True for vital signs and support: such an instant makes a score point
        only where a component changes.
    specimens
        Specimen type codes it may be measured in; empty: not checked.
    molar_mass
        g/mol as text with its decimals, or None.
    look_alikes
        Codes often taken for it that are something else, with the reason
        (direct bilirubin, bilirubin in ascitic fluid).
    source
        Where unit factors and codes come from.
    remarks
        What a unit's text beside its code may say.
    """

    id: str
    title: str
    unit: str
    units: "UnitTable"
    codes: tuple[AnalyteCode, ...]
    plausible: Interval
    max_age: timedelta
    bedside: bool = False
    specimens: frozenset[Coding] = frozenset()
    molar_mass: str | None = None
    look_alikes: Mapping[Coding, str] = field(default_factory=dict)
    source: str = ""
    remarks: UnitRemarks = UnitRemarks()


class Strength(StrEnum):
    """What membership of a code in a value set proves."""

    DEFINITE = "definite"
    SUPPORTING = "supporting"
    """Counts as a hint only; never decides."""
    REVIEW = "review"
    """A person must look: the code may or may not mean the notion."""
    HISTORY = "history"
    """The code itself says it is past (ICD-10-CM Z85.-)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSet:
    """The codes of one clinical notion.

    Parameters
    ----------
    id
        Catalog id; it is the concept of the facts made from it.
    title
        Name for people.
    kind
        FINDING, PROCEDURE or MEDICATION.
    codes
        Exact codes with what they prove.
    prefixes
        Code prefixes (ICD-10-CM, ATC); the longest match wins over shorter ones,
        an exact code over any prefix.
    excluded
        Codes and prefixes left out although a prefix would take them.
    lifelong
        clinicalStatus resolved or inactive does not end it (cirrhosis, HIV).
    values
        Value per code or code prefix where the notion has more than present or
        absent (`liver_disease_cause`: viral, alcohol …); read with `value_of`.
    plausible_rates
        Rates a drug can be given at, by their unit (`ug/kg/min`, `ug/min`); outside is held.
    source
        Where the codes come from.
    """

    id: str
    title: str
    kind: FactKind
    codes: Mapping[Coding, Strength]
    prefixes: Mapping[Coding, Strength] = field(default_factory=dict)
    excluded: frozenset[Coding] = frozenset()
    lifelong: bool = False
    values: Mapping[Coding, str] = field(default_factory=dict)
    plausible_rates: Mapping[str, Interval] = field(default_factory=dict)
    source: str = ""

    def strength(self, coding: Coding) -> Strength | None:
        """Return what `coding` proves of this notion, None if it says nothing."""
        exact = self.codes.get(coding)
        if exact is not None:
            return exact
        for length in range(len(coding.code), 0, -1):
            stem = Coding(coding.system, coding.code[:length])
            if stem in self.excluded:
                return None
            found = self.prefixes.get(stem)
            if found is not None:
                return found
        return None

    def value_of(self, coding: Coding) -> str | None:
        """Return the value `coding` carries, its longest listed prefix deciding."""
        for length in range(len(coding.code), 0, -1):
            found = self.values.get(Coding(coding.system, coding.code[:length]))
            if found is not None:
                return found
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeScale:
    """A scale no standard code carries, and the codes it is sent with.

    Parameters
    ----------
    id
        Catalog id, e.g. `he_grade`.
    codes
        Codes of the Observation (the question).
    answers
        Coded answer to the value it proves: an interval on an ordinal scale,
        or the set of possible codes.
    ordinal
        Lowest and highest grade, for answers sent as integers; None if nominal.
    max_age
        How old a grade may be at T.
    """

    id: str
    title: str
    codes: tuple[AnalyteCode, ...]
    answers: Mapping[Coding, Interval | frozenset[str]]
    ordinal: Interval | None
    max_age: timedelta
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteMap:
    """What one hospital does its own way.

    Parameters
    ----------
    id
        Site id, first part of every resource key.
    zone
        Time zone for dates sent without one.
    analyte_codes, scale_codes, value_set_codes
        Local codes on top of the catalog's.
    values
        Value a local code carries, per value set id (`liver_disease_cause`: viral …).
    answers
        Local answer codes per scale id.
    spellings
        Local unit spelling to UCUM, per analyte id.
    default_units
        UCUM unit a bare number has, per analyte id; declared, never guessed.
    decimal_comma
        Whether `1,2` is 1.2 here.
    unique_identifiers
        Identifier systems that name one resource each (business identity).
    complete_feeds
        Concepts for which no record means not done (`renal_replacement` …).
    constants
        Values the laboratory declares once, canonical unit, per analyte id (the
        control prothrombin time of its reagent, `pt_control`).
    specimen_codes
        Local specimen type to the standard one it means; a type sent as text only is
        `Coding("", text)`.
    set_aside
        Local codes that somebody at the site has looked at and found without use.
    """

    id: str
    zone: tzinfo
    title: str = ""
    analyte_codes: Mapping[Coding, tuple[str, AnalyteCode]] = field(default_factory=dict)
    scale_codes: Mapping[Coding, str] = field(default_factory=dict)
    value_set_codes: Mapping[Coding, tuple[tuple[str, Strength], ...]] = field(default_factory=dict)
    values: Mapping[tuple[str, Coding], str] = field(default_factory=dict)
    answers: Mapping[tuple[str, Coding], Interval | frozenset[str]] = field(default_factory=dict)
    spellings: Mapping[tuple[str, str], str] = field(default_factory=dict)
    default_units: Mapping[str, str] = field(default_factory=dict)
    decimal_comma: bool = False
    unique_identifiers: frozenset[str] = frozenset()
    complete_feeds: frozenset[str] = frozenset()
    constants: Mapping[str, Decimal] = field(default_factory=dict)
    specimen_codes: Mapping[Coding, Coding] = field(default_factory=dict)
    set_aside: frozenset[Coding] = frozenset()


@dataclass(frozen=True, slots=True)
class LookAlike:
    """A code that is known not to be the analyte it is taken for."""

    analyte: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotNeededRules:
    """Which Observations without a known code are set aside, and under which rule.

    The questions are asked in this order: is one of its codes a known look-alike;
    is one a well-formed code of a standard system and no word says that it may be an
    analyte after all; does its category have no use here. Whatever is left is held,
    for it may be a local code of something needed.

    Parameters
    ----------
    look_alikes
        Codes known not to be what they are taken for.
    systems
        Standard systems; a well-formed code of theirs that the catalog does not
        list has no use here.
    words
        Words in lower case that name an analyte; a text that has one of them is held.
    unless
        Words in lower case that show another specimen or substance all the same.
    categories
        Observation categories with no use here.
    look_alike_rule, standard_code_rule, category_rule
        Names of the three rules, as shown to the sender.
    texts
        What each rule says, by its name.
    """

    look_alikes: Mapping[Coding, LookAlike] = field(default_factory=dict)
    systems: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    categories: frozenset[str] = frozenset()
    look_alike_rule: str = "look-alike"
    standard_code_rule: str = "standard-code-without-use"
    category_rule: str = "category-without-use"
    texts: Mapping[str, str] = field(default_factory=dict)

    def rule_for(
        self, codings: Iterable[Coding], *, texts: Iterable[str], categories: Iterable[str]
    ) -> str | None:
        """Return the rule an Observation is set aside under, None if it is to be held.

        Parameters
        ----------
        codings
            Codings of Observation.code, none of them known to the catalog or site.
        texts
            Their displays and Observation.code.text.
        categories
            Codes of Observation.category.
        """
        listed = tuple(codings)
        if any(coding in self.look_alikes for coding in listed):
            return self.look_alike_rule
        if any(self._is_standard(coding) for coding in listed) and not self._watched(texts):
            return self.standard_code_rule
        if not self.categories.isdisjoint(categories):
            return self.category_rule
        return None

    def _is_standard(self, coding: Coding) -> bool:
        """Say whether it is a well-formed code of a standard system."""
        if coding.system not in self.systems:
            return False
        if coding.system == LOINC:
            return is_loinc(coding.code)
        return coding.system != SNOMED or is_snomed(coding.code)

    def _watched(self, texts: Iterable[str]) -> bool:
        """Say whether a text names an analyte and nothing that makes it another one."""
        lowered = [text.casefold() for text in texts]
        return any(word in text for text in lowered for word in self.words) and not any(
            word in text for text in lowered for word in self.unless
        )


class Disposition(StrEnum):
    """How one input ended. Refused inputs never reach the mapping."""

    MAPPED = "mapped"
    NOT_NEEDED = "not-needed"
    HELD = "held"


class HeldReason(StrEnum):
    """Why an input waits; each is a row of the work list."""

    UNKNOWN_PATIENT = "unknown-patient"
    NO_SUBJECT = "no-subject"
    SUBJECT_NOT_PATIENT = "subject-not-patient"
    SUBJECT_NOT_LITERAL = "subject-not-literal"
    FOCUS_SET = "focus-set"
    NO_EFFECTIVE_TIME = "no-effective-time"
    FUTURE = "effective-in-future"
    BEFORE_BIRTH = "before-birth"
    AFTER_DEATH = "after-death"
    UNMAPPED_CODE = "unmapped-code"
    CONTRADICTING_CODES = "contradicting-codes"
    UNIT_MISSING = "unit-missing"
    UNIT_UNKNOWN = "unit-unknown"
    UNIT_DISAGREES = "unit-disagrees"
    VALUE_UNREADABLE = "value-unreadable"
    DECIMAL_COMMA = "decimal-comma"
    IMPLAUSIBLE = "implausible-value"
    ANSWER_UNKNOWN = "answer-unknown"
    SPECIMEN_CONTRADICTS = "specimen-contradicts"
    REFERENCE_UNKNOWN = "reference-unknown"
    STATUS_CONFLICT = "status-conflict"


@dataclass(frozen=True, slots=True)
class Holding:
    """One reason an input is held.

    Parameters
    ----------
    reason
        Closed list.
    location
        FHIRPath of the element.
    detail
        What a person needs to fix it: code, unit or system; never a patient value.
    """

    reason: HeldReason
    location: str
    detail: str = ""


class MappingOutcome(msgspec.Struct, frozen=True):
    """What one resource version became.

    `rule` names the rule a not-needed resource falls under (`mapping/rules.py`);
    `waits_for` lists literal references (`Type/id`) whose arrival or change makes a
    new mapping worthwhile.
    """

    disposition: Disposition
    facts: tuple[Fact, ...] = ()
    holdings: tuple[Holding, ...] = ()
    rule: str = ""
    waits_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SubjectDates:
    """What bounds the times a subject's data can have."""

    birth: TimeRange | None = None
    death: TimeRange | None = None


class MappingContext(msgspec.Struct, frozen=True):
    """Everything a mapping module may know besides the resource.

    Parameters
    ----------
    site
        The sender's own ways.
    analytes, scales, value_sets
        By id.
    analytes_by_code, scales_by_code
        Index of all codes, the site's included.
    value_sets_by_system
        Value sets that hold a code of this system, for longest-prefix matching.
    trials
        Trial id by every identifier or reference that names the study
        (`example-aclf-01`, `ResearchStudy/example-aclf-01`, canonical URL, registry number).
    resource_id, version, known
        Key of the resource version mapped, and when it was learnt.
    subject_dates
        Looks a Patient up by logical id; None if the gateway does not know it.
    resolve
        Returns the current resource of `Type/id`, None if unknown.
    not_needed
        How Observations without a known code are set aside.
    unit_parts
        What units in words, and dose rates, are read with.
    vocabulary
        How something was found: answers, vessels, routes.
    attestation_items
        Item codes a person can answer, of all protocols (`symptom-burden`).
    questions
        What codes were found to ask for, kept from one resource to the next by
        `read_question`, which alone reads it; never shared by different indexes.
    stated
        What a code as sent was found to state, kept likewise by `may_state`.
    """

    site: SiteMap
    analytes: Mapping[str, Analyte]
    scales: Mapping[str, GradeScale]
    value_sets: Mapping[str, ValueSet]
    analytes_by_code: Mapping[Coding, tuple[str, AnalyteCode]]
    scales_by_code: Mapping[Coding, str]
    value_sets_by_system: Mapping[str, tuple[ValueSet, ...]]
    trials: Mapping[str, str]
    resource_id: str
    version: int
    known: datetime
    subject_dates: Callable[[str], SubjectDates | None]
    resolve: Callable[[str], "Resource | None"]
    not_needed: NotNeededRules
    unit_parts: "UnitParts"
    vocabulary: Vocabulary
    attestation_items: frozenset[str] = frozenset()
    questions: dict[tuple[Coding, ...], Any] = msgspec.field(default_factory=dict)
    stated: dict[tuple[str, bytes], frozenset[tuple[FactKind, str]] | None] = msgspec.field(
        default_factory=dict
    )
