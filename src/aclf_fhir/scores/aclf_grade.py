"""EASL-CLIF grade of acute-on-chronic liver failure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from aclf_fhir.scores.clif_organs import (
    CLIF_C_OF,
    ORGAN_ARGUMENTS,
    ORGAN_INPUTS,
    Vasopressor,
    Ventilation,
    failed_organs,
    organ_points,
    support_flags,
)
from aclf_fhir.scores.corners import codes_of, representatives, spread
from aclf_fhir.scores.definition import YES, Score, ScoreInput, ScoreValue
from aclf_fhir.scores.oxygenation import derive_ratio
from aclf_fhir.scores.result import ScoreResult

__all__ = [
    "EASL_CLIF_ACLF_GRADE",
    "GRADES",
    "Dysfunction",
    "OrganStates",
    "easl_clif_aclf_grade",
    "grade_of",
    "possible_states",
    "summary_of_grades",
]

GRADES = ("none", "1a", "1b", "2", "3a", "3b")
"""In order of severity; 1a and 1b are neighbors."""

_ARGUMENT: dict[str, ScoreInput] = {each.name: each for each in ORGAN_ARGUMENTS}


@dataclass(frozen=True, slots=True)
class Dysfunction:
    """What keeps a single failure from being no ACLF, and the failures themselves.

    Parameters
    ----------
    kidney
        Creatinine of 1.5 to below 2.0 mg/dL.
    brain
        West Haven grade 1 to 2.
    """

    kidney: bool
    brain: bool


@dataclass(frozen=True, slots=True)
class OrganStates:
    """One possible state of the six organs.

    Parameters
    ----------
    failures
        Organs in failure.
    dysfunction
        Dysfunctions beside them.
    inr
        The INR, for definitions that ask for it.
    without_terlipressin
        Organs in failure if terlipressin given for another reason did not count.
    """

    failures: frozenset[str]
    dysfunction: Dysfunction
    inr: Decimal
    without_terlipressin: frozenset[str]
