"""A signed decision held against later knowledge, and the question a difference raises."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aclf_fhir.evaluation import Reason
from aclf_fhir.publication import Derived, Finding, findings, read_signed, review_task
from aclf_fhir.trial.judgement import Outcome
from aclf_fhir.trial.screen import Verdict
from tests.unit.publication.cases import SUBJECT, TRIAL, K, T, signable, signed

VERSIONS = {"mapping": "1", f"protocol/{TRIAL}": "2.0"}
DOCUMENT, _ = signed()
DECISION = read_signed(DOCUMENT.body)


def first(**changes: object) -> Verdict:
    one, *others = signable().criteria
    return replace(signable(), criteria=(replace(one, **changes), *others))


def ask(
    finding: Finding, current: bytes | None = None, versions: dict[str, str] = VERSIONS
) -> Derived | None:
    return review_task(
        finding,
        DECISION,
        site="north",
        subject=SUBJECT,
        focus="ResearchSubject/s",
        versions=versions,
        authored=K if current is None else K + timedelta(days=1),
        current=current,
    )


def of_first(**changes: object) -> Finding:
    return findings(DECISION, first(**changes))[0]


def inputs(task: dict[str, Any], name: str) -> list[Any]:
    return [
        next(value for key, value in one.items() if key.startswith("value"))
        for one in task["input"]
        if one["type"]["coding"][0]["code"] == name
    ]


def code(value: dict[str, Any]) -> str:
    found: str = value["coding"][0]["code"]
    return found


def test_a_document_is_read_back() -> None:
    assert DECISION.id == DOCUMENT.id
    assert DECISION.trial == TRIAL
    assert DECISION.as_of == T
    assert DECISION.outcomes == {
        "verdict": "eligible",
        "I1": "met",
        "E1": "not-met",
        "E2": "not-applicable",
    }
    assert len(DECISION.observations) == 4


def test_nothing_is_asked_while_nothing_differs() -> None:
    found = findings(DECISION, signable())
    assert [one.criterion for one in found] == ["I1", "E1", "E2"]
    assert [ask(one) for one in found] == [None, None, None]


@pytest.mark.parametrize("outcome", [Outcome.NOT_MET, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE])
def test_another_outcome_is_asked_about(outcome: Outcome) -> None:
    task = ask(of_first(outcome=outcome, reasons=(Reason.STALE,)))
    assert task is not None
    body = json.loads(task.body)
    assert body["status"] == "requested"
    assert body["intent"] == "order"
    assert body["focus"] == {"reference": "ResearchSubject/s"}
    assert body["for"] == {"reference": f"Patient/{SUBJECT}"}
    assert body["reasonReference"] == {"reference": DOCUMENT.reference}
    assert code(body["reasonCode"]) == "new-data"
    assert [code(one) for one in inputs(body, "criterion")] == ["I1"]
    assert [code(one) for one in inputs(body, "before")] == ["met"]
    assert [code(one) for one in inputs(body, "after")] == [outcome.value.replace("_", "-")]
    assert [code(one) for one in inputs(body, "reason")] == ["stale"]
    assert {"reference": "Condition/cirrhosis-4711/_history/1"} in inputs(body, "evidence")


def test_other_rules_are_named_as_a_reason() -> None:
    task = ask(of_first(outcome=Outcome.NOT_MET), versions={**VERSIONS, "mapping": "2"})
    assert task is not None
    assert code(json.loads(task.body)["reasonCode"]) == "rules-changed"


def moved(task: Derived | None, status: str) -> bytes:
    """Return the Task as a person left it."""
    assert task is not None
    body = json.loads(task.body)
    return json.dumps({**body, "status": status, "note": [{"text": "Looked at."}]}).encode()


def test_the_same_difference_is_asked_once() -> None:
    flipped = of_first(outcome=Outcome.NOT_MET)
    assert ask(flipped, moved(ask(flipped), "completed")) is None
    assert (
        ask(of_first(outcome=Outcome.NOT_MET, reasons=(Reason.STALE,)), moved(ask(flipped), "x"))
        is None
    )


def test_another_difference_asks_again() -> None:
    done = moved(ask(of_first(outcome=Outcome.UNKNOWN)), "completed")
    task = ask(of_first(outcome=Outcome.NOT_MET), done)
    assert task is not None
    body = json.loads(task.body)
    assert body["status"] == "requested"
    assert body["authoredOn"] == json.loads(done)["authoredOn"]
    assert body["note"] == [{"text": "Looked at."}]
    assert [code(one) for one in inputs(body, "after")] == ["not-met"]


@pytest.mark.parametrize("status", ["requested", "in-progress", "completed", "cancelled"])
def test_the_signed_outcome_come_back_is_noted_and_closes_nothing(status: str) -> None:
    current = moved(ask(of_first(outcome=Outcome.NOT_MET)), status)
    task = ask(of_first(), current)
    assert task is not None
    body = json.loads(task.body)
    assert body["status"] == status
    assert [code(one) for one in inputs(body, "after")] == ["met"]
    assert ask(of_first(), task.body) is None


def test_a_death_learnt_later_is_one_question() -> None:
    dead = first(outcome=Outcome.NOT_APPLICABLE, passes=None)
    (only,) = findings(DECISION, replace(dead, verdict="ineligible", reasons=("deceased",)))
    assert (only.criterion, only.before, only.after) == ("verdict", "eligible", "ineligible")
    task = ask(only)
    assert task is not None
    assert [code(one) for one in inputs(json.loads(task.body), "after")] == ["ineligible"]


def test_a_death_without_a_date_is_asked_about_beside_the_criteria() -> None:
    doubtful = replace(signable(), verdict="undetermined", reasons=("death-date-unknown",))
    found = findings(DECISION, doubtful)
    assert [one.criterion for one in found if one.before != one.after] == ["verdict"]
    assert len(found) == 4


def test_a_criterion_that_was_not_signed_is_left_out() -> None:
    one, *others = signable().criteria
    later = replace(signable(), criteria=(replace(one, criterion="I9"), *others))
    assert [each.criterion for each in findings(DECISION, later)] == ["E1", "E2"]
