import json
from typing import Any

import pytest
import responses

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.remote import Capability, FhirServer, RetryPolicy, check_server

BASE = "http://127.0.0.1:9/fhir"
TYPES = (
    "Patient",
    "Encounter",
    "Observation",
    "Condition",
    "Procedure",
    "MedicationAdministration",
    "MedicationRequest",
)
PARAMETERS = ("identifier", "_lastUpdated", "patient", "date", "code")


def statement(**changes: Any) -> dict[str, Any]:
    resources = [
        {
            "type": type_,
            "interaction": [{"code": code} for code in ("read", "search-type", "update")],
            "searchParam": [{"name": name, "type": "token"} for name in PARAMETERS],
            "updateCreate": True,
        }
        for type_ in TYPES
    ]
    rest = {
        "mode": "server",
        "resource": resources,
        "interaction": [{"code": "batch"}],
        "operation": [{"name": "intake", "definition": "x"}],
    }
    return {
        "resourceType": "CapabilityStatement",
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "software": {"name": "Other", "version": "7"},
        "rest": [rest],
        **changes,
    }


def read(document: Any) -> Capability:
    with responses.RequestsMock() as wire:
        wire.get(f"{BASE}/metadata", body=json.dumps(document))
        return Capability.of(FhirServer(BASE, retry=RetryPolicy(attempts=1)))


def missing(document: Any) -> list[str]:
    return [one.what for one in check_server(read(document)) if one.state == "missing"]


def test_a_server_that_has_all_lacks_nothing() -> None:
    capability = read(statement())
    assert capability.software == "Other 7"
    assert capability.operations == {"intake"}
    assert missing(statement()) == []


def test_another_version_of_fhir_is_missing_r4() -> None:
    assert missing(statement(fhirVersion="5.0.0")) == ["FHIR 4.0 (R4)"]


def test_a_server_of_xml_only_is_missing_json() -> None:
    assert missing(statement(format=["xml", "application/fhir+xml"])) == ["JSON"]


def test_what_a_type_does_not_offer_is_missing() -> None:
    document = statement()
    observation = document["rest"][0]["resource"][2]
    observation["interaction"] = [{"code": "read"}]
    observation["searchParam"] = []
    assert missing(document) == [
        "Observation search-type",
        "Observation update",
        "Observation search by patient",
        "Observation search by code",
        "Observation search by date",
    ]


def test_a_parameter_of_the_whole_system_is_one_of_every_type() -> None:
    document = statement()
    rest = document["rest"][0]
    for one in rest["resource"]:
        one["searchParam"] = [named for named in one["searchParam"] if named["name"] != "patient"]
    assert "Observation search by patient" in missing(document)
    rest["searchParam"] = [{"name": "patient", "type": "reference"}]
    assert missing(document) == []


def test_a_server_that_chooses_ids_itself_cannot_keep_the_senders() -> None:
    document = statement()
    document["rest"][0]["resource"][0]["updateCreate"] = False
    assert missing(document) == ["Patient ids chosen by the client"]


def test_an_empty_statement_is_missing_everything_it_can() -> None:
    assert "batch or transaction" in missing({"resourceType": "CapabilityStatement"})


@pytest.mark.parametrize("body", ["<html>", "[]", '{"resourceType":"Patient"}', '{"rest": 1}'])
def test_what_is_no_capability_statement_is_refused(body: str) -> None:
    with responses.RequestsMock() as wire:
        wire.get(f"{BASE}/metadata", body=body)
        with pytest.raises(AclfError) as caught:
            Capability.of(FhirServer(BASE))
    assert caught.value.category is Category.UNSUPPORTED
