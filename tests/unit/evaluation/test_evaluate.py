from datetime import timedelta
from decimal import Decimal

import pytest

from aclf_fhir.evaluation import (
    Reason,
    Snapshot,
    at_draws,
    evaluate,
    evaluate_at,
    score_course,
    score_points,
)
from aclf_fhir.evaluation.oxygen import choose_oxygenation
from aclf_fhir.record import Fact, FactKind, FactStatus
from aclf_fhir.scores import SCORES
from aclf_fhir.units import Interval, TimeRange
from tests.unit.evaluation.facts import (
    T,
    ago,
    done,
    fact,
    found,
    given,
    graded,
    measured,
    record,
    rules,
)

COMPLETE = rules("renal_replacement", "mechanical_ventilation", "vasopressor")


def blood(
    hours: float = 1, *, creatinine: str = "1.2 mg/dL", bilirubin: str = "5 mg/dL"
) -> list[Fact]:
    return [
        measured("creatinine", creatinine, hours),
        measured("bilirubin_total", bilirubin, hours),
        measured("inr", "1.3 {INR}", hours),
    ]


def birth() -> Fact:
    day = TimeRange(T.replace(year=1970, month=1, day=1), T.replace(year=1970, month=1, day=1))
    return fact(FactKind.DEMOGRAPHIC, "birth_date", day, None)


def test_meld_from_a_record() -> None:
    found_ = evaluate(record(*blood()), "meld_optn", COMPLETE)
    assert found_.result.rounded == Decimal(17)
    assert found_.at == T
    assert found_.span == timedelta(0)
    assert not found_.span_exceeded
    assert found_.fresh_until == T + timedelta(hours=47)
    assert {choice.input for choice in found_.choices} >= {
        "creatinine",
        "bilirubin",
        "inr",
        "dialysis",
    }
    assert len(found_.facts) == 3


@pytest.mark.parametrize("bilirubin", ["12 mg/dL", "205.2 umol/L", "120 mg/L"])
def test_units_make_no_difference(bilirubin: str) -> None:
    one = evaluate(record(*blood(bilirubin=bilirubin)), "meld_optn", COMPLETE).result
    other = evaluate(record(*blood(bilirubin="12 mg/dL")), "meld_optn", COMPLETE).result
    assert one == other


@pytest.mark.parametrize(
    ("score", "low", "high"),
    [("meld_optn", 17, 29), ("meld_na_optn2016", 22, 32), ("meld_3_0", 22, 31)],
)
def test_nothing_about_dialysis_is_flagged_and_a_sign_of_it_gives_bounds(
    score: str, low: int, high: int
) -> None:
    facts = [
        *blood(),
        measured("sodium", "130 mmol/L"),
        measured("albumin", "2.9 g/dL"),
        fact(FactKind.DEMOGRAPHIC, "birth_sex", "male", None),
        birth(),
    ]
    result = evaluate(record(*facts), score, rules()).result
    assert (result.status, result.rounded) == ("ok", Decimal(low))
    assert "dialysis_not_recorded" in result.flags
    told = evaluate(record(*facts), score, COMPLETE).result
    assert (told.rounded, told.flags) == (Decimal(low), ())
    open_ = evaluate(record(*facts, done("renal_replacement", 30)), score, rules()).result
    assert open_.status == "indeterminate"
    assert open_.rounded_bounds == Interval(Decimal(low), Decimal(high))


@pytest.mark.parametrize("score", sorted(SCORES))
def test_an_empty_record_leaves_every_score_open(score: str) -> None:
    found_ = evaluate(record(), score, rules())
    assert found_.result.status == "indeterminate"
    assert found_.facts == ()
    complete = rules(*rules().vasopressors, "milrinone", "renal_replacement")
    assert evaluate(record(), score, complete).result.status == "indeterminate"


def test_dialysis_is_judged_for_the_week_before_the_creatinine() -> None:
    facts = [*blood(10), done("renal_replacement", 5), done("renal_replacement", 60)]
    assert evaluate(record(*facts), "meld_optn", COMPLETE).result.rounded == Decimal(17)
    facts.append(done("renal_replacement", 30))
    assert evaluate(record(*facts), "meld_optn", COMPLETE).result.rounded == Decimal(29)


def test_a_creatinine_around_dialysis_is_no_plain_creatinine() -> None:
    timed = measured("creatinine", "6 mg/dL", 1, qualifiers=frozenset({"pre_dialysis"}))
    facts = [*blood(5), timed]
    choices = evaluate(record(*facts), "meld_optn", COMPLETE).choices
    creatinine = next(choice for choice in choices if choice.input == "creatinine")
    assert creatinine.fact == facts[0]
    assert creatinine.passed_over[0][0] == timed


@pytest.mark.parametrize(("hours", "flagged"), [(25, False), (25.1, True)])
def test_span_above_a_day_is_flagged(hours: float, flagged: bool) -> None:
    facts = [*blood(1), measured("creatinine", "1.2 mg/dL", hours)][1:]
    found_ = evaluate(record(*facts), "meld_optn", COMPLETE, span_limit=timedelta(hours=24))
    assert ("span_over_24_h" in found_.result.flags) is flagged
    assert found_.span_exceeded is flagged


def test_anticoagulant_and_infused_albumin_are_flagged() -> None:
    facts = [
        *blood(),
        measured("albumin", "2.9 g/dL"),
        graded("ascites", "mild"),
        graded("he_grade", 0),
        given("vitamin_k_antagonist", None, 50),
        given("albumin_infusion", None, 49),
    ]
    result = evaluate(record(*facts), "child_pugh", COMPLETE).result
    assert {"anticoagulant", "albumin_infused"} <= set(result.flags)
    late = [*facts[:-1], given("albumin_infusion", None, 50)]
    assert "albumin_infused" not in evaluate(record(*late), "child_pugh", COMPLETE).result.flags


def test_a_finding_without_a_grade_leaves_every_grade_it_allows() -> None:
    snapshot = Snapshot(record(found("hepatic_encephalopathy"), found("ascites_finding")), rules())
    assert snapshot.grade("he_grade").value == Interval(Decimal(1), Decimal(4))
    assert "none" not in (snapshot.grade("ascites").value or ())
    none = Snapshot(record(found("hepatic_encephalopathy", "absent")), rules())
    assert none.grade("he_grade").value == Interval.exact(Decimal(0))


@pytest.mark.parametrize(
    "hint",
    [
        found("hepatic_encephalopathy", hours=25, qualifiers=frozenset({"definite"})),
        found("hepatic_encephalopathy", hours=None, qualifiers=frozenset({"definite"})),
        found("hepatic_encephalopathy", "absent", start=ago(12, until=-12)),
        found("hepatic_encephalopathy", "absent", hours=25),
        found("hepatic_encephalopathy", qualifiers=frozenset({"provisional"})),
        found("hepatic_encephalopathy", status=FactStatus.PRELIMINARY),
        found("hepatic_encephalopathy", hours=9, end=ago(3)),
    ],
)
def test_an_old_or_doubtful_finding_grades_nothing(hint: Fact) -> None:
    assert Snapshot(record(hint), rules()).grade("he_grade").value is None


@pytest.mark.parametrize(
    "hint",
    [
        found("hepatic_encephalopathy", hours=25),
        found("hepatic_encephalopathy", hours=900),
        found("hepatic_encephalopathy", hours=None),
        found("hepatic_encephalopathy", start=ago(12, until=-12)),
    ],
)
def test_an_active_encephalopathy_goes_on_without_a_grade(hint: Fact) -> None:
    choice = Snapshot(record(hint), rules()).grade("he_grade")
    assert choice.value == Interval(Decimal(1), Decimal(4))
    assert "grade_from_finding" in choice.flags
    later = [hint, graded("he_grade", 0)]
    assert Snapshot(record(*later), rules()).grade("he_grade").value == Interval.exact(Decimal(0))


def test_a_conflicting_grade_is_not_replaced_by_a_finding() -> None:
    disputed = graded("he_grade", 2, status=FactStatus.CONFLICTING)
    choice = Snapshot(record(disputed, found("hepatic_encephalopathy")), rules()).grade("he_grade")
    assert choice.reason is Reason.CONFLICTING


def test_a_score_of_scores() -> None:
    facts = [
        *blood(bilirubin="13 mg/dL"),
        birth(),
        measured("leukocytes", "11 10*9/L"),
        measured("mean_arterial_pressure", "80 mm[Hg]"),
        measured("pao2", "90 mm[Hg]"),
        measured("fio2", "21 %"),
        graded("he_grade", 1),
    ]
    found_ = evaluate(record(*facts), "clif_c_aclf", COMPLETE)
    assert found_.result.status == "ok"
    organs = next(choice for choice in found_.choices if choice.concept == "clif_c_of")
    assert organs.value == Interval.exact(Decimal(9))
    assert organs.why == "computed: clif_c_of"
    present = next(c for c in found_.choices if c.concept == "easl_clif_aclf_grade")
    assert present.value == {"yes"}
    without = [each for each in facts if each.concept != "he_grade"]
    unsure = evaluate(record(*without), "clif_c_aclf", COMPLETE)
    assert unsure.result.status == "indeterminate"
    healthy = [*without, graded("he_grade", 0)]
    none = evaluate(record(*healthy), "clif_c_aclf", COMPLETE)
    assert next(c for c in none.choices if c.concept == "easl_clif_aclf_grade").value == {"no"}


def test_scores_of_one_snapshot_are_computed_once() -> None:
    snapshot = Snapshot(record(*blood()), COMPLETE)
    assert evaluate_at(snapshot, "meld_optn") is evaluate_at(snapshot, "meld_optn")


def test_oxygenation_prefers_the_arterial_pair() -> None:
    gas = measured("pao2", "80 mm[Hg]", 5)
    oxygen = measured("fio2", "40 %", 5)
    chosen = choose_oxygenation(
        record(gas, oxygen, measured("spo2", "92 %", 1), measured("fio2", "21 %", 1)), rules()
    )
    assert chosen["pao2"].fact == gas
    assert chosen["fio2"].value == Interval.exact(Decimal("0.4"))
    assert chosen["spo2"].value is None


@pytest.mark.parametrize(("minutes", "paired"), [(60, True), (61, False)])
def test_a_pair_lies_within_the_hour(minutes: int, paired: bool) -> None:
    facts = record(measured("pao2", "80 mm[Hg]", 5), measured("fio2", "40 %", 5 - minutes / 60))
    chosen = choose_oxygenation(facts, rules())
    assert (chosen["pao2"].value is not None) is paired
    if not paired:
        assert chosen["pao2"].reason is Reason.ONLY_ONE_OF_A_PAIR


def test_a_reported_ratio_and_a_saturation() -> None:
    ratio = measured("pao2_fio2", "210 mm[Hg]")
    assert choose_oxygenation(record(ratio), rules())["pao2_fio2"].fact == ratio
    saturation = record(measured("spo2", "92 %"), measured("fio2", "21 %"))
    assert choose_oxygenation(saturation, rules())["spo2"].value == Interval.exact(Decimal(92))
    assert choose_oxygenation(record(), rules())["spo2"].reason is Reason.NO_DATA


def test_a_venous_gas_is_not_arterial() -> None:
    venous = measured("pao2", "40 mm[Hg]", qualifiers=frozenset({"venous"}))
    chosen = choose_oxygenation(record(venous, measured("fio2", "21 %")), rules())
    assert chosen["pao2"].value is None
    assert chosen["pao2"].passed_over[0][1] == "not arterial"


def test_an_analyte_the_catalog_lacks_is_missing() -> None:
    from dataclasses import replace

    bare = replace(rules(), analytes={})
    assert Snapshot(record(), bare).analyte("inr", "{INR}").reason is Reason.NO_DATA
    assert choose_oxygenation(record(), bare)["pao2"].reason is Reason.NO_DATA


def test_points_are_draws() -> None:
    facts = record(*blood(40), *blood(20), measured("spo2", "92 %", 10))
    points = score_points(facts, ["meld_optn"], COMPLETE)
    assert points == {"meld_optn": (T - timedelta(hours=40), T - timedelta(hours=20))}
    assert score_points(record(), ["meld_optn"], COMPLETE) == {"meld_optn": ()}


def bedside() -> list[Fact]:
    return [
        measured("mean_arterial_pressure", "85 mm[Hg]", 60),
        *blood(40),
        measured("mean_arterial_pressure", "80 mm[Hg]", 40),
        measured("mean_arterial_pressure", "75 mm[Hg]", 30),
        measured("mean_arterial_pressure", "65 mm[Hg]", 20),
        measured("mean_arterial_pressure", "64 mm[Hg]", 10),
        graded("he_grade", 0, 40),
        given("norepinephrine", "0.1 ug/kg/min", 5),
    ]


def test_a_bedside_instant_is_a_point_only_if_a_component_changes() -> None:
    points = score_points(record(*bedside()), ["clif_c_of"], COMPLETE)["clif_c_of"]
    hours = [(T - point) / timedelta(hours=1) for point in points]
    assert hours == [40, 20, 10, 5]
    # 10: the encephalopathy grade is older than a day by then.


@pytest.mark.parametrize("hours", [45, 40, 35, 30, 25, 20, 15, 10, 5, 1])
def test_points_do_not_depend_on_where_one_starts(hours: float) -> None:
    facts, since = record(*bedside()), T - timedelta(hours=hours)
    scores = ["clif_c_of", "clif_c_aclf", "clif_sofa", "meld_optn"]
    course = score_course(facts, scores, COMPLETE)
    later = score_course(facts, scores, COMPLETE, since=since)
    for score in scores:
        assert later[score] == tuple(point for point in course[score] if point.at >= since)


def test_the_last_draw_of_each_day() -> None:
    facts = record(*blood(40), *blood(38), *blood(5), *blood(1))
    until = T - timedelta(hours=2)
    points = list(at_draws(facts, "meld_optn", COMPLETE, since=T - timedelta(days=28), until=until))
    assert [point.at for point in points] == [T - timedelta(hours=38), T - timedelta(hours=5)]


def test_an_unusable_input_leaves_a_score_of_scores_open() -> None:
    facts = [*blood(bilirubin="-1 mg/dL"), birth(), measured("leukocytes", "11 10*9/L")]
    found_ = evaluate(record(*facts), "clif_c_aclf", COMPLETE)
    present = next(c for c in found_.choices if c.concept == "easl_clif_aclf_grade")
    assert present.value == {"yes", "no"}


def test_what_is_not_usable_makes_no_point() -> None:
    maybe = measured("creatinine", "2 mg/dL", 10, status=FactStatus.PRELIMINARY)
    facts = record(maybe, *blood(40))
    since = T - timedelta(hours=5)
    assert score_points(facts, ["clif_c_of"], COMPLETE)["clif_c_of"] == (T - timedelta(hours=40),)
    assert score_points(facts, ["clif_c_of"], COMPLETE, since=since)["clif_c_of"] == ()
    only = record(measured("sodium", "138 mmol/L", 9), maybe)
    assert score_points(only, ["clif_c_of"], COMPLETE, since=since)["clif_c_of"] == ()
