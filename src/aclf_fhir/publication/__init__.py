"""Results as FHIR: pure functions from evaluations to resources, byte for byte the same."""

from aclf_fhir.publication.blinding import (
    BlindCriterion,
    BlindOutcome,
    BlindVerdict,
    blind_outcome,
    blind_verdict,
)
from aclf_fhir.publication.bundle import BundleEntry, BundleType, bundle_bytes
from aclf_fhir.publication.capability import (
    OfferedOperation,
    OfferedParameter,
    OfferedResource,
    capability_statement,
)
from aclf_fhir.publication.comparison import comparison_parameters
from aclf_fhir.publication.criterion import verdict_id, verdict_observations
from aclf_fhir.publication.derived import (
    ORIGIN,
    Derived,
    ObservationStatus,
    derived_id,
    revise,
    with_status,
)
from aclf_fhir.publication.measure import measure, measure_report
from aclf_fhir.publication.operation_outcome import operation_outcome
from aclf_fhir.publication.outcome import outcome_observation
from aclf_fhir.publication.provenance import EvaluationReason, gateway_device, provenance
from aclf_fhir.publication.review import (
    Finding,
    SignedDecision,
    findings,
    read_signed,
    review_id,
    review_task,
)
from aclf_fhir.publication.score import score_observation, score_observations, score_panel
from aclf_fhir.publication.signed import (
    MEANINGS,
    Frozen,
    Signature,
    content_hash,
    signed_document,
)
from aclf_fhir.publication.study import protocol_code_system, questionnaire, research_study
from aclf_fhir.publication.subject import (
    STATUS_REASON,
    machine_verdict,
    research_subject,
    research_subject_id,
)
from aclf_fhir.publication.subject_list import (
    SUBJECT_STATUS,
    Listed,
    subject_list,
    subject_list_id,
)
from aclf_fhir.publication.trial_zone import TrialZone

__all__ = [
    "MEANINGS",
    "ORIGIN",
    "STATUS_REASON",
    "SUBJECT_STATUS",
    "BlindCriterion",
    "BlindOutcome",
    "BlindVerdict",
    "BundleEntry",
    "BundleType",
    "Derived",
    "EvaluationReason",
    "Finding",
    "Frozen",
    "Listed",
    "ObservationStatus",
    "OfferedOperation",
    "OfferedParameter",
    "OfferedResource",
    "Signature",
    "SignedDecision",
    "TrialZone",
    "blind_outcome",
    "blind_verdict",
    "bundle_bytes",
    "capability_statement",
    "comparison_parameters",
    "content_hash",
    "derived_id",
    "findings",
    "gateway_device",
    "machine_verdict",
    "measure",
    "measure_report",
    "operation_outcome",
    "outcome_observation",
    "protocol_code_system",
    "provenance",
    "questionnaire",
    "read_signed",
    "research_study",
    "research_subject",
    "research_subject_id",
    "review_id",
    "review_task",
    "revise",
    "score_observation",
    "score_observations",
    "score_panel",
    "signed_document",
    "subject_list",
    "subject_list_id",
    "verdict_id",
    "verdict_observations",
    "with_status",
]
