"""Intake on both databases: a push is stored once, mapped, held or refused, and counted."""

import json
from dataclasses import replace
from decimal import Decimal
from itertools import permutations

import pytest

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.mapping.models import Disposition, HeldReason
from aclf_fhir.publication import research_subject_id
from aclf_fhir.record import AFTER_DEATH, FactKind, FactStatus
from aclf_fhir.store import SearchQuery
from aclf_fhir.units import Interval
from aclf_fhir.workflows.bundles import receive_bundle
from aclf_fhir.workflows.worklist import accounting, held, replay


def test_a_result_becomes_a_fact(desk, patient, result):
    desk.put(patient)
    receipt = desk.put(result(value=205.2, unit="umol/L", code="14631-6"))
    assert (receipt.outcome, receipt.disposition, receipt.version) == (
        "stored",
        Disposition.MAPPED,
        1,
    )
    (fact,) = desk.measured("bilirubin_total")
    assert fact.value == Interval.exact(Decimal(12))
    assert fact.sent is not None
    assert (fact.sent.text, fact.sent.ucum) == ("205.2", "umol/L")
    assert fact.source.reference == "Observation/o1/_history/1"


def test_a_resend_changes_nothing(desk, patient, result):
    desk.put(patient)
    first = desk.put(result())
    before = desk.facts()
    again = desk.put(result())
    assert (again.outcome, again.version) == ("duplicate", first.version)
    assert desk.facts() == before


def test_layout_is_no_statement_but_precision_is(desk, patient, result):
    desk.put(patient)
    desk.put(result(value=1.2))
    body = json.dumps(result(value=1.2)).encode()
    assert desk.put_bytes("Observation", "o1", body.replace(b", ", b",\n ")).outcome == "duplicate"
    precise = desk.put_bytes("Observation", "o1", body.replace(b"1.2", b"1.20"))
    assert (precise.outcome, precise.version) == ("stored", 2)
    assert b"1.20" in precise.body


def test_a_correction_replaces_the_fact(desk, patient, result):
    desk.put(patient)
    desk.put(result(value=11.9))
    receipt = desk.put(result(value=12.1, status="corrected"))
    assert receipt.version == 2
    (fact,) = desk.measured("bilirubin_total")
    assert fact.value == Interval.exact(Decimal("12.1"))
    assert fact.source.version == 2


def test_entered_in_error_retracts(desk, patient, result):
    desk.put(patient)
    desk.put(result())
    desk.put(result(status="entered-in-error"))
    assert desk.measured("bilirubin_total") == []


def test_a_lower_status_after_a_higher_one_is_a_conflict(desk, patient, result):
    desk.put(patient)
    desk.put(result(value=12))
    receipt = desk.put(result(value=11, status="preliminary"))
    assert receipt.disposition is Disposition.HELD
    assert receipt.holdings[-1].reason is HeldReason.STATUS_CONFLICT
    (fact,) = desk.measured("bilirubin_total")
    assert fact.status is FactStatus.CONFLICTING


def test_a_result_of_an_unknown_patient_waits_for_the_patient(desk, patient, result):
    receipt = desk.put(result())
    assert receipt.disposition is Disposition.HELD
    assert receipt.holdings[0].reason is HeldReason.UNKNOWN_PATIENT
    assert desk.facts() == []
    desk.put(patient)
    assert len(desk.measured("bilirubin_total")) == 1
    assert held(desk.gateway).items == ()


def test_a_death_date_learnt_later_holds_what_came_after_it(desk, patient, result):
    desk.put(patient)
    desk.put(result())
    desk.put({**patient, "deceasedDateTime": "2026-12-29"})
    assert desk.measured("bilirubin_total") == []
    assert [item.holding.reason for item in held(desk.gateway).items] == [HeldReason.AFTER_DEATH]
    desk.put({**patient, "deceasedDateTime": "2026-12-31"})
    assert len(desk.measured("bilirubin_total")) == 1


def test_what_came_after_a_death_is_told_in_whatever_order_it_arrives(desk, patient, result):
    def stay(name: str, start: str, end: str, **rest: object) -> dict[str, object]:
        return {
            "resourceType": "Encounter",
            "id": name,
            "status": "finished",
            "class": {
                "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
                "code": "IMP",
            },
            "period": {"start": start, "end": end},
            **rest,
        }

    expired = {
        "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/discharge-disposition",
                "code": "exp",
            }
        ]
    }
    death = {"hospitalization": {"dischargeDisposition": expired}}
    told = set()
    for number, order in enumerate(permutations(range(3))):
        subject = f"p{number}"
        about = {"subject": {"reference": f"Patient/{subject}"}}
        sent = [
            stay(f"e{number}", "2026-12-01T08:00:00Z", "2026-12-20T08:00:00Z", **death, **about),
            stay(f"f{number}", "2026-12-28T08:00:00Z", "2026-12-29T08:00:00Z", **death, **about),
            {**result(), "id": f"r{number}", **about},
        ]
        desk.put({**patient, "id": subject})
        for index in order:
            desk.put(sent[index])
        facts = desk.facts(subject)
        assert sum(fact.concept == AFTER_DEATH for fact in facts) == 2
        told.add(frozenset((fact.concept, str(fact.start), fact.status) for fact in facts))
    assert len(told) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"valueQuantity": {"value": 3}}, HeldReason.UNIT_MISSING),
        (
            {"effectiveDateTime": None, "issued": "2026-12-30T09:00:00Z"},
            HeldReason.NO_EFFECTIVE_TIME,
        ),
        ({"effectiveDateTime": "2026-12-31T16:36:00Z"}, HeldReason.FUTURE),
        ({"effectiveDateTime": "1969-01-01"}, HeldReason.BEFORE_BIRTH),
        ({"subject": {"reference": "Group/g1"}}, HeldReason.SUBJECT_NOT_PATIENT),
        ({"subject": None}, HeldReason.NO_SUBJECT),
        (
            {"subject": {"identifier": {"system": "urn:x", "value": "7"}}},
            HeldReason.SUBJECT_NOT_LITERAL,
        ),
        ({"focus": [{"reference": "Patient/p1"}]}, HeldReason.FOCUS_SET),
        (
            {
                "contained": [
                    {
                        "resourceType": "Specimen",
                        "id": "s",
                        "type": {
                            "coding": [{"system": "http://snomed.info/sct", "code": "309201001"}]
                        },
                    }
                ],
                "specimen": {"reference": "#s"},
            },
            HeldReason.SPECIMEN_CONTRADICTS,
        ),
    ],
    ids=lambda value: value if isinstance(value, HeldReason) else "",
)  # the frozen clock stands at 2026-12-31T16:30Z
def test_what_cannot_be_trusted_is_stored_and_held(desk, patient, result, change, reason):
    desk.put(patient)
    receipt = desk.put(result(**change))
    assert receipt.created
    assert receipt.disposition is Disposition.HELD
    assert reason in {holding.reason for holding in receipt.holdings}
    left = [(fact.status, fact.value) for fact in desk.measured("bilirubin_total")]
    # What is wrong with the number alone still shows that there was one.
    shown = [(FactStatus.NO_VALUE, None)] if reason is HeldReason.UNIT_MISSING else []
    assert left == shown


def test_five_minutes_into_the_future_is_still_the_present(desk, patient, result):
    desk.put(patient)
    receipt = desk.put(result(effectiveDateTime="2026-12-31T16:35:00Z"))
    assert receipt.disposition is Disposition.MAPPED


def test_replay_without_a_change_leaves_what_is_held(desk, patient, result):
    desk.put(patient)
    desk.put(result(valueQuantity={"value": 3}))
    again = replay(desk.gateway)
    assert (again.tried, again.held, again.mapped) == (1, 1, 0)


def test_a_batch_is_accounted_for_entry_by_entry(desk, patient, result):
    receipt = desk.bundle(
        "batch",
        {"resource": patient, "request": {"method": "PUT", "url": "Patient/p1"}},
        {"resource": result(), "request": {"method": "PUT", "url": "Observation/o1"}},
        {
            "resource": result("o2", code="8867-4", unit="/min"),
            "request": {"method": "PUT", "url": "Observation/o2"},
        },
        {
            "resource": result("o3", valueQuantity={"value": 3}),
            "request": {"method": "PUT", "url": "Observation/o3"},
        },
        {
            "resource": result("o4", status="done"),
            "request": {"method": "PUT", "url": "Observation/o4"},
        },
    )
    assert [isinstance(entry, AclfError) for entry in receipt.entries] == [False] * 4 + [True]
    refused = receipt.entries[4]
    assert isinstance(refused, AclfError)
    assert refused.issues[0].location == "Bundle.entry[4].resource.status"
    sums, entries = accounting(desk.gateway, "push-1")
    assert (sums.total, sums.mapped, sums.not_needed, sums.held, sums.refused) == (5, 2, 1, 1, 1)
    assert len(entries) == 5


def test_a_transaction_resolves_what_points_inside_it(desk, patient, result):
    anonymous = {name: value for name, value in patient.items() if name != "id"}
    drawn = {name: value for name, value in result().items() if name != "id"}
    receipt = desk.bundle(
        "transaction",
        {
            "fullUrl": "urn:uuid:0b5e0f3c-7b0e-4a8e-9d1e-000000000002",
            "resource": {
                **drawn,
                "subject": {"reference": "urn:uuid:0b5e0f3c-7b0e-4a8e-9d1e-000000000001"},
            },
            "request": {"method": "POST", "url": "Observation"},
        },
        {
            "fullUrl": "urn:uuid:0b5e0f3c-7b0e-4a8e-9d1e-000000000001",
            "resource": anonymous,
            "request": {"method": "POST", "url": "Patient"},
        },
    )
    observation, person = receipt.entries
    assert (observation.type, person.type) == ("Observation", "Patient")
    assert len(desk.measured("bilirubin_total", person.id)) == 1
    assert f'"Patient/{person.id}"'.encode() in observation.body


def test_a_resolved_reference_leaves_the_received_bytes_as_they_were(desk, patient, result):
    patient_url = "urn:uuid:0b5e0f3c-7b0e-4a8e-9d1e-000000000001"
    drawn = result(value=0, subject={"reference": patient_url})
    sent = [  # laid out as no program here would write it
        json.dumps(patient, indent=3).encode(),
        json.dumps(drawn, indent=3).encode().replace(b'"value": 0', b'"value"  :1.20'),
    ]
    requests = [b'{"method":"PUT","url":"Patient/p1"}', b'{"method":"PUT","url":"Observation/o1"}']
    entries = b",\n".join(
        b'{"fullUrl":"%b","resource": %b , "request":%b}' % (url, body, request)
        for url, body, request in zip([patient_url.encode(), b"urn:x"], sent, requests, strict=True)
    )
    body = b'{"resourceType":"Bundle","type":"transaction","entry":[%b]}' % entries
    receipt = receive_bundle(desk.gateway, body, push="push-1", max_entries=2)
    assert b'"Patient/p1"' in receipt.entries[1].body
    with desk.gateway.store.read() as reader:
        for (type_, id_), bytes_ in zip(
            (("Patient", "p1"), ("Observation", "o1")), sent, strict=True
        ):
            assert reader.received(desk.gateway.site, type_, id_, 1) == bytes_
        served = reader.current(desk.gateway.site, "Observation", "o1").body
    assert served == sent[1].replace(patient_url.encode(), b"Patient/p1")


def test_a_conditional_reference_finds_the_patient(desk, patient, result):
    desk.put({**patient, "identifier": [{"system": "urn:mrn", "value": "77"}]})
    named = result(subject={"reference": "Patient?identifier=urn:mrn|77"})
    (receipt,) = desk.bundle(
        "transaction", {"resource": named, "request": {"method": "PUT", "url": "Observation/o1"}}
    ).entries
    assert receipt.disposition is Disposition.MAPPED
    assert len(desk.measured("bilirubin_total")) == 1


@pytest.mark.parametrize(
    "reference",
    ["urn:uuid:0b5e0f3c-7b0e-4a8e-9d1e-00000000000f", "Patient?identifier=urn:mrn|nobody"],
)
def test_a_dangling_reference_refuses_the_whole_transaction(desk, patient, result, reference):
    with pytest.raises(AclfError) as caught:
        desk.bundle(
            "transaction",
            {"resource": patient, "request": {"method": "PUT", "url": "Patient/p1"}},
            {
                "resource": result(subject={"reference": reference}),
                "request": {"method": "PUT", "url": "Observation/o1"},
            },
        )
    assert caught.value.issues[0].location == "Bundle.entry[1].resource.subject.reference"
    with desk.gateway.store.read() as reader:
        assert reader.current(desk.gateway.site, "Patient", "p1") is None
    sums, _ = accounting(desk.gateway, "push-1")
    assert (sums.total, sums.refused) == (2, 2)


def test_a_transaction_names_each_resource_once(desk, patient):
    entry = {"resource": patient, "request": {"method": "PUT", "url": "Patient/p1"}}
    with pytest.raises(AclfError) as caught:
        desk.bundle("transaction", entry, entry)
    assert "entry[0]" in caught.value.issues[0].message


def test_a_unique_identifier_names_one_result(desk, patient, result):
    desk.gateway = replace(desk.gateway, site="demo")
    site = min(desk.gateway.site_map.unique_identifiers)
    identified = {"identifier": [{"system": site, "value": "r-1"}]}
    desk.put(patient)
    first = desk.post({name: v for name, v in result(**identified).items() if name != "id"})
    again = desk.post({name: v for name, v in result(**identified).items() if name != "id"})
    assert (again.outcome, again.id) == ("duplicate", first.id)
    other = result(code="2160-0", **identified)
    with pytest.raises(AclfError) as caught:
        desk.post({name: v for name, v in other.items() if name != "id"})
    assert caught.value.category is Category.CONFLICT


def test_a_patient_learns_a_death_after_the_fact_and_marks_the_subject(desk, patient, result):
    desk.put(patient)
    desk.put(result())
    with desk.gateway.store.read() as reader:
        mark = reader.mark_of(desk.gateway.site, "p1")
    assert mark is not None
    assert mark.since.year == 1  # a new patient is evaluated from the beginning


def test_a_status_conflict_outlives_a_replay_and_a_version_in_between(desk, patient, result):
    desk.put(patient)
    desk.put(result(value=3, status="corrected"))
    desk.put(result(value=30, status="preliminary"))
    desk.put(result(value=29, status="final"))
    assert {fact.status for fact in desk.measured("bilirubin_total")} == {FactStatus.CONFLICTING}
    desk.put({**patient, "birthDate": "1970-05-02"})
    assert {fact.status for fact in desk.measured("bilirubin_total")} == {FactStatus.CONFLICTING}
    assert [item.holding.reason for item in held(desk.gateway).items] == [
        HeldReason.STATUS_CONFLICT
    ]


def test_a_correction_of_the_same_standing_resolves_a_conflict(desk, patient, result):
    desk.put(patient)
    desk.put(result(value=3))
    desk.put(result(value=30, status="preliminary"))
    desk.put(result(value=4, status="corrected"))
    (fact,) = desk.measured("bilirubin_total")
    assert (fact.status, fact.value) == (FactStatus.USABLE, Interval.exact(Decimal(4)))


@pytest.mark.parametrize(
    "pointed",
    ["http://engine.example/fhir/Patient/77", "Patient/77"],
    ids=["by the fullUrl", "by its tail"],
)
def test_any_reference_to_an_entry_is_resolved_in_a_transaction(desk, patient, result, pointed):
    receipt = desk.bundle(
        "transaction",
        {
            "fullUrl": "http://engine.example/fhir/Patient/77",
            "resource": {name: value for name, value in patient.items() if name != "id"},
            "request": {"method": "POST", "url": "Patient"},
        },
        {
            "resource": result(subject={"reference": pointed}),
            "request": {"method": "PUT", "url": "Observation/o1"},
        },
    )
    person, observation = receipt.entries
    assert observation.disposition is Disposition.MAPPED
    assert len(desk.measured("bilirubin_total", person.id)) == 1


def test_nobody_sends_the_arm_of_one_of_our_trials(desk, patient):
    desk.put(patient)
    trial = next(iter(desk.gateway.catalog.protocols))
    subject = {
        "resourceType": "ResearchSubject",
        "id": "theirs",
        "status": "on-study",
        "study": {"reference": f"ResearchStudy/{trial}"},
        "individual": {"reference": "Patient/p1"},
    }
    with pytest.raises(AclfError) as caught:
        desk.put({**subject, "actualArm": "one"})
    assert caught.value.category is Category.UNSUPPORTED
    other = {**subject, "study": {"reference": "ResearchStudy/another"}, "actualArm": "one"}
    assert desk.put(other).disposition is Disposition.MAPPED


@pytest.mark.parametrize(
    "study",
    [
        {"reference": "ResearchStudy/nct03668171"},
        {"reference": "ResearchStudy/nct03668171/_history/1"},
        {"reference": "https://aclf-fhir.example/fhir/ResearchStudy/nct03668171"},
        {"identifier": {"value": "NCT03668171"}},
    ],
    ids=["reference", "version", "canonical", "identifier"],
)
def test_a_subject_of_one_of_our_trials_is_the_gateways_to_make(desk, patient, study):
    desk.put(patient)
    subject = {
        "resourceType": "ResearchSubject",
        "id": "theirs",
        "status": "on-study",
        "study": study,
        "individual": {"reference": "Patient/p1"},
    }
    own = research_subject_id(site="default", subject="p1", trial="nct03668171")
    for send in (desk.put, desk.post, lambda one: desk.put({**one, "id": own})):
        with pytest.raises(AclfError) as caught:
            send(subject)
        assert caught.value.category is Category.CONFLICT
        assert f"ResearchSubject/{own} with If-Match" in caught.value.issues[0].remedy
    assert not [fact for fact in desk.facts() if fact.kind is FactKind.PARTICIPATION]


@pytest.mark.parametrize("type_", ["batch", "transaction"])
def test_nor_is_it_taken_in_a_bundle(desk, patient, type_):
    subject = {
        "resourceType": "ResearchSubject",
        "id": "theirs",
        "status": "on-study",
        "study": {"reference": "ResearchStudy/nct03668171"},
        "individual": {"reference": "Patient/p1"},
    }
    entries = (
        {"resource": patient, "request": {"method": "PUT", "url": "Patient/p1"}},
        {"resource": subject, "request": {"method": "PUT", "url": "ResearchSubject/theirs"}},
    )
    if type_ == "batch":
        error = desk.bundle(type_, *entries).entries[1]
    else:
        with pytest.raises(AclfError) as caught:
            desk.bundle(type_, *entries)
        error = caught.value
    assert isinstance(error, AclfError)
    assert error.category is Category.CONFLICT
    with desk.gateway.store.read() as reader:
        assert reader.current("default", "ResearchSubject", "theirs") is None


@pytest.mark.parametrize("type_", ["batch", "transaction", "collection", "document", "searchset"])
def test_a_bundle_is_never_kept_as_a_resource(desk, patient, type_):
    entry = {"resource": patient}
    if type_ in {"batch", "transaction"}:
        entry["request"] = {"method": "PUT", "url": "Patient/p1"}
    sent = {"resourceType": "Bundle", "id": "b1", "type": type_, "entry": [entry]}
    # The Bundles that have an id are signed documents, which nobody writes.
    for send, status in ((desk.put, 403), (desk.post, 422)):
        with pytest.raises(AclfError) as caught:
            send(sent)
        assert caught.value.http == status
        assert "POST /fhir" in caught.value.issues[0].remedy
    inside = desk.bundle(
        "batch", {"resource": sent, "request": {"method": "POST", "url": "Bundle"}}
    )
    assert isinstance(inside.entries[0], AclfError)
    with desk.gateway.store.read() as reader:
        assert reader.search("default", "Bundle", SearchQuery()).matches == ()


BAD_ENTRIES = {
    "blank": (b'{"resource":%b,"request":{"method":"PUT","url":"Observation/a b"}}', "request.url"),
    "no request": (b'{"resource":%b}', ""),
    "unknown member": (
        b'{"resource":%b,"requests":1,"request":{"method":"POST","url":"Observation"}}',
        "requests",
    ),
    "method": (
        b'{"resource":%b,"request":{"method":"GARBAGE","url":"Observation"}}',
        "request.method",
    ),
    "repeated key": (
        b'{"resource":%b,"request":{"method":"POST","method":"PUT","url":"Observation"}}',
        "request.method",
    ),
    "no resource": (b'{"resource":1,"request":{"method":"POST","url":"Observation"}}', "resource"),
    "no object": (b"1", ""),
    "same name": (
        b'{"fullUrl":"urn:uuid:0c0c2c4e-9d7c-4f7e-8f9e-1d1d1d1d1d1d","resource":%b,'
        b'"request":{"method":"POST","url":"Observation"}}',
        "fullUrl",
    ),
}


def with_a_bad_entry(type_: str, patient, result, bad: bytes) -> bytes:
    name = "urn:uuid:0c0c2c4e-9d7c-4f7e-8f9e-1d1d1d1d1d1d"
    first = {
        "fullUrl": name,
        "resource": patient,
        "request": {"method": "PUT", "url": "Patient/p1"},
    }
    last = {"resource": result(), "request": {"method": "PUT", "url": "Observation/o1"}}
    resource = json.dumps(result("odd")).encode()
    bad = bad.replace(b"%b", resource)
    entries = b",".join((json.dumps(first).encode(), bad, json.dumps(last).encode()))
    return b'{"resourceType":"Bundle","type":"%b","entry":[%b]}' % (type_.encode(), entries)


@pytest.mark.parametrize(("bad", "place"), BAD_ENTRIES.values(), ids=BAD_ENTRIES)
def test_a_bad_entry_of_a_batch_is_refused_alone(desk, patient, result, bad, place):
    body = with_a_bad_entry("batch", patient, result, bad)
    receipt = receive_bundle(desk.gateway, body, push="odd", max_entries=1000)
    first, refused, last = receipt.entries
    assert (first.outcome, last.outcome) == ("stored", "stored")
    assert last.disposition is Disposition.MAPPED
    assert isinstance(refused, AclfError)
    wanted = "Bundle.entry[1]" + (f".{place}" if place else "")
    assert wanted in [issue.location for issue in refused.issues]
    assert all(issue.location.startswith("Bundle.entry[1]") for issue in refused.issues)
    sums, entries = accounting(desk.gateway, "odd")
    assert (sums.total, sums.mapped, sums.refused) == (3, 2, 1)
    assert {one.outcome for one in entries if one.sequence == 1} == {"refused"}


@pytest.mark.parametrize(("bad", "place"), BAD_ENTRIES.values(), ids=BAD_ENTRIES)
def test_a_bad_entry_of_a_transaction_refuses_all(desk, patient, result, bad, place):
    body = with_a_bad_entry("transaction", patient, result, bad)
    with pytest.raises(AclfError) as caught:
        receive_bundle(desk.gateway, body, push="odd", max_entries=1000)
    assert all(issue.location.startswith("Bundle.entry[1]") for issue in caught.value.issues)
    sums, entries = accounting(desk.gateway, "odd")
    assert (sums.total, sums.refused) == (3, 3)
    assert {one.type for one in entries} <= {"Patient", "Observation", ""}
    assert desk.facts() == []


@pytest.mark.parametrize(
    "around", [b'"total":3,', b'"type":"batch",', b'"odd":1,', b'"entry":[],', b'"id":"a b",']
)
def test_what_is_wrong_with_the_bundle_itself_refuses_all(desk, patient, result, around):
    body = with_a_bad_entry("batch", patient, result, BAD_ENTRIES["method"][0])
    body = body.replace(b"{", b"{" + around, 1)
    with pytest.raises(AclfError):
        receive_bundle(desk.gateway, body, push="odd", max_entries=1000)
    assert desk.facts() == []


def test_a_copy_of_our_own_subject_is_never_input(desk, patient):
    desk.put(patient)
    trial = next(iter(desk.gateway.catalog.protocols))
    copy = {
        "resourceType": "ResearchSubject",
        "id": "copy",
        "meta": {
            "tag": [
                {"system": "https://aclf-fhir.example/fhir/CodeSystem/origin", "code": "derived"}
            ]
        },
        "status": "potential-candidate",
        "study": {"reference": f"ResearchStudy/{trial}"},
        "individual": {"reference": "Patient/p1"},
    }
    receipt = desk.put(copy)
    assert (receipt.disposition, receipt.rule) == (Disposition.NOT_NEEDED, "own-derived")
    with pytest.raises(AclfError, match="keeps one subject per person"):
        desk.put({**copy, "status": "on-study"})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {
                "code": {
                    "coding": [
                        {"system": "http://loinc.org", "code": "1975-2"},
                        {"system": "http://loinc.org", "code": "1968-7"},
                    ]
                }
            },
            HeldReason.CONTRADICTING_CODES,
        ),
        *(
            (
                {
                    "valueQuantity": {
                        "value": 3,
                        "unit": text,
                        "system": "http://unitsofmeasure.org",
                        "code": "mg/dL",
                    }
                },
                HeldReason.UNIT_DISAGREES,
            )
            for text in ("Umol/L", "IU/L", "mEq/L", "umol per liter", "µmol/l (total)")
        ),
    ],
)
def test_what_contradicts_itself_is_held(desk, patient, result, change, reason):
    desk.put(patient)
    receipt = desk.put({**result(), **change})
    assert reason in {holding.reason for holding in receipt.holdings}
    assert not [
        fact for fact in desk.measured("bilirubin_total") if fact.status is FactStatus.USABLE
    ]


def test_words_beside_a_code_do_not_outweigh_it(desk, patient, result):
    desk.put(patient)
    quantity = {
        "value": 3,
        "unit": "milligrams per deciliter",
        "system": "http://unitsofmeasure.org",
        "code": "mg/dL",
    }
    assert desk.put(result(valueQuantity=quantity)).disposition is Disposition.MAPPED


def test_an_absolute_reference_to_this_very_server_is_its_own(desk, patient, result):
    desk.gateway = replace(desk.gateway, base="http://127.0.0.1:8000/fhir")
    desk.put(patient)
    here = result(subject={"reference": "http://127.0.0.1:8000/fhir/Patient/p1"})
    assert desk.put(here).disposition is Disposition.MAPPED
    elsewhere = result("o2", subject={"reference": "http://127.0.0.1:8001/fhir/Patient/p1"})
    assert desk.put(elsewhere).disposition is Disposition.HELD


def refused_as(desk, push: str) -> list[tuple[str, str]]:
    return [(one.type, one.detail) for one in accounting(desk.gateway, push)[1]]


def test_the_account_of_a_failed_transaction_names_what_is_there(desk, patient, result):
    with pytest.raises(AclfError):
        desk.bundle(
            "transaction",
            {"resource": patient, "request": {"method": "PUT", "url": "Patient/p1"}},
            {
                "resource": result("o1", status="done"),
                "request": {"method": "PUT", "url": "Observation/o1"},
            },
            {"resource": result("o2"), "request": {"method": "DELETE", "url": "Observation/o2"}},
        )
    first, second, third = refused_as(desk, "push-1")
    assert first == ("Patient", "invalid: refused with entry 1 of its transaction")
    assert second[0] == "Observation"
    assert second[1].startswith("invalid: Observation.status: must be one of")
    assert third[1].startswith("unsupported: request.method: ")


def test_the_account_of_a_batch_groups_what_is_alike(desk, patient, result):
    bad = [
        {
            "resource": result(f"o{number}", status="done"),
            "request": {"method": "PUT", "url": f"Observation/o{number}"},
        }
        for number in range(2)
    ]
    desk.bundle("batch", *bad)
    assert len(set(refused_as(desk, "push-1"))) == 1


def test_an_account_has_no_empty_places(desk):
    with pytest.raises(AclfError):
        receive_bundle(desk.gateway, b"{", push="odd", max_entries=10)
    ((type_, detail),) = refused_as(desk, "odd")
    assert type_ == "Bundle"
    assert detail.startswith("invalid: The body is not JSON")
