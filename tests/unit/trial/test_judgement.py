from decimal import Decimal
from fractions import Fraction

import pytest

from aclf_fhir.evaluation import Choice
from aclf_fhir.record import FactKind
from aclf_fhir.trial.judgement import (
    Need,
    Needs,
    Outcome,
    _factor_text,
    evidence_of,
    evidence_of_choice,
    number_text,
    value_text,
)
from aclf_fhir.units import Interval
from tests.unit.evaluation.facts import ago, fact, measured, rules

A, B, C = (Need("measurement", name, "laboratory") for name in "abc")


def test_numbers_are_written_plainly() -> None:
    assert number_text(Decimal("1E+2")) == "100"
    assert number_text(Decimal("1.50")) == "1.5"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Interval.exact(Decimal("12.0")), "12"),
        (Interval(None, None), "any"),
        (Interval(None, Decimal(4), high_closed=False), "<4"),
        (Interval(None, Decimal(4)), "<=4"),
        (Interval(Decimal(4), None, low_closed=False), ">4"),
        (Interval(Decimal(4), None), ">=4"),
        (Interval(Decimal(1), Decimal(4)), "1 to 4"),
        (frozenset({"b", "a"}), "a or b"),
        (ago(0), "2024-03-15T12:00:00+00:00"),
        (ago(1, until=0), "2024-03-15T11:00:00+00:00 to 2024-03-15T12:00:00+00:00"),
        (None, ""),
    ],
)
def test_values_are_written_as_a_person_would(value: object, text: str) -> None:
    assert value_text(value) == text


def test_factors_are_short_or_exact() -> None:
    assert _factor_text(Fraction(10, 171)) == "/ 17.1"
    assert _factor_text(Fraction(171, 10)) == "x 17.1"
    assert _factor_text(Fraction(3, 7)) == "x 3/7"


def test_evidence_of_facts() -> None:
    plain = evidence_of(fact(FactKind.FINDING, "hiv", "present"), rules=rules())
    assert (plain.sent, plain.used, plain.conversion) == ("present", "present", "")
    derived = fact(
        FactKind.MEASUREMENT, "mean_arterial_pressure", Interval.exact(Decimal(70)), unit="mm[Hg]"
    )
    assert evidence_of(derived, rules=rules()).sent == "70 mm[Hg]"


def test_evidence_of_choices() -> None:
    passed = measured("inr", "1.5 {INR}")
    nothing = Choice(input="inr", concept="inr", passed_over=((passed, "stale"),))
    assert [each.note for each in evidence_of_choice(nothing, rules())] == ["stale"]
    declared = Choice(input="r", concept="r", value=frozenset({"no"}), why="feed complete")
    assert [each.used for each in evidence_of_choice(declared, rules())] == ["no"]


def test_needs() -> None:
    assert Needs.of() == Needs()
    either = Needs.of(A).or_else(Needs.of(B, C))
    assert either.met == (frozenset({A}), frozenset({B, C}))
    assert either.reversed.met == either.not_met
    assert Needs.together([Needs.of(A).met, Needs.of(B).met]) == (frozenset({A, B}),)
    assert Needs.together([Needs.of(A).met, ()]) == ()
    assert Needs.together([(), Needs.of(A).met]) == ()
    assert Needs.either([(), ()]) == ()
    assert Needs.either([Needs.of(A, B).met, Needs.of(A).met]) == (frozenset({A}),)
    assert Needs.settled(Outcome.NOT_MET) == Needs((), (frozenset(),))
