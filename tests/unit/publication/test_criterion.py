import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from aclf_fhir.publication import revise, verdict_id, verdict_observations
from aclf_fhir.publication.derived import Derived
from aclf_fhir.trial.judgement import Outcome
from aclf_fhir.trial.screen import Verdict
from tests.unit.publication.cases import BILIRUBIN, SUBJECT, TRIAL, T, verdict


def published(given: Verdict | None = None, **options: Any) -> tuple[Derived, ...]:
    return verdict_observations(given or verdict(), site="north", subject=SUBJECT, **options)


def bodies(given: Verdict | None = None) -> list[dict[str, Any]]:
    return [json.loads(one.body, parse_float=Decimal) for one in published(given)]


def shown(body: dict[str, Any], code: str) -> list[dict[str, Any]]:
    return [one for one in body.get("component", []) if one["code"]["coding"][0]["code"] == code]


def codes(body: dict[str, Any], code: str) -> list[str]:
    return [one["valueCodeableConcept"]["coding"][0]["code"] for one in shown(body, code)]


def test_the_panel_has_every_criterion_as_a_member_in_order() -> None:
    panel, *criteria = published()
    assert panel.id == verdict_id(site="north", subject=SUBJECT, trial=TRIAL)
    members = json.loads(panel.body)["hasMember"]
    assert [one["reference"] for one in members] == [one.reference for one in criteria]
    assert [json.loads(one.body)["code"]["coding"][0]["code"] for one in criteria] == [
        "I1",
        "E1",
        "E2",
    ]


def test_the_panel_says_the_verdict_what_is_missing_and_until_when_it_holds() -> None:
    panel, *_ = bodies()
    assert panel["valueCodeableConcept"]["coding"][0]["code"] == "undetermined"
    assert panel["effectiveDateTime"] == "2024-03-09T08:00:00Z"
    assert codes(panel, "reason") == ["death-date-unknown"]
    (missing,) = shown(panel, "missing-next")
    assert missing["valueString"] == "renal-replacement (attestation), from investigator"
    assert [list(one.values())[1] for one in missing["extension"][0]["extension"]] == [
        "attestation",
        "renal-replacement",
        "investigator",
    ]
    assert shown(panel, "fresh-until")[0]["valueDateTime"] == "2024-03-11T08:00:00Z"
    assert panel["extension"][0]["valueReference"]["reference"] == f"ResearchStudy/{TRIAL}"


def test_a_criterion_says_role_outcome_reasons_and_text() -> None:
    _, met, unknown, none = bodies()
    assert [one["valueCodeableConcept"]["coding"][0]["code"] for one in (met, unknown, none)] == [
        "met",
        "unknown",
        "not-applicable",
    ]
    assert [codes(one, "role") for one in (met, unknown, none)] == [
        ["inclusion"],
        ["exclusion"],
        ["exclusion"],
    ]
    assert shown(met, "passes")[0]["valueBoolean"] is True
    assert "dataAbsentReason" in shown(unknown, "passes")[0]
    assert codes(unknown, "reason") == ["no-data", "needs-attestation"]
    assert codes(unknown, "proposal") == ["not-met"]
    assert met["code"]["text"] == "Bilirubin at least 12 mg/dL"
    assert met["note"] == [{"text": "Seen by Doctor Who on the ward."}]
    assert "note" not in unknown


def test_a_criterion_that_is_not_met_is_coded_as_such() -> None:
    given = verdict()
    failed = replace(given.criteria[0], outcome=Outcome.NOT_MET, passes=False)
    _, criterion = bodies(replace(given, criteria=(failed,)))
    assert criterion["valueCodeableConcept"]["coding"][0]["code"] == "not-met"
    assert shown(criterion, "passes")[0]["valueBoolean"] is False


def test_evidence_shows_the_value_as_sent_and_as_used() -> None:
    bilirubin, cirrhosis = shown(bodies()[1], "evidence")
    assert bilirubin["valueString"] == "12 mg/dL"
    parts = {part["url"]: list(part.values())[1] for part in bilirubin["extension"][0]["extension"]}
    assert parts == {
        "concept": "bilirubin_total",
        "resource": {"reference": "Observation/bilirubin-4711/_history/2"},
        "sent": "205.2 umol/L",
        "conversion": "205.2 umol/L / 17.1 = 12 mg/dL",
        "note": "newest within the age limit",
        "drawn": "2024-03-09T08:00:00Z",
        "received": "2024-03-09T09:30:00Z",
        "flag": "unit_mapped",
    }
    assert cirrhosis["valueString"] == "present"
    drawn = cirrhosis["extension"][0]["extension"][-1]
    assert drawn["url"] == "drawn"
    assert set(drawn["valuePeriod"]) == {"start", "end"}


def test_evidence_without_a_value_or_a_source_is_shown_too() -> None:
    (feed,) = shown(bodies()[2], "evidence")
    assert "dataAbsentReason" in feed
    assert [part["url"] for part in feed["extension"][0]["extension"]] == ["concept", "note"]


def test_derived_from_holds_what_r4_allows_and_sources_hold_all() -> None:
    panel, criterion, *_ = published()
    assert json.loads(criterion.body)["derivedFrom"] == [
        {"reference": "Observation/bilirubin-4711/_history/2"}
    ]
    assert [one.reference for one in criterion.sources] == [
        "Condition/cirrhosis-4711/_history/1",
        "Observation/bilirubin-4711/_history/2",
    ]
    assert panel.sources == criterion.sources


def test_the_distance_to_the_limit_keeps_its_digits() -> None:
    met = bodies()[1]
    assert str(shown(met, "distance")[0]["valueQuantity"]["value"]) == "0.0"
    assert shown(met, "limit")[0]["valueQuantity"]["value"] == 12
    assert shown(bodies()[2], "distance") == []


def test_subject_trial_and_criterion_are_the_identity() -> None:
    later = verdict(as_of=T + timedelta(days=1), verdict="eligible", version="3.0")
    assert [one.id for one in published(later)] == [one.id for one in published()]
    other = published(verdict(protocol="example-aclf-02"))
    assert not {one.id for one in other} & {one.id for one in published()}


def test_the_same_verdict_for_another_instant_changes_nothing() -> None:
    later = published(verdict(as_of=T + timedelta(minutes=5)))
    for stored, fresh in zip(published(), later, strict=True):
        assert stored.body != fresh.body
        assert revise(stored.body, fresh) is None


def test_other_evidence_is_a_change() -> None:
    given = verdict()
    other = replace(BILIRUBIN, used="13")
    changed = replace(
        given, criteria=(replace(given.criteria[0], deciding=(other,)), *given.criteria[1:])
    )
    before, after = published()[1], published(changed)[1]
    revised = revise(before.body, after)
    assert revised is not None
    assert json.loads(revised.body)["status"] == "amended"


def test_the_reference_is_the_callers() -> None:
    for one in published(subject_reference="Patient/x"):
        assert json.loads(one.body)["subject"] == {"reference": "Patient/x"}
