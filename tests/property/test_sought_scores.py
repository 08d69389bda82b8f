"""Scores that are asked for by name are those of the whole record, whatever is not read."""

import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aclf_fhir.catalog import Catalog, load_catalog
from aclf_fhir.evaluation import EvaluationRules, ScoreEvaluation, Snapshot, evaluate_at, facts_read
from aclf_fhir.fhir import parse_resource
from aclf_fhir.mapping.relevance import STATES
from aclf_fhir.record import AFTER_DEATH, Fact, FactKind, Record
from aclf_fhir.scores import SCORES
from aclf_fhir.workflows.gateway import rules_of
from aclf_fhir.workflows.screening import record_for, score_record, sought_by
from aclf_fhir.workflows.stateless import Gathered, Given, gather

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ALWAYS_READ = {FactKind.DEMOGRAPHIC, FactKind.ENCOUNTER}


@cache
def catalog() -> Catalog:
    return load_catalog()


@cache
def patients() -> dict[str, list[bytes]]:
    """The examples by patient; what is nobody's goes to everybody."""
    bodies: dict[str, list[bytes]] = defaultdict(list)
    for path in sorted(EXAMPLES.rglob("*.ndjson")):
        for line in path.read_bytes().splitlines():
            resource = json.loads(line)
            about = resource.get("subject") or resource.get("patient") or {}
            if resource["resourceType"] == "Patient":
                about = {"reference": f"Patient/{resource['id']}"}
            bodies[about.get("reference", "")].append(line)
    shared = bodies.pop("")
    return {reference: [*own, *shared] for reference, own in bodies.items()}


def gathered(bodies: Iterable[bytes], scores: list[str] | None, at: datetime) -> Gathered:
    sought = sought_by(scores, catalog=catalog(), site="default", as_of=at, known_at=NOW, now=NOW)
    given = [Given(body, f"resource {number}") for number, body in enumerate(bodies)]
    return gather(given, catalog=catalog(), site="default", received=NOW, sought=sought)


def scored(found: Gathered, scores: list[str], at: datetime) -> dict[str, Any]:
    return {
        subject: score_record(
            record_for(subject, facts, as_of=at, known_at=NOW, now=NOW),
            scores,
            catalog=catalog(),
            site="default",
        )
        for subject, facts in found.facts.items()
    }


def instants(facts: Iterable[Fact]) -> list[datetime]:
    return sorted({fact.start.latest for fact in facts if fact.start is not None})


@pytest.mark.parametrize("patient", sorted(patients()))
def test_every_example_has_the_scores_of_its_whole_record(patient: str) -> None:
    bodies = patients()[patient]
    whole = gathered(bodies, None, NOW)
    times = instants(fact for facts in whole.facts.values() for fact in facts)
    chance = random.Random(patient)  # noqa: S311 - repeats with the patient's id
    asked = [([score], times[-1]) for score in SCORES]
    asked += [
        (chance.sample(list(SCORES), chance.randint(2, 6)), chance.choice(times)) for _ in range(15)
    ]
    spared = 0
    for scores, at in asked:
        lean = gathered(bodies, scores, at)
        spared += lean.passed_over
        assert scored(lean, scores, at) == scored(whole, scores, at), (scores, at)
    assert spared


class _Spied(Record):
    """A record that remembers what it was asked for."""

    __slots__ = ("asked",)

    def of_concept(self, kind: FactKind, concept: str) -> tuple[Fact, ...]:
        self.asked.add((kind, concept))
        return super().of_concept(kind, concept)


def every_feed_complete(catalog: Catalog, site: str) -> EvaluationRules:
    rules = rules_of(catalog, site)
    supports = {"renal_replacement", "mechanical_ventilation", "vasopressor"}
    drugs = {*rules.vasopressors, *rules.other_vasopressors}
    return replace(rules, complete_feeds=frozenset(supports | drugs))


@pytest.mark.parametrize("rules_at", [rules_of, every_feed_complete])
@pytest.mark.parametrize("score", sorted(SCORES))
def test_a_score_reads_nothing_but_what_it_says_it_reads(
    score: str, rules_at: Callable[[Catalog, str], EvaluationRules]
) -> None:
    rules = rules_at(catalog(), "default")
    reads = facts_read([score], rules)
    asked: set[tuple[FactKind, str]] = set()
    for subject, facts in _records():
        times = instants(facts)
        for at in times[:: max(1, len(times) // 12)]:
            record = record_for(subject, facts, as_of=at, known_at=NOW, now=NOW)
            spied = _Spied(*(getattr(record, each.name) for each in fields(record)))
            object.__setattr__(spied, "asked", asked)
            evaluate_at(Snapshot(spied, rules), score)
    assert asked
    # Any resource may tell that somebody was seen after a death; no score may depend on it.
    assert (FactKind.ENCOUNTER, AFTER_DEATH) not in asked
    assert {pair for pair in asked if pair[0] not in ALWAYS_READ} <= reads


@cache
def _records() -> tuple[tuple[str, list[Fact]], ...]:
    return tuple(
        pair for bodies in patients().values() for pair in gathered(bodies, None, NOW).facts.items()
    )


def test_every_fact_is_of_a_kind_its_resource_type_states() -> None:
    for _, facts in _records():
        for fact in facts:
            assert fact.kind in STATES[fact.source.type]


T = datetime(2024, 3, 15, 12, tzinfo=UTC)
SUBJECT = {"reference": "Patient/p"}
UNITS = {"bilirubin_total": "umol/L", "creatinine": "mg/dL", "inr": "{INR}"}


def codings() -> dict[str, list[dict[str, str]]]:
    """Every code of the catalog by the kind of what it stands for, and some it has not."""
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    for analyte in catalog().analytes.values():
        for code in analyte.codes:
            found["analyte"].append(_coding(code.coding))
            if analyte.id in UNITS:
                found["liver"].append({**_coding(code.coding), "display": analyte.id})
    for scale in catalog().scales.values():
        found["scale"].extend(_coding(code.coding) for code in scale.codes)
    for value_set in catalog().value_sets.values():
        found[str(value_set.kind)].extend(_coding(coding) for coding in value_set.codes)
    for all_ in list(found.values()):
        all_.append({"system": "http://loinc.org", "code": "8302-2"})
        all_.append({"system": "http://snomed.info/sct", "code": "276341003"})
        all_.append({"system": "urn:local", "code": "X1"})
    return found


def _coding(coding: Any) -> dict[str, str]:
    return {"system": coding.system, "code": coding.code}


CODINGS = codings()


@st.composite
def resources(draw: st.DrawFn) -> dict[str, Any]:
    """Some resource about the patient, more or less well formed."""
    kind = draw(
        st.sampled_from(
            [
                *["liver"] * 6,
                "analyte",
                "scale",
                "finding",
                "procedure",
                "medication",
                "condition",
                "pressure",
            ]
        )
    )
    hours = draw(st.sampled_from([0, 1, 2, 24, 30, 47, 48, 49, 60, 100, 160, 200, 2000, -5]))
    when = (T - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
    if draw(st.integers(0, 9)) == 0:
        when = when[:10]
    codes = CODINGS["finding" if kind == "condition" else kind if kind != "pressure" else "liver"]
    coding = draw(st.sampled_from(codes))
    concept: dict[str, Any] = {"coding": [coding]}
    if draw(st.integers(0, 9)) == 0:
        concept = {"text": "Bilirubin"}
    elif draw(st.integers(0, 9)) == 0:
        concept = {"coding": [coding, draw(st.sampled_from(codes))]}
    common = {"id": f"r{draw(st.integers(0, 40))}", "subject": SUBJECT}
    if kind == "procedure":
        status = draw(st.sampled_from(["completed", "in-progress", "not-done"]))
        timed = {"performedDateTime": when} if draw(st.booleans()) else {}
        return {"resourceType": "Procedure", **common, "status": status, "code": concept, **timed}
    if kind == "medication":
        timed = {"effectiveDateTime": when, "medicationCodeableConcept": concept}
        type_ = "MedicationAdministration"
        return {"resourceType": type_, **common, "status": "completed", **timed}
    if kind == "condition":
        return {"resourceType": "Condition", **common, "code": concept, "onsetDateTime": when}
    status = draw(st.sampled_from(["final", "final", "final", "preliminary", "cancelled"]))
    head = {"resourceType": "Observation", **common, "status": status, "effectiveDateTime": when}
    number = draw(st.sampled_from([1.2, 2, 3.5, 60, 205.2]))
    unit = UNITS.get(coding.get("display", ""), draw(st.sampled_from(["mg/dL", "%", "mm[Hg]"])))
    value = {"value": number, "system": "http://unitsofmeasure.org", "code": unit}
    if kind == "pressure":
        parts = [
            {
                "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                "valueQuantity": {**value, "value": pressure, "code": "mm[Hg]"},
            }
            for code, pressure in (("8480-6", 110), ("8462-4", 70))
        ]
        panel = {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]}
        return {**head, "code": panel, "component": parts}
    return {**head, "code": concept, "valueQuantity": value}


def _bodies(listed: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    yield b'{"resourceType":"Patient","id":"p","gender":"female","birthDate":"1960-02-29"}'
    for resource in listed:
        yield msgspec.json.encode(resource)


@given(
    listed=st.lists(resources(), max_size=25),
    scores=st.lists(st.sampled_from(sorted(SCORES)), min_size=1, max_size=4, unique=True),
    rules_at=st.sampled_from([rules_of, every_feed_complete]),
)
def test_any_record_gives_the_scores_of_the_whole(
    listed: list[dict[str, Any]],
    scores: list[str],
    rules_at: Callable[[Catalog, str], EvaluationRules],
) -> None:
    bodies = list(_bodies(listed))
    with mock.patch("aclf_fhir.workflows.screening.rules_of", rules_at):
        whole, lean = gathered(bodies, None, T), gathered(bodies, scores, T)
        assert scored(lean, scores, T) == scored(whole, scores, T)
    # What is told of the part that is read is told of the whole, too.
    assert set(lean.holdings) <= set(whole.holdings)
    assert {one.given for one in lean.refused} <= {one.given for one in whole.refused}


def test_the_random_resources_are_resources() -> None:
    @given(resources())
    def valid(resource: dict[str, Any]) -> None:
        assert parse_resource(msgspec.json.encode(resource))

    valid()


def meld(found: Gathered) -> ScoreEvaluation:
    ((evaluation,),) = scored(found, ["meld_optn"], T).values()
    return evaluation


def laboratory(code: str, value: float, unit: str, hours: float, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"{code}-{hours:g}",
        "subject": SUBJECT,
        "status": "final",
        "effectiveDateTime": (T - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "valueQuantity": {"value": value, "system": "http://unitsofmeasure.org", "code": unit},
        **more,
    }


PANEL = [
    laboratory("1975-2", 3, "mg/dL", 1),
    laboratory("2160-0", 2, "mg/dL", 1),
    laboratory("6301-6", 1.5, "{INR}", 1),
]


@pytest.mark.parametrize(("hours", "spared"), [(47.9, 0), (48, 0), (48.1, 1)])
def test_a_result_beyond_the_age_limit_is_spared_if_a_newer_one_counts(
    hours: float, spared: int
) -> None:
    bodies = list(_bodies([*PANEL, laboratory("1975-2", 9, "mg/dL", hours)]))
    lean = gathered(bodies, ["meld_optn"], T)
    assert lean.passed_over == spared
    assert meld(lean) == meld(gathered(bodies, None, T))


@pytest.mark.parametrize(
    "newer",
    [
        laboratory("1975-2", 3, "mg/dL", -1),  # after T
        laboratory("1975-2", 3, "mg/dL", 1, status="preliminary"),
        laboratory("1975-2", 3, "furlong", 1),
        laboratory("1975-2", 3, "mg/dL", 1, meta={"lastUpdated": "2026-06-01T00:00:00Z"}),
    ],
)
def test_the_newest_stale_result_is_shown_where_no_newer_one_is_usable(
    newer: dict[str, Any],
) -> None:
    stale = [laboratory("1975-2", 9, "mg/dL", 50), laboratory("1975-2", 8, "mg/dL", 60)]
    bodies = list(_bodies([*PANEL[1:], newer, *stale]))
    lean = gathered(bodies, ["meld_optn"], T)
    assert lean.passed_over == 0
    assert meld(lean) == meld(gathered(bodies, None, T))
    assert meld(lean).result.missing == ("bilirubin",)


def test_a_creatinine_drawn_after_dialysis_is_a_sign_however_old() -> None:
    old = laboratory("11041-1", 2, "mg/dL", 2000)
    bodies = list(_bodies([*PANEL, old]))
    lean = gathered(bodies, ["meld_optn"], T)
    assert lean.passed_over == 0
    assert meld(lean) == meld(gathered(bodies, None, T))
    assert meld(lean).result.status == "indeterminate"
