"""Published scores over named inputs: pure functions, and `compute` for any of them.

To add a score: its function and declaration in the module of its family, a line in
`SCORES`, a file in `tests/spec/scores/`.
"""

from collections.abc import Mapping
from functools import lru_cache

from aclf_fhir.scores.aclf_grade import EASL_CLIF_ACLF_GRADE
from aclf_fhir.scores.albi import ALBI
from aclf_fhir.scores.alcohol import LILLE, MADDREY_DF
from aclf_fhir.scores.apasl import AARC, APASL_ACLF_DEFINITION
from aclf_fhir.scores.child_pugh import CHILD_PUGH, CHILD_PUGH_CHOLESTATIC, CHILD_PUGH_PT
from aclf_fhir.scores.chinese import (
    CHINESE_ACLF_DEFINITION,
    CHINESE_ACLF_STAGE,
    COSSH_ACLF,
    COSSH_ACLF_GRADE,
    COSSH_ACLF_II,
)
from aclf_fhir.scores.clif_c import CLIF_C_ACLF, CLIF_C_AD
from aclf_fhir.scores.clif_organs import CLIF_C_OF
from aclf_fhir.scores.clif_sofa import CLIF_SOFA
from aclf_fhir.scores.coagulation import INR_FROM_PT, PTA_FROM_PT
from aclf_fhir.scores.computation import compute_score
from aclf_fhir.scores.definition import Score, ScoreInput, ScoreValue
from aclf_fhir.scores.kidney_injury import ICA_AKI, ICA_AKI_RESPONSE, KDIGO_AKI_CREATININE
from aclf_fhir.scores.meld import (
    MELD_3_0,
    MELD_LACTATE,
    MELD_NA_KIM2008,
    MELD_NA_OPTN2016,
    MELD_OPTN,
    UKELD,
)
from aclf_fhir.scores.nacseld import NACSELD_ACLF
from aclf_fhir.scores.oxygenation import RESPIRATORY_RATIO
from aclf_fhir.scores.result import Reason, ScoreResult
from aclf_fhir.units import Interval

__all__ = [
    "SCORES",
    "Reason",
    "Score",
    "ScoreInput",
    "ScoreResult",
    "ScoreValue",
    "compute",
    "input_error",
]

SCORES: dict[str, Score] = {
    score.id: score
    for score in (
        MELD_OPTN,
        MELD_NA_OPTN2016,
        MELD_NA_KIM2008,
        MELD_3_0,
        MELD_LACTATE,
        UKELD,
        CHILD_PUGH,
        CHILD_PUGH_PT,
        CHILD_PUGH_CHOLESTATIC,
        CLIF_SOFA,
        CLIF_C_OF,
        EASL_CLIF_ACLF_GRADE,
        CLIF_C_ACLF,
        CLIF_C_AD,
        APASL_ACLF_DEFINITION,
        AARC,
        CHINESE_ACLF_DEFINITION,
        CHINESE_ACLF_STAGE,
        COSSH_ACLF_GRADE,
        COSSH_ACLF,
        COSSH_ACLF_II,
        ALBI,
        NACSELD_ACLF,
        KDIGO_AKI_CREATININE,
        ICA_AKI,
        ICA_AKI_RESPONSE,
        MADDREY_DF,
        LILLE,
        RESPIRATORY_RATIO,
        PTA_FROM_PT,
        INR_FROM_PT,
    )
}


def compute(score_id: str, inputs: Mapping[str, ScoreValue]) -> ScoreResult:
    """Compute a score from inputs that may be exact, bounded or missing.

    Parameters
    ----------
    score_id
        Id of the score, a key of `SCORES`.
    inputs
        Value per input name, in the unit the input declares: an `Interval`, the set of
        possible codes, or None. An absent name is missing.

    Returns
    -------
    ScoreResult
        `ok` if all values the inputs allow give one result, `indeterminate` with
        bounds or possible grades if they give several, `error` if an input cannot
        be used. A missing number is taken to lie in the range its input declares.
    """
    return _computed(_Asked.of(score_id, inputs))


class _Asked(tuple[object, ...]):
    """A score and its inputs as written, which tells 1.2 from 1.20: these are equal.

    A result must not depend on who asked before.
    """

    inputs: Mapping[str, ScoreValue]

    @classmethod
    def of(cls, score_id: str, inputs: Mapping[str, ScoreValue]) -> "_Asked":
        written: list[object] = [score_id]
        for name, value in inputs.items():
            if isinstance(value, Interval):
                low, high = value.low, value.high
                number = str(low)
                written += name, number, number if high is low else str(high)
                written += value.low_closed, value.high_closed
            else:
                written += name, value
        asked = cls(written)
        asked.inputs = inputs
        return asked


@lru_cache(maxsize=8192)
def _computed(asked: _Asked) -> ScoreResult:
    """Compute a score; a course of results asks for the same inputs again and again."""
    return compute_score(SCORES[str(asked[0])], asked.inputs)


def input_error(score_id: str, reason: Reason, name: str) -> ScoreResult:
    """Return the result of a score whose input was unusable before it had a number.

    Parameters
    ----------
    score_id
        Id of the score.
    reason
        `missing_unit` or `unsupported_unit`.
    name
        The input.

    Returns
    -------
    ScoreResult
        An `error` that names the input in `details["field"]`.
    """
    return SCORES[score_id].error(reason, name)
