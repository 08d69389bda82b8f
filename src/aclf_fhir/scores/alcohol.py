"""Alcohol-related hepatitis: Maddrey discriminant function and Lille model."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from aclf_fhir.scores.definition import (
    NO,
    YES,
    Band,
    Derivation,
    Score,
    ScoreInput,
    ScoreValue,
)
from aclf_fhir.scores.inputs import (
    AGE,
    ALBUMIN_G_L,
    BILIRUBIN,
    BILIRUBIN_UMOL_L,
    CREATININE,
    PROTHROMBIN_TIME,
)
from aclf_fhir.scores.logarithms import exp
from aclf_fhir.scores.result import ScoreResult
from aclf_fhir.units import Interval, round_half_up

__all__ = ["LILLE", "MADDREY_DF", "PT_CONTROL", "lille", "maddrey_df"]

PT_CONTROL = ScoreInput(
    name="pt_control",
    concept="pt_control",
    kind="supplied",
    parameter="pt_control_s",
    title="Control prothrombin time of the laboratory",
    unit="s",
    low=Decimal(8),
    high=Decimal(20),
    direction=-1,
)

MADDREY_DF = Score(
    id="maddrey_df",
    version="1",
    title="Maddrey discriminant function, modified",
    inputs=(PROTHROMBIN_TIME, PT_CONTROL, BILIRUBIN),
    citation="Maddrey WC, et al. Gastroenterology 1978;75(2):193-199",
    doi="10.1016/0016-5085(78)90401-8",
    verification="V1",
    formula="4.6 × (PT − control PT) + bilirubin",
    places=1,
    bands=(Band.below("not severe", "32"), Band.above("severe", "32")),
)


@MADDREY_DF.computed_by
def maddrey_df(
    *, prothrombin_time_s: Decimal, pt_control_s: Decimal, bilirubin_mg_dl: Decimal
) -> ScoreResult:
    """Grade alcohol-related hepatitis.

    4.6 × (PT − control PT) + bilirubin

    ======  ==========  ======
    Score   < 32        >= 32
    ======  ==========  ======
    Class   not severe  severe
    ======  ==========  ======

    Parameters
    ----------
    prothrombin_time_s
        Prothrombin time, 5 to 300 s (LOINC 5902-2).
    pt_control_s
        Control of the same laboratory, 8 to 20 s.
    bilirubin_mg_dl
        Total bilirubin, 0.01 to 100 mg/dL (LOINC 1975-2).

    Returns
    -------
    ScoreResult
        `ok`: rounded to one decimal; class from the unrounded score.

    References
    ----------
    Maddrey WC, et al. Gastroenterology 1978;75(2):193-199. doi:10.1016/0016-5085(78)90401-8
    """
    return MADDREY_DF.result(Decimal("4.6") * (prothrombin_time_s - pt_control_s) + bilirubin_mg_dl)


_RENAL_INSUFFICIENCY = ScoreInput(
    name="renal_insufficiency",
    concept="creatinine",
    kind="analyte",
    parameter="renal_insufficiency",
    title="Creatinine above 1.3 mg/dL",
    values=(NO, YES),
)


def _derive_insufficiency(values: Mapping[str, ScoreValue]) -> Derivation:
    """Turn the creatinine into the yes or no that the model asks for."""
    rest = {name: value for name, value in values.items() if name != "creatinine"}
    creatinine = values.get("creatinine")
    above = creatinine.above(Decimal("1.3")) if isinstance(creatinine, Interval) else "unknown"
    answer = {"true": frozenset({YES}), "false": frozenset({NO})}.get(above)
    return Derivation({**rest, "renal_insufficiency": answer or frozenset({NO, YES})})


_LILLE_INPUTS = (
    AGE,
    ALBUMIN_G_L.using(direction=-1),
    BILIRUBIN_UMOL_L.using(direction=-1, title="Bilirubin, total, on day 0"),
    replace(
        BILIRUBIN_UMOL_L,
        name="bilirubin_day7",
        kind="course",
        parameter="bilirubin_day7_umol_l",
        title="Bilirubin, total, on day 7",
    ),
    PROTHROMBIN_TIME,
)

LILLE = Score(
    id="lille",
    version="1",
    title="Lille model",
    inputs=(*_LILLE_INPUTS, CREATININE.using("1.3")),
    arguments=(*_LILLE_INPUTS, _RENAL_INSUFFICIENCY),
    derive=_derive_insufficiency,
    citation="Louvet A, et al. Hepatology 2007;45(6):1348-1354",
    doi="10.1002/hep.21607",
    verification="V1",
    formula=(
        "R = 3.19 − 0.101 age + 0.147 albumin + 0.0165 (bilirubin d0 − d7) − 0.206 renal"
        " insufficiency − 0.0065 bilirubin d0 − 0.0096 PT; exp(−R) / (1 + exp(−R))"
    ),
    places=2,
    bands=(
        Band.below("complete response", "0.16", included=True),
        Band.from_to("partial response", "0.16", "0.56", low_included=False),
        Band.above("null response", "0.56"),
    ),
)


@LILLE.computed_by
def lille(
    *,
    age_years: int,
    albumin_g_l: Decimal,
    bilirubin_umol_l: Decimal,
    bilirubin_day7_umol_l: Decimal,
    prothrombin_time_s: Decimal,
    renal_insufficiency: bool,
) -> ScoreResult:
    """Say after 7 days whether steroids work in alcohol-related hepatitis.

    R = 3.19 − 0.101 age + 0.147 albumin + 0.0165 (bilirubin d0 − d7)
    − 0.206 renal insufficiency − 0.0065 bilirubin d0 − 0.0096 PT

    Lille = exp(−R) / (1 + exp(−R))

    =========  ========  ===============  =======
    Score      <= 0.16   > 0.16, < 0.56   >= 0.56
    =========  ========  ===============  =======
    Response   complete  partial          null
    =========  ========  ===============  =======

    From 0.45 on steroids are stopped. The bands are not verified.

    Parameters
    ----------
    age_years
        Completed years, 18 to 120 a.
    albumin_g_l
        Albumin on day 0, 3 to 80 g/L (LOINC 1751-7).
    bilirubin_umol_l
        Total bilirubin on day 0, 0.171 to 1710 umol/L (LOINC 14631-6).
    bilirubin_day7_umol_l
        Total bilirubin on day 7, same unit.
    prothrombin_time_s
        Prothrombin time, 5 to 300 s (LOINC 5902-2); an INR is not equivalent.
    renal_insufficiency
        Creatinine above 1.3 mg/dL; 1.3 is not. The limit is not verified.

    Returns
    -------
    ScoreResult
        `ok`: 0 to 1, rounded to two decimals; `R` and `stop_steroids` in the details.

    References
    ----------
    Louvet A, et al. Hepatology 2007;45(6):1348-1354. doi:10.1002/hep.21607
    """
    r = (
        Decimal("3.19")
        - Decimal("0.101") * age_years
        + Decimal("0.147") * albumin_g_l
        + Decimal("0.0165") * (bilirubin_umol_l - bilirubin_day7_umol_l)
        - Decimal("0.206") * renal_insufficiency
        - Decimal("0.0065") * bilirubin_umol_l
        - Decimal("0.0096") * prothrombin_time_s
    )
    value = 1 / (1 + exp(r))
    return LILLE.result(
        value,
        flags=("bands_unverified", "renal_limit_unverified"),
        details={"R": round_half_up(r, 10), "stop_steroids": value >= Decimal("0.45")},
    )
