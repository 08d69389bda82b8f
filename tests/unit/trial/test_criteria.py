"""Every kind of criterion: below, on and above its limits, and each reason for unknown."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from aclf_fhir.catalog import load_catalog
from aclf_fhir.errors import AclfError
from aclf_fhir.evaluation import Reason
from aclf_fhir.record import UNREAD, Fact, FactKind, FactStatus
from aclf_fhir.trial.criteria import Reader, parse_quantity
from aclf_fhir.trial.judgement import Judgement, Outcome
from aclf_fhir.trial.periods import parse_period
from aclf_fhir.trial.person import consent_has_ended
from aclf_fhir.trial.situation import Situation
from aclf_fhir.units import Interval, TimeRange
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

ITEMS = {
    **load_catalog().protocols["nct03668171"].items,
    **load_catalog().protocols["nct02857010"].items,
}
MET, NOT_MET, UNKNOWN, NA = Outcome.MET, Outcome.NOT_MET, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE
TODAY = ago(12, until=-12)
LEARNT_LATER: dict[str, Any] = {"start": TODAY, "known": T + timedelta(hours=6)}
HELD: dict[str, Any] = {"status": FactStatus.NO_VALUE, "flags": frozenset({"held"})}
SUPPORTS = ("renal_replacement", "mechanical_ventilation", "vasopressor")


def judge(data: dict[str, Any], *facts: Fact, feeds: tuple[str, ...] = ()) -> Judgement:
    node = Reader("test").node(data, "criterion")
    seen = record(*facts, known_at=T + timedelta(days=9))
    situation = Situation(seen, rules(*feeds), study="this", items=ITEMS)
    return node.judge(situation)


def outcome(data: dict[str, Any], *facts: Fact, feeds: tuple[str, ...] = ()) -> Outcome:
    return judge(data, *facts, feeds=feeds).outcome


def born(years: int, days: int = 0) -> Fact:
    day = TimeRange.exact(T.replace(year=T.year - years) - timedelta(days=days))
    return fact(FactKind.DEMOGRAPHIC, "birth_date", day, None)


# ── Age and sex ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("birth", "expected"),
    [
        (born(18, -1), NOT_MET),
        (born(18), MET),
        (born(71, -1), MET),
        (born(71), NOT_MET),
        (born(17, 200), NOT_MET),
    ],
)
def test_age(birth: Fact, expected: Outcome) -> None:
    judged = judge({"age": {"min": "18 a", "max": "70 a"}}, birth)
    assert judged.outcome is expected
    assert judged.distance is not None


def test_age_of_a_birth_year_only() -> None:
    year = TimeRange(T.replace(year=1954, month=1, day=1), T.replace(year=1954, month=12, day=31))
    data = {"age": {"min": "18 a", "max": "69 a"}}
    partial = judge(data, fact(FactKind.DEMOGRAPHIC, "birth_date", year, None))
    assert (partial.outcome, partial.reasons) == (UNKNOWN, (Reason.COMPARATOR_STRADDLES,))
    certain = judge({"age": {"max": "70 a"}}, fact(FactKind.DEMOGRAPHIC, "birth_date", year, None))
    assert (certain.outcome, certain.flags) == (MET, frozenset())
    assert judge(data).reasons == (Reason.NO_DATA,)


def sexed(birth: str | None, gender: str | None) -> list[Fact]:
    facts = []
    if birth:
        facts.append(fact(FactKind.DEMOGRAPHIC, "birth_sex", birth, None))
    if gender:
        facts.append(fact(FactKind.DEMOGRAPHIC, "sex", gender, None))
    return facts


@pytest.mark.parametrize(
    ("facts", "expected", "reason"),
    [
        (sexed("female", None), MET, None),
        (sexed(None, "female"), MET, None),
        (sexed("female", "male"), MET, None),
        (sexed("male", "male"), NOT_MET, None),
        (sexed(None, "male"), UNKNOWN, Reason.CONFLICTING),
        (sexed("unknown", "male"), UNKNOWN, Reason.NO_DATA),
        ([], UNKNOWN, Reason.NO_DATA),
        ([*sexed("male", "male"), found("pregnancy")], UNKNOWN, Reason.CONFLICTING),
        ([*sexed("male", None), found("pregnancy", "absent")], NOT_MET, None),
        (
            [*sexed("male", None), found("pregnancy", status=FactStatus.PRELIMINARY)],
            UNKNOWN,
            Reason.CONFLICTING,
        ),
        (
            [*sexed("male", None), found("pregnancy", status=FactStatus.RETRACTED)],
            NOT_MET,
            None,
        ),
        (
            [*sexed("male", None), measured("hcg_quantitative", "5 [IU]/L")],
            UNKNOWN,
            Reason.CONFLICTING,
        ),
        ([*sexed("male", None), measured("hcg_quantitative", "4.9 [IU]/L")], NOT_MET, None),
        ([*sexed("male", None), measured("hcg_quantitative", "<5 [IU]/L")], NOT_MET, None),
    ],
)
def test_sex(facts: list[Fact], expected: Outcome, reason: Reason | None) -> None:
    data = {
        "is": "female",
        "contradicted_by": ["pregnancy"],
        "contradicted_by_labs": {"hcg_quantitative": "5 [IU]/L"},
    }
    judged = judge({"sex": data}, *facts)
    assert judged.outcome is expected
    assert judged.reasons == (() if reason is None else (reason,))


# ── Findings and procedures ──────────────────────────────────────────────────────────────────────

CURRENT = {"finding": {"name": "malignancy", "when": "current", "absent_within": "30 d"}}
EVER = {"finding": {"name": "hiv", "when": "ever", "absent_within": "90 d"}}
WINDOW = {"finding": {"name": "gi_bleeding", "within": "120 h"}}
TOUCHING = {"finding": {"name": "gi_bleeding", "within": "120 h", "touching": "counts"}}


@pytest.mark.parametrize(
    ("fact_", "expected", "reason"),
    [
        (found("malignancy", hours=900), MET, None),
        (found("malignancy", hours=None), MET, None),
        (found("malignancy", qualifiers=frozenset({"history"})), UNKNOWN, Reason.NEEDS_ATTESTATION),
        (found("malignancy", hours=900, end=ago(5)), UNKNOWN, Reason.NEEDS_ATTESTATION),
        (found("malignancy", hours=900, end=TimeRange.exact(T)), MET, None),
        (found("malignancy", qualifiers=frozenset({"provisional"})), UNKNOWN, Reason.PRELIMINARY),
        (found("malignancy", qualifiers=frozenset({"review"})), UNKNOWN, Reason.NEEDS_ATTESTATION),
        (
            found("malignancy", qualifiers=frozenset({"supporting"})),
            UNKNOWN,
            Reason.NEEDS_ATTESTATION,
        ),
        (found("malignancy", "absent", qualifiers=frozenset({"refuted"})), UNKNOWN, Reason.NO_DATA),
        (found("malignancy", "absent", 719), NOT_MET, None),
        (found("malignancy", "absent", 720), NOT_MET, None),
        (found("malignancy", "absent", 721), UNKNOWN, Reason.NO_DATA),
        (found("malignancy", "absent", None), UNKNOWN, Reason.NO_DATA),
        (
            found("malignancy", "absent", qualifiers=frozenset({"review"})),
            UNKNOWN,
            Reason.NO_DATA,
        ),
        (found("malignancy", status=FactStatus.PRELIMINARY), UNKNOWN, Reason.PRELIMINARY),
        (found("malignancy", status=FactStatus.CONFLICTING), UNKNOWN, Reason.CONFLICTING),
        (found("malignancy", status=FactStatus.RETRACTED), UNKNOWN, Reason.RETRACTED),
        (fact(FactKind.FINDING, "malignancy", None), UNKNOWN, Reason.NO_DATA),
        (found("hiv"), UNKNOWN, Reason.NO_DATA),
    ],
)
def test_current_finding(fact_: Fact, expected: Outcome, reason: Reason | None) -> None:
    judged = judge(CURRENT, fact_)
    assert judged.outcome is expected
    assert judged.reasons == (() if reason is None else (reason,))


AGED = {
    "finding": {
        "name": "pregnancy",
        "past": "ignored",
        "absent_within": "7 d",
        "present_within": "7 d",
        "active": "counts",
    }
}
TESTED = {"qualifiers": frozenset({"definite"})}
CLASS = {"finding": {"name": "nyha_iii", "present_within": "184 d"}}


@pytest.mark.parametrize(
    ("data", "fact_", "expected", "reason"),
    [
        (AGED, found("pregnancy", hours=167, **TESTED), MET, None),
        (AGED, found("pregnancy", hours=168, **TESTED), MET, None),
        (AGED, found("pregnancy", hours=168.01, **TESTED), UNKNOWN, Reason.STALE),
        (AGED, found("pregnancy", hours=24 * 900, **TESTED), UNKNOWN, Reason.STALE),
        # Drawn over a while, and over by now: the result is as old as its end.
        (AGED, found("pregnancy", hours=169, end=ago(168), **TESTED), MET, None),
        (AGED, found("pregnancy", hours=200, end=ago(169), **TESTED), UNKNOWN, Reason.STALE),
        (AGED, found("pregnancy", start=ago(170, until=160), **TESTED), UNKNOWN, Reason.STALE),
        (AGED, found("pregnancy", hours=None, **TESTED), UNKNOWN, Reason.OUTSIDE_WINDOW),
        (
            AGED,
            found("pregnancy", hours=None, recorded=ago(168).latest, **TESTED),
            UNKNOWN,
            Reason.OUTSIDE_WINDOW,
        ),
        (
            AGED,
            found("pregnancy", hours=None, recorded=ago(169).latest, **TESTED),
            UNKNOWN,
            Reason.STALE,
        ),
        (AGED, found("pregnancy", hours=24 * 100), MET, None),
        (AGED, found("pregnancy", hours=None), MET, None),
        (
            AGED,
            found("pregnancy", hours=5, qualifiers=frozenset({"definite", "history"})),
            UNKNOWN,
            Reason.OUTSIDE_WINDOW,
        ),
        (CLASS, found("nyha_iii", hours=24 * 184), MET, None),
        (CLASS, found("nyha_iii", hours=24 * 184 + 1), UNKNOWN, Reason.STALE),
        (CLASS, found("nyha_iii", hours=None), UNKNOWN, Reason.OUTSIDE_WINDOW),
        (
            CLASS,
            found("nyha_iii", hours=9, qualifiers=frozenset({"provisional"})),
            UNKNOWN,
            Reason.PRELIMINARY,
        ),
    ],
)
def test_a_positive_finding_grows_old(
    data: dict[str, Any], fact_: Fact, expected: Outcome, reason: Reason | None
) -> None:
    judged = judge(data, fact_)
    assert judged.outcome is expected
    assert judged.reasons == (() if reason is None else (reason,))


def test_an_old_positive_finding_is_asked_for_unless_a_newer_one_clears() -> None:
    old = found("pregnancy", hours=200, **TESTED)
    assert judge(AGED, old).proposal is MET
    assert outcome(AGED, old, found("pregnancy", "absent", 5)) is NOT_MET
    assert outcome(AGED, old, found("pregnancy", "absent", 169)) is UNKNOWN
    feed = judge(AGED, old, feeds=("pregnancy",))
    assert (feed.outcome, feed.reasons) == (UNKNOWN, (Reason.STALE,))
    # A rival of the same hours is not newer.
    day = {"start": ago(170, until=100), **TESTED}
    assert outcome(AGED, found("pregnancy", **day), found("pregnancy", "absent", 100)) is UNKNOWN


def test_a_positive_finding_says_until_when_it_holds() -> None:
    tested = found("pregnancy", hours=167, **TESTED)
    assert judge(AGED, tested).fresh_until == T + timedelta(hours=1)
    assert judge(AGED, tested, found("pregnancy", hours=900)).fresh_until is None
    assert judge(CLASS, found("nyha_iii", hours=24)).fresh_until == T + timedelta(days=183)


def test_a_finding_of_today_is_present_and_clears_only_once_the_day_is_over() -> None:
    today = {"start": ago(12, until=-12)}
    assert outcome(CURRENT, found("malignancy", **today)) is MET
    assert outcome(CURRENT, found("malignancy", "absent", **today)) is UNKNOWN
    assert outcome(CURRENT, found("malignancy", "absent", start=ago(24, until=0))) is NOT_MET
    assert outcome(AGED, found("pregnancy", **today, **TESTED)) is MET
    data = {"finding": {"name": "gi_bleeding", "within": "120 h", "absent_within": "24 h"}}
    period = {"hours": 130, "end": ago(12, until=-12)}
    assert outcome(data, found("gi_bleeding", "absent", **period)) is NOT_MET


def test_history_that_is_ignored_proves_no_absence() -> None:
    data = {"finding": {"name": "malignancy", "when": "current", "past": "ignored"}}
    past = found("malignancy", qualifiers=frozenset({"history"}))
    assert judge(data, past).reasons == (Reason.OUTSIDE_WINDOW,)
    counted = {"finding": {"name": "malignancy", "when": "current", "past": "counts"}}
    assert outcome(counted, past) is MET


def test_a_later_negative_finding_contradicts_a_current_one() -> None:
    facts = found("malignancy", hours=50), found("malignancy", "absent", 5)
    assert judge(CURRENT, *facts).reasons == (Reason.CONFLICTING,)
    assert outcome(CURRENT, found("malignancy", hours=5), found("malignancy", "absent", 50)) is MET
    assert outcome(EVER, found("hiv", hours=50), found("hiv", "absent", 5)) is MET


def test_ever_counts_history() -> None:
    assert outcome(EVER, found("hiv", hours=90000, qualifiers=frozenset({"history"}))) is MET


@pytest.mark.parametrize(
    ("fact_", "expected", "touching"),
    [
        (found("gi_bleeding", hours=119), MET, MET),
        (found("gi_bleeding", hours=120), MET, MET),
        (found("gi_bleeding", hours=120.01), UNKNOWN, UNKNOWN),
        (found("gi_bleeding", hours=200, end=ago(100)), MET, MET),
        (found("gi_bleeding", start=ago(130, until=106)), UNKNOWN, MET),
        (found("gi_bleeding", hours=None), UNKNOWN, UNKNOWN),
        (found("gi_bleeding", hours=None, recorded=ago(50).latest), UNKNOWN, UNKNOWN),
        (found("gi_bleeding", hours=None, recorded=ago(200).latest), UNKNOWN, UNKNOWN),
        (found("gi_bleeding", "absent", 3), UNKNOWN, UNKNOWN),
        # A day that is not over counts if it was on file by now.
        (found("gi_bleeding", start=ago(12, until=-12)), MET, MET),
        (found("gi_bleeding", start=ago(119, until=-12)), MET, MET),
        (found("gi_bleeding", start=ago(121, until=-12)), UNKNOWN, UNKNOWN),
        (found("gi_bleeding", hours=200, end=ago(12, until=-12)), MET, MET),
    ],
)
def test_event_in_a_window(fact_: Fact, expected: Outcome, touching: Outcome) -> None:
    assert outcome(WINDOW, fact_) is expected
    assert outcome(TOUCHING, fact_) is touching


@pytest.mark.parametrize(
    ("fact_", "expected"),
    [
        (found("gi_bleeding", "absent", 3), UNKNOWN),
        (found("gi_bleeding", "absent", 120, end=ago(24)), NOT_MET),
        (found("gi_bleeding", "absent", 120, end=ago(25)), UNKNOWN),
        (found("gi_bleeding", "absent", 119, end=ago(1)), UNKNOWN),
    ],
)
def test_a_negative_finding_clears_only_the_time_it_covers(fact_: Fact, expected: Outcome) -> None:
    data = {"finding": {"name": "gi_bleeding", "within": "120 h", "absent_within": "24 h"}}
    assert outcome(data, fact_) is expected


def test_an_undated_event_written_down_before_the_window_is_past() -> None:
    before = found("gi_bleeding", hours=None, recorded=ago(120.01).latest, **TESTED)
    assert judge(WINDOW, before).proposal is None
    inside = found("gi_bleeding", hours=None, recorded=ago(120).latest, **TESTED)
    assert judge(WINDOW, inside).proposal is MET


def test_an_event_of_a_day_learnt_of_later_may_be_later() -> None:
    learnt = found("gi_bleeding", start=ago(12, until=-12), known=ago(-6).latest)
    node = Reader("test").node(WINDOW, "criterion")
    known = record(learnt, known_at=ago(-12).latest)
    judged = node.judge(Situation(known, rules(), study="this", items=ITEMS))
    assert (judged.outcome, judged.proposal) == (UNKNOWN, MET)


def test_an_event_that_goes_on_is_not_over_before_the_window() -> None:
    lasting = judge(TOUCHING, found("gi_bleeding", hours=200))
    assert (lasting.outcome, lasting.proposal) == (UNKNOWN, MET)
    assert lasting.flags == {"still_active"}
    ended = judge(TOUCHING, found("gi_bleeding", hours=200, end=ago(150)))
    assert (ended.proposal, ended.flags) == (None, frozenset())
    asked = {**TOUCHING, "ask": {"item": "gi-bleeding-5-days", "met": ["yes"], "not_met": ["no"]}}
    cleared = judge(asked, found("gi_bleeding", hours=200), attested("gi-bleeding-5-days", "no"))
    assert (cleared.outcome, cleared.flags) == (NOT_MET, {"still_active"})


BEGAN = {"finding": {"name": "ascites_finding", "began_within": "672 h"}}


def coded(hours: float | None, *, lasted: float | None = None, **rest: Any) -> Fact:
    """Return what a Condition states: its start is its onset."""
    if lasted is not None and hours is not None:
        rest["end"] = ago(hours - lasted)
    stated = found("ascites_finding", hours=hours, **rest)
    return structs.replace(stated, source=structs.replace(stated.source, type="Condition"))


def seen(hours: float) -> Fact:
    return found("ascites_finding", hours=hours, qualifiers=frozenset({"definite"}))


@pytest.mark.parametrize(
    ("facts", "expected", "reason"),
    [
        ([coded(671)], MET, None),
        ([coded(672)], MET, None),
        ([coded(672.01)], UNKNOWN, Reason.NEEDS_ATTESTATION),
        # To be seen, or to end, is not to begin.
        ([seen(24)], UNKNOWN, Reason.NEEDS_ATTESTATION),
        ([coded(24000, lasted=23900)], UNKNOWN, Reason.NEEDS_ATTESTATION),
        ([coded(24000), seen(24)], UNKNOWN, Reason.NEEDS_ATTESTATION),
        ([coded(200), seen(24)], MET, None),
        # What began anew, though it never ended, may be the old one.
        ([coded(24000), coded(200)], UNKNOWN, Reason.NEEDS_ATTESTATION),
        ([coded(24000, lasted=23900), coded(50)], UNKNOWN, Reason.NEEDS_ATTESTATION),
        ([coded(24000, lasted=23000), coded(50)], MET, None),
        ([coded(None, recorded=ago(700).latest), coded(50)], UNKNOWN, Reason.OUTSIDE_WINDOW),
        ([coded(24000, lasted=9)], UNKNOWN, Reason.OUTSIDE_WINDOW),
        # Whether it began inside is not certain, whatever is known of its end.
        (
            [coded(None, start=ago(700, until=600), end=ago(100))],
            UNKNOWN,
            Reason.OUTSIDE_WINDOW,
        ),
    ],
)
def test_an_event_that_must_have_begun_in_the_window(
    facts: list[Fact], expected: Outcome, reason: Reason | None
) -> None:
    judged = judge(BEGAN, *facts)
    assert judged.outcome is expected
    assert judged.reasons == (() if reason is None else (reason,))


def absent(hours: float, **rest: Any) -> Fact:
    return found("ascites_finding", "absent", hours, qualifiers=frozenset({"definite"}), **rest)


@pytest.mark.parametrize(
    ("earlier", "expected"),
    [
        ([seen(671)], MET),
        ([seen(672)], MET),
        ([seen(672.01)], UNKNOWN),
        ([seen(960)], UNKNOWN),
        ([found("ascites_finding", hours=None, recorded=ago(700).latest)], UNKNOWN),
        # Found absent since, or over: what began then is new.
        ([seen(960), absent(700)], MET),
        ([seen(960), absent(241)], MET),
        ([seen(960), absent(240)], UNKNOWN),
        ([seen(960), absent(960)], UNKNOWN),
        ([seen(960), absent(970)], UNKNOWN),
        ([seen(960), absent(800), seen(700)], UNKNOWN),
        ([seen(960), absent(700, status=FactStatus.PRELIMINARY)], UNKNOWN),
        ([seen(960), coded(1000, lasted=100)], MET),
        ([seen(960), coded(1000, lasted=30)], UNKNOWN),
        ([seen(960), graded("ascites", "none", 700)], MET),
        # A Condition that is still called active is not over by what was not found once.
        ([coded(960), absent(700)], UNKNOWN),
        ([absent(960)], MET),
        ([graded("ascites", "none", 960)], MET),
        ([graded("ascites", "mild", 672)], MET),
        ([graded("ascites", "mild", 673)], UNKNOWN),
        ([graded("he_grade", 2, 960)], MET),
    ],
)
def test_what_was_seen_before_the_window_leaves_an_onset_open(
    earlier: list[Fact], expected: Outcome
) -> None:
    assert outcome(BEGAN, *earlier, coded(240)) is expected


@pytest.mark.parametrize(("grade", "expected"), [(0, MET), (1, UNKNOWN), (2, UNKNOWN)])
def test_a_grade_of_encephalopathy_before_the_window_leaves_an_onset_open(
    grade: int, expected: Outcome
) -> None:
    data = {"finding": {"name": "hepatic_encephalopathy", "began_within": "28 d"}}
    stated = found("hepatic_encephalopathy", hours=240)
    new = structs.replace(stated, source=structs.replace(stated.source, type="Condition"))
    assert outcome(data, graded("he_grade", grade, 700), new) is expected


@pytest.mark.parametrize(
    ("facts", "hours"),
    [
        ([coded(648, lasted=624)], 24),
        ([coded(648)], 24),
        # What lies in the window will lie before it, and then the newer is open again.
        ([coded(648), coded(120)], 24),
        ([coded(None, start=ago(660, until=648)), coded(120)], 24),
        ([coded(648, lasted=100), coded(120)], 24),
        ([seen(648), coded(120)], 24),
        ([graded("ascites", "mild", 648), coded(120)], 24),
        ([seen(648), absent(300), coded(120)], 552),
        ([coded(648, lasted=0), coded(120)], 552),
        ([coded(120), seen(24)], 552),
        ([coded(120, qualifiers=frozenset({"definite"}))], 552),
    ],
)
def test_an_onset_holds_until_it_or_what_was_there_before_leaves_the_window(
    facts: list[Fact], hours: float
) -> None:
    judged = judge(BEGAN, *facts)
    assert (judged.outcome, judged.fresh_until) == (MET, T + timedelta(hours=hours))
    kept, later = judged.fresh_until, timedelta(seconds=1)
    node = Reader("test").node(BEGAN, "criterion")
    for at, expected in ((kept, MET), (kept + later, UNKNOWN)):
        seen_then = record(*facts, as_of=at, known_at=T + timedelta(days=99))
        assert (
            node.judge(Situation(seen_then, rules(), study="this", items=ITEMS)).outcome is expected
        )


def test_a_mention_does_not_outdate_what_was_answered_of_the_onset() -> None:
    data = {**BEGAN, "ask": {"item": "decompensation-onset-date", "within": "28 d"}}
    told = attested("decompensation-onset-date", ago(300), 48)
    assert outcome(data, told, seen(24)) is MET


def test_an_event_that_touches_the_window_counts_by_the_day_only() -> None:
    assert outcome(TOUCHING, found("gi_bleeding", start=ago(130, until=106))) is MET
    assert outcome(TOUCHING, found("gi_bleeding", start=ago(150, until=106))) is UNKNOWN
    month = found("gi_bleeding", hours=2000, end=ago(700, until=1))
    assert outcome(TOUCHING, month) is UNKNOWN


def test_a_code_of_remission_is_no_event_of_its_date() -> None:
    data = {"finding": {"name": "illicit_drug_dependence", "within": "12 months"}}
    past = frozenset({"history"})
    drug = "illicit_drug_dependence"
    assert judge(data, found(drug, qualifiers=past)).reasons == (Reason.NEEDS_ATTESTATION,)
    ignored = {"finding": {**data["finding"], "past": "ignored"}}
    assert judge(ignored, found(drug, qualifiers=past)).proposal is None
    over = frozenset({"definite", "history"})
    assert outcome(data, found(drug, qualifiers=over)) is MET
    remission = found(drug, qualifiers=over, context=(("clinical_status", "remission"),))
    assert outcome(data, remission) is UNKNOWN


def test_an_event_leaves_its_window() -> None:
    assert judge(WINDOW, found("gi_bleeding", hours=119)).fresh_until == T + timedelta(hours=1)
    undated = {"finding": {"name": "gi_bleeding", "when": "window"}}
    assert outcome(undated, found("gi_bleeding")) is UNKNOWN


def test_a_complete_feed_clears() -> None:
    assert outcome(WINDOW, feeds=("gi_bleeding",)) is NOT_MET
    maybe = found("gi_bleeding", status=FactStatus.PRELIMINARY)
    assert outcome(WINDOW, maybe, feeds=("gi_bleeding",)) is UNKNOWN


def test_a_value_that_is_not_listed_needs_a_person() -> None:
    data = {"finding": {"name": "liver_disease_cause", "when": "ever", "values": ["viral"]}}
    assert outcome(data, found("liver_disease_cause", "viral")) is MET
    assert judge(data, found("liver_disease_cause", "other")).reasons == (Reason.NEEDS_ATTESTATION,)


def test_procedure() -> None:
    data = {"procedure": {"name": "liver_transplantation", "when": "ever"}}
    assert outcome(data, done("liver_transplantation", 9000)) is MET
    assert outcome(data, done("liver_transplantation", value="not_done")) is UNKNOWN


# ── Drugs and supports ───────────────────────────────────────────────────────────────────────────

DRUG = {
    "medication": {
        "names": ["corticosteroid"],
        "within": "30 d",
        "routes_ignored": ["topical"],
        "flag": "why",
    }
}


@pytest.mark.parametrize(
    ("fact_", "expected"),
    [
        (given("corticosteroid", None, 720), MET),
        (given("corticosteroid", None, 721), UNKNOWN),
        (given("corticosteroid", None, 900, lasted=300), MET),
        (given("corticosteroid", None, 900, qualifiers=frozenset({"reported", "active"})), MET),
        (given("corticosteroid", None, 900, qualifiers=frozenset({"reported"})), UNKNOWN),
        (given("corticosteroid", None, 5, qualifiers=frozenset({"reported"})), MET),
        (
            given("corticosteroid", None, 5, qualifiers=frozenset({"reported", "not_taken"})),
            UNKNOWN,
        ),
        (given("corticosteroid", None, 5, qualifiers=frozenset({"reported", "intended"})), UNKNOWN),
        (given("corticosteroid", None, 5, qualifiers=frozenset({"requested"})), UNKNOWN),
        (
            given("corticosteroid", None, 900, qualifiers=frozenset({"requested", "active"})),
            UNKNOWN,
        ),
        (
            given("corticosteroid", None, 5, qualifiers=frozenset({"administered", "topical"})),
            UNKNOWN,
        ),
        (
            given("corticosteroid", None, 5, qualifiers=frozenset({"reported", "topical", "oral"})),
            MET,
        ),
        (given("corticosteroid", None, 5, status=FactStatus.PRELIMINARY), UNKNOWN),
        (
            given(
                "corticosteroid", None, 900, qualifiers=frozenset({"administered", "in_progress"})
            ),
            MET,
        ),
    ],
)
def test_medication(fact_: Fact, expected: Outcome) -> None:
    judged = judge(DRUG, fact_)
    assert judged.outcome is expected
    assert judged.flags == (frozenset({"why"}) if expected is MET else frozenset())


@pytest.mark.parametrize(
    ("qualifiers", "lasted", "proposal"),
    [
        ({"requested", "active"}, None, MET),
        ({"requested", "active"}, 100, None),
        ({"requested", "stopped"}, None, None),
    ],
)
def test_an_order_that_goes_on_raises_a_question(
    qualifiers: set[str], lasted: float | None, proposal: Outcome | None
) -> None:
    order = given("corticosteroid", None, 900, lasted=lasted, qualifiers=frozenset(qualifiers))
    judged = judge(DRUG, order)
    assert (judged.outcome, judged.proposal) == (UNKNOWN, proposal)


def test_medication_without_record() -> None:
    assert judge(DRUG).reasons == (Reason.NO_DATA,)
    assert outcome(DRUG, feeds=("corticosteroid",)) is NOT_MET
    assert judge(DRUG, given("corticosteroid", None, 719)).fresh_until == T + timedelta(hours=1)


@pytest.mark.parametrize(
    ("data", "facts", "expected"),
    [
        ("renal_replacement", [done("renal_replacement", 5)], MET),
        ({"name": "renal_replacement", "within": "7 d"}, [done("renal_replacement", 168)], MET),
        ({"name": "renal_replacement", "within": "7 d"}, [done("renal_replacement", 169)], UNKNOWN),
        ("renal_replacement", [attested("renal-replacement", "no")], NOT_MET),
        ("mechanical_ventilation", [done("mechanical_ventilation")], MET),
        ("mechanical_ventilation", [attested("mechanical-ventilation", "no")], NOT_MET),
        ("vasopressor", [given("terlipressin", None)], MET),
        ("vasopressor", [given("norepinephrine", None, status=FactStatus.PRELIMINARY)], UNKNOWN),
        ("vasopressor", [], UNKNOWN),
    ],
)
def test_organ_support(data: object, facts: list[Fact], expected: Outcome) -> None:
    assert outcome({"organ_support": data}, *facts) is expected


@pytest.mark.parametrize(
    ("hours", "lasted", "qualifier", "expected"),
    [
        (167.9, None, "completed", UNKNOWN),
        (168, None, "completed", UNKNOWN),
        (168.1, None, "completed", NOT_MET),
        (900, 732, "completed", UNKNOWN),
        (900, 731, "completed", NOT_MET),
        (900, None, "in_progress", UNKNOWN),
        (None, None, "completed", UNKNOWN),
    ],
)
@pytest.mark.parametrize("support", ["renal_replacement", "mechanical_ventilation", "vasopressor"])
def test_what_nobody_could_read_keeps_a_complete_feed_from_clearing_a_support(
    support: str, hours: float | None, lasted: float | None, qualifier: str, expected: Outcome
) -> None:
    drugs = support == "vasopressor"
    unread = fact(
        FactKind.MEDICATION if drugs else FactKind.PROCEDURE,
        UNREAD,
        None,
        hours,
        end=None if lasted is None or hours is None else ago(hours - lasted),
        qualifiers=frozenset({qualifier}),
        **HELD,
    )
    judged = judge({"organ_support": support}, unread, feeds=(support,))
    assert judged.outcome is expected
    shown = UNREAD if expected is UNKNOWN else support
    assert [one.concept for one in judged.evidence] == [shown]
    retracted = structs.replace(unread, status=FactStatus.RETRACTED)
    assert outcome({"organ_support": support}, retracted, feeds=(support,)) is NOT_MET
    kind = FactKind.PROCEDURE if drugs else FactKind.MEDICATION
    other = structs.replace(unread, kind=kind)
    assert outcome({"organ_support": support}, other, feeds=(support,)) is NOT_MET


# ── Measured values ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("limit", "value", "expected"),
    [
        ({"min": "170 umol/L"}, "169.99 umol/L", NOT_MET),
        ({"min": "170 umol/L"}, "170 umol/L", MET),
        ({"min": "170 umol/L"}, "9.94 mg/dL", NOT_MET),
        ({"min": "170 umol/L"}, "9.95 mg/dL", MET),
        ({"gt": "170 umol/L"}, "170 umol/L", NOT_MET),
        ({"gt": "170 umol/L"}, "170.01 umol/L", MET),
        ({"max": "170 umol/L"}, "170 umol/L", MET),
        ({"max": "170 umol/L"}, "170.01 umol/L", NOT_MET),
        ({"lt": "170 umol/L"}, "170 umol/L", NOT_MET),
        ({"lt": "170 umol/L"}, "169.99 umol/L", MET),
        ({"gt": "170 umol/L"}, ">170 umol/L", MET),
        ({"gt": "170 umol/L"}, ">=170 umol/L", UNKNOWN),
        ({"min": "170 umol/L"}, ">=170 umol/L", MET),
        ({"min": "170 umol/L"}, "<170 umol/L", NOT_MET),
        ({"min": "170 umol/L"}, "<=170 umol/L", UNKNOWN),
        ({"min": "170 umol/L", "max": "200 umol/L"}, "201 umol/L", NOT_MET),
        ({"min": "170 umol/L", "max": "200 umol/L"}, ">180 umol/L", UNKNOWN),
    ],
)
def test_lab(limit: dict[str, str], value: str, expected: Outcome) -> None:
    judged = judge(
        {"lab": {"name": "bilirubin_total", **limit}}, measured("bilirubin_total", value)
    )
    assert judged.outcome is expected
    if expected is UNKNOWN:
        assert judged.reasons == (Reason.COMPARATOR_STRADDLES,)


def test_lab_shows_what_was_sent_and_how_it_was_converted() -> None:
    judged = judge(
        {"lab": {"name": "bilirubin_total", "min": "170 umol/L"}},
        measured("bilirubin_total", "9.95 mg/dL"),
    )
    (evidence,) = judged.evidence
    assert evidence.sent == "9.95 mg/dL"
    assert evidence.conversion == "9.95 mg/dL x 17.1 = 170.145 umol/L"
    assert judged.distance is not None
    assert (judged.distance.value, judged.distance.unit) == (Decimal("0.145"), "umol/L")
    back = judge(
        {"lab": {"name": "bilirubin_total", "min": "10 mg/dL"}},
        measured("bilirubin_total", "205.2 umol/L"),
    )
    assert back.evidence[0].conversion == "205.2 umol/L / 17.1 = 12 mg/dL"


def test_lab_reasons() -> None:
    data = {"lab": {"name": "alpha_fetoprotein", "gt": "400 ng/mL", "max_age": "90 d"}}
    assert judge(data).reasons == (Reason.NO_DATA,)
    assert outcome(data, measured("alpha_fetoprotein", "401 ng/mL", 2160)) is MET
    assert judge(data, measured("alpha_fetoprotein", "401 ng/mL", 2161)).reasons == (Reason.STALE,)


def held(concept: str, hours: float = 1, *flags: str) -> Fact:
    """A final result whose value waits on the work list."""
    named = {"status": FactStatus.NO_VALUE, "flags": frozenset({"held", *flags})}
    return fact(FactKind.MEASUREMENT, concept, None, hours, **named)


INR = {"lab": {"name": "inr", "min": "1.5 {INR}"}}
OLDER = measured("inr", "1.6 {INR}", 5)


@pytest.mark.parametrize(
    ("newer", "expected", "reason"),
    [
        (held("inr", 4, "unit_missing"), UNKNOWN, Reason.UNIT_MISSING),
        (held("inr", 4), UNKNOWN, Reason.NO_DATA),
        # Of one instant, the one that can be read stands.
        (held("inr", 5), MET, None),
        (held("inr", 6), MET, None),
        # Neither an order, nor a preliminary result, nor none at all stands for a newer value.
        (measured("inr", "1.2 {INR}", 4, status=FactStatus.PRELIMINARY), MET, None),
        (fact(FactKind.MEASUREMENT, "inr", None, 4, status=FactStatus.NO_VALUE), MET, None),
        (measured("inr", "1.2 {INR}", 4, status=FactStatus.CONFLICTING), UNKNOWN, "conflicting"),
    ],
)
def test_a_newer_result_that_cannot_be_read_leaves_a_criterion_open(
    newer: Fact, expected: Outcome, reason: Reason | None
) -> None:
    judged = judge(INR, OLDER, newer)
    assert judged.outcome is expected
    assert judged.reasons == (() if reason is None else (reason,))
    if expected is UNKNOWN:
        assert {each.fact for each in judged.evidence} >= {newer}
        assert {need.concept for needs in judged.needs.met for need in needs} == {"inr"}
    elif newer.start == ago(4):
        assert judged.flags == {"newer_result_not_usable"}


def test_a_held_result_alone_says_why() -> None:
    assert judge(INR, held("inr", 4, "unit_missing")).reasons == (Reason.UNIT_MISSING,)
    assert judge(INR, held("inr", 4)).reasons == (Reason.NO_DATA,)
    # An age limit of its own is read the same way.
    narrow = {"lab": {**INR["lab"], "max_age": "48 h"}}
    assert judge(narrow, OLDER, held("inr", 4, "unit_missing")).reasons == (Reason.UNIT_MISSING,)


def test_a_creatinine_around_dialysis_is_no_plain_one() -> None:
    data = {"lab": {"name": "creatinine", "min": "3.5 mg/dL", "max_age": "48 h"}}
    after = measured("creatinine", "2 mg/dL", 1, qualifiers=frozenset({"post_dialysis"}))
    assert outcome(data, after) is UNKNOWN
    assert outcome(data, after, measured("creatinine", "4 mg/dL", 9)) is MET


def test_a_score_waits_for_a_held_input() -> None:
    waiting = held("inr", 0.5, "unit_missing")
    judged = judge(MELD, *blood("1.4"), waiting, feeds=SUPPORTS)
    assert (judged.outcome, judged.reasons) == (UNKNOWN, (Reason.UNIT_MISSING,))
    assert waiting in [each.fact for each in judged.evidence]
    assert {need.concept for needs in judged.needs.met for need in needs} == {"inr"}
    alone = judge(MELD, *blood("1.4")[:2], waiting, feeds=SUPPORTS)
    assert alone.reasons == (Reason.UNIT_MISSING,)
    course = judge(COURSE, *organs(**LIVER), held("creatinine", 0.5), feeds=SUPPORTS)
    assert course.outcome is UNKNOWN


ASKED_LAB = {
    "lab": {"name": "creatinine", "min": "3.5 mg/dL"},
    "ask": {"item": "severe-renal-failure", "met": ["yes"], "not_met": ["no"]},
}
NONE_AT_9 = attested("severe-renal-failure", "no", 9, known=ago(9).latest)


@pytest.mark.parametrize(
    ("rivals", "expected"),
    [
        (("1 mg/dL", "3.4 mg/dL"), NOT_MET),
        (("1 mg/dL", "3.5 mg/dL"), UNKNOWN),
        (("1 mg/dL", "3.6 mg/dL"), UNKNOWN),
        (("1 mg/dL", "<4 mg/dL"), UNKNOWN),
    ],
)
def test_an_answer_from_before_a_dispute_is_asked_again(
    rivals: tuple[str, str], expected: Outcome
) -> None:
    facts = [measured("creatinine", text, 5) for text in rivals]
    judged = judge(ASKED_LAB, *facts, NONE_AT_9)
    assert judged.outcome is expected
    assert expected is NOT_MET or "ask again" in judged.note
    assert outcome(ASKED_LAB, *facts, attested("severe-renal-failure", "no", 2)) is NOT_MET


def test_an_answer_from_before_a_result_that_only_begins_to_be_known_is_asked_again() -> None:
    early = {"status": FactStatus.PRELIMINARY}
    assert outcome(ASKED_LAB, measured("creatinine", "4 mg/dL", 5, **early), NONE_AT_9) is UNKNOWN
    assert outcome(ASKED_LAB, measured("creatinine", "3 mg/dL", 5, **early), NONE_AT_9) is NOT_MET
    assert outcome(ASKED_LAB, held("creatinine", 5), NONE_AT_9) is UNKNOWN
    absent = fact(FactKind.MEASUREMENT, "creatinine", None, 5, status=FactStatus.NO_VALUE)
    assert outcome(ASKED_LAB, absent, NONE_AT_9) is NOT_MET
    assert outcome(ASKED_LAB, measured("creatinine", "4 mg/dL", 49), NONE_AT_9) is NOT_MET


def test_a_disputed_grade_proposes_what_it_may_be() -> None:
    grades = {"grade": {"name": "he_grade", "min": 3}}
    assert judge(grades, graded("he_grade", 2, 2), graded("he_grade", 3, 2)).proposal is MET
    assert judge(grades, graded("he_grade", 1, 2), graded("he_grade", 2, 2)).proposal is None
    codes = {"grade": {"name": "ascites", "in": ["severe"]}}
    rivals = [fact(FactKind.GRADE, "ascites", frozenset({each}), 2) for each in ("none", "mild")]
    assert judge(codes, *rivals).proposal is None
    worse = fact(FactKind.GRADE, "ascites", frozenset({"severe"}), 2)
    assert judge(codes, rivals[0], worse).proposal is MET


@pytest.mark.parametrize(
    "rival",
    [
        measured("creatinine", "4 mg/dL", 500),
        measured("creatinine", "4 mg/dL", 400, status=FactStatus.CONFLICTING),
    ],
)
def test_a_disputed_baseline_leaves_its_multiple_open(rival: Fact) -> None:
    data = {"lab_ratio": {"name": "creatinine", "gt": 3, "baseline": "90 d"}}
    facts = [measured("creatinine", "1 mg/dL", 500), stay(100), measured("creatinine", "3.2 mg/dL")]
    assert outcome(data, *facts) is MET
    judged = judge(data, *facts, rival)
    assert (judged.outcome, judged.reasons) == (UNKNOWN, (Reason.CONFLICTING,))
    assert judged.proposal is MET


def test_a_disputed_multiple_proposes_what_it_may_be() -> None:
    data = {"lab_ratio": {"name": "creatinine", "gt": 3, "baseline": "90 d"}}
    base = [measured("creatinine", "0.6 mg/dL", 500), stay(100)]

    def rivals(*texts: str) -> list[Fact]:
        return [measured("creatinine", text, 5) for text in texts]

    assert judge(data, *base, *rivals("1 mg/dL", "1.8 mg/dL")).proposal is None
    assert judge(data, *base, *rivals("1 mg/dL", "1.81 mg/dL")).proposal is MET
    assert judge(data, *base, *rivals("1 mg/dL", "<9 mg/dL")).proposal is MET
    assert judge(data, *rivals("1 mg/dL", "1.1 mg/dL")).proposal is MET


def test_multiples_of_an_unknown_limit_may_always_be_reached() -> None:
    data = {"lab": {"name": "bilirubin_total", "lt": "5 ULN"}}
    rivals = [measured("bilirubin_total", f"{number} mg/dL", 2) for number in (1, 2)]
    assert judge(data, *rivals).proposal is MET


RISE = {
    "lab_rise": {
        "name": "bilirubin_total",
        "per_day": {"min": "17.1 umol/L"},
        "apart": {"min": "12 h", "max": "72 h"},
    }
}


def pair(hours: float, first: str, last: str = "160 umol/L", **rest: Any) -> list[Fact]:
    return [
        measured("bilirubin_total", first, 1 + hours, **rest),
        measured("bilirubin_total", last, 1),
    ]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (pair(24, "142.9 umol/L"), MET),
        (pair(24, "143 umol/L"), NOT_MET),
        (pair(48, "125.8 umol/L"), MET),
        (pair(48, "125.9 umol/L"), NOT_MET),
        (pair(11.99, "100 umol/L"), UNKNOWN),
        (pair(12, "100 umol/L"), MET),
        (pair(72, "100 umol/L"), MET),
        (pair(72.01, "100 umol/L"), UNKNOWN),
        (pair(24, "<142.9 umol/L"), MET),
        (pair(24, "<143 umol/L"), UNKNOWN),
        (pair(24, "100 umol/L", status=FactStatus.PRELIMINARY), UNKNOWN),
        (pair(24, "100 umol/L", status=FactStatus.CONFLICTING), UNKNOWN),
        (
            [
                measured("bilirubin_total", "100 umol/L", start=ago(30, until=20)),
                *pair(80, "1 umol/L"),
            ],
            UNKNOWN,
        ),
        ([*pair(30, "100 umol/L"), measured("bilirubin_total", "159 umol/L", 3)], MET),
        ([measured("bilirubin_total", "160 umol/L", start=ago(9, until=2))], UNKNOWN),
        ([measured("bilirubin_total", "160 umol/L")], UNKNOWN),
        (
            [*pair(24, "100 umol/L"), measured("bilirubin_total", "150 umol/L", 25)],
            UNKNOWN,
        ),
        ([*pair(24, "100 umol/L"), measured("bilirubin_total", "150 umol/L", 26)], MET),
        ([], UNKNOWN),
    ],
)
def test_lab_rise(facts: list[Fact], expected: Outcome) -> None:
    assert outcome(RISE, *facts) is expected


def test_lab_rise_across_the_night_the_clocks_change() -> None:
    # 31 March 2024, 01:00 UTC: central Europe loses an hour; the pair is 24 h apart all the same.
    zoned = [
        measured("bilirubin_total", "142.9 umol/L", 25),
        measured("bilirubin_total", "160 umol/L"),
    ]
    judged = judge(RISE, *zoned)
    assert judged.details["daily_rise"] == Decimal("17.1")
    assert judged.distance is not None
    assert judged.distance.unit == "umol/L/d"


def stay(hours: float, *, lasted: float | None = None, kind: str = "inpatient") -> Fact:
    end = None if lasted is None else ago(hours - lasted)
    return fact(FactKind.ENCOUNTER, kind, "in_progress", hours, end=end)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (
            [
                measured("creatinine", "1 mg/dL", 500),
                stay(100),
                measured("creatinine", "3.01 mg/dL"),
            ],
            MET,
        ),
        (
            [measured("creatinine", "1 mg/dL", 500), stay(100), measured("creatinine", "3 mg/dL")],
            NOT_MET,
        ),
        (
            [measured("creatinine", "1 mg/dL", 2300), stay(100), measured("creatinine", "9 mg/dL")],
            NOT_MET,
        ),
        (
            [stay(100), measured("creatinine", "1 mg/dL", 90), measured("creatinine", "9 mg/dL")],
            MET,
        ),
        ([measured("creatinine", "1 mg/dL", 500), measured("creatinine", "9 mg/dL")], UNKNOWN),
        (
            [measured("creatinine", "<1 mg/dL", 500), stay(100), measured("creatinine", "9 mg/dL")],
            UNKNOWN,
        ),
        (
            [
                measured("creatinine", "1 mg/dL", 500, status=FactStatus.PRELIMINARY),
                stay(100),
                measured("creatinine", "9 mg/dL"),
            ],
            NOT_MET,
        ),
        ([stay(100)], UNKNOWN),
        *(
            (
                [
                    measured("creatinine", "1 mg/dL", 500),
                    *stays,
                    measured("creatinine", "3.01 mg/dL", 49),
                    measured("creatinine", "3.01 mg/dL"),
                ],
                MET,
            )
            for stays in (
                [stay(100)],
                [stay(100, lasted=52), stay(48)],
                [stay(100, lasted=51.9), stay(48)],
                [stay(50, lasted=2, kind="emergency"), stay(48)],
            )
        ),
        (
            # The stay before was over by then: 49 h ago the patient was at home.
            [
                measured("creatinine", "1 mg/dL", 500),
                stay(100, lasted=50),
                stay(48),
                measured("creatinine", "3.01 mg/dL", 49),
                measured("creatinine", "3.01 mg/dL"),
            ],
            NOT_MET,
        ),
    ],
)
def test_lab_ratio_to_the_baseline(facts: list[Fact], expected: Outcome) -> None:
    assert (
        outcome({"lab_ratio": {"name": "creatinine", "gt": 3, "baseline": "90 d"}}, *facts)
        is expected
    )


def upper(text: str) -> Interval:
    number, unit = parse_quantity(text)
    table = rules().analytes["bilirubin_total"].units
    return table.convert(Interval.exact(number), unit, table.canonical)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("102.4 umol/L", MET),
        ("102.5 umol/L", NOT_MET),
        ("<102.5 umol/L", MET),
        (">5 umol/L", UNKNOWN),
    ],
)
def test_multiples_of_the_upper_limit_of_the_same_result(value: str, expected: Outcome) -> None:
    data = {"lab": {"name": "bilirubin_total", "lt": "5 ULN"}}
    with_limit = measured("bilirubin_total", value, reference_high=upper("20.5 umol/L"))
    assert outcome(data, with_limit) is expected
    assert outcome(data, measured("bilirubin_total", value)) is UNKNOWN


def test_grades() -> None:
    severe = {"grade": {"name": "he_grade", "min": 3}}
    assert outcome(severe, graded("he_grade", 2)) is NOT_MET
    assert outcome(severe, graded("he_grade", 3)) is MET
    overt = fact(FactKind.GRADE, "he_grade", Interval(Decimal(2), Decimal(4)))
    assert outcome(severe, overt) is UNKNOWN
    assert outcome(severe) is UNKNOWN
    any_ = {"grade": {"name": "ascites", "in": ["mild", "moderate"]}}
    assert outcome(any_, graded("ascites", "mild")) is MET
    assert outcome(any_, graded("ascites", "none")) is NOT_MET
    assert outcome(any_, fact(FactKind.GRADE, "ascites", frozenset({"mild", "none"}))) is UNKNOWN
    class_ = {"grade": {"name": "nyha_class", "min": 3, "max_age": "30 d"}}
    assert outcome(class_, graded("nyha_class", 3, 720)) is MET
    assert outcome(class_, graded("nyha_class", 3, 721)) is UNKNOWN


@pytest.mark.parametrize(
    ("sign", "expected"),
    [
        (found("hepatic_encephalopathy", hours=5.1), MET),
        (found("hepatic_encephalopathy", hours=5), UNKNOWN),
        (found("hepatic_encephalopathy", hours=4), UNKNOWN),
        (found("hepatic_encephalopathy", hours=4, end=ago(2)), MET),
        (found("hepatic_encephalopathy", hours=4, qualifiers=frozenset({"history"})), MET),
        (found("hepatic_encephalopathy", hours=4, qualifiers=frozenset({"provisional"})), UNKNOWN),
        (found("hepatic_encephalopathy", hours=4, qualifiers=frozenset({"refuted"})), MET),
        (found("hepatic_encephalopathy", "absent", 4), MET),
        (found("hepatic_encephalopathy", hours=None, recorded=ago(6).latest), MET),
        (found("hepatic_encephalopathy", hours=None, recorded=ago(4).latest), UNKNOWN),
    ],
)
def test_a_finding_newer_than_a_grade_leaves_it_open(sign: Fact, expected: Outcome) -> None:
    doubted = ["hepatic_encephalopathy"]
    data = {"grade": {"name": "he_grade", "max": 0, "doubted_by": doubted}}
    judged = judge(data, graded("he_grade", 0, 5), sign)
    assert judged.outcome is expected
    assert judged.reasons == ((Reason.CONFLICTING,) if expected is UNKNOWN else ())


def test_a_newer_grade_that_is_held_leaves_the_older_one_open() -> None:
    data = {"grade": {"name": "he_grade", "max": 2}}
    held_ = graded("he_grade", None, 1, **HELD)  # type: ignore[arg-type] # it has no value
    judged = judge(data, graded("he_grade", 1, 3), held_)
    assert (judged.outcome, judged.reasons) == (UNKNOWN, (Reason.NO_DATA,))
    assert outcome(data, graded("he_grade", 1, 0.5), held_) is MET


def test_a_newer_finding_that_is_held_leaves_the_older_one_open() -> None:
    held_ = fact(FactKind.FINDING, "malignancy", None, 1, **HELD)
    negative = found("malignancy", "absent", 5, qualifiers=frozenset({"definite"}))
    judged = judge(CURRENT, negative, held_)
    assert (judged.outcome, judged.proposal) == (UNKNOWN, MET)
    later = found("malignancy", "absent", 0.5, qualifiers=frozenset({"definite"}))
    assert outcome(CURRENT, later, held_) is NOT_MET


def test_a_finding_without_a_grade_does_not_doubt_itself() -> None:
    doubted = ["hepatic_encephalopathy"]
    data = {"grade": {"name": "he_grade", "max": 0, "doubted_by": doubted}}
    assert outcome(data, found("hepatic_encephalopathy", hours=4)) is NOT_MET


# ── Scores ───────────────────────────────────────────────────────────────────────────────────────

MELD = {"score": {"name": "meld_optn", "min": 17, "max": 30, "max_span": "24 h"}}


def blood(
    inr: str, *, bilirubin: str = "6", creatinine: str = "1.1", hours: float = 1
) -> list[Fact]:
    return [
        measured("creatinine", f"{creatinine} mg/dL", hours),
        measured("bilirubin_total", f"{bilirubin} mg/dL"),
        measured("inr", f"{inr} {{INR}}"),
    ]


@pytest.mark.parametrize(
    ("facts", "expected", "sensitive"),
    [
        (blood("1.237"), NOT_MET, False),
        (blood("1.238"), MET, True),
        (blood("1.293"), MET, True),
        (blood("1.294"), MET, False),
        (blood("1.728", bilirubin="11", creatinine="2.4"), MET, False),
        (blood("1.729", bilirubin="11", creatinine="2.4"), MET, True),
        (blood("1.807", bilirubin="11", creatinine="2.4"), MET, True),
        (blood("1.808", bilirubin="11", creatinine="2.4"), NOT_MET, False),
    ],
)
def test_a_score_is_rounded_before_it_is_compared(
    facts: list[Fact], expected: Outcome, sensitive: bool
) -> None:
    judged = judge(MELD, *facts, feeds=SUPPORTS)
    assert judged.outcome is expected
    assert ("rounding_sensitive" in judged.flags) is sensitive


def test_the_raw_number_may_be_compared() -> None:
    data = {"score": {"name": "meld_optn", "min": 17, "max": 30, "compare": "raw"}}
    assert outcome(data, *blood("1.238"), feeds=SUPPORTS) is NOT_MET


def test_a_span_is_decisive_only_where_the_protocol_says_so() -> None:
    apart = blood("1.4", hours=26)
    judged = judge(MELD, *apart, feeds=SUPPORTS)
    assert (judged.outcome, judged.reasons) == (UNKNOWN, (Reason.OUTSIDE_WINDOW,))
    free = judge({"score": {"name": "meld_optn", "min": 17, "max": 30}}, *apart, feeds=SUPPORTS)
    assert free.outcome is MET
    assert "span_over_24_h" in free.flags


def test_bounds_decide_where_all_of_them_agree() -> None:
    # On dialysis or not, the score is above 30.
    high = blood("3.5", bilirubin="30", creatinine="2.4")
    assert outcome(MELD, *high) is NOT_MET
    assert "dialysis_not_recorded" in judge(MELD, *blood("1.6")).flags
    low = judge(MELD, *blood("1.6"), done("renal_replacement", 30))
    assert low.outcome is UNKNOWN
    assert {need.concept for needs in low.needs.met for need in needs} == {"renal-replacement"}


def test_a_score_that_cannot_be_computed() -> None:
    negative = measured("bilirubin_total", "-1 mg/dL")
    judged = judge(MELD, *blood("1.4")[::2], negative, feeds=SUPPORTS)
    assert (judged.outcome, judged.reasons) == (UNKNOWN, (Reason.NO_DATA,))
    # Whatever the creatinine is, this MELD lies from 17 to 30; it is measured all the same.
    missing = judge(MELD, *blood("1.4")[1:], feeds=SUPPORTS)
    assert missing.outcome is UNKNOWN
    assert {need.concept for needs in missing.needs.met for need in needs} == {"creatinine"}
    nothing = judge({"score": {"name": "meld_3_0", "min": 1}}, feeds=SUPPORTS)
    assert {"sex", "albumin"} <= {n.concept for needs in nothing.needs.met for n in needs}


GRADE = {"score": {"name": "easl_clif_aclf_grade", "in": ["1a", "1b", "2", "3a", "3b"]}}


def organs(hours: float = 1, **changes: Any) -> list[Fact]:
    said: dict[str, Any] = {
        "bilirubin_total": "6 mg/dL",
        "creatinine": "2.4 mg/dL",
        "inr": "1.4 {INR}",
        "mean_arterial_pressure": "80 mm[Hg]",
        "pao2": "90 mm[Hg]",
        "fio2": "21 %",
        "he_grade": 1,
        **changes,
    }
    return [
        graded(name, value, hours) if isinstance(value, int) else measured(name, value, hours)
        for name, value in said.items()
        if value is not None
    ]


def test_a_grade_that_is_not_exact() -> None:
    judged = judge(GRADE, *organs(pao2=None), feeds=SUPPORTS)
    assert judged.outcome is MET
    assert "grade_range" in judged.flags
    assert judged.evidence[0].used == "1a or 2"
    unsure = judge(
        GRADE,
        *organs(creatinine="1.6 mg/dL", bilirubin_total="13 mg/dL", he_grade=None, pao2=None),
        feeds=SUPPORTS,
    )
    assert unsure.outcome is MET
    open_ = judge(
        GRADE,
        *organs(creatinine="1.4 mg/dL", bilirubin_total="13 mg/dL", he_grade=None),
        feeds=SUPPORTS,
    )
    assert open_.outcome is UNKNOWN
    assert {n.concept for needs in open_.needs.met for n in needs} == {"he_grade"}
    assert outcome(GRADE, *organs(creatinine="1.4 mg/dL"), feeds=SUPPORTS) is NOT_MET


def test_a_verdict_that_rests_on_terlipressin_says_so() -> None:
    facts = [*organs(creatinine="1.6 mg/dL", he_grade=0), given("terlipressin", None)]
    judged = judge(GRADE, *facts, feeds=("renal_replacement", "mechanical_ventilation"))
    assert judged.outcome is MET
    assert "terlipressin_decides" in judged.flags


COURSE = {
    "score_course": {
        "name": "easl_clif_aclf_grade",
        "low": ["1a", "1b"],
        "none": ["none"],
        "apart": "24 h",
        "within": "28 d",
        "improvement": {"creatinine": Decimal("0.3"), "he_grade": Decimal(1)},
    }
}
LIVER = {"bilirubin_total": "13 mg/dL"}


@pytest.mark.parametrize(
    ("facts", "expected", "flag"),
    [
        (organs(**LIVER), NOT_MET, None),
        ([*organs(30), *organs(**LIVER)], NOT_MET, None),
        ([*organs(30), *organs(creatinine="1.4 mg/dL")], MET, None),
        ([*organs(30), *organs()], NOT_MET, None),
        ([*organs(30), *organs(creatinine="2.11 mg/dL")], NOT_MET, None),
        ([*organs(30), *organs(creatinine="2.1 mg/dL")], UNKNOWN, None),
        ([*organs(30, he_grade=2), *organs()], UNKNOWN, None),
        ([*organs(30), *organs(creatinine=">2.05 mg/dL")], UNKNOWN, None),
        ([*organs(30, **LIVER), *organs()], NOT_MET, "improving"),
        ([*organs(30, **LIVER), *organs(creatinine="1.4 mg/dL")], NOT_MET, "improving"),
        ([*organs(20), *organs()], UNKNOWN, None),
        ([*organs(30, creatinine="1 mg/dL"), *organs()], UNKNOWN, None),
        (organs(), UNKNOWN, None),
        ([*organs(30, pao2=None), *organs()], UNKNOWN, None),
        # A new episode begins after a day without a grade.
        (
            [
                *organs(200, **LIVER),
                *organs(100, creatinine="1.4 mg/dL"),
                *organs(30),
                *organs(creatinine="2.1 mg/dL"),
            ],
            UNKNOWN,
            None,
        ),
        ([*organs(200, **LIVER), *organs(100, creatinine="1.4 mg/dL"), *organs()], UNKNOWN, None),
        (
            [
                *organs(200),
                *organs(100, creatinine="1.4 mg/dL"),
                *organs(creatinine="1.4 mg/dL"),
            ],
            MET,
            None,
        ),
        (
            [
                *organs(30, creatinine="1.6 mg/dL", inr="2.6 {INR}"),
                *organs(creatinine="1.6 mg/dL", **LIVER),
            ],
            UNKNOWN,
            None,
        ),
    ],
)
def test_grade_1_that_responds(facts: list[Fact], expected: Outcome, flag: str | None) -> None:
    judged = judge(COURSE, *facts, feeds=SUPPORTS)
    assert judged.outcome is expected
    assert ("improving" in judged.flags) is (flag == "improving")


def test_a_course_of_nothing() -> None:
    negative = [*organs(bilirubin_total=None), measured("bilirubin_total", "-1 mg/dL")]
    assert outcome(COURSE, *negative, feeds=SUPPORTS) is UNKNOWN


# ── Consent, other studies, answers ──────────────────────────────────────────────────────────────


def consent(study: str, state: str, hours: float | None = 1, **rest: Any) -> Fact:
    return fact(FactKind.CONSENT, study, state, hours, **rest)


def pointing(target: Fact) -> Fact:
    name = f"{target.source.type}/{target.source.id}"
    return fact(FactKind.PARTICIPATION, "this", "screening", context=(("consent", name),))


LOOSE = consent("unspecified", "active")
UNVERIFIED = {"qualifiers": frozenset({"unverified"})}
DISPUTED = {"status": FactStatus.CONFLICTING}
OPEN_BOTH = (UNKNOWN, UNKNOWN)
IN_FORCE = (MET, NOT_MET)


@pytest.mark.parametrize(
    ("facts", "expected", "refused"),
    [
        ([], UNKNOWN, UNKNOWN),
        ([consent("this", "active")], MET, NOT_MET),
        ([consent("this", "active", None)], MET, NOT_MET),
        ([consent("other", "active")], UNKNOWN, UNKNOWN),
        ([LOOSE], UNKNOWN, UNKNOWN),
        ([LOOSE, pointing(LOOSE)], MET, NOT_MET),
        ([consent("this", "proposed")], UNKNOWN, UNKNOWN),
        ([consent("this", "rejected")], NOT_MET, MET),
        ([consent("this", "active", 50), consent("this", "inactive")], NOT_MET, MET),
        ([consent("this", "inactive", 50), consent("this", "active")], MET, NOT_MET),
        ([consent("this", "active"), consent("this", "withdrawn")], UNKNOWN, UNKNOWN),
        ([consent("this", "active"), consent("this", "rejected", None)], UNKNOWN, UNKNOWN),
        ([consent("this", "active", None), consent("this", "active")], MET, NOT_MET),
        (
            [consent("this", "active", start=ago(40, until=0)), consent("this", "inactive", 9)],
            UNKNOWN,
            UNKNOWN,
        ),
        (
            [consent("this", "active", start=ago(40, until=10)), consent("this", "inactive", 9)],
            NOT_MET,
            MET,
        ),
        ([consent("this", "active", 50, end=ago(5))], NOT_MET, MET),
        ([consent("this", "active", status=FactStatus.CONFLICTING)], UNKNOWN, UNKNOWN),
        ([consent("this", "active", status=FactStatus.RETRACTED)], UNKNOWN, UNKNOWN),
        ([consent("this", "active", qualifiers=frozenset({"unverified"}))], UNKNOWN, UNKNOWN),
        ([consent("this", "active"), fact(FactKind.CONSENT, "this", None, 0.5)], UNKNOWN, UNKNOWN),
        # What does not count itself may yet be the end of what does.
        ([consent("this", "active", 5), consent("this", "inactive", 2, **UNVERIFIED)], *OPEN_BOTH),
        ([consent("this", "active", 5), consent("this", "inactive", 5, **UNVERIFIED)], *OPEN_BOTH),
        (
            [consent("this", "active", 5), consent("this", "inactive", 6, **UNVERIFIED)],
            MET,
            NOT_MET,
        ),
        ([consent("this", "active", 5), consent("this", "active", 2, **UNVERIFIED)], MET, NOT_MET),
        ([consent("this", "active", 5), consent("this", "active", 2, **DISPUTED)], *OPEN_BOTH),
        ([consent("this", "active", 5), consent("this", "rejected", None, **DISPUTED)], *OPEN_BOTH),
        ([consent("this", "rejected", 5), consent("this", "active", 2, **DISPUTED)], NOT_MET, MET),
        # What is neither active nor ended does not take the place of an end.
        ([consent("this", "rejected", 5), consent("this", "proposed", 2)], NOT_MET, MET),
        ([consent("this", "inactive", 5), consent("this", "proposed", None)], NOT_MET, MET),
        ([consent("this", "active", 9, end=ago(5)), consent("this", "proposed", 2)], NOT_MET, MET),
        (
            [
                consent("this", "rejected", None),
                consent("this", "active", 5),
                consent("this", "proposed", 2),
            ],
            *OPEN_BOTH,
        ),
        ([consent("this", "active", 5), consent("this", "proposed", 2)], *OPEN_BOTH),
        # Of a day that is not over: signed by now only if it was on file by now.
        ([consent("this", "active", start=TODAY)], MET, NOT_MET),
        ([consent("this", "active", **LEARNT_LATER)], *OPEN_BOTH),
        ([consent("this", "active", 30), consent("this", "active", **LEARNT_LATER)], MET, NOT_MET),
        ([consent("this", "active", 30), consent("this", "inactive", **LEARNT_LATER)], *OPEN_BOTH),
        ([consent("this", "rejected", 30), consent("this", "active", **LEARNT_LATER)], *OPEN_BOTH),
        (
            [
                consent("this", "active", 2),
                consent("this", "active", 30, **DISPUTED),
                consent("this", "active", **LEARNT_LATER),
            ],
            MET,
            NOT_MET,
        ),
        (
            [consent("this", "active", 30, **DISPUTED), consent("this", "active", **LEARNT_LATER)],
            *OPEN_BOTH,
        ),
    ],
)
def test_consent(facts: list[Fact], expected: Outcome, refused: Outcome) -> None:
    assert outcome({"consent": "active"}, *facts) is expected
    assert outcome({"consent": "refused"}, *facts) is refused


RETRACTED = {"status": FactStatus.RETRACTED}
PROPOSED = consent("this", "proposed", 2)


@pytest.mark.parametrize(
    ("facts", "ended"),
    [
        ([], False),
        ([PROPOSED], False),
        ([consent("this", "active", 5), PROPOSED], False),
        ([consent("this", "inactive", 5), PROPOSED], True),
        ([consent("this", "rejected", 5), PROPOSED], True),
        ([consent("this", "active", 9, end=ago(5)), PROPOSED], True),
        ([consent("this", "active", 9, end=ago(0.01)), PROPOSED], True),
        ([consent("this", "active", 9, end=ago(0)), PROPOSED], False),
        ([consent("this", "active", 9, end=ago(-0.01)), PROPOSED], False),
        ([consent("this", "inactive", 5), consent("this", "active", 3), PROPOSED], False),
        (
            [consent("this", "active", 5), consent("this", "inactive", 3, **UNVERIFIED), PROPOSED],
            True,
        ),
        (
            [consent("this", "active", 5), consent("this", "inactive", 6, **UNVERIFIED), PROPOSED],
            False,
        ),
        # Entered in error: no consent is left, unless another one is active.
        ([consent("this", "active", 5, **RETRACTED)], True),
        ([consent("this", "active", 5, **RETRACTED), PROPOSED], True),
        ([consent("this", "active", 5, **RETRACTED), consent("this", "active", 9)], False),
        (
            [consent("this", "active", 5, **RETRACTED), consent("this", "active", 9, end=ago(7))],
            True,
        ),
        ([consent("other", "active", 5, **RETRACTED)], False),
        ([consent("unspecified", "active", 5, **RETRACTED)], False),
        (
            [
                loose := consent("unspecified", "active", 5, **RETRACTED),
                pointing(loose),
            ],
            True,
        ),
    ],
)
def test_the_end_of_consent(facts: list[Fact], ended: bool) -> None:
    seen = record(*facts, known_at=T + timedelta(days=9))
    situation = Situation(seen, rules(), study="this", items=ITEMS)
    assert consent_has_ended(situation) is ended


@pytest.mark.parametrize(
    ("end", "expected", "until"),
    [
        (None, MET, None),
        (ago(-1), MET, T + timedelta(hours=1)),
        (ago(0), MET, T),
        (ago(1), NOT_MET, None),
        # An end of a day: judged at its beginning, and again when it is over.
        (ago(-1, until=-25), MET, T + timedelta(hours=1)),
        (ago(1, until=-23), MET, T + timedelta(hours=23)),
    ],
)
def test_consent_is_judged_again_when_it_ends(
    end: TimeRange | None, expected: Outcome, until: datetime | None
) -> None:
    agreed = consent("this", "active", 50, end=end)
    judged = judge({"consent": "active"}, agreed)
    assert (judged.outcome, judged.fresh_until) == (expected, until)
    assert judge({"consent": "refused"}, agreed).fresh_until == until
    doubted = judge({"consent": "active"}, agreed, consent("this", "active", 2, **DISPUTED))
    assert doubted.fresh_until == until


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([consent("this", "active", 30), graded("he_grade", 2, 30)], NOT_MET),
        ([consent("this", "active", 30), graded("he_grade", 3, 30)], MET),
        ([consent("this", "active", 30), graded("he_grade", 3, 54)], MET),
        ([consent("this", "active", 30), graded("he_grade", 3, 54.1)], UNKNOWN),
        ([consent("this", "active", 30), graded("he_grade", 3, 6)], MET),
        ([consent("this", "active", 30), graded("he_grade", 3, 5.9)], UNKNOWN),
        (
            [
                consent("this", "active", 30),
                graded("he_grade", 3, 31),
                graded("he_grade", 0, 29),
            ],
            MET,
        ),
        (
            [
                consent("this", "active", 30),
                graded("he_grade", 1, 31, status=FactStatus.PRELIMINARY),
            ],
            UNKNOWN,
        ),
        ([consent("this", "active", None), graded("he_grade", 0, 30)], UNKNOWN),
        ([consent("this", "rejected", 30), graded("he_grade", 0, 30)], UNKNOWN),
        ([graded("he_grade", 0, 30)], UNKNOWN),
    ],
)
def test_a_grade_when_consent_was_signed(facts: list[Fact], expected: Outcome) -> None:
    data = {"grade_at_consent": {"name": "he_grade", "min": 3, "around": "24 h"}}
    assert outcome(data, *facts) is expected


@pytest.mark.parametrize(
    ("coma", "expected"),
    [
        (found("hepatic_coma", hours=200), UNKNOWN),
        (found("hepatic_coma", hours=200, end=ago(54)), UNKNOWN),
        (found("hepatic_coma", hours=200, end=ago(54.1)), NOT_MET),
        (found("hepatic_coma", hours=6), UNKNOWN),
        (found("hepatic_coma", hours=5.9), NOT_MET),
        (found("hepatic_coma", hours=54, qualifiers=frozenset({"definite"})), UNKNOWN),
        (found("hepatic_coma", hours=54.1, qualifiers=frozenset({"definite"})), NOT_MET),
        (found("hepatic_coma", hours=200, qualifiers=frozenset({"history"})), UNKNOWN),
        (found("hepatic_coma", hours=None), UNKNOWN),
        (found("hepatic_coma", "absent", 30), NOT_MET),
        (found("hepatic_coma", hours=30, qualifiers=frozenset({"refuted"})), NOT_MET),
        (found("hepatic_coma", hours=30, status=FactStatus.PRELIMINARY), UNKNOWN),
        (found("hepatic_coma", hours=30, status=FactStatus.RETRACTED), NOT_MET),
    ],
)
def test_a_coma_when_consent_was_signed(coma: Fact, expected: Outcome) -> None:
    data = {
        "grade_at_consent": {
            "name": "he_grade",
            "min": 3,
            "around": "24 h",
            "doubted_by": ["hepatic_coma"],
        }
    }
    signed = [consent("this", "active", 30), graded("he_grade", 1, 30)]
    assert outcome(data, *signed, coma) is expected
    assert outcome(data, *signed, graded("he_grade", 3, 29), coma) is MET


@pytest.mark.parametrize(
    ("answer", "hours", "expected"),
    [
        ("yes", 30, MET),
        ("yes", 30.1, UNKNOWN),
        ("no", 30, NOT_MET),
        ("no", 30.1, UNKNOWN),
    ],
)
def test_an_answer_about_the_signing_is_not_older_than_it(
    answer: str, hours: float, expected: Outcome
) -> None:
    data = {"attested": {"item": "capacity-to-consent", "met": ["yes"], "not_met": ["no"]}}
    given_ = attested("capacity-to-consent", answer, hours)
    assert outcome(data, consent("this", "active", 30), given_) is expected
    # Where the signing has no date, the answer may be older.
    undated = judge(data, consent("this", "active", None), given_)
    assert (undated.outcome, undated.reasons) == (UNKNOWN, (Reason.NO_DATA,))
    assert outcome(data, given_) is UNKNOWN
    told = {"answered": {"item": "capacity-to-consent", "met": ["no"]}}
    silent = NA if answer == "yes" else MET if hours == 30 else UNKNOWN
    assert outcome(told, consent("this", "active", 30), given_) is silent


OTHER = {"participation": {"within": "3 months", "active": ["on-study"], "ended": ["withdrawn"]}}


def part(
    study: str, state: str, start: TimeRange | None, end: TimeRange | None = None, **rest: Any
) -> Fact:
    return fact(FactKind.PARTICIPATION, study, state, None, start=start, end=end, **rest)


MONTHS = TimeRange.exact(T.replace(year=2023, month=12, day=15))
BEFORE = TimeRange.exact(T.replace(year=2023, month=12, day=15) - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([], UNKNOWN),
        ([part("this", "on-study", ago(500))], UNKNOWN),
        ([part("else", "on-study", ago(9000))], MET),
        ([part("else", "withdrawn", ago(9000), MONTHS)], MET),
        ([part("else", "withdrawn", ago(9000), BEFORE)], UNKNOWN),
        ([part("else", "withdrawn", None)], UNKNOWN),
        ([part("else", "withdrawn", ago(9000))], UNKNOWN),
        ([part("else", "withdrawn", ago(5))], MET),
        ([part("else", "screening", ago(5))], UNKNOWN),
        ([part("else", "on-study", ago(5), qualifiers=frozenset({"observational"}))], UNKNOWN),
        ([part("else", "on-study", ago(5), status=FactStatus.PRELIMINARY)], UNKNOWN),
        ([part("else", "on-study", ago(5), status=FactStatus.RETRACTED)], UNKNOWN),
    ],
)
def test_participation(facts: list[Fact], expected: Outcome) -> None:
    assert outcome(OTHER, *facts) is expected


def test_a_study_left_on_an_unknown_day_is_asked_for() -> None:
    assert judge(OTHER, part("else", "withdrawn", ago(9000))).proposal is MET


ANSWER = {"attested": {"item": "symptom-burden", "met": ["yes"], "not_met": ["no"]}}


@pytest.mark.parametrize(
    ("facts", "expected", "reason"),
    [
        ([], UNKNOWN, Reason.NEEDS_ATTESTATION),
        ([attested("symptom-burden", "yes")], MET, None),
        ([attested("symptom-burden", "no")], NOT_MET, None),
        ([attested("symptom-burden", "unknown")], UNKNOWN, Reason.NEEDS_ATTESTATION),
        ([attested("symptom-burden", "yes", 168)], MET, None),
        ([attested("symptom-burden", "yes", 169)], UNKNOWN, Reason.STALE),
        ([attested("symptom-burden", "yes", 9), attested("symptom-burden", "no")], NOT_MET, None),
        (
            [attested("symptom-burden", "yes"), attested("symptom-burden", "no")],
            UNKNOWN,
            Reason.CONFLICTING,
        ),
        (
            [attested("symptom-burden", "yes", status=FactStatus.PRELIMINARY)],
            UNKNOWN,
            Reason.NEEDS_ATTESTATION,
        ),
        ([attested("symptom-burden", "yes", context=(("study", "this"),))], MET, None),
        (
            [attested("symptom-burden", "yes", context=(("study", "else"),))],
            UNKNOWN,
            Reason.NEEDS_ATTESTATION,
        ),
        # A day that is not over counts if it was on file by then; otherwise it may be a rival.
        ([attested("symptom-burden", "yes", start=TODAY)], MET, None),
        ([attested("symptom-burden", "yes", **LEARNT_LATER)], UNKNOWN, Reason.NEEDS_ATTESTATION),
        (
            [
                attested("symptom-burden", "no", 2),
                attested("symptom-burden", "yes", **LEARNT_LATER),
            ],
            UNKNOWN,
            Reason.CONFLICTING,
        ),
        (
            [attested("symptom-burden", "no", 2), attested("symptom-burden", "yes", start=TODAY)],
            UNKNOWN,
            Reason.CONFLICTING,
        ),
        (
            [attested("symptom-burden", "no", 2), attested("symptom-burden", "no", **LEARNT_LATER)],
            NOT_MET,
            None,
        ),
        # What nobody could read yet may be the answer that counts.
        (
            [attested("symptom-burden", "no", 2), attested("symptom-burden", None, **HELD)],
            UNKNOWN,
            Reason.NO_DATA,
        ),
        (
            [attested("symptom-burden", "no", 2), attested("symptom-burden", None, 9, **HELD)],
            NOT_MET,
            None,
        ),
        ([attested("symptom-burden", None)], UNKNOWN, Reason.NEEDS_ATTESTATION),
        # An older answer does not stand for a newer one in dispute, or one of the same day.
        (
            [
                attested("symptom-burden", "no", 9),
                attested("symptom-burden", "yes", status=FactStatus.CONFLICTING),
            ],
            UNKNOWN,
            Reason.CONFLICTING,
        ),
        (
            [
                attested("symptom-burden", "no", 9, status=FactStatus.CONFLICTING),
                attested("symptom-burden", "yes"),
            ],
            MET,
            None,
        ),
        (
            [
                attested("symptom-burden", "no", start=ago(12, until=1)),
                attested("symptom-burden", "yes", 5),
            ],
            UNKNOWN,
            Reason.CONFLICTING,
        ),
        (
            [
                attested("symptom-burden", "yes", start=ago(12, until=6)),
                attested("symptom-burden", "no", 5),
            ],
            NOT_MET,
            None,
        ),
    ],
)
def test_an_answer(facts: list[Fact], expected: Outcome, reason: Reason | None) -> None:
    judged = judge(ANSWER, *facts)
    assert judged.outcome is expected
    assert judged.reasons == (() if reason is None else (reason,))


def test_a_newer_answer_that_does_not_count_flags_the_one_that_does() -> None:
    flag = {"newer_answer_not_usable"}
    older = attested("symptom-burden", "no", 5)
    draft = {"status": FactStatus.PRELIMINARY}
    judged = judge(ANSWER, older, attested("symptom-burden", "yes", 4.9, **draft))
    assert (judged.outcome, judged.flags) == (NOT_MET, flag)
    assert judge(ANSWER, older, attested("symptom-burden", "yes", 5, **draft)).flags == flag
    assert judge(ANSWER, older, attested("symptom-burden", "yes", 5.1, **draft)).flags == set()


@pytest.mark.parametrize(
    ("days", "expected"), [(27, MET), (28, MET), (28.01, NOT_MET), (-1, UNKNOWN)]
)
def test_a_date_as_answer(days: float, expected: Outcome) -> None:
    data = {"attested": {"item": "decompensation-onset-date", "within": "28 d"}}
    assert outcome(data, attested("decompensation-onset-date", ago(24 * days))) is expected
    month = attested("decompensation-onset-date", ago(24 * 40, until=24 * 9))
    assert outcome(data, month) is UNKNOWN


def test_a_number_as_answer() -> None:
    data = {"attested": {"item": "gold-grade", "min": 3}}
    assert outcome(data, attested("gold-grade", Interval.exact(Decimal(3)))) is MET
    assert outcome(data, attested("gold-grade", Interval.exact(Decimal(2)))) is NOT_MET


# ── Asking where the record cannot tell ──────────────────────────────────────────────────────────

ASKED = {
    **CURRENT,
    "ask": [
        {"item": "malignancy-history", "met": ["yes"], "not_met": ["no"]},
        {"item": "heart-failure", "not_met": ["no"]},
    ],
}


def test_an_answer_decides_what_the_record_cannot() -> None:
    assert outcome(ASKED) is UNKNOWN
    assert outcome(ASKED, attested("malignancy-history", "no")) is NOT_MET
    assert outcome(ASKED, attested("malignancy-history", "yes")) is MET
    assert outcome(ASKED, attested("heart-failure", "no")) is NOT_MET
    assert outcome(ASKED, attested("heart-failure", "yes")) is UNKNOWN


def test_an_answer_never_overrides_the_record() -> None:
    judged = judge(ASKED, found("malignancy", hours=50), attested("malignancy-history", "no"))
    assert judged.outcome is MET
    assert judged.flags == {"attestation_disagrees"}
    agreed = judge(ASKED, found("malignancy", hours=50), attested("malignancy-history", "yes"))
    assert agreed.flags == frozenset()


def test_only_what_raises_the_question_makes_an_answer_too_old() -> None:
    data = {
        "any_of": [
            {"suggests": {"finding": {"name": "malignancy_history", "when": "ever"}}},
            {"lab": {"name": "creatinine", "min": "3.5 mg/dL", "max_age": "48 h"}},
            {"lab_ratio": {"name": "creatinine", "gt": 3, "baseline": "90 d"}},
        ],
        "ask": {"item": "malignancy-history", "met": ["yes"], "not_met": ["no"]},
    }
    known = found("malignancy_history", hours=900, known=T - timedelta(hours=800))
    told = attested("malignancy-history", "no", 2, known=T - timedelta(hours=2))
    assert outcome(data, known, told, measured("creatinine", "1 mg/dL")) is NOT_MET
    nested = {"any_of": [{"suggests": {"any_of": data["any_of"]}}], "ask": data["ask"]}
    assert outcome(nested, known, told, measured("creatinine", "1 mg/dL")) is NOT_MET
    assert outcome(nested, known, told, measured("creatinine", "3.5 mg/dL")) is UNKNOWN
    newer = found("malignancy_history", hours=1)
    assert outcome(data, known, newer, told, measured("creatinine", "1 mg/dL")) is UNKNOWN


def test_an_answer_cannot_speak_of_what_came_after_it() -> None:
    doubt = found("malignancy", hours=5, qualifiers=frozenset({"review"}))
    judged = judge(ASKED, doubt, attested("malignancy-history", "no", 9))
    assert judged.outcome is UNKNOWN
    assert "ask again" in judged.note
    assert outcome(ASKED, doubt, attested("malignancy-history", "no", 5)) is UNKNOWN
    assert outcome(ASKED, doubt, attested("malignancy-history", "no", 4.99)) is NOT_MET
    # A day is no later than an hour of that day: which came first is not known.
    day = attested("malignancy-history", "no", start=ago(12, until=2))
    assert outcome(ASKED, doubt, day) is UNKNOWN
    undated = found(
        "malignancy", hours=None, qualifiers=frozenset({"review"}), recorded=ago(3).latest
    )
    assert outcome(ASKED, undated, attested("malignancy-history", "no", 2)) is NOT_MET
    assert outcome(ASKED, undated, attested("malignancy-history", "no", 4)) is UNKNOWN


def test_an_answer_cannot_speak_of_what_was_written_or_learnt_after_it() -> None:
    review = frozenset({"review"})
    old = {"hours": 50.0, "qualifiers": review}
    answer = attested("malignancy-history", "no", 9, known=ago(8).latest)
    assert outcome(ASKED, found("malignancy", **old, known=ago(8).latest), answer) is NOT_MET
    assert outcome(ASKED, found("malignancy", **old), answer) is UNKNOWN
    written = found("malignancy", **old, recorded=ago(5).latest, known=ago(8).latest)
    assert outcome(ASKED, written, answer) is UNKNOWN
    undated = {"hours": None, "qualifiers": review}
    assert outcome(ASKED, found("malignancy", **undated, known=ago(8).latest), answer) is UNKNOWN
    assert outcome(ASKED, found("malignancy", **undated, known=ago(10).latest), answer) is NOT_MET
    never = datetime.min.replace(tzinfo=UTC)
    assert outcome(ASKED, found("malignancy", **undated, known=never), answer) is UNKNOWN


def test_a_patient_answers_only_what_patients_are_asked() -> None:
    signed = {"qualifiers": frozenset({"attested", "by_patient"})}
    assert outcome(ANSWER, attested("symptom-burden", "yes", **signed)) is UNKNOWN
    older = attested("symptom-burden", "no", 9)
    judged = judge(ANSWER, older, attested("symptom-burden", "yes", **signed))
    assert (judged.outcome, judged.flags) == (NOT_MET, {"newer_answer_not_usable"})
    data = {"attested": {"item": "breastfeeding", "met": ["yes"], "not_met": ["no"]}}
    assert outcome(data, attested("breastfeeding", "no", **signed)) is NOT_MET


def test_an_answer_to_words_that_differ_between_trials_names_its_trial() -> None:
    data = {"attested": {"item": "copd", "met": ["yes"], "not_met": ["no"]}}
    assert outcome(data, attested("copd", "no")) is UNKNOWN
    assert outcome(data, attested("copd", "no", context=(("study", "this"),))) is NOT_MET


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([], NA),
        ([attested("symptom-burden", "no")], MET),
        ([attested("symptom-burden", "yes")], NA),
        ([attested("symptom-burden", "no", 169)], UNKNOWN),
        ([attested("symptom-burden", "yes", 169)], NA),
        ([attested("symptom-burden", "no"), attested("symptom-burden", "yes")], UNKNOWN),
        ([attested("symptom-burden", "no", 9), attested("symptom-burden", "yes")], NA),
        ([attested("symptom-burden", "no", **LEARNT_LATER)], UNKNOWN),
        (
            [attested("symptom-burden", "yes"), attested("symptom-burden", None, 0.5, **HELD)],
            UNKNOWN,
        ),
        ([attested("symptom-burden", None, **HELD)], UNKNOWN),
    ],
)
def test_an_answer_that_nobody_is_asked_for(facts: list[Fact], expected: Outcome) -> None:
    data = {"answered": {"item": "symptom-burden", "met": ["no"]}}
    assert outcome(data, *facts) is expected


def test_what_rules_something_out() -> None:
    data = {
        "finding": {"name": "pregnancy", "past": "ignored"},
        "cleared_by": {"finding": {"name": "menopause", "past": "counts"}},
    }
    assert outcome(data) is UNKNOWN
    assert outcome(data, found("menopause")) is NOT_MET
    assert outcome(data, found("menopause"), found("pregnancy")) is MET
    maybe = found("pregnancy", qualifiers=frozenset({"provisional"}))
    assert outcome(data, found("menopause"), maybe) is UNKNOWN
    # N95.- is also coded before the last period: it asks a person.
    assert outcome(data, found("menopause", qualifiers=frozenset({"review"}))) is UNKNOWN


# ── Combinations ─────────────────────────────────────────────────────────────────────────────────

YES: dict[str, Any] = {"consent": "active"}
NO: dict[str, Any] = {"consent": "refused"}
OPEN: dict[str, Any] = {"lab": {"name": "inr", "min": "1.5 {INR}"}}
NOWHERE: dict[str, Any] = {"suggests": OPEN}


@pytest.mark.parametrize(
    ("parts", "all_", "any_"),
    [
        ([YES, YES], MET, MET),
        ([YES, NO], NOT_MET, MET),
        ([NO, NO], NOT_MET, NOT_MET),
        ([YES, OPEN], UNKNOWN, MET),
        ([NO, OPEN], NOT_MET, UNKNOWN),
        ([OPEN, OPEN], UNKNOWN, UNKNOWN),
        ([YES, NOWHERE], MET, MET),
        ([NO, NOWHERE], NOT_MET, NOT_MET),
        ([NOWHERE], NA, NA),
    ],
)
def test_kleene(parts: list[dict[str, Any]], all_: Outcome, any_: Outcome) -> None:
    agreed = consent("this", "active")
    assert outcome({"all_of": parts}, agreed) is all_
    assert outcome({"any_of": parts}, agreed) is any_


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([YES, YES, NO], MET),
        ([YES, NO, NO], NOT_MET),
        ([YES, OPEN, NO], UNKNOWN),
        ([YES, YES, OPEN], MET),
        ([NO, NO, OPEN], NOT_MET),
    ],
)
def test_at_least(parts: list[dict[str, Any]], expected: Outcome) -> None:
    data = {"at_least": {"count": 2, "of": parts}}
    assert outcome(data, consent("this", "active")) is expected
    assert len(Reader("t").node(data, "x").children()) == 3


def test_not() -> None:
    agreed = consent("this", "active")
    assert outcome({"not": YES}, agreed) is NOT_MET
    assert outcome({"not": NO}, agreed) is MET
    assert outcome({"not": OPEN}) is UNKNOWN
    assert outcome({"not": NOWHERE}) is NA


def test_disagreement_of_two_measures_is_flagged_where_asked() -> None:
    parts = [OPEN, {"lab": {"name": "prothrombin_activity", "max": "40 %"}}]
    facts = measured("inr", "1.4 {INR}"), measured("prothrombin_activity", "38 %")
    assert judge({"any_of_flagged": parts}, *facts).flags == {"alternatives_disagree"}
    assert judge({"any_of": parts}, *facts).flags == frozenset()
    assert judge({"any_of_flagged": parts}, facts[1]).flags == frozenset()


def test_evidence_that_only_suggests() -> None:
    high = measured("inr", "1.6 {INR}")
    judged = judge({"any_of": [NO, {"suggests": OPEN}]}, consent("this", "active"), high)
    assert judged.outcome is UNKNOWN
    assert judged.proposal is MET
    assert judged.reasons == (Reason.NEEDS_ATTESTATION,)


# ── Reading ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "one kind"),
        ({"consent": "active", "age": {}}, "one kind"),
        ({"lab": {"name": "inr"}}, "limit is needed"),
        ({"lab": {"name": "inr", "min": "170umol/L"}}, "no quantity"),
        ({"lab": {"name": "inr", "min": "1 mg/dL", "max": "2 umol/L"}}, "one unit"),
        ({"lab": {"name": "inr", "min": "1 {INR}", "max_age": "soon"}}, "no period"),
        ({"age": {"min": "old"}}, "no age"),
        (
            {"finding": {"name": "hiv", "when": "ever", "present_within": "7 d"}},
            "belongs to `when: current`",
        ),
        (
            {"finding": {"name": "hiv", "within": "7 d", "began_within": "7 d"}},
            "a window of its own",
        ),
    ],
)
def test_a_criterion_that_cannot_be_read(data: dict[str, Any], message: str) -> None:
    with pytest.raises(AclfError, match=message):
        Reader("file").node(data, "inclusion[0]")


def test_periods() -> None:
    zone = rules().zone
    assert parse_period("12 weeks").delta == timedelta(days=84)
    assert parse_period("1 a").months == 12
    assert parse_period("3 months").before(T.replace(month=5, day=31), zone).day == 29
    assert parse_period("1 months").after(T.replace(month=12), zone) == T.replace(
        year=2025, month=1
    )
    assert parse_period("3 months").delta == timedelta(days=93)


def test_two_limits_of_one_inexact_value_report_no_number() -> None:
    parts = [OPEN, {"lab": {"name": "inr", "max": "1 {INR}"}}]
    judged = judge({"any_of": parts}, measured("inr", "<2 {INR}"))
    assert (judged.outcome, judged.details) == (UNKNOWN, {"concept": "inr"})


# ── What nobody could read ───────────────────────────────────────────────────────────────────────

BLEEDING = {
    "finding": {"name": "gi_bleeding", "within": "120 h"},
    "ask": {"item": "gi-bleeding-5-days", "met": ["yes"], "not_met": ["no"]},
}
DIALYSIS = {"organ_support": {"name": "renal_replacement", "within": "168 h"}}


def unread(kind: FactKind, hours: float | None, **rest: Any) -> Fact:
    return fact(kind, UNREAD, None, hours, **HELD, **rest)


@pytest.mark.parametrize(
    ("hours", "flags"), [(21, set()), (20, {"unread_since_answer"}), (2, {"unread_since_answer"})]
)
@pytest.mark.parametrize(
    ("data", "kind", "item"),
    [
        (BLEEDING, FactKind.FINDING, "gi-bleeding-5-days"),
        (DIALYSIS, FactKind.PROCEDURE, "renal-replacement"),
    ],
)
def test_what_came_unread_after_an_answer_of_no_is_flagged(
    data: dict[str, Any], kind: FactKind, item: str, hours: float, flags: set[str]
) -> None:
    answer = attested(item, "no", 20)
    for feeds in ((), ("gi_bleeding", "renal_replacement")):
        judged = judge(data, answer, unread(kind, hours), feeds=feeds)
        assert (judged.outcome, judged.flags) == (NOT_MET, flags)
    yes = judge(data, attested(item, "yes", 20), unread(kind, hours))
    assert (yes.outcome, yes.flags) == (MET, frozenset())


def test_what_is_unread_keeps_a_complete_feed_open() -> None:
    feeds = ("gi_bleeding", "renal_replacement")
    for data, kind in ((BLEEDING, FactKind.FINDING), (DIALYSIS, FactKind.PROCEDURE)):
        assert outcome(data, feeds=feeds) is NOT_MET
        assert outcome(data, unread(kind, None), feeds=feeds) is UNKNOWN


def test_an_answer_held_for_its_time_flags_the_one_that_stands() -> None:
    item = "gi-bleeding-5-days"
    answer = attested(item, "no", 2)
    later = attested(item, None, start=None, **HELD, known=T)
    before = attested(item, None, start=None, **HELD, known=T - timedelta(hours=3))
    assert judge(BLEEDING, answer, later).flags == {"newer_answer_not_usable"}
    assert judge(BLEEDING, answer, before).flags == frozenset()
