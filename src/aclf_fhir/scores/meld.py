"""The MELD family: MELD, MELD-Na (two forms), MELD 3.0, MELD-lactate, UKELD.

Long, because every function carries its whole table and its sources.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Literal

from aclf_fhir.scores.definition import Score, ScoreInput
from aclf_fhir.scores.inputs import (
    AGE,
    ALBUMIN,
    BILIRUBIN,
    BILIRUBIN_UMOL_L,
    CREATININE,
    CREATININE_UMOL_L,
    DIALYSIS,
    INR,
    LACTATE,
    SEX,
    SODIUM,
)
from aclf_fhir.scores.logarithms import ln
from aclf_fhir.scores.result import ScoreResult
from aclf_fhir.units import round_half_up

__all__ = [
    "MELD_3_0",
    "MELD_LACTATE",
    "MELD_NA_KIM2008",
    "MELD_NA_OPTN2016",
    "MELD_OPTN",
    "UKELD",
    "meld_3_0",
    "meld_lactate",
    "meld_na_kim2008",
    "meld_na_optn2016",
    "meld_optn",
    "ukeld",
]

_ONE = Decimal(1)
_TEN = Decimal(10)
_SIX = Decimal(6)
_FORTY = Decimal(40)

_MELD_INPUTS = (
    CREATININE.using("1", "4"),
    BILIRUBIN.using("1"),
    INR.using("1"),
    DIALYSIS.using(required=False),
)


def _bracket(
    creatinine_mg_dl: Decimal, bilirubin_mg_dl: Decimal, inr: Decimal, *, dialysis: bool | None
) -> Decimal:
    """Return the bracket of the OPTN form, before the multiplication by ten."""
    # Dialysis comes first: it replaces the creatinine, also one below the floor.
    creatinine = Decimal(4) if dialysis else min(max(creatinine_mg_dl, _ONE), Decimal(4))
    bilirubin = max(bilirubin_mg_dl, _ONE)
    inr = max(inr, _ONE)
    return (
        Decimal("0.957") * ln(creatinine)
        + Decimal("0.378") * ln(bilirubin)
        + Decimal("1.120") * ln(inr)
        + Decimal("0.643")
    )


def _dialysis_flags(*, dialysis: bool | None) -> tuple[str, ...]:
    """Say that nobody recorded whether the patient was dialyzed."""
    return ("dialysis_not_recorded",) if dialysis is None else ()


MELD_OPTN = Score(
    id="meld_optn",
    version="1",
    title="MELD, OPTN form",
    inputs=_MELD_INPUTS,
    citation="Kamath PS, et al. Hepatology 2001;33(2):464-470",
    doi="10.1053/jhep.2001.22172",
    verification="V2",
    formula="10 × (0.957 ln Cr + 0.378 ln Bili + 1.120 ln INR + 0.643)",
    loinc="44760-7",
    lowest=_SIX,
    highest=_FORTY,
)


@MELD_OPTN.computed_by
def meld_optn(
    *,
    creatinine_mg_dl: Decimal,
    bilirubin_mg_dl: Decimal,
    inr: Decimal,
    dialysis: bool | None = None,
) -> ScoreResult:
    """Estimate 3-month mortality of chronic liver disease, as OPTN computed it until 2016.

    10 × (0.957 ln Cr + 0.378 ln Bili + 1.120 ln INR + 0.643)

    Creatinine is raised to 1.0 and cut to 4.0 mg/dL; bilirubin and INR are raised to
    1.0. With dialysis creatinine counts as 4.0, whatever was measured.

    Parameters
    ----------
    creatinine_mg_dl
        Creatinine, 0.05 to 50 mg/dL (LOINC 2160-0).
    bilirubin_mg_dl
        Total bilirubin, 0.01 to 100 mg/dL (LOINC 1975-2).
    inr
        INR, 0.5 to 30 (LOINC 6301-6).
    dialysis
        Two dialyses, or 24 h of continuous dialysis, in the week before the
        creatinine; None if not recorded, which computes as measured and is flagged.

    Returns
    -------
    ScoreResult
        `ok`: value not limited, rounded to an integer of 6 to 40; higher is worse.
        `unscaled` is the bracket. `error` with the reason if an input lies outside
        its range; both ends are included.

    References
    ----------
    Kamath PS, et al. Hepatology 2001;33(2):464-470. doi:10.1053/jhep.2001.22172
    Wiesner R, et al. Gastroenterology 2003;124(1):91-96. doi:10.1053/gast.2003.50016
    """
    bracket = _bracket(creatinine_mg_dl, bilirubin_mg_dl, inr, dialysis=dialysis)
    return MELD_OPTN.result(
        _TEN * bracket,
        flags=_dialysis_flags(dialysis=dialysis),
        details={"unscaled": round_half_up(bracket, 10)},
    )


MELD_NA_OPTN2016 = Score(
    id="meld_na_optn2016",
    version="1",
    title="MELD-Na, OPTN 2016",
    inputs=(*_MELD_INPUTS, SODIUM.using("125", "137", direction=0)),
    citation="OPTN Policy 9.1, in force from 11 January 2016",
    doi="",
    verification="V2",
    formula="MELD(i) + 1.32 (137 − Na) − 0.033 MELD(i) (137 − Na), if MELD(i) > 11",
    loinc="100348-2",
    lowest=_SIX,
    highest=_FORTY,
    form="mixed",
)


@MELD_NA_OPTN2016.computed_by
def meld_na_optn2016(
    *,
    creatinine_mg_dl: Decimal,
    bilirubin_mg_dl: Decimal,
    inr: Decimal,
    sodium_mmol_l: Decimal,
    dialysis: bool | None = None,
) -> ScoreResult:
    """Add sodium to MELD, as OPTN allocated livers from 2016 to 2023.

    MELD(i) + 1.32 (137 − Na) − 0.033 MELD(i) (137 − Na), if MELD(i) > 11; else MELD(i)

    MELD(i) is MELD rounded to an integer, not limited to 40 before this step. Sodium
    is limited to 125 to 137 mmol/L.

    Parameters
    ----------
    creatinine_mg_dl, bilirubin_mg_dl, inr, dialysis
        As in `meld_optn`.
    sodium_mmol_l
        Sodium, 80 to 210 mmol/L (LOINC 2951-2).

    Returns
    -------
    ScoreResult
        `ok`: rounded to an integer of 6 to 40. `meld_i` is the integer MELD,
        `sodium_applied` whether it was above 11.

    References
    ----------
    OPTN Policy 9.1, MELD score, in force from 11 January 2016.
    Biggins SW, et al. Gastroenterology 2006;130(6):1652-1660. doi:10.1053/j.gastro.2006.02.010
    """
    bracket = _bracket(creatinine_mg_dl, bilirubin_mg_dl, inr, dialysis=dialysis)
    meld_i = max(round_half_up(_TEN * bracket), _SIX)
    applied = meld_i > 11
    value = meld_i
    if applied:
        deficit = Decimal(137) - min(max(sodium_mmol_l, Decimal(125)), Decimal(137))
        value = meld_i + Decimal("1.32") * deficit - Decimal("0.033") * meld_i * deficit
    return MELD_NA_OPTN2016.result(
        value,
        flags=_dialysis_flags(dialysis=dialysis),
        details={"meld_i": int(meld_i), "sodium_applied": applied},
    )


MELD_NA_KIM2008 = Score(
    id="meld_na_kim2008",
    version="1",
    title="MELD-Na, Kim 2008",
    inputs=(*_MELD_INPUTS, SODIUM.using("125", "140", direction=0)),
    citation="Kim WR, et al. N Engl J Med 2008;359(10):1018-1026",
    doi="10.1056/NEJMoa0801209",
    verification="M",
    formula="MELD − Na − 0.025 MELD (140 − Na) + 140",
    lowest=_SIX,
    highest=_FORTY,
    form="mixed",
)


@MELD_NA_KIM2008.computed_by
def meld_na_kim2008(
    *,
    creatinine_mg_dl: Decimal,
    bilirubin_mg_dl: Decimal,
    inr: Decimal,
    sodium_mmol_l: Decimal,
    dialysis: bool | None = None,
) -> ScoreResult:
    """Add sodium to MELD, as first published.

    MELD − Na − 0.025 MELD (140 − Na) + 140

    MELD is the integer of 6 to 40; sodium is limited to 125 to 140 mmol/L.

    Parameters
    ----------
    creatinine_mg_dl, bilirubin_mg_dl, inr, dialysis
        As in `meld_optn`.
    sodium_mmol_l
        Sodium, 80 to 210 mmol/L (LOINC 2951-2).

    Returns
    -------
    ScoreResult
        `ok`: rounded to an integer of 6 to 40; `meld` is the integer MELD.

    References
    ----------
    Kim WR, et al. N Engl J Med 2008;359(10):1018-1026. doi:10.1056/NEJMoa0801209
    """
    bracket = _bracket(creatinine_mg_dl, bilirubin_mg_dl, inr, dialysis=dialysis)
    meld = MELD_OPTN.reported(_TEN * bracket)
    sodium = min(max(sodium_mmol_l, Decimal(125)), Decimal(140))
    value = meld - sodium - Decimal("0.025") * meld * (Decimal(140) - sodium) + Decimal(140)
    return MELD_NA_KIM2008.result(
        value, flags=_dialysis_flags(dialysis=dialysis), details={"meld": int(meld)}
    )


# Below 12 years the pediatric score applies.
_AGE_FROM_12 = replace(AGE, low=Decimal(12), direction=-1, cuts=(Decimal(18),))

MELD_3_0 = Score(
    id="meld_3_0",
    version="1",
    title="MELD 3.0",
    inputs=(
        CREATININE.using("1", "3"),
        BILIRUBIN.using("1"),
        INR.using("1"),
        SODIUM.using("125", "137", direction=0),
        ALBUMIN.using("1.5", "3.5", direction=0),
        SEX,
        _AGE_FROM_12,
        DIALYSIS.using(required=False),
    ),
    citation="Kim WR, et al. Gastroenterology 2021;161(6):1887-1895",
    doi="10.1053/j.gastro.2021.08.050",
    verification="V2",
    formula=(
        "1.33 (female) + 4.56 ln Bili + 0.82 (137 − Na) − 0.24 (137 − Na) ln Bili + 9.09 ln INR"
        " + 11.14 ln Cr + 1.85 (3.5 − Alb) − 1.83 (3.5 − Alb) ln Cr + 6"
    ),
    lowest=_SIX,
    highest=_FORTY,
)


@MELD_3_0.computed_by
def meld_3_0(
    *,
    creatinine_mg_dl: Decimal,
    bilirubin_mg_dl: Decimal,
    inr: Decimal,
    sodium_mmol_l: Decimal,
    albumin_g_dl: Decimal,
    sex: Literal["male", "female"],
    age_years: int,
    dialysis: bool | None = None,
) -> ScoreResult:
    """Estimate 3-month mortality with sodium, albumin and sex.

    1.33 (female) + 4.56 ln Bili + 0.82 (137 − Na) − 0.24 (137 − Na) ln Bili + 9.09 ln INR
    + 11.14 ln Cr + 1.85 (3.5 − Alb) − 1.83 (3.5 − Alb) ln Cr + 6

    Bilirubin and INR are raised to 1.0; creatinine is limited to 1.0 to 3.0 mg/dL,
    sodium to 125 to 137 mmol/L, albumin to 1.5 to 3.5 g/dL. With dialysis creatinine
    counts as 3.0. From 12 to 17 years both sexes get 1.33 (OPTN).

    Parameters
    ----------
    creatinine_mg_dl
        Creatinine, 0.05 to 50 mg/dL (LOINC 2160-0).
    bilirubin_mg_dl
        Total bilirubin, 0.01 to 100 mg/dL (LOINC 1975-2).
    inr
        INR, 0.5 to 30 (LOINC 6301-6).
    sodium_mmol_l
        Sodium, 80 to 210 mmol/L (LOINC 2951-2).
    albumin_g_dl
        Albumin, 0.3 to 8 g/dL (LOINC 1751-7).
    sex
        Sex at birth where recorded, else administrative sex.
    age_years
        Completed years, 12 to 120 a.
    dialysis
        As in `meld_optn`.

    Returns
    -------
    ScoreResult
        `ok`: value not limited, rounded to an integer of 6 to 40;
        `rounded_uncapped` is the integer without the upper limit (Kim 2021).

    References
    ----------
    Kim WR, et al. Gastroenterology 2021;161(6):1887-1895. doi:10.1053/j.gastro.2021.08.050
    """
    three = Decimal(3)
    ln_creatinine = ln(three if dialysis else min(max(creatinine_mg_dl, _ONE), three))
    ln_bilirubin = ln(max(bilirubin_mg_dl, _ONE))
    sodium_deficit = Decimal(137) - min(max(sodium_mmol_l, Decimal(125)), Decimal(137))
    albumin_deficit = Decimal("3.5") - min(max(albumin_g_dl, Decimal("1.5")), Decimal("3.5"))
    adds = sex == "female" or age_years < 18
    value = (
        (Decimal("1.33") if adds else Decimal(0))
        + Decimal("4.56") * ln_bilirubin
        + Decimal("0.82") * sodium_deficit
        - Decimal("0.24") * sodium_deficit * ln_bilirubin
        + Decimal("9.09") * ln(max(inr, _ONE))
        + Decimal("11.14") * ln_creatinine
        + Decimal("1.85") * albumin_deficit
        - Decimal("1.83") * albumin_deficit * ln_creatinine
        + _SIX
    )
    return MELD_3_0.result(
        value,
        flags=_dialysis_flags(dialysis=dialysis),
        details={"rounded_uncapped": max(round_half_up(value), _SIX)},
    )


_MELD_POINTS = ScoreInput(
    name="meld",
    concept="meld_optn",
    kind="score",
    parameter="meld",
    title="MELD, integer",
    low=_SIX,
    high=_FORTY,
)

MELD_LACTATE = Score(
    id="meld_lactate",
    version="1",
    title="MELD-lactate",
    inputs=(LACTATE, _MELD_POINTS),
    citation="Sarmast N, et al. Hepatology 2020;72(5):1747-1757",
    doi="10.1002/hep.31199",
    verification="M",
    formula="5.68 ln lactate + 0.64 MELD + 2.68",
    places=1,
)


@MELD_LACTATE.computed_by
def meld_lactate(*, lactate_mmol_l: Decimal, meld: Decimal) -> ScoreResult:
    """Predict death in hospital from MELD and lactate.

    5.68 ln lactate + 0.64 MELD + 2.68

    The formula is not verified; every result carries `formula_unverified`.

    Parameters
    ----------
    lactate_mmol_l
        Lactate, 0.05 to 50 mmol/L (LOINC 2518-9); no floor.
    meld
        MELD, 6 to 40 points.

    Returns
    -------
    ScoreResult
        `ok`: rounded to one decimal; higher is worse.

    References
    ----------
    Sarmast N, et al. Hepatology 2020;72(5):1747-1757. doi:10.1002/hep.31199
    """
    return MELD_LACTATE.result(
        Decimal("5.68") * ln(lactate_mmol_l) + Decimal("0.64") * meld + Decimal("2.68")
    )


UKELD = Score(
    id="ukeld",
    version="1",
    title="UKELD",
    inputs=(INR, CREATININE_UMOL_L, BILIRUBIN_UMOL_L, SODIUM.using(direction=-1)),
    citation="Barber K, et al. Transplantation 2011;92(4):469-476",
    doi="10.1097/TP.0b013e318225db4d",
    verification="V2",
    formula="5.395 ln INR + 1.485 ln Cr + 3.130 ln Bili − 81.565 ln Na + 435",
)


@UKELD.computed_by
def ukeld(
    *,
    inr: Decimal,
    creatinine_umol_l: Decimal,
    bilirubin_umol_l: Decimal,
    sodium_mmol_l: Decimal,
) -> ScoreResult:
    """Estimate need of a transplant as the United Kingdom lists patients.

    5.395 ln INR + 1.485 ln Cr + 3.130 ln Bili − 81.565 ln Na + 435

    No floors; creatinine and bilirubin in umol/L.

    Parameters
    ----------
    inr
        INR, 0.5 to 30 (LOINC 6301-6).
    creatinine_umol_l
        Creatinine, 4.42 to 4420 umol/L (LOINC 14682-9).
    bilirubin_umol_l
        Total bilirubin, 0.171 to 1710 umol/L (LOINC 14631-6).
    sodium_mmol_l
        Sodium, 80 to 210 mmol/L (LOINC 2951-2).

    Returns
    -------
    ScoreResult
        `ok`: rounded to an integer; higher is worse.

    References
    ----------
    Barber K, et al. Transplantation 2011;92(4):469-476. doi:10.1097/TP.0b013e318225db4d
    """
    return UKELD.result(
        Decimal("5.395") * ln(inr)
        + Decimal("1.485") * ln(creatinine_umol_l)
        + Decimal("3.130") * ln(bilirubin_umol_l)
        - Decimal("81.565") * ln(sodium_mmol_l)
        + Decimal(435)
    )
