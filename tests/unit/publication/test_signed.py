"""A signed document: what stands in it, and what its hash protects."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from aclf_fhir.publication import Derived, Signature, content_hash
from tests.unit.publication.cases import SUBJECT, K, T, frozen, signable, signed, verdict


def read(derived: Derived) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(derived.body)
    return body


def entry(body: str) -> dict[str, Any]:
    return {"fullUrl": "https://x.example/fhir/A/1", "resource": msgspec.Raw(body.encode())}


def test_the_parts_stand_in_an_order_that_reads() -> None:
    document, proof = signed()
    entries = [one["resource"] for one in read(document)["entry"]]
    assert [one["resourceType"] for one in entries] == [
        "Composition",
        "ResearchStudy",
        "Device",
        *["Observation"] * 4,
        "ResearchSubject",
        "Patient",
        "Practitioner",
        "Condition",
        "Observation",
        "Provenance",
    ]
    assert entries[-1] == read(proof)


def test_a_version_that_is_cited_and_named_stands_there_once() -> None:
    urls = [one["fullUrl"] for one in read(signed()[0])["entry"]]
    assert len(urls) == len(set(urls))
    older = frozen("Patient", SUBJECT, 2)
    urls = [one["fullUrl"] for one in read(signed(evidence=(older,))[0])["entry"]]
    assert sum(one.endswith(f"Patient/{SUBJECT}") for one in urls) == 2


def test_evidence_keeps_its_bytes() -> None:
    digits = replace(frozen("Observation", "o", 1), body=b'{"resourceType":"Observation","v":1.20}')
    assert b'"v":1.20}' in signed(evidence=(digits,))[0].body


def test_the_provenance_says_who_when_and_in_which_sense() -> None:
    document, proof = signed()
    body = read(proof)
    assert [one["reference"] for one in body["target"]] == [
        document.reference,
        "ResearchSubject/s/_history/3",
    ]
    assert body["agent"][0]["who"]["reference"] == "Practitioner/p"
    (signature,) = body["signature"]
    assert signature["type"][0]["display"] == "Verification Signature"
    assert signature["when"] == read(document)["timestamp"] == body["recorded"]
    assert body["policy"] == sorted(body["policy"])
    parts = {one["url"]: one["valueDateTime"] for one in body["extension"][0]["extension"]}
    assert parts == {"asOf": "2024-03-09T08:00:00Z", "knownAt": "2024-03-09T09:30:00Z"}


def test_the_same_decision_is_the_same_document() -> None:
    assert signed() == signed()
    document, _ = signed()
    for other in (
        signable(),
        replace(signable(), as_of=T + timedelta(seconds=1)),
        replace(signable(), known_at=K + timedelta(seconds=1)),
    ):
        same = other == signable()
        assert (signed(other)[0].id == document.id) is same


def test_nothing_is_acknowledged_where_there_are_no_flags() -> None:
    signature = Signature(
        signer="Practitioner/p", meaning="1.2.840.10065.1.12.1.13", acknowledged=(), at=K
    )
    composition = read(signed(signature=signature)[0])["entry"][0]["resource"]
    assert [one["title"] for one in composition["section"]] == [
        "Verdict",
        "Criteria",
        "Evidence",
        "Study and subject",
    ]
    assert "there were none" in composition["section"][0]["text"]["div"]


def test_the_text_is_escaped() -> None:
    first, *others = signable().criteria
    odd = replace(first, text="Bilirubin < 5 & > 3")
    given = verdict(criteria=(odd, *others), verdict="eligible", reasons=())
    composition = read(signed(given)[0])["entry"][0]["resource"]
    assert "<td>Bilirubin &lt; 5 &amp; &gt; 3</td>" in composition["section"][1]["text"]["div"]


def test_the_hash_is_of_what_is_said_and_not_of_how_it_is_laid_out() -> None:
    written = content_hash([entry('{"a":1,"b":{"c":1.20,"d":"é"}}')])
    assert written == content_hash([entry('{ "b": {"d":"\\u00e9", "c" : 1.20},\n "a":1}')])
    assert written.startswith("sha256:")
    assert len(written) == 71


@pytest.mark.parametrize(
    "other",
    [
        '{"a":1,"b":{"c":1.2,"d":"é"}}',
        '{"a":1,"b":{"c":"1.20","d":"é"}}',
        '{"a":2,"b":{"c":1.20,"d":"é"}}',
        '{"b":{"c":1.20,"d":"é"}}',
    ],
)
def test_the_hash_shows_every_change(other: str) -> None:
    assert content_hash([entry('{"a":1,"b":{"c":1.20,"d":"é"}}')]) != content_hash([entry(other)])


def hash_again(body: dict[str, Any]) -> str:
    return content_hash(body["entry"][:-1])


def _outcome(body: dict[str, Any]) -> None:
    body["entry"][4]["resource"]["valueCodeableConcept"]["text"] = "unknown"


def _evidence(body: dict[str, Any]) -> None:
    body["entry"][-2]["resource"]["status"] = "preliminary"


def _signer(body: dict[str, Any]) -> None:
    body["entry"][0]["resource"]["author"][0]["reference"] = "Practitioner/q"


def _entry(body: dict[str, Any]) -> None:
    del body["entry"][5]


@pytest.mark.parametrize("alter", [_outcome, _evidence, _signer, _entry])
def test_the_hash_of_a_document_shows_what_was_altered(
    alter: Callable[[dict[str, Any]], None],
) -> None:
    body = read(signed()[0])
    assert hash_again(body) == body["identifier"]["value"]
    alter(body)
    assert hash_again(body) != body["identifier"]["value"]
