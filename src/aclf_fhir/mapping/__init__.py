"""FHIR resources → facts: one module per resource type, one entry point.

Every input ends as mapped (facts), not needed (by a rule of `rules`) or held (with
reasons a person can act on). Refused inputs never get here.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aclf_fhir.mapping.condition import map_condition
from aclf_fhir.mapping.consent import map_consent
from aclf_fhir.mapping.device import map_device
from aclf_fhir.mapping.diagnostic_report import map_diagnostic_report
from aclf_fhir.mapping.draft import Draft, not_needed
from aclf_fhir.mapping.encounter import map_encounter
from aclf_fhir.mapping.family_member_history import map_family_member_history
from aclf_fhir.mapping.medication import map_medication
from aclf_fhir.mapping.medication_administration import map_medication_administration
from aclf_fhir.mapping.medication_request import map_medication_request
from aclf_fhir.mapping.medication_statement import map_medication_statement
from aclf_fhir.mapping.models import (
    Disposition,
    HeldReason,
    Holding,
    MappingContext,
    MappingOutcome,
    SiteMap,
    SubjectDates,
)
from aclf_fhir.mapping.observation import map_observation
from aclf_fhir.mapping.origin import is_own
from aclf_fhir.mapping.patient import map_patient
from aclf_fhir.mapping.procedure import map_procedure
from aclf_fhir.mapping.questionnaire_response import map_questionnaire_response
from aclf_fhir.mapping.research_subject import map_research_subject
from aclf_fhir.mapping.rules import HELD, RULES, rule_text
from aclf_fhir.mapping.service_request import map_service_request
from aclf_fhir.mapping.specimen import map_specimen

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.datatypes import Resource

__all__ = [
    "HELD",
    "RULES",
    "Disposition",
    "HeldReason",
    "Holding",
    "MappingContext",
    "MappingOutcome",
    "SiteMap",
    "SubjectDates",
    "map_resource",
    "rule_text",
]

_MODULES: Mapping[str, Callable[[Any, Draft], str]] = {
    "Condition": map_condition,
    "Consent": map_consent,
    "Device": map_device,
    "DiagnosticReport": map_diagnostic_report,
    "Encounter": map_encounter,
    "FamilyMemberHistory": map_family_member_history,
    "Medication": map_medication,
    "MedicationAdministration": map_medication_administration,
    "MedicationRequest": map_medication_request,
    "MedicationStatement": map_medication_statement,
    "Observation": map_observation,
    "Patient": map_patient,
    "Procedure": map_procedure,
    "QuestionnaireResponse": map_questionnaire_response,
    "ResearchSubject": map_research_subject,
    "ServiceRequest": map_service_request,
    "Specimen": map_specimen,
}


def map_resource(resource: "Resource", context: MappingContext) -> MappingOutcome:
    """Map one valid R4 resource to facts.

    Parameters
    ----------
    resource
        The struct, as `fhir.parse_resource` returns it.
    context
        Site, catalog, key and clocks, and how to look other resources up.

    Returns
    -------
    MappingOutcome
        `held` where anything in it is held; facts from sound elements beside a held
        one stand, and none where the hold concerns the whole resource. A resource
        entered in error has no facts, which retracts those of its earlier versions.
    """
    type_ = type(resource).__name__
    module = _MODULES.get(type_)
    if module is None:
        return not_needed("type-without-use")
    # A person moves the status of a ResearchSubject the gateway made: its module decides.
    if type_ != "ResearchSubject" and is_own(resource):
        return not_needed("own-derived")
    if getattr(resource, "status", None) == "entered-in-error":
        return not_needed("entered-in-error")
    draft = Draft(context, type_)
    return draft.outcome(module(resource, draft))
