"""The shipped protocols and all of their worked examples, published."""

import functools

import pytest

from aclf_fhir.catalog import load_catalog
from aclf_fhir.evaluation import EvaluationRules, evaluate
from aclf_fhir.publication import (
    TrialZone,
    blind_outcome,
    blind_verdict,
    measure,
    measure_report,
    outcome_observation,
    protocol_code_system,
    questionnaire,
    research_study,
    research_subject,
    score_observations,
    verdict_observations,
)
from aclf_fhir.trial.examples import EXAMPLE_TIME, record_of
from aclf_fhir.trial.outcomes import Enrolment, assess
from aclf_fhir.trial.screen import screen
from tests.conformance.publication.oracle import conforms
from tests.conftest import ROOT

TRIALS = sorted(path.stem for path in (ROOT / "trials").glob("*.yaml"))
ENROLMENT = Enrolment(start=EXAMPLE_TIME.replace(year=2023), status="on-study")


@functools.cache
def catalog():
    return load_catalog()


@pytest.mark.parametrize("trial", TRIALS)
def test_a_protocol_conforms(trial: str) -> None:
    protocol = catalog().protocols[trial]
    made = (
        research_study(protocol),
        protocol_code_system(protocol),
        questionnaire(protocol),
        *measure(protocol),
        measure_report(protocol, {}, start=None, end=EXAMPLE_TIME),
    )
    for derived in made:
        conforms(derived.body)


@pytest.mark.parametrize("trial", TRIALS)
def test_its_examples_conform_in_both_zones(trial: str) -> None:
    protocol = catalog().protocols[trial]
    rules = EvaluationRules(analytes=catalog().analytes, scales=catalog().scales)
    zone = TrialZone(trial, bytes(32))
    for example in protocol.examples:
        record = record_of(protocol, example, rules)
        verdict = screen(protocol, record, rules)
        panel, *criteria = verdict_observations(verdict, site="north", subject=record.subject)
        person = research_subject(
            verdict, site="north", subject=record.subject, panel=panel.reference
        )
        assert (person is None) is (example.verdict == "ineligible")
        outcomes = assess(protocol, record, ENROLMENT, rules)
        scores = [evaluate(record, score, rules) for score in protocol.scores]
        blind = blind_verdict(verdict)
        made = [
            panel,
            *criteria,
            *([person] if person else []),
            *(
                outcome_observation(one, trial=trial, site="north", subject=record.subject)
                for one in outcomes
            ),
            *(
                derived
                for one in scores
                for derived in score_observations(one, site="north", subject=record.subject)
            ),
        ]
        seen = [
            zone.research_subject("x", blind, status="on-study"),
            *zone.verdict_observations("x", blind, as_of=verdict.as_of),
            *(zone.outcome_observation("x", blind_outcome(one)) for one in outcomes),
            *(zone.score_observation("x", one.result, at=one.at) for one in scores),
        ]
        for derived in (*made, *seen):
            conforms(derived.body)
        identified = {source.id for derived in made for source in derived.sources}
        for derived in seen:
            assert not any(f'"{one}"'.encode() in derived.body for one in identified)
            assert not any(f"/{one}".encode() in derived.body for one in identified)
