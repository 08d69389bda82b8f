"""Two records that screen `eligible`, one per trial: a test changes one thing and looks again."""

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from aclf_fhir.catalog import Catalog, load_catalog
from aclf_fhir.codes import CANONICAL_BASE, ICD10CM, LOINC, RXNORM, SNOMED, UCUM, local_system
from aclf_fhir.trial import CriterionResult
from aclf_fhir.workflows.screening import record_for, score_record, screen_record
from aclf_fhir.workflows.stateless import Given, gather

__all__ = [
    "ICD10CM",
    "LOINC",
    "RXNORM",
    "SNOMED",
    "L",
    "T",
    "X",
    "answers",
    "category",
    "coded",
    "condition",
    "criterion",
    "drug",
    "grade",
    "hours_ago",
    "measured",
    "resource",
    "site_with_feeds",
    "verdict",
]

X, L = "nct03668171", "nct02857010"
T = datetime(2024, 6, 15, 12, tzinfo=UTC)

Resource = dict[str, Any]
_PATIENT = {"reference": "Patient/p"}
_BIRTH_SEX = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex"
_CONDITION = "http://terminology.hl7.org/CodeSystem/condition-"
_CONSENT = "http://terminology.hl7.org/CodeSystem/"
_NUMBERS = count(1)
_NO = {
    X: "gi-bleeding-30-days malignancy-current listed-for-transplant renal-replacement "
    "severe-renal-failure copd extrahepatic-cholestasis-imaging other-trial-participation "
    "investigator-unsuitable",
    L: "malignancy-current malignancy-history hereditary-cancer-family heart-failure "
    "renal-replacement mechanical-ventilation vasopressor-support copd gi-bleeding-5-days "
    "previous-liver-transplant immunosuppressive-therapy extrahepatic-cholestasis-imaging "
    "other-trial-participation illicit-drug-use acute-liver-failure response-to-medical-therapy",
}
_TOLD = {
    X: {"symptom-burden": "yes", "infection-severity": "none", "infection-controlled": "none"},
    L: {"consent-signed": "yes", "capacity-to-consent": "yes"},
}


@cache
def _catalog() -> Catalog:
    return load_catalog()


def hours_ago(hours: float) -> str:
    return (T - timedelta(hours=hours)).isoformat()


def coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def resource(type_: str, *, known: float | None = None, **elements: Any) -> Resource:
    """A resource about the patient, learnt `known` hours before T (or ever, if not said)."""
    subject = "patient" if type_ == "Consent" else "subject"
    if type_ == "ResearchSubject":
        subject = "individual"
    made: Resource = {"resourceType": type_, "id": f"r{next(_NUMBERS):04}", subject: _PATIENT}
    if known is not None:
        made["meta"] = {"lastUpdated": hours_ago(known)}
    return made | elements


def measured(code: str, value: float, unit: str, hours: float = 1, **rest: Any) -> Resource:
    quantity = {"value": value, "unit": unit, "system": UCUM, "code": unit}
    if "comparator" in rest:
        quantity["comparator"] = rest.pop("comparator")
    return resource(
        "Observation",
        status="final",
        code=coded(LOINC, code),
        effectiveDateTime=hours_ago(hours),
        valueQuantity=quantity,
        **rest,
    )


def grade(scale: str, code: str, hours: float = 1, **rest: Any) -> Resource:
    return resource(
        "Observation",
        status="final",
        code=coded(local_system("findings"), scale),
        effectiveDateTime=hours_ago(hours),
        valueCodeableConcept=coded(local_system("findings"), code),
        **rest,
    )


def condition(system: str, code: str, onset: float, **rest: Any) -> Resource:
    return resource(
        "Condition",
        clinicalStatus=coded(f"{_CONDITION}clinical", "active"),
        verificationStatus=coded(f"{_CONDITION}ver-status", "confirmed"),
        code=coded(system, code),
        onsetDateTime=hours_ago(onset),
        **rest,
    )


def drug(type_: str, system: str, code: str, status: str, **rest: Any) -> Resource:
    return resource(type_, status=status, medicationCodeableConcept=coded(system, code), **rest)


def answers(trial: str, hours: float = 2, **changed: str | None) -> Resource:
    """All answers that make the trial's record eligible; None takes one out."""
    told = dict.fromkeys(_NO[trial].split(), "no") | _TOLD[trial]
    told |= {item.replace("_", "-"): code for item, code in changed.items() if code}
    for item in [item.replace("_", "-") for item, code in changed.items() if code is None]:
        told.pop(item)
    system = local_system("attestations")
    return resource(
        "QuestionnaireResponse",
        status="completed",
        questionnaire=f"{CANONICAL_BASE}/Questionnaire/{trial}-screening",
        authored=hours_ago(hours),
        author={"reference": "Practitioner/x"},
        item=[
            {"linkId": item, "answer": [{"valueCoding": {"system": system, "code": code}}]}
            for item, code in told.items()
        ],
    )


def _eligible(trial: str) -> dict[str, Resource]:
    record = {
        "patient": {
            "resourceType": "Patient",
            "id": "p",
            "gender": "male",
            "birthDate": "1970-01-01",
            "extension": [{"url": _BIRTH_SEX, "valueCode": "M"}],
        },
        "cirrhosis": condition(SNOMED, "420054005", 24 * 300),
        "ascites": condition(SNOMED, "389026000", 240),
        "hiv": resource(
            "Observation",
            status="final",
            code=coded(LOINC, "56888-1"),
            effectiveDateTime=hours_ago(480),
            valueCodeableConcept=coded(SNOMED, "260385009"),
        ),
        "consent": resource(
            "Consent",
            status="active",
            scope=coded(f"{_CONSENT}consentscope", "research"),
            category=[coded(f"{_CONSENT}consentcategorycodes", "research")],
            policy=[{"uri": f"{CANONICAL_BASE}/ResearchStudy/{trial}"}],
            dateTime=hours_ago(24),
        ),
        "brain": grade("west-haven-grade", "west-haven-0"),
        "brain_at_consent": grade("west-haven-grade", "west-haven-0", 24),
        "ascites_grade": grade("ascites-grade", "ascites-moderate"),
        "inr": measured("6301-6", 1.8, "{INR}"),
        "answers": answers(trial),
    }
    if trial == X:
        record["bilirubin"] = measured("14631-6", 205.2, "umol/L")
        record["creatinine"] = measured("2160-0", 1.1, "mg/dL")
        return record
    record["bilirubin"] = measured("1975-2", 13, "mg/dL")
    record["creatinine"] = measured("2160-0", 1.7, "mg/dL")
    record["pressure"] = measured("8478-0", 80, "mm[Hg]")
    record["oxygen"] = measured("50984-4", 380, "mm[Hg]")
    record["afp"] = measured("1834-1", 10, "ng/mL")
    return record


def _read(trial: str, changed: dict[str, Any], catalog: Catalog, site: str) -> Any:
    flat: list[Resource] = []
    for one in (_eligible(trial) | changed).values():
        flat += one if isinstance(one, list) else [one]
    now = T + timedelta(days=5)
    given = [Given(json.dumps(one).encode(), f"#{number}") for number, one in enumerate(flat)]
    gathered = gather(given, catalog=catalog, site=site, received=now)
    assert not gathered.refused
    return record_for("p", gathered.facts["p"], as_of=T, known_at=now, now=now)


def verdict(
    trial: str, *, catalog: Catalog | None = None, site: str = "default", **changed: Any
) -> tuple[str, dict[str, CriterionResult]]:
    """Screen the eligible record with some resources changed or added."""
    catalog = catalog or _catalog()
    record = _read(trial, changed, catalog, site)
    (found,) = screen_record(record, [trial], catalog=catalog, site=site)
    return str(found.verdict), {one.criterion: one for one in found.criteria}


def criterion(trial: str, name: str, **changed: Any) -> tuple[str, str]:
    """The verdict, and what became of one criterion."""
    overall, criteria = verdict(trial, **changed)
    return overall, str(criteria[name].outcome)


def category(trial: str, score: str, **changed: Any) -> str | None:
    """The category of a score on the changed record."""
    record = _read(trial, changed, _catalog(), "default")
    (found,) = score_record(record, [score], catalog=_catalog(), site="default")
    return found.result.category


def site_with_feeds(folder: Path, *feeds: str) -> Catalog:
    """A catalog with a site `full` whose feeds are complete."""
    sites = folder / "sites"
    sites.mkdir()
    text = f"title: Complete feeds\nzone: UTC\ncomplete_feeds: [{', '.join(feeds)}]\n"
    (sites / "full.yaml").write_text(text, encoding="utf-8")
    return load_catalog(mappings=folder)
