"""What every protocol promises: examples of each criterion in both directions, known names."""

import re
from pathlib import Path

import pytest

from aclf_fhir.catalog import load_catalog
from aclf_fhir.evaluation import EvaluationRules
from aclf_fhir.record import FactKind
from aclf_fhir.scores import SCORES
from aclf_fhir.trial import Protocol, Verdict, screen
from aclf_fhir.trial.examples import record_of
from aclf_fhir.trial.models import Example

ROOT = Path(__file__).resolve().parents[2]
CATALOG = load_catalog()
RULES = EvaluationRules(analytes=CATALOG.analytes, scales=CATALOG.scales)
PROTOCOLS = list(CATALOG.protocols.values())
EXAMPLES = [(protocol, example) for protocol in PROTOCOLS for example in protocol.examples]

# Answers that reach a criterion as a grade, a support or a weight, or that only document.
INDIRECT = {
    "ascites-grade",
    "consent-signed",
    "he-grade",
    "mechanical-ventilation",
    "renal-replacement",
    "vasopressor-indication",
    "vasopressor-support",
    "ventilation-reason",
    "weight-for-dosing",
}

pytestmark = pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.id)


def screened(protocol: Protocol, example: Example) -> Verdict:
    return screen(protocol, record_of(protocol, example, RULES), RULES)


def decisive(verdict: Verdict) -> set[str]:
    against = False if verdict.verdict == "ineligible" else None
    return {result.criterion for result in verdict.criteria if result.passes is against}


def test_every_example_ends_as_it_says(protocol: Protocol) -> None:
    for example in protocol.examples:
        verdict = screened(protocol, example)
        assert verdict.verdict == example.verdict, example.id
        assert decisive(verdict) == set(example.because), example.id


def test_there_is_an_example_of_every_verdict(protocol: Protocol) -> None:
    verdicts = {example.verdict for example in protocol.examples}
    assert verdicts == {"eligible", "ineligible", "undetermined"}


def test_every_criterion_is_decisive_in_both_directions(protocol: Protocol) -> None:
    """Against: it alone shuts a patient out. For: it alone is open, and eligible once it passes."""
    against = {
        id_ for each in protocol.examples if each.verdict == "ineligible" for id_ in each.because
    }
    open_ = {
        id_ for each in protocol.examples if each.verdict == "undetermined" for id_ in each.because
    }
    ids = {criterion.id for criterion in protocol.criteria}
    assert against == ids
    assert open_ == ids
    passing = {
        result.criterion
        for each in protocol.examples
        if each.verdict == "eligible"
        for result in screened(protocol, each).criteria
        if result.outcome != "not_applicable"
    }
    assert passing == ids


def test_an_open_verdict_says_what_is_missing(protocol: Protocol) -> None:
    for example in protocol.examples:
        verdict = screened(protocol, example)
        if verdict.verdict == "undetermined":
            assert verdict.missing_next, example.id
        else:
            assert not verdict.missing_next, example.id


def test_everything_named_is_in_the_catalog(protocol: Protocol) -> None:
    known: dict[str, set[str]] = {
        "analyte": set(CATALOG.analytes),
        "scale": set(CATALOG.scales),
        "score": set(SCORES),
        "item": set(protocol.items),
        "support": {"renal_replacement", "mechanical_ventilation", "vasopressor"},
    }
    for kind in (FactKind.FINDING, FactKind.PROCEDURE, FactKind.MEDICATION):
        known[kind] = {each.id for each in CATALOG.value_sets.values() if each.kind is kind}
    unknown = {
        reference for reference in protocol.references() if reference[1] not in known[reference[0]]
    }
    assert not unknown


def test_every_item_is_asked_for_a_reason(protocol: Protocol) -> None:
    used = {name for kind, name in protocol.references() if kind == "item"}
    assert set(protocol.items) - used <= INDIRECT
    for item in protocol.items.values():
        assert item.text.endswith("?")


def test_an_item_whose_words_differ_between_trials_is_answered_by_name(protocol: Protocol) -> None:
    for other in PROTOCOLS:
        for code in protocol.items.keys() & other.items.keys():
            if protocol.items[code].text != other.items[code].text:
                assert protocol.items[code].named, code


def test_every_criterion_and_question_is_complete(protocol: Protocol) -> None:
    for criterion in protocol.criteria:
        assert criterion.source
        assert criterion.text[0].isupper()
    for question in protocol.questions.values():
        assert question.closed_by
        assert question.effect.endswith(".")


def test_the_register_of_questions_is_listed_in_the_clarifications(protocol: Protocol) -> None:
    page = (ROOT / "docs" / "clarifications.md").read_text("utf-8")
    (row,) = [line for line in page.splitlines() if f"`trials/{protocol.id}.yaml` |" in line]
    listed = re.findall(r"`([a-z0-9-]+)`", row.split("|")[3])
    assert listed == list(protocol.questions)


def test_every_question_says_what_is_open_and_what_follows(protocol: Protocol) -> None:
    for question in protocol.questions.values():
        for text in (question.text, question.reading, question.effect):
            assert text.endswith("."), question.id
    asked = [id_ for each in (*protocol.criteria, *protocol.outcomes) for id_ in each.questions]
    assert set(asked) <= set(protocol.questions)


def test_the_code_knows_no_trial(protocol: Protocol) -> None:
    names = re.compile("|".join([protocol.id, *protocol.identifiers]), re.IGNORECASE)
    sources = (ROOT / "src" / "aclf_fhir").rglob("*.py")
    for package in ("evaluation", "trial"):
        found = [
            path for path in sources if package in path.parts and names.search(path.read_text())
        ]
        assert not found
