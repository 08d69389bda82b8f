import subprocess
import sys
from decimal import Decimal

import msgspec
import pytest

from aclf_fhir.publication.derived import Derived, derived_id, distinct, revise, with_status, write
from aclf_fhir.record import SourceVersion


def observation(**members: object) -> bytes:
    return msgspec.json.encode({"resourceType": "Observation", "id": "1"} | members)


def fresh(**members: object) -> Derived:
    return Derived("Observation", "1", observation(**members))


def test_the_same_identity_has_the_same_id_in_every_process() -> None:
    # Computed once and kept: stored ids must not move.
    assert derived_id("north", "Observation", "p1", "meld_optn") == (
        "1bf23446-e0bd-5c16-944b-abc79d17451e"
    )


@pytest.mark.parametrize(
    "other",
    [
        ("south", "Observation", "p1", "meld_optn"),
        ("north", "Provenance", "p1", "meld_optn"),
        ("north", "Observation", "p2", "meld_optn"),
        ("north", "Observation", "p1", "meld_optn", ""),
        ("north", "Observation", "p1meld_optn"),
    ],
)
def test_another_identity_has_another_id(other: tuple[str, str, str]) -> None:
    assert derived_id(*other) != derived_id("north", "Observation", "p1", "meld_optn")


def test_an_identity_cannot_be_spelled_in_two_ways() -> None:
    with pytest.raises(ValueError, match="business identity"):
        derived_id("north", "Observation", "p1|meld_optn")


def test_decimals_are_written_digit_by_digit() -> None:
    assert write({"value": Decimal("1.20"), "raw": msgspec.Raw(b'{"x": 1.0}')}) == (
        b'{"value":1.20,"raw":{"x": 1.0}}'
    )


def test_a_derived_resource_knows_its_own_reference_and_sources() -> None:
    late, early = SourceVersion("Observation", "b", 1), SourceVersion("Observation", "a", 10)
    derived = Derived.of(
        {"resourceType": "Observation", "id": "1"},
        subject="p1",
        sources=[late, early, SourceVersion("Observation", "b", 1, "Observation.component[0]")],
    )
    assert derived.reference == "Observation/1"
    assert derived.sources == (early, late)
    assert derived.body == b'{"resourceType":"Observation","id":"1"}'


def test_versions_are_ordered_as_numbers() -> None:
    versions = [SourceVersion("Condition", "a", number) for number in (10, 9)]
    assert [one.version for one in distinct(versions)] == [9, 10]


def test_another_status_changes_no_other_byte() -> None:
    body = b'{"resourceType":"Observation", "status" : "final","valueQuantity":{"value": 1.20}}'
    withdrawn = body.replace(b', "status" : "final"', b',"status":"entered-in-error"')
    assert with_status(body, "entered-in-error") == withdrawn


def test_nothing_changed_nothing_written() -> None:
    stored = observation(
        meta={"versionId": "3", "lastUpdated": "2024-01-01T00:00:00.000Z"}, status="amended", v=1
    )
    assert revise(stored, fresh(meta={"tag": []}, status="final", v=1)) is None


def test_a_changed_observation_is_amended() -> None:
    revised = revise(observation(status="final", v=1), fresh(status="final", v=2))
    assert revised is not None
    assert revised.body == observation(status="amended", v=2)


def test_a_number_with_another_zero_is_a_change() -> None:
    stored = b'{"resourceType":"Observation","id":"1","status":"final","v":1.20}'
    again = Derived("Observation", "1", stored.replace(b"1.20", b"1.2"))
    assert revise(stored, again) is not None


def test_what_was_withdrawn_comes_back_amended() -> None:
    revised = revise(observation(status="entered-in-error"), fresh(status="final"))
    assert revised is not None
    assert b'"amended"' in revised.body


def test_a_withdrawal_stays_a_withdrawal() -> None:
    revised = revise(observation(status="final"), fresh(status="entered-in-error"))
    assert revised is not None
    assert b'"entered-in-error"' in revised.body


@pytest.mark.parametrize(
    ("profile", "written"), [("criterion", False), ("verdict", False), ("score", True)]
)
def test_only_what_is_judged_may_be_judged_again_for_another_instant(
    profile: str, written: bool
) -> None:
    meta = {"profile": [f"https://aclf-fhir.example/fhir/StructureDefinition/{profile}"]}
    stored = observation(meta=meta, status="final", effectiveDateTime="2024-01-01T00:00:00Z")
    again = fresh(meta=meta, status="final", effectiveDateTime="2024-01-02T00:00:00Z")
    assert (revise(stored, again) is not None) is written


def test_other_resources_have_no_amended_status() -> None:
    stored = b'{"resourceType":"Device","id":"1","status":"active"}'
    changed = Derived("Device", "1", b'{"resourceType":"Device","id":"1","status":"inactive"}')
    assert revise(stored, changed) is changed


def test_a_resource_without_a_status_can_change() -> None:
    changed = Derived("Patient", "1", b'{"resourceType":"Patient","id":"1","active":true}')
    assert revise(b'{"resourceType":"Patient","id":"1"}', changed) is changed


@pytest.mark.slow
def test_another_process_writes_the_same_id() -> None:
    program = "from aclf_fhir.publication.derived import derived_id as d; print(d('a', 'B', 'c'))"
    run = [sys.executable, "-c", program]
    other = subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip()
    assert other == derived_id("a", "B", "c")
