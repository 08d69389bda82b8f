"""What holds for every score: bounds contain points, and ignorance widens them."""

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aclf_fhir.scores import SCORES, Score, ScoreInput, ScoreResult, ScoreValue, compute
from aclf_fhir.scores.corners import within
from aclf_fhir.units import Interval

pytestmark = pytest.mark.slow

ALTERNATIVES = {"spo2", "pao2_fio2", "mean_arterial_pressure", "vasopressor"}
"""Inputs that one score takes only in place of another: left out where it has the other."""


def inputs_of(score: Score) -> list[ScoreInput]:
    """Return the inputs to fill: one way to an oxygenation ratio, one way to shock."""
    chosen = list(score.inputs)
    if score.id == "nacseld_aclf":
        return [each for each in chosen if each.name not in ALTERNATIVES]
    return [each for each in chosen if each.name not in ("spo2", "pao2_fio2")]


def numbers(declared: ScoreInput) -> st.SearchStrategy[Decimal]:
    low, high = declared.low, declared.high
    assert low is not None
    assert high is not None
    if declared.whole:
        return st.integers(int(low), int(high)).map(Decimal)
    anywhere = st.decimals(low, high, places=3)
    near = [
        cut + step
        for cut in declared.cuts
        for step in (Decimal("-0.01"), Decimal(0), Decimal("0.01"))
        if low <= cut + step <= high
    ]
    return st.one_of(anywhere, st.sampled_from(near)) if near else anywhere


@st.composite
def exact_values(draw: st.DrawFn, declared: ScoreInput) -> Interval | frozenset[str]:
    if declared.values:
        return frozenset({draw(st.sampled_from(declared.values))})
    return Interval.exact(draw(numbers(declared)))


@st.composite
def wider_values(draw: st.DrawFn, declared: ScoreInput, known: ScoreValue) -> ScoreValue:
    """Draw a value that says no more than the known one."""
    if declared.recorded_only or draw(st.booleans()):
        return known
    if declared.required and draw(st.booleans()):
        return None
    if isinstance(known, frozenset):
        return known | frozenset(draw(st.sets(st.sampled_from(declared.values))))
    assert known is not None
    number = known.value
    assert number is not None
    ends = sorted([draw(numbers(declared)), number, draw(numbers(declared))])
    low, high = ends[0], ends[2]
    return Interval(
        draw(st.sampled_from([low, None])),
        draw(st.sampled_from([high, None])),
        low_closed=low == number or draw(st.booleans()),
        high_closed=high == number or draw(st.booleans()),
    )


def contains(outer: ScoreResult, inner: ScoreResult) -> bool:
    """Say whether one result allows everything another one allows."""
    if outer.status == "ok":
        return inner.status == "ok" and (outer.value, outer.rounded, outer.category) == (
            inner.value,
            inner.rounded,
            inner.category,
        )
    if not set(inner.possible) <= set(outer.possible):
        return False
    if inner.value is not None and not isinstance(inner.value, Decimal):
        return isinstance(inner.value, bool) or inner.value in outer.possible
    return encloses(outer.bounds, inner.bounds, inner.value) and encloses(
        outer.rounded_bounds, inner.rounded_bounds, inner.rounded
    )


def encloses(outer: Interval | None, inner: Interval | None, number: object) -> bool:
    if outer is None:
        return True
    if isinstance(number, Decimal):
        return outer.contains(number)
    if inner is None:
        return False
    assert outer.low is not None
    assert outer.high is not None
    assert inner.low is not None
    assert inner.high is not None
    low = outer.low < inner.low or (
        outer.low == inner.low and (outer.low_closed or not inner.low_closed)
    )
    high = outer.high > inner.high or (
        outer.high == inner.high and (outer.high_closed or not inner.high_closed)
    )
    return low and high


@pytest.mark.parametrize("score_id", SCORES)
@given(data=st.data())
def test_interval_result_contains_the_result_of_each_point(
    score_id: str, data: st.DataObject
) -> None:
    score = SCORES[score_id]
    point = {each.name: data.draw(exact_values(each), each.name) for each in inputs_of(score)}
    exact = compute(score_id, point)
    assume(exact.status != "error")
    assert exact.status == "ok"
    wide = {
        each.name: data.draw(wider_values(each, point[each.name]), f"wider {each.name}")
        for each in inputs_of(score)
    }
    found = compute(score_id, wide)
    assert contains(found, exact), (exact, found)
    for name, points in found.components.items():
        assert points is None or points == exact.components[name]
    assert (found.category is None) or found.category == exact.category


@pytest.mark.parametrize("score_id", SCORES)
@given(data=st.data())
def test_missing_one_input_never_narrows(score_id: str, data: st.DataObject) -> None:
    score = SCORES[score_id]
    point = {each.name: data.draw(exact_values(each), each.name) for each in inputs_of(score)}
    assume(compute(score_id, point).status != "error")
    some = {each.name: data.draw(wider_values(each, point[each.name])) for each in inputs_of(score)}
    required = [each.name for each in inputs_of(score) if each.required]
    if not required:
        return
    lost = data.draw(st.sampled_from(required), "lost")
    before, after = compute(score_id, some), compute(score_id, {**some, lost: None})
    assert contains(after, before), (before, after)
    assert lost in after.missing


@pytest.mark.parametrize(
    "score_id", [each.id for each in SCORES.values() if each.spread is None or each.order]
)
@given(data=st.data())
def test_directions_are_what_they_say(score_id: str, data: st.DataObject) -> None:
    """A declared direction is what lets two corners stand for all of them."""
    score = SCORES[score_id]
    monotone = [each for each in inputs_of(score) if each.direction != 0 and not each.values]
    if not monotone:
        return
    declared = data.draw(st.sampled_from(monotone))
    point = {each.name: data.draw(exact_values(each), each.name) for each in inputs_of(score)}
    low, high = sorted([data.draw(numbers(declared)), data.draw(numbers(declared))])
    results = [
        compute(score_id, {**point, declared.name: Interval.exact(number)})
        for number in (low, high)
    ]
    assume(all(result.status == "ok" for result in results))
    ranks = [rank(score, result) for result in results]
    if declared.direction == -1:
        ranks.reverse()
    assert ranks[0] <= ranks[1]


def rank(score: Score, result: ScoreResult) -> Decimal:
    if isinstance(result.value, str):
        return Decimal(score.order.index(result.value))
    assert result.value is not None
    return Decimal(result.value)


@given(low=st.decimals(-5, 130, places=2), high=st.decimals(-5, 130, places=2))
def test_accepted_part_of_an_interval_lies_in_both(low: Decimal, high: Decimal) -> None:
    declared = SCORES["meld_optn"].input("bilirubin")
    part = within(declared, Interval(min(low, high), max(low, high)))
    if part is None:
        assert max(low, high) < Decimal("0.01") or min(low, high) > 100
        return
    assert part.low is not None
    assert part.high is not None
    assert max(min(low, high), Decimal("0.01")) == part.low
    assert min(max(low, high), Decimal(100)) == part.high
