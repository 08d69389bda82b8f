"""What was judged before is only decoded, and what cannot be decoded is still refused."""

import pytest

from aclf_fhir.errors import AclfError
from aclf_fhir.fhir import parse_resource, read_resource

BODY = b'{"resourceType":"Observation","id":"a","status":"final","code":{"text":"x"}}'


def test_it_reads_what_was_parsed():
    assert read_resource(BODY, "Observation") == parse_resource(BODY)


@pytest.mark.parametrize(
    "body",
    [
        BODY.replace(b'"final"', b'"finished"'),
        BODY.replace(b'"id"', b'"ident"'),
        BODY[:-1],
    ],
)
def test_it_refuses_what_is_no_such_resource(body):
    with pytest.raises(AclfError):
        read_resource(body, "Observation")


def test_it_refuses_another_type():
    with pytest.raises(AclfError):
        read_resource(BODY, "Patient")
