"""The vocabulary is data: a site adds to it, and what cannot be read is told."""

import ast
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from aclf_fhir.catalog import check, load_catalog
from aclf_fhir.catalog.schema import schema_path
from aclf_fhir.codes import SNOMED, Coding
from aclf_fhir.codes.check_digits import is_loinc, is_snomed
from aclf_fhir.mapping import vocabulary as vocabulary_module
from aclf_fhir.mapping.vocabulary import ROUTE_NAMES

Folder = Callable[[Mapping[str, str]], Path]

OWN = """
source: invented
systems: {ward: ["urn:invented:ward"]}
answers: {present: {ward: {P: positive}, snomed: {"261665006": told apart here}}}
answer_words: {absent: [nicht nachweisbar]}
encounter_classes: {inpatient: {ward: {STAT: inpatient}}}
death_dispositions: {ward: {EX: died}}
fluid_words: {wound fluid: {parts: [exsudat]}, bile: {words: [gallensaft]}}
blood_words: {words: [sang]}
routes: {intravenous: {ward: {IV: intravenous}}}
"""


def test_a_site_adds_to_it(folder: Folder) -> None:
    vocabulary = (
        load_catalog(mappings=folder({"vocabulary.yaml": OWN})).indexes("default").vocabulary
    )
    ward = "urn:invented:ward"
    assert vocabulary.answers[Coding(ward, "P")] == "present"
    assert vocabulary.answers[Coding(SNOMED, "261665006")] == "present"
    assert vocabulary.answers[Coding(SNOMED, "260385009")] == "absent"
    assert vocabulary.answer_words["nicht nachweisbar"] == "absent"
    assert vocabulary.encounter_classes[Coding(ward, "STAT")] == "inpatient"
    assert Coding(ward, "EX") in vocabulary.death_dispositions
    assert vocabulary.routes[Coding(ward, "IV")] == "intravenous"
    assert vocabulary.fluids_named("Wundexsudat") == (("wound fluid",), False)
    assert vocabulary.fluids_named("Gallensaft") == (("bile",), False)
    assert vocabulary.fluids_named("Bile") == (("bile",), False)
    assert vocabulary.fluids_named("sang") == ((), True)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("routes: {oral: {snomet: {X: oral}}}", "routes.oral.snomet", "is not one of systems"),
        ("urine: {snomed: {'122575004': urine}}", "urine.snomed.122575004", "check digit"),
        ("vessels: {venous: {loinc: {1-1: x}}}", "vessels.venous.loinc.1-1", "check digit"),
        ("vessels: {umbilical: {snomed: {'122575003': x}}}", "vessels", "umbilical"),
        ("answer: {}", "answer", "answer"),
    ],
)
def test_what_is_wrong_is_told(folder: Folder, text: str, place: str, message: str) -> None:
    issue, *_ = check(folder({"vocabulary.yaml": f"source: invented\n{text}\n"}))
    assert place in issue.location
    assert message in f"{issue.message} {issue.remedy} {issue.location}"


def test_no_more_than_so_many_texts_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary_module, "_KEPT", 0)
    vocabulary = replace(load_catalog().indexes("default").vocabulary)
    assert vocabulary.fluids_named("Ascites") == (("peritoneal fluid",), False)
    assert vocabulary.fluids_named("Ascites") is not vocabulary.fluids_named("Ascites")


def test_routes_have_the_names_protocols_use(folder: Folder) -> None:
    vocabulary = load_catalog().indexes("default").vocabulary
    assert set(vocabulary.routes.values()) == ROUTE_NAMES
    assert check(folder({"vocabulary.yaml": "source: x\nroutes: {sideways: {snomed: {'1': x}}}\n"}))
    schema = json.loads(schema_path("vocabulary").read_text(encoding="utf-8"))
    assert set(schema["properties"]["routes"]["propertyNames"]["enum"]) == ROUTE_NAMES


def test_the_mapping_modules_hold_no_codes() -> None:
    modules = Path(__file__).parents[3] / "src" / "aclf_fhir" / "mapping"
    codes = [
        (path.name, word)
        for path in sorted(modules.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value
        for word in re.findall(r"[0-9][0-9-]{5,}", node.value)
        if is_snomed(word) or is_loinc(word)
    ]
    assert not codes
