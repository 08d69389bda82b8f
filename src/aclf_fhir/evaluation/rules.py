"""What choosing from a record is told: analytes, scales, feeds, and how near is near."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta, tzinfo
from decimal import Decimal

from aclf_fhir.mapping.models import Analyte, GradeScale
from aclf_fhir.units import Interval

__all__ = ["EvaluationRules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRules:
    """Everything `evaluate` knows beyond the record itself.

    The thresholds are choices of this project unless a source is named; each is stated
    in `docs/explanation/eligibility.md`.

    Parameters
    ----------
    analytes, scales
        By id; they carry the age limits and the unit tables.
    complete_feeds
        Concepts for which this site says: no record means not done.
    zone
        The site's time zone; completed years and calendar days are counted in it.
    pairing
        How far apart a pressure or saturation and its FiO2 may be drawn.
    support_age
        How old the last sign of ventilation or of a drug without a recorded end may be.
    renal_replacement_age
        How long after a treatment a patient still counts as on renal replacement
        (the longest gap of an intermittent schedule).
    dialysis_window, dialysis_treatments, dialysis_continuous
        MELD (OPTN policy 9): this many treatments, or continuous therapy this long,
        within the window before the creatinine.
    albumin_window
        An albumin infusion or transfusion this short before the draw is flagged.
    anticoagulant_window
        A drug or plasma this short before the draw makes INR doubtful.
    span_flag
        Inputs further apart than this are flagged.
    saturation_ceiling
        Above it, in percent, the saturation curve is flat and the ratio uninformative.
    rise_apart_min, rise_apart_max
        How far apart two bilirubins lie that give a rise per day, both ends included.
    response_day, response_tolerance
        Lille: how long after the first corticosteroid the second bilirubin is drawn, and
        how far from that instant it may lie, both ends included.
    treatment_gap
        A longer pause between two doses begins a new course of treatment.
    vasopressors
        Medication concepts that count as circulatory support.
    other_vasopressors
        Those that CLIF-SOFA's table does not name, and an inotrope it does not name.
    anticoagulants
        Medication concepts after which an INR no longer measures the liver.
    albumin_sources
        Medication concepts after which an albumin no longer measures the liver.
    support_items
        Attestation item by support concept; its answer `no` or `yes` settles the support.
    implied_by
        Findings that prove another one.
    constants
        What the site's laboratory declares once, canonical unit (`pt_control`,
        `pt_mean_normal`, `isi`).
    """

    analytes: Mapping[str, Analyte]
    scales: Mapping[str, GradeScale] = field(default_factory=dict)
    complete_feeds: frozenset[str] = frozenset()
    zone: tzinfo = UTC
    pairing: timedelta = timedelta(hours=1)
    grade_age: timedelta = timedelta(hours=24)
    support_age: timedelta = timedelta(hours=24)
    renal_replacement_age: timedelta = timedelta(hours=72)
    dialysis_window: timedelta = timedelta(days=7)
    dialysis_treatments: int = 2
    dialysis_continuous: timedelta = timedelta(hours=24)
    albumin_window: timedelta = timedelta(hours=48)
    anticoagulant_window: timedelta = timedelta(days=7)
    span_flag: timedelta = timedelta(hours=24)
    saturation_ceiling: int = 97
    rise_apart_min: timedelta = timedelta(hours=12)
    rise_apart_max: timedelta = timedelta(hours=72)
    response_day: timedelta = timedelta(days=7)
    response_tolerance: timedelta = timedelta(hours=24)
    treatment_gap: timedelta = timedelta(hours=72)
    vasopressors: tuple[str, ...] = (
        "norepinephrine",
        "epinephrine",
        "dopamine",
        "dobutamine",
        "vasopressin",
        "phenylephrine",
        "terlipressin",
    )
    other_vasopressors: tuple[str, ...] = ("vasopressin", "phenylephrine", "milrinone")
    anticoagulants: tuple[str, ...] = (
        "vitamin_k_antagonist",
        "direct_anticoagulant",
        "plasma_transfusion",
    )
    albumin_sources: tuple[str, ...] = ("albumin_infusion", "plasma_transfusion")
    support_items: Mapping[str, str] = field(
        default_factory=lambda: {
            "renal_replacement": "renal-replacement",
            "mechanical_ventilation": "mechanical-ventilation",
            "vasopressor": "vasopressor-support",
        }
    )
    implied_by: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {"chronic_liver_disease": ("cirrhosis",)}
    )
    constants: Mapping[str, Decimal] = field(default_factory=dict)

    def age_limit(self, concept: str) -> timedelta:
        """Return how old a value of an analyte or scale may be."""
        analyte = self.analytes.get(concept)
        if analyte is not None:
            return analyte.max_age
        scale = self.scales.get(concept)
        return scale.max_age if scale is not None else self.grade_age

    def plausible(self, concept: str) -> Interval:
        """Return the values a living patient can have, canonical unit."""
        return self.analytes[concept].plausible
