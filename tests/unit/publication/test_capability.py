import json
from datetime import date

from aclf_fhir.publication.capability import (
    OfferedOperation,
    OfferedParameter,
    OfferedResource,
    capability_statement,
)

READ_ONLY = OfferedResource(
    type="ResearchStudy",
    interactions=("read",),
    parameters=(OfferedParameter("identifier", "token"),),
)
FULL = OfferedResource(
    type="Observation",
    interactions=("read", "vread", "search-type", "create"),
    parameters=(OfferedParameter("code", "token", "Any coding counts"),),
    operations=(OfferedOperation("score"), OfferedOperation("lastn", "http://hl7.org/x")),
    profiles=("score",),
    conditional_create=True,
)


def statement(*resources: OfferedResource) -> dict[str, object]:
    return json.loads(
        capability_statement(
            url="http://127.0.0.1:8000/fhir",
            description="Site zone",
            software_version="0.1.0",
            released=date(2026, 11, 22),
            resources=resources,
            interactions=("transaction", "batch"),
            operations=(OfferedOperation("held"),),
            parameters=(OfferedParameter("_lastUpdated", "date"),),
        )
    )


def test_the_statement_says_what_is_registered_and_no_more() -> None:
    (rest,) = statement(READ_ONLY, FULL)["rest"]
    observation, study = rest["resource"]
    assert observation["type"] == "Observation"
    assert [one["code"] for one in observation["interaction"]] == [
        "read",
        "vread",
        "search-type",
        "create",
    ]
    assert observation["readHistory"]
    assert observation["conditionalCreate"]
    assert not observation["conditionalUpdate"]
    assert observation["searchParam"] == [
        {"name": "code", "type": "token", "documentation": "Any coding counts"}
    ]
    assert [one["definition"] for one in observation["operation"]] == [
        "https://aclf-fhir.example/fhir/OperationDefinition/score",
        "http://hl7.org/x",
    ]
    assert not study["readHistory"]
    assert "searchParam" not in study
    assert [one["code"] for one in rest["interaction"]] == ["transaction", "batch"]
    assert rest["operation"][0]["name"] == "held"


def test_the_order_of_registration_does_not_matter() -> None:
    assert statement(READ_ONLY, FULL) == statement(FULL, READ_ONLY)
