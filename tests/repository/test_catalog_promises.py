"""What every entry of the catalog has, and that the concepts everybody relies on exist."""

from decimal import Decimal

import pytest

from aclf_fhir.catalog import Catalog, load_catalog
from aclf_fhir.catalog.files import read_files
from aclf_fhir.codes import LOINC
from aclf_fhir.record import FactKind
from aclf_fhir.scores import SCORES

CATALOG: Catalog = load_catalog()

ANALYTES = [
    "bilirubin_total",
    "creatinine",
    "inr",
    "prothrombin_time",
    "prothrombin_activity",
    "albumin",
    "sodium",
    "leukocytes",
    "neutrophils",
    "neutrophil_percent",
    "platelets",
    "urea",
    "urea_nitrogen",
    "lactate",
    "ammonia",
    "bile_acids",
    "alpha_fetoprotein",
    "pao2",
    "spo2",
    "fio2",
    "oxygen_flow",
    "pao2_fio2",
    "mean_arterial_pressure",
    "systolic_pressure",
    "diastolic_pressure",
    "glasgow_coma_scale",
    "urine_output",
    "body_weight",
    "fev1_percent_predicted",
    "fev1_fvc",
    "egfr",
    "glucose",
    "hcg_quantitative",
    "pt_control",
    "pt_mean_normal",
    "isi",
]

CANONICAL = {
    "bilirubin_total": "mg/dL",
    "creatinine": "mg/dL",
    "urea": "mmol/L",
    "urea_nitrogen": "mmol/L",
    "albumin": "g/dL",
    "sodium": "mmol/L",
    "leukocytes": "10*9/L",
    "neutrophils": "10*9/L",
    "platelets": "10*9/L",
    "lactate": "mmol/L",
    "ammonia": "umol/L",
    "alpha_fetoprotein": "ng/mL",
    "pao2": "mm[Hg]",
    "spo2": "%",
    "fio2": "1",
    "mean_arterial_pressure": "mm[Hg]",
    "inr": "{INR}",
    "prothrombin_time": "s",
    "pt_control": "s",
    "prothrombin_activity": "%",
    "body_weight": "kg",
    "bile_acids": "umol/L",
    "oxygen_flow": "L/min",
    "urine_output": "mL",
    "glasgow_coma_scale": "{score}",
}

SCALES = [
    "he_grade",
    "ascites",
    "nyha_class",
    "gold_grade",
    "ventilation_reason",
    "vasopressor_indication",
]

FINDINGS = [
    "cirrhosis",
    "chronic_liver_disease",
    "acute_liver_failure",
    "aclf",
    "ascites_finding",
    "hepatic_coma",
    "hepatic_encephalopathy",
    "gi_bleeding",
    "severe_infection",
    "infection",
    "malignancy",
    "liver_cancer",
    "malignancy_history",
    "hereditary_cancer",
    "chronic_kidney_disease_severe",
    "acute_kidney_injury",
    "dialysis_status",
    "liver_transplant_status",
    "transplant_waitlist",
    "heart_failure",
    "nyha_iii",
    "nyha_iv",
    "copd",
    "copd_severe",
    "extrahepatic_cholestasis",
    "hiv",
    "pregnancy",
    "lactation",
    "immunosuppression",
    "illicit_drug_dependence",
    "menopause",
    "contraception",
    "primary_biliary_cholangitis",
    "liver_disease_cause",
    "jaundice",
    "death",
    "symptom_burden",
    "sedation",
]

PROCEDURES = [
    "renal_replacement",
    "mechanical_ventilation",
    "noninvasive_ventilation",
    "intubation",
    "liver_transplantation",
    "paracentesis",
    "endoscopy",
    "transfusion",
    "oxygen_therapy",
]

MEDICATIONS = [
    "norepinephrine",
    "epinephrine",
    "dopamine",
    "dobutamine",
    "vasopressin",
    "phenylephrine",
    "terlipressin",
    "milrinone",
    "immunosuppressant",
    "corticosteroid",
    "vitamin_k_antagonist",
    "direct_anticoagulant",
    "albumin_infusion",
    "plasma_transfusion",
    "antibacterial",
    "opioid_substitution",
    "contraceptive",
    "investigational_product",
]


def test_every_concept_is_there_and_no_other() -> None:
    assert sorted(CATALOG.analytes) == sorted(ANALYTES)
    assert sorted(CATALOG.scales) == sorted(SCALES)
    kinds = {
        FactKind.FINDING: FINDINGS,
        FactKind.PROCEDURE: PROCEDURES,
        FactKind.MEDICATION: MEDICATIONS,
    }
    for kind, names in kinds.items():
        found = [set_.id for set_ in CATALOG.value_sets.values() if set_.kind is kind]
        assert sorted(found) == sorted(names)


@pytest.mark.parametrize("name", CANONICAL)
def test_canonical_units_are_those_of_the_scores(name: str) -> None:
    assert CATALOG.analytes[name].unit == CANONICAL[name]


@pytest.mark.parametrize("name", ANALYTES)
def test_an_analyte_has_unit_range_code_and_source(name: str) -> None:
    analyte = CATALOG.analytes[name]
    assert analyte.unit in analyte.units.factors
    assert analyte.plausible.low is not None
    assert analyte.plausible.high is not None
    assert analyte.source
    assert analyte.title
    tree = next(
        file.tree["analytes"][name]
        for file in read_files().of("analytes")
        if name in file.tree["analytes"]
    )
    has_loinc = any(code.coding.system == LOINC for code in analyte.codes)
    assert has_loinc != ("no_loinc" in tree), "a LOINC code, or the reason why there is none"
    assert any("expect" in example for example in tree["examples"])


@pytest.mark.parametrize("name", ANALYTES)
def test_an_analyte_with_molar_units_states_its_molar_mass(name: str) -> None:
    analyte = CATALOG.analytes[name]
    molar = {unit for unit in analyte.units.factors if "mol/" in unit}
    mass = {unit for unit in analyte.units.factors if unit.startswith(("mg/", "ug/", "g/", "ng/"))}
    assert not (molar and mass) or analyte.molar_mass


@pytest.mark.parametrize("name", [*FINDINGS, *PROCEDURES, *MEDICATIONS])
def test_a_value_set_has_codes_and_a_source(name: str) -> None:
    value_set = CATALOG.value_sets[name]
    assert value_set.codes or value_set.prefixes
    assert value_set.source


@pytest.mark.parametrize("name", SCALES)
def test_a_scale_has_answers_and_a_source(name: str) -> None:
    scale = CATALOG.scales[name]
    assert scale.codes
    assert scale.answers
    assert scale.source


@pytest.mark.parametrize("name", SCALES)
def test_every_value_of_a_scale_has_a_code(name: str) -> None:
    scale = CATALOG.scales[name]
    if scale.ordinal is None:
        return
    grades = {
        answer.value
        for answer in scale.answers.values()
        if not isinstance(answer, frozenset) and answer.is_exact
    }
    assert grades == set(range(int(scale.ordinal.low or 0), int(scale.ordinal.high or 0) + 1))


def test_the_shipped_sites_are_there() -> None:
    assert sorted(CATALOG.sites) == ["default", "demo", "example_clinic"]


SMALLEST_COUNT = Decimal("0.001")
"""Where a count enters a logarithm: one cell per microliter; zero has none."""


@pytest.mark.parametrize("score", SCORES.values(), ids=lambda score: score.id)
def test_a_score_accepts_every_value_the_catalog_calls_plausible(score):
    narrower = []
    for declared in score.inputs:
        if declared.kind != "analyte" or declared.concept not in CATALOG.analytes:
            continue
        analyte = CATALOG.analytes[declared.concept]
        low, high = declared.limits
        plausible = analyte.units.convert(analyte.plausible, analyte.unit, declared.unit)
        if low > max(plausible.low, SMALLEST_COUNT if low else plausible.low):
            narrower.append(f"{declared.name} from {low}, plausible from {plausible.low}")
        if high < plausible.high:
            narrower.append(f"{declared.name} to {high}, plausible to {plausible.high}")
    assert narrower == []
