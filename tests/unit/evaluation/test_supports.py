from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from aclf_fhir.evaluation import Reason, Snapshot, at_draws, evaluate
from aclf_fhir.evaluation.drugs import choose_drug, choose_given, choose_vasopressor, given_within
from aclf_fhir.evaluation.supports import (
    NO,
    UNKNOWN,
    YES,
    choose_renal_replacement,
    choose_ventilation,
    last_sign,
    runs_at,
    silent_supports,
)
from aclf_fhir.record import UNREAD, Fact, FactKind, FactStatus, Record
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
        (
            [
                attested("mechanical-ventilation", "yes"),
                graded("ventilation_reason", "hepatic_encephalopathy"),
            ],
            (),
            {"hepatic_encephalopathy"},
        ),
        (
            [attested("mechanical-ventilation", "yes"), graded("ventilation_reason", "other")],
            (),
            {"other"},
        ),
        (
            [attested("mechanical-ventilation", "no"), graded("ventilation_reason", "other")],
            (),
            {"none"},
        ),
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
    assert not runs_at(over_soon, T, grace)
    assert runs_at(over_soon, ago(40).earliest, grace)
    assert not runs_at(over_soon, ago(39.9).earliest, grace)


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


DRUGS = ("vasopressin", "phenylephrine", "milrinone")


@pytest.mark.parametrize(
    ("facts", "feeds", "value"),
    [
        ([], (), UNKNOWN),
        ([], ("vasopressor",), UNKNOWN),
        ([], ("vasopressor", "milrinone"), NO),
        ([], DRUGS, NO),
        ([], DRUGS[:2], UNKNOWN),
        ([given("milrinone", None)], (), YES),
        ([given("phenylephrine", None, 24)], (), YES),
        ([given("phenylephrine", None, 25)], (), UNKNOWN),
        ([given("vasopressin", None, status=FactStatus.PRELIMINARY)], DRUGS, UNKNOWN),
        ([attested("vasopressor-support", "no")], (), NO),
        ([attested("vasopressor-support", "yes")], (), UNKNOWN),
        ([given("norepinephrine", None)], DRUGS, NO),
    ],
)
def test_a_vasopressor_outside_the_table(
    facts: list[Fact], feeds: tuple[str, ...], value: frozenset[str]
) -> None:
    snapshot = Snapshot(record(*facts), rules(*feeds))
    assert snapshot.support("other_vasopressor").value == value


def test_the_feed_of_one_drug() -> None:
    assert choose_drug(record(), "dopamine", rules("dopamine")).value == exact("0")
    assert choose_drug(record(), "dopamine", rules("epinephrine")).value is None
    answered = record(attested("vasopressor-support", "yes"))
    assert Snapshot(answered, rules()).support("terlipressin").value == UNKNOWN


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


NOREPI = "norepinephrine"
TODAY = ago(12, until=-12)
MONTH = ago(350, until=-390)
LATER = T + timedelta(days=30)
UNREADABLE: dict[str, Any] = {"status": FactStatus.NO_VALUE, "flags": frozenset({"held"})}
NEWER = {"newer_answer_not_usable"}
RUNNING = frozenset({"in_progress"})
GOING = frozenset({"in_progress", "administered"})


def known_later(*facts: Fact) -> Record:
    return record(*facts, known_at=LATER)


@pytest.mark.parametrize(
    ("sign", "value"),
    [
        (done(RRT, start=TODAY), YES),
        (done(RRT, start=TODAY, known=LATER), UNKNOWN),
        (done(RRT, start=MONTH), UNKNOWN),
        (done(RRT, start=MONTH, known=LATER), UNKNOWN),
        (done(RRT, start=MONTH, qualifiers=RUNNING), YES),
        (done(RRT, hours=None), UNKNOWN),
        (done(RRT, hours=None, status=FactStatus.PRELIMINARY), UNKNOWN),
        (done(RRT, hours=None, recorded=T - timedelta(hours=72)), UNKNOWN),
        (done(RRT, hours=None, recorded=T - timedelta(hours=73)), NO),
        (done(RRT, hours=None, known=T - timedelta(hours=73)), NO),
        (done(RRT, hours=None, status=FactStatus.RETRACTED), NO),
        (done(RRT, hours=None, value="not_done"), NO),
        (done(RRT, hours=None, qualifiers=RUNNING), YES),
        (done(RRT, hours=None, qualifiers=RUNNING, known=LATER), YES),
        (found("dialysis_status", start=TODAY), YES),
        (found("dialysis_status", "absent", start=TODAY), NO),
    ],
)
def test_a_dialysis_that_may_be_of_now_is_no_absence(sign: Fact, value: frozenset[str]) -> None:
    choice = choose_renal_replacement(known_later(sign), rules(RRT))
    assert choice.value == value
    assert choice.age is None or choice.age >= timedelta(0)
    if value == UNKNOWN:
        assert choice.reason in {Reason.OUTSIDE_WINDOW, Reason.PRELIMINARY}
        assert choice.passed_over[0][0] == sign


def test_a_negative_record_clears_only_if_it_is_certain() -> None:
    undone = done(RRT, value="not_done", start=TODAY)
    assert choose_renal_replacement(record(undone), rules()).value == UNKNOWN
    certain = done(RRT, 5, value="not_done")
    assert (
        choose_renal_replacement(record(certain, done(RRT, hours=None)), rules()).value == UNKNOWN
    )
    absent = found("dialysis_status", "absent", start=TODAY)
    assert choose_renal_replacement(record(absent), rules()).value == UNKNOWN
    off = done(MV, value="not_done", start=TODAY)
    assert choose_ventilation(record(off), rules()).reason is Reason.NO_DATA
    on = done(MV, 2, qualifiers=RUNNING)
    assert choose_ventilation(record(on, off), rules()).value == frozenset({"unknown_reason"})


def test_an_answer_says_nothing_of_the_rest_of_the_day() -> None:
    answer = attested("renal-replacement", "no", 2)
    with_items = rules(RRT)
    today = done(RRT, start=TODAY, known=LATER)
    undated = done(RRT, hours=None, known=ago(3).latest)
    assert choose_renal_replacement(known_later(answer, today), with_items).value == UNKNOWN
    assert choose_renal_replacement(known_later(answer, undated), with_items).value == NO
    yes = attested("renal-replacement", "yes", 2)
    assert choose_renal_replacement(known_later(yes, today), with_items).value == YES


@pytest.mark.parametrize(
    ("sign", "value"),
    [
        (done(RRT, 1, status=FactStatus.PRELIMINARY), UNKNOWN),
        (done(RRT, 2, status=FactStatus.CONFLICTING), UNKNOWN),
        (done(RRT, 3, status=FactStatus.CONFLICTING), NO),
        (done(RRT, 3, status=FactStatus.CONFLICTING, recorded=ago(1).latest), UNKNOWN),
        (done(RRT, hours=None), UNKNOWN),
        (done(RRT, 1, status=FactStatus.RETRACTED), NO),
    ],
)
def test_an_answer_of_no_does_not_speak_of_a_later_sign(sign: Fact, value: frozenset[str]) -> None:
    answer = attested("renal-replacement", "no", 2)
    assert choose_renal_replacement(record(answer, sign), rules()).value == value


@pytest.mark.parametrize(
    ("answers", "value"),
    [
        ([("no", 5, {}), ("yes", 2, {})], YES),
        ([("no", 2, {}), ("yes", 2, {})], UNKNOWN),
        ([("no", 2, {}), ("no", 2, {})], NO),
        ([("yes", None, {"start": ago(9, until=2)}), ("no", 5, {})], UNKNOWN),
        ([("no", 5, {}), ("no", 2, {"status": FactStatus.CONFLICTING})], UNKNOWN),
        ([("no", 5, {}), ("yes", 2, {"status": FactStatus.PRELIMINARY})], NO),
    ],
)
def test_answers_that_may_be_of_one_time_must_agree(
    answers: list[tuple[str, float, dict[str, object]]], value: frozenset[str]
) -> None:
    told = [attested("renal-replacement", said, hours, **rest) for said, hours, rest in answers]
    for feeds in ((), (RRT,)):
        choice = choose_renal_replacement(record(*told), rules(*feeds))
        assert choice.value == value
        assert choice.reason is (Reason.CONFLICTING if value == UNKNOWN else None)


@pytest.mark.parametrize(
    ("later", "value", "flags"),
    [
        (attested("renal-replacement", "yes", start=TODAY, known=LATER), UNKNOWN, set()),
        (attested("renal-replacement", "no", start=TODAY, known=LATER), NO, set()),
        (attested("renal-replacement", "yes", start=TODAY), UNKNOWN, set()),
        (attested("renal-replacement", None, 1, **UNREADABLE), UNKNOWN, set()),
        (attested("renal-replacement", None, 3, **UNREADABLE), NO, set()),
        (attested("renal-replacement", "yes", 1, status=FactStatus.PRELIMINARY), NO, NEWER),
        (attested("renal-replacement", "yes", 1, qualifiers=frozenset({"by_patient"})), NO, NEWER),
        (attested("renal-replacement", "yes", 3, status=FactStatus.PRELIMINARY), NO, set()),
    ],
)
def test_a_newer_answer_that_may_count_is_never_passed_over(
    later: Fact, value: frozenset[str], flags: set[str]
) -> None:
    choice = choose_renal_replacement(
        known_later(attested("renal-replacement", "no", 2), later), rules(RRT)
    )
    assert (choice.value, choice.flags) == (value, flags)


@pytest.mark.parametrize(
    "only",
    [
        attested("renal-replacement", "yes", start=TODAY, known=LATER),
        attested("renal-replacement", None, **UNREADABLE),
    ],
)
def test_an_answer_that_may_count_leaves_a_complete_feed_open(only: Fact) -> None:
    assert choose_renal_replacement(known_later(only), rules(RRT)).value == UNKNOWN


def doubted(*names: str, **rest: Any) -> Fact:
    return found("dialysis_status", hours=rest.pop("hours", 1), qualifiers=frozenset(names), **rest)


@pytest.mark.parametrize(
    ("sign", "value"),
    [
        (doubted("definite", "provisional"), UNKNOWN),
        (doubted("review", "active"), UNKNOWN),
        (doubted("supporting"), UNKNOWN),
        (doubted("definite", status=FactStatus.CONFLICTING), UNKNOWN),
        (doubted("definite", "provisional", hours=3, known=ago(2.5).latest), NO),
        (doubted("definite", "provisional", "refuted"), NO),
        (doubted("definite", "provisional", "history"), NO),
        (doubted("definite", "provisional", end=ago(0.1)), NO),
        (doubted("definite", "provisional", value="absent"), NO),
        (doubted("definite", status=FactStatus.RETRACTED), NO),
    ],
)
def test_a_doubtful_dependence_on_dialysis_is_asked_for(sign: Fact, value: frozenset[str]) -> None:
    answer = attested("renal-replacement", "no", 2, known=ago(2).latest)
    assert choose_renal_replacement(record(answer, sign), rules()).value == value


def test_a_doubtful_dependence_on_dialysis_keeps_a_complete_feed_open() -> None:
    choice = choose_renal_replacement(record(doubted("definite", "provisional")), rules(RRT))
    assert (choice.value, choice.reason) == (UNKNOWN, Reason.PRELIMINARY)
    review = choose_renal_replacement(record(doubted("review")), rules(RRT))
    assert review.reason is Reason.NEEDS_ATTESTATION
    history = doubted("definite", "history")
    assert choose_renal_replacement(record(history), rules(RRT)).value == NO


def test_an_answer_of_no_does_not_deny_a_later_doubtful_drug() -> None:
    answer = attested("vasopressor-support", "no", 2)
    doubtful = given(NOREPI, DOSE, 1, status=FactStatus.PRELIMINARY)
    ordered = given(NOREPI, DOSE, 1, qualifiers=frozenset({"requested"}))
    for later, value, dose in ((doubtful, UNKNOWN, None), (ordered, NO, exact("0"))):
        facts = record(answer, later)
        assert choose_vasopressor(facts, rules()).value == value
        assert choose_drug(facts, NOREPI, rules()).value == dose


@pytest.mark.parametrize(
    ("sign", "value"),
    [
        (done(MV, start=TODAY), {"unknown_reason"}),
        (done(MV, start=MONTH, qualifiers=RUNNING), {"unknown_reason"}),
        (done(MV, hours=None, qualifiers=RUNNING), {"unknown_reason"}),
        (done(MV, start=MONTH), {"none", "hepatic_encephalopathy", "other"}),
        (done(MV, start=TODAY, known=LATER), {"none", "hepatic_encephalopathy", "other"}),
        (done("intubation", hours=None), {"none", "hepatic_encephalopathy", "other"}),
    ],
)
def test_a_ventilation_that_may_be_of_now_is_no_absence(sign: Fact, value: set[str]) -> None:
    assert choose_ventilation(known_later(sign), rules(MV)).value == frozenset(value)


DOSE = "0.3 ug/kg/min"


@pytest.mark.parametrize(
    ("drug", "value", "dose"),
    [
        (given(NOREPI, DOSE, start=TODAY), YES, exact("0.3")),
        (given(NOREPI, DOSE, start=TODAY, known=LATER), UNKNOWN, None),
        (given(NOREPI, DOSE, start=MONTH), UNKNOWN, None),
        (given(NOREPI, DOSE, start=MONTH, qualifiers=GOING), YES, exact("0.3")),
        (given(NOREPI, DOSE, hours=None), UNKNOWN, None),
        (given(NOREPI, DOSE, hours=None, qualifiers=GOING), YES, exact("0.3")),
        (given(NOREPI, "0 ug/kg/min", hours=None), NO, exact("0")),
        (given(NOREPI, DOSE, hours=None, qualifiers=frozenset({"requested"})), NO, exact("0")),
    ],
)
def test_a_drug_that_may_be_given_now_is_no_absence(
    drug: Fact, value: frozenset[str], dose: Interval | None
) -> None:
    one = known_later(drug)
    feeds = rules("vasopressor")
    assert choose_vasopressor(one, feeds).value == value
    assert choose_given(one, (NOREPI,), feeds, name="any").value == value
    assert choose_drug(one, NOREPI, feeds).value == dose


@pytest.mark.parametrize(
    ("later", "value"),
    [
        (given(NOREPI, DOSE, 26), YES),
        (given(NOREPI, DOSE, 26, lasted=0.5), YES),
        (given(NOREPI, "0 ug/kg/min", 26), NO),
        (given(NOREPI, "0 ug/kg/min", 2), NO),
    ],
)
def test_an_infusion_in_progress_outlasts_a_later_dose(later: Fact, value: frozenset[str]) -> None:
    infusion = given(NOREPI, DOSE, 30, qualifiers=GOING)
    facts = record(infusion, later)
    assert choose_vasopressor(facts, rules("vasopressor")).value == value
    dose = choose_drug(facts, NOREPI, rules("vasopressor")).value
    assert dose == (infusion.value if value == YES else exact("0"))


@pytest.mark.parametrize(
    ("began", "answered", "said", "is_open"),
    [
        (7200, 1, "no", True),
        (7200, 24, "no", True),
        (7200, 24.1, "no", False),
        (5, 4.9, "no", True),
        (5, 5, "no", False),
        (5, 5.1, "no", False),
        (7200, 1, "yes", False),
        (7200, 1, "unknown", False),
    ],
)
def test_what_is_in_progress_and_was_denied_since_is_open(
    began: float, answered: float, said: str, is_open: bool
) -> None:
    feeds = rules("vasopressor", RRT, MV)
    drug = given(NOREPI, DOSE, began, qualifiers=GOING)
    seen = record(
        drug,
        done(RRT, began, qualifiers=RUNNING),
        done(MV, began, qualifiers=RUNNING),
        *(
            attested(item, said, answered)
            for item in ("vasopressor-support", "renal-replacement", "mechanical-ventilation")
        ),
    )
    value, dose = (UNKNOWN, None) if is_open else (YES, drug.value)
    circulation, kidney = choose_vasopressor(seen, feeds), choose_renal_replacement(seen, feeds)
    assert (circulation.value, kidney.value) == (value, value)
    assert choose_given(seen, (NOREPI,), feeds, name="any").value == value
    assert choose_drug(seen, NOREPI, feeds).value == dose
    lungs = choose_ventilation(seen, feeds)
    assert isinstance(lungs.value, frozenset)
    assert ("none" in lungs.value, "other" in lungs.value or not is_open) == (is_open, True)
    conflict = Reason.CONFLICTING if is_open else None
    assert (circulation.reason, kidney.reason) == (conflict, conflict)
    if is_open:
        assert lungs.reason is Reason.CONFLICTING


def test_an_undated_support_in_progress_and_denied_since_is_open() -> None:
    old = {"start": None, "known": ago(50).latest, "qualifiers": RUNNING}
    no = attested("renal-replacement", "no", 1)
    assert choose_renal_replacement(record(done(RRT, **old), no), rules(RRT)).value == UNKNOWN
    assert choose_renal_replacement(record(done(RRT, **old)), rules(RRT)).value == YES


def test_an_answer_does_not_deny_a_drug_of_an_open_day() -> None:
    answer = attested("vasopressor-support", "no", 2)
    today = given(NOREPI, DOSE, start=TODAY, known=LATER)
    assert choose_drug(known_later(answer, today), NOREPI, rules()).value is None
    assert choose_drug(known_later(answer), NOREPI, rules()).value == exact("0")


def test_a_stop_at_an_unknown_hour_stops_nothing() -> None:
    running, stop = given(NOREPI, DOSE, 3), given(NOREPI, "0 ug/kg/min", start=TODAY)
    assert choose_vasopressor(record(running, stop), rules()).value == YES
    stopped, today = given(NOREPI, "0 ug/kg/min", 3), given(NOREPI, DOSE, start=TODAY)
    assert choose_vasopressor(record(stopped, today), rules()).value == YES
    assert choose_vasopressor(record(running, today), rules()).fact == running


def test_a_drug_of_the_same_day_may_have_changed_a_result() -> None:
    today = given("warfarin", None, start=TODAY, known=LATER)
    since = T - timedelta(days=7)
    assert given_within(known_later(today), ("warfarin",), since, T) == [today]


@pytest.mark.parametrize("qualifier", ["completed", "in_progress"])
def test_what_nobody_could_read_is_nothing_to_a_score(qualifier: str) -> None:
    procedure = fact(
        FactKind.PROCEDURE, UNREAD, None, 20, qualifiers=frozenset({qualifier}), **UNREADABLE
    )
    drug = structs.replace(procedure, kind=FactKind.MEDICATION)
    seen = record(procedure, drug)
    assert choose_renal_replacement(seen, rules(RRT)).value == NO
    assert choose_ventilation(seen, rules("mechanical_ventilation")).value == frozenset({"none"})
    assert choose_vasopressor(seen, rules("vasopressor")).value == NO
    assert choose_given(seen, ("dopamine",), rules("dopamine"), name="any").value == NO
    assert choose_drug(seen, "dopamine", rules("dopamine")).value == Interval.exact(Decimal(0))


ALL = {"mechanical_ventilation", "renal_replacement", "vasopressor"}


@pytest.mark.parametrize(
    ("sign", "spoken_of"),
    [
        (done("mechanical_ventilation"), {"mechanical_ventilation"}),
        (done("intubation"), {"mechanical_ventilation"}),
        (done("renal_replacement"), {"renal_replacement"}),
        (done(UNREAD), set()),
        (given("norepinephrine", None), {"vasopressor"}),
        (given(UNREAD, None), set()),
        (attested("mechanical-ventilation", "no"), {"mechanical_ventilation"}),
        (attested("vasopressor-support", "no"), {"vasopressor"}),
        (measured("creatinine", "1 mg/dL"), set()),
    ],
)
def test_a_support_is_silent_where_nothing_speaks_of_it(sign: Fact, spoken_of: set[str]) -> None:
    assert silent_supports(record(sign), rules()) == ALL - spoken_of


@pytest.mark.parametrize("feeds", [(), tuple(sorted(ALL))])
def test_draws_share_what_is_the_same_at_each_of_them(feeds: tuple[str, ...]) -> None:
    facts = [measured("creatinine", "1.6 mg/dL", 24 * day + 1) for day in range(4)]
    known = record(*facts, done("intubation", 50))
    for point in at_draws(known, "clif_c_of", rules(*feeds), since=ago(200).latest, until=T):
        assert point == evaluate(known, "clif_c_of", rules(*feeds), at=point.at)
