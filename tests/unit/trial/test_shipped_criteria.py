"""Criteria of the shipped protocols, where a record could lead astray."""

from aclf_fhir.catalog import load_catalog
from aclf_fhir.record import Fact, FactStatus
from aclf_fhir.trial.judgement import Judgement, Outcome
from aclf_fhir.trial.situation import Situation
from tests.unit.evaluation.facts import ago, attested, done, found, measured, record, rules, stay

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


def test_a_disputed_creatinine_asks_again_about_the_kidneys() -> None:
    none = {"known": ago(9).latest}
    before = [
        attested("severe-renal-failure", "no", 9, **none),
        attested("renal-replacement", "no", 9, **none),
    ]

    def disputed(*texts: str) -> list[Fact]:
        return [measured("creatinine", text, 5) for text in texts]

    assert judge(X, "X5", *before).outcome is NOT_MET
    assert judge(X, "X5", *before, *disputed("1 mg/dL", "3.6 mg/dL")).outcome is UNKNOWN
    assert judge(X, "X5", *before, *disputed("1 mg/dL", "2 mg/dL")).outcome is UNKNOWN
    # The rival is three times the baseline, though below every limit of its own.
    base = [stay(100), measured("creatinine", "0.6 mg/dL", 500)]
    assert judge(X, "X5", *before, *base, *disputed("1 mg/dL", "1.9 mg/dL")).outcome is UNKNOWN
    assert judge(X, "X5", *before, *base, *disputed("1 mg/dL", "1.1 mg/dL")).outcome is NOT_MET


def test_a_doubtful_dialysis_asks_again_about_the_kidneys() -> None:
    no = [attested("severe-renal-failure", "no", 9), attested("renal-replacement", "no", 9)]
    disputed = done("renal_replacement", 5, status=FactStatus.CONFLICTING)
    unproven = frozenset({"definite", "provisional", "active"})
    dependence = found("dialysis_status", hours=5, qualifiers=unproven)
    for study, criterion in ((X, "X5"), (L, "X6")):
        assert judge(study, criterion, *no).outcome is NOT_MET
        assert judge(study, criterion, *no, disputed).outcome is UNKNOWN
        assert judge(study, criterion, *no, dependence).outcome is UNKNOWN
