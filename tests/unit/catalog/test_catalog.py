from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from aclf_fhir.catalog import Catalog, check, load_catalog
from aclf_fhir.codes import ATC, ICD10CM, LOINC, SNOMED, Coding
from aclf_fhir.errors import AclfError, Category
from aclf_fhir.mapping.models import Strength
from aclf_fhir.units import Interval

Folder = Callable[[Mapping[str, str]], Path]

SITE = "title: Here\nzone: UTC\n"


def problems(folder: Path) -> list[tuple[str, str, str]]:
    """Return location, message and remedy of everything wrong with an overlay."""
    return [
        (issue.location.removeprefix(f"{folder}/"), issue.message, issue.remedy)
        for issue in check(folder)
    ]


def test_the_shipped_data_are_right() -> None:
    assert check() == []


@pytest.mark.parametrize(
    ("code", "analyte"),
    [
        ("1975-2", "bilirubin_total"),
        ("14631-6", "bilirubin_total"),
        ("6301-6", "inr"),
        ("2708-6", "spo2"),
        ("3094-0", "urea_nitrogen"),
        ("22664-7", "urea"),
    ],
)
def test_codes_find_their_analyte(catalog: Catalog, code: str, analyte: str) -> None:
    indexes = catalog.indexes("default")
    assert indexes.analytes_by_code[Coding(LOINC, code)][0] == analyte


@pytest.mark.parametrize("code", ["1968-7", "2532-0", "3289-6", "9318-7", "5821-4", "11556-8"])
def test_look_alikes_are_no_analyte_and_say_why(catalog: Catalog, code: str) -> None:
    indexes = catalog.indexes("default")
    coding = Coding(LOINC, code)
    assert coding not in indexes.analytes_by_code
    assert indexes.not_needed.look_alikes[coding].reason
    assert indexes.not_needed.rule_for([coding], texts=[], categories=[]) == "look-alike"


@pytest.mark.parametrize(
    ("code", "text", "rule"),
    [
        ("8867-4", "Heart rate", "standard-code-without-use"),
        ("718-7", "Hemoglobin [Mass/volume] in Blood", "standard-code-without-use"),
        ("11341-5", "History of Occupation", "standard-code-without-use"),
        ("80288-4", "Level of consciousness", "standard-code-without-use"),
        ("99999-5", "Bilirubin.total by a new method", None),
        ("99999-5", "International Normalized Ratio (INR)", None),
        ("99999-5", "Bilirubin.direct by a new method", "standard-code-without-use"),
        ("99999-5", "Lactate dehydrogenase", "standard-code-without-use"),
    ],
)
def test_standard_codes_without_use(
    catalog: Catalog, code: str, text: str, rule: str | None
) -> None:
    rules = catalog.indexes("default").not_needed
    assert rules.rule_for([Coding(LOINC, code)], texts=[text], categories=["laboratory"]) == rule


def test_each_rule_has_its_sentence(catalog: Catalog) -> None:
    rules = catalog.not_needed
    names = {rules.look_alike_rule, rules.standard_code_rule, rules.category_rule}
    assert rules.texts.keys() == names


def test_only_the_site_says_what_5894_1_is(catalog: Catalog) -> None:
    coding = Coding(LOINC, "5894-1")
    assert catalog.indexes("default").analytes_by_code[coding][1].needs_site
    analyte, code = catalog.indexes("example_clinic").analytes_by_code[coding]
    assert analyte == "prothrombin_activity"
    assert not code.needs_site
    assert "%" in code.units


def test_a_unit_limit_takes_in_other_spellings_of_the_unit(catalog: Catalog) -> None:
    codes = {code.coding.code: code for code in catalog.analytes["urea"].codes}
    assert {"mmol/L", "mmol/l"} <= codes["22664-7"].units
    assert "mg/dL" not in codes["22664-7"].units
    assert codes["3091-6"].units >= {"mg/dL", "mg/dl"}


@pytest.mark.parametrize(
    ("name", "coding", "strength"),
    [
        ("cirrhosis", Coding(ICD10CM, "K74.60"), Strength.DEFINITE),
        ("cirrhosis", Coding(ICD10CM, "K74.3"), Strength.SUPPORTING),
        ("cirrhosis", Coding(SNOMED, "31712002"), Strength.SUPPORTING),
        ("cirrhosis", Coding(SNOMED, "725416005"), None),
        ("ascites_finding", Coding(ICD10CM, "R18.8"), Strength.DEFINITE),
        ("ascites_finding", Coding(ICD10CM, "R18.0"), None),
        ("malignancy", Coding(ICD10CM, "C22.0"), Strength.DEFINITE),
        ("malignancy", Coding(ICD10CM, "C96.9"), Strength.DEFINITE),
        ("malignancy", Coding(ICD10CM, "C7A.010"), Strength.DEFINITE),
        ("malignancy", Coding(ICD10CM, "D09.9"), Strength.REVIEW),
        ("malignancy", Coding(ICD10CM, "D37.01"), Strength.REVIEW),
        ("malignancy", Coding(ICD10CM, "D46.9"), Strength.DEFINITE),
        ("malignancy", Coding(ICD10CM, "D10.0"), None),
        ("malignancy", Coding(ICD10CM, "Z85.05"), Strength.HISTORY),
        ("illicit_drug_dependence", Coding(ICD10CM, "F11.20"), Strength.DEFINITE),
        ("illicit_drug_dependence", Coding(ICD10CM, "F11.21"), Strength.HISTORY),
        ("illicit_drug_dependence", Coding(ICD10CM, "F11.90"), Strength.REVIEW),
        ("illicit_drug_dependence", Coding(ICD10CM, "F12.10"), Strength.REVIEW),
        ("illicit_drug_dependence", Coding(ICD10CM, "F10.20"), None),
        ("illicit_drug_dependence", Coding(ICD10CM, "F17.210"), None),
        ("pregnancy", Coding(ICD10CM, "O26.61"), Strength.DEFINITE),
        ("pregnancy", Coding(ICD10CM, "O26.63"), None),
        ("pregnancy", Coding(ICD10CM, "O86.0"), None),
        ("extrahepatic_cholestasis", Coding(ICD10CM, "K80.51"), Strength.DEFINITE),
        ("extrahepatic_cholestasis", Coding(ICD10CM, "K80.81"), Strength.REVIEW),
        ("extrahepatic_cholestasis", Coding(ICD10CM, "K80.21"), None),
        ("hiv", Coding(LOINC, "56888-1"), Strength.REVIEW),
        ("immunosuppressant", Coding(ATC, "L04AD02"), Strength.DEFINITE),
        ("immunosuppressant", Coding(ATC, "L01BA01"), Strength.REVIEW),
    ],
)
def test_what_a_code_proves(
    catalog: Catalog, name: str, coding: Coding, strength: Strength | None
) -> None:
    assert catalog.value_sets[name].strength(coding) is strength


@pytest.mark.parametrize(
    ("coding", "cause"),
    [
        (Coding(ICD10CM, "B18.1"), "viral"),
        (Coding(ICD10CM, "K70.31"), "alcohol"),
        (Coding(ICD10CM, "K71.7"), "drug"),
        (Coding(ICD10CM, "K75.4"), "autoimmune"),
        (Coding(ICD10CM, "K75.81"), "other"),
        (Coding(ICD10CM, "K74.60"), None),
    ],
)
def test_causes(catalog: Catalog, coding: Coding, cause: str | None) -> None:
    assert catalog.value_sets["liver_disease_cause"].value_of(coding) == cause


def test_negative_findings_have_codes(catalog: Catalog) -> None:
    hiv = catalog.value_sets["hiv"]
    assert hiv.value_of(Coding(SNOMED, "165815009")) == "absent"
    assert hiv.value_of(Coding(SNOMED, "86406008")) is None


def test_grades(catalog: Catalog) -> None:
    answers = {coding.code: value for coding, value in catalog.scales["he_grade"].answers.items()}
    assert answers["west-haven-minimal"] == Interval.exact(Decimal(0))
    assert answers["west-haven-overt"] == Interval(Decimal(2), Decimal(4))
    ascites = catalog.scales["ascites"]
    assert ascites.ordinal is None
    assert frozenset({"refractory"}) in ascites.answers.values()


def test_a_site_lays_its_own_over_the_catalog(catalog: Catalog) -> None:
    ours = catalog.indexes("example_clinic")
    plain = catalog.indexes("default")
    ward = "https://klinik.example/fhir/CodeSystem/station"
    lab = "https://klinik.example/fhir/CodeSystem/labor"
    assert ours.analytes_by_code[Coding(lab, "TPZ")][0] == "prothrombin_activity"
    assert Coding(lab, "TPZ") not in plain.analytes_by_code
    assert ours.scales_by_code[Coding(ward, "HE-GRAD")] == "he_grade"
    assert ours.scales["he_grade"].answers[Coding(ward, "HE3")].value == 3
    cause = ours.value_sets["liver_disease_cause"]
    assert cause.value_of(Coding(ward, "ALK-ZIRR")) == "alcohol"
    assert plain.value_sets["liver_disease_cause"].strength(Coding(ward, "ALK-ZIRR")) is None
    assert {set_.id for set_ in ours.value_sets_by_system[ward]} >= {
        "cirrhosis",
        "severe_infection",
    }
    site = ours.site
    assert str(site.zone) == "Europe/Berlin"
    assert site.decimal_comma
    assert site.spellings["leukocytes", "K/uL"] == "10*3/uL"
    assert site.spellings["creatinine", "mg/dl (ger.)"] == "mg/dL"
    assert ("inr", "mg/dl (ger.)") not in site.spellings
    assert site.default_units["prothrombin_activity"] == "%"
    assert site.constants == {
        "pt_control": Decimal("12.5"),
        "pt_mean_normal": Decimal("12.1"),
        "isi": Decimal("1.05"),
    }
    assert site.set_aside == {Coding(lab, "HKT"), Coding(lab, "BILD")}
    assert site.specimen_codes[Coding("", "Serum")] == Coding(SNOMED, "119364003")
    assert "renal_replacement" in site.complete_feeds


def test_the_context_of_a_site(catalog: Catalog) -> None:
    context = catalog.indexes("demo").context(
        resource_id="x",
        version=1,
        known=datetime(2024, 1, 1, tzinfo=UTC),
        subject_dates=lambda _: None,
        resolve=lambda _: None,
    )
    assert context.site.id == "demo"
    assert context.analytes is catalog.analytes
    assert "he-grade" in context.attestation_items
    assert context.not_needed is catalog.not_needed


def test_an_unknown_site_is_named(catalog: Catalog) -> None:
    with pytest.raises(AclfError) as caught:
        catalog.indexes("nowhere")
    assert caught.value.category is Category.NOT_FOUND
    assert "demo" in caught.value.issues[0].remedy


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(AclfError) as caught:
        load_catalog(mappings=tmp_path / "none")
    assert caught.value.category is Category.NOT_FOUND


def test_an_overlay_adds_and_replaces(catalog: Catalog, folder: Folder) -> None:
    path = folder(
        {
            "sites/here.yaml": SITE,
            "sites/demo.yaml": "title: Another demo\nzone: Asia/Shanghai\n",
            "scales/own.yaml": (
                "title: Own\nscales:\n  own_scale:\n    title: Own\n    source: Own\n"
                "    values: [a, b]\n    codes: {local: {own: {note: own}}}\n"
                "    answers: {local: {own-a: a, own-ab: [a, b]}}\n"
                "    max_age: 2 d\n    max_age_why: own\n"
            ),
            "README.md": "Notes are not read.",
        }
    )
    ours = load_catalog(mappings=path)
    assert ours.sites["demo"].title == "Another demo"
    assert ours.sites["here"].title == "Here"
    assert ours.sites["default"] == catalog.sites["default"]
    assert frozenset({"a", "b"}) in ours.scales["own_scale"].answers.values()
    assert len(ours.scales) == len(catalog.scales) + 1
    assert ours.version != catalog.version
    assert ours.versions["scales"] != catalog.versions["scales"]
    assert ours.versions["analytes"] == catalog.versions["analytes"]


def test_versions_follow_the_content_alone(catalog: Catalog) -> None:
    assert load_catalog().version == catalog.version
    assert load_catalog().versions == catalog.versions


@pytest.mark.parametrize("layout", ["mappings/sites/here.yaml", "sites/here.yaml"])
def test_check_finds_the_data_in_a_folder(folder: Folder, layout: str) -> None:
    assert problems(folder({layout: SITE})) == []
    assert problems(folder({layout: "title: Here\n"})) == [
        (layout, "'zone' is a required property", "expected title, zone")
    ]


def test_every_problem_of_every_file_is_reported_at_once(folder: Folder) -> None:
    path = folder(
        {
            "sites/a.yaml": "title: A\nzone: UTC\nunknown: 1\n",
            "sites/b.yaml": "title: 7\nzone: UTC\ntitle: B\n",
            "sites/c.yml": SITE,
            "site/d.yaml": SITE,
            "sites/e.yaml": "[1]\n",
        }
    )
    (path / "sites" / "f.yaml").write_bytes(b"title: \xff\n")
    assert {location for location, _, _ in problems(path)} == {
        "site",
        "sites/a.yaml: unknown",
        "sites/b.yaml: title",
        "sites/c.yml",
        "sites/e.yaml",
        "sites/f.yaml",
    }


@pytest.mark.parametrize(
    ("old", "new", "location", "message", "remedy"),
    [
        (
            "factor: 1/17.1",
            "factor: 1/x",
            "analytes.bilirubin_total.units[2].factor",
            "'1/x' does not fit",
            "expected a positive decimal, or one divided by another (1/17.1)",
        ),
        (
            "unit: umol/L, factor: 1/17.1",
            "unit: umol/L, factors: 1/17.1",
            "analytes.bilirubin_total.units[2]",
            "'factor' is a required property",
            "expected unit, factor",
        ),
        (
            "max_age: 48 h",
            "max_age: two days",
            "analytes.bilirubin_total.max_age",
            "'two days' does not fit",
            "expected a number of hours or days: 48 h, 90 d",
        ),
        (
            "1975-2: {note",
            "1975-3: {note",
            "analytes.bilirubin_total.codes.loinc.1975-3",
            "1975-3 is not a LOINC code: its check digit is wrong",
            "",
        ),
        (
            "1968-7: direct",
            "1968-8: direct",
            "analytes.bilirubin_total.not_this.loinc.1968-8",
            "1968-8 is not a LOINC code: its check digit is wrong",
            "",
        ),
        (
            "plausible: {low: 0.01, high: 100}",
            "plausible: {low: 100, high: 0.01}",
            "analytes.bilirubin_total.plausible",
            "low is not below high",
            "",
        ),
        (
            "    unit: mg/dL\n",
            "    unit: mg/mL\n",
            "analytes.bilirubin_total.unit",
            "mg/mL is not in the table",
            "add it to units",
        ),
        (
            "    unit: mg/dL\n",
            "    unit: umol/L\n",
            "analytes.bilirubin_total.units",
            "unit table, 'umol/L': the canonical unit has a factor other than 1",
            "",
        ),
        (
            "factor: 1/10}",
            "factor: 0}",
            "analytes.bilirubin_total.units[1].factor",
            "'0' does not fit",
            "expected a positive decimal, or one divided by another (1/17.1)",
        ),
        (
            "      - {unit: mg/dL, factor: 1}",
            "      - {unit: mg/dl, factor: 1/10}\n      - {unit: mg/dL, factor: 1}",
            "analytes.bilirubin_total.units[1]",
            "mg/dl already has another factor",
            "",
        ),
        (
            "{unit: mg/L, factor: 1/10}",
            "{unit: mg/dL, factor: 1/10}",
            "analytes.bilirubin_total.units[1]",
            "mg/dL already has the factor 1",
            "",
        ),
        (
            "specimens: blood",
            "specimens: bloods",
            "analytes.bilirubin_total.specimens",
            "bloods is not a specimen group",
            "",
        ),
        (
            '1975-2: {note: "mass, serum or plasma"}',
            "1975-2: {note: mass, units: [g/kg]}",
            "analytes.bilirubin_total.codes.loinc.1975-2.units",
            "g/kg is not a unit of bilirubin_total",
            "",
        ),
    ],
)
def test_an_analyte_that_contradicts_itself(
    folder: Folder, old: str, new: str, location: str, message: str, remedy: str
) -> None:
    text = _bilirubin()
    assert old in text
    path = folder({"analytes/own.yaml": text.replace(old, new, 1)})
    assert (f"analytes/own.yaml: {location}", message, remedy) in problems(path)


def test_one_coding_stands_for_one_analyte(folder: Folder) -> None:
    other = _bilirubin().replace("bilirubin_total:", "bilirubin_copy:")
    messages = [message for _, message, _ in problems(folder({"analytes/own.yaml": other}))]
    stands = "already stands in analytes.bilirubin_total.codes"
    assert f"{LOINC}|1975-2 {stands}" in messages


def test_a_code_is_not_its_own_look_alike(folder: Folder) -> None:
    text = _bilirubin().replace("1968-7: direct", "1975-2: direct")
    messages = [message for _, message, _ in problems(folder({"analytes/own.yaml": text}))]
    assert messages == [f"{LOINC}|1975-2 is also a code of it"]


def test_the_same_id_twice_in_one_place(folder: Folder) -> None:
    path = folder({"analytes/a.yaml": _bilirubin(), "analytes/b.yaml": _bilirubin()})
    assert [message for _, message, _ in problems(path)] == [
        f"bilirubin_total is also in {path}/analytes/a.yaml"
    ]


def test_a_spelling_of_two_units(folder: Folder) -> None:
    units = (
        "units:\n  mg/dL: {ucum: [], spellings: [mgs]}\n  mg/L: {ucum: [], spellings: [mgs]}\n"
        "refused: []\n"
    )
    path = folder({"units.yaml": units})
    assert any(message == "mgs is a spelling of two units" for _, message, _ in problems(path))


def _bilirubin() -> str:
    """Return the shipped entry of total bilirubin as a file of its own."""
    shipped = Path(__file__).parents[3] / "mappings" / "analytes" / "liver.yaml"
    text = shipped.read_text(encoding="utf-8")
    start, end = text.index("  bilirubin_total:"), text.index("  albumin:")
    return f"title: Own\nanalytes:\n{text[start:end]}"


VALUE_SET = """
title: Own
value_sets:
  own_set:
    title: Own
    kind: finding
    source: Own
"""


@pytest.mark.parametrize(
    ("body", "path", "message"),
    [
        ("definite: {icd10cm: {K7-: x}}", "definite.icd10cm.K7-", "K7- is not a prefix"),
        ("definite: {icd10cm: {C96-C00: x}}", "definite.icd10cm.C96-C00", "C96-C00 is not a pre"),
        ("definite: {icd10cm: {C00-D01: x}}", "definite.icd10cm.C00-D01", "C00-D01 is not a code"),
        ("definite: {icd10cm: {k70: x}}", "definite.icd10cm.k70", "k70 is not a code"),
        ("definite: {icd10: {K70.301: x}}", "definite.icd10.K70.301", "K70.301 is not a code"),
        ("definite: {icd10pcs: {5A1D70: x}}", "definite.icd10pcs.5A1D70", "5A1D70 is not a code"),
        ("definite: {atc: {J1: x}}", "definite.atc.J1", "J1 is not a code"),
        ("definite: {rxnorm: {X7: x}}", "definite.rxnorm.X7", "X7 is not a code"),
        ("definite: {snomed: {19943008: x}}", "definite.snomed.19943008", "19943008 is not a SNO"),
        ("values: {a: {snomed: {19943008: x}}}", "values.a.snomed.19943008", "19943008 is not a"),
        ("excluded: {snomed: {19943008: x}}", "excluded.snomed.19943008", "19943008 is not a SNO"),
        (
            "definite: {icd10cm: {R17: x}}\n    review: {icd10cm: {R17: x}}",
            "review.icd10cm.R17",
            "R17 is already there as definite",
        ),
        (
            "values: {a: {icd10cm: {R17: x}}, b: {icd10cm: {R17: x}}}",
            "values.b.icd10cm.R17",
            "R17 is already there as definite",
        ),
        (
            "definite: {icd10cm: {C00-C10: x, C07.-: x}}",
            "definite.icd10cm.C07.-",
            "C07 is already there as definite",
        ),
        (
            "definite: {icd10cm: {R17: x}}\n    excluded: {icd10cm: {R17: x}}",
            "excluded",
            "R17 is also a member",
        ),
    ],
)
def test_a_value_set_that_contradicts_itself(
    folder: Folder, body: str, path: str, message: str
) -> None:
    found = problems(folder({"value_sets/own.yaml": f"{VALUE_SET}    {body}\n"}))
    assert len(found) == 1
    location, said, _ = found[0]
    assert location == f"value_sets/own.yaml: value_sets.own_set.{path}"
    assert said.startswith(message)


SCALE = """
title: Own
scales:
  own_scale:
    title: Own
    source: Own
    max_age: 1 d
    max_age_why: own
    codes: {local: {own: {note: own}}}
"""


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ("grades: [0, 4]\n    answers: {local: {x: 5}}", "answers.local.x"),
        ("grades: [0, 4]\n    answers: {local: {x: [3, 2]}}", "answers.local.x"),
        ("grades: [0, 4]\n    answers: {local: {x: [1, 2, 3]}}", "answers.local.x"),
        ("grades: [0, 4]\n    answers: {local: {x: severe}}", "answers.local.x"),
        ("values: [a]\n    answers: {local: {x: b}}", "answers.local.x"),
        ("values: [a]\n    answers: {local: {x: [a, b]}}", "answers.local.x"),
        ("values: [a]\n    answers: {snomed: {123: a}}", "answers.snomed.123"),
        ("grades: [0, 4]\n    values: [a]\n    answers: {local: {x: 1}}", ""),
        ("answers: {local: {x: 1}}", ""),
    ],
)
def test_a_scale_that_contradicts_itself(folder: Folder, body: str, path: str) -> None:
    found = problems(folder({"scales/own.yaml": f"{SCALE}    {body}\n"}))
    assert found
    dotted = f".{path}" if path else ""
    assert {location for location, _, _ in found} == {f"scales/own.yaml: scales.own_scale{dotted}"}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ("systems: {loinc: urn:x}", "systems.loinc"),
        ("analytes: {lab: {X: {analyte: inr}}}", "analytes.lab"),
        ("analytes: {loinc: {5894-1: {analyte: pta}}}", "analytes.loinc.5894-1.analyte"),
        ("analytes: {loinc: {5894-2: {analyte: inr}}}", "analytes.loinc.5894-2"),
        (
            "analytes: {loinc: {5894-1: {analyte: inr, units: [s]}}}",
            "analytes.loinc.5894-1.units",
        ),
        ("scales: {local: {X: {scale: none}}}", "scales.local.X.scale"),
        ("answers: {none: {local: {X: 1}}}", "answers.none"),
        ("answers: {he_grade: {local: {X: 5}}}", "answers.he_grade.local.X"),
        ("answers: {ascites: {local: {X: large}}}", "answers.ascites.local.X"),
        (
            "value_sets: {local: {X: [{value_set: none}]}}",
            "value_sets.local.X[0].value_set",
        ),
        ("spellings: {inr: {x: s}}", "spellings.inr.x"),
        ("spellings: {all: {x: none}}", "spellings.all.x"),
        ("default_units: {none: s}", "default_units.none"),
        ("default_units: {inr: s}", "default_units.inr"),
        ("complete_feeds: [none]", "complete_feeds[0]"),
        ("constants: {none: {value: 1, unit: s}}", "constants.none"),
        ("constants: {pt_control: {value: 12, unit: min}}", "constants.pt_control.unit"),
        ("constants: {pt_control: {value: 40, unit: s}}", "constants.pt_control.value"),
        ("constants: {pt_mean_normal: {value: 7.9, unit: s}}", "constants.pt_mean_normal.value"),
        ("constants: {pt_mean_normal: {value: 20.1, unit: s}}", "constants.pt_mean_normal.value"),
        ('constants: {isi: {value: 3.01, unit: "1"}}', "constants.isi.value"),
        ('constants: {isi: {value: 0.49, unit: "1"}}', "constants.isi.value"),
        ("constants: {isi: {value: 1, unit: s}}", "constants.isi.unit"),
        ("specimens: {text: {x: {system: snomed, code: '123'}}}", "specimens.text.x.code"),
        ("zone: Berlin", "zone"),
        ("zone: ../etc/passwd", "zone"),
    ],
)
def test_a_site_that_contradicts_the_catalog(folder: Folder, body: str, path: str) -> None:
    site = body if body.startswith("zone") else f"zone: UTC\n{body}"
    found = problems(folder({"sites/here.yaml": f"title: Here\n{site}\n"}))
    assert [location for location, _, _ in found] == [f"sites/here.yaml: {path}"]


def test_an_unknown_id_is_told_with_those_there_are_and_the_nearest(folder: Folder) -> None:
    site = "title: Here\nzone: UTC\ndefault_units: {bilirubin_totl: mg/dL}\n"
    ((_, message, remedy),) = problems(folder({"sites/here.yaml": site}))
    assert message == "bilirubin_totl is not in the catalog"
    assert remedy.startswith("did you mean bilirubin_total? expected one of: ")
    assert "creatinine" in remedy


def test_a_unit_that_is_none_is_told_with_those_there_are(folder: Folder) -> None:
    site = "title: Here\nzone: UTC\ndefault_units: {bilirubin_total: parsec}\n"
    ((_, _, remedy),) = problems(folder({"sites/here.yaml": site}))
    assert remedy.startswith("expected one of: ")
    assert "mg/dL" in remedy


def test_where_an_overlay_stands_makes_no_other_version(tmp_path: Path) -> None:
    versions = set()
    for name in ("one", "two"):
        (tmp_path / name / "sites").mkdir(parents=True)
        (tmp_path / name / "sites" / "here.yaml").write_text(SITE)
        versions.add(load_catalog(mappings=tmp_path / name).version)
    assert len(versions) == 1
