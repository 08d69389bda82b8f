"""Writes a patient's FHIR resources from what a scenario says in a clinician's words.

The notation stands in `scenarios/README.md`; the names that are understood, in the tables below.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from aclf_fhir.catalog import load_catalog
from aclf_fhir.codes import ATC, CANONICAL_BASE, ICD10CM, LOINC, SNOMED, UCUM, local_system

Resource = dict[str, Any]
Sections = Mapping[str, Mapping[str, Any]]

TERMS = "http://terminology.hl7.org/CodeSystem"
BIRTH_SEX = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex"
ITEMS = {trial: protocol.items for trial, protocol in load_catalog().protocols.items()}

RESULTS = {
    "bilirubin": {"mg/dL": "1975-2", "umol/L": "14631-6"},
    "creatinine": {"mg/dL": "2160-0", "umol/L": "14682-9"},
    "INR": {"{INR}": "6301-6"},
    "AFP": {"ng/mL": "1834-1"},
    "hCG": {"[IU]/L": "19080-1"},
    "mean arterial pressure": {"mm[Hg]": "8478-0"},
    "PaO2": {"mm[Hg]": "2703-7"},
    "FiO2": {"%": "3150-0"},
}
"""LOINC code by the unit a result comes in; the first unit's where it comes in none of them."""

GRADES = {
    "West Haven": (local_system("findings"), "west-haven-grade", "west-haven-"),
    "ascites": (local_system("findings"), "ascites-grade", "ascites-"),
    "GOLD": (local_system("findings"), "gold-grade", ""),
}
TESTS = {"HIV": "56888-1", "urine hCG": "2106-3"}
ANSWERS = {"negative": "260385009", "positive": "10828004"}

_STATEMENT = re.compile(
    r"(?P<says>.*?)(?: ?@ (?P<time>[\d: T+Z-]+?))?(?: \((?P<words>[^)]*)\))?", re.DOTALL
)
_VALUE = re.compile(r"(?P<sign><=|>=|<|>)?(?P<number>-?\d+(?:\.\d+)?)(?: (?P<unit>\S+))?")


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said, of when, and in which state."""

    says: str
    time: str
    words: frozenset[str]


class Chart:
    """The resources of one patient, each with an id that a later step can name.

    Parameters
    ----------
    patient
        Id of the Patient.
    zone
        In which the scenario tells the time.
    """

    def __init__(self, patient: str, zone: ZoneInfo) -> None:
        self.patient = patient
        self.zone = zone
        self.sent: dict[str, Resource] = {}
        self._person: dict[str, str] = {}

    def learn(self, sections: Sections, when: str, asked: str = "") -> list[Resource]:
        """Write what is new: true `when` and answered when `asked`, unless it says otherwise."""
        return [self._keep(one) for one in self._write(sections, when, asked or when)]

    def correct(self, sections: Sections, when: str) -> list[Resource]:
        """Write what replaces the resource that had said the same thing."""
        return [self._keep(one, corrects=True) for one in self._write(sections, when, when)]

    def withdraw(self, names: Iterable[str]) -> list[Resource]:
        """Take back what was sent under a name, as entered in error."""
        return [self._keep(self._withdrawn(self._last(name)), corrects=True) for name in names]

    def instant(self, text: str) -> str:
        """Write a time as FHIR does; a date stays a date."""
        if len(text) <= len("2024-03-15"):
            return text
        at = datetime.fromisoformat(text.strip())
        return (at if at.tzinfo else at.replace(tzinfo=self.zone)).isoformat()

    def _keep(self, named: tuple[str, Resource], *, corrects: bool = False) -> Resource:
        name, resource = named
        if resource["resourceType"] == "Patient":
            return resource
        base = f"{self.patient}-{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}"
        if corrects:
            resource["id"] = self._last(name)[1]["id"]
            if resource["resourceType"] == "Observation" and resource["status"] == "final":
                resource["status"] = "corrected"
        else:
            count = sum(one["id"].startswith(f"{base}-") for one in self.sent.values())
            resource["id"] = f"{base}-{count + 1}"[-64:]
        self.sent[f"{name} {resource['id']}"] = resource
        return resource

    def _last(self, name: str) -> tuple[str, Resource]:
        found = [one for key, one in self.sent.items() if key.startswith(f"{name} ")]
        if not found:
            raise ValueError(f"{self.patient}: nothing was sent as {name!r}")
        return name, found[-1]

    @staticmethod
    def _withdrawn(named: tuple[str, Resource]) -> tuple[str, Resource]:
        name, resource = named
        if resource["resourceType"] == "Condition":
            status = concept(f"{TERMS}/condition-ver-status", "entered-in-error")
            rest = {key: value for key, value in resource.items() if key != "clinicalStatus"}
            return name, {**rest, "verificationStatus": status}
        return name, {**resource, "status": "entered-in-error"}

    def _write(self, sections: Sections, when: str, asked: str) -> Iterator[tuple[str, Resource]]:
        for section, said in sections.items():
            if section == "person":
                yield "person", self._patient(said)
            elif section == "answers":
                for study, answers in said.items():
                    yield from self._answers(study, answers, asked)
            else:
                for name, stated in said.items():
                    for text in stated if isinstance(stated, list) else [stated]:
                        statement = self._read(text, when)
                        yield f"{section}.{name}", getattr(self, f"_{section}")(name, statement)

    def _read(self, text: Any, when: str) -> Statement:
        match = _STATEMENT.fullmatch(str(text))
        if match is None:
            raise ValueError(f"{self.patient}: {text!r} is no statement")
        words = frozenset((match["words"] or "").split(", ")) - {""}
        return Statement(match["says"], self.instant(match["time"] or when), words)

    def _about(self, element: str = "subject") -> Resource:
        return {element: {"reference": f"Patient/{self.patient}"}}

    def _patient(self, said: Mapping[str, str]) -> Resource:
        self._person |= said
        person, resource = self._person, {"resourceType": "Patient", "id": self.patient}
        if "sex" in person:
            code = person["sex"][0].upper()
            resource["extension"] = [{"url": BIRTH_SEX, "valueCode": code}]
        resource["gender"] = person.get("gender", person.get("sex", "unknown"))
        if "born" in person:
            resource["birthDate"] = person["born"]
        died = person.get("died")
        if died == "yes":
            resource["deceasedBoolean"] = True
        elif died:
            resource["deceasedDateTime"] = self.instant(died)
        return resource

    def _observation(self, code: Resource, said: Statement, **value: Any) -> Resource:
        status = next(iter(said.words & {"preliminary", "registered", "cancelled"}), "final")
        return {
            "resourceType": "Observation",
            "status": status,
            "code": code,
            **self._about(),
            "effectiveDateTime": said.time,
            **value,
        }

    def _results(self, name: str, said: Statement) -> Resource:
        codes = RESULTS[name]
        if said.says == "no value":
            return self._observation(concept(LOINC, next(iter(codes.values()))), said)
        match = _VALUE.fullmatch(said.says)
        if match is None:
            raise ValueError(f"{self.patient}: {said.says!r} is no result")
        unit = match["unit"]
        quantity: Resource = {"value": Decimal(match["number"])}
        if match["sign"]:
            quantity["comparator"] = match["sign"]
        if unit:
            quantity |= {"unit": unit, "system": UCUM, "code": unit}
        code = codes.get(unit or "", next(iter(codes.values())))
        return self._observation(concept(LOINC, code), said, valueQuantity=quantity)

    def _grades(self, name: str, said: Statement) -> Resource:
        system, code, prefix = GRADES[name]
        if not prefix:
            return self._observation(concept(system, code), said, valueInteger=int(said.says))
        answer = concept(system, f"{prefix}{said.says}")
        return self._observation(concept(system, code), said, valueCodeableConcept=answer)

    def _tests(self, name: str, said: Statement) -> Resource:
        answer = concept(SNOMED, ANSWERS[said.says])
        return self._observation(concept(LOINC, TESTS[name]), said, valueCodeableConcept=answer)

    def _diagnoses(self, name: str, said: Statement) -> Resource:
        clinical = said.words & {"active", "resolved", "inactive", "remission"} or {"active"}
        proof = said.words & {"provisional", "differential", "refuted"} or {"confirmed"}
        # A diagnosis of which only the day of its entry is known has no onset.
        dated = "recordedDate" if "recorded" in said.words else "onsetDateTime"
        return {
            "resourceType": "Condition",
            "clinicalStatus": concept(f"{TERMS}/condition-clinical", *clinical),
            "verificationStatus": concept(f"{TERMS}/condition-ver-status", *proof),
            "code": {**concept(coded_in(said.says), said.says), "text": name},
            **self._about(),
            dated: said.time,
        }

    def _procedures(self, name: str, said: Statement) -> Resource:
        status = next(iter(said.words & {"in-progress", "not-done", "preparation"}), "completed")
        begun = {"performedPeriod": {"start": said.time}}
        return {
            "resourceType": "Procedure",
            "status": status,
            "code": {**concept(coded_in(said.says), said.says), "text": name},
            **self._about(),
            **(begun if status == "in-progress" else {"performedDateTime": said.time}),
        }

    def _drugs(self, name: str, said: Statement) -> Resource:
        return {
            "resourceType": "MedicationAdministration",
            "status": "completed",
            "medicationCodeableConcept": {**concept(ATC, said.says), "text": name},
            **self._about(),
            "effectiveDateTime": said.time,
        }

    def _consent(self, name: str, said: Statement) -> Resource:
        study = {"meaning": "related", "reference": {"reference": f"ResearchStudy/{name}"}}
        named: Resource = {} if name == "no study" else {"provision": {"data": [study]}}
        return {
            "resourceType": "Consent",
            "status": said.says,
            "scope": concept(f"{TERMS}/consentscope", "research"),
            "category": [concept(LOINC, "59284-0")],
            **self._about("patient"),
            "dateTime": said.time,
            "policyRule": {"text": "study"},
            **named,
        }

    def _studies(self, name: str, said: Statement) -> Resource:
        return {
            "resourceType": "ResearchSubject",
            "status": said.says,
            "period": {"start": said.time},
            "study": {"reference": f"ResearchStudy/{name}"},
            **self._about("individual"),
        }

    def _answers(
        self, study: str, answers: Mapping[str, Any], when: str
    ) -> Iterator[tuple[str, Resource]]:
        """Write what was answered at one time as one form, in the order of the times."""
        forms: dict[tuple[str, bool], list[Resource]] = {}
        for item, stated in answers.items():
            for text in stated if isinstance(stated, list) else [stated]:
                said = self._read(text, when)
                form = forms.setdefault((said.time, "in-progress" in said.words), [])
                form.append({"linkId": item, "answer": [answer(study, item, said.says)]})
        for (time, unfinished), items in sorted(forms.items()):
            yield (
                f"answers.{study}",
                {
                    "resourceType": "QuestionnaireResponse",
                    "questionnaire": f"{CANONICAL_BASE}/Questionnaire/{study}-attestations",
                    "status": "in-progress" if unfinished else "completed",
                    **self._about(),
                    "authored": time,
                    "author": {"reference": "Practitioner/invented-investigator"},
                    "item": items,
                },
            )


def answer(study: str, item: str, says: str) -> Resource:
    """Write an answer in the type that its question has."""
    kind = ITEMS[study][item].type
    if kind == "date":
        return {"valueDate": says}
    if kind == "integer":
        return {"valueInteger": int(says)}
    return {"valueCoding": {"system": local_system("attestations"), "code": says}}


def coded_in(code: str) -> str:
    """Return the system of a code: SNOMED CT's are numbers, ICD-10-CM's begin with a letter."""
    return SNOMED if code.isdigit() else ICD10CM


def concept(system: str, code: str) -> Resource:
    """Write a CodeableConcept of one code."""
    return {"coding": [{"system": system, "code": code}]}
