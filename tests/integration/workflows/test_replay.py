"""What is held is judged anew once the rules have changed, with nobody sending it again."""

import json
import logging
import time
from dataclasses import replace

import pytest

from aclf_fhir.catalog import Catalog, load_catalog
from aclf_fhir.evaluator import Evaluator
from aclf_fhir.mapping.models import Disposition, HeldReason, Holding, MappingOutcome
from aclf_fhir.store import IndexRows, SearchQuery
from aclf_fhir.workflows.evaluating import evaluate_marked
from aclf_fhir.workflows.worklist import Replayed, held, replay, replay_outdated
from tests.integration.workflows.conftest import Desk

LOCAL = {"code": {"coding": [{"system": "urn:lab", "code": "BILI"}]}}
SITE = """
title: A hospital whose laboratory has its own code
zone: UTC
systems: {lab: "urn:lab"}
analytes: {lab: {BILI: {analyte: bilirubin_total}}}
"""


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Load a catalog whose site file declares the code that was missing."""
    folder = tmp_path_factory.mktemp("mappings")
    (folder / "sites").mkdir()
    (folder / "sites" / "default.yaml").write_text(SITE)
    return load_catalog(mappings=folder)


@pytest.fixture
def later(desk: Desk, mended: Catalog) -> Desk:
    """The same gateway after the site file was mended."""
    return Desk(replace(desk.gateway, catalog=mended))


def finish(desk: Desk, limit: int = 2) -> Replayed:
    total, after = Replayed(), 0
    while after is not None:
        step, after = replay_outdated(desk.gateway, after=after, limit=limit)
        total += step
    return total


def test_a_declared_code_maps_what_was_held(desk, later, patient, result):
    desk.put(patient)
    for name, code, value, unit in (
        ("inr", "6301-6", 1.8, "{INR}"),
        ("crea", "2160-0", 1.9, "mg/dL"),
    ):
        desk.put(result(name, code=code, value=value, unit=unit))
    receipt = desk.put({**result("bili"), **LOCAL})
    assert receipt.holdings[0].reason is HeldReason.UNMAPPED_CODE
    while evaluate_marked(desk.gateway, limit=100):
        pass
    assert finish(desk) == Replayed()  # the rules are those it was judged by

    assert finish(later) == Replayed(tried=1, mapped=1)
    (fact,) = later.measured("bilirubin_total")
    assert fact.known > receipt.last_updated  # known from the moment of the replay
    assert held(later.gateway).items == ()
    assert finish(later) == Replayed()

    while evaluate_marked(later.gateway, limit=100):
        pass
    with later.gateway.store.read() as reader:
        traces = reader.search("default", "Provenance", SearchQuery()).matches
    newest = json.loads(max(traces, key=lambda one: one.last_updated).body)
    assert newest["reason"][0]["coding"][0]["code"] == "replay"
    assert any("Observation/" in one["reference"] for one in newest["target"])


def test_what_stays_held_is_judged_once(desk, later, patient, result):
    desk.put(patient)
    for number in range(5):
        desk.put(result(f"o{number}", valueQuantity={"value": 3}))
    assert finish(later) == Replayed(tried=5, held=5)
    assert finish(later) == Replayed()


def test_a_resend_is_judged_anew_only_when_the_rules_changed(desk, later, patient, result):
    desk.put(patient)
    first = desk.put({**result("bili"), **LOCAL})
    (item,) = held(desk.gateway).items
    again = desk.put({**result("bili"), **LOCAL})
    assert (again.outcome, again.disposition) == ("duplicate", Disposition.HELD)
    assert held(desk.gateway).items == (item,)

    mapped = later.put({**result("bili"), **LOCAL})
    assert (mapped.outcome, mapped.version) == ("duplicate", first.version)
    assert (mapped.disposition, mapped.holdings) == (Disposition.MAPPED, ())
    assert later.measured("bilirubin_total")


def test_other_software_judges_anew(desk, patient, result):
    desk.put(patient)
    desk.put(result(valueQuantity={"value": 3}))
    newer = Desk(replace(desk.gateway, software_version="1"))
    assert finish(newer) == Replayed(tried=1, held=1)


def test_one_that_cannot_be_judged_ends_nothing(desk, later, patient, result):
    """Stored by an older version, say, that knew less of R4."""

    def spoil(tx):
        stored = tx.put("default", "Observation", "odd", b"{}", content_hash=b"", index=IndexRows())
        reason = Holding(HeldReason.UNMAPPED_CODE, "Observation.code", "")
        outcome = MappingOutcome(Disposition.HELD, holdings=(reason,))
        tx.settle("default", "Observation", "odd", stored.version, outcome)

    desk.put(patient)
    desk.gateway.store.write(spoil)
    desk.put({**result("bili"), **LOCAL})
    assert finish(later, limit=1) == Replayed(tried=2, mapped=1, failed=1)
    assert replay(later.gateway) == Replayed(tried=1, failed=1)


@pytest.mark.real_clock
def test_a_gateway_that_starts_replays_beside_its_work(desk, later, patient, result, caplog):
    desk.put(patient)
    for number in range(30):
        at = f"2025-10-{number + 1:02}T08:00:00Z"
        desk.put({**result(f"bili{number}", effectiveDateTime=at), **LOCAL})
    new = result("new", code="2160-0", value=1, effectiveDateTime="2025-10-01T08:00:00Z")
    caplog.set_level(logging.INFO)
    evaluator = Evaluator(later.gateway)
    evaluator.start()
    try:
        # What comes in meanwhile is answered, and waits for no replay.
        assert later.put(new).disposition is Disposition.MAPPED
        deadline = time.monotonic() + 30
        while held(later.gateway).items and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        evaluator.stop()
    assert held(later.gateway).items == ()
    assert len(later.measured("bilirubin_total")) == 30
    text = caplog.text
    assert "replay.done tried=30 mapped=30 not_needed=0 held=0 failed=0" in text
    assert not [word for word in ("urn:lab", "BILI", "bili1", "p1") if word in text]
