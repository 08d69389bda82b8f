"""Record to scores: which facts were chosen, and why."""

from aclf_fhir.evaluation.choice import Choice, Window, choose, converted
from aclf_fhir.evaluation.daily import DayWorst, daily_course
from aclf_fhir.evaluation.evaluate import evaluate, evaluate_at
from aclf_fhir.evaluation.points import at_draws, score_course, score_points
from aclf_fhir.evaluation.reading import Reads, age_limits, facts_read
from aclf_fhir.evaluation.reasons import Reason
from aclf_fhir.evaluation.rules import EvaluationRules
from aclf_fhir.evaluation.score_evaluation import ScoreEvaluation
from aclf_fhir.evaluation.snapshot import Snapshot

__all__ = [
    "Choice",
    "DayWorst",
    "EvaluationRules",
    "Reads",
    "Reason",
    "ScoreEvaluation",
    "Snapshot",
    "Window",
    "age_limits",
    "at_draws",
    "choose",
    "converted",
    "daily_course",
    "evaluate",
    "evaluate_at",
    "facts_read",
    "score_course",
    "score_points",
]
