"""Chinese definitions of ACLF: the guideline and its stages, COSSH grade and scores.

Long, because every function carries its whole table and its sources.
"""

from decimal import Decimal

from aclf_fhir.scores.apasl import CHRONIC_LIVER_DISEASE, derive_coagulation
from aclf_fhir.scores.clif_organs import (
    ORGAN_ARGUMENTS,
    ORGAN_INPUTS,
    Vasopressor,
    Ventilation,
)
from aclf_fhir.scores.definition import Band, Score, ScoreInput
from aclf_fhir.scores.inputs import (
    AGE,
    BILIRUBIN_UMOL_L,
    HE_GRADE,
    INR,
    NEUTROPHILS,
    PROTHROMBIN_ACTIVITY,
    UREA,
)
from aclf_fhir.scores.logarithms import ln
from aclf_fhir.scores.organ_states import Definition, OrganStates
from aclf_fhir.scores.oxygenation import derive_ratio
from aclf_fhir.scores.result import ScoreResult

__all__ = [
    "CHINESE_ACLF_DEFINITION",
    "CHINESE_ACLF_STAGE",
    "COSSH_ACLF",
    "COSSH_ACLF_GRADE",
    "COSSH_ACLF_II",
    "chinese_aclf_definition",
    "chinese_aclf_stage",
    "cossh_aclf",
    "cossh_aclf_grade",
    "cossh_aclf_ii",
]

_GUIDELINE = (
    "Guideline for diagnosis and treatment of liver failure, Chinese Medical Association 2018"
)

_BILIRUBIN_ULN = ScoreInput(
    name="bilirubin_uln",
    concept="bilirubin_total",
    kind="supplied",
    parameter="bilirubin_uln_umol_l",
    title="Upper limit of normal of the bilirubin, same laboratory",
    unit="umol/L",
    low=Decimal(5),
    high=Decimal(60),
    direction=-1,
)

_BILIRUBIN_RISE = ScoreInput(
    name="bilirubin_rise",
    concept="bilirubin_total",
    kind="course",
    parameter="bilirubin_rise_umol_l_d",
    title="Rise of bilirubin per day",
    unit="umol/L/d",
    low=Decimal(-1710),
    high=Decimal(1710),
    cuts=(Decimal("17.1"),),
    required=False,
)

CHINESE_ACLF_DEFINITION = Score(
    id="chinese_aclf_definition",
    version="1",
    title="ACLF as defined by the Chinese guideline of 2018",
    inputs=(
        CHRONIC_LIVER_DISEASE,
        BILIRUBIN_UMOL_L,
        _BILIRUBIN_ULN,
        _BILIRUBIN_RISE,
        INR.using("1.5", required=False),
        PROTHROMBIN_ACTIVITY.using("40", direction=-1, required=False),
    ),
    derive=derive_coagulation,
    citation=_GUIDELINE,
    doi="",
    verification="M",
    formula="chronic liver disease; bilirubin >= 10 ULN or rising; activity <= 40 % or INR >= 1.5",
    unit="",
    form="smooth",
)


@CHINESE_ACLF_DEFINITION.computed_by
def chinese_aclf_definition(
    *,
    chronic_liver_disease: bool,
    bilirubin_umol_l: Decimal,
    bilirubin_uln_umol_l: Decimal,
    bilirubin_rise_umol_l_d: Decimal | None = None,
    inr: Decimal | None = None,
    prothrombin_activity_percent: Decimal | None = None,
) -> ScoreResult:
    """Say whether a patient has ACLF as the Chinese guideline defines it.

    ==================  ==========================================================
    Point               Rule
    ==================  ==========================================================
    Chronic disease     chronic liver disease, with or without decompensation
    Jaundice            bilirubin >= 10 x ULN, or a rise >= 17.1 umol/L per day
    Coagulopathy        prothrombin activity <= 40 %, or INR >= 1.5
    ==================  ==========================================================

    All three are needed; every limit is included. The rule is not verified.

    Parameters
    ----------
    chronic_liver_disease
        Whether there is one.
    bilirubin_umol_l
        Total bilirubin, 0.171 to 1710 umol/L (LOINC 14631-6).
    bilirubin_uln_umol_l
        Upper limit of normal from the same result, 5 to 60 umol/L.
    bilirubin_rise_umol_l_d
        Rise per day, where two results allow it.
    inr
        INR, 0.5 to 30 (LOINC 6301-6), where measured.
    prothrombin_activity_percent
        Prothrombin activity, 1 to 200 %, where measured; never from an INR.

    Returns
    -------
    ScoreResult
        `ok`: true or false, and the points in the details. What was not measured is
        left out; at least one of the two coagulation tests is needed.

    References
    ----------
    Liver failure and artificial liver group, Chinese Medical Association: guideline
    for diagnosis and treatment of liver failure, 2018 version.
    """
    jaundice = bilirubin_umol_l >= 10 * bilirubin_uln_umol_l or (
        bilirubin_rise_umol_l_d is not None and bilirubin_rise_umol_l_d >= Decimal("17.1")
    )
    coagulopathy = (inr is not None and inr >= Decimal("1.5")) or (
        prothrombin_activity_percent is not None and prothrombin_activity_percent <= 40
    )
    return CHINESE_ACLF_DEFINITION.result(
        chronic_liver_disease and jaundice and coagulopathy,
        flags=() if bilirubin_rise_umol_l_d is not None else ("bilirubin_rise_not_measured",),
        details={"jaundice": jaundice, "coagulopathy": coagulopathy},
    )


_STAGES = ("none", "early", "middle", "late")

CHINESE_ACLF_STAGE = Score(
    id="chinese_aclf_stage",
    version="1",
    title="Stage of ACLF, Chinese guideline of 2018",
    inputs=(
        INR.using("1.5", "1.9", "2.6", required=False),
        PROTHROMBIN_ACTIVITY.using("20", "30", "40", direction=-1, required=False),
    ),
    derive=derive_coagulation,
    citation=_GUIDELINE,
    doi="",
    verification="M",
    formula="early, middle or late by prothrombin activity or INR, the worse of the two",
    unit="",
    order=_STAGES,
    form="steps",
)


@CHINESE_ACLF_STAGE.computed_by
def chinese_aclf_stage(
    *, inr: Decimal | None = None, prothrombin_activity_percent: Decimal | None = None
) -> ScoreResult:
    """Stage ACLF by coagulation.

    ========================  ======  ============  ============  ======
    Stage                     none    early         middle        late
    ========================  ======  ============  ============  ======
    Prothrombin activity, %   > 40    30 to 40      20 to < 30    < 20
    or INR                    < 1.5   1.5 to < 1.9  1.9 to < 2.6  >= 2.6
    ========================  ======  ============  ============  ======

    Where both were measured the worse one counts. The limits are not verified.

    Parameters
    ----------
    inr
        INR, 0.5 to 30 (LOINC 6301-6), where measured.
    prothrombin_activity_percent
        Prothrombin activity, 1 to 200 %, where measured; never from an INR.

    Returns
    -------
    ScoreResult
        `ok`: the stage.

    References
    ----------
    Liver failure and artificial liver group, Chinese Medical Association: guideline
    for diagnosis and treatment of liver failure, 2018 version.
    """
    by_inr = by_activity = 0
    if inr is not None:
        by_inr = sum(inr >= limit for limit in (Decimal("1.5"), Decimal("1.9"), Decimal("2.6")))
    if prothrombin_activity_percent is not None:
        activity = prothrombin_activity_percent
        by_activity = (activity <= 40) + (activity < 30) + (activity < 20)
    stage = _STAGES[max(by_inr, by_activity)]
    return CHINESE_ACLF_STAGE.result(stage, category=stage)


def _grade(states: OrganStates) -> str:
    """Grade six organ states; the table stands in `cossh_aclf_grade`."""
    brain, _, coagulation, kidney, liver, _ = states
    failures = states.count("failure")
    if failures == 0:
        return "none"
    if failures >= 2:
        return "2" if failures == 2 else "3"
    beside = [kidney] if brain == "failure" else [kidney, brain]
    if liver == "failure":
        beside.append(coagulation)
    return "1" if kidney == "failure" or "dysfunction" in beside else "none"


_DEFINITION = Definition.of(("none", "1", "2", "3"), _grade)

COSSH_ACLF_GRADE = Score(
    id="cossh_aclf_grade",
    version="1",
    title="COSSH grade of ACLF",
    inputs=ORGAN_INPUTS,
    arguments=ORGAN_ARGUMENTS,
    derive=derive_ratio,
    spread=_DEFINITION.spread,
    citation="Wu T, et al. Gut 2018;67(12):2181-2191",
    doi="10.1136/gutjnl-2017-314641",
    verification="M",
    formula="number of organ failures; a liver failure alone counts from INR 1.5",
    unit="",
    form="steps",
)


@COSSH_ACLF_GRADE.computed_by
def cossh_aclf_grade(
    *,
    bilirubin_mg_dl: Decimal,
    creatinine_mg_dl: Decimal,
    renal_replacement: bool,
    he_grade: int,
    inr: Decimal,
    mean_arterial_pressure_mm_hg: Decimal,
    vasopressor: Vasopressor,
    ventilation: Ventilation,
    pao2_fio2_mm_hg: Decimal | None = None,
    spo2_fio2: Decimal | None = None,
) -> ScoreResult:
    """Grade ACLF of chronic hepatitis B, with or without cirrhosis.

    ========  ====================================  ===============================  =====
    Failures  Organ                                 and                              Grade
    ========  ====================================  ===============================  =====
    0                                                                                none
    1         kidney                                                                 1
    1         liver                                 INR >= 1.5, or creatinine 1.5    1
                                                    to < 2.0 mg/dL, or West Haven
                                                    grade 1 to 2
    1         coagulation, circulation,             creatinine 1.5 to < 2.0 mg/dL,   1
              respiration                           or West Haven grade 1 to 2
    1         brain                                 creatinine 1.5 to < 2.0 mg/dL    1
    1         any                                   neither                          none
    2                                                                                2
    3 to 6                                                                           3
    ========  ====================================  ===============================  =====

    Organ failures are those of `clif_c_of`.

    Parameters
    ----------
    bilirubin_mg_dl, creatinine_mg_dl, renal_replacement, he_grade, inr
        As in `clif_c_of`.
    mean_arterial_pressure_mm_hg, vasopressor, ventilation, pao2_fio2_mm_hg, spo2_fio2
        As in `clif_c_of`.

    Returns
    -------
    ScoreResult
        As in `easl_clif_aclf_grade`, with the grades none, 1, 2 and 3.

    References
    ----------
    Wu T, et al. Gut 2018;67(12):2181-2191. doi:10.1136/gutjnl-2017-314641
    """
    return _DEFINITION.exact(
        COSSH_ACLF_GRADE,
        bilirubin_mg_dl=bilirubin_mg_dl,
        creatinine_mg_dl=creatinine_mg_dl,
        renal_replacement=renal_replacement,
        he_grade=he_grade,
        inr=inr,
        mean_arterial_pressure_mm_hg=mean_arterial_pressure_mm_hg,
        vasopressor=vasopressor,
        ventilation=ventilation,
        pao2_fio2_mm_hg=pao2_fio2_mm_hg,
        spo2_fio2=spo2_fio2,
    )


_HBV_SOFA = ScoreInput(
    name="hbv_sofa",
    concept="hbv_sofa",
    kind="supplied",
    parameter="hbv_sofa",
    title="HBV-SOFA points",
    low=Decimal(0),
    high=Decimal(24),
    whole=True,
)

COSSH_ACLF = Score(
    id="cossh_aclf",
    version="1",
    title="COSSH-ACLF score",
    inputs=(INR, _HBV_SOFA, AGE, BILIRUBIN_UMOL_L),
    citation="Wu T, et al. Gut 2018;67(12):2181-2191",
    doi="10.1136/gutjnl-2017-314641",
    verification="M",
    formula="0.741 INR + 0.523 HBV-SOFA + 0.026 age + 0.003 bilirubin",
    places=2,
)


@COSSH_ACLF.computed_by
def cossh_aclf(
    *, inr: Decimal, hbv_sofa: int, age_years: int, bilirubin_umol_l: Decimal
) -> ScoreResult:
    """Predict mortality of ACLF of chronic hepatitis B, first form.

    0.741 INR + 0.523 HBV-SOFA + 0.026 age + 0.003 bilirubin

    The formula is not verified. HBV-SOFA is supplied, never computed: its table is
    not verified either.

    Parameters
    ----------
    inr
        INR, 0.5 to 30 (LOINC 6301-6).
    hbv_sofa
        HBV-SOFA points, 0 to 24, as determined by the site.
    age_years
        Completed years, 18 to 120 a.
    bilirubin_umol_l
        Total bilirubin, 0.171 to 1710 umol/L (LOINC 14631-6).

    Returns
    -------
    ScoreResult
        `ok`: rounded to two decimals; higher is worse.

    References
    ----------
    Wu T, et al. Gut 2018;67(12):2181-2191. doi:10.1136/gutjnl-2017-314641
    """
    return COSSH_ACLF.result(
        Decimal("0.741") * inr
        + Decimal("0.523") * hbv_sofa
        + Decimal("0.026") * age_years
        + Decimal("0.003") * bilirubin_umol_l
    )


COSSH_ACLF_II = Score(
    id="cossh_aclf_ii",
    version="1",
    title="COSSH-ACLF II score",
    inputs=(INR, HE_GRADE, NEUTROPHILS, BILIRUBIN_UMOL_L, UREA, AGE),
    citation="Li J, et al. J Hepatol 2021;75(5):1104-1115",
    doi="10.1016/j.jhep.2021.05.026",
    verification="V1",
    formula=(
        "1.649 ln INR + 0.457 HE score + 0.425 ln neutrophils + 0.396 ln bilirubin"
        " + 0.576 ln urea + 0.033 age"
    ),
    places=2,
    bands=(
        Band.below("low", "7.4"),
        Band.from_to("intermediate", "7.4", "8.4"),
        Band.above("high", "8.4"),
    ),
)


@COSSH_ACLF_II.computed_by
def cossh_aclf_ii(
    *,
    inr: Decimal,
    he_grade: int,
    neutrophils_10e9_l: Decimal,
    bilirubin_umol_l: Decimal,
    urea_mmol_l: Decimal,
    age_years: int,
) -> ScoreResult:
    """Predict mortality of ACLF of chronic hepatitis B, second form.

    1.649 ln INR + 0.457 HE score + 0.425 ln neutrophils + 0.396 ln bilirubin
    + 0.576 ln urea + 0.033 age

    The HE score is 1 without encephalopathy, 2 for grade 1 to 2, 3 for grade 3 to 4.

    ======  =====  =============  ======
    Score   < 7.4  7.4 to < 8.4   >= 8.4
    ======  =====  =============  ======
    Risk    low    intermediate   high
    ======  =====  =============  ======

    Parameters
    ----------
    inr
        INR, 0.5 to 30 (LOINC 6301-6); no floor.
    he_grade
        West Haven grade, 0 to 4.
    neutrophils_10e9_l
        Neutrophils in blood, 0.001 to 500 10*9/L (LOINC 751-8); no floor.
    bilirubin_umol_l
        Total bilirubin, 0.171 to 1710 umol/L (LOINC 14631-6); no floor.
    urea_mmol_l
        Urea, not urea nitrogen, 0.1 to 150 mmol/L (LOINC 22664-7); no floor.
    age_years
        Completed years, 18 to 120 a.

    Returns
    -------
    ScoreResult
        `ok`: rounded to two decimals; risk from the unrounded score.

    References
    ----------
    Li J, et al. J Hepatol 2021;75(5):1104-1115. doi:10.1016/j.jhep.2021.05.026
    """
    he_score = 1 if he_grade == 0 else 2 if he_grade <= 2 else 3
    return COSSH_ACLF_II.result(
        Decimal("1.649") * ln(inr)
        + Decimal("0.457") * he_score
        + Decimal("0.425") * ln(neutrophils_10e9_l)
        + Decimal("0.396") * ln(bilirubin_umol_l)
        + Decimal("0.576") * ln(urea_mmol_l)
        + Decimal("0.033") * age_years,
        # That West Haven 1 and 2 make one step, 3 and 4 the next, was not verified.
        flags=("he_coding_unverified",),
        details={"he_score": he_score},
    )
