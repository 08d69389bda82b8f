"""CLIF-C ACLF and CLIF-C AD, with the mortality they predict."""

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import cast

from aclf_fhir.scores.corners import spread
from aclf_fhir.scores.definition import Band, Score, ScoreInput, ScoreValue
from aclf_fhir.scores.inputs import ACLF_PRESENT, AGE, CREATININE, INR, LEUKOCYTES, SODIUM
from aclf_fhir.scores.logarithms import exp, ln
from aclf_fhir.scores.result import ScoreResult
from aclf_fhir.units import Interval, round_half_up

__all__ = ["CLIF_C_ACLF", "CLIF_C_AD", "clif_c_aclf", "clif_c_ad"]

_TEN = Decimal(10)
_ZERO = Decimal(0)
_HUNDRED = Decimal(100)

_Curves = tuple[tuple[str, Decimal, Decimal], ...]

_ACLF_MORTALITY: _Curves = (
    ("1_months", Decimal("0.0022"), Decimal("0.0995")),
    ("3_months", Decimal("0.0079"), Decimal("0.0869")),
    ("6_months", Decimal("0.0115"), Decimal("0.0824")),
    ("12_months", Decimal("0.0231"), Decimal("0.0731")),
)

_AD_MORTALITY: _Curves = (
    ("3_months", Decimal("0.00056"), Decimal("0.1007")),
    ("12_months", Decimal("0.00879"), Decimal("0.0698")),
)

# Above these points the fitted curve of the later month falls below the earlier one.
_CURVES_CROSS_ABOVE = Decimal(75)


@lru_cache(maxsize=1024)
def _mortality(score: Decimal, curves: _Curves) -> Mapping[str, Decimal]:
    """Return 1 - exp(-CI(t) * exp(b(t) * score)) per time, from the unrounded score."""
    return {
        time: round_half_up(1 - exp(-incidence * exp(slope * score)), 10)
        for time, incidence, slope in curves
    }


def _spread_with_mortality(score: Score, values: Mapping[str, ScoreValue]) -> ScoreResult:
    """Add the bounds of mortality, which rises with the score, to those of the score."""
    result = spread(score, values)
    bounds = result.bounds
    if bounds is None:
        return result
    curves = _ACLF_MORTALITY if score is CLIF_C_ACLF else _AD_MORTALITY
    # The bounds of a score have two ends.
    low, high = (_mortality(cast("Decimal", end), curves) for end in (bounds.low, bounds.high))
    mortality = {
        time: Interval(low[time], high[time], bounds.low_closed, bounds.high_closed) for time in low
    }
    return result._replace(details={**result.details, "mortality_bounds": mortality})


_CLIF_C_OF = ScoreInput(
    name="clif_c_of",
    concept="clif_c_of",
    kind="score",
    parameter="clif_c_of",
    title="CLIF-C organ failure score",
    low=Decimal(6),
    high=Decimal(18),
    whole=True,
)

CLIF_C_ACLF = Score(
    id="clif_c_aclf",
    version="1",
    title="CLIF-C ACLF",
    inputs=(_CLIF_C_OF, AGE, LEUKOCYTES, ACLF_PRESENT.using(required=False, direction=0)),
    spread=_spread_with_mortality,
    citation="Jalan R, et al. J Hepatol 2014;61(5):1038-1047",
    doi="10.1016/j.jhep.2014.06.012",
    verification="V2",
    formula="10 × (0.33 × CLIF-C OF + 0.04 × age + 0.63 × ln WBC − 2)",
)


@CLIF_C_ACLF.computed_by
def clif_c_aclf(
    *,
    clif_c_of: int,
    age_years: int,
    leukocytes_10e9_l: Decimal,
    aclf_present: bool | None = None,
) -> ScoreResult:
    """Predict short-term mortality in acute-on-chronic liver failure.

    10 × (0.33 × CLIF-C OF + 0.04 × age + 0.63 × ln WBC − 2)

    Mortality at time t is 1 − exp(−CI(t) × exp(b(t) × score)):

    ======  =====  ======  ======  ======
    Months  1      3       6       12
    ======  =====  ======  ======  ======
    CI      .0022  .0079   .0115   .0231
    b       .0995  .0869   .0824   .0731
    ======  =====  ======  ======  ======

    Parameters
    ----------
    clif_c_of
        CLIF-C organ failure score, 6 to 18 points.
    age_years
        Age at assessment, 18 to 120 a.
    leukocytes_10e9_l
        Leukocytes in blood, 0.001 to 500 10*9/L (LOINC 6690-2); no floor.
    aclf_present
        Whether the patient has ACLF, of any grade; None if not asked.

    Returns
    -------
    ScoreResult
        `ok`: 0 to 100, clamped, not rounded; higher is worse. `mortality` after 1, 3, 6
        and 12 months; the two later ones are not verified and flagged, as is a score
        above 75, where their curves cross. Without ACLF the reason `not_applicable`
        stands beside the number. `error` with the reason if an input lies outside
        its range; both ends are included.

    References
    ----------
    Jalan R, et al. J Hepatol 2014;61(5):1038-1047. doi:10.1016/j.jhep.2014.06.012
    """
    value = _TEN * (
        Decimal("0.33") * clif_c_of
        + Decimal("0.04") * age_years
        + Decimal("0.63") * ln(leukocytes_10e9_l)
        - 2
    )
    value = min(max(value, _ZERO), _HUNDRED)
    flags = ["mortality_6_12_months_unverified"]
    if value > _CURVES_CROSS_ABOVE:
        flags.append("mortality_curves_cross")
    return CLIF_C_ACLF.result(
        value,
        flags=tuple(flags),
        details={
            "rounded_1dp": round_half_up(value, 1),
            "mortality": _mortality(value, _ACLF_MORTALITY),
        },
        reason="not_applicable" if aclf_present is False else None,
    )


_RISK_GROUPS = (
    Band.below("low", "45", included=True),
    Band.from_to("intermediate", "45", "60", low_included=False),
    Band.above("high", "60"),
)

CLIF_C_AD = Score(
    id="clif_c_ad",
    version="1",
    title="CLIF-C AD",
    inputs=(
        AGE,
        CREATININE,
        INR,
        LEUKOCYTES,
        SODIUM.using(direction=-1),
        ACLF_PRESENT.using(required=False, direction=0),
    ),
    spread=_spread_with_mortality,
    citation="Jalan R, et al. J Hepatol 2015;62(4):831-840",
    doi="10.1016/j.jhep.2014.11.012",
    verification="V2",
    formula="10 × (0.03 age + 0.66 ln Cr + 1.71 ln INR + 0.88 ln WBC − 0.05 Na + 8)",
    bands=_RISK_GROUPS,
)


@CLIF_C_AD.computed_by
def clif_c_ad(
    *,
    age_years: int,
    creatinine_mg_dl: Decimal,
    inr: Decimal,
    leukocytes_10e9_l: Decimal,
    sodium_mmol_l: Decimal,
    aclf_present: bool | None = None,
) -> ScoreResult:
    """Predict mortality in acute decompensation of cirrhosis without ACLF.

    10 × (0.03 age + 0.66 ln Cr + 1.71 ln INR + 0.88 ln WBC − 0.05 Na + 8)

    Mortality at time t is 1 − exp(−CI(t) × exp(b(t) × score)); CI and b are 0.00056
    and 0.1007 at 3 months, 0.00879 and 0.0698 at 12 months.

    ============  ====  =========  =====
    Score         <=45  >45, <60   >=60
    ============  ====  =========  =====
    Risk          low   intermed.  high
    ============  ====  =========  =====

    Parameters
    ----------
    age_years
        Age at assessment, 18 to 120 a.
    creatinine_mg_dl
        Creatinine, 0.05 to 50 mg/dL (LOINC 2160-0); no floor.
    inr
        INR, 0.5 to 30 (LOINC 6301-6); no floor.
    leukocytes_10e9_l
        Leukocytes in blood, 0.001 to 500 10*9/L (LOINC 6690-2); no floor.
    sodium_mmol_l
        Sodium, 80 to 210 mmol/L (LOINC 2951-2); no bounds.
    aclf_present
        Whether the patient has ACLF, of any grade; None if not asked.

    Returns
    -------
    ScoreResult
        `ok`: 0 to 100, clamped, not rounded; risk group from the unrounded score. With
        ACLF the reason `not_applicable` stands beside the number.

    References
    ----------
    Jalan R, et al. J Hepatol 2015;62(4):831-840. doi:10.1016/j.jhep.2014.11.012
    """
    value = _TEN * (
        Decimal("0.03") * age_years
        + Decimal("0.66") * ln(creatinine_mg_dl)
        + Decimal("1.71") * ln(inr)
        + Decimal("0.88") * ln(leukocytes_10e9_l)
        - Decimal("0.05") * sodium_mmol_l
        + 8
    )
    value = min(max(value, _ZERO), _HUNDRED)
    return CLIF_C_AD.result(
        value,
        details={
            "rounded_1dp": round_half_up(value, 1),
            "mortality": _mortality(value, _AD_MORTALITY),
        },
        # The mortality coefficients were checked against one source only, the score against two.
        flags=("mortality_single_source",),
        reason="not_applicable" if aclf_present else None,
    )
