"""The inputs scores share: one declaration per clinical quantity.

A range is what the score accepts and what an unknown value is taken to lie in: wide
enough for every value the catalog calls plausible (`mappings/analytes`; a count of zero has
no logarithm, so leukocytes begin at one cell per microliter), narrow enough that bounds say
something.
"""

from decimal import Decimal

from aclf_fhir.scores.definition import NO, YES, InputKind, ScoreInput

__all__ = [
    "ACLF_PRESENT",
    "AGE",
    "ALBUMIN",
    "ALBUMIN_G_L",
    "ASCITES",
    "BILIRUBIN",
    "BILIRUBIN_UMOL_L",
    "CREATININE",
    "CREATININE_UMOL_L",
    "DIALYSIS",
    "FIO2",
    "HE_GRADE",
    "INR",
    "LACTATE",
    "LEUKOCYTES",
    "MEAN_ARTERIAL_PRESSURE",
    "NEUTROPHILS",
    "PAO2",
    "PAO2_FIO2",
    "PLATELETS",
    "PROTHROMBIN_ACTIVITY",
    "PROTHROMBIN_TIME",
    "RENAL_REPLACEMENT",
    "SEX",
    "SODIUM",
    "SPO2",
    "UREA",
    "VASOPRESSOR",
    "VENTILATION",
    "drug_given",
    "drug_rate",
]


def _analyte(
    name: str,
    concept: str,
    parameter: str,
    title: str,
    unit: str,
    limits: tuple[str, str],
    loinc: str | None,
) -> ScoreInput:
    return ScoreInput(
        name=name,
        concept=concept,
        kind="analyte",
        parameter=parameter,
        title=title,
        unit=unit,
        low=Decimal(limits[0]),
        high=Decimal(limits[1]),
        loinc=loinc,
    )


BILIRUBIN = _analyte(
    "bilirubin", "bilirubin_total", "bilirubin_mg_dl", "Bilirubin, total", "mg/dL",
    ("0.01", "100"), "1975-2",
)  # fmt: skip
BILIRUBIN_UMOL_L = _analyte(
    "bilirubin", "bilirubin_total", "bilirubin_umol_l", "Bilirubin, total", "umol/L",
    ("0.171", "1710"), "14631-6",
)  # fmt: skip
CREATININE = _analyte(
    "creatinine", "creatinine", "creatinine_mg_dl", "Creatinine", "mg/dL",
    ("0.05", "50"), "2160-0",
)  # fmt: skip
CREATININE_UMOL_L = _analyte(
    "creatinine", "creatinine", "creatinine_umol_l", "Creatinine", "umol/L",
    ("4.42", "4420"), "14682-9",
)  # fmt: skip
INR = _analyte("inr", "inr", "inr", "INR", "{INR}", ("0.5", "30"), "6301-6")
ALBUMIN = _analyte(
    "albumin", "albumin", "albumin_g_dl", "Albumin", "g/dL", ("0.3", "8"), "1751-7",
)  # fmt: skip
ALBUMIN_G_L = _analyte(
    "albumin", "albumin", "albumin_g_l", "Albumin", "g/L", ("3", "80"), "1751-7",
)  # fmt: skip
SODIUM = _analyte(
    "sodium", "sodium", "sodium_mmol_l", "Sodium", "mmol/L", ("80", "210"), "2951-2",
)  # fmt: skip
LEUKOCYTES = _analyte(
    "leukocytes", "leukocytes", "leukocytes_10e9_l", "Leukocytes", "10*9/L",
    ("0.001", "500"), "6690-2",
)  # fmt: skip
NEUTROPHILS = _analyte(
    "neutrophils", "neutrophils", "neutrophils_10e9_l", "Neutrophils", "10*9/L",
    ("0.001", "500"), "751-8",
)  # fmt: skip
PLATELETS = _analyte(
    "platelets", "platelets", "platelets_10e9_l", "Platelets", "10*9/L",
    ("0", "3000"), "777-3",
)  # fmt: skip
UREA = _analyte("urea", "urea", "urea_mmol_l", "Urea", "mmol/L", ("0.1", "150"), "22664-7")
LACTATE = _analyte(
    "lactate", "lactate", "lactate_mmol_l", "Lactate", "mmol/L", ("0.05", "50"), "2518-9",
)  # fmt: skip
PROTHROMBIN_TIME = _analyte(
    "prothrombin_time", "prothrombin_time", "prothrombin_time_s", "Prothrombin time", "s",
    ("5", "300"), "5902-2",
)  # fmt: skip
PROTHROMBIN_ACTIVITY = _analyte(
    "prothrombin_activity", "prothrombin_activity", "prothrombin_activity_percent",
    "Prothrombin activity", "%", ("1", "200"), "5894-1",
)  # fmt: skip
MEAN_ARTERIAL_PRESSURE = _analyte(
    "mean_arterial_pressure", "mean_arterial_pressure", "mean_arterial_pressure_mm_hg",
    "Mean arterial pressure", "mm[Hg]", ("10", "250"), "8478-0",
)  # fmt: skip
PAO2 = _analyte(
    "pao2", "pao2", "pao2_mm_hg", "Arterial oxygen pressure", "mm[Hg]", ("10", "760"), "2703-7",
)  # fmt: skip
SPO2 = _analyte(
    "spo2", "spo2", "spo2_percent", "Oxygen saturation, pulse oximetry", "%",
    ("20", "100"), "59408-5",
)  # fmt: skip
# Below 0.21 only at altitude or in hypoxic air; nothing above pure oxygen.
FIO2 = _analyte(
    "fio2", "fio2", "fio2", "Inspired oxygen fraction", "1", ("0.15", "1"), "3150-0",
)  # fmt: skip
PAO2_FIO2 = _analyte(
    "pao2_fio2", "pao2_fio2", "pao2_fio2_mm_hg", "PaO2/FiO2", "mm[Hg]",
    ("10", "5100"), "50984-4",
)  # fmt: skip

AGE = ScoreInput(
    name="age", concept="birth_date", kind="age", parameter="age_years", title="Age",
    unit="a", low=Decimal(18), high=Decimal(120), whole=True, loinc="30525-0",
)  # fmt: skip
SEX = ScoreInput(
    name="sex", concept="sex", kind="sex", parameter="sex", title="Sex",
    values=("male", "female"), loinc="46098-0",
)  # fmt: skip
HE_GRADE = ScoreInput(
    name="he_grade", concept="he_grade", kind="grade", parameter="he_grade",
    title="Hepatic encephalopathy, West Haven grade",
    low=Decimal(0), high=Decimal(4), whole=True,
)  # fmt: skip
ASCITES = ScoreInput(
    name="ascites", concept="ascites", kind="grade", parameter="ascites", title="Ascites",
    values=("none", "mild", "controlled", "moderate", "severe", "refractory"),
)  # fmt: skip


def _support(
    name: str,
    concept: str,
    title: str,
    *,
    kind: InputKind = "support",
    values: tuple[str, ...] = (NO, YES),
    nuance: str = "",
) -> ScoreInput:
    return ScoreInput(
        name=name,
        concept=concept,
        kind=kind,
        parameter=name,
        title=title,
        values=values,
        nuances=frozenset({nuance}) if nuance else frozenset(),
    )


RENAL_REPLACEMENT = _support("renal_replacement", "renal_replacement", "Renal replacement therapy")
DIALYSIS = _support(
    "dialysis",
    "renal_replacement",
    "Dialysis twice, or continuous for 24 h, in the week before the creatinine",
)
# `terlipressin`: the only such drug, and given for another reason or an unknown one.
VASOPRESSOR = _support(
    "vasopressor",
    "vasopressor",
    "Vasopressor for circulatory support",
    values=(NO, "terlipressin", YES),
    nuance="terlipressin",
)
# `unknown_reason`: ventilated, and nobody said why.
VENTILATION = _support(
    "ventilation",
    "mechanical_ventilation",
    "Invasive ventilation and its reason",
    values=("none", "hepatic_encephalopathy", "other", "unknown_reason"),
    nuance="unknown_reason",
)
ACLF_PRESENT = _support(
    "aclf_present", "easl_clif_aclf_grade", "Acute-on-chronic liver failure", kind="finding"
)


def drug_rate(drug: str, highest: str, *cuts: str) -> ScoreInput:
    """Return the dose rate of a drug; 0 is not given."""
    return ScoreInput(
        name=f"{drug}_ug_kg_min",
        concept=drug,
        kind="drug",
        parameter=f"{drug}_ug_kg_min",
        title=f"{drug.capitalize()}, dose rate",
        unit="ug/kg/min",
        low=Decimal(0),
        high=Decimal(highest),
        cuts=tuple(Decimal(cut) for cut in cuts),
    )


def drug_given(drug: str, title: str) -> ScoreInput:
    """Return whether a drug is given at any dose."""
    return _support(drug, drug, title)
