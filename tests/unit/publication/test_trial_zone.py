"""What the trial zone shows, and above all what it does not."""

import ast
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from aclf_fhir.publication import TrialZone, blind_outcome, blind_verdict, trial_zone
from aclf_fhir.publication.derived import Derived
from tests.unit.publication.cases import (
    SUBJECT,
    TRIAL,
    T,
    evaluated,
    inputs,
    meld,
    outcome,
    verdict,
)

KEY = bytes(range(32))
ZONE = TrialZone(TRIAL, KEY)
PSEUDONYM = ZONE.pseudonym(site="north", subject=SUBJECT)


def rendered() -> list[Derived]:
    """Everything the trial zone can show of one subject."""
    blind = blind_verdict(verdict())
    return [
        ZONE.patient(PSEUDONYM),
        ZONE.research_subject(PSEUDONYM, blind, status="on-study"),
        *ZONE.verdict_observations(PSEUDONYM, blind, as_of=T),
        ZONE.score_observation(PSEUDONYM, meld().result, at=T),
        ZONE.score_observation(
            PSEUDONYM, evaluated("child_pugh", values=inputs("child_pugh")).result, at=T
        ),
        ZONE.outcome_observation(PSEUDONYM, blind_outcome(outcome())),
    ]


IDENTIFYING = [
    SUBJECT,
    "4711",  # part of every id of the source
    "north",
    "Doctor Who",
    "ward",
    "Died at home",
    "2024-04-18",  # the day of death
    "205.2",  # a value as sent
    "umol/L",
    "Verum",
    "derivedFrom",
    "_history",
    "Condition/",
    "birthDate",
    "gender",
    "input-choice",
    "evidence",
    "competing",
    "from_first_dose",
    "assignedArm",
]


@pytest.mark.parametrize("text", IDENTIFYING)
def test_nothing_identified_passes(text: str) -> None:
    for derived in rendered():
        assert text.encode() not in derived.body


def test_no_resource_of_the_zone_knows_a_source() -> None:
    for derived in rendered():
        assert derived.sources == ()
        assert derived.subject == PSEUDONYM
        assert derived.type in {"Patient", "ResearchSubject", "Observation"}


def test_every_reference_stays_in_the_zone() -> None:
    own = {derived.reference for derived in rendered()} | {f"ResearchStudy/{TRIAL}"}

    def references(value: object) -> list[str]:
        if isinstance(value, dict):
            found = [value["reference"]] if "reference" in value else []
            return found + [one for child in value.values() for one in references(child)]
        return (
            [one for child in value for one in references(child)] if isinstance(value, list) else []
        )

    for derived in rendered():
        assert set(references(json.loads(derived.body))) <= own


def test_a_patient_is_a_pseudonym_and_nothing_else() -> None:
    body = json.loads(ZONE.patient(PSEUDONYM).body)
    assert set(body) == {"resourceType", "id", "meta", "identifier"}
    assert body["id"] == body["identifier"][0]["value"] == PSEUDONYM
    assert body["meta"]["security"][0]["code"] == "PSEUDED"


def test_a_pseudonym_depends_on_key_trial_site_and_subject() -> None:
    def pseudonym(key: bytes, trial: str, site: str, subject: str) -> str:
        return TrialZone(trial, key).pseudonym(site=site, subject=subject)

    others = {
        pseudonym(KEY, TRIAL, "north", SUBJECT),
        pseudonym(KEY[::-1], TRIAL, "north", SUBJECT),
        pseudonym(KEY, "example-aclf-02", "north", SUBJECT),
        pseudonym(KEY, TRIAL, "south", SUBJECT),
        pseudonym(KEY, TRIAL, "north", "p2"),
        pseudonym(KEY, TRIAL, "nort", f"h{SUBJECT}"),
    }
    assert len(others) == 6
    assert PSEUDONYM in others


def test_a_pseudonym_never_moves() -> None:
    # Computed once and kept: a trial that is given another one loses its subject.
    assert PSEUDONYM == "ce75987d0d0137e1351c823b5916066f"


@pytest.mark.parametrize("length", [0, 31])
def test_a_short_key_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        TrialZone(TRIAL, bytes(length))


def test_the_key_is_not_shown() -> None:
    assert "key" not in repr(ZONE)


def test_the_status_is_the_persons_and_the_verdict_the_machines() -> None:
    blind = blind_verdict(verdict())
    body = json.loads(ZONE.research_subject(PSEUDONYM, blind, status="on-study").body)
    assert body["status"] == "on-study"
    parts = body["extension"][0]["extension"]
    assert [part["url"] for part in parts] == ["verdict", "protocolVersion"]


def test_a_criterion_says_role_outcome_reasons_and_flags() -> None:
    panel, met, unknown, _ = ZONE.verdict_observations(PSEUDONYM, blind_verdict(verdict()), as_of=T)
    assert len(json.loads(panel.body)["hasMember"]) == 3
    first, second = json.loads(met.body), json.loads(unknown.body)
    assert first["valueCodeableConcept"]["coding"][0]["code"] == "met"
    assert [one["code"]["coding"][0]["code"] for one in first["component"]] == ["role", "flag"]
    assert [one["code"]["coding"][0]["code"] for one in second["component"]] == [
        "role",
        "reason",
        "reason",
    ]
    assert "note" not in first
    assert "text" not in first["code"]


def test_a_score_keeps_value_and_instant() -> None:
    body = json.loads(ZONE.score_observation(PSEUDONYM, meld().result, at=T).body)
    assert body["valueQuantity"]["value"] == 29
    assert body["effectiveDateTime"] == "2024-03-09T08:00:00Z"
    other = ZONE.score_observation(PSEUDONYM, meld().result, at=T + timedelta(hours=1))
    assert other.id != body["id"]


def test_an_outcome_is_dated_with_the_day_it_was_due() -> None:
    body = json.loads(ZONE.outcome_observation(PSEUDONYM, blind_outcome(outcome())).body)
    assert body["effectiveDateTime"] == "2024-06-01"
    assert body["valueCodeableConcept"]["coding"][0]["code"] == "Y"


def test_the_same_inputs_give_the_same_bytes() -> None:
    assert rendered() == rendered()


@pytest.mark.parametrize("layer", ["trial", "evaluation", "mapping", "record", "fhir"])
def test_the_renderer_cannot_reach_identified_data(layer: str) -> None:
    source = Path(trial_zone.__file__).read_text()
    imported = {
        node.module or ""
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom)
    }
    assert "aclf_fhir.publication.blinding" in imported
    assert not any(name.startswith(f"aclf_fhir.{layer}") for name in imported)


def test_no_day_of_the_future_is_told_for_it_may_be_a_birthday() -> None:
    blind = blind_verdict(verdict())
    rendered = [ZONE.research_subject(PSEUDONYM, blind, status="on-study")]
    rendered += ZONE.verdict_observations(PSEUDONYM, blind, as_of=T)
    days = {day for one in rendered for day in re.findall(r"\d{4}-\d{2}-\d{2}", one.body.decode())}
    assert days <= {T.date().isoformat()}
