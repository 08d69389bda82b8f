"""`verify` recomputes worked cases with the engine of the gateway, and says where they differ."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from aclf_fhir.catalog import Catalog, load_catalog
from aclf_fhir.errors import AclfError, Category
from aclf_fhir.scores import SCORES
from aclf_fhir.workflows.verify import verify_cases

CASES = Path(__file__).resolve().parents[3] / "shared" / "clinical" / "vectors.json"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="module")
def shared() -> dict[str, object]:
    if not CASES.exists():
        pytest.skip("the shared case file does not lie beside this repository")
    return json.loads(CASES.read_text(encoding="utf-8"), parse_float=Decimal)


def one(score: str, inputs: object, expected: object) -> dict[str, object]:
    return {"cases": [{"id": "c", "score": score, "inputs": inputs, "expected": expected}]}


MELD = {"creatinine": {"value": 2, "unit": "mg/dL"}, "bilirubin": {"value": 6, "unit": "mg/dL"}}


def test_shared_cases_of_scores_and_units_pass(catalog: Catalog, shared: dict[str, object]) -> None:
    listed = shared["cases"]
    assert isinstance(listed, list)
    own = [case for case in listed if case["score"] in {*SCORES, "unit_conversion"}]
    report = verify_cases({"cases": own}, catalog=catalog)
    assert len(own) == 370
    assert report.is_clean, "\n".join(report.lines)


def test_all_shared_cases_pass(catalog: Catalog, shared: dict[str, object]) -> None:
    report = verify_cases(shared, catalog=catalog)
    assert report.is_clean, "\n".join(report.lines)
    assert report.summary == "409 cases: 409 passed, 0 failed, 0 not supported"


def test_floats_are_read_by_their_text(catalog: Catalog) -> None:
    inputs = {"bilirubin": {"value": 205.2, "unit": "umol/L"}}
    expected = {"components": {"liver": 3}}
    assert verify_cases(one("clif_c_of", inputs, expected), catalog=catalog).is_clean


def test_a_difference_names_case_key_and_both_values(catalog: Catalog) -> None:
    cases = one("meld_optn", {**MELD, "inr": 2}, {"status": "ok", "rounded": 27, "value": 27.5995})
    report = verify_cases(cases, catalog=catalog)
    assert report.lines == (
        "c: rounded: expected 27, found 28",
        "1 cases: 0 passed, 1 failed, 0 not supported",
    )
    assert report.failed == ("c",)
    assert not report.is_clean


@pytest.mark.parametrize(
    ("expected", "passes"),
    [
        ({"value": Decimal("27.5996")}, True),
        ({"value": Decimal("27.5994")}, False),
        ({"missing": []}, True),
        ({"category": None}, True),
        ({"nowhere": 1}, False),
        ({"status": 1}, False),
        ({"components": {"liver": 1}}, False),
    ],
)
def test_agreement(catalog: Catalog, expected: object, passes: bool) -> None:
    cases = one("meld_optn", {**MELD, "inr": 2}, expected)
    assert verify_cases(cases, catalog=catalog).is_clean is passes


@pytest.mark.parametrize(
    ("inputs", "reason", "field"),
    [
        ({**MELD, "inr": 2, "bilirubin": {"value": 6, "unit": None}}, "missing_unit", "bilirubin"),
        ({**MELD, "inr": 2, "bilirubin": 6}, "missing_unit", "bilirubin"),
        (
            {**MELD, "inr": 2, "bilirubin": {"value": 6, "unit": "s"}},
            "unsupported_unit",
            "bilirubin",
        ),
        ({**MELD, "inr": 0}, "non_positive_input", "inr"),
        ({**MELD, "inr": 99}, "out_of_range", "inr"),
    ],
)
def test_unusable_inputs(catalog: Catalog, inputs: object, reason: str, field: str) -> None:
    expected = {"status": "error", "reason": reason, "field": field}
    assert verify_cases(one("meld_optn", inputs, expected), catalog=catalog).is_clean


def test_comparators_nulls_and_inputs_a_score_does_not_ask_for(catalog: Catalog) -> None:
    low = {"value": Decimal("0.2"), "unit": "mg/dL", "comparator": "<"}
    inputs = {**MELD, "bilirubin": low, "inr": None, "platelets": {"value": 5, "unit": "10*9/L"}}
    expected = {"status": "indeterminate", "missing": ["inr"]}
    assert verify_cases(one("meld_optn", inputs, expected), catalog=catalog).is_clean
    empty = {**MELD, "inr": {"value": None, "unit": "{INR}"}}
    assert verify_cases(one("meld_optn", empty, expected), catalog=catalog).is_clean


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (12, "mg/dL", {"status": "ok", "value": Decimal("205.2")}),
        (12, None, {"status": "error", "reason": "missing_unit"}),
        (12, "s", {"status": "error", "reason": "unsupported_unit"}),
    ],
)
def test_conversions(catalog: Catalog, value: int, unit: str | None, expected: object) -> None:
    inputs = {"analyte": "bilirubin", "value": value, "unit": unit, "to": "umol/L"}
    assert verify_cases(one("unit_conversion", inputs, expected), catalog=catalog).is_clean


@pytest.mark.parametrize("score", ["no_such_score", "unit_conversion"])
def test_what_nothing_computes_is_not_supported(catalog: Catalog, score: str) -> None:
    inputs = {"analyte": "no_such_analyte", "value": 1, "unit": "1", "to": "1"}
    report = verify_cases(one(score, inputs, {}), catalog=catalog)
    assert report.lines == ("c: not supported", "1 cases: 0 passed, 0 failed, 1 not supported")
    assert not report.is_clean


@pytest.mark.parametrize(
    ("cases", "location"),
    [
        ({}, "cases"),
        ({"cases": [1]}, "cases[0]"),
        ({"cases": [{"id": "c", "score": "albi", "inputs": []}]}, "cases[0].inputs"),
    ],
)
def test_a_file_that_is_no_case_file_is_invalid(
    catalog: Catalog, cases: dict[str, object], location: str
) -> None:
    with pytest.raises(AclfError) as caught:
        verify_cases(cases, catalog=catalog)
    assert caught.value.category is Category.INVALID
    assert caught.value.issues[0].location == location


def test_vasopressors_and_ventilation_as_cases_spell_them(catalog: Catalog) -> None:
    inputs = {"vasoactives": {"vasopressin": 0.03}, "map": 80}
    expected = {"components": {"circulation": 2}}
    assert verify_cases(one("clif_sofa", inputs, expected), catalog=catalog).is_clean
    for value, points in ((False, 1), (True, 3), (None, None), ("respiratory_failure", 3)):
        air = {"pao2": {"value": 90, "unit": "mm[Hg]"}, "fio2": 0.21}
        case = one(
            "clif_c_of",
            {**air, "mechanical_ventilation": value},
            {"components": {"respiration": points}},
        )
        assert verify_cases(case, catalog=catalog).is_clean


def test_an_input_without_a_unit_table_has_no_unit(catalog: Catalog) -> None:
    inputs = {"hbv_sofa": {"value": 5, "unit": "mg/dL"}}
    expected = {"status": "error", "reason": "unsupported_unit", "field": "hbv_sofa"}
    assert verify_cases(one("cossh_aclf", inputs, expected), catalog=catalog).is_clean


def test_a_case_that_cannot_be_read_fails_and_the_rest_goes_on(catalog: Catalog) -> None:
    text = {"id": "text", "score": "meld_optn", "inputs": {**MELD, "inr": {"value": "two"}}}
    nothing = {"id": "nothing", "score": "unit_conversion", "inputs": {"value": 1}}
    sound = {"id": "sound", "score": "meld_optn", "inputs": {**MELD, "inr": 2}}
    cases = [{**each, "expected": {"status": "ok"}} for each in (text, nothing, sound)]
    report = verify_cases({"cases": cases}, catalog=catalog)
    assert (len(report.differences), len(report.passed)) == (2, 1)
    assert "not a number" in report.lines[0]
    assert "analyte" in report.lines[1]


def test_support_that_is_not_known_is_missing_by_the_name_of_its_key(catalog: Catalog) -> None:
    inputs = {"he_grade": 0, "mechanical_ventilation": None}
    expected = {"status": "indeterminate", "missing": ["mechanical_ventilation"]}
    assert verify_cases(one("nacseld_aclf", inputs, expected), catalog=catalog).is_clean
    full = {
        "bilirubin": {"value": 1, "unit": "mg/dL"}, "creatinine": {"value": 1, "unit": "mg/dL"},
        "he_grade": 0, "inr": 1, "map": 60, "platelets": {"value": 200, "unit": "10*9/L"},
        "pao2": {"value": 90, "unit": "mm[Hg]"}, "fio2": 0.21,
    }  # fmt: skip
    expected = {"status": "indeterminate", "missing": ["vasoactives"]}
    for inputs in (full, {**full, "vasoactives": None}):
        assert verify_cases(one("clif_sofa", inputs, expected), catalog=catalog).is_clean
