"""The moves of a ResearchSubject: every pair of codes, and the reasons they need."""

from itertools import product
from typing import get_args

import pytest

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.fhir.r4.research_subject import ResearchSubjectStatus
from aclf_fhir.trial.life_cycle import (
    BEFORE_ENROLMENT,
    ENROLLED,
    MADE,
    MOVES,
    REASONS,
    check_move,
    ends_consent,
    locks_others,
    needs_reason,
    needs_sole_trial,
)

CODES = sorted(MOVES)
SCREENED = ["potential-candidate", "candidate", "screening", "eligible"]
ON_STUDY = ["on-study", "on-study-intervention", "on-study-observation"]


def reason_of(before: str, after: str) -> str | None:
    return min(REASONS.get(after, {"none"})) if needs_reason(before, after) else None


def refusal(before: str, after: str, reason: str | None) -> Category | None:
    try:
        check_move(before, after, reason)
    except AclfError as error:
        return error.category
    return None


def test_the_codes_are_those_of_r4() -> None:
    assert set(CODES) == set(get_args(ResearchSubjectStatus))


@pytest.mark.parametrize(("before", "after"), list(product(CODES, CODES)))
def test_every_pair_is_legal_or_a_conflict(before: str, after: str) -> None:
    legal = after == before or after in MOVES[before]
    expected = None if legal else Category.CONFLICT
    assert refusal(before, after, reason_of(before, after)) == expected


def test_screening_may_be_skipped_and_never_walked_back() -> None:
    for place, code in enumerate(SCREENED):
        assert not MOVES[code] & set(SCREENED[: place + 1])
        assert MOVES[code] >= {*SCREENED[place + 1 :], "pending-on-study", *ON_STUDY}
        assert MOVES[code] >= {"ineligible", "not-registered", "withdrawn"}
        assert not MOVES[code] & {"follow-up", "off-study"}


def test_nothing_leads_to_what_the_machine_gives() -> None:
    assert all(MADE not in targets for targets in MOVES.values())


def test_who_was_turned_down_is_screened_again_or_withdraws() -> None:
    for code in ("ineligible", "not-registered"):
        assert MOVES[code] == {"screening", "withdrawn"}


def test_nobody_on_study_goes_back() -> None:
    for code in (*ON_STUDY, "follow-up"):
        assert not MOVES[code] & BEFORE_ENROLMENT
        assert MOVES[code] >= {"off-study", "withdrawn"}


def test_everybody_may_withdraw_but_who_is_gone() -> None:
    assert [code for code in CODES if "withdrawn" not in MOVES[code]] == ["off-study", "withdrawn"]


def test_two_are_final() -> None:
    assert [code for code in CODES if not MOVES[code]] == ["off-study", "withdrawn"]


def test_every_code_can_be_reached() -> None:
    assert {MADE}.union(*MOVES.values()) == set(CODES)


def test_a_code_stands_before_enrolment_within_it_or_after_it() -> None:
    assert {*BEFORE_ENROLMENT, *ENROLLED, "off-study", "withdrawn"} == set(CODES)
    assert not BEFORE_ENROLMENT & ENROLLED


@pytest.mark.parametrize("after", ["ineligible", "not-registered", "withdrawn"])
def test_turning_down_needs_a_reason_of_its_own(after: str) -> None:
    assert refusal("screening", after, None) is Category.INVALID
    assert refusal("screening", after, "new-results") is Category.INVALID
    for reason in REASONS[after]:
        assert refusal("screening", after, reason) is None


def test_leaving_needs_a_reason() -> None:
    assert refusal("follow-up", "off-study", None) is Category.INVALID
    assert refusal("follow-up", "off-study", "completed") is None


def test_screening_needs_a_reason_only_when_it_is_repeated() -> None:
    assert refusal("candidate", "screening", None) is None
    assert refusal("candidate", "screening", "new-results") is Category.INVALID
    assert refusal("ineligible", "screening", None) is Category.INVALID
    assert refusal("ineligible", "screening", "new-results") is None


def test_a_reason_does_not_outlive_its_status() -> None:
    assert refusal("screening", "eligible", "new-results") is Category.INVALID
    assert refusal("eligible", "eligible", "new-results") is Category.INVALID


def test_a_reason_may_be_mended_and_not_taken_away() -> None:
    assert refusal("withdrawn", "withdrawn", "subject-decision") is None
    assert refusal("withdrawn", "withdrawn", None) is Category.INVALID
    assert refusal("screening", "screening", "new-results") is None
    assert refusal("screening", "screening", None) is None


def test_a_refusal_says_what_is_legal() -> None:
    with pytest.raises(AclfError) as caught:
        check_move("follow-up", "screening", None)
    (issue,) = caught.value.issues
    assert issue.location == "ResearchSubject.status"
    assert "off-study, withdrawn" in issue.remedy
    with pytest.raises(AclfError) as caught:
        check_move("off-study", "on-study", None)
    assert "final" in caught.value.issues[0].remedy


@pytest.mark.parametrize("status", CODES)
def test_who_takes_part_locks_the_other_trials(status: str) -> None:
    taking_part = {"pending-on-study", *ON_STUDY, "follow-up"}
    assert locks_others(status) == (status in taking_part)


def test_only_the_way_into_a_trial_is_locked() -> None:
    ways_in = {(one, two) for one, two in product(CODES, CODES) if needs_sole_trial(one, two)}
    assert {two for _, two in ways_in} == {"screening", "eligible", "pending-on-study", *ON_STUDY}
    assert {one for one, _ in ways_in} == BEFORE_ENROLMENT
    assert ("on-study", "on-study-intervention") not in ways_in
    assert ("eligible", "eligible") not in ways_in


def test_consent_ends_by_status_or_by_reason() -> None:
    assert ends_consent("withdrawn", "subject-decision")
    assert ends_consent("off-study", "consent-withdrawn")
    assert not ends_consent("off-study", "completed")
    assert not ends_consent("not-registered", "consent-declined")
