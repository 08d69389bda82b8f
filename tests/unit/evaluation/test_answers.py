from typing import Any

import pytest

from aclf_fhir.evaluation.answers import came_after
from tests.unit.evaluation.facts import ago, attested, found

ANSWER = attested("pregnancy", "no", 5, known=ago(4).latest)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"hours": 5.1, "known": ago(4).latest}, False),
        ({"hours": 5, "known": ago(4).latest}, True),
        ({"hours": 4.9, "known": ago(4).latest}, True),
        ({"hours": 9, "known": ago(3.9).latest}, True),
        ({"hours": 9, "known": ago(4).latest, "recorded": ago(5).latest}, True),
        ({"hours": 9, "known": ago(4).latest, "recorded": ago(5.1).latest}, False),
        ({"hours": None, "known": ago(5).latest}, False),
        ({"hours": None, "known": ago(4.9).latest}, True),
    ],
)
def test_whether_a_fact_came_after_an_answer(told: dict[str, Any], expected: bool) -> None:
    assert came_after(found("pregnancy", **told), ANSWER) is expected


def test_what_an_answer_states_itself_did_not_come_after_it() -> None:
    assert came_after(ANSWER, ANSWER) is False
