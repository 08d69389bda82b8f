"""Criteria of the shipped protocols, where a record could lead astray."""

from aclf_fhir.catalog import load_catalog
from aclf_fhir.record import Fact
from aclf_fhir.trial.judgement import Judgement, Outcome
from aclf_fhir.trial.situation import Situation
from tests.unit.evaluation.facts import attested, found, record, rules

PROTOCOLS = load_catalog().protocols
X, L = "nct03668171", "nct02857010"
MET, NOT_MET, UNKNOWN = Outcome.MET, Outcome.NOT_MET, Outcome.UNKNOWN


def judge(study: str, criterion: str, *facts: Fact, feeds: tuple[str, ...] = ()) -> Judgement:
    protocol = PROTOCOLS[study]
    situation = Situation(record(*facts), rules(*feeds), study=study, items=protocol.items)
    return protocol.criterion(criterion).node.judge(situation)


def test_an_infection_that_goes_on_is_flagged_where_an_answer_clears_it() -> None:
    controlled = attested("infection-controlled", "controlled")
    assert judge(X, "X4", controlled).flags == frozenset()
    judged = judge(X, "X4", found("infection", hours=50), controlled)
    assert (judged.outcome, judged.flags) == (NOT_MET, {"still_active"})
    past = found("infection", hours=50, qualifiers=frozenset({"definite", "history"}))
    assert judge(X, "X4", past, controlled).flags == frozenset()
