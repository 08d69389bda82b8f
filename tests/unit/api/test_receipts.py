from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from aclf_fhir.api.asking import Preferences
from aclf_fhir.api.receipts import answer_bundle, answer_write
from aclf_fhir.errors import AclfError, Category
from aclf_fhir.mapping.models import Disposition, HeldReason, Holding
from aclf_fhir.workflows.bundles import BundleReceipt
from aclf_fhir.workflows.intake import Receipt

BASE = "http://127.0.0.1:8000/fhir"
RECEIPT = Receipt(
    type="Observation",
    id="o1",
    version=3,
    last_updated=datetime(2024, 3, 5, 8, 0, 0, 999_000, tzinfo=UTC),
    outcome="stored",
    created=False,
    disposition=Disposition.MAPPED,
    rule="",
    holdings=(),
    body=b'{"resourceType":"Observation"}',
)
HELD = replace(
    RECEIPT,
    version=1,
    created=True,
    disposition=Disposition.HELD,
    holdings=tuple(
        Holding(reason, "Observation.valueQuantity", "what to do") for reason in HeldReason
    ),
)
TOLD = Preferences("OperationOutcome")


def test_an_update_answers_its_version_and_when() -> None:
    answer = answer_write(RECEIPT, Preferences(), BASE)
    assert answer.status_code == 200
    assert answer.headers["etag"] == 'W/"3"'
    assert answer.headers["last-modified"] == "Tue, 05 Mar 2024 08:00:00 GMT"
    assert "location" not in answer.headers
    assert msgspec.json.decode(answer.body)["meta"] == {
        "versionId": "3",
        "lastUpdated": "2024-03-05T08:00:00.999Z",
    }


def test_every_reason_of_a_held_create_is_told_as_a_warning() -> None:
    answer = answer_write(HELD, Preferences("minimal"), BASE)
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{BASE}/Observation/o1/_history/1"
    assert answer.headers["etag"] == 'W/"1"'
    issues = msgspec.json.decode(answer.body)["issue"]
    assert [issue["severity"] for issue in issues] == ["warning"] * len(HeldReason)
    for issue, reason in zip(issues, HeldReason, strict=True):
        assert reason in issue["diagnostics"]
        assert issue["expression"] == ["Observation.valueQuantity"]


@pytest.mark.parametrize(
    ("receipt", "text"),
    [
        (RECEIPT, "Stored as version 3."),
        (replace(RECEIPT, outcome="duplicate"), "Nothing new: this is version 3."),
        (
            replace(RECEIPT, disposition=Disposition.NOT_NEEDED, rule="order-without-use"),
            "Not needed, by the rule order-without-use.",
        ),
    ],
)
def test_what_became_of_a_resource_can_be_asked_for(receipt: Receipt, text: str) -> None:
    (issue,) = msgspec.json.decode(answer_write(receipt, TOLD, BASE).body)["issue"]
    assert (issue["severity"], issue["code"]) == ("information", "informational")
    assert text in issue["diagnostics"]


def test_a_bundle_answers_entry_by_entry_in_order() -> None:
    error = AclfError.of(Category.CONFLICT, "Bundle.entry[1].resource.code", "differs")
    receipt = BundleReceipt("batch", (HELD, error, RECEIPT))
    answer = msgspec.json.decode(answer_bundle(receipt, Preferences()).body)
    held, refused, stored = (entry["response"] for entry in answer["entry"])
    assert held["status"] == "201 Created"
    expressions = {path for issue in held["outcome"]["issue"] for path in issue["expression"]}
    assert expressions == {"Bundle.entry[0].resource.valueQuantity"}
    assert refused["status"] == "409 Conflict"
    assert refused["outcome"]["issue"][0]["code"] == "conflict"
    assert stored == {
        "status": "200 OK",
        "location": "Observation/o1/_history/3",
        "etag": 'W/"3"',
        "lastModified": "2024-03-05T08:00:00.999Z",
    }
