"""A gateway on each database, and invented resources to push into it."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from aclf_fhir.catalog import load_catalog
from aclf_fhir.store import Store
from aclf_fhir.workflows.bundles import BundleReceipt, receive_bundle
from aclf_fhir.workflows.gateway import Gateway
from aclf_fhir.workflows.intake import Incoming, Receipt, receive

CATALOG = load_catalog()
DRAWN = "2026-12-30T08:00:00Z"


class Desk:
    """Pushes invented resources the way the HTTP edge does."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.pushes = 0

    def put(self, resource: dict[str, Any], *, if_match: str | None = None) -> Receipt:
        return self._receive("PUT", resource, resource["id"], if_match)

    def post(self, resource: dict[str, Any]) -> Receipt:
        return self._receive("POST", resource, None, None)

    def bundle(self, type_: str, *entries: dict[str, Any]) -> BundleReceipt:
        self.pushes += 1
        body = {"resourceType": "Bundle", "type": type_, "entry": list(entries)}
        return receive_bundle(
            self.gateway, json.dumps(body).encode(), push=f"push-{self.pushes}", max_entries=1000
        )

    def facts(self, subject: str = "p1") -> list[Any]:
        with self.gateway.store.read() as reader:
            return reader.facts(self.gateway.site, subject)

    def measured(self, concept: str, subject: str = "p1") -> list[Any]:
        return [fact for fact in self.facts(subject) if fact.concept == concept]

    def _receive(
        self, method: Any, resource: dict[str, Any], id_: str | None, if_match: str | None
    ) -> Receipt:
        body = json.dumps(resource).encode()
        return self._send(method, resource["resourceType"], id_, body, if_match)

    def put_bytes(self, type_: str, id_: str, body: bytes) -> Receipt:
        return self._send("PUT", type_, id_, body, None)

    def _send(
        self, method: Any, type_: str, id_: str | None, body: bytes, if_match: str | None
    ) -> Receipt:
        self.pushes += 1
        incoming = Incoming(method=method, type=type_, id=id_, body=body, if_match=if_match)
        return receive(self.gateway, incoming, push=f"push-{self.pushes}")


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    with Store.open(database_url) as store:
        yield Desk(
            Gateway(
                store=store,
                catalog=CATALOG,
                site="default",
                clock=lambda: datetime.now(UTC),
                trial_keys={trial: trial.encode() * 4 for trial in CATALOG.protocols},
                software_version="0",
            )
        )


@pytest.fixture
def patient() -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": "p1",
        "gender": "female",
        "birthDate": "1970-05-01",
        "name": [{"family": "Invented"}],
    }


@pytest.fixture
def result() -> Callable[..., dict[str, Any]]:
    """Make a laboratory result; keywords replace its elements, None leaves one out."""

    def make(
        id_: str = "o1", code: str = "1975-2", value: Any = 12, unit: str = "mg/dL", **more: Any
    ) -> dict[str, Any]:
        resource = {
            "resourceType": "Observation",
            "id": id_,
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "subject": {"reference": "Patient/p1"},
            "effectiveDateTime": DRAWN,
            "valueQuantity": {
                "value": value,
                "unit": unit,
                "system": "http://unitsofmeasure.org",
                "code": unit,
            },
            **more,
        }
        return {name: element for name, element in resource.items() if element is not None}

    return make
