"""Every kind of error is found, at its place, and nothing else is.

The module is long because it is one table of errors.
"""

# ruff: noqa: E501 - one line per error is easier to read
import json
from collections.abc import Callable
from typing import Any

import pytest

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.fhir import parse_resource, validate

Json = dict[str, Any]
UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"


def observation() -> Json:
    return {
        "resourceType": "Observation",
        "id": "o-1",
        "meta": {"profile": ["http://example.org/p"], "tag": [{"code": "x"}]},
        "text": {"status": "generated", "div": "<div>Bilirubin&nbsp;<b>3.4</b></div>"},
        "identifier": [{"system": "urn:lis", "value": "1"}],
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "1975-2"}], "text": "Bilirubin"},
        "subject": {"reference": "Patient/p-1"},
        "effectiveDateTime": "2024-06-15T08:30:00+02:00",
        "issued": "2024-06-15T09:12:33.123Z",
        "valueQuantity": {"value": 3.4, "unit": "mg/dL", "system": UCUM, "code": "mg/dL"},
        "referenceRange": [{"low": {"value": 0.2}, "high": {"value": 1.2}}],
        "component": [
            {"code": {"text": "a"}, "valueInteger": 3},
            {"code": {"text": "b"}, "valueQuantity": {"value": 1.20}},
        ],
    }


def patient() -> Json:
    return {
        "resourceType": "Patient",
        "name": [{"family": "Chen", "given": ["A", "B"]}],
        "birthDate": "1960-02-29",
        "contact": [{"name": {"text": "x"}}],
        "multipleBirthInteger": 2,
        "photo": [{"contentType": "image/png", "data": "AAAA"}],
    }


def contained() -> Json:
    return {
        "resourceType": "MedicationRequest",
        "contained": [{"resourceType": "Medication", "id": "m", "status": "active"}],
        "status": "active",
        "intent": "order",
        "medicationReference": {"reference": "#m"},
        "subject": {"reference": "Patient/p-1"},
    }


def put(path: str, value: object) -> Callable[[Json], None]:
    def change(tree: Json) -> None:
        *parents, last = path.split(".")
        node: Any = tree
        for step in parents:
            node = node[int(step)] if step.isdigit() else node[step]
        node[int(last) if last.isdigit() else last] = value

    return change


def drop(*names: str) -> Callable[[Json], None]:
    def change(tree: Json) -> None:
        for name in names:
            del tree[name]

    return change


def both(*changes: Callable[[Json], None]) -> Callable[[Json], None]:
    def change(tree: Json) -> None:
        for one in changes:
            one(tree)

    return change


EXTENSION = {"url": "http://e", "valueString": "x"}
OBS, PAT, MED = observation, patient, contained
SEEDED: list[tuple[str, Callable[[], Json], Callable[[Json], None], set[str]]] = [
    ("unknown element", OBS, put("colour", "red"), {"Observation.colour"}),
    ("unknown nested", OBS, put("code.colour", 1), {"Observation.code.colour"}),
    ("key that is no name", OBS, put("a b", 1), {"Observation"}),
    ("missing status", OBS, drop("status"), {"Observation.status"}),
    ("missing code", OBS, drop("code"), {"Observation.code"}),
    ("wrong code", OBS, put("status", "finished"), {"Observation.status"}),
    (
        "wrong comparator",
        OBS,
        put("valueQuantity.comparator", "=>"),
        {"Observation.valueQuantity.comparator"},
    ),
    ("two values", OBS, put("valueString", "x"), {"Observation.value[x]"}),
    ("two effectives", OBS, put("effectivePeriod", {"start": "2024"}), {"Observation.effective[x]"}),
    (
        "decimal as string",
        OBS,
        put("component.1.valueQuantity.value", "1.20"),
        {"Observation.component[1].valueQuantity.value"},
    ),
    ("boolean as decimal", OBS, put("valueQuantity.value", True), {"Observation.valueQuantity.value"}),
    ("number as string", OBS, put("code.text", 5), {"Observation.code.text"}),
    (
        "fraction as integer",
        OBS,
        put("component.0.valueInteger", 1.5),
        {"Observation.component[0].valueInteger"},
    ),
    (
        "integer out of range",
        OBS,
        put("component.0.valueInteger", 2**31),
        {"Observation.component[0].valueInteger"},
    ),
    ("string as boolean", PAT, put("active", "true"), {"Patient.active"}),
    ("date that does not exist", OBS, put("effectiveDateTime", "2026-13-40"), {"Observation.effectiveDateTime"}),
    ("February 30", OBS, put("effectiveDateTime", "2026-02-30"), {"Observation.effectiveDateTime"}),
    ("time without zone", OBS, put("effectiveDateTime", "2026-01-02T10:00:00"), {"Observation.effectiveDateTime"}),
    ("time without seconds", OBS, put("effectiveDateTime", "2026-01-02T10:00Z"), {"Observation.effectiveDateTime"}),
    ("hour 24", OBS, put("effectiveDateTime", "2026-01-02T24:00:00Z"), {"Observation.effectiveDateTime"}),
    ("instant as date", OBS, put("issued", "2026-01-02"), {"Observation.issued"}),
    ("offset 15:00", OBS, put("issued", "2026-01-02T10:00:00+15:00"), {"Observation.issued"}),
    ("birth date with time", PAT, put("birthDate", "1960-02-29T00:00:00Z"), {"Patient.birthDate"}),
    ("no leap year", PAT, put("birthDate", "1900-02-29"), {"Patient.birthDate"}),
    ("bad id", OBS, put("id", "a_b"), {"Observation.id"}),
    ("long id", OBS, put("id", "a" * 65), {"Observation.id"}),
    ("code with spaces", OBS, put("code.coding.0.code", " 1975-2"), {"Observation.code.coding[0].code"}),
    ("uri with space", OBS, put("code.coding.0.system", "a b"), {"Observation.code.coding[0].system"}),
    ("bad base64", PAT, put("photo.0.data", "A"), {"Patient.photo[0].data"}),
    ("object as array", OBS, put("identifier", {"value": "1"}), {"Observation.identifier"}),
    ("array as object", OBS, put("code", [{"text": "x"}]), {"Observation.code"}),
    ("empty array", OBS, put("identifier", []), {"Observation.identifier"}),
    ("empty object", OBS, put("code.coding.0", {}), {"Observation.code.coding[0]"}),
    ("empty string", OBS, put("code.text", ""), {"Observation.code.text"}),
    ("sibling with an id alone", OBS, both(drop("status"), put("_status", {"id": "x"})), {"Observation._status"}),
    ("only an id", OBS, put("subject", {"id": "x"}), {"Observation.subject"}),
    ("null", OBS, put("code.text", None), {"Observation.code.text"}),
    ("null in array", OBS, put("identifier", [None]), {"Observation.identifier[0]"}),
    ("null without sibling", PAT, put("name.0.given", ["A", None]), {"Patient.name[0].given"}),
    ("siblings unlike", PAT, put("name.0._given", [None]), {"Patient.name[0].given"}),
    ("control character", OBS, put("code.text", "a\x08"), {"Observation.code.text"}),
    ("NUL", OBS, put("code.text", "a\0"), {"Observation.code.text"}),
    ("wrong target", OBS, put("subject.reference", "Practitioner/1"), {"Observation.subject.reference"}),
    ("wrong target, absolute", OBS, put("subject.reference", "http://x/fhir/Practitioner/1"), {"Observation.subject.reference"}),
    ("wrong target by type", OBS, put("subject", {"type": "Practitioner", "display": "x"}), {"Observation.subject.reference"}),
    ("no reference", OBS, put("subject.reference", "p-1"), {"Observation.subject.reference"}),
    ("ext-1, both", OBS, put("extension", [{**EXTENSION, "extension": [EXTENSION]}]), {"Observation.extension[0]"}),
    ("ext-1, neither", OBS, put("extension", [{"url": "http://e"}]), {"Observation.extension[0]"}),
    ("extension without url", OBS, put("extension", [{"valueString": "x"}]), {"Observation.extension[0].url"}),
    ("qty-3", OBS, put("valueQuantity", {"value": 1, "code": "g"}), {"Observation.valueQuantity"}),
    ("sqty-1", OBS, put("referenceRange.0.low.comparator", "<"), {"Observation.referenceRange[0].low.comparator"}),
    ("obs-3", OBS, put("referenceRange", [{"appliesTo": [{"text": "x"}]}]), {"Observation.referenceRange[0]"}),
    ("obs-6", OBS, put("dataAbsentReason", {"text": "x"}), {"Observation"}),
    ("obs-7", OBS, put("component.0.code", observation()["code"]), {"Observation"}),
    ("per-1", OBS, both(drop("effectiveDateTime"), put("effectivePeriod", {"start": "2024-02", "end": "2024-01-31"})), {"Observation.effectivePeriod"}),
    ("rng-2", OBS, put("referenceRange.0.age", {"low": {"value": 2}, "high": {"value": 1}}), {"Observation.referenceRange[0].age"}),
    ("no zone in one of two", OBS, both(drop("effectiveDateTime"), put("effectivePeriod", {"start": "2024-01-01T00:00:00", "end": "2024-01-01T00:00:00Z"})), {"Observation.effectivePeriod.start"}),
    ("txt, no div", OBS, put("text.div", "<p>x</p>"), {"Observation.text.div"}),
    ("txt, handler", OBS, put("text.div", "<div onclick='x'>x</div>"), {"Observation.text.div"}),
    ("txt, no such entity", OBS, put("text.div", "<div>&nosuch;</div>"), {"Observation.text.div"}),
    ("txt, doctype", OBS, put("text.div", "<!DOCTYPE div><div>x</div>"), {"Observation.text.div"}),
    ("txt, only a space", OBS, put("text.div", "<div>&nbsp;</div>"), {"Observation.text.div"}),
    ("txt-1", OBS, put("text.div", "<div><script>x</script></div>"), {"Observation.text.div"}),
    ("txt-2", OBS, put("text.div", "<div> </div>"), {"Observation.text.div"}),
    ("pat-1", PAT, put("contact", [{"gender": "male"}]), {"Patient.contact[0]"}),
    ("cpt-2", PAT, put("telecom", [{"value": "1"}]), {"Patient.telecom[0]"}),
    ("att-1", PAT, put("photo", [{"data": "AAAA"}]), {"Patient.photo[0]"}),
    ("ref-1", MED, put("medicationReference.reference", "#n"), {"MedicationRequest", "MedicationRequest.contained[0]"}),
    ("ref-1 alone", OBS, put("subject.reference", "#n"), {"Observation"}),
    ("dom-2", MED, put("contained.0.contained", [{"resourceType": "Medication", "id": "n"}]), {"MedicationRequest.contained[0]", "MedicationRequest.contained[0].contained[0]"}),
    ("dom-3", MED, put("contained.0.id", "n"), {"MedicationRequest", "MedicationRequest.contained[0]"}),
    ("dom-4", MED, put("contained.0.meta", {"versionId": "1"}), {"MedicationRequest.contained[0].meta"}),
    ("dom-5", MED, put("contained.0.meta", {"security": [{"code": "R"}]}), {"MedicationRequest.contained[0].meta"}),
    ("contained unknown", MED, put("contained.0.x", 1), {"MedicationRequest.contained[0].x"}),
    ("contained no resource", MED, put("contained.0.resourceType", "Pill"), {"MedicationRequest.contained[0].resourceType"}),
    ("contained without type", MED, both(lambda t: t["contained"][0].pop("resourceType") and None), {"MedicationRequest.contained[0].resourceType"}),
    ("contained no object", MED, put("contained", ["x"]), {"MedicationRequest", "MedicationRequest.contained[0]"}),
    ("missing medication[x]", MED, drop("medicationReference", "contained"), {"MedicationRequest.medication[x]"}),
]  # fmt: skip


@pytest.mark.parametrize("base", [observation, patient, contained])
def test_the_base_is_valid(base: Callable[[], Json]) -> None:
    assert validate(json.dumps(base()).encode()) == ()


@pytest.mark.parametrize(
    ("base", "change", "expected"), [s[1:] for s in SEEDED], ids=[s[0] for s in SEEDED]
)
def test_a_seeded_error_is_found_at_its_place(
    base: Callable[[], Json], change: Callable[[Json], None], expected: set[str]
) -> None:
    tree = base()
    change(tree)
    issues = validate(json.dumps(tree, ensure_ascii=False).encode())
    assert {issue.location for issue in issues} == expected
    assert {issue.category for issue in issues} == {Category.INVALID}
    assert not any(issue.unparsable for issue in issues)


def test_there_are_many_kinds() -> None:
    assert len(SEEDED) >= 60


def test_every_problem_is_listed_at_once() -> None:
    tree = observation()
    for change in (put("status", "x"), put("subject.reference", "p"), put("issued", "now")):
        change(tree)
    put("dataAbsentReason", {"text": "x"})(tree)
    found = {issue.location for issue in validate(json.dumps(tree).encode())}
    assert found == {
        "Observation",
        "Observation.status",
        "Observation.subject.reference",
        "Observation.issued",
    }


@pytest.mark.parametrize(
    "change",
    [
        both(drop("status"), put("_status", {"extension": [EXTENSION]})),
        put("_status", {"id": "x"}),
        put("note", [{"text": "line\nline\ttab \u00e4 \u2003 \U0001f600"}]),
        put("code.text", 'quote " and colon ": and backslash \\ and {} and [] and null'),
        put("subject", {"identifier": {"system": "urn:x", "value": "1"}, "type": "Patient"}),
        put("subject.reference", "urn:uuid:0b6f2a53-6d07-4f0c-9d54-1f5e6b0f7f10"),
        put("subject.reference", "Patient?identifier=a|b"),
        put("subject.reference", "https://h.example/fhir/Patient/1/_history/2"),
        put("subject.reference", "https://h.example/anything"),
        put("effectiveDateTime", "2016-12-31T23:59:60Z"),
        put("effectiveDateTime", "2016-12-31T23:59:59.1234567890123-14:00"),
        put("valueQuantity.value", 1e30),
        put("extension", [{"url": "http://e", "extension": [EXTENSION]}]),
        put("code.coding.0.userSelected", False),
        put("code.coding.0.code", "two words"),
        put("code.coding.0.code", "ä"),
        put("subject.identifier", {"assigner": {"identifier": {"value": "1"}}}),
    ],
)
def test_the_unusual_but_valid_passes(change: Callable[[Json], None]) -> None:
    tree = observation()
    change(tree)
    assert validate(json.dumps(tree, ensure_ascii=False).encode()) == ()
    assert validate(json.dumps(tree, indent=2).encode()) == ()


def test_nulls_pair_up_with_siblings() -> None:
    tree = patient()
    tree["name"][0] |= {"given": ["A", None], "_given": [None, {"extension": [EXTENSION]}]}
    assert validate(json.dumps(tree).encode()) == ()


def test_a_contained_resource_may_refer_to_its_container() -> None:
    tree = contained()
    tree["contained"].append(
        {"resourceType": "Provenance", "id": "p", "target": [{"reference": "#"}],
         "recorded": "2024-01-01T00:00:00Z", "agent": [{"who": {"reference": "#m"}}]}
    )  # fmt: skip
    found = {issue.location for issue in validate(json.dumps(tree).encode())}
    assert found == {"MedicationRequest.contained[1].agent[0].who.reference"} or found == set()


RESOURCES: list[tuple[str, Json, set[str]]] = [
    ("con-4", {"resourceType": "Condition", "abatementString": "x"}, {"Condition"}),
    ("con-1", {"resourceType": "Condition", "stage": [{"type": {"text": "x"}}]}, {"Condition.stage[0]"}),
    ("con-2", {"resourceType": "Condition", "evidence": [{"extension": [EXTENSION]}]}, {"Condition.evidence[0]"}),
    ("binding", {"resourceType": "Condition", "clinicalStatus": {"text": "x"}}, {"Condition.clinicalStatus"}),
    (
        "con-5",
        {
            "resourceType": "Condition",
            "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]},
            "verificationStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": "entered-in-error"}]},
        },
        {"Condition"},
    ),
    ("mad-1", {"resourceType": "MedicationAdministration", "status": "completed", "medicationCodeableConcept": {"text": "x"}, "effectiveDateTime": "2024", "dosage": {"text": "x"}}, {"MedicationAdministration.dosage"}),
    ("prr-1", {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "orderDetail": [{"text": "x"}]}, {"ServiceRequest"}),
    ("ppc-1", {"resourceType": "Consent", "status": "active", "scope": {"text": "x"}, "category": [{"text": "x"}]}, {"Consent"}),
    ("qrs-1", {"resourceType": "QuestionnaireResponse", "status": "completed", "item": [{"linkId": "1", "answer": [{"valueBoolean": True}], "item": [{"linkId": "2"}]}]}, {"QuestionnaireResponse.item[0]"}),
    ("fhs", {"resourceType": "FamilyMemberHistory", "status": "completed", "patient": {"reference": "Patient/1"}, "relationship": {"text": "x"}, "ageString": "x", "bornString": "y"}, {"FamilyMemberHistory"}),
    ("fhs-2", {"resourceType": "FamilyMemberHistory", "status": "completed", "patient": {"reference": "Patient/1"}, "relationship": {"text": "x"}, "estimatedAge": True}, {"FamilyMemberHistory"}),
    ("org-1", {"resourceType": "Organization", "active": True}, {"Organization"}),
    ("org-2", {"resourceType": "Organization", "name": "x", "address": [{"use": "home"}], "telecom": [{"use": "home"}]}, {"Organization"}),
    ("mrp-1", {"resourceType": "MeasureReport", "status": "complete", "type": "data-collection", "measure": "http://m", "period": {"start": "2024"}, "group": [{"stratifier": [{"stratum": [{"measureScore": {"value": 1}}]}]}]}, {"MeasureReport", "MeasureReport.group[0].stratifier[0].stratum[0]"}),
    ("age-1", {"resourceType": "Condition", "onsetAge": {"value": -1, "system": UCUM, "code": "a"}}, {"Condition.onsetAge"}),
    ("drt-1", {"resourceType": "Encounter", "status": "finished", "class": {"code": "IMP"}, "length": {"code": "h"}}, {"Encounter.length"}),
    ("rat-1", {"resourceType": "Medication", "amount": {"numerator": {"value": 1}}}, {"Medication.amount"}),
    ("rat-1 none", {"resourceType": "Medication", "amount": {"denominator": {"value": 1}}}, {"Medication.amount"}),
    ("oid", {"resourceType": "Patient", "extension": [{"url": "x", "valueOid": "1.2"}]}, {"Patient.extension[0].valueOid"}),
    ("uuid", {"resourceType": "Patient", "extension": [{"url": "x", "valueUuid": "1"}]}, {"Patient.extension[0].valueUuid"}),
    ("time", {"resourceType": "Patient", "extension": [{"url": "x", "valueTime": "25:00:00"}]}, {"Patient.extension[0].valueTime"}),
    ("dis-1", {"resourceType": "Patient", "extension": [{"url": "x", "valueDistance": {"value": 1}}]}, {"Patient.extension[0].valueDistance"}),
    ("cnt-3", {"resourceType": "Patient", "extension": [{"url": "x", "valueCount": {"value": 1.5, "system": UCUM, "code": "1"}}]}, {"Patient.extension[0].valueCount"}),
    ("exp-1", {"resourceType": "Patient", "extension": [{"url": "x", "valueExpression": {"language": "text/cql"}}]}, {"Patient.extension[0].valueExpression"}),
    ("drq", {"resourceType": "Patient", "extension": [{"url": "x", "valueDataRequirement": {"type": "Patient", "codeFilter": [{"code": [{"code": "x"}]}], "dateFilter": [{"path": "a", "searchParam": "b"}]}}]}, {"Patient.extension[0].valueDataRequirement.codeFilter[0]", "Patient.extension[0].valueDataRequirement.dateFilter[0]"}),
    ("trd-1", {"resourceType": "Patient", "extension": [{"url": "x", "valueTriggerDefinition": {"type": "periodic", "timingDate": "2024", "data": [{"type": "Patient"}]}}]}, {"Patient.extension[0].valueTriggerDefinition"}),
    ("trd-2", {"resourceType": "Patient", "extension": [{"url": "x", "valueTriggerDefinition": {"type": "named-event", "condition": {"language": "l", "expression": "x"}}}]}, {"Patient.extension[0].valueTriggerDefinition"}),
    ("trd-3", {"resourceType": "Patient", "extension": [{"url": "x", "valueTriggerDefinition": {"type": "data-added"}}]}, {"Patient.extension[0].valueTriggerDefinition"}),
    ("tim-1 2 9 10", {"resourceType": "Patient", "extension": [{"url": "x", "valueTiming": {"repeat": {"duration": -1, "period": -1, "offset": 1, "timeOfDay": ["08:00:00"], "when": ["C"]}}}]}, {"Patient.extension[0].valueTiming.repeat"}),
    ("tim-6 7 8", {"resourceType": "Patient", "extension": [{"url": "x", "valueTiming": {"repeat": {"periodMax": 1, "durationMax": 1, "countMax": 2}}}]}, {"Patient.extension[0].valueTiming.repeat"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("tree", "expected"), [r[1:] for r in RESOURCES], ids=[r[0] for r in RESOURCES]
)
def test_invariants_of_other_types(tree: Json, expected: set[str]) -> None:
    if tree["resourceType"] in ("Condition", "MedicationAdministration", "ServiceRequest"):
        tree = tree | {"subject": {"reference": "Patient/1"}}
    assert {issue.location for issue in validate(json.dumps(tree).encode())} == expected


@pytest.mark.parametrize(
    "tree",
    [
        {"resourceType": "Patient"},
        {"resourceType": "Medication", "amount": {"numerator": {"value": 1}, "denominator": {"value": 1}}},
        {"resourceType": "Patient", "extension": [{"url": "x", "valueTiming": {"repeat": {"offset": 5, "when": ["ACM"]}}}]},
        {"resourceType": "Patient", "extension": [{"url": "x", "valueTriggerDefinition": {"type": "periodic", "timingDate": "2024"}}]},
        {"resourceType": "Patient", "extension": [{"url": "x", "valueTriggerDefinition": {"type": "named-event", "name": "n"}}]},
        {"resourceType": "Patient", "extension": [{"url": "x", "valuePeriod": {"start": "2016-12-31T23:59:60Z", "end": "2016-12-31T23:59:60Z"}}]},
        {"resourceType": "Patient", "extension": [{"url": "x", "valueRange": {"low": {"value": 2, "unit": "g"}, "high": {"value": 1, "unit": "kg"}}}]},
        {"resourceType": "Patient", "extension": [{"url": "x", "valueRange": {"low": {"unit": "g"}, "high": {"value": 1, "unit": "g"}}}]},
        {"resourceType": "Patient", "text": {"status": "generated", "div": "<div><img src='x'/></div>"}},
    ],
)  # fmt: skip
def test_invariants_hold(tree: Json) -> None:
    assert validate(json.dumps(tree).encode()) == ()


def test_an_unknown_type_is_not_found() -> None:
    with pytest.raises(AclfError) as caught:
        parse_resource(b'{"resourceType":"Pill"}')
    assert caught.value.category is Category.NOT_FOUND
    assert caught.value.http == 404


@pytest.mark.parametrize(
    ("body", "location"),
    [
        (b"{}", "Resource.resourceType"),
        (b"[]", ""),
        (b'{"resourceType": 1, "x": 1}', "Resource.resourceType"),
    ],
)
def test_no_type_is_invalid(body: bytes, location: str) -> None:
    assert [issue.location for issue in validate(body)] == [location]


def test_the_passes_never_let_through_what_one_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the collecting pass ever missed something, the quick one would still refuse it."""
    monkeypatch.setattr("aclf_fhir.fhir.validation._collect", lambda *_: [])
    tree = observation() | {"status": "finished"}
    (issue,) = validate(json.dumps(tree).encode())
    assert (issue.location, issue.message) == ("Observation", "does not conform to R4")


def test_the_expected_type_is_asked_for() -> None:
    body = json.dumps(observation()).encode()
    assert parse_resource(body, expected_type="Observation").id == "o-1"
    with pytest.raises(AclfError) as caught:
        parse_resource(body, expected_type="Patient")
    assert [issue.location for issue in caught.value.issues] == ["Observation.resourceType"]


def test_the_type_may_stand_anywhere() -> None:
    tree = observation()
    last = {**{k: v for k, v in tree.items() if k != "resourceType"}, "resourceType": "Observation"}
    assert validate(json.dumps(last, separators=(",", ":")).encode()) == ()
    assert validate(b'{"resourceType": "Pat", "resourceType": "Patient", "active": true}') != ()
