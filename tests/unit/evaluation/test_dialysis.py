from datetime import timedelta

import pytest

from aclf_fhir.evaluation import Reason
from aclf_fhir.evaluation.dialysis import choose_dialysis
from aclf_fhir.evaluation.supports import NO, UNKNOWN, YES
from aclf_fhir.record import Fact, FactStatus
from tests.unit.evaluation.facts import T, ago, attested, done, found, measured, record, rules

RRT = "renal_replacement"
AROUND = frozenset({"pre_dialysis"})


@pytest.mark.parametrize(
    ("facts", "feeds", "value"),
    [
        ([], (), None),
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
    facts: list[Fact], feeds: tuple[str, ...], value: frozenset[str] | None
) -> None:
    choice = choose_dialysis(record(*facts), rules(*feeds), before=T)
    assert choice.value == value


def test_a_person_may_answer_after_the_creatinine_was_drawn() -> None:
    answer = attested("renal-replacement", "no", 1)
    before = T - timedelta(hours=6)
    assert choose_dialysis(record(answer), rules(), before=before).value is None
    assert choose_dialysis(record(answer), rules(), before=before, at=T).value == NO


@pytest.mark.parametrize(
    "sign",
    [
        done(RRT, 5),
        done(RRT, 169),
        done(RRT, 24 * 400),
        done(RRT, start=None),
        done(RRT, start=ago(6, until=-6)),
        done(RRT, start=None, status=FactStatus.PRELIMINARY),
        done(RRT, 5, status=FactStatus.PRELIMINARY),
        done(RRT, 5, status=FactStatus.CONFLICTING),
        done(RRT, 5, value="not_done"),
        found("dialysis_status", hours=5000),
        found("dialysis_status", qualifiers=frozenset({"provisional"})),
        found("dialysis_status", hours=None, qualifiers=frozenset({"history"})),
        measured("creatinine", "3 mg/dL", 400, qualifiers=AROUND),
        attested("renal-replacement", "unknown"),
        attested("renal-replacement", "yes"),
        attested("renal-replacement", "yes", 25),
        attested("renal-replacement", "no", status=FactStatus.CONFLICTING, start=None),
    ],
)
def test_a_sign_of_dialysis_leaves_both_readings(sign: Fact) -> None:
    expected = UNKNOWN
    if sign.concept == "renal-replacement" and sign.value == NO:
        expected = None  # a disputed no is no sign of dialysis either
    choice = choose_dialysis(record(sign), rules(), before=T)
    assert choice.value == expected
    # Who has a sign on file shows it.
    assert expected is None or choice.facts == (sign,) or choice.passed_over


@pytest.mark.parametrize(
    "no_sign",
    [
        done(RRT, 5, status=FactStatus.RETRACTED),
        done(RRT, -5),
        found("dialysis_status", "absent"),
        found("dialysis_status", status=FactStatus.RETRACTED),
        measured("creatinine", "3 mg/dL"),
        measured("creatinine", "3 mg/dL", 5, qualifiers=AROUND, status=FactStatus.RETRACTED),
        attested("renal-replacement", "no", 25),
    ],
)
def test_nothing_that_speaks_of_dialysis_has_no_value(no_sign: Fact) -> None:
    choice = choose_dialysis(record(no_sign), rules(), before=T)
    assert (choice.value, choice.reason) == (None, Reason.NO_DATA)
    assert choice.why == "nothing on file speaks of dialysis"
    assert choice.facts == ()


def test_an_undated_treatment_is_open_even_with_a_complete_feed() -> None:
    undated = done(RRT, start=None)
    choice = choose_dialysis(record(undated), rules(RRT), before=T)
    assert (choice.value, choice.reason) == (UNKNOWN, Reason.OUTSIDE_WINDOW)
    no = attested("renal-replacement", "no")
    assert choose_dialysis(record(undated, no), rules(), before=T).value == UNKNOWN
    on_file = done(RRT, start=None, known=ago(2).latest)
    assert choose_dialysis(record(on_file, no), rules(), before=T).value == NO


def test_a_treatment_that_may_be_of_the_week_is_a_second_one() -> None:
    undated = done(RRT, start=None)
    choice = choose_dialysis(record(done(RRT, 5), undated), rules(RRT), before=T)
    assert choice.value == UNKNOWN
    assert undated in choice.facts
    # Written down before the week, it was no later than that.
    old = done(RRT, start=None, recorded=ago(168.01).latest)
    assert choose_dialysis(record(done(RRT, 5), old), rules(RRT), before=T).value == NO
    assert choose_dialysis(record(old), rules(RRT), before=T).value == NO
    edge = done(RRT, start=None, recorded=ago(168).latest)
    assert choose_dialysis(record(edge), rules(RRT), before=T).value == UNKNOWN
    early = done(RRT, start=None, status=FactStatus.PRELIMINARY)
    doubtful = choose_dialysis(record(early), rules(RRT), before=T)
    assert (doubtful.value, doubtful.reason) == (UNKNOWN, Reason.PRELIMINARY)


def test_an_answer_does_not_speak_of_a_day_that_is_not_over() -> None:
    no = attested("renal-replacement", "no", 0.5)
    today = done(RRT, start=ago(12, until=-12))
    drawn = T - timedelta(hours=1)
    assert choose_dialysis(record(today, no), rules(), before=drawn, at=T).value == UNKNOWN
    yesterday = done(RRT, start=ago(36, until=12.01), status=FactStatus.RETRACTED)
    assert choose_dialysis(record(yesterday, no), rules(), before=drawn, at=T).value == NO


@pytest.mark.parametrize(("answered", "value"), [(1, UNKNOWN), (24, UNKNOWN), (24.1, YES)])
def test_one_in_progress_that_was_denied_since_is_open(
    answered: float, value: frozenset[str]
) -> None:
    running = done(RRT, 500, qualifiers=frozenset({"in_progress"}))
    answer = attested("renal-replacement", "no", answered)
    assert choose_dialysis(record(running, answer), rules(RRT), before=T).value == value


def test_one_in_progress_without_a_date_is_not_answered_away() -> None:
    running = done(RRT, start=None, qualifiers=frozenset({"in_progress"}))
    no = attested("renal-replacement", "no")
    choice = choose_dialysis(record(running, no), rules(RRT), before=T)
    assert (choice.value, choice.why) == (UNKNOWN, "in progress, begun at an unknown time")


def test_a_treatment_before_the_week_is_none_in_it_where_the_feed_is_complete() -> None:
    assert choose_dialysis(record(done(RRT, 169)), rules(RRT), before=T).value == NO


def test_a_treatment_after_the_draw_is_a_sign() -> None:
    facts = record(done(RRT, 2))
    before = T - timedelta(hours=5)
    assert choose_dialysis(facts, rules(), before=before, at=T).value == UNKNOWN
    assert choose_dialysis(facts, rules(), before=before).value is None


def test_continuous_therapy_is_found_among_single_treatments() -> None:
    facts = record(done(RRT, 2), done(RRT, 100, lasted=24))
    choice = choose_dialysis(facts, rules(), before=T)
    assert (choice.value, choice.why) == (YES, "continuous therapy")
