from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from aclf_fhir.catalog import load_catalog
from aclf_fhir.record import AFTER_DEATH, UNREAD, Fact, FactKind, FactStatus
from aclf_fhir.trial import Enrolment, OutcomeResult, assess
from aclf_fhir.units import Interval, TimeRange
from tests.unit.evaluation.facts import fact, measured, record, rules

X, L = (load_catalog().protocols[name] for name in ("nct03668171", "nct02857010"))
START = datetime(2024, 1, 10, 9, tzinfo=UTC)


def on(day: float) -> TimeRange:
    return TimeRange.exact(START + timedelta(days=day))


def whole(day: int, last: int | None = None) -> TimeRange:
    first = START.replace(hour=0) + timedelta(days=day)
    return TimeRange(first, START.replace(hour=0) + timedelta(days=(last or day) + 1, seconds=-1))


def lab(concept: str, text: str, day: float, **rest: Any) -> Fact:
    return measured(concept, text, start=on(day), known=START, **rest)


def contact(day: float, **rest: Any) -> Fact:
    return lab("sodium", "138 mmol/L", day, **rest)


def died(when: TimeRange | None, **rest: Any) -> Fact:
    value = frozenset({"deceased"}) if when is None else when
    return fact(FactKind.DEMOGRAPHIC, "death", value, start=when, known=START, **rest)


def stay_of(first: float, last: float) -> Fact:
    return fact(
        FactKind.ENCOUNTER, "inpatient", "finished", start=on(first), end=on(last), known=START
    )


def after_death(day: float) -> Fact:
    return fact(
        FactKind.ENCOUNTER,
        AFTER_DEATH,
        None,
        start=on(day),
        known=START,
        status=FactStatus.NO_VALUE,
        flags=frozenset({"held"}),
    )


def told(item: str, answer: str, day: float) -> Fact:
    return fact(FactKind.ATTESTATION, item, answer, start=on(day), known=START)


def outcomes(
    protocol: Any, day: float, *facts: Fact, feeds: tuple[str, ...] = (), **rest: Any
) -> dict[str, OutcomeResult]:
    at = START + timedelta(days=day)
    subject = record(*facts, as_of=at, known_at=at)
    enrolment = Enrolment(start=START, status="on-study", **rest)
    return {each.outcome: each for each in assess(protocol, subject, enrolment, rules(*feeds))}


@pytest.mark.parametrize(
    ("day", "facts", "value", "reasons"),
    [
        (50, [], "unknown", ("not-due",)),
        (100, [], "unknown", ("no-contact",)),
        (100, [contact(83)], "unknown", ("no-contact",)),
        (100, [contact(84)], "no", ()),
        (84, [contact(84)], "no", ()),
        (100, [contact(90, status=FactStatus.PRELIMINARY)], "unknown", ("no-contact",)),
        (50, [died(on(40))], "yes", ()),
        (100, [died(whole(84))], "yes", ()),
        (100, [died(whole(85))], "no", ()),
        (100, [died(whole(80, 90))], "unknown", ("death-date-unknown",)),
        (100, [died(None)], "unknown", ("death-date-unknown",)),
        (100, [died(None), contact(90)], "no", ()),
        (100, [died(on(40)), died(whole(85))], "unknown", ("conflicting",)),
        (100, [died(on(40)), contact(90)], "unknown", ("conflicting",)),
        (100, [died(on(40)), died(None)], "yes", ()),
        (100, [died(on(40), status=FactStatus.RETRACTED)], "unknown", ("no-contact",)),
        (
            100,
            [fact(FactKind.DEMOGRAPHIC, "death", "alive", None, known=START)],
            "unknown",
            ("no-contact",),
        ),
        (100, [fact(FactKind.FINDING, "death", "present", start=on(3), known=START)], "yes", ()),
        (
            100,
            [
                fact(
                    FactKind.ENCOUNTER,
                    "inpatient",
                    "finished",
                    start=on(70),
                    end=on(86),
                    known=START,
                )
            ],
            "no",
            (),
        ),
        # A stay whose end is yet to come shows the patient at its beginning.
        (90, [stay_of(85, 95)], "no", ()),
        (90, [stay_of(80, 95)], "unknown", ("no-contact",)),
        (90, [stay_of(80, 90)], "no", ()),
        # What is held because it came after the death speaks against the death.
        (100, [died(on(40)), after_death(90)], "unknown", ("conflicting",)),
        (100, [died(on(40)), after_death(40.5)], "yes", ()),
        (100, [after_death(90)], "unknown", ("no-contact",)),
        (
            100,
            [
                fact(
                    FactKind.MEDICATION,
                    "contraceptive",
                    None,
                    start=on(90),
                    known=START,
                    qualifiers=frozenset({"requested"}),
                )
            ],
            "unknown",
            ("no-contact",),
        ),
        (
            100,
            [fact(FactKind.PROCEDURE, "paracentesis", "not_done", start=on(90), known=START)],
            "unknown",
            ("no-contact",),
        ),
        (
            100,
            [fact(FactKind.GRADE, "he_grade", "x", None, known=START)],
            "unknown",
            ("no-contact",),
        ),
    ],
)
def test_death_by_week_12(
    day: float, facts: list[Fact], value: str, reasons: tuple[str, ...]
) -> None:
    result = outcomes(X, day, *facts)["O1"]
    assert (result.value, result.reasons) == (value, reasons)
    assert result.due == date(2024, 4, 3)
    if value != "unknown":
        assert result.evidence


def test_time_alone_makes_it_due() -> None:
    assert outcomes(X, 50)["O1"].fresh_until == datetime(2024, 4, 3, tzinfo=UTC)
    assert "no news is not alive" in outcomes(X, 100)["O1"].note


def test_transplantation_competes_and_the_first_dose_counts_too() -> None:
    new_liver = fact(FactKind.PROCEDURE, "liver_transplantation", "done", start=on(30), known=START)
    first_dose = START + timedelta(days=3)
    result = outcomes(X, 100, new_liver, died(whole(86)), first_dose=first_dose)
    assert result["O1"].value == "no"
    assert result["O1"].flags == ("transplanted",)
    assert result["O1"].competing[0].concept == "liver_transplantation"
    assert result["O1"].variants == {"from_first_dose": "yes"}
    assert (result["O2"].value, result["O2"].flags) == ("no", ("transplanted",))


@pytest.mark.parametrize(
    ("facts", "feeds", "alive", "transplant_free"),
    [
        ([contact(28)], (), "yes", "unknown"),
        ([contact(28)], ("liver_transplantation",), "yes", "yes"),
        (
            [contact(28), fact(FactKind.PROCEDURE, UNREAD, None, start=on(5), known=START)],
            ("liver_transplantation",),
            "yes",
            "yes",
        ),
        ([died(on(20))], (), "no", "no"),
        ([], (), "unknown", "unknown"),
        (
            [
                contact(28),
                fact(
                    FactKind.FINDING, "liver_transplant_status", "present", start=on(9), known=START
                ),
            ],
            (),
            "yes",
            "no",
        ),
    ],
)
def test_survival(
    facts: list[Fact], feeds: tuple[str, ...], alive: str, transplant_free: str
) -> None:
    result = outcomes(L, 40, *facts, feeds=feeds)["S28"]
    assert (result.value, result.variants["transplant_free"]) == (alive, transplant_free)


def test_three_months_in_days_and_on_the_calendar() -> None:
    # 90 days after 10 January 2024 is 9 April, three months are 10 April.
    result = outcomes(L, 100, died(whole(91)))["S90"]
    assert result.due == date(2024, 4, 9)
    assert (result.value, result.variants["calendar"]) == ("yes", "no")


def remission(day: float = 84, **changes: Any) -> list[Fact]:
    table = rules().analytes["bilirubin_total"].units
    uln = Interval.exact(table.convert_number(Decimal("20.5"), "umol/L", "mg/dL"))
    none = Interval.exact(Decimal(0))
    return [
        lab("bilirubin_total", changes.get("bilirubin", "80 umol/L"), day, reference_high=uln),
        lab("inr", changes.get("inr", "1.3 {INR}"), day),
        fact(FactKind.GRADE, "he_grade", none, start=on(day), known=START),
        told("symptom-improvement", changes.get("better", "yes"), day),
    ]


@pytest.mark.parametrize(
    ("day", "facts", "value"),
    [
        (100, remission(), "yes"),
        (100, remission(77), "yes"),
        (100, remission(91), "yes"),
        (100, remission(76.5), "unknown"),
        (100, remission(91.7), "unknown"),
        (100, remission(better="no"), "no"),
        (100, remission(bilirubin="102.4 umol/L"), "yes"),
        (100, remission(bilirubin="102.5 umol/L"), "no"),
        (100, remission(inr="1.6 {INR}"), "unknown"),
        (100, [*remission(inr="1.6 {INR}"), lab("prothrombin_activity", "40 %", 84)], "no"),
        (100, [*remission(inr="1.6 {INR}"), lab("prothrombin_activity", "41 %", 84)], "yes"),
        (100, [*remission(), died(on(83))], "unknown"),
        (100, [*remission(80), died(on(83))], "no"),
        (50, remission(), "unknown"),
        (100, remission()[1:], "unknown"),
    ],
)
def test_remission_at_week_12(day: float, facts: list[Fact], value: str) -> None:
    result = outcomes(X, day, *facts)["O2"]
    assert result.value == value


def test_the_value_nearest_to_the_day_counts() -> None:
    facts = [*remission(79, bilirubin="300 umol/L"), *remission(85), *remission(90, inr="2 {INR}")]
    assert outcomes(X, 100, *facts)["O2"].value == "yes"


def test_while_the_visit_is_open_it_may_change() -> None:
    early = outcomes(X, 50)["O2"]
    assert (early.reasons, early.fresh_until) == (("not-due",), datetime(2024, 4, 3, tzinfo=UTC))
    # In the visit window, yet before the time point.
    assert outcomes(X, 80, *remission(79))["O2"].reasons == ("not-due",)
    open_ = outcomes(X, 85, *remission())["O2"]
    assert (open_.value, open_.flags) == ("yes", ("visit_window_open",))
    assert open_.fresh_until == datetime(2024, 4, 11, tzinfo=UTC)


def transplanted(start: TimeRange | None, **rest: Any) -> Fact:
    rest.setdefault("known", START + timedelta(days=95))
    return fact(FactKind.PROCEDURE, "liver_transplantation", "done", None, start=start, **rest)


@pytest.mark.parametrize(
    ("doubt", "reason"),
    [
        (transplanted(whole(0)), "outside-window"),
        (transplanted(whole(70, 100)), "outside-window"),
        (transplanted(None), "outside-window"),
        (transplanted(None, recorded=START + timedelta(days=50)), "outside-window"),
        (transplanted(on(50), status=FactStatus.CONFLICTING), "conflicting"),
        (transplanted(on(50), status=FactStatus.PRELIMINARY), "outside-window"),
        (died(whole(80, 90)), "death-date-unknown"),
        (
            fact(
                FactKind.FINDING,
                "death",
                "present",
                start=on(60),
                known=START,
                qualifiers=frozenset({"provisional"}),
            ),
            "death-date-unknown",
        ),
    ],
)
def test_a_death_or_transplantation_in_doubt_leaves_remission_open(
    doubt: Fact, reason: str
) -> None:
    result = outcomes(X, 100, *remission(79), doubt)["O2"]
    assert (result.value, result.reasons) == ("unknown", (reason,))
    assert result.evidence


@pytest.mark.parametrize(
    "none",
    [
        transplanted(whole(-9)),
        transplanted(whole(90)),
        transplanted(None, recorded=START - timedelta(days=900)),
        transplanted(None, known=START - timedelta(days=1)),
        transplanted(on(50), status=FactStatus.RETRACTED),
        transplanted(on(50), qualifiers=frozenset({"refuted"})),
        fact(FactKind.PROCEDURE, "liver_transplantation", "not_done", start=on(50), known=START),
    ],
)
def test_what_is_no_transplantation_in_between_does_not(none: Fact) -> None:
    assert outcomes(X, 100, *remission(), none)["O2"].value == "yes"


def test_a_transplantation_that_may_be_later_leaves_its_absence_open() -> None:
    month = transplanted(whole(20, 40), known=START + timedelta(days=30))
    feeds = ("liver_transplantation",)
    result = outcomes(L, 100, contact(95), month, feeds=feeds)
    assert result["S28"].variants["transplant_free"] == "unknown"
    assert result["S90"].variants["transplant_free"] == "no"


@pytest.mark.parametrize(
    ("qualifiers", "facts", "value", "reasons"),
    [
        ({"refuted"}, [], "unknown", ("no-contact",)),
        ({"refuted"}, [contact(90)], "no", ()),
        ({"provisional"}, [], "unknown", ("death-date-unknown",)),
        ({"review"}, [], "unknown", ("death-date-unknown",)),
        ({"review"}, [contact(90)], "no", ()),
        ({"review"}, [died(whole(90))], "unknown", ("death-date-unknown",)),
        ({"definite"}, [], "yes", ()),
    ],
)
def test_only_a_proven_death_counts(
    qualifiers: set[str], facts: list[Fact], value: str, reasons: tuple[str, ...]
) -> None:
    stated = fact(
        FactKind.FINDING,
        "death",
        "present",
        start=on(30),
        known=START,
        qualifiers=frozenset(qualifiers),
    )
    result = outcomes(X, 100, *facts, stated)["O1"]
    assert (result.value, result.reasons) == (value, reasons)


@pytest.mark.parametrize(
    ("item", "value"),
    [
        ("malignancy-current", "unknown"),
        ("of-another-trial", "unknown"),
        ("renal-replacement", "no"),
        ("breastfeeding", "no"),
    ],
)
def test_only_an_answer_from_the_bedside_is_a_contact(item: str, value: str) -> None:
    assert outcomes(X, 100, told(item, "no", 90))["O1"].value == value


def test_without_an_upper_limit_nothing_is_assumed() -> None:
    bare = [lab("bilirubin_total", "80 umol/L", 84), *remission()[1:]]
    result = outcomes(X, 100, *bare)["O2"]
    assert result.value == "unknown"
    assert "upper limit" in result.note


def test_outcomes_know_no_arm() -> None:
    assert not any("arm" in name for name in OutcomeResult.__dataclass_fields__)
