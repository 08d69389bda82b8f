"""Two verdicts side by side: what differs, and on what evidence."""

from dataclasses import replace

import pytest

from aclf_fhir.record import SourceVersion
from aclf_fhir.trial.comparison import compare
from aclf_fhir.trial.judgement import Evidence, Outcome
from aclf_fhir.trial.screen import CriterionResult, Verdict
from tests.unit.publication.cases import BILIRUBIN, CIRRHOSIS, FEED, verdict


def with_first(**changes: object) -> Verdict:
    """Return the verdict with another result of its first criterion."""
    first, *others = verdict().criteria
    return verdict(criteria=(replace(first, **changes), *others))


def deciding(*evidence: Evidence) -> Verdict:
    return with_first(deciding=evidence)


def test_alike_is_alike() -> None:
    compared = compare(verdict(), verdict())
    assert compared.criteria == ()
    assert compared.unchanged == 3


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": Outcome.NOT_MET, "passes": False},
        {"outcome": Outcome.UNKNOWN, "passes": None},
        {"reasons": ("stale",)},
        {"flags": ()},
    ],
)
def test_a_criterion_that_says_something_else_is_listed(change: dict[str, object]) -> None:
    compared = compare(verdict(), with_first(**change))
    (only,) = compared.criteria
    assert only.before == verdict().criteria[0]
    assert only.after == with_first(**change).criteria[0]
    assert only.evidence == ()
    assert compared.unchanged == 2


def test_what_follows_from_the_evidence_alone_is_no_difference() -> None:
    assert compare(verdict(), with_first(fresh_until=None, distance=None)).criteria == ()


def test_evidence_comes_goes_and_changes() -> None:
    assert BILIRUBIN.source is not None
    newer = SourceVersion("Observation", "bilirubin-4711", 3, "Observation.valueQuantity")
    corrected = replace(BILIRUBIN, used="11", source=newer)
    (only,) = compare(deciding(BILIRUBIN, CIRRHOSIS), deciding(corrected, FEED)).criteria
    assert [(one.kind, one.before, one.after) for one in only.evidence] == [
        ("changed", BILIRUBIN, corrected),
        ("removed", CIRRHOSIS, None),
        ("added", None, FEED),
    ]


def test_the_same_fact_twice_is_compared_twice() -> None:
    again = replace(BILIRUBIN, note="an earlier pair")
    (only,) = compare(deciding(BILIRUBIN), deciding(BILIRUBIN, again)).criteria
    assert [(one.kind, one.after) for one in only.evidence] == [("added", again)]


def test_a_later_receipt_of_the_same_version_is_no_difference() -> None:
    assert compare(deciding(BILIRUBIN), deciding(replace(BILIRUBIN, received=None))).criteria == ()


def test_a_criterion_of_one_version_of_the_protocol_only() -> None:
    first, *others = verdict().criteria
    shorter = verdict(criteria=tuple(others))

    def sides(one: Verdict, other: Verdict) -> list[tuple[CriterionResult | None, ...]]:
        return [(each.before, each.after) for each in compare(one, other).criteria]

    assert sides(verdict(), shorter) == [(first, None)]
    assert sides(shorter, verdict()) == [(None, first)]
