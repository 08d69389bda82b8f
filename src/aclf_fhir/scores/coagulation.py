"""Prothrombin activity and INR from a prothrombin time.

These are relations of one test to itself, for laboratories that report seconds.
Activity and INR are never converted into each other: the INR is standardised for
anticoagulated plasma, and in liver failure laboratories agree on the activity alone.
"""

from decimal import Decimal

from aclf_fhir.scores.alcohol import PT_CONTROL
from aclf_fhir.scores.definition import Score, ScoreInput
from aclf_fhir.scores.inputs import PROTHROMBIN_TIME
from aclf_fhir.scores.logarithms import exp, ln
from aclf_fhir.scores.result import ScoreResult

__all__ = ["INR_FROM_PT", "PTA_FROM_PT", "inr_from_pt", "pta_from_pt"]

PTA_FROM_PT = Score(
    id="pta_from_pt",
    version="1",
    title="Prothrombin activity from prothrombin time",
    inputs=(
        PROTHROMBIN_TIME.using(direction=-1),
        PT_CONTROL.using(direction=1),
    ),
    citation="Robert A, Chazouilleres O. Hepatology 1996;24(6):1392-1394",
    doi="",
    verification="M",
    formula="100 × (C − 0.6 C) / (PT − 0.6 C)",
    unit="%",
    places=1,
)


@PTA_FROM_PT.computed_by
def pta_from_pt(*, prothrombin_time_s: Decimal, pt_control_s: Decimal) -> ScoreResult:
    """Approximate prothrombin activity where only the time is reported.

    100 × (C − 0.6 C) / (PT − 0.6 C), C the control time

    40 % is a PT ratio of exactly 1.6. The formula is not verified, and an activity
    found so never decides a criterion.

    Parameters
    ----------
    prothrombin_time_s
        Prothrombin time, 5 to 300 s (LOINC 5902-2), above 0.6 C.
    pt_control_s
        Control of the same laboratory, 8 to 20 s.

    Returns
    -------
    ScoreResult
        `ok`: percent, rounded to one decimal; `at_most_40` in the details.

    References
    ----------
    Robert A, Chazouilleres O. Hepatology 1996;24(6):1392-1394
    """
    offset = Decimal("0.6") * pt_control_s
    if prothrombin_time_s <= offset:
        return PTA_FROM_PT.error("out_of_range", PROTHROMBIN_TIME.name)
    value = 100 * (pt_control_s - offset) / (prothrombin_time_s - offset)
    return PTA_FROM_PT.result(value, details={"at_most_40": value <= 40})


_PT_MEAN_NORMAL = ScoreInput(
    name="pt_mean_normal",
    concept="pt_mean_normal",
    kind="supplied",
    parameter="pt_mean_normal_s",
    title="Mean normal prothrombin time of the laboratory",
    unit="s",
    low=Decimal(8),
    high=Decimal(20),
    direction=-1,
)

_ISI = ScoreInput(
    name="isi",
    concept="isi",
    kind="supplied",
    parameter="isi",
    title="International sensitivity index of the reagent",
    unit="1",
    low=Decimal("0.5"),
    high=Decimal(3),
    direction=0,
)

INR_FROM_PT = Score(
    id="inr_from_pt",
    version="1",
    title="INR from prothrombin time",
    inputs=(PROTHROMBIN_TIME, _PT_MEAN_NORMAL, _ISI),
    citation="WHO Expert Committee on Biological Standardization. Tech Rep Ser 687, 1983",
    doi="",
    verification="V2",
    formula="(PT / mean normal PT) ^ ISI",
    unit="{INR}",
    places=2,
)


@INR_FROM_PT.computed_by
def inr_from_pt(
    *, prothrombin_time_s: Decimal, pt_mean_normal_s: Decimal, isi: Decimal
) -> ScoreResult:
    """Compute the INR from a prothrombin time and its reagent.

    (PT / mean normal PT) ^ ISI

    Parameters
    ----------
    prothrombin_time_s
        Prothrombin time, 5 to 300 s (LOINC 5902-2).
    pt_mean_normal_s
        Mean normal time of the same laboratory, 8 to 20 s.
    isi
        International sensitivity index of the reagent, 0.5 to 3.

    Returns
    -------
    ScoreResult
        `ok`: INR, rounded to two decimals.

    References
    ----------
    WHO Expert Committee on Biological Standardization. Technical Report Series 687, 1983
    """
    return INR_FROM_PT.result(exp(isi * ln(prothrombin_time_s / pt_mean_normal_s)))
