"""Which references only the gateway can resolve, however they are written."""

import json

import pytest

from aclf_fhir.workflows.preparing import Incoming, prepare


def unresolved(reference_member: str, **more: object) -> tuple[tuple[str, str], ...]:
    rest = json.dumps({"status": "final", "code": {"text": "x"}, **more})[1:]
    body = f'{{"resourceType":"Observation","subject":{{{reference_member}}},{rest}'
    incoming = Incoming(method="POST", type="Observation", id=None, body=body.encode())
    return prepare(incoming).unresolved


@pytest.mark.parametrize(
    ("member", "text"),
    [
        ('"reference":"urn:uuid:1"', "urn:uuid:1"),
        ('"reference" :\n "urn:uuid:1"', "urn:uuid:1"),
        ('"reference":"Patient?identifier=a|1"', "Patient?identifier=a|1"),
        ('"reference":"\\u0075rn:uuid:1"', "urn:uuid:1"),
        ('"\\u0072eference":"urn:uuid:1"', "urn:uuid:1"),
        ('"reference":"Patient\\u003fidentifier=a|1"', "Patient?identifier=a|1"),
    ],
)
def test_a_urn_and_a_search_are_found(member: str, text: str) -> None:
    assert unresolved(member) == (("Observation.subject.reference", text),)


def test_a_literal_reference_and_a_urn_elsewhere_need_nothing() -> None:
    identifier = [{"system": "urn:oid:1.2.3", "value": "7"}]
    assert unresolved('"reference":"Patient/1"', identifier=identifier) == ()
