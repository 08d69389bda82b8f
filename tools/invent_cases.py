"""Write the invented cases of `examples/invented/`.

Usage::

    python tools/invent_cases.py [FOLDER]

Nothing in them is about anybody: people, dates, numbers and signatures are made up here, and
the same files come out every time. What each case is for stands in `examples/invented/README.md`.
Units, codes and offsets are mixed on purpose, as hospitals mix them. The script is long because it
tells every case in full.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "invented"
BASE = "https://aclf-fhir.example/fhir"
HOSPITAL = "https://invented-hospital.example/identifiers"
TERMS = "http://terminology.hl7.org/CodeSystem"
LOINC, SNOMED, UCUM = "http://loinc.org", "http://snomed.info/sct", "http://unitsofmeasure.org"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
FINDINGS, ATTESTATIONS = f"{BASE}/CodeSystem/findings", f"{BASE}/CodeSystem/attestations"
BIRTH_SEX = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex"
TAG = {"system": f"{TERMS}/v3-ActReason", "code": "HTEST", "display": "test health data"}

X, L = "nct03668171", "nct02857010"

Resource = dict[str, Any]

# A hospital laboratory's tests, by the short names used below: LOINC, unit, upper limit of normal.
TESTS = {
    "bili": ("14631-6", "umol/L", 20.5),
    "bili-mg": ("1975-2", "mg/dL", 1.2),
    "crea": ("14682-9", "umol/L", 104),
    "crea-mg": ("2160-0", "mg/dL", 1.2),
    "inr": ("6301-6", "{INR}", 1.2),
    "na": ("2951-2", "mmol/L", 145),
    "alb": ("1751-7", "g/L", 50),
    "alb-g": ("1751-7", "g/dL", 5.0),
    "wbc": ("6690-2", "/uL", 10800),
    "wbc-g": ("6690-2", "10*9/L", 10.8),
    "plt": ("777-3", "10*3/uL", 400),
    "afp": ("1834-1", "ng/mL", 7),
    "afp-iu": ("1834-1", "[IU]/mL", 5.8),
    "lact": ("2524-7", "mmol/L", 2.2),
    "pao2": ("2703-7", "kPa", 13.3),
    "fio2": ("3150-0", "%", None),
    "spo2": ("59408-5", "%", None),
    "weight": ("29463-7", "kg", None),
}
NEGATIVE = {"hiv": "56888-1", "hcg": "2106-3"}


def coded(system: str, code: str, text: str = "") -> Resource:
    """Return a CodeableConcept with one coding."""
    concept: Resource = {"coding": [{"system": system, "code": code}]}
    return {**concept, "text": text} if text else concept


class Case:
    """One patient's resources, collected in the order in which they are said."""

    def __init__(self, patient: str, given: str, sex: str, born: str) -> None:
        self.patient = patient
        self.lines: list[Resource] = []
        self.add(
            "Patient",
            "",
            identifier=[{"system": f"{HOSPITAL}/mrn", "value": patient.upper()}],
            name=[{"use": "official", "family": "Invented", "given": [given]}],
            gender=sex,
            birthDate=born,
            extension=[{"url": BIRTH_SEX, "valueCode": sex[0].upper()}],
        )

    def add(self, kind: str, name: str, /, **elements: Any) -> None:
        """Add a resource; its id is the patient's with a name behind it."""
        resource: Resource = {
            "resourceType": kind,
            "id": f"{self.patient}-{name}" if name else self.patient,
            "meta": {"tag": [TAG]},
        }
        self.lines.append({**resource, **elements})

    def about(self, element: str = "subject") -> Resource:
        """Return the element that points at the patient."""
        return {element: {"reference": f"Patient/{self.patient}"}}

    def problem(self, name: str, onset: str, text: str, *codes: tuple[str, str]) -> None:
        """Add a Condition that is confirmed and active."""
        self.add(
            "Condition",
            name,
            clinicalStatus=coded(f"{TERMS}/condition-clinical", "active"),
            verificationStatus=coded(f"{TERMS}/condition-ver-status", "confirmed"),
            code={"coding": [{"system": s, "code": c} for s, c in codes], "text": text},
            **self.about(),
            onsetDateTime=onset,
        )

    def stay(self, name: str, kind: str, start: str, end: str, left: str = "") -> None:
        """Add an Encounter that is over."""
        ended: Resource = {}
        if left:
            place = coded(f"{TERMS}/discharge-disposition", left)
            ended = {"hospitalization": {"dischargeDisposition": place}}
        self.add(
            "Encounter",
            name,
            status="finished",
            **{"class": {"system": f"{TERMS}/v3-ActCode", "code": kind}},
            **self.about(),
            period={"start": start, "end": end},
            **ended,
        )

    def draw(self, at: str, **values: Any) -> None:
        """Add one draw's results; `>400` is a result above a limit of the method."""
        for name, sent in values.items():
            test = name.replace("_", "-")
            code, unit, limit = TESTS[test]
            scale = {"unit": unit, "system": UCUM, "code": unit}
            value: Resource = {"value": sent, **scale}
            if isinstance(sent, str):
                value = {"value": int(sent[1:]), "comparator": sent[0], **scale}
            ranges = {"referenceRange": [{"high": {"value": limit, **scale}}]} if limit else {}
            self.observe(test, at, coded(LOINC, code), valueQuantity=value, **ranges)

    def negative(self, test: str, at: str) -> None:
        """Add a qualitative test that found nothing."""
        result = coded(SNOMED, "260385009", "Negative")
        self.observe(test, at, coded(LOINC, NEGATIVE[test]), valueCodeableConcept=result)

    def bedside(
        self,
        at: str,
        pressure: tuple[int, int],
        he: int,
        ascites: str,
        spo2: int,
        fio2: int = 21,
    ) -> None:
        """Add what the ward charts: blood pressure, saturation, oxygen in per cent, both grades."""
        parts = [
            {
                "code": coded(LOINC, code),
                "valueQuantity": {
                    "value": value,
                    "unit": "mmHg",
                    "system": UCUM,
                    "code": "mm[Hg]",
                },
            }
            for code, value in zip(("8480-6", "8462-4"), pressure, strict=True)
        ]
        self.observe("bp", at, coded(LOINC, "85354-9", "Blood pressure"), component=parts)
        self.draw(at, spo2=spo2, fio2=fio2)
        self.graded("he", at, "west-haven-grade", f"west-haven-{he}")
        self.graded("ascites", at, "ascites-grade", f"ascites-{ascites}")

    def graded(self, name: str, at: str, scale: str, grade: str) -> None:
        """Add a grade by the gateway's own codes; no standard code carries it."""
        answer = coded(FINDINGS, grade)
        self.observe(name, at, coded(FINDINGS, scale), valueCodeableConcept=answer)

    def observe(self, name: str, at: str, code: Resource, **value: Any) -> None:
        """Add an Observation, named by what it is and when."""
        stamp = at[2:16].translate(str.maketrans("", "", "-:T"))
        identity = f"{name}-{stamp}"
        self.add(
            "Observation",
            identity,
            identifier=[
                {"system": f"{HOSPITAL}/result", "value": f"{self.patient}-{identity}".upper()}
            ],
            status="final",
            code=code,
            **self.about(),
            effectiveDateTime=at,
            **value,
        )

    def consent(self, trial: str, at: str, *, as_data: bool = False) -> None:
        """Add the consent to a study, named by policy or by the data it is about."""
        study = f"ResearchStudy/{trial}"
        named: Resource = {"policy": [{"uri": f"{BASE}/{study}"}]}
        if as_data:
            named = {
                "policyRule": coded(f"{TERMS}/v3-ActCode", "OPTIN"),
                "provision": {
                    "type": "permit",
                    "data": [{"meaning": "instance", "reference": {"reference": study}}],
                },
            }
        self.add(
            "Consent",
            f"consent-{trial}",
            status="active",
            scope=coded(f"{TERMS}/consentscope", "research"),
            category=[coded(f"{TERMS}/consentcategorycodes", "research")],
            **self.about("patient"),
            dateTime=at,
            performer=[{"reference": f"Patient/{self.patient}"}],
            **named,
        )

    def attest(self, trial: str, form: str, at: str, **answers: str) -> None:
        """Add a physician's signed answers; underscores stand for hyphens."""
        self.add(
            "QuestionnaireResponse",
            f"{form}-{trial}",
            questionnaire=f"{BASE}/Questionnaire/{trial}-{form}",
            status="completed",
            **self.about(),
            authored=at,
            author={"reference": "Practitioner/invented-physician"},
            item=[
                {
                    "linkId": name.replace("_", "-"),
                    "answer": [{"valueCoding": {"system": ATTESTATIONS, "code": answer}}],
                }
                for name, answer in answers.items()
            ],
        )


# What both protocols ask of a person and no record decides, answered "nothing of the kind".
NOTHING_X = {
    "infection_severity": "none",
    "infection_controlled": "none",
    "malignancy_current": "no",
    "listed_for_transplant": "no",
    "renal_replacement": "no",
    "severe_renal_failure": "no",
    "copd": "no",
    "extrahepatic_cholestasis_imaging": "no",
    "other_trial_participation": "no",
    "investigator_unsuitable": "no",
}
NOTHING_L = {
    "malignancy_current": "no",
    "malignancy_history": "no",
    "hereditary_cancer_family": "no",
    "heart_failure": "no",
    "renal_replacement": "no",
    "mechanical_ventilation": "no",
    "vasopressor_support": "no",
    "copd": "no",
    "gi_bleeding_5_days": "no",
    "previous_liver_transplant": "no",
    "immunosuppressive_therapy": "no",
    "extrahepatic_cholestasis_imaging": "no",
    "other_trial_participation": "no",
    "illicit_drug_use": "no",
}


def hospital() -> list[Resource]:
    """Return the hospital and the one who signs."""
    physician: Resource = {"resourceType": "Practitioner", "id": "invented-physician"}
    return [
        {
            "resourceType": "Organization",
            "id": "invented-hospital",
            "meta": {"tag": [TAG]},
            "name": "Invented Hospital",
        },
        {**physician, "meta": {"tag": [TAG]}, "name": [{"family": "Invented", "prefix": ["Dr"]}]},
    ]


def x_eligible() -> tuple[list[Resource], list[Resource]]:
    """Return the one who enters X and is well after twelve weeks: screening, follow-up."""
    case = Case("invented-x-eligible", "Wilhelmina", "female", "1976-08-19")
    case.problem("cirrhosis", "2021-05-10", "Cirrhosis, alcohol", (ICD10CM, "K70.30"))
    case.problem("ascites", "2024-02-24", "Ascites", (SNOMED, "389026000"))
    case.stay("arrival", "EMER", "2024-03-01T14:05:00Z", "2024-03-01T17:40:00Z")
    case.negative("hiv", "2024-03-01T15:10:00Z")
    case.negative("hcg", "2024-03-04T09:30:00Z")
    case.draw("2024-03-02T06:30:00Z", bili=218, crea=119, inr=1.9, na=131, alb=26, wbc=9800)
    case.draw("2024-03-03T06:30:00Z", bili_mg=13.2, crea_mg=1.34, inr=1.9, na=130, alb_g=2.6)
    case.draw("2024-03-04T06:30:00Z", bili=232.6, crea=117, inr=2.0, na=130, alb=25, wbc=9100)
    case.draw("2024-03-05T06:30:00+01:00", bili_mg=14.0, crea=115, inr=2.0, na=131, alb=25)
    case.draw("2024-03-05T06:30:00+01:00", wbc=8900, plt=84, afp=6)
    for day, systolic in ((2, 108), (3, 111), (4, 112), (5, 110)):
        case.bedside(f"2024-03-0{day}T07:15:00Z", (systolic, 66), 1, "moderate", 97)
    case.consent(X, "2024-03-04T15:20:00Z")
    case.attest(
        X,
        "screening",
        "2024-03-05T08:00:00Z",
        consent_signed="yes",
        capacity_to_consent="yes",
        symptom_burden="yes",
        gi_bleeding_30_days="no",
        breastfeeding="no",
        **NOTHING_X,
    )
    screening, case.lines = case.lines, []
    case.draw("2024-03-08T06:30:00Z", bili=198, crea_mg=1.21, inr=1.8, na=133, alb=27, wbc=8200)
    case.draw("2024-03-12T06:30:00Z", bili_mg=9.1, crea=96, inr=1.7, na=135, alb=28, wbc=7700)
    case.draw("2024-03-19T06:30:00Z", bili=117, crea_mg=0.98, inr=1.5, na=136, alb_g=2.9, wbc=7100)
    for day in ("08", "12", "19"):
        case.bedside(f"2024-03-{day}T07:15:00Z", (116, 70), 0, "mild", 98)
    case.stay("ward", "IMP", "2024-03-01T17:40:00Z", "2024-03-20T11:00:00Z", "home")
    # Day 84 of an enrolment on 2024-03-05.
    case.stay("week-12", "AMB", "2024-05-28T08:45:00Z", "2024-05-28T10:30:00Z")
    case.draw("2024-05-28T09:00:00Z", bili=41, crea=84, inr=1.3, na=138, alb=36, wbc=6400, plt=112)
    case.bedside("2024-05-28T09:10:00Z", (122, 74), 0, "none", 99)
    case.attest(X, "follow-up", "2024-05-28T10:00:00Z", symptom_improvement="yes")
    return screening, case.lines


def x_ineligible() -> list[Resource]:
    """Return the one whom a bleeding twelve days ago keeps out of X."""
    case = Case("invented-x-ineligible", "Ottokar", "male", "1966-02-27")
    case.problem("cirrhosis", "2019-11-02", "Cirrhosis, hepatitis B", (SNOMED, "103611000119102"))
    case.problem("ascites", "2024-04-09", "Ascites", (ICD10CM, "R18.8"))
    case.problem("bleeding", "2024-04-10", "Bleeding varices", (SNOMED, "17709002"))
    case.stay("ward", "IMP", "2024-04-10T03:20:00Z", "2024-04-22T12:00:00Z", "home")
    case.negative("hiv", "2024-04-10T05:00:00Z")
    case.draw("2024-04-20T06:15:00Z", bili_mg=12.4, crea_mg=1.1, inr=1.8, na=129, alb_g=2.4)
    case.draw("2024-04-21T06:15:00Z", bili_mg=12.9, crea_mg=1.2, inr=1.8, na=129, alb_g=2.4)
    case.draw("2024-04-22T06:15:00Z", bili=226, crea=106, inr=1.9, na=130, wbc_g=7.6, plt=61)
    case.bedside("2024-04-22T07:00:00Z", (104, 61), 0, "moderate", 96)
    case.consent(X, "2024-04-21T16:00:00Z")
    answers = {"consent_signed": "yes", "symptom_burden": "yes", **NOTHING_X}
    case.attest(X, "screening", "2024-04-22T08:00:00Z", **answers)
    return case.lines


def l_eligible() -> tuple[list[Resource], list[Resource]]:
    """Return the one who enters L with grade 2 and dies on day 40: screening, follow-up."""
    case = Case("invented-l-eligible", "Bartholomeus", "male", "1962-11-02")
    case.problem(
        "cirrhosis", "2017-03-21", "Cirrhosis, hepatitis C", (ICD10CM, "K74.60"), (ICD10CM, "B18.2")
    )
    case.problem("ascites", "2024-04-29", "Ascites", (SNOMED, "389026000"))
    case.stay("arrival", "EMER", "2024-05-03T10:15:00+02:00", "2024-05-03T15:00:00+02:00")
    case.negative("hiv", "2024-05-03T10:40:00+02:00")
    case.draw("2024-05-04T06:00:00+02:00", bili_mg=12.6, crea_mg=2.1, inr=1.9, na=127, alb_g=2.5)
    case.draw("2024-05-05T06:00:00+02:00", bili_mg=13.3, crea=203, inr=2.0, na=126, wbc=13400)
    case.draw("2024-05-06T06:00:00+02:00", bili=239.4, crea_mg=2.4, inr=2.1, na=126, alb=24)
    case.draw("2024-05-06T06:00:00+02:00", wbc=14200, plt=58, afp_iu=9.9, lact=2.6, weight=78.5)
    case.draw("2024-05-06T06:20:00+02:00", pao2=11.3)
    for day, pressure in ((4, (112, 61)), (5, (109, 60)), (6, (112, 61))):
        case.bedside(f"2024-05-0{day}T06:20:00+02:00", pressure, 1, "moderate", 96)
    case.consent(L, "2024-05-05T17:00:00+02:00", as_data=True)
    case.attest(
        L,
        "screening",
        "2024-05-06T09:30:00+02:00",
        consent_signed="yes",
        capacity_to_consent="yes",
        **NOTHING_L,
    )
    screening, case.lines = case.lines, []
    course = (
        ("2024-05-13", 252, 2.2, 2.1, 13800, 1, 127, 24, (106, 58), 95, 21),
        ("2024-05-20", 274, 2.6, 2.3, 15100, 2, 126, 23, (102, 55), 94, 21),
        ("2024-06-03", 311, 2.9, 2.5, 16900, 2, 124, 21, (97, 52), 92, 21),
        ("2024-06-10", 355, 3.4, 2.8, 19700, 3, 122, 20, (88, 47), 91, 35),
        ("2024-06-14", 392, 3.9, 3.4, 24300, 4, 119, 18, (74, 38), 86, 60),
    )
    for date, bilirubin, creatinine, inr, leukocytes, he, na, alb, pressure, spo2, fio2 in course:
        at = f"{date}T06:00:00+02:00"
        case.draw(at, bili=bilirubin, crea_mg=creatinine, inr=inr, na=na, alb=alb)
        case.draw(at, wbc=leukocytes)
        case.bedside(f"{date}T06:20:00+02:00", pressure, he, "severe", spo2, fio2)
    # Day 40 of an enrolment on 2024-05-06.
    case.stay("ward", "IMP", "2024-05-03T15:00:00+02:00", "2024-06-15T04:10:00+02:00", "exp")
    return screening, case.lines


def l_ineligible() -> list[Resource]:
    """Return the one whom an alpha-fetoprotein above 400 ng/mL keeps out of L."""
    case = Case("invented-l-ineligible", "Philippa", "female", "1972-01-30")
    case.problem("cirrhosis", "2020-09-14", "Cirrhosis, hepatitis B", (SNOMED, "103611000119102"))
    case.problem("encephalopathy", "2024-05-17", "Encephalopathy", (SNOMED, "13920009"))
    case.negative("hiv", "2024-05-18T08:00:00Z")
    case.negative("hcg", "2024-05-19T08:00:00Z")
    case.draw("2024-05-19T06:00:00Z", bili_mg=13.1, crea_mg=2.2, inr=2.6, na=124, alb_g=2.2)
    case.draw("2024-05-20T06:00:00Z", bili=246, crea=212, inr=2.7, na=125, wbc=11900, plt=47)
    case.draw("2024-05-20T06:00:00Z", afp=">400")
    case.draw("2024-05-21T06:00:00Z", bili=251.4, crea=221, inr=2.7, na=125, alb=22, wbc=12100)
    case.bedside("2024-05-21T06:30:00Z", (118, 64), 2, "mild", 95)
    case.consent(L, "2024-05-20T14:00:00Z", as_data=True)
    answers = {"consent_signed": "yes", "capacity_to_consent": "yes", "breastfeeding": "no"}
    case.attest(L, "screening", "2024-05-21T08:00:00Z", **answers, **NOTHING_L)
    return case.lines


def untidy() -> tuple[list[Resource], list[Resource]]:
    """Return results that are stored and held, each for its own reason; then a late Patient."""
    case = Case("invented-untidy", "Crispin", "male", "1965-07-04")
    at = "2024-04-02T07:00:00Z"
    case.draw(at, crea=176.8, inr=1.7)
    plain = {"value": 12.0, "unit": "mg/dl"}
    bilirubin, creatinine = coded(LOINC, "1975-2"), coded(LOINC, "2160-0")
    case.observe("unit-as-text", at, bilirubin, valueQuantity=plain)
    noon = "2024-04-02T12:00:00Z"
    case.observe("no-unit", noon, bilirubin, valueQuantity={"value": 12.0})
    case.observe("decimal-comma", noon, coded(LOINC, "6301-6"), valueString="1,7")
    case.observe("local-code", noon, {"text": "Bili gesamt (POCT)"}, valueQuantity=plain)
    case.add(
        "Specimen",
        "puncture",
        type=coded(SNOMED, "168139001", "Ascitic fluid"),
        **case.about(),
        collection={"collectedDateTime": noon},
    )
    puncture = {"reference": "Specimen/invented-untidy-puncture"}
    case.observe("ascitic", noon, coded(LOINC, "1751-7"), valueQuantity=plain, specimen=puncture)
    case.lines[-1]["valueQuantity"] = {"value": 0.9, "unit": "g/dL"}
    value = {"value": 1.9, "unit": "mg/dL", "system": UCUM, "code": "mg/dL"}
    case.observe("future", "2099-01-01T07:00:00Z", creatinine, valueQuantity=value)
    case.observe("no-time", noon, creatinine, valueQuantity=value, issued=noon)
    del case.lines[-1]["effectiveDateTime"]
    case.observe("withdrawn", noon, creatinine, valueQuantity={**value, "value": 9.1})
    case.lines[-1]["status"] = "entered-in-error"
    late = Case("invented-latecomer", "Leopoldine", "female", "1980-12-06")
    patient, late.lines = late.lines, []
    late.draw("2024-04-03T07:00:00Z", bili=58, crea=71, inr=1.4)
    return case.lines + late.lines, patient


def files() -> Iterator[tuple[str, list[Resource]]]:
    """Yield each file's name and lines."""
    x_screening, x_follow_up = x_eligible()
    l_screening, l_follow_up = l_eligible()
    feed, late = untidy()
    yield "hospital.ndjson", hospital()
    yield "x-eligible/screening.ndjson", x_screening
    yield "x-eligible/follow-up.ndjson", x_follow_up
    yield "x-ineligible.ndjson", x_ineligible()
    yield "l-eligible/screening.ndjson", l_screening
    yield "l-eligible/follow-up.ndjson", l_follow_up
    yield "l-ineligible.ndjson", l_ineligible()
    yield "untidy/feed.ndjson", feed
    yield "untidy/late-patient.ndjson", late


def main(folder: Path = FOLDER) -> None:
    for name, lines in files():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        path.write_text(text, "utf-8")
        print(f"{name}: {len(lines)} lines")


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:2]))
