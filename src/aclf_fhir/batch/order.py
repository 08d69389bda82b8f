"""In which order resources are sent: what others point at goes first."""

__all__ = ["rank"]

_ORDER = (
    "Organization",
    "Practitioner",
    "PractitionerRole",
    "Location",
    "Endpoint",
    "Patient",
    "RelatedPerson",
    "Medication",
    "Substance",
    "Device",
    "Group",
    "Questionnaire",
    "ResearchStudy",
    "Encounter",
    "EpisodeOfCare",
    "CareTeam",
    "ServiceRequest",
    "Specimen",
    "Condition",
    "AllergyIntolerance",
    "FamilyMemberHistory",
    "Consent",
    "Procedure",
    "MedicationRequest",
    "MedicationStatement",
    "MedicationAdministration",
    "MedicationDispense",
    "Observation",
    "QuestionnaireResponse",
    "ImagingStudy",
    "DiagnosticReport",
)
_RANKS = {type_: number for number, type_ in enumerate(_ORDER)}


def rank(type_: str) -> int:
    """Return the place of a resource type; types nobody waits for come last."""
    return _RANKS.get(type_, len(_ORDER))
