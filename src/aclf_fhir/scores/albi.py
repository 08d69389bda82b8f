"""ALBI: albumin and bilirubin."""

from decimal import Decimal

from aclf_fhir.scores.definition import Band, Score, settled
from aclf_fhir.scores.inputs import ALBUMIN_G_L, BILIRUBIN_UMOL_L
from aclf_fhir.scores.logarithms import log10
from aclf_fhir.scores.result import ScoreResult

__all__ = ["ALBI", "albi"]

ALBI = Score(
    id="albi",
    version="1",
    title="ALBI",
    inputs=(BILIRUBIN_UMOL_L, ALBUMIN_G_L.using(direction=-1)),
    citation="Johnson PJ, et al. J Clin Oncol 2015;33(6):550-558",
    doi="10.1200/JCO.2014.57.9151",
    verification="M",
    formula="0.66 log10 bilirubin − 0.085 albumin",
    places=2,
    bands=(
        Band.below("1", "-2.60", included=True),
        Band.from_to("2", "-2.60", "-1.39", low_included=False, high_included=True),
        Band.above("3", "-1.39", included=False),
    ),
)


@ALBI.computed_by
def albi(*, bilirubin_umol_l: Decimal, albumin_g_l: Decimal) -> ScoreResult:
    """Grade liver function in hepatocellular carcinoma.

    0.66 log10 bilirubin − 0.085 albumin

    ========  ========  ===================  ===================  =======
    Score     <= -2.60  > -2.60 to <= -2.27  > -2.27 to <= -1.39  > -1.39
    ========  ========  ===================  ===================  =======
    Grade     1         2                    2                    3
    Modified  1         2a                   2b                   3
    ========  ========  ===================  ===================  =======

    Nearly every patient with ACLF is in grade 3.

    Parameters
    ----------
    bilirubin_umol_l
        Total bilirubin, 0.171 to 1710 umol/L (LOINC 14631-6).
    albumin_g_l
        Albumin, 3 to 80 g/L (LOINC 1751-7).

    Returns
    -------
    ScoreResult
        `ok`: rounded to two decimals; grade from the unrounded score, `modified` grade
        in the details.

    References
    ----------
    Johnson PJ, et al. J Clin Oncol 2015;33(6):550-558. doi:10.1200/JCO.2014.57.9151
    """
    value = settled(Decimal("0.66") * log10(bilirubin_umol_l) - Decimal("0.085") * albumin_g_l)
    if value <= Decimal("-2.27"):
        modified = "1" if value <= Decimal("-2.60") else "2a"
    else:
        modified = "2b" if value <= Decimal("-1.39") else "3"
    return ALBI.result(value, details={"modified": modified})
