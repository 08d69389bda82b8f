"""A comparison as a Parameters resource."""

import json
from dataclasses import replace
from typing import Any

from aclf_fhir.publication import comparison_parameters
from aclf_fhir.trial.comparison import compare
from aclf_fhir.trial.judgement import Outcome
from tests.unit.publication.cases import BILIRUBIN, FEED, TRIAL, verdict


def parts(of: dict[str, Any], name: str) -> list[Any]:
    """Return the values or, where it has parts, the parameter itself."""
    return [
        one if "part" in one else next(v for k, v in one.items() if k.startswith("value"))
        for one in of["part"]
        if one["name"] == name
    ]


def written() -> dict[str, Any]:
    first, *others = verdict().criteria
    changed = replace(
        first, outcome=Outcome.NOT_MET, passes=False, flags=(), deciding=(BILIRUBIN, FEED)
    )
    after = verdict(criteria=(changed, *others[1:]), verdict="ineligible", reasons=())
    body = json.loads(comparison_parameters([compare(verdict(), after)]))
    (only,) = body["parameter"]
    assert only["name"] == "comparison"
    found: dict[str, Any] = only
    return found


def test_it_says_which_verdicts_are_compared() -> None:
    comparison = written()
    assert parts(comparison, "trial") == [TRIAL]
    assert parts(comparison, "unchanged") == [1]
    (before,), (after,) = parts(comparison, "before"), parts(comparison, "after")
    assert parts(before, "verdict") == ["undetermined"]
    assert parts(before, "reason") == ["death-date-unknown"]
    assert parts(after, "verdict") == ["ineligible"]
    assert parts(after, "asOf") == parts(before, "asOf") != []


def test_it_has_both_sides_of_a_criterion_and_its_evidence() -> None:
    criterion, gone = parts(written(), "criterion")
    assert parts(criterion, "id") == ["I1"]
    assert [parts(side, "outcome") for side in parts(criterion, "before")] == [["met"]]
    assert [parts(side, "outcome") for side in parts(criterion, "after")] == [["not-met"]]
    assert [parts(side, "passes") for side in parts(criterion, "after")] == [[False]]
    assert [parts(side, "flag") for side in parts(criterion, "before")] == [["rounding_sensitive"]]
    removed, added = parts(criterion, "evidence")
    assert parts(removed, "change") == ["removed"]
    assert parts(parts(removed, "before")[0], "concept") == ["cirrhosis"]
    assert parts(added, "change") == ["added"]
    assert parts(parts(added, "after")[0], "note") == ["feed declared complete"]
    assert parts(gone, "id") == ["E1"]
    assert parts(gone, "after") == []


def test_evidence_is_shown_as_sent_and_as_used() -> None:
    first, *others = verdict().criteria
    before = verdict(criteria=(replace(first, deciding=()), *others))
    after = verdict(criteria=(replace(first, deciding=(BILIRUBIN,)), *others))
    (comparison,) = json.loads(comparison_parameters([compare(before, after)]))["parameter"]
    (criterion,) = parts(comparison, "criterion")
    (evidence,) = parts(criterion, "evidence")
    (fact,) = parts(evidence, "after")
    assert parts(fact, "value") == ["12 mg/dL"]
    assert parts(fact, "sent") == ["205.2 umol/L"]
    assert parts(fact, "conversion") == ["205.2 umol/L / 17.1 = 12 mg/dL"]
    assert parts(fact, "resource") == [{"reference": "Observation/bilirubin-4711/_history/2"}]
    assert parts(fact, "flag") == ["unit_mapped"]
    assert parts(fact, "drawn")
    assert parts(fact, "received")
