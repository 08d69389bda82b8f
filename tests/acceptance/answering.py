"""Print what `$screen` answers of the clean patient; `test_determinism` runs it as a process.

Usage::

    python -m tests.acceptance.answering DATABASE_URL
"""

import random
import sys
from datetime import UTC, datetime, timedelta

import msgspec
import time_machine
from fastapi.testclient import TestClient

from aclf_fhir.api import create_app
from aclf_fhir.settings import Settings
from tests.acceptance.catalogue import base_patient
from tests.acceptance.charting import Chart

LEARNT = datetime(2024, 3, 15, 10, tzinfo=UTC)
NOON = datetime(2024, 3, 15, 12, tzinfo=UTC)
ASKED = "/fhir/Patient/p/$screen?asOf=2024-03-15T12:00:00Z&knownAt=2024-03-15T12:00:00Z"

_encode = msgspec.json.Encoder(decimal_format="number").encode


def learn(url: str, *, order: int, apart: timedelta | None = None) -> bytes:
    """Push the clean patient in some order, at once or one by one; return what `$screen` says."""
    patient = base_patient("clean")
    chart = Chart("p", patient.zone).learn(patient.patient, patient.when, patient.asked)
    random.Random(order).shuffle(chart)  # noqa: S311 - an order, no secret
    entries = [
        {
            "resource": one,
            "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"},
        }
        for one in chart
    ]
    groups = [entries] if apart is None else [[entry] for entry in entries]
    opened = LEARNT - timedelta(minutes=1)
    with time_machine.travel(opened, tick=False) as clock, gateway(url) as client:
        for number, group in enumerate(groups):
            clock.move_to(LEARNT + number * (apart or timedelta()))
            body = _encode({"resourceType": "Bundle", "type": "transaction", "entry": group})
            client.post(
                "/fhir", content=body, headers={"Content-Type": "application/fhir+json"}
            ).raise_for_status()
        clock.move_to(NOON)
        return client.get(ASKED).raise_for_status().content


def gateway(url: str) -> TestClient:
    """Return a client of a gateway on a database."""
    return TestClient(create_app(Settings(database=url)), "http://127.0.0.1")


def main() -> None:
    with time_machine.travel(NOON, tick=False), gateway(sys.argv[1]) as client:
        sys.stdout.buffer.write(client.get(ASKED).raise_for_status().content)


if __name__ == "__main__":
    main()
