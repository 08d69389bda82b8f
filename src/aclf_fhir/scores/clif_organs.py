"""EASL-CLIF organ failures and the CLIF-C organ failure score."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from aclf_fhir.scores.definition import Score, ScoreValue
from aclf_fhir.scores.inputs import (
    BILIRUBIN,
    CREATININE,
    HE_GRADE,
    INR,
    MEAN_ARTERIAL_PRESSURE,
    RENAL_REPLACEMENT,
    VASOPRESSOR,
    VENTILATION,
)
from aclf_fhir.scores.oxygenation import (
    OXYGENATION_INPUTS,
    derive_ratio,
    limits_reached,
    ratio_arguments,
)
from aclf_fhir.scores.result import ScoreResult
from aclf_fhir.scores.tables import Sum

__all__ = [
    "CLIF_C_OF",
    "ORGAN_ARGUMENTS",
    "ORGAN_INPUTS",
    "Vasopressor",
    "Ventilation",
    "brain_points",
    "circulation_points",
    "clif_c_of",
    "coagulation_points",
    "failed_organs",
    "kidney_points",
    "liver_points",
    "organ_points",
    "respiration_points",
    "support_flags",
]

Vasopressor = Literal["no", "terlipressin", "yes"]
Ventilation = Literal["none", "hepatic_encephalopathy", "other", "unknown_reason"]

_INPUTS = (
    BILIRUBIN.using("6", "12"),
    CREATININE.using("1.5", "2", "3.5"),
    RENAL_REPLACEMENT,
    HE_GRADE,
    INR.using("2", "2.5"),
    MEAN_ARTERIAL_PRESSURE.using("70", direction=-1),
    VASOPRESSOR,
    VENTILATION.using(direction=0),
)

_RATIOS = ratio_arguments(pao2_cuts=("200", "300"), spo2_cuts=("214", "357"))

ORGAN_INPUTS = (*_INPUTS, *OXYGENATION_INPUTS)
ORGAN_ARGUMENTS = (*_INPUTS, *_RATIOS)

CLIF_C_OF = Score(
    id="clif_c_of",
    version="1",
    title="CLIF-C organ failure score",
    inputs=ORGAN_INPUTS,
    arguments=ORGAN_ARGUMENTS,
    derive=derive_ratio,
    citation="Jalan R, et al. J Hepatol 2014;61(5):1038-1047",
    doi="10.1016/j.jhep.2014.06.012",
    verification="V2",
    formula="liver + kidney + brain + coagulation + circulation + respiration, 1 to 3 each",
    form="steps",
)


def organ_points(
    *,
    bilirubin_mg_dl: Decimal,
    creatinine_mg_dl: Decimal,
    renal_replacement: bool,
    he_grade: int,
    inr: Decimal,
    mean_arterial_pressure_mm_hg: Decimal,
    vasopressor: Vasopressor,
    ventilation: Ventilation,
    pao2_fio2_mm_hg: Decimal | None,
    spo2_fio2: Decimal | None,
) -> dict[str, int]:
    """Return the points of the six organs; the table stands in `clif_c_of`."""
    return {
        "liver": liver_points(bilirubin_mg_dl),
        "kidney": kidney_points(creatinine_mg_dl, renal_replacement=renal_replacement),
        "brain": brain_points(he_grade, ventilation=ventilation),
        "coagulation": coagulation_points(inr),
        "circulation": circulation_points(mean_arterial_pressure_mm_hg, vasopressor=vasopressor),
        "respiration": respiration_points(pao2_fio2_mm_hg, spo2_fio2, ventilation=ventilation),
    }


def liver_points(bilirubin_mg_dl: Decimal) -> int:
    """Return the points of the liver."""
    return 1 if bilirubin_mg_dl < 6 else 2 if bilirubin_mg_dl < 12 else 3


def kidney_points(creatinine_mg_dl: Decimal, *, renal_replacement: bool) -> int:
    """Return the points of the kidney."""
    if renal_replacement or creatinine_mg_dl >= Decimal("3.5"):
        return 3
    return 2 if creatinine_mg_dl >= 2 else 1


def brain_points(he_grade: int, *, ventilation: str) -> int:
    """Return the points of the brain."""
    if he_grade >= 3 or ventilation == "hepatic_encephalopathy":
        return 3
    return 2 if he_grade >= 1 else 1


def coagulation_points(inr: Decimal) -> int:
    """Return the points of coagulation; platelets play no part."""
    return 1 if inr < 2 else 2 if inr < Decimal("2.5") else 3


def circulation_points(mean_arterial_pressure_mm_hg: Decimal, *, vasopressor: str) -> int:
    """Return the points of the circulation."""
    if vasopressor != "no":
        return 3
    return 2 if mean_arterial_pressure_mm_hg < 70 else 1


def respiration_points(
    pao2_fio2_mm_hg: Decimal | None, spo2_fio2: Decimal | None, *, ventilation: str
) -> int:
    """Return the points of respiration; ventilation for encephalopathy leaves the ratio."""
    if ventilation in ("other", "unknown_reason"):
        return 3
    return 1 + limits_reached(pao2_fio2_mm_hg, spo2_fio2, pao2=(300, 200), spo2=(357, 214))


def failed_organs(points: Mapping[str, int]) -> tuple[str, ...]:
    """Return the organs in failure: 3 points, for the kidney already 2."""
    return tuple(
        organ for organ in sorted(points) if points[organ] >= (2 if organ == "kidney" else 3)
    )


def _flags(values: Mapping[str, ScoreValue]) -> tuple[str, ...]:
    """Say what is certain of a choice about organ support."""
    certain = [
        next(iter(value)) if isinstance(value, frozenset) and len(value) == 1 else ""
        for value in (values.get("vasopressor"), values.get("ventilation"))
    ]
    return support_flags(*certain)


_BILIRUBIN, _CREATININE, _REPLACED, _HE, _INR, _PRESSURE, _VASOPRESSOR, _VENTILATION = _INPUTS

CLIF_C_OF.spread = Sum(
    ("liver", "kidney", "brain", "coagulation", "circulation", "respiration"),
    (("liver",), (_BILIRUBIN,), lambda bilirubin: (liver_points(bilirubin),)),
    (
        ("kidney",),
        (_CREATININE, _REPLACED),
        lambda creatinine, on: (kidney_points(creatinine, renal_replacement=on),),
    ),
    (("coagulation",), (_INR,), lambda inr: (coagulation_points(inr),)),
    (
        ("circulation",),
        (_PRESSURE, _VASOPRESSOR),
        lambda pressure, drug: (circulation_points(pressure, vasopressor=drug),),
    ),
    # The reason of ventilation ties brain and lung together.
    (
        ("brain", "respiration"),
        (_HE, _VENTILATION, *_RATIOS),
        lambda grade, reason, pao2, spo2: (
            brain_points(grade, ventilation=reason),
            respiration_points(pao2, spo2, ventilation=reason),
        ),
    ),
    failing=failed_organs,
    flags=_flags,
).spread


@CLIF_C_OF.computed_by
def clif_c_of(
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
    """Grade organ failure in cirrhosis.

    ==================  ========  ============  ==========================  ============
    Points              1         2             3                           Failure from
    ==================  ========  ============  ==========================  ============
    Bilirubin, mg/dL    < 6       6 to < 12     >= 12                       3
    Creatinine, mg/dL   < 2       2 to < 3.5    >= 3.5, or RRT              2
    West Haven grade    0         1 to 2        3 to 4, or ventilated       3
                                                because of encephalopathy
    INR                 < 2.0     2.0 to < 2.5  >= 2.5                      3
    Circulation         MAP       MAP < 70      vasopressor                 3
                        >= 70
    PaO2/FiO2, mm[Hg]   > 300     > 200 to 300  <= 200, or ventilated       3
                                                for another reason
    or SpO2/FiO2, %     > 357     > 214 to 357  <= 214                      3
    ==================  ========  ============  ==========================  ============

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
    mean_arterial_pressure_mm_hg
        Mean arterial pressure, 10 to 250 mm[Hg] (LOINC 8478-0).
    vasopressor
        yes or no; terlipressin where it is the only one and not given for the
        circulation: it counts, and is flagged.
    ventilation
        none, or the reason of invasive ventilation; unknown_reason counts as a
        failure of respiration and is flagged.
    pao2_fio2_mm_hg
        PaO2/FiO2, 10 to 5100 mm[Hg] (LOINC 50984-4).
    spo2_fio2
        SpO2/FiO2, used only without PaO2/FiO2.

    Returns
    -------
    ScoreResult
        `ok`: 6 to 18 points and points per organ; `organ_failures` names the organs
        in failure. `error` with the reason if an input lies outside its range.

    References
    ----------
    Jalan R, et al. J Hepatol 2014;61(5):1038-1047. doi:10.1016/j.jhep.2014.06.012
    """
    points = organ_points(
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
    return CLIF_C_OF.result(
        sum(points.values()),
        components=points,
        flags=support_flags(vasopressor, ventilation),
        details={"organ_failures": failed_organs(points)},
    )


def support_flags(vasopressor: str, ventilation: str) -> tuple[str, ...]:
    """Say where a choice about organ support was made."""
    flags = []
    if vasopressor == "terlipressin":
        flags.append("terlipressin_counted")
    if ventilation == "unknown_reason":
        flags.append("ventilation_reason_unknown")
    return tuple(flags)
