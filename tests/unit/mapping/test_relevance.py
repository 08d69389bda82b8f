"""What need not be mapped is told from the code; whatever is in doubt is mapped."""

import json
from typing import Any

import pytest

from aclf_fhir.mapping import _MODULES
from aclf_fhir.mapping.relevance import STATES, Wanted, may_state, read_head
from aclf_fhir.record import FactKind
from tests.unit.mapping.worlds import context

BILIRUBIN = (FactKind.MEASUREMENT, "bilirubin_total")
MEAN = (FactKind.MEASUREMENT, "mean_arterial_pressure")
BLEEDING = (FactKind.FINDING, "gi_bleeding")


def told(body: bytes, *wanted: tuple[FactKind, str]) -> frozenset[tuple[FactKind, str]] | None:
    head = read_head(body)
    assert head is not None
    return may_state(head, body, Wanted.of(frozenset(wanted)), context())


def observation(code: str, **more: Any) -> dict[str, Any]:
    concept = {"coding": [{"system": "http://loinc.org", "code": code}]}
    return {"resourceType": "Observation", "status": "final", "code": concept, **more}


def written(resource: dict[str, Any], indent: int | None = None) -> bytes:
    separators = (",", ":") if indent is None else (",", ": ")
    return json.dumps(resource, indent=indent, separators=separators).encode()


def test_every_mapped_type_says_what_it_states() -> None:
    assert set(STATES) == set(_MODULES)


@pytest.mark.parametrize("indent", [None, 2])
def test_a_code_tells_whether_it_is_wanted(indent: int | None) -> None:
    body = written(observation("1975-2"), indent)
    assert told(body, BILIRUBIN) == {BILIRUBIN}
    assert told(body, MEAN) == set()
    assert told(body, BLEEDING) == set()


def test_pressures_state_their_mean() -> None:
    parts = [{"code": observation(code)["code"]} for code in ("8480-6", "8462-4")]
    body = written(observation("85354-9", component=parts))
    assert told(body, MEAN) == {MEAN}
    body = written(observation("1975-2", component=parts))
    assert told(body, MEAN) == {MEAN}
    assert told(body, BILIRUBIN, MEAN) == {MEAN, BILIRUBIN}


def test_kinds_alone_tell_of_the_other_types() -> None:
    consent = written({"resourceType": "Consent", "status": "active"})
    assert told(consent, BILIRUBIN, BLEEDING) == set()
    report = {"resourceType": "DiagnosticReport", "status": "final"}
    assert told(written(report), BILIRUBIN) == set()
    assert told(written(report), BLEEDING) is None
    contained = {**report, "contained": [observation("1975-2")]}
    assert told(written(contained), BILIRUBIN) is None


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({"resourceType": "Condition", "code": {"coding": [["ICD", "K92.2"]]}}, {BLEEDING}),
        ({"resourceType": "Condition", "code": {"coding": [["ICD", "K70.3"]]}}, set()),
        ({"resourceType": "Condition", "code": {"coding": [["urn:local", "K92.2"]]}}, None),
        ({"resourceType": "Condition", "code": {"text": "bleeding"}}, None),
        ({"resourceType": "Condition"}, None),
        (
            {
                "resourceType": "Condition",
                "code": {"coding": [["ICD", "K70.3"]]},
                "stage": [{"summary": {"text": "2"}}],
            },
            None,
        ),
        (
            # Past and present contradict each other: the resource is held.
            {
                "resourceType": "Condition",
                "code": {"coding": [["ICD", "K92.2"], ["ICD", "Z87.1"]]},
            },
            None,
        ),
    ],
)
def test_notions_are_read_as_mapping_reads_them(resource: dict[str, Any], expected: Any) -> None:
    for concept in [resource.get("code", {})]:
        if "coding" in concept:
            systems = {"ICD": "http://hl7.org/fhir/sid/icd-10-cm"}
            concept["coding"] = [
                {"system": systems.get(system, system), "code": code}
                for system, code in concept["coding"]
            ]
    assert told(written(resource), BLEEDING) == expected


@pytest.mark.parametrize(
    "body",
    [
        # Which of two members counts is not known.
        b'{"resourceType":"Observation","code":{"coding":[{"system":"http://loinc.org","code":'
        b'"1975-2"}]},"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]}}',
        b'{"resourceType":"Observation","code":{"coding":[],"coding":[{"system":'
        b'"http://loinc.org","code":"8480-6"}]}}',
        b'{"resourceType":"Patient","resourceType":"Consent"}',
        # Members spelled in another way than anybody spells them.
        b'{"resourceType":"Observation","c\\u006fde":{},"code":{"coding":[{"system":'
        b'"http://loinc.org","code":"8480-6"}]}}',
        b'{"resourceType":"Observation","code"  :{"coding":[{"system":"http://loinc.org",'
        b'"code":"8480-6"}]}}',
        # Nothing that can be looked up.
        b'{"resourceType":"Observation","code":{"coding":[{"system":"urn:local","code":"1"}]}}',
        b'{"resourceType":"Observation","code":{"text":"Bilirubin"}}',
        b'{"resourceType":"Observation","code":"1975-2"}',
        b'{"resourceType":"Observation"}',
        b'{"resourceType":"Observations"}',
        b"{}",
        # Birth and death bound the time of everything.
        b'{"resourceType":"Patient"}',
        b'{"resourceType":"Encounter"}',
    ],
)
def test_what_is_in_doubt_is_mapped(body: bytes) -> None:
    assert told(body, BILIRUBIN) is None


@pytest.mark.parametrize("body", [b'{"resourceType":1}', b"[]", b'{"resourceType":"Patient"'])
def test_what_has_no_head_is_for_parsing_to_refuse(body: bytes) -> None:
    assert read_head(body) is None
