"""The Asian Pacific definition of ACLF, and the AARC score that grades it."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from aclf_fhir.scores.child_pugh import Ascites
from aclf_fhir.scores.definition import NO, YES, Band, Derivation, Score, ScoreInput, ScoreValue
from aclf_fhir.scores.inputs import (
    ASCITES,
    BILIRUBIN,
    CREATININE,
    HE_GRADE,
    INR,
    LACTATE,
    PROTHROMBIN_ACTIVITY,
    RENAL_REPLACEMENT,
)
from aclf_fhir.scores.result import ScoreResult
from aclf_fhir.scores.tables import Sum
from aclf_fhir.units import Interval

__all__ = [
    "AARC",
    "APASL_ACLF_DEFINITION",
    "CHRONIC_LIVER_DISEASE",
    "aarc",
    "apasl_aclf_definition",
    "derive_coagulation",
]

CHRONIC_LIVER_DISEASE = ScoreInput(
    name="chronic_liver_disease",
    concept="chronic_liver_disease",
    kind="finding",
    parameter="chronic_liver_disease",
    title="Chronic liver disease, with or without cirrhosis",
    values=(NO, YES),
)

_DAYS = ScoreInput(
    name="days_from_jaundice_to_decompensation",
    concept="jaundice",
    kind="course",
    parameter="days_from_jaundice_to_decompensation",
    title="Days from jaundice to ascites or encephalopathy",
    unit="d",
    low=Decimal(0),
    high=Decimal(3650),
    direction=-1,
    cuts=(Decimal(28),),
)


def derive_coagulation(values: Mapping[str, ScoreValue]) -> Derivation:
    """Let the coagulation test that was done decide; with neither the INR is missing."""
    inr, activity = values.get("inr"), values.get("prothrombin_activity")
    if inr is None and activity is None:
        return Derivation({**values, "inr": Interval(None, None)}, missing=("inr",))
    return Derivation(values)


APASL_ACLF_DEFINITION = Score(
    id="apasl_aclf_definition",
    version="1",
    title="ACLF as defined by APASL",
    inputs=(
        CHRONIC_LIVER_DISEASE,
        BILIRUBIN.using("5"),
        INR.using("1.5", required=False),
        PROTHROMBIN_ACTIVITY.using("40", direction=-1, required=False),
        ASCITES,
        HE_GRADE,
        _DAYS,
    ),
    derive=derive_coagulation,
    citation="Sarin SK, et al. Hepatol Int 2019;13(4):353-390",
    doi="10.1007/s12072-019-09946-3",
    verification="V2",
    formula="chronic liver disease, bilirubin >= 5 mg/dL, INR >= 1.5, decompensation in 28 d",
    unit="",
    form="steps",
)


@APASL_ACLF_DEFINITION.computed_by
def apasl_aclf_definition(
    *,
    chronic_liver_disease: bool,
    bilirubin_mg_dl: Decimal,
    ascites: Ascites,
    he_grade: int,
    days_from_jaundice_to_decompensation: Decimal,
    inr: Decimal | None = None,
    prothrombin_activity_percent: Decimal | None = None,
) -> ScoreResult:
    """Say whether a patient has ACLF as the Asian Pacific association defines it.

    ==================  ==================================================
    Point               Rule
    ==================  ==================================================
    Chronic disease     chronic liver disease, with or without cirrhosis
    Jaundice            bilirubin >= 5 mg/dL
    Coagulopathy        INR >= 1.5, or prothrombin activity < 40 %
    Decompensation      ascites or encephalopathy, within 28 days
    ==================  ==================================================

    All four are needed. That an acute insult caused it, and that it is the first
    decompensation, is for a person to say. The activity limit is not verified.

    Parameters
    ----------
    chronic_liver_disease
        Whether there is one.
    bilirubin_mg_dl
        Total bilirubin, 0.01 to 100 mg/dL (LOINC 1975-2).
    ascites
        Grade of ascites; any but none counts.
    he_grade
        West Haven grade, 0 to 4; 1 or more counts.
    days_from_jaundice_to_decompensation
        0 to 3650 d; 28 is within, 29 is not.
    inr
        INR, 0.5 to 30 (LOINC 6301-6), where measured.
    prothrombin_activity_percent
        Prothrombin activity, 1 to 200 %, where measured; never from an INR.

    Returns
    -------
    ScoreResult
        `ok`: true or false, and each point in the details. A test that was not done
        is left out, so at least one of the two coagulation tests is needed.

    References
    ----------
    Sarin SK, et al. Hepatol Int 2019;13(4):353-390. doi:10.1007/s12072-019-09946-3
    """
    jaundice = bilirubin_mg_dl >= 5
    coagulopathy = (inr is not None and inr >= Decimal("1.5")) or (
        prothrombin_activity_percent is not None and prothrombin_activity_percent < 40
    )
    decompensation = (
        ascites != "none" or he_grade >= 1
    ) and days_from_jaundice_to_decompensation <= 28
    return APASL_ACLF_DEFINITION.result(
        chronic_liver_disease and jaundice and coagulopathy and decompensation,
        flags=() if prothrombin_activity_percent is None else ("activity_limit_unverified",),
        details={
            "jaundice": jaundice,
            "coagulopathy": coagulopathy,
            "decompensation_within_4_weeks": decompensation,
        },
    )


AARC = Score(
    id="aarc",
    version="1",
    title="AARC-ACLF score",
    inputs=(
        BILIRUBIN.using("15", "25"),
        HE_GRADE,
        INR.using("1.8", "2.5"),
        LACTATE.using("1.5", "2.5"),
        CREATININE.using("0.7", "1.5"),
        replace(RENAL_REPLACEMENT, required=False, recorded_only=True),
    ),
    citation="Choudhury A, et al. Hepatol Int 2017;11(5):461-471",
    doi="10.1007/s12072-017-9816-z",
    verification="V2",
    formula="bilirubin + encephalopathy + INR + lactate + creatinine, 1 to 3 points each",
    bands=(
        Band.below("I", "7", included=True),
        Band.from_to("II", "7", "10", low_included=False, high_included=True),
        Band.above("III", "10", included=False),
    ),
    form="steps",
)


@AARC.computed_by
def aarc(
    *,
    bilirubin_mg_dl: Decimal,
    he_grade: int,
    inr: Decimal,
    lactate_mmol_l: Decimal,
    creatinine_mg_dl: Decimal,
    renal_replacement: bool = False,
) -> ScoreResult:
    """Grade ACLF as the Asian Pacific research consortium does.

    ==================  ======  ==========  ======
    Points              1       2           3
    ==================  ======  ==========  ======
    Bilirubin, mg/dL    < 15    15 to 25    > 25
    West Haven grade    0       1 to 2      3 to 4
    INR                 < 1.8   1.8 to 2.5  > 2.5
    Lactate, mmol/L     < 1.5   1.5 to 2.5  > 2.5
    Creatinine, mg/dL   < 0.7   0.7 to 1.5  > 1.5
    ==================  ======  ==========  ======

    The middle band includes both its ends. Grade I is 5 to 7, II 8 to 10, III 11 to 15.
    No rule for dialysis is published: it counts 3 for creatinine, flagged.

    Parameters
    ----------
    bilirubin_mg_dl
        Total bilirubin, 0.01 to 100 mg/dL (LOINC 1975-2).
    he_grade
        West Haven grade, 0 to 4.
    inr
        INR, 0.5 to 30 (LOINC 6301-6).
    lactate_mmol_l
        Lactate, 0.05 to 50 mmol/L (LOINC 2518-9).
    creatinine_mg_dl
        Creatinine, 0.05 to 50 mg/dL (LOINC 2160-0).
    renal_replacement
        Any renal replacement therapy.

    Returns
    -------
    ScoreResult
        `ok`: 5 to 15 points, grade I to III, points per item.

    References
    ----------
    Choudhury A, et al. Hepatol Int 2017;11(5):461-471. doi:10.1007/s12072-017-9816-z
    """
    points = {
        "bilirubin": _bilirubin(bilirubin_mg_dl),
        "encephalopathy": _encephalopathy(he_grade),
        "inr": _inr(inr),
        "lactate": _lactate(lactate_mmol_l),
        "creatinine": _creatinine(creatinine_mg_dl, renal_replacement=renal_replacement),
    }
    return AARC.result(
        sum(points.values()),
        components=points,
        flags=_REPLACED if renal_replacement else (),
    )


_REPLACED = ("renal_replacement_counted_as_3",)


def _bilirubin(bilirubin_mg_dl: Decimal) -> int:
    return 1 if bilirubin_mg_dl < 15 else 2 if bilirubin_mg_dl <= 25 else 3


def _encephalopathy(he_grade: int) -> int:
    return 1 if he_grade == 0 else 2 if he_grade <= 2 else 3


def _inr(inr: Decimal) -> int:
    return 1 if inr < Decimal("1.8") else 2 if inr <= Decimal("2.5") else 3


def _creatinine(creatinine_mg_dl: Decimal, *, renal_replacement: bool) -> int:
    if renal_replacement or creatinine_mg_dl > Decimal("1.5"):
        return 3
    return 1 if creatinine_mg_dl < Decimal("0.7") else 2


def _lactate(lactate_mmol_l: Decimal) -> int:
    if lactate_mmol_l < Decimal("1.5"):
        return 1
    return 2 if lactate_mmol_l <= Decimal("2.5") else 3


def _add(score: Score) -> Sum:
    """Return the sum of the five items for inputs that are not exact."""
    bilirubin, he_grade, inr, lactate, creatinine, renal_replacement = score.arguments
    return Sum(
        ("bilirubin", "encephalopathy", "inr", "lactate", "creatinine"),
        (("bilirubin",), (bilirubin,), lambda number: (_bilirubin(number),)),
        (("encephalopathy",), (he_grade,), lambda grade: (_encephalopathy(grade),)),
        (("inr",), (inr,), lambda number: (_inr(number),)),
        (("lactate",), (lactate,), lambda number: (_lactate(number),)),
        (
            ("creatinine",),
            (creatinine, renal_replacement),
            lambda number, on: (_creatinine(number, renal_replacement=bool(on)),),
        ),
        flags=lambda values: (
            _REPLACED if values.get("renal_replacement") == frozenset({YES}) else ()
        ),
    )


AARC.spread = _add(AARC).spread
