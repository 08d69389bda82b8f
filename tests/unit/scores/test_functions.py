"""The typed functions, as a caller from Python meets them."""

import inspect
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from aclf_fhir import scores
from aclf_fhir.scores import SCORES, ScoreValue, compute, input_error
from aclf_fhir.scores.alcohol import maddrey_df
from aclf_fhir.scores.clif_c import clif_c_aclf
from aclf_fhir.scores.clif_organs import clif_c_of
from aclf_fhir.scores.kidney_injury import (
    TimedCreatinine,
    exact_ica_stages,
    ica_baseline,
    kdigo_baseline,
    rise_in_48_hours,
)
from aclf_fhir.scores.meld import meld_optn
from aclf_fhir.scores.oxygenation import respiratory_ratio
from aclf_fhir.units import Interval

T0 = datetime(2024, 3, 10, 8, tzinfo=UTC)


def creatinine(days: float, value: str, *, outpatient: bool = False) -> TimedCreatinine:
    return TimedCreatinine(T0 + timedelta(days=days), Decimal(value), outpatient)


@pytest.mark.parametrize("score", SCORES.values(), ids=lambda score: score.id)
class TestDeclarations:
    def test_function_takes_the_declared_parameters_by_name(self, score: scores.Score) -> None:
        parameters = inspect.signature(score.function).parameters
        assert {each.parameter for each in score.arguments} == set(parameters)
        for declared in score.arguments:
            parameter = parameters[declared.parameter]
            assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
            assert (parameter.default is inspect.Parameter.empty) is declared.required

    def test_documentation_names_parameters_and_source(self, score: scores.Score) -> None:
        text = score.function.__doc__ or ""
        assert "References" in text
        assert all(each.parameter in text for each in score.arguments)
        assert score.doi in text
        assert score.citation
        assert score.formula

    def test_numbers_have_a_range_that_holds_their_cut_offs(self, score: scores.Score) -> None:
        for declared in (*score.inputs, *score.arguments):
            if declared.values:
                continue
            assert declared.low is not None
            assert declared.high is not None
            assert all(declared.low <= cut <= declared.high for cut in declared.cuts)

    def test_names_and_parameters_are_unique(self, score: scores.Score) -> None:
        for group in (score.inputs, score.arguments):
            assert len({each.name for each in group}) == len(group)
            assert len({each.parameter for each in group}) == len(group)


def test_ranges_include_both_ends() -> None:
    for age, status in ((17, "error"), (18, "ok"), (120, "ok"), (121, "error")):
        result = clif_c_aclf(clif_c_of=9, age_years=age, leukocytes_10e9_l=Decimal(8))
        assert result.status == status
    accepted = (("0.0009", "error"), ("0.001", "ok"), ("500", "ok"), ("501", "error"))
    for leukocytes, status in accepted:
        result = clif_c_aclf(clif_c_of=9, age_years=60, leukocytes_10e9_l=Decimal(leukocytes))
        assert result.status == status


def test_a_value_of_another_type_is_refused() -> None:
    result = clif_c_aclf(clif_c_of=9, age_years=60, leukocytes_10e9_l="8")
    assert (result.status, result.reason) == ("error", "out_of_range")


def test_mortality_curves_that_cross_are_flagged() -> None:
    def flags(leukocytes: str) -> tuple[str, ...]:
        return clif_c_aclf(clif_c_of=15, age_years=62, leukocytes_10e9_l=Decimal(leukocytes)).flags

    assert "mortality_curves_cross" not in flags("22")
    assert "mortality_curves_cross" in flags("40")


def test_meld_without_a_word_on_dialysis_is_flagged() -> None:
    numbers = {"creatinine_mg_dl": Decimal(1), "bilirubin_mg_dl": Decimal(1), "inr": Decimal(1)}
    assert meld_optn(**numbers).flags == ("dialysis_not_recorded",)
    assert meld_optn(**numbers, dialysis=False).flags == ()


def test_half_rounds_away_from_zero() -> None:
    result = maddrey_df(
        prothrombin_time_s=Decimal(17), pt_control_s=Decimal(12), bilirubin_mg_dl=Decimal("2.25")
    )
    assert (result.value, result.rounded) == (Decimal("25.25"), Decimal("25.3"))


def test_a_ratio_is_needed() -> None:
    with pytest.raises(ValueError, match="is needed"):
        respiratory_ratio()
    with pytest.raises(ValueError, match="is needed"):
        clif_c_of(
            bilirubin_mg_dl=Decimal(1), creatinine_mg_dl=Decimal(1), renal_replacement=False,
            he_grade=0, inr=Decimal(1), mean_arterial_pressure_mm_hg=Decimal(80),
            vasopressor="no", ventilation="none",
        )  # fmt: skip


def test_input_error_names_the_input() -> None:
    result = input_error("albi", "unsupported_unit", "albumin")
    assert (result.status, result.reason, result.details) == (
        "error",
        "unsupported_unit",
        {"field": "albumin"},
    )


class TestBaseline:
    def test_last_outpatient_value_of_three_months_goes_first(self) -> None:
        course = [
            creatinine(-91, "0.7", outpatient=True),
            creatinine(-90, "0.8", outpatient=True),
            creatinine(-30, "0.9", outpatient=True),
            creatinine(-5, "1.4"),
            creatinine(0.1, "1.6"),
        ]
        found = ica_baseline(reversed(course), admission=T0)
        assert found is not None
        assert found.creatinine_mg_dl == Decimal("0.9")
        assert ica_baseline(course[:2], admission=T0) == course[1]

    def test_else_the_admission_value(self) -> None:
        course = [creatinine(-91, "0.7", outpatient=True), creatinine(1, "2"), creatinine(0, "1.6")]
        assert ica_baseline(course, admission=T0) == course[2]
        assert ica_baseline(course[:1], admission=T0) is None

    def test_lowest_of_a_week_or_a_reference(self) -> None:
        course = [creatinine(-7.1, "0.6"), creatinine(-7, "0.8"), creatinine(0, "1.6")]
        assert kdigo_baseline(course, at=T0) == Decimal("0.8")
        assert kdigo_baseline(course, at=T0, reference=Decimal("0.9")) == Decimal("0.9")
        assert kdigo_baseline([], at=T0) is None

    def test_rise_within_48_hours(self) -> None:
        course = [creatinine(-2.1, "0.6"), creatinine(-2, "1"), creatinine(0, "1.3")]
        assert rise_in_48_hours(course, at=T0) == Decimal("0.3")
        assert rise_in_48_hours(course[:2], at=T0) is None
        assert rise_in_48_hours(course[2:], at=T0) is None


def test_importing_the_scores_takes_no_third_party_package() -> None:
    code = (
        "import sys; before = set(sys.modules); import aclf_fhir.scores;"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before};"
        "print(sorted(new - sys.stdlib_module_names - {'aclf_fhir'}))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_reported_number_keeps_to_its_limits() -> None:
    meld = SCORES["meld_optn"]
    assert [meld.reported(Decimal(value)) for value in ("3", "6.5", "41")] == [6, 7, 40]


def test_an_argument_that_does_not_apply_may_be_none() -> None:
    result = respiratory_ratio(pao2_fio2_mm_hg=Decimal(300), spo2_fio2=None)
    assert result.details["kind"] == "PaO2/FiO2"


@pytest.mark.parametrize("replaced", [None, {"no"}, {"yes"}, {"no", "yes"}])
def test_stages_of_exact_numbers_are_those_of_the_score(replaced: set[str] | None) -> None:
    codes = None if replaced is None else frozenset(replaced)
    for creatinine in ("0.9", "1.49", "1.5", "2", "2.01", "3", "3.01", "3.99", "4"):
        for increase in (None, "0.29", "0.3"):
            values: dict[str, ScoreValue] = {
                "baseline": Interval.exact(Decimal(1)),
                "creatinine": Interval.exact(Decimal(creatinine)),
                "increase_48h": None if increase is None else Interval.exact(Decimal(increase)),
                "renal_replacement": codes,
            }
            assert exact_ica_stages(values) == frozenset(compute("ica_aki", values).possible)


def test_stages_of_inexact_or_unusable_numbers_are_left_to_the_score() -> None:
    one = Interval.exact(Decimal(1))
    assert exact_ica_stages({"baseline": one}) is None
    assert exact_ica_stages({"baseline": one, "creatinine": Interval(Decimal(1), None)}) is None
    assert exact_ica_stages({"baseline": one, "creatinine": Interval.exact(Decimal(60))}) is None
    assert exact_ica_stages({"baseline": one, "creatinine": one, "renal_replacement": one}) is None
    assert exact_ica_stages({"baseline": one, "creatinine": one, "increase_48h": one}) == frozenset(
        {"1A"}
    )
