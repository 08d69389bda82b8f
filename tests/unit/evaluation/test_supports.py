from datetime import timedelta
from decimal import Decimal

import pytest

from aclf_fhir.evaluation import Reason
from aclf_fhir.evaluation.dialysis import choose_dialysis
from aclf_fhir.evaluation.drugs import choose_drug, choose_given, choose_vasopressor, given_within
from aclf_fhir.evaluation.supports import (
    NO,
    UNKNOWN,
    YES,
    choose_renal_replacement,
    choose_ventilation,
    last_sign,
    runs_at,
)
from aclf_fhir.record import Fact, FactKind, FactStatus
from aclf_fhir.units import Interval
from tests.unit.evaluation.facts import (
    T,
    ago,
    attested,
    done,
    fact,
    found,
    given,
    graded,
    measured,
    record,
    rules,
)

RRT = "renal_replacement"
MV = "mechanical_ventilation"


def exact(text: str) -> Interval:
    return Interval.exact(Decimal(text))


def test_no_record_is_no_only_where_the_feed_is_complete() -> None:
    assert choose_renal_replacement(record(), rules()).value == UNKNOWN
    assert choose_renal_replacement(record(), rules(RRT)).value == NO


@pytest.mark.parametrize(
    ("facts", "value"),
    [
        ([done(RRT, 71)], YES),
        ([done(RRT, 72)], YES),
        ([done(RRT, 73)], UNKNOWN),
        ([done(RRT, 100, lasted=90)], YES),
        ([done(RRT, 500, qualifiers=frozenset({"in_progress"}))], YES),
        ([done(RRT, 5, value="not_done")], NO),
        ([done(RRT, 30, value="not_done")], UNKNOWN),
        ([found("dialysis_status", hours=5000)], YES),
        ([found("dialysis_status", hours=None)], YES),
        ([found("dialysis_status", hours=90, qualifiers=frozenset({"history"}))], UNKNOWN),
        ([found("dialysis_status", "absent", 5)], NO),
        ([measured("creatinine", "3 mg/dL", 5, qualifiers=frozenset({"pre_dialysis"}))], YES),
        ([attested("renal-replacement", "no", 5)], NO),
        ([attested("renal-replacement", "yes", 5)], YES),
        ([attested("renal-replacement", "unknown", 5)], UNKNOWN),
        ([attested("renal-replacement", "no", 25)], UNKNOWN),
        ([attested("renal-replacement", "no", 5, status=FactStatus.PRELIMINARY)], UNKNOWN),
    ],
)
def test_renal_replacement(facts: list[Fact], value: frozenset[str]) -> None:
    assert choose_renal_replacement(record(*facts), rules()).value == value


def test_a_treatment_that_may_have_happened_explains_the_unknown() -> None:
    maybe = done(RRT, 5, status=FactStatus.PRELIMINARY)
    choice = choose_renal_replacement(record(maybe), rules(RRT))
    assert (choice.value, choice.reason) == (UNKNOWN, Reason.PRELIMINARY)
    withdrawn = done(RRT, 5, status=FactStatus.RETRACTED)
    assert choose_renal_replacement(record(withdrawn), rules(RRT)).value == NO


def test_the_look_back_of_a_protocol() -> None:
    week = timedelta(days=7)
    assert choose_renal_replacement(record(done(RRT, 168)), rules(), within=week).value == YES
    assert choose_renal_replacement(record(done(RRT, 169)), rules(), within=week).value == UNKNOWN


@pytest.mark.parametrize(
    ("facts", "feeds", "value"),
    [
        ([], (), UNKNOWN),
        ([], (RRT,), NO),
        ([done(RRT, 5)], (), UNKNOWN),
        ([done(RRT, 5)], (RRT,), NO),
        ([done(RRT, 5), done(RRT, 60)], (), YES),
        ([done(RRT, 5), done(RRT, 169)], (RRT,), NO),
        ([done(RRT, 30, lasted=24)], (), YES),
        ([done(RRT, 30, lasted=23)], (), UNKNOWN),
        ([done(RRT, 24, qualifiers=frozenset({"in_progress"}))], (), YES),
        ([done(RRT, 5, value="not_done")], (RRT,), NO),
        ([done(RRT, 5, status=FactStatus.PRELIMINARY)], (RRT,), UNKNOWN),
        ([found("dialysis_status", hours=5000)], (RRT,), UNKNOWN),
        (
            [
                measured("creatinine", "3 mg/dL", 5, qualifiers=frozenset({"pre_dialysis"})),
                measured("creatinine", "2 mg/dL", 3, qualifiers=frozenset({"post_dialysis"})),
            ],
            (),
            UNKNOWN,
        ),
        (
            [
                measured("creatinine", "3 mg/dL", 5, qualifiers=frozenset({"pre_dialysis"})),
                measured("creatinine", "3 mg/dL", 53, qualifiers=frozenset({"pre_dialysis"})),
            ],
            (),
            YES,
        ),
        ([attested("renal-replacement", "no", 2)], (), NO),
    ],
)
def test_dialysis_in_the_week_before(
    facts: list[Fact], feeds: tuple[str, ...], value: frozenset[str]
) -> None:
    choice = choose_dialysis(record(*facts), rules(*feeds), before=T)
    assert choice.value == value


def test_a_person_may_answer_after_the_creatinine_was_drawn() -> None:
    answer = attested("renal-replacement", "no", 1)
    before = T - timedelta(hours=6)
    assert choose_dialysis(record(answer), rules(), before=before).value == UNKNOWN
    assert choose_dialysis(record(answer), rules(), before=before, at=T).value == NO


@pytest.mark.parametrize(
    ("facts", "feeds", "value"),
    [
        ([], (), {"none", "hepatic_encephalopathy", "other"}),
        ([], (MV,), {"none"}),
        ([done(MV, 5)], (), {"unknown_reason"}),
        ([done("intubation", 5), graded("ventilation_reason", "other")], (), {"other"}),
        (
            [done(MV, 5), graded("ventilation_reason", "hepatic_encephalopathy")],
            (),
            {"hepatic_encephalopathy"},
        ),
        (
            [done(MV, 5, qualifiers=frozenset({"completed", "hepatic_encephalopathy"}))],
            (),
            {"hepatic_encephalopathy"},
        ),
        ([done(MV, 30, lasted=10)], (MV,), {"none"}),
        ([done(MV, 5, value="not_done")], (), {"none"}),
        ([attested("mechanical-ventilation", "no")], (), {"none"}),
        ([attested("mechanical-ventilation", "yes")], (), {"unknown_reason"}),
    ],
)
def test_ventilation(facts: list[Fact], feeds: tuple[str, ...], value: set[str]) -> None:
    assert choose_ventilation(record(*facts), rules(*feeds)).value == value


def test_what_lasts() -> None:
    grace = timedelta(hours=24)
    undated = done(MV, start=None)
    assert not runs_at(undated, T, grace)
    assert last_sign(undated) is None
    assert runs_at(done(MV, 50, qualifiers=frozenset({"in_progress"})), T, grace)
    over_soon = done(MV, 50, lasted=10, qualifiers=frozenset({"in_progress"}))
    assert runs_at(over_soon, T, grace)


@pytest.mark.parametrize(
    ("facts", "feeds", "value"),
    [
        ([], (), UNKNOWN),
        ([], ("vasopressor",), NO),
        ([given("norepinephrine", "0.1 ug/kg/min", 23)], (), YES),
        ([given("norepinephrine", "0.1 ug/kg/min", 24)], (), YES),
        ([given("norepinephrine", "0.1 ug/kg/min", 25)], (), UNKNOWN),
        ([given("norepinephrine", "0 ug/kg/min", 1)], ("vasopressor",), NO),
        ([given("norepinephrine", "0.1 ug/kg/min", 9, lasted=4)], ("vasopressor",), NO),
        ([given("terlipressin", None)], (), {"terlipressin"}),
        (
            [given("terlipressin", None), graded("vasopressor_indication", "circulatory_support")],
            (),
            YES,
        ),
        (
            [
                given(
                    "terlipressin",
                    None,
                    qualifiers=frozenset({"administered", "circulatory_support"}),
                )
            ],
            (),
            YES,
        ),
        ([given("terlipressin", None), given("vasopressin", None)], (), YES),
        ([given("norepinephrine", None, qualifiers=frozenset({"requested"}))], (), UNKNOWN),
        ([given("norepinephrine", None, status=FactStatus.PRELIMINARY)], ("vasopressor",), UNKNOWN),
        ([given("norepinephrine", None, status=FactStatus.RETRACTED)], ("vasopressor",), NO),
        ([attested("vasopressor-support", "no")], (), NO),
    ],
)
def test_vasopressor(facts: list[Fact], feeds: tuple[str, ...], value: set[str]) -> None:
    assert choose_vasopressor(record(*facts), rules(*feeds)).value == value


@pytest.mark.parametrize(
    ("facts", "feeds", "value"),
    [
        ([], (), None),
        ([], ("vasopressor",), exact("0")),
        ([given("norepinephrine", "0.1 ug/kg/min")], (), exact("0.1")),
        (
            [given("norepinephrine", "8 ug/min"), measured("body_weight", "80 kg", 24)],
            (),
            exact("0.1"),
        ),
        ([given("norepinephrine", None)], (), Interval(Decimal(0), None, False, False)),
        ([given("norepinephrine", "0.1 ug/kg/min", 9, lasted=4)], (), exact("0")),
        ([given("norepinephrine", "0.1 ug/kg/min", 90, lasted=4)], (), None),
        ([attested("vasopressor-support", "no")], (), exact("0")),
    ],
)
def test_dose_rate(facts: list[Fact], feeds: tuple[str, ...], value: Interval | None) -> None:
    choice = choose_drug(record(*facts), "norepinephrine", rules(*feeds))
    assert choice.value == value


def test_without_a_weight_the_dose_is_a_range() -> None:
    choice = choose_drug(record(given("norepinephrine", "8 ug/min")), "norepinephrine", rules())
    weights = rules().plausible("body_weight")
    assert weights.low is not None
    assert weights.high is not None
    assert choice.value == Interval(8 / weights.high, 8 / weights.low)
    assert choice.reason is Reason.NO_DATA


def test_a_drug_given_at_any_dose() -> None:
    choice = choose_given(record(given("dobutamine", None)), ("dobutamine",), rules(), name="d")
    assert choice.value == YES
    assert choose_given(record(), ("dobutamine",), rules(), name="d").value == UNKNOWN


def test_drugs_that_make_a_result_doubtful() -> None:
    week = T - timedelta(days=7)
    drug = "vitamin_k_antagonist"
    taken = given(drug, None, 20, qualifiers=frozenset({"reported"}))
    assert given_within(record(taken), [drug], week, T) == [taken]
    for not_taken in (
        given(drug, None, 200),
        given(drug, None, qualifiers=frozenset({"requested"})),
        given(drug, "0 ug/kg/min"),
        given(drug, None, status=FactStatus.PRELIMINARY),
    ):
        assert given_within(record(not_taken), [drug], week, T) == []
    lasting = fact(
        FactKind.MEDICATION,
        drug,
        None,
        400,
        qualifiers=frozenset({"administered", "in_progress"}),
        end=ago(300),
    )
    assert given_within(record(lasting), [drug], week, T) == [lasting]


def test_a_support_without_an_item_and_an_older_negative_finding() -> None:
    from dataclasses import replace

    bare = replace(rules(), support_items={})
    assert choose_renal_replacement(record(), bare).value == UNKNOWN
    old = found("dialysis_status", "absent", 30)
    assert choose_renal_replacement(record(old), rules()).value == UNKNOWN
    timed = measured("creatinine", "3 mg/dL", 90, qualifiers=frozenset({"pre_dialysis"}))
    assert choose_renal_replacement(record(timed), rules()).value == UNKNOWN
    several = attested("renal-replacement", frozenset({"yes", "no"}), 1)
    assert choose_renal_replacement(record(several), rules()).value == UNKNOWN
