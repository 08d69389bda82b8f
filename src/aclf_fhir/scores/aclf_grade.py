"""EASL-CLIF grade of acute-on-chronic liver failure."""

from decimal import Decimal

from aclf_fhir.scores.clif_organs import (
    ORGAN_ARGUMENTS,
    ORGAN_INPUTS,
    Vasopressor,
    Ventilation,
)
from aclf_fhir.scores.definition import Score
from aclf_fhir.scores.organ_states import Definition, OrganStates
from aclf_fhir.scores.oxygenation import derive_ratio
from aclf_fhir.scores.result import ScoreResult

__all__ = ["EASL_CLIF_ACLF_GRADE", "easl_clif_aclf_grade"]


def _grade(states: OrganStates) -> str:
    """Grade six organ states; the table stands in `easl_clif_aclf_grade`."""
    brain, _, _, kidney, _, _ = states
    failures = states.count("failure")
    if failures == 0:
        return "none"
    if failures == 1:
        if kidney == "failure":
            return "1a"
        return "1b" if "dysfunction" in (kidney, brain) else "none"
    return "2" if failures == 2 else "3a" if failures == 3 else "3b"


_DEFINITION = Definition.of(("none", "1a", "1b", "2", "3a", "3b"), _grade)

EASL_CLIF_ACLF_GRADE = Score(
    id="easl_clif_aclf_grade",
    version="1",
    title="EASL-CLIF grade of ACLF",
    inputs=ORGAN_INPUTS,
    arguments=ORGAN_ARGUMENTS,
    derive=derive_ratio,
    spread=_DEFINITION.spread,
    citation="Moreau R, et al. Gastroenterology 2013;144(7):1426-1437",
    doi="10.1053/j.gastro.2013.02.042",
    verification="V2",
    formula="number of organ failures, with kidney and brain dysfunction beside a single one",
    unit="",
    form="steps",
)


@EASL_CLIF_ACLF_GRADE.computed_by
def easl_clif_aclf_grade(
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
    """Grade acute-on-chronic liver failure in a patient with decompensated cirrhosis.

    ========  ==========================  ==============================  =====
    Failures  Organ                       and                             Grade
    ========  ==========================  ==============================  =====
    0                                                                     none
    1         kidney                                                      1a
    1         liver, coagulation,         creatinine 1.5 to < 2.0 mg/dL,  1b
              circulation, respiration    or West Haven grade 1 to 2
    1         the same                    neither                         none
    1         brain                       creatinine 1.5 to < 2.0 mg/dL   1b
    1         brain                       creatinine < 1.5 mg/dL          none
    2                                                                     2
    3                                                                     3a
    4 to 6                                                                3b
    ========  ==========================  ==============================  =====

    Organ failures are those of `clif_c_of`. Whether the patient has cirrhosis and was
    admitted for an acute decompensation is not asked here.

    Parameters
    ----------
    bilirubin_mg_dl, creatinine_mg_dl, renal_replacement, he_grade, inr
        As in `clif_c_of`.
    mean_arterial_pressure_mm_hg, vasopressor, ventilation, pao2_fio2_mm_hg, spo2_fio2
        As in `clif_c_of`.

    Returns
    -------
    ScoreResult
        `ok`: the grade as value and category. Details: `organ_failures`, `clif_c_of`,
        `aclf_present` and, where terlipressin was counted, the grade
        `without_terlipressin`. For inexact inputs `possible` lists the grades.

    References
    ----------
    Moreau R, et al. Gastroenterology 2013;144(7):1426-1437. doi:10.1053/j.gastro.2013.02.042
    EASL guideline on ACLF. J Hepatol 2023;79(2):461-491. doi:10.1016/j.jhep.2023.04.021
    """
    return _DEFINITION.exact(
        EASL_CLIF_ACLF_GRADE,
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
