"""An outcome of one subject as an Observation; what follow-up does not prove is absent."""

from aclf_fhir.publication.criterion import evidence_component, sources_of
from aclf_fhir.publication.derived import Derived, derived_id
from aclf_fhir.publication.elements import (
    categories,
    compact,
    component,
    flag_components,
    meta,
    reason_components,
    reference,
    study_extension,
)
from aclf_fhir.publication.score import derived_from
from aclf_fhir.publication.trial_content import answer_value, fresh_component, protocol_code
from aclf_fhir.trial.outcomes import OutcomeResult

__all__ = ["outcome_observation"]


def outcome_observation(
    result: OutcomeResult, *, trial: str, site: str, subject: str, subject_reference: str = ""
) -> Derived:
    """Write one outcome.

    Parameters
    ----------
    result
        What the record proves.
    trial
        Protocol id; with subject and outcome it is the identity.
    site, subject
        Whose outcome it is.
    subject_reference
        What `Observation.subject` points at, `Patient/{subject}` by default.

    Returns
    -------
    Derived
        Dated with the day it was due; the days of events stand in the evidence.
    """
    sources = sources_of((*result.evidence, *result.competing))
    resource = compact(
        resourceType="Observation",
        id=derived_id(site, "Observation", subject, "outcome", trial, result.outcome),
        meta=meta("outcome"),
        extension=[study_extension(trial)],
        status="final",
        category=categories("outcome"),
        code=protocol_code(trial, result.outcome, result.title),
        subject=reference(subject_reference or f"Patient/{subject}"),
        effectiveDateTime=result.due.isoformat(),
        **answer_value(result.value),
        note=[{"text": result.note}] if result.note else None,
        derivedFrom=derived_from(sources),
        component=[
            *reason_components(result.reasons),
            *(evidence_component(evidence) for evidence in result.evidence),
            *(evidence_component(evidence, "competing") for evidence in result.competing),
            *(
                component(f"variant.{name}", answer_value(answer))
                for name, answer in sorted(result.variants.items())
            ),
            *flag_components(result.flags),
            *fresh_component(result.fresh_until),
        ],
    )
    return Derived.of(resource, subject=subject, sources=sources)
