from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from aclf_fhir.catalog import load_catalog
from aclf_fhir.evaluation import Reason, Snapshot
from aclf_fhir.record import Fact, FactKind, FactStatus, Record
from aclf_fhir.trial import CriterionResult, Need, Outcome, Verdict, screen
from aclf_fhir.trial.examples import EXAMPLE_TIME, record_of
from aclf_fhir.trial.screen import _smallest
from aclf_fhir.units import TimeRange
from tests.unit.evaluation.facts import T, ago, fact, found, graded, measured, record, rules

PROTOCOLS = load_catalog().protocols
X, L = PROTOCOLS["nct03668171"], PROTOCOLS["nct02857010"]


def example(name: str) -> Record:
    chosen = next(each for each in X.examples if each.id == name)
    return record_of(X, chosen, rules())


def with_facts(base: Record, *facts: Fact) -> Record:
    known = [each for group in base.facts.values() for each in group]
    return Record.of("example", [*known, *facts], as_of=base.as_of, known_at=base.known_at)


def result(verdict: Verdict, criterion: str) -> CriterionResult:
    return next(each for each in verdict.criteria if each.criterion == criterion)


def death(when: TimeRange | None) -> Fact:
    value = frozenset({"deceased"}) if when is None else when
    return fact(FactKind.DEMOGRAPHIC, "death", value, None, start=when)


def test_an_eligible_record_says_why() -> None:
    verdict = screen(X, example("clean"), rules())
    assert verdict.verdict == "eligible"
    assert [each.criterion for each in verdict.criteria] == [each.id for each in X.criteria]
    assert all(each.passes for each in verdict.criteria)
    assert verdict.missing_next == ()
    assert (verdict.as_of, verdict.known_at) == (EXAMPLE_TIME, EXAMPLE_TIME)
    meld = result(verdict, "I3")
    assert meld.distance is not None
    assert [each.concept for each in meld.deciding][:1] == ["meld_optn"]
    bilirubin = next(each for each in meld.deciding if each.concept == "bilirubin_total")
    assert bilirubin.conversion == "205.2 umol/L / 17.1 = 12 mg/dL"
    assert bilirubin.source is not None
    assert result(verdict, "X9").outcome is Outcome.NOT_APPLICABLE


def test_the_verdict_holds_until_its_first_evidence_grows_old() -> None:
    verdict = screen(X, example("clean"), rules())
    assert verdict.fresh_until == EXAMPLE_TIME + timedelta(hours=23)
    later = replace(example("clean"), as_of=EXAMPLE_TIME + timedelta(hours=23))
    assert screen(X, later, rules()).verdict == "eligible"
    stale = replace(example("clean"), as_of=EXAMPLE_TIME + timedelta(hours=23, seconds=1))
    assert screen(X, stale, rules()).verdict == "undetermined"


@pytest.mark.parametrize(
    ("when", "verdict", "reasons"),
    [
        (TimeRange.exact(T), "ineligible", ("deceased",)),
        (ago(30, until=6), "ineligible", ("deceased",)),
        (ago(12, until=-12), "undetermined", ("death-date-unknown",)),
        (None, "undetermined", ("death-date-unknown",)),
    ],
)
def test_the_dead(when: TimeRange | None, verdict: str, reasons: tuple[str, ...]) -> None:
    screened = screen(X, with_facts(example("clean"), death(when)), rules())
    assert (screened.verdict, screened.reasons) == (verdict, reasons)
    if verdict == "ineligible":
        assert {each.outcome for each in screened.criteria} == {Outcome.NOT_APPLICABLE}
        assert screened.criteria[0].deciding[0].concept == "death"
    else:
        assert screened.missing_next == (Need("demographic", "death", "registration"),)


@pytest.mark.parametrize(
    ("value", "qualifiers", "verdict", "reasons"),
    [
        ("present", {"definite"}, "ineligible", ("deceased",)),
        ("present", {"refuted"}, "eligible", ()),
        ("absent", {"refuted"}, "eligible", ()),
        ("present", {"provisional"}, "undetermined", ("death-date-unknown",)),
        ("present", {"review"}, "undetermined", ("death-date-unknown",)),
    ],
)
def test_only_a_proven_death_makes_the_dead(
    value: str, qualifiers: set[str], verdict: str, reasons: tuple[str, ...]
) -> None:
    stated = fact(FactKind.FINDING, "death", value, 5, qualifiers=frozenset(qualifiers))
    screened = screen(X, with_facts(example("clean"), stated), rules())
    assert (screened.verdict, screened.reasons) == (verdict, reasons)


def test_reported_alive_is_no_death() -> None:
    alive = fact(FactKind.DEMOGRAPHIC, "death", "alive", None)
    withdrawn = death(TimeRange.exact(T - timedelta(days=1)))
    retracted = msgspec.structs.replace(withdrawn, status=FactStatus.RETRACTED)
    facts = with_facts(example("clean"), alive, retracted)
    assert screen(X, facts, rules()).verdict == "eligible"


def test_an_ineligible_verdict_asks_for_nothing() -> None:
    verdict = screen(X, record(found("malignancy")), rules())
    assert verdict.verdict == "ineligible"
    assert verdict.missing_next == ()
    assert result(verdict, "I2c").missing == (Need("measurement", "bilirubin_total", "laboratory"),)


def test_nothing_on_file_is_undetermined_and_everything_is_missing() -> None:
    verdict = screen(X, record(), rules())
    assert verdict.verdict == "undetermined"
    missing = {need.concept for need in verdict.missing_next}
    assert {"birth_date", "bilirubin_total", "inr", "creatinine", X.id, "symptom-burden"} <= missing
    assert {need.supplier for need in verdict.missing_next} >= {
        "laboratory",
        "patient",
        "investigator",
    }


def test_two_protocols_share_what_they_see() -> None:
    facts = example("clean")
    snapshot = Snapshot(facts, rules())
    for protocol in (X, L):
        assert screen(protocol, facts, rules(), snapshot=snapshot) == screen(
            protocol, facts, rules()
        )


def test_what_a_criterion_does_not_concern() -> None:
    boy = with_facts(example("clean"), found("pregnancy"))
    judged = result(screen(X, boy, rules()), "X9")
    assert (judged.outcome, judged.reasons) == (Outcome.UNKNOWN, (Reason.CONFLICTING,))
    assert judged.proposal is Outcome.MET


def test_only_whom_it_concerns_takes_a_patient_out_of_a_criterion() -> None:
    loose = X.criterion("X4")
    only_hints = replace(loose, node=replace(loose.node, nodes=loose.node.nodes[1:], ask=()))
    protocol = replace(X, exclusion=(only_hints,))
    verdict = screen(protocol, example("clean"), rules())
    assert result(verdict, "X4").outcome is Outcome.UNKNOWN


def test_a_flag_reaches_the_verdict() -> None:
    near = [measured("bilirubin_total", "6 mg/dL", 0.5), measured("inr", "1.6 {INR}", 0.5)]
    sensitive = [measured("creatinine", "0.8 mg/dL", 0.5)]
    verdict = screen(X, with_facts(example("clean"), *near, *sensitive), rules())
    assert result(verdict, "I3").outcome in {Outcome.MET, Outcome.NOT_MET}
    assert set(result(verdict, "I3").flags) <= set(verdict.flags)


def test_encephalopathy_needs_capacity_for_consent() -> None:
    asleep = with_facts(example("clean"), graded("he_grade", 2, 0.5))
    judged = result(screen(X, asleep, rules()), "I5")
    assert judged.outcome is Outcome.UNKNOWN
    assert judged.missing == (Need("attestation", "capacity-to-consent", "investigator"),)


def test_a_death_that_is_still_to_come_is_none_yet() -> None:
    later = death(TimeRange.exact(T + timedelta(days=3)))
    dated = msgspec.structs.replace(later, start=None)
    assert screen(X, with_facts(example("clean"), dated), rules()).verdict == "eligible"


def test_what_nothing_can_supply_is_asked_of_nobody() -> None:
    a, b = Need("grade", "a", "ward"), Need("grade", "b", "ward")
    alternatives = [(), (frozenset({a}),), (frozenset({b}), frozenset({a}))]
    assert _smallest(alternatives, ()) == (a,)


def test_a_protocol_names_what_it_reads() -> None:
    kinds = {kind for kind, _ in L.references()}
    assert kinds >= {"analyte", "scale", "score", "item", "support", "finding", "medication"}
