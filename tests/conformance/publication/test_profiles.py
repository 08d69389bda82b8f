"""What `profiles/` says is what the program does, and it is R4."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from aclf_fhir.codes import CANONICAL_BASE
from aclf_fhir.fhir import parse_resource
from aclf_fhir.publication import (
    STATUS_REASON,
    TrialZone,
    blind_outcome,
    blind_verdict,
    findings,
    outcome_observation,
    provenance,
    read_signed,
    research_study,
    research_subject,
    review_task,
    score_observations,
    subject_list,
    verdict_observations,
)
from aclf_fhir.record import SourceVersion
from aclf_fhir.scores import SCORES
from tests.conftest import ROOT
from tests.unit.publication.cases import (
    SUBJECT,
    TRIAL,
    K,
    T,
    evaluated,
    exact,
    inputs,
    listed,
    meld,
    outcome,
    protocol,
    signed,
    verdict,
)

PROFILES = ROOT / "profiles"
FILES = sorted(PROFILES.glob("*.json"))


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def test_the_files_are_fresh() -> None:
    tool = ROOT / "tools/generate_profiles.py"
    run = subprocess.run(
        [sys.executable, str(tool), "--check"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_file_is_r4(path: Path) -> None:
    body = path.read_bytes()
    parsed = parse_resource(body)
    get_fhir_model_class(type(parsed).__name__).model_validate_json(body)
    assert path.stem == f"{type(parsed).__name__}-{parsed.id}"
    assert read(path)["url"] == f"{CANONICAL_BASE}/{type(parsed).__name__}/{parsed.id}"


def published() -> Iterator[bytes]:
    """Yield at least one of every sort of derived resource."""
    for score in SCORES:
        first = SCORES[score].inputs[0].name
        for values in ({}, inputs(score), {first: exact("-1")}):
            for one in score_observations(
                evaluated(score, values=values), site="north", subject=SUBJECT
            ):
                yield one.body
    for one in score_observations(meld(), site="north", subject=SUBJECT):
        yield one.body
    panel, *criteria = verdict_observations(verdict(), site="north", subject=SUBJECT)
    person = research_subject(verdict(), site="north", subject=SUBJECT, panel=panel.reference)
    zone = TrialZone(TRIAL, bytes(32))
    blind = blind_verdict(verdict())
    made = [
        panel,
        *criteria,
        person,
        outcome_observation(outcome(), trial=TRIAL, site="north", subject=SUBJECT),
        research_study(protocol()),
        subject_list(protocol(), [listed()], site="north"),
        zone.patient("x"),
        zone.research_subject("x", blind, status="on-study"),
        *zone.verdict_observations("x", blind, as_of=T),
        zone.score_observation("x", meld().result, at=T),
        zone.outcome_observation("x", blind_outcome(outcome())),
        provenance(
            site="north",
            subject=SUBJECT,
            evaluation="1",
            targets=[SourceVersion("Observation", "a", 1)],
            sources=[],
            versions={},
            software_version="0.1.0",
            recorded=K,
            as_of=T,
            known_at=K,
        ),
    ]
    document, proof = signed()
    decision = read_signed(document.body)
    made += [
        document,
        proof,
        *(
            review_task(
                finding,
                decision,
                site="north",
                subject=SUBJECT,
                focus="ResearchSubject/s",
                versions={},
                authored=K,
            )
            for finding in findings(decision, verdict())
        ),
    ]
    yield from (one.body for one in made if one is not None)


def walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    children = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    )
    for child in children:
        yield from walk(child)


@pytest.fixture(scope="module")
def elements() -> list[dict[str, Any]]:
    return [element for body in published() for element in walk(json.loads(body))]


def test_every_local_code_that_is_written_is_defined(elements: list[dict[str, Any]]) -> None:
    defined = {
        body["url"]: {concept["code"] for concept in body["concept"]}
        for body in map(read, PROFILES.glob("CodeSystem-*.json"))
    }
    prefix = f"{CANONICAL_BASE}/CodeSystem/"
    missing = {
        (element["system"].removeprefix(prefix), element["code"])
        for element in elements
        if "code" in element
        and str(element.get("system", "")).startswith(prefix)
        and element["system"] != f"{prefix}{TRIAL}"
        and element["code"] not in base_code(defined.get(element["system"], set()), element["code"])
    }
    assert missing == set()


def base_code(codes: set[str], code: str) -> set[str]:
    """Codes of details may have a further part (`detail.mortality.3_months`)."""
    stem = ".".join(code.split(".")[:2])
    return codes | ({code} if code.startswith("detail.") and stem in codes else set())


def test_every_extension_and_profile_that_is_written_is_defined(
    elements: list[dict[str, Any]],
) -> None:
    defined = {body["url"]: body for body in map(read, PROFILES.glob("StructureDefinition-*"))}
    used = {
        element["url"]
        for element in elements
        if str(element.get("url", "")).startswith(CANONICAL_BASE)
    }
    claimed = {
        profile
        for element in elements
        for profile in (element.get("meta") or {}).get("profile", ())
    }
    assert used | claimed <= set(defined)
    assert {url for url in defined if defined[url]["type"] == "Extension"} - used <= {
        f"{CANONICAL_BASE}/StructureDefinition/open-ends",
        STATUS_REASON,  # a person writes it
    }


def test_every_part_of_an_extension_is_defined(elements: list[dict[str, Any]]) -> None:
    for path in PROFILES.glob("StructureDefinition-*.json"):
        body = read(path)
        slices = {
            element["sliceName"]
            for element in body["differential"]["element"]
            if "sliceName" in element
        }
        for element in elements:
            if element.get("url") == body["url"]:
                assert {part["url"] for part in element.get("extension", ())} <= slices


def test_what_a_profile_forbids_is_not_written(elements: list[dict[str, Any]]) -> None:
    for path in PROFILES.glob("StructureDefinition-*.json"):
        body = read(path)
        rules = [
            (element["path"].split(".")[1].removesuffix("[x]"), element["min"], element["max"])
            for element in body["differential"]["element"]
            if body["kind"] == "resource" and "." in element["path"]
        ]
        for element in elements:
            if body["url"] not in (element.get("meta") or {}).get("profile", ()):
                continue
            for name, low, high in rules:
                present = any(key == name or choice(key, name) for key in element)
                assert present or low == 0 or choice_absent(element, name), (path.name, name)
                assert not (present and high == "0"), (path.name, name)


def choice(key: str, name: str) -> bool:
    return key.startswith(name) and key[len(name) :][:1].isupper()


def choice_absent(element: dict[str, Any], name: str) -> bool:
    return name == "value" and "dataAbsentReason" in element
