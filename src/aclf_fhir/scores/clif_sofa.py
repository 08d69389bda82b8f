"""CLIF-SOFA: six organs, 0 to 4 points each."""

from collections.abc import Mapping
from decimal import Decimal

from aclf_fhir.scores.definition import YES, Score, ScoreValue
from aclf_fhir.scores.inputs import (
    BILIRUBIN,
    CREATININE,
    HE_GRADE,
    INR,
    MEAN_ARTERIAL_PRESSURE,
    PLATELETS,
    RENAL_REPLACEMENT,
    drug_given,
    drug_rate,
)
from aclf_fhir.scores.oxygenation import (
    OXYGENATION_INPUTS,
    derive_ratio,
    limits_reached,
    ratio_arguments,
)
from aclf_fhir.scores.result import ScoreResult
from aclf_fhir.scores.tables import Sum

__all__ = ["CLIF_SOFA", "clif_sofa"]

_INPUTS = (
    BILIRUBIN.using("1.2", "2", "6", "12"),
    CREATININE.using("1.2", "2", "3.5", "5"),
    RENAL_REPLACEMENT,
    HE_GRADE,
    INR.using("1.1", "1.25", "1.5", "2.5"),
    PLATELETS.using("20", direction=-1),
    MEAN_ARTERIAL_PRESSURE.using("70", direction=-1),
    drug_rate("dopamine", "100", "0", "5", "15"),
    drug_rate("epinephrine", "20", "0", "0.1"),
    drug_rate("norepinephrine", "20", "0", "0.1"),
    drug_given("dobutamine", "Dobutamine, any dose"),
    drug_given("terlipressin", "Terlipressin, any dose and reason"),
    drug_given("other_vasopressor", "Vasopressin, phenylephrine or another vasopressor"),
)

_RATIOS = ratio_arguments(
    pao2_cuts=("100", "200", "300", "400"), spo2_cuts=("89", "214", "357", "512")
)

CLIF_SOFA = Score(
    id="clif_sofa",
    version="1",
    title="CLIF-SOFA",
    inputs=(*_INPUTS, *OXYGENATION_INPUTS),
    arguments=(*_INPUTS, *_RATIOS),
    derive=derive_ratio,
    citation="Moreau R, et al. Gastroenterology 2013;144(7):1426-1437",
    doi="10.1053/j.gastro.2013.02.042",
    verification="V2",
    formula="liver + kidney + brain + coagulation + circulation + respiration, 0 to 4 each",
    form="steps",
)


@CLIF_SOFA.computed_by
def clif_sofa(
    *,
    bilirubin_mg_dl: Decimal,
    creatinine_mg_dl: Decimal,
    renal_replacement: bool,
    he_grade: int,
    inr: Decimal,
    platelets_10e9_l: Decimal,
    mean_arterial_pressure_mm_hg: Decimal,
    dopamine_ug_kg_min: Decimal,
    epinephrine_ug_kg_min: Decimal,
    norepinephrine_ug_kg_min: Decimal,
    dobutamine: bool,
    terlipressin: bool,
    other_vasopressor: bool,
    pao2_fio2_mm_hg: Decimal | None = None,
    spo2_fio2: Decimal | None = None,
) -> ScoreResult:
    """Grade organ dysfunction in decompensated cirrhosis.

    =====================  =======  ===========  =============  ============  ==============
    Points                 0        1            2              3             4
    =====================  =======  ===========  =============  ============  ==============
    Bilirubin, mg/dL       < 1.2    1.2 to < 2   2 to < 6       6 to < 12     >= 12
    Creatinine, mg/dL      < 1.2    1.2 to < 2   2 to < 3.5     3.5 to < 5    >= 5, or RRT
    West Haven grade       0        1            2              3             4
    INR (or platelets)     < 1.1    1.1 to       1.25 to        1.5 to        >= 2.5, or
                                    < 1.25       < 1.5          < 2.5         platelets <= 20
    Circulation            MAP      MAP < 70     dopamine <= 5  dopamine > 5  dopamine > 15
                           >= 70                 dobutamine     E <= 0.1      E > 0.1
                                                 terlipressin   NE <= 0.1     NE > 0.1
    PaO2/FiO2, mm[Hg]      > 400    > 300        > 200          > 100         <= 100
    or SpO2/FiO2, %        > 512    > 357        > 214          > 89          <= 89
    =====================  =======  ===========  =============  ============  ==============

    E is epinephrine, NE norepinephrine, doses in ug/kg/min; the highest cell of a row
    counts. Another vasopressor counts 2 and is flagged.

    Parameters
    ----------
    bilirubin_mg_dl
        Total bilirubin, 0.01 to 100 mg/dL (LOINC 1975-2).
    creatinine_mg_dl
        Creatinine, 0.05 to 50 mg/dL (LOINC 2160-0).
    renal_replacement
        Any renal replacement therapy.
    he_grade
        West Haven grade, 0 to 4.
    inr
        INR, 0.5 to 30 (LOINC 6301-6).
    platelets_10e9_l
        Platelets, 0 to 3000 10*9/L (LOINC 777-3).
    mean_arterial_pressure_mm_hg
        Mean arterial pressure, 10 to 250 mm[Hg] (LOINC 8478-0).
    dopamine_ug_kg_min, epinephrine_ug_kg_min, norepinephrine_ug_kg_min
        Dose rates in ug/kg/min; 0 is not given.
    dobutamine, terlipressin
        Given at any dose and for any reason.
    other_vasopressor
        A vasopressor the table does not name.
    pao2_fio2_mm_hg
        PaO2/FiO2, 10 to 5100 mm[Hg] (LOINC 50984-4).
    spo2_fio2
        SpO2/FiO2, used only without PaO2/FiO2.

    Returns
    -------
    ScoreResult
        `ok`: 0 to 24 points and points per organ; `organ_failures` names the organs
        in failure. `error` with the reason if an input lies outside its range.

    References
    ----------
    Moreau R, et al. Gastroenterology 2013;144(7):1426-1437. doi:10.1053/j.gastro.2013.02.042
    """
    points = {
        "respiration": _respiration(pao2_fio2_mm_hg, spo2_fio2),
        "coagulation": _coagulation(inr, platelets_10e9_l),
        "liver": _liver(bilirubin_mg_dl),
        "circulation": _circulation(
            mean_arterial_pressure_mm_hg,
            dopamine_ug_kg_min,
            epinephrine_ug_kg_min,
            norepinephrine_ug_kg_min,
            dobutamine or terlipressin or other_vasopressor,
        ),
        "brain": he_grade,
        "kidney": _kidney(creatinine_mg_dl, renal_replacement=renal_replacement),
    }
    return CLIF_SOFA.result(
        sum(points.values()),
        components=points,
        flags=("vasopressor_outside_table",) if other_vasopressor else (),
        details={"organ_failures": _failed(points)},
    )


_FAILURE_FROM = {
    "brain": 3,
    "circulation": 2,
    "coagulation": 4,
    "kidney": 2,
    "liver": 4,
    "respiration": 3,
}


def _failed(points: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(organ for organ in sorted(points) if points[organ] >= _FAILURE_FROM[organ])


def _liver(bilirubin_mg_dl: Decimal) -> int:
    if bilirubin_mg_dl < 2:
        return 0 if bilirubin_mg_dl < Decimal("1.2") else 1
    if bilirubin_mg_dl < 6:
        return 2
    return 3 if bilirubin_mg_dl < 12 else 4


def _kidney(creatinine_mg_dl: Decimal, *, renal_replacement: bool) -> int:
    if renal_replacement:
        return 4
    if creatinine_mg_dl < 2:
        return 0 if creatinine_mg_dl < Decimal("1.2") else 1
    if creatinine_mg_dl < 5:
        return 2 if creatinine_mg_dl < Decimal("3.5") else 3
    return 4


def _coagulation(inr: Decimal, platelets_10e9_l: Decimal) -> int:
    if platelets_10e9_l <= 20:
        return 4
    if inr < Decimal("1.25"):
        return 0 if inr < Decimal("1.1") else 1
    if inr < Decimal("2.5"):
        return 2 if inr < Decimal("1.5") else 3
    return 4


def _circulation(
    pressure: Decimal,
    dopamine: Decimal,
    epinephrine: Decimal,
    norepinephrine: Decimal,
    other: bool,  # a column of the table
) -> int:
    catecholamine = max(epinephrine, norepinephrine)
    if dopamine > 15 or catecholamine > Decimal("0.1"):
        return 4
    if dopamine > 5 or catecholamine > 0:
        return 3
    if dopamine > 0 or other:
        return 2
    return 1 if pressure < 70 else 0


def _respiration(pao2_fio2_mm_hg: Decimal | None, spo2_fio2: Decimal | None) -> int:
    return limits_reached(
        pao2_fio2_mm_hg, spo2_fio2, pao2=(400, 300, 200, 100), spo2=(512, 357, 214, 89)
    )


def _flags(values: Mapping[str, ScoreValue]) -> tuple[str, ...]:
    certain = values.get("other_vasopressor") == frozenset({YES})
    return ("vasopressor_outside_table",) if certain else ()


(_BILIRUBIN, _CREATININE, _REPLACED, _HE, _INR, _PLATELETS, _PRESSURE, *_DRUGS) = _INPUTS

CLIF_SOFA.spread = Sum(
    ("respiration", "coagulation", "liver", "circulation", "brain", "kidney"),
    (("respiration",), _RATIOS, lambda pao2, spo2: (_respiration(pao2, spo2),)),
    (
        ("coagulation",),
        (_INR, _PLATELETS),
        lambda inr, platelets: (_coagulation(inr, platelets),),
    ),
    (("liver",), (_BILIRUBIN,), lambda bilirubin: (_liver(bilirubin),)),
    (
        ("circulation",),
        (_PRESSURE, *_DRUGS),
        lambda pressure, dopamine, epinephrine, norepinephrine, *others: (
            _circulation(pressure, dopamine, epinephrine, norepinephrine, any(others)),
        ),
    ),
    (("brain",), (_HE,), lambda grade: (grade,)),
    (
        ("kidney",),
        (_CREATININE, _REPLACED),
        lambda creatinine, on: (_kidney(creatinine, renal_replacement=on),),
    ),
    failing=_failed,
    flags=_flags,
).spread
