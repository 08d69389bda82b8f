"""Inputs that are bounded, open, coded in several ways or missing."""

from decimal import Decimal
from typing import ClassVar

import pytest

from aclf_fhir.scores import SCORES, ScoreResult, ScoreValue, compute
from aclf_fhir.scores.corners import representatives, spread, within
from aclf_fhir.units import Interval


def n(text: str) -> Interval:
    return Interval.exact(Decimal(text))


def between(
    low: str | None, high: str | None, *, low_closed: bool = True, high_closed: bool = True
) -> Interval:
    return Interval(
        None if low is None else Decimal(low),
        None if high is None else Decimal(high),
        low_closed,
        high_closed,
    )


def codes(*values: str) -> frozenset[str]:
    return frozenset(values)


MELD: dict[str, ScoreValue] = {
    "creatinine": n("1.6"),
    "bilirubin": n("3.5"),
    "inr": n("1.7"),
    "dialysis": codes("no"),
}
CHILD: dict[str, ScoreValue] = {
    "bilirubin": n("1"),
    "albumin": n("4"),
    "inr": n("1.2"),
    "ascites": codes("none"),
    "he_grade": n("0"),
}
ORGANS: dict[str, ScoreValue] = {
    "bilirubin": n("3"),
    "creatinine": n("1"),
    "renal_replacement": codes("no"),
    "he_grade": n("0"),
    "inr": n("1.6"),
    "mean_arterial_pressure": n("84"),
    "vasopressor": codes("no"),
    "ventilation": codes("none"),
    "pao2": n("88"),
    "fio2": n("0.21"),
}


def meld(**changes: ScoreValue) -> ScoreResult:
    return compute("meld_optn", {**MELD, **changes})


def child(**changes: ScoreValue) -> ScoreResult:
    return compute("child_pugh", {**CHILD, **changes})


def grade(**changes: ScoreValue) -> ScoreResult:
    return compute("easl_clif_aclf_grade", {**ORGANS, **changes})


class TestOpenAndClosedEnds:
    def test_an_open_end_of_an_input_is_an_open_end_of_the_result(self) -> None:
        result = meld(bilirubin=between("3", "5", high_closed=False))
        low, high = meld(bilirubin=n("3")).value, meld(bilirubin=n("5")).value
        assert result.status == "indeterminate"
        assert result.bounds == Interval(low, high, low_closed=True, high_closed=False)

    def test_a_floor_closes_an_open_end(self) -> None:
        result = meld(bilirubin=between("0.5", "5", low_closed=False))
        assert result.bounds is not None
        assert result.bounds.low == meld(bilirubin=n("1")).value
        assert result.bounds.low_closed

    def test_a_cap_closes_an_open_end(self) -> None:
        result = meld(creatinine=between("2", "6", high_closed=False))
        assert result.bounds is not None
        assert result.bounds.high == meld(creatinine=n("4")).value
        assert result.bounds.high_closed

    def test_below_the_floor_all_values_are_one(self) -> None:
        assert meld(bilirubin=between(None, "0.2", high_closed=False)).status == "ok"

    def test_dialysis_makes_the_creatinine_irrelevant(self) -> None:
        result = meld(creatinine=None, dialysis=codes("yes"))
        assert (result.status, result.missing) == ("ok", ("creatinine",))

    def test_unknown_dialysis_is_bounded_by_both_readings(self) -> None:
        result = meld(dialysis=codes("yes", "no"))
        assert result.bounds == Interval(
            meld().value,
            meld(dialysis=codes("yes")).value,
        )

    def test_an_open_end_does_not_reach_its_own_rounding(self) -> None:
        # Cut-off of rounding: MADDREY is linear, 4.6 x 5 + bilirubin reported to one decimal.
        inputs = {"prothrombin_time": n("17"), "pt_control": n("12")}
        ends = between("1", "1.25", high_closed=False)
        result = compute("maddrey_df", {**inputs, "bilirubin": ends})
        assert result.rounded_bounds == Interval(Decimal("24.0"), Decimal("24.2"))

    def test_an_open_end_on_a_cut_off_stays_below_it(self) -> None:
        inputs = {"prothrombin_time": n("17"), "pt_control": n("12")}
        ends = between("8", "9", high_closed=False)
        open_ = compute("maddrey_df", {**inputs, "bilirubin": ends})
        closed = compute("maddrey_df", {**inputs, "bilirubin": between("8", "9")})
        assert (open_.category, open_.possible) == ("not severe", ("not severe",))
        assert (closed.category, closed.possible) == (None, ("not severe", "severe"))


class TestSteps:
    def test_an_open_end_on_a_limit_takes_the_points_inside(self) -> None:
        assert child(bilirubin=between("3", "5", low_closed=False)).components["bilirubin"] == 3
        assert child(bilirubin=between("3", "5")).components["bilirubin"] is None

    def test_every_cut_off_inside_counts(self) -> None:
        result = child(bilirubin=between("1", "5"))
        assert result.bounds == Interval(Decimal(5), Decimal(7))
        assert result.possible == ("A", "B")

    def test_comparator_above_the_highest_limit_is_exact(self) -> None:
        assert child(bilirubin=between("30", None, low_closed=False)).value == 7

    def test_a_category_is_given_when_only_one_is_possible(self) -> None:
        result = child(bilirubin=n("5"), ascites=codes("mild", "severe"))
        assert (result.status, result.category) == ("indeterminate", "B")

    def test_encephalopathy_of_unknown_grade(self) -> None:
        result = child(he_grade=between("1", "4"))
        assert result.bounds == Interval(Decimal(6), Decimal(7))
        assert result.missing == ()

    def test_whole_numbers_inside_open_ends(self) -> None:
        result = child(he_grade=between("0", "3", low_closed=False, high_closed=False))
        assert result.components["encephalopathy"] == 2

    def test_suppression_counts_only_where_it_is_recorded(self) -> None:
        name = "he_controlled_by_medication"
        assert child(**{name: codes("yes", "no")}).value == 5
        assert child(**{name: codes("yes")}).value == 6


class TestGrades:
    def test_ventilation_is_for_the_brain_or_for_the_lungs(self) -> None:
        result = grade(creatinine=n("2.4"), ventilation=codes("hepatic_encephalopathy", "other"))
        assert result.status == "ok"
        assert result.value == "2"

    def test_unknown_organs_are_enumerated(self) -> None:
        result = grade(bilirubin=n("13"), vasopressor=None, he_grade=None)
        assert result.possible == ("none", "1b", "2", "3a")
        assert result.details["aclf_present"] is None
        assert result.details["organ_failures"] == ("liver",)
        assert result.details["organ_failures_possible"] == ("brain", "circulation")
        assert result.missing == ("he_grade", "vasopressor")

    def test_present_is_known_before_the_grade(self) -> None:
        result = grade(creatinine=n("2.4"), vasopressor=codes("yes", "no"))
        assert result.possible == ("1a", "2")
        assert result.details["aclf_present"] is True
        assert result.missing == ("vasopressor",)

    def test_terlipressin_for_another_reason_counts_and_says_so(self) -> None:
        decides = grade(creatinine=n("2.4"), vasopressor=codes("terlipressin"))
        assert decides.value == "2"
        assert decides.details["without_terlipressin"] == "1a"
        assert decides.flags == ("terlipressin_counted", "terlipressin_decides")
        idle = grade(vasopressor=codes("terlipressin"))
        assert (idle.value, idle.flags) == ("none", ("terlipressin_counted",))

    def test_terlipressin_beside_unknown_organs(self) -> None:
        decides = grade(creatinine=n("2.4"), vasopressor=codes("terlipressin"), inr=None)
        assert "terlipressin_decides" in decides.flags
        result = grade(
            bilirubin=n("13"), inr=n("3"), creatinine=n("3"), he_grade=n("4"), fio2=None,
            vasopressor=codes("terlipressin"),
        )  # fmt: skip
        assert (result.value, result.flags) == ("3b", ("terlipressin_counted",))

    def test_ventilated_nobody_says_why(self) -> None:
        result = grade(ventilation=codes("unknown_reason"), he_grade=None)
        assert "ventilation_reason_unknown" in result.flags

    def test_pressure_and_saturation_bound_a_missing_fio2(self) -> None:
        # 500 mm[Hg] means oxygen; whatever the fraction, the ratio is above 300.
        assert grade(pao2=n("500"), fio2=None).value == "none"
        assert compute("clif_c_of", {**ORGANS, "fio2": None}).components["respiration"] is None
        saturation = {**ORGANS, "pao2": None, "spo2": n("98"), "fio2": n("0.5")}
        result = compute("easl_clif_aclf_grade", saturation)
        assert result.flags == ("spo2_above_97", "spo2_surrogate")


class TestKidneyInjury:
    def test_stages_on_offer_skip_what_is_impossible(self) -> None:
        inputs = {"baseline": n("1.2"), "creatinine": between("1.7", "1.9")}
        result = compute("ica_aki", {**inputs, "renal_replacement": codes("no")})
        assert result.possible == ("0", "1B")

    def test_unknown_baseline_and_rise(self) -> None:
        inputs = {
            "baseline": between("0.8", "1"),
            "creatinine": n("1.2"),
            "increase_48h": between("0.2", "0.4"),
            "renal_replacement": codes("no", "yes"),
        }
        assert compute("ica_aki", inputs).possible == ("0", "1A", "3")
        assert compute("kdigo_aki_creatinine", inputs).bounds == Interval(Decimal(0), Decimal(3))

    def test_one_stage_whatever_the_baseline(self) -> None:
        inputs = {"baseline": between("0.8", "1"), "creatinine": n("5")}
        assert compute("kdigo_aki_creatinine", inputs).value == 3
        assert compute("ica_aki", inputs).value == "3"


class TestShock:
    BASE: dict[str, ScoreValue] = {  # noqa: RUF012 - never changed
        "he_grade": n("0"),
        "renal_replacement": codes("no"),
        "ventilation": codes("none"),
    }

    @pytest.mark.parametrize(
        ("pressure", "vasopressor", "points"),
        [
            (n("59.9"), codes("no"), 1),
            (n("60"), codes("no"), 0),
            (n("60.1"), codes("terlipressin"), 1),
            (None, codes("yes"), 1),
            (None, codes("no"), None),
            (n("80"), None, None),
        ],
    )
    def test_from_pressure_and_drugs(
        self, pressure: ScoreValue, vasopressor: ScoreValue, points: int | None
    ) -> None:
        inputs = {"mean_arterial_pressure": pressure, "vasopressor": vasopressor}
        result = compute("nacseld_aclf", {**self.BASE, **inputs})
        assert result.components["circulation"] == points
        assert ("shock" in result.missing) is (points is None)

    def test_ventilation_unknown(self) -> None:
        result = compute("nacseld_aclf", {**self.BASE, "shock": codes("no"), "ventilation": None})
        assert (result.category, result.missing) == ("no ACLF", ("ventilation",))


class TestUnusableInputs:
    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"bilirubin": n("0")}, "non_positive_input"),
            ({"bilirubin": n("-1")}, "non_positive_input"),
            ({"bilirubin": n("101")}, "out_of_range"),
            ({"bilirubin": n("0.001")}, "out_of_range"),
            ({"bilirubin": between(None, "0")}, "non_positive_input"),
            ({"bilirubin": between("200", None)}, "out_of_range"),
            ({"bilirubin": between(None, "0.01", high_closed=False)}, "out_of_range"),
            ({"bilirubin": between(None, "0", high_closed=False)}, "non_positive_input"),
            ({"inr": between("30", None, low_closed=False)}, "out_of_range"),
            ({"inr": between(None, "0.5", high_closed=False)}, "out_of_range"),
            ({"bilirubin": codes("yes")}, "out_of_range"),
            ({"dialysis": codes("maybe")}, "out_of_range"),
            ({"dialysis": n("1")}, "out_of_range"),
        ],
    )
    def test_errors_name_the_input(self, changes: dict[str, ScoreValue], reason: str) -> None:
        result = meld(**changes)
        (name,) = changes
        assert (result.status, result.reason, result.details["field"]) == ("error", reason, name)

    @pytest.mark.parametrize(
        ("text", "low_closed"), [("29.99", True), ("29.99", False), ("25", False)]
    )
    def test_what_reaches_into_the_range_is_bounded_by_it(
        self, text: str, low_closed: bool
    ) -> None:
        result = meld(inr=between(text, None, low_closed=low_closed))
        assert result.status == "indeterminate"
        assert result.bounds is not None
        assert result.bounds.low == meld(inr=n(text)).value
        assert result.bounds.high == meld(inr=n("30")).value

    @pytest.mark.parametrize("value", [between("30", None), between("30", "90")])
    def test_what_meets_the_range_in_its_end_is_that_end(self, value: Interval) -> None:
        result = meld(inr=value)
        assert result.value == meld(inr=n("30")).value
        assert "at_limit_of_range" in result.flags

    @pytest.mark.parametrize(
        ("value", "flagged"),
        [
            (between(None, "0.5"), True),
            (between("0.4", "0.5"), True),
            (between(None, "0.51"), False),
            (between("29.99", None), False),
            (n("30"), False),
            (n("30.0"), False),
            (n("0.5"), False),
            (between("0.5", "30"), False),
        ],
    )
    def test_only_what_meets_the_range_in_its_end_is_flagged(
        self, value: Interval, *, flagged: bool
    ) -> None:
        assert ("at_limit_of_range" in meld(inr=value).flags) is flagged

    def test_a_limit_no_score_counts_with_is_not_flagged(self) -> None:
        result = compute("respiratory_ratio", {"pao2": n("80"), "fio2": between("1", None)})
        assert (result.status, result.flags) == ("indeterminate", ())

    def test_the_last_grade_of_a_scale_is_no_limit(self) -> None:
        given = {"he_grade": between("4", None), "renal_replacement": codes("no")}
        assert compute("nacseld_aclf", given).flags == ()

    @pytest.mark.parametrize("score_id", sorted(SCORES))
    def test_no_score_has_a_number_for_what_lies_beyond_its_inputs(self, score_id: str) -> None:
        score = SCORES[score_id]
        for declared in score.inputs:
            if declared.values:
                continue
            lowest, highest = declared.limits
            beyond = [
                Interval.from_comparator(">", highest),
                Interval.from_comparator("<", lowest),
                Interval.from_comparator(">", highest + 1),
                Interval.from_comparator("<=", lowest - 1),
                Interval(highest + 1, highest + 2),
            ]
            for value in beyond:
                result = compute(score_id, {declared.name: value})
                assert (result.status, result.details) == ("error", {"field": declared.name})
                expected = {"out_of_range", "non_positive_input"}
                assert result.reason in expected, (declared.name, value)

    def test_the_end_of_a_scale_is_a_grade(self) -> None:
        assert child(he_grade=between("4", None)).components["encephalopathy"] == 3
        assert child(he_grade=between(None, "0")).components["encephalopathy"] == 1
        assert child(he_grade=between("4", None, low_closed=False)).reason == "out_of_range"
        assert child(he_grade=between(None, "0", high_closed=False)).reason == "out_of_range"

    def test_half_a_grade_is_none(self) -> None:
        assert child(he_grade=n("1.5")).reason == "out_of_range"
        assert child(he_grade=between("1.2", "1.8")).reason == "out_of_range"

    def test_a_name_that_is_no_input_is_an_error_of_the_caller(self) -> None:
        with pytest.raises(ValueError, match="meld_optn has no input bilirubine"):
            meld(bilirubine=n("1"))

    def test_an_empty_set_is_missing(self) -> None:
        assert child(ascites=frozenset()).missing == ("ascites",)

    def test_a_formula_without_a_value_at_some_corner_has_no_bounds(self) -> None:
        result = compute("pta_from_pt", {"pt_control": n("12")})
        assert (result.status, result.bounds) == ("indeterminate", None)
        assert result.flags == ("formula_unverified",)


class TestTools:
    def test_representatives_of_a_long_scale_are_ends_and_cut_offs(self) -> None:
        age = SCORES["meld_3_0"].input("age")
        assert representatives(age, None) == tuple(map(Decimal, (12, 17, 18, 19, 120)))

    def test_nothing_of_an_interval_is_accepted(self) -> None:
        bilirubin = SCORES["meld_optn"].input("bilirubin")
        assert within(bilirubin, between("200", "300")) is None
        assert within(bilirubin, between("2", "2", high_closed=False)) is None
        with pytest.raises(ValueError, match="bilirubin has no number"):
            representatives(bilirubin, between("200", "300"))
        with pytest.raises(ValueError, match="bilirubin has no number"):
            spread(SCORES["meld_optn"], {**MELD, "bilirubin": between("200", "300")})

    def test_mortality_has_bounds_too(self) -> None:
        inputs = {"clif_c_of": between("8", "9"), "age": n("60"), "leukocytes": n("15")}
        result = compute("clif_c_aclf", inputs)
        bounds = result.details["mortality_bounds"]
        assert isinstance(bounds, dict)
        assert bounds["1_months"].contains(Decimal("0.25"))
        assert "mortality" not in result.details
        decompensated = compute("clif_c_ad", {"age": n("60")})
        assert decompensated.possible == ("low", "intermediate", "high")

    def test_an_interval_that_changes_nothing_needs_no_bounds(self) -> None:
        inputs = {"clif_c_of": n("6"), "age": n("18"), "leukocytes": between("0.1", "0.2")}
        result = compute("clif_c_aclf", inputs)
        assert (result.status, result.value) == ("ok", 0)

    def test_an_interval_that_says_nothing_is_missing(self) -> None:
        inputs = {"clif_c_of": between("6", "18"), "age": n("60"), "leukocytes": n("15")}
        assert compute("clif_c_aclf", inputs).missing == ("clif_c_of",)
        inputs["clif_c_of"] = between("6", "17")
        assert compute("clif_c_aclf", inputs).missing == ()

    def test_codes_have_no_limits(self) -> None:
        with pytest.raises(TypeError, match="ascites is a code"):
            _ = SCORES["child_pugh"].input("ascites").limits


class TestResponseOfKidneyInjury:
    BASE: ClassVar[dict[str, ScoreValue]] = {
        "baseline": n("1"),
        "creatinine": n("1.1"),
        "stage": codes("0"),
    }

    @pytest.mark.parametrize("creatinine", ["1.1", "1.29", "1.3", "1.31"])
    def test_without_an_injury_there_is_no_response(self, creatinine: str) -> None:
        inputs = {**self.BASE, "creatinine": n(creatinine), "worst_stage": codes("0")}
        result = compute("ica_aki_response", inputs)
        assert (result.status, result.reason) == ("error", "not_applicable")
        assert (result.value, result.details) == (None, {"field": "worst_stage"})

    @pytest.mark.parametrize("worst", ["1A", "1B", "2", "3"])
    def test_every_injury_has_one(self, worst: str) -> None:
        result = compute("ica_aki_response", {**self.BASE, "worst_stage": codes(worst)})
        assert (result.status, result.value) == ("ok", "full")

    def test_an_injury_that_is_not_certain_leaves_it_open(self) -> None:
        result = compute("ica_aki_response", {**self.BASE, "worst_stage": codes("0", "3")})
        assert (result.status, result.value) == ("indeterminate", None)
        assert (result.category, result.possible) == (None, ("full",))
        worse = {**self.BASE, "creatinine": n("1.5"), "stage": codes("1B")}
        several = compute("ica_aki_response", {**worse, "worst_stage": codes("0", "1B", "3")})
        assert several.possible == ("none", "partial")


def test_an_open_end_where_the_score_is_limited_reaches_the_limit() -> None:
    inputs: dict[str, ScoreValue] = {
        "age": n("18"),
        "creatinine": n("0.05"),
        "inr": between("0.5", None, low_closed=False),
        "leukocytes": n("0.001"),
        "sodium": n("80"),
        "aclf_present": codes("no"),
    }
    bounds = compute("clif_c_ad", inputs).bounds
    assert bounds is not None
    assert (bounds.low, bounds.low_closed) == (0, True)
    assert compute("clif_c_ad", {**inputs, "inr": n("0.501")}).value == 0
