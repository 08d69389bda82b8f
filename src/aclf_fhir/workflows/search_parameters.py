"""Which elements of which resource type a search parameter reads (R4 4.0.1, §3.1.1.5).

One table, so that what can be searched, what the CapabilityStatement says and
what is indexed at intake can never differ.
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal

from aclf_fhir.fhir import model

__all__ = ["SearchParameter", "parameters_of", "searchable_types"]

ParameterKind = Literal["token", "reference", "date", "string", "quantity"]


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """One R4 search parameter of one resource type.

    Parameters
    ----------
    name
        As in the URL.
    kind
        R4 search parameter type.
    elements
        Python paths into the struct, dotted; lists are walked.
    target
        Only references to this resource type count; "" for any.
    """

    name: str
    kind: ParameterKind
    elements: tuple[str, ...]
    target: str = ""


def _token(name: str, *elements: str) -> SearchParameter:
    return SearchParameter(name, "token", elements or (name,))


def _reference(name: str, *elements: str, target: str = "") -> SearchParameter:
    return SearchParameter(name, "reference", elements or (name,), target)


def _date(name: str, *elements: str) -> SearchParameter:
    return SearchParameter(name, "date", elements or (name,))


def _subject(element: str = "subject") -> tuple[SearchParameter, ...]:
    return (
        _reference("subject", element),
        _reference("patient", element, target="Patient"),
    )


_IDENTIFIER = _token("identifier")
_CODED = (_IDENTIFIER, _token("code"), _token("status"), *_subject())

_PARAMETERS: dict[str, tuple[SearchParameter, ...]] = {
    "Patient": (
        _IDENTIFIER,
        _token("gender"),
        _date("birthdate", "birth_date"),
        _date("death-date", "deceased_date_time"),
        _token("active"),
        SearchParameter("family", "string", ("name.family",)),
        SearchParameter("given", "string", ("name.given",)),
    ),
    "Encounter": (
        _IDENTIFIER,
        _token("status"),
        _token("class", "class_"),
        _date("date", "period"),
        *_subject(),
    ),
    "Observation": (
        *_CODED,
        _token("category"),
        _date("date", "effective_date_time", "effective_period", "effective_instant"),
        _reference("encounter"),
        _reference("specimen"),
        _reference("derived-from", "derived_from"),
        _reference("has-member", "has_member"),
    ),
    "Condition": (
        _IDENTIFIER,
        _token("code"),
        _token("category"),
        _token("clinical-status", "clinical_status"),
        _token("verification-status", "verification_status"),
        _date("onset-date", "onset_date_time", "onset_period"),
        _date("recorded-date", "recorded_date"),
        *_subject(),
        _reference("encounter"),
    ),
    "Procedure": (
        *_CODED,
        _date("date", "performed_date_time", "performed_period"),
        _reference("encounter"),
    ),
    "MedicationAdministration": (
        _IDENTIFIER,
        _token("code", "medication_codeable_concept"),
        _reference("medication", "medication_reference"),
        _token("status"),
        _date("effective-time", "effective_date_time", "effective_period"),
        *_subject(),
    ),
    "MedicationRequest": (
        _IDENTIFIER,
        _token("code", "medication_codeable_concept"),
        _reference("medication", "medication_reference"),
        _token("status"),
        _token("intent"),
        _date("authoredon", "authored_on"),
        *_subject(),
    ),
    "MedicationStatement": (
        _IDENTIFIER,
        _token("code", "medication_codeable_concept"),
        _reference("medication", "medication_reference"),
        _token("status"),
        _date("effective", "effective_date_time", "effective_period"),
        *_subject(),
    ),
    "Medication": (_IDENTIFIER, _token("code"), _token("status")),
    "Device": (
        _IDENTIFIER,
        _token("type"),
        _token("status"),
        _reference("patient", "patient", target="Patient"),
    ),
    "ServiceRequest": (
        *_CODED,
        _token("intent"),
        _token("category"),
        _date("authored", "authored_on"),
        _reference("encounter"),
    ),
    "DiagnosticReport": (
        *_CODED,
        _token("category"),
        _date("date", "effective_date_time", "effective_period"),
        _reference("encounter"),
        _reference("result"),
    ),
    "Specimen": (
        _IDENTIFIER,
        _token("type"),
        _token("status"),
        _date("collected", "collection.collected_date_time", "collection.collected_period"),
        *_subject(),
    ),
    "Consent": (
        _IDENTIFIER,
        _token("status"),
        _token("category"),
        _token("scope"),
        _date("date", "date_time"),
        _reference("patient", "patient", target="Patient"),
    ),
    "QuestionnaireResponse": (
        _IDENTIFIER,
        _token("status"),
        _date("authored"),
        *_subject(),
    ),
    "ResearchStudy": (_IDENTIFIER, _token("status"), _date("date", "period")),
    "ResearchSubject": (
        _IDENTIFIER,
        _token("status"),
        _date("date", "period"),
        _reference("individual"),
        _reference("patient", "individual", target="Patient"),
        _reference("study", target="ResearchStudy"),
    ),
    "FamilyMemberHistory": (
        _IDENTIFIER,
        _token("status"),
        _date("date"),
        _reference("patient", "patient", target="Patient"),
    ),
    "MeasureReport": (
        _IDENTIFIER,
        _token("status"),
        _date("period"),
        _date("date"),
        _reference("subject"),
        _reference("patient", "subject", target="Patient"),
    ),
    "Task": (
        _IDENTIFIER,
        _token("status"),
        _token("intent"),
        _token("code"),
        _date("authored-on", "authored_on"),
        _reference("focus"),
        _reference("subject", "for_"),
        _reference("patient", "for_", target="Patient"),
    ),
    "Bundle": (_IDENTIFIER, _token("type"), _date("timestamp")),
    "Provenance": (
        _date("recorded"),
        _token("signature-type", "signature.type"),
        _reference("target"),
        _reference("patient", "target", target="Patient"),
    ),
    "Organization": (_IDENTIFIER, _token("active")),
    "Practitioner": (_IDENTIFIER, _token("active")),
    "Location": (_IDENTIFIER, _token("status")),
}


@cache
def parameters_of(resource_type: str) -> tuple[SearchParameter, ...]:
    """Return the search parameters of a resource type.

    A type without a row of its own has those that most types share, as far as it has
    the elements for them.
    """
    listed = _PARAMETERS.get(resource_type)
    if listed is not None:
        return listed
    elements = set(model(resource_type).__struct_fields__)
    shared = [
        parameter for parameter in (_IDENTIFIER, _token("status")) if parameter.name in elements
    ]
    for element in ("subject", "patient"):
        if element in elements:
            shared.append(_reference("patient", element, target="Patient"))
            if element == "subject":
                shared.append(_reference("subject"))
            break
    return tuple(shared)


def searchable_types() -> tuple[str, ...]:
    """Return the types with parameters of their own, in the order they are served."""
    return tuple(_PARAMETERS)
