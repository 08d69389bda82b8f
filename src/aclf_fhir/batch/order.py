"""In which order resources are sent: what others point at goes first.

After what belongs to nobody, and all Patients, everything about one Patient follows
together: a server that computes from it is disturbed once per Patient, not all the time.
"""

__all__ = ["precedence", "rank"]

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


def precedence(type_: str, patient: str) -> tuple[int, str, int]:
    """Return the place of a resource in a send.

    Parameters
    ----------
    type_
        Its resource type.
    patient
        The Patient it is about, "" if it names none.
    """
    if patient:
        return (1, patient, rank(type_))
    return (0 if rank(type_) <= rank("ResearchStudy") else 2, "", rank(type_))
