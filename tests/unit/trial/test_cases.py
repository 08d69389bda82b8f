import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from aclf_fhir.catalog import load_catalog
from aclf_fhir.errors import AclfError
from aclf_fhir.trial import evaluate_case, find_case
from tests.unit.evaluation.facts import rules

CASES = Path(__file__).resolve().parents[4] / "shared" / "clinical" / "vectors.json"
PROTOCOLS = load_catalog().protocols


def case(case_id: str, **inputs: Any) -> dict[str, object]:
    found = find_case(PROTOCOLS.values(), case_id, inputs)
    assert found is not None
    return evaluate_case(*found, inputs, rules())


def same(got: object, expected: object) -> bool:
    if isinstance(expected, Decimal | int) and not isinstance(expected, bool):
        return isinstance(got, Decimal | int) and abs(got - expected) <= Decimal("0.0001")
    return got == expected


@pytest.mark.skipif(not CASES.exists(), reason="the shared case file is not beside the project")
def test_every_shared_case_of_a_trial_passes() -> None:
    count = 0
    for each in json.loads(CASES.read_text(), parse_float=Decimal)["cases"]:
        found = find_case(PROTOCOLS.values(), each["score"], each["inputs"])
        if found is None:
            assert not each["score"].startswith("nct")
            continue
        count += 1
        got = evaluate_case(*found, each["inputs"], rules())
        for name, expected in each["expected"].items():
            assert same(got.get(name), expected), (each["id"], name, got)
    assert count == 39


MG = {"unit": "mg/dL"}
MELD = {
    "creatinine": {"value": "1.2", **MG},
    "bilirubin": {"value": "5", **MG},
    "inr": "1.3",
}


def test_a_score_window() -> None:
    got = case("nct03668171_meld_window", **MELD)
    assert (got["met"], got["rounded"], got["rounding_sensitive"]) == (True, 17, False)
    dialysed = case("nct03668171_meld_window", **MELD, dialysis=True)
    assert dialysed["rounded"] == 29
    assert case("nct03668171_meld_window", **MELD, dialysis=False)["rounded"] == 17


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"inr": None}, {"status": "indeterminate", "missing": ["inr"]}),
        (
            {"creatinine": {"value": "1", "unit": None}},
            {"status": "error", "reason": "missing_unit", "field": "creatinine"},
        ),
        (
            {"creatinine": {"value": "1", "unit": "[IU]/L"}},
            {"status": "error", "reason": "unsupported_unit", "field": "creatinine"},
        ),
        (
            {"bilirubin": {"value": "-1", "unit": "mg/dL"}},
            {"status": "error", "reason": "non_positive_input", "field": "bilirubin"},
        ),
    ],
)
def test_inputs_that_cannot_be_used(change: dict[str, Any], expected: dict[str, object]) -> None:
    assert case("nct03668171_meld_window", **{**MELD, **change}) == expected


def test_a_comparator_decides_where_all_of_it_agrees() -> None:
    above = {"value": "400", "unit": "ng/mL", "comparator": ">"}
    assert case("nct02857010_afp", afp=above)["met"] is True
    below = {"value": "400", "unit": "ng/mL", "comparator": "<"}
    assert case("nct02857010_afp", afp=below)["met"] is False


def test_nothing_given() -> None:
    nothing: dict[str, object] = {"status": "indeterminate"}
    assert case("nct03668171_coagulation") == {**nothing, "missing": ["pta_percent", "inr"]}
    remission = case("nct03668171_remission", inr="1.2", he_grade=0)
    assert remission == {**nothing, "missing": ["bilirubin"]}


def test_an_upper_limit_without_a_unit_it_knows() -> None:
    uln = {"value": "20", "unit": "g/L"}
    got = case("nct03668171_remission", bilirubin={"value": "80", "unit": "umol/L"}, uln=uln)
    assert got == {"status": "error", "reason": "unsupported_unit", "field": "uln"}


def test_an_upper_limit_that_is_not_given() -> None:
    remission = {"bilirubin": {"value": "80", "unit": "umol/L"}, "inr": "1.2", "he_grade": 0}
    for without in ({}, {"uln": None}):
        got = case("nct03668171_remission", **remission, **without)
        assert got == {"status": "indeterminate", "missing": ["uln"]}


def test_a_case_may_say_more_than_a_criterion_asks() -> None:
    assert case("nct03668171_coagulation", inr="1.5", shoe_size=42)["met"] is True


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"afp": {"value": "401", "unit": "µg/l"}}, {"status": "ok", "met": True}),
        ({"afp": {"value": "331", "unit": "IU/mL"}}, {"status": "ok", "met": True}),
        ({"afp": {"value": None, "unit": "ng/mL"}}, {"status": "indeterminate"}),
        ({"afp": None}, {"status": "indeterminate", "missing": ["afp"]}),
        (
            {"afp": {"value": "500", "unit": "ng/mL", "comparator": "<"}},
            {"status": "indeterminate", "missing": []},
        ),
        ({"afp": 400}, {"status": "error", "reason": "missing_unit", "field": "afp"}),
        (
            {"afp": {"value": "-1", "unit": "ng/mL"}},
            {"status": "error", "reason": "non_positive_input", "field": "afp"},
        ),
        (
            {"afp": {"value": "1e9", "unit": "ng/mL"}},
            {"status": "error", "reason": "out_of_range", "field": "afp"},
        ),
    ],
)
def test_a_value_as_laboratories_write_it(
    inputs: dict[str, Any], expected: dict[str, object]
) -> None:
    got = case("nct02857010_afp", **inputs)
    assert {key: got.get(key) for key in expected} == expected


def test_an_empty_series() -> None:
    got = case("nct03668171_bilirubin", series=[])
    assert got == {"status": "indeterminate", "missing": ["bilirubin"]}


@pytest.mark.parametrize(
    ("born", "limits", "expected"),
    [
        ("2004-02-29", [18, 70], {"value": 20, "met": True}),
        ("1980", [18, 70], {"status": "ok", "met": True}),
        ("1980-03", [18, 40], {"value": 44, "met": False}),
        ("2006", [18, 70], {"status": "indeterminate", "missing": []}),
        (None, [18, 70], {"status": "indeterminate", "missing": ["birth_date"]}),
        ("1958-06-15", [18, 65], {"value": 66, "met": False}),
        ("1958-06-16", [18, 65], {"value": 65, "met": True}),
        ("1900-01-01", [18, None], {"met": True}),
    ],
)
def test_age_within_any_limits(
    born: str | None, limits: list[int | None], expected: dict[str, object]
) -> None:
    got = case("age_window", birth_date=born, on="2024-06-15", range=limits)
    assert {key: got.get(key) for key in expected} == expected


def test_text_for_a_number() -> None:
    with pytest.raises(AclfError, match="not a number"):
        case("nct03668171_coagulation", inr="two")


def test_a_rule_nobody_implements() -> None:
    assert find_case(PROTOCOLS.values(), "nct00000000_luck", {}) is None


def test_a_whole_criterion_or_outcome_may_be_given() -> None:
    protocol = PROTOCOLS["nct03668171"]
    criterion = protocol.criterion("I3")
    assert evaluate_case(protocol, criterion, MELD, rules())["met"] is True
    remission = next(each for each in protocol.outcomes if each.id == "O2")
    assert evaluate_case(protocol, remission, {}, rules())["status"] == "indeterminate"
    for without in (protocol.criterion("X1"), protocol.outcomes[0]):
        with pytest.raises(AclfError, match="no case id"):
            evaluate_case(protocol, without, {}, rules())
