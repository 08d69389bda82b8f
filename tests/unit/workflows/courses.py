"""An invented course of twelve days: worse, a gap, inexact results, better."""

from aclf_fhir.evaluation import EvaluationRules
from aclf_fhir.record import Fact, FactKind, Record
from aclf_fhir.units import TimeRange
from tests.unit.evaluation.facts import T, fact, graded, measured, rules

FEEDS = ("renal_replacement", "mechanical_ventilation", "vasopressor")

# Hours before T: bilirubin, creatinine, INR, leukocytes, West Haven grade.
DRAWS = {
    288: ("6.1 mg/dL", "1.2 mg/dL", "1.6 {INR}", "9.1 10*9/L", 0),
    264: ("8.4 mg/dL", "1.6 mg/dL", "1.9 {INR}", "11.4 10*9/L", 1),
    240: ("12 mg/dL", "2.1 mg/dL", "2.2 {INR}", "14.2 10*9/L", 2),
    216: ("13.5 mg/dL", "2.4 mg/dL", "2.6 {INR}", "15.8 10*9/L", 2),
    # Five days without a draw.
    96: ("11.2 mg/dL", "<2.2 mg/dL", "2.3 {INR}", "12.0 10*9/L", 1),
    72: ("9.3 mg/dL", "1.7 mg/dL", ">1.5 {INR}", "10.6 10*9/L", 1),
    48: ("7.7 mg/dL", "1.4 mg/dL", "1.8 {INR}", "9.9 10*9/L", 0),
    24: ("6.3 mg/dL", "1.2 mg/dL", "1.6 {INR}", "9.0 10*9/L", 0),
}


def course() -> list[Fact]:
    day = TimeRange(T.replace(year=1966), T.replace(year=1966))
    facts = [
        fact(FactKind.DEMOGRAPHIC, "birth_date", day, None),
        fact(FactKind.DEMOGRAPHIC, "sex", "female", None),
    ]
    for hours, (bilirubin, creatinine, inr, leukocytes, grade) in DRAWS.items():
        facts += [
            measured("bilirubin_total", bilirubin, hours),
            measured("creatinine", creatinine, hours),
            measured("inr", inr, hours),
            measured("leukocytes", leukocytes, hours),
            measured("sodium", "131 mmol/L", hours),
            measured("albumin", "2.7 g/dL", hours),
            measured("platelets", "88 10*9/L", hours),
            measured("mean_arterial_pressure", "78 mm[Hg]", hours),
            measured("spo2", "96 %", hours),
            measured("fio2", "0.21 1", hours),
            graded("he_grade", grade, hours),
            graded("ascites", "moderate", hours),
        ]
    return facts


def record() -> Record:
    return Record.of("p-1", course(), as_of=T, known_at=T)


def site() -> EvaluationRules:
    return rules(*FEEDS)
