"""Opening a gateway on a database that another version of the rules has written."""

import json
from pathlib import Path

import pytest

from aclf_fhir.workflows.evaluating import evaluate_marked
from aclf_fhir.workflows.gateway import Gateway
from aclf_fhir.workflows.intake import Incoming, receive
from aclf_fhir.workflows.opening import close_gateway, open_gateway
from aclf_fhir.workflows.reading import search
from tests.conftest import ROOT

TRIAL = "nct03668171"


@pytest.fixture
def written(database_url: str, patient: dict[str, object]) -> str:
    gateway = open_gateway(database=database_url, site="default")
    body = json.dumps(patient).encode()
    receive(gateway, Incoming(method="PUT", type="Patient", id="p1", body=body), push="first")
    evaluate_marked(gateway, limit=10)
    close_gateway(gateway)
    return database_url


def amended(folder: Path) -> Path:
    """Lay a second version of a protocol over the first: it ends at 50 years."""
    text = (ROOT / "trials" / f"{TRIAL}.yaml").read_text(encoding="utf-8")
    for before, after in (('version: "1"', 'version: "2"'), ("max: 70 a}", "max: 50 a}")):
        assert text.count(before) == 1
        text = text.replace(before, after)
    trials = folder / "trials"
    trials.mkdir()
    (trials / f"{TRIAL}.yaml").write_text(text, encoding="utf-8")
    return trials


def verdict(gateway: Gateway) -> str:
    found = search(gateway, "Observation", [("patient", "p1"), ("category", "verdict")])
    bodies = [json.loads(one.body) for one in found.entries]
    (says,) = [one for one in bodies if TRIAL in one["code"]["coding"][0]["system"]]
    return f"{says['valueCodeableConcept']['coding'][0]['code']}, {says['method']['text']}"


def test_another_version_of_a_protocol_judges_everybody_again(written: str, tmp_path: Path) -> None:
    gateway = open_gateway(database=written, site="default", trials=amended(tmp_path))
    try:
        assert verdict(gateway) == f"ineligible, Protocol {TRIAL}, version 2"
        (newest,) = search(
            gateway, "Provenance", [("_sort", "-_lastUpdated"), ("_count", "1")]
        ).entries
        assert json.loads(newest.body)["reason"][0]["coding"][0]["code"] == "rules-changed"
    finally:
        close_gateway(gateway)


def test_the_same_protocols_judge_nobody_again(written: str) -> None:
    gateway = open_gateway(database=written, site="default")
    try:
        with gateway.store.read() as reader:
            assert reader.mark_of("default", "p1") is None
        assert verdict(gateway) == f"undetermined, Protocol {TRIAL}, version 1"
    finally:
        close_gateway(gateway)
