"""Sums of tables against the corners of the whole formula: the same bounds, by another way."""

from decimal import Decimal
from random import Random

import pytest

from aclf_fhir.scores import SCORES, ScoreInput, ScoreValue
from aclf_fhir.scores.corners import spread
from aclf_fhir.scores.inputs import HE_GRADE, INR
from aclf_fhir.scores.tables import Table
from aclf_fhir.units import Interval

SUMS = (
    "aarc",
    "child_pugh",
    "child_pugh_cholestatic",
    "child_pugh_pt",
    "clif_c_of",
    "clif_sofa",
    "nacseld_aclf",
)


def anything(declared: ScoreInput, chance: Random) -> ScoreValue:
    """Return an exact, a bounded or no value: often on a cut-off, where tables can differ."""
    if chance.random() < 0.25:
        return None
    if declared.recorded_only:
        return frozenset({"yes"})
    if declared.values:
        return frozenset(chance.sample(declared.values, chance.randint(1, len(declared.values))))
    low, high = declared.limits
    if declared.whole:
        ends = sorted(chance.choices(range(int(low), int(high) + 1), k=2))
        return Interval(Decimal(ends[0]), Decimal(ends[1]))
    points = [low, high, *declared.cuts, *(cut + Decimal("0.01") for cut in declared.cuts)]
    one, other = sorted(chance.choices(points, k=2))
    if one == other or chance.random() < 0.5:
        return Interval.exact(one)
    return Interval(one, other, chance.random() < 0.5, chance.random() < 0.5)


@pytest.mark.parametrize("score_id", SUMS)
def test_a_sum_of_tables_is_what_the_corners_say(score_id: str) -> None:
    score, chance = SCORES[score_id], Random(3)  # noqa: S311 # repeatable, no secret
    assert score.spread is not None
    for _ in range(150):
        values = {each.name: anything(each, chance) for each in score.arguments}
        if values.get("pao2_fio2") is not None or "spo2_fio2" not in values:
            values.pop("spo2_fio2", None)
        elif values["spo2_fio2"] is None:
            values["spo2_fio2"] = Interval(Decimal(100), Decimal(400))
        assert score.spread(score, values) == spread(score, values), values


def test_a_table_sees_only_the_side_of_a_cut_off() -> None:
    looked_up: list[object] = []

    def look_up(inr: Decimal) -> str:
        looked_up.append(inr)
        return "below" if inr < 2 else "from"

    table = Table((INR.using("2"),), look_up)
    for text in ("1.2", "1.99"):
        assert table.possible({"inr": Interval.exact(Decimal(text))}) == {"below"}
    assert table.possible({"inr": Interval.exact(Decimal(2))}) == {"from"}
    assert table.possible({"inr": Interval.exact(Decimal("2.01"))}) == {"from"}
    assert looked_up == [Decimal("1.2"), Decimal(2), Decimal("2.01")]
    assert table.possible({}) == {"below", "from"}
    assert table.possible({"inr": Interval(None, Decimal(2), high_closed=False)}) == {"below"}


def test_a_table_sees_every_grade() -> None:
    table = Table((HE_GRADE,), lambda grade: grade)
    assert table.possible({"he_grade": Interval.exact(Decimal(2))}) == {2}
    assert table.possible({"he_grade": Interval(Decimal(3), None)}) == {3, 4}
