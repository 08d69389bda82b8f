"""Protocol and record to verdict and outcomes.

`build_protocol` reads a trial's data, `screen` judges a record against it, `assess`
judges the outcomes of someone who takes part, `evaluate_case` a worked case.
"""

from aclf_fhir.trial.cases import evaluate_case, find_case
from aclf_fhir.trial.judgement import Evidence, Need, Outcome
from aclf_fhir.trial.models import Criterion, Protocol
from aclf_fhir.trial.outcomes import Enrolment, OutcomeResult, assess
from aclf_fhir.trial.protocol import build_protocol
from aclf_fhir.trial.screen import CriterionResult, Verdict, screen

__all__ = [
    "Criterion",
    "CriterionResult",
    "Enrolment",
    "Evidence",
    "Need",
    "Outcome",
    "OutcomeResult",
    "Protocol",
    "Verdict",
    "assess",
    "build_protocol",
    "evaluate_case",
    "find_case",
    "screen",
]
