import json
from typing import Any

import pytest

from aclf_fhir.publication import outcome_observation
from aclf_fhir.publication.derived import Derived
from tests.unit.publication.cases import SUBJECT, TRIAL, outcome


def published(trial: str = TRIAL, **changes: object) -> Derived:
    return outcome_observation(outcome(**changes), trial=trial, site="north", subject=SUBJECT)


def body(**changes: object) -> dict[str, Any]:
    return json.loads(published(**changes).body)


@pytest.mark.parametrize(("value", "code"), [("yes", "Y"), ("no", "N")])
def test_a_proven_outcome_is_yes_or_no(value: str, code: str) -> None:
    assert body(value=value)["valueCodeableConcept"]["coding"][0]["code"] == code


def test_what_follow_up_does_not_prove_is_absent_with_its_reason() -> None:
    unknown = body(value="unknown", reasons=("no-contact",), note="")
    assert unknown["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    assert "valueCodeableConcept" not in unknown
    assert unknown["component"][0]["valueCodeableConcept"]["coding"][0]["code"] == "no-contact"
    assert "note" not in unknown


def test_it_is_dated_with_the_day_it_was_due() -> None:
    assert body()["effectiveDateTime"] == "2024-06-01"


def test_evidence_competing_events_and_variants_are_shown() -> None:
    shown = [one["code"]["coding"][0]["code"] for one in body()["component"]]
    assert shown == [
        "evidence",
        "competing",
        "variant.from_first_dose",
        "variant.transplant_free",
        "flag",
    ]
    assert [source.reference for source in published().sources] == [
        "Condition/cirrhosis-4711/_history/1",
        f"Patient/{SUBJECT}/_history/3",
    ]
    assert "derivedFrom" not in body()


def test_subject_trial_and_outcome_are_the_identity() -> None:
    assert published().id == published(value="no").id
    assert published().id != published(outcome="O2").id
    assert published().id != published(trial="example-aclf-02").id
