import json
from datetime import timedelta
from typing import Any

import pytest

from aclf_fhir.publication import research_subject, research_subject_id
from aclf_fhir.publication.derived import Derived
from aclf_fhir.trial.screen import Verdict
from tests.unit.publication.cases import SUBJECT, TRIAL, T, verdict

PANEL = "Observation/panel"
VERDICT = "https://aclf-fhir.example/fhir/StructureDefinition/subject-verdict"


def written(given: Verdict, current: bytes | None = None, **options: Any) -> Derived | None:
    return research_subject(
        given, site="north", subject=SUBJECT, panel=PANEL, current=current, **options
    )


def created() -> Derived:
    found = written(verdict())
    assert found is not None
    return found


def test_the_machine_creates_a_potential_candidate() -> None:
    body = json.loads(created().body)
    assert created().id == research_subject_id(site="north", subject=SUBJECT, trial=TRIAL)
    assert body["status"] == "potential-candidate"
    assert body["study"] == {"reference": f"ResearchStudy/{TRIAL}"}
    assert body["individual"] == {"reference": f"Patient/{SUBJECT}"}
    assert body["extension"] == [
        {
            "extension": [
                {"url": "verdict", "valueCode": "undetermined"},
                {"url": "protocolVersion", "valueString": "2.0"},
                {"url": "freshUntil", "valueDateTime": "2024-03-11T08:00:00Z"},
                {"url": "panel", "valueReference": {"reference": PANEL}},
            ],
            "url": VERDICT,
        }
    ]


@pytest.mark.parametrize(
    ("value", "makes"), [("eligible", True), ("undetermined", True), ("ineligible", False)]
)
def test_the_first_verdict_that_is_not_ineligible_makes_the_subject(
    value: str, makes: bool
) -> None:
    assert (written(verdict(verdict=value)) is not None) is makes


MOVED = (
    b'{ "resourceType":"ResearchSubject","id":"x-1", "meta":{"versionId":"4"},\n'
    b' "extension":[{"url":"https://a.example/other" , "valueDecimal":1.20},'
    b'{"extension":[{"url":"verdict","valueCode":"eligible"}],"url":"' + VERDICT.encode() + b'"}],'
    b'"status" : "on-study","period":{"start" :"2024-03-10"},'
    b'"study":{"reference":"ResearchStudy/example-aclf-01"},'
    b'"individual":{"reference":"Patient/patient-4711","display":"kept"}}'
)


def test_what_a_person_decided_keeps_its_bytes() -> None:
    found = written(verdict(verdict="ineligible"), MOVED)
    assert found is not None
    assert found.id == "x-1"
    body = found.body
    assert b'{"url":"https://a.example/other" , "valueDecimal":1.20}' in body
    assert b'"status":"on-study","period":{"start" :"2024-03-10"}' in body
    assert b'"display":"kept"' in body
    assert body.count(VERDICT.encode()) == 1
    assert b'"valueCode":"ineligible"' in body
    assert json.loads(body)["extension"][-1]["url"] == VERDICT


def test_a_verdict_found_again_changes_nothing() -> None:
    assert written(verdict(as_of=T + timedelta(days=1)), created().body) is None
    spaced = json.dumps(json.loads(created().body), indent=2).encode()
    assert written(verdict(), spaced) is None


def test_another_verdict_is_written_and_nothing_else() -> None:
    before = created()
    after = written(verdict(verdict="eligible", fresh_until=None), before.body)
    assert after is not None
    assert after.id == before.id
    old, new = json.loads(before.body), json.loads(after.body)
    assert new.pop("extension") != old.pop("extension")
    assert old == new


def test_a_verdict_that_got_lost_comes_back_in_its_place() -> None:
    bare = json.loads(created().body)
    del bare["extension"]
    found = written(verdict(), json.dumps(bare).encode())
    assert found is not None
    assert list(json.loads(found.body)) == list(json.loads(created().body))


def test_the_reference_is_the_callers() -> None:
    found = written(verdict(), subject_reference="Patient/x")
    assert found is not None
    assert json.loads(found.body)["individual"] == {"reference": "Patient/x"}
