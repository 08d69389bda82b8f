"""Child-Pugh: with INR, with prothrombin time, and with the bands for cholestatic disease."""

from collections.abc import Callable
from decimal import Decimal
from typing import Literal

from aclf_fhir.scores.definition import NO, YES, Band, Score, ScoreInput
from aclf_fhir.scores.inputs import ALBUMIN, ASCITES, BILIRUBIN, HE_GRADE, INR
from aclf_fhir.scores.result import ScoreResult
from aclf_fhir.scores.tables import Sum

__all__ = [
    "CHILD_PUGH",
    "CHILD_PUGH_CHOLESTATIC",
    "CHILD_PUGH_PT",
    "Ascites",
    "child_pugh",
    "child_pugh_cholestatic",
    "child_pugh_pt",
]

Ascites = Literal["none", "mild", "controlled", "moderate", "severe", "refractory"]

_CLASSES = (
    Band.below("A", "6", included=True),
    Band.from_to("B", "6", "9", low_included=False, high_included=True),
    Band.above("C", "9", included=False),
)

_CITATION = "Pugh RNH, et al. Br J Surg 1973;60(8):646-649"
_DOI = "10.1002/bjs.1800600817"

_HE_CONTROLLED = ScoreInput(
    name="he_controlled_by_medication",
    concept="he_controlled_by_medication",
    kind="support",
    parameter="he_controlled_by_medication",
    title="Encephalopathy suppressed by medication",
    values=(NO, YES),
    required=False,
    recorded_only=True,
)

_PT_PROLONGATION = ScoreInput(
    name="pt_prolongation",
    concept="pt_prolongation",
    kind="analyte",
    parameter="pt_prolongation_s",
    title="Prothrombin time over control",
    unit="s",
    low=Decimal(-20),
    high=Decimal(290),
    cuts=(Decimal(4), Decimal(6)),
)


def _bilirubin_points(bilirubin_mg_dl: Decimal) -> int:
    return 1 if bilirubin_mg_dl < 2 else 2 if bilirubin_mg_dl <= 3 else 3


def _cholestatic_points(bilirubin_mg_dl: Decimal) -> int:
    return 1 if bilirubin_mg_dl < 4 else 2 if bilirubin_mg_dl <= 10 else 3


def _prolongation_points(pt_prolongation_s: Decimal) -> int:
    return 1 if pt_prolongation_s < 4 else 2 if pt_prolongation_s <= 6 else 3


def _albumin_points(albumin_g_dl: Decimal) -> int:
    return 1 if albumin_g_dl > Decimal("3.5") else 2 if albumin_g_dl >= Decimal("2.8") else 3


def _inr_points(inr: Decimal) -> int:
    return 1 if inr < Decimal("1.7") else 2 if inr <= Decimal("2.3") else 3


def _ascites_points(ascites: Ascites) -> int:
    return 1 if ascites == "none" else 2 if ascites in ("mild", "controlled") else 3


def _encephalopathy_points(he_grade: int, *, controlled: bool) -> int:
    if he_grade >= 3:
        return 3
    return 2 if he_grade >= 1 or controlled else 1


def _add(
    score: Score, bilirubin_points: Callable[..., int], coagulation_points: Callable[..., int]
) -> Sum:
    """Return the sum of the five items for inputs that are not exact."""
    bilirubin, albumin, coagulation, ascites, he_grade, controlled = score.arguments
    return Sum(
        ("bilirubin", "albumin", "coagulation", "ascites", "encephalopathy"),
        (("bilirubin",), (bilirubin,), lambda number: (bilirubin_points(number),)),
        (("albumin",), (albumin,), lambda number: (_albumin_points(number),)),
        (("coagulation",), (coagulation,), lambda number: (coagulation_points(number),)),
        (("ascites",), (ascites,), lambda grade: (_ascites_points(grade),)),
        (
            ("encephalopathy",),
            (he_grade, controlled),
            lambda grade, by_drug: (_encephalopathy_points(grade, controlled=bool(by_drug)),),
        ),
    )


def _total(score: Score, **points: int) -> ScoreResult:
    return score.result(sum(points.values()), components=points)


CHILD_PUGH = Score(
    id="child_pugh",
    version="1",
    title="Child-Pugh",
    inputs=(
        BILIRUBIN.using("2", "3"),
        ALBUMIN.using("2.8", "3.5", direction=-1),
        INR.using("1.7", "2.3"),
        ASCITES,
        HE_GRADE,
        _HE_CONTROLLED,
    ),
    citation=_CITATION,
    doi=_DOI,
    verification="V2",
    formula="bilirubin + albumin + INR + ascites + encephalopathy, 1 to 3 points each",
    loinc="98152-2",
    bands=_CLASSES,
    form="steps",
)


CHILD_PUGH.spread = _add(CHILD_PUGH, _bilirubin_points, _inr_points).spread


@CHILD_PUGH.computed_by
def child_pugh(
    *,
    bilirubin_mg_dl: Decimal,
    albumin_g_dl: Decimal,
    inr: Decimal,
    ascites: Ascites,
    he_grade: int,
    he_controlled_by_medication: bool = False,
) -> ScoreResult:
    """Grade the severity of cirrhosis.

    ===================  ======  ==========================  ============================
    Points               1       2                           3
    ===================  ======  ==========================  ============================
    Bilirubin, mg/dL     < 2     2 to 3                      > 3
    Albumin, g/dL        > 3.5   2.8 to 3.5                  < 2.8
    INR                  < 1.7   1.7 to 2.3                  > 2.3
    Ascites              none    mild, or controlled         moderate, severe, refractory
    Encephalopathy       none    grade 1 to 2, or            grade 3 to 4
                                 suppressed by medication
    ===================  ======  ==========================  ============================

    The middle band includes both its ends. A is 5 to 6, B 7 to 9, C 10 to 15.

    Parameters
    ----------
    bilirubin_mg_dl
        Total bilirubin, 0.01 to 100 mg/dL (LOINC 1975-2).
    albumin_g_dl
        Albumin, 0.3 to 8 g/dL (LOINC 1751-7).
    inr
        INR, 0.5 to 30 (LOINC 6301-6).
    ascites
        none, mild, controlled (by diuretics), moderate, severe or refractory.
    he_grade
        West Haven grade, 0 to 4.
    he_controlled_by_medication
        Encephalopathy that only medication suppresses.

    Returns
    -------
    ScoreResult
        `ok`: 5 to 15 points, class A to C, points per item. `error` with the reason
        if an input lies outside its range; both ends are included.

    References
    ----------
    Pugh RNH, et al. Br J Surg 1973;60(8):646-649. doi:10.1002/bjs.1800600817
    """
    return _total(
        CHILD_PUGH,
        bilirubin=_bilirubin_points(bilirubin_mg_dl),
        albumin=_albumin_points(albumin_g_dl),
        coagulation=_inr_points(inr),
        ascites=_ascites_points(ascites),
        encephalopathy=_encephalopathy_points(he_grade, controlled=he_controlled_by_medication),
    )


CHILD_PUGH_PT = Score(
    id="child_pugh_pt",
    version="1",
    title="Child-Pugh, prothrombin time form",
    inputs=(
        BILIRUBIN.using("2", "3"),
        ALBUMIN.using("2.8", "3.5", direction=-1),
        _PT_PROLONGATION,
        ASCITES,
        HE_GRADE,
        _HE_CONTROLLED,
    ),
    citation=_CITATION,
    doi=_DOI,
    verification="V2",
    formula="bilirubin + albumin + prothrombin time + ascites + encephalopathy, 1 to 3 each",
    bands=_CLASSES,
    form="steps",
)


CHILD_PUGH_PT.spread = _add(CHILD_PUGH_PT, _bilirubin_points, _prolongation_points).spread


@CHILD_PUGH_PT.computed_by
def child_pugh_pt(
    *,
    bilirubin_mg_dl: Decimal,
    albumin_g_dl: Decimal,
    pt_prolongation_s: Decimal,
    ascites: Ascites,
    he_grade: int,
    he_controlled_by_medication: bool = False,
) -> ScoreResult:
    """Grade the severity of cirrhosis with the prothrombin time in place of INR.

    ===================  ======  ==========================  ============================
    Points               1       2                           3
    ===================  ======  ==========================  ============================
    Bilirubin, mg/dL     < 2     2 to 3                      > 3
    Albumin, g/dL        > 3.5   2.8 to 3.5                  < 2.8
    PT over control, s   < 4     4 to 6                      > 6
    Ascites              none    mild, or controlled         moderate, severe, refractory
    Encephalopathy       none    grade 1 to 2, or            grade 3 to 4
                                 suppressed by medication
    ===================  ======  ==========================  ============================

    The middle band includes both its ends. A is 5 to 6, B 7 to 9, C 10 to 15.

    Parameters
    ----------
    bilirubin_mg_dl, albumin_g_dl, ascites, he_grade, he_controlled_by_medication
        As in `child_pugh`.
    pt_prolongation_s
        Prothrombin time minus the control of the same laboratory, -20 to 290 s.

    Returns
    -------
    ScoreResult
        `ok`: 5 to 15 points, class A to C, points per item.

    References
    ----------
    Pugh RNH, et al. Br J Surg 1973;60(8):646-649. doi:10.1002/bjs.1800600817
    """
    return _total(
        CHILD_PUGH_PT,
        bilirubin=_bilirubin_points(bilirubin_mg_dl),
        albumin=_albumin_points(albumin_g_dl),
        coagulation=_prolongation_points(pt_prolongation_s),
        ascites=_ascites_points(ascites),
        encephalopathy=_encephalopathy_points(he_grade, controlled=he_controlled_by_medication),
    )


CHILD_PUGH_CHOLESTATIC = Score(
    id="child_pugh_cholestatic",
    version="1",
    title="Child-Pugh for primary biliary or sclerosing cholangitis",
    inputs=(
        BILIRUBIN.using("4", "10"),
        ALBUMIN.using("2.8", "3.5", direction=-1),
        INR.using("1.7", "2.3"),
        ASCITES,
        HE_GRADE,
        _HE_CONTROLLED,
    ),
    citation=_CITATION,
    doi=_DOI,
    verification="V2",
    formula="bilirubin + albumin + INR + ascites + encephalopathy, 1 to 3 points each",
    bands=_CLASSES,
    form="steps",
)


CHILD_PUGH_CHOLESTATIC.spread = _add(
    CHILD_PUGH_CHOLESTATIC, _cholestatic_points, _inr_points
).spread


@CHILD_PUGH_CHOLESTATIC.computed_by
def child_pugh_cholestatic(
    *,
    bilirubin_mg_dl: Decimal,
    albumin_g_dl: Decimal,
    inr: Decimal,
    ascites: Ascites,
    he_grade: int,
    he_controlled_by_medication: bool = False,
) -> ScoreResult:
    """Grade the severity of cirrhosis where cholestasis raises the bilirubin.

    ===================  ======  ==========================  ============================
    Points               1       2                           3
    ===================  ======  ==========================  ============================
    Bilirubin, mg/dL     < 4     4 to 10                     > 10
    Albumin, g/dL        > 3.5   2.8 to 3.5                  < 2.8
    INR                  < 1.7   1.7 to 2.3                  > 2.3
    Ascites              none    mild, or controlled         moderate, severe, refractory
    Encephalopathy       none    grade 1 to 2, or            grade 3 to 4
                                 suppressed by medication
    ===================  ======  ==========================  ============================

    The middle band includes both its ends. Only where a protocol asks for it.

    Parameters
    ----------
    bilirubin_mg_dl, albumin_g_dl, inr, ascites, he_grade, he_controlled_by_medication
        As in `child_pugh`.

    Returns
    -------
    ScoreResult
        `ok`: 5 to 15 points, class A to C, points per item.

    References
    ----------
    Pugh RNH, et al. Br J Surg 1973;60(8):646-649. doi:10.1002/bjs.1800600817
    """
    return _total(
        CHILD_PUGH_CHOLESTATIC,
        bilirubin=_cholestatic_points(bilirubin_mg_dl),
        albumin=_albumin_points(albumin_g_dl),
        coagulation=_inr_points(inr),
        ascites=_ascites_points(ascites),
        encephalopathy=_encephalopathy_points(he_grade, controlled=he_controlled_by_medication),
    )
