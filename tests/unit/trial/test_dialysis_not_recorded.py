"""Whether there was dialysis is not recorded: MELD is computed, nobody becomes eligible by it."""

from dataclasses import replace

import pytest

from aclf_fhir.catalog import load_catalog
from aclf_fhir.record import FactKind
from aclf_fhir.trial import Verdict, screen
from aclf_fhir.trial.examples import record_of
from tests.unit.evaluation.facts import rules

PROTOCOLS = load_catalog().protocols


def verdict(trial: str, *removed: str) -> Verdict:
    """Screen the clean example of a trial without some of its answers."""
    protocol = PROTOCOLS[trial]
    clean = next(example for example in protocol.examples if example.id == "clean")
    record = record_of(protocol, clean, rules())
    facts = {
        key: group
        for key, group in record.facts.items()
        if key[0] is not FactKind.ATTESTATION or key[1] not in removed
    }
    return screen(protocol, replace(record, facts=facts), rules())


def open_in(found: Verdict) -> set[str]:
    return {result.criterion for result in found.criteria if result.passes is None}


def test_severe_renal_failure_is_cleared_by_a_person_only() -> None:
    assert verdict("nct03668171").verdict == "eligible"
    silent = verdict("nct03668171", "renal-replacement", "severe-renal-failure")
    assert silent.verdict == "undetermined"
    assert open_in(silent) == {"X5"}
    assert "dialysis_not_recorded" in silent.flags
    no_failure = verdict("nct03668171", "renal-replacement")
    assert no_failure.verdict == "eligible"
    assert "dialysis_not_recorded" in no_failure.flags
    no_dialysis = verdict("nct03668171", "severe-renal-failure")
    assert (no_dialysis.verdict, open_in(no_dialysis)) == ("undetermined", {"X5"})


@pytest.mark.parametrize("trial", sorted(PROTOCOLS))
def test_nothing_said_of_the_kidneys_is_never_eligible(trial: str) -> None:
    silent = verdict(trial, "renal-replacement", "severe-renal-failure")
    assert silent.verdict == "undetermined"
    criteria = {result.criterion: result for result in silent.criteria}
    assert all(criteria[each].outcome == "unknown" for each in open_in(silent))


def test_renal_replacement_itself_excludes_until_it_is_ruled_out() -> None:
    silent = verdict("nct02857010", "renal-replacement")
    assert silent.verdict == "undetermined"


def test_the_clean_example_has_no_such_flag() -> None:
    assert "dialysis_not_recorded" not in verdict("nct03668171").flags
