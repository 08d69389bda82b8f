"""An eligible patient's resources, lost, spoilt or contradicted: nothing of that is believed.

One level above `test_trial_screening`: what is drawn are FHIR resources as a hospital sends
them, so that the mapping (held, preliminary, in progress, known by the day only) stands between
a record and its verdict.
"""

import copy
import random
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aclf_fhir.catalog import load_catalog
from aclf_fhir.evaluation import Reason
from aclf_fhir.record import FactStatus, Record
from aclf_fhir.trial import Verdict
from aclf_fhir.workflows.screening import record_for, screen_record
from aclf_fhir.workflows.stateless import Given, gather
from tests.acceptance.catalogue import base_patient
from tests.acceptance.charting import Chart

Resource = dict[str, Any]
Spoil = Callable[[Resource], Resource | None]

CATALOG = load_catalog()
SITE = "default"
NOW = datetime(2024, 3, 15, 12, tzinfo=UTC)
L, X = "nct02857010", "nct03668171"
_encode = msgspec.json.Encoder(decimal_format="number").encode
_TIMES = ("effectiveDateTime", "authored", "dateTime", "onsetDateTime", "performedDateTime")


def chart(name: str) -> list[Resource]:
    """Return a base patient's resources, every answer as a form of its own."""
    patient = base_patient(name)
    whole = Chart("p", patient.zone).learn(patient.patient, patient.when, patient.asked)
    return [part for resource in whole for part in answer_by_answer(resource)]


def answer_by_answer(resource: Resource) -> list[Resource]:
    if resource["resourceType"] != "QuestionnaireResponse":
        return [resource]
    return [
        {**resource, "id": f"{resource['id']}-{item['linkId']}"[-64:], "item": [item]}
        for item in resource["item"]
    ]


CLEAN = chart("clean")


def record(resources: list[Resource]) -> Record:
    given_ = [Given(_encode(one), one["id"], one["id"]) for one in resources]
    gathered = gather(given_, catalog=CATALOG, site=SITE, received=NOW)
    assert not gathered.refused, gathered.refused
    return record_for("p", gathered.facts.get("p", ()), as_of=NOW, known_at=NOW, now=NOW)


def verdicts(resources: list[Resource]) -> dict[str, Verdict]:
    found = screen_record(record(resources), None, catalog=CATALOG, site=SITE)
    return {verdict.protocol: verdict for verdict in found}


def status(word: str, *types: str) -> Spoil:
    return lambda one: {**one, "status": word} if one["resourceType"] in types else None


def proof(word: str) -> Spoil:
    def spoil(one: Resource) -> Resource | None:
        if one["resourceType"] != "Condition":
            return None
        spoilt = copy.deepcopy(one)
        spoilt["verificationStatus"]["coding"][0]["code"] = word
        if word == "entered-in-error":
            del spoilt["clinicalStatus"]
        return spoilt

    return spoil


def without(*names: str) -> Spoil:
    def spoil(one: Resource) -> Resource | None:
        rest = {name: value for name, value in one.items() if name not in names}
        return rest if rest != one else None

    return spoil


def without_unit(one: Resource) -> Resource | None:
    quantity = one.get("valueQuantity")
    if quantity is None or quantity.get("unit") in {None, "{INR}"}:
        return None
    return {**one, "valueQuantity": {"value": quantity["value"]}}


def tomorrow(one: Resource) -> Resource | None:
    return {**one, **{name: "2024-03-16T12:00:00Z" for name in _TIMES if name in one}}


def for_another_study(one: Resource) -> Resource | None:
    if one["resourceType"] != "Consent":
        return None
    other = {"meaning": "related", "reference": {"reference": "ResearchStudy/some-biobank"}}
    return {**one, "provision": {"data": [other]}}


def day_only(one: Resource) -> Resource | None:
    return {name: value[:10] if name in _TIMES else value for name, value in one.items()}


OBSERVED, ASKED = "Observation", "QuestionnaireResponse"
SILENCING: dict[str, Spoil] = {
    "preliminary": status("preliminary", OBSERVED),
    "registered": status("registered", OBSERVED),
    "cancelled": status("cancelled", OBSERVED),
    "entered-in-error": status("entered-in-error", OBSERVED, ASKED, "Consent"),
    "never-so": proof("entered-in-error"),
    "provisional": proof("provisional"),
    "refuted": proof("refuted"),
    "empty": without("valueQuantity", "valueCodeableConcept"),
    "without-unit": without_unit,
    "without-time": without("effectiveDateTime", "authored"),
    "tomorrow": tomorrow,
    "in-progress": status("in-progress", ASKED),
    "unsigned": without("author"),
    "draft": status("draft", "Consent"),
    "proposed": status("proposed", "Consent"),
    "withdrawn": status("inactive", "Consent"),
    "another-study": for_another_study,
}
"""What leaves a resource without a say."""

SPOILS = {**SILENCING, "day-only": day_only}
REASONS = {reason.value for reason in Reason}
PATIENT = "Patient"

DISPENSABLE = {
    # Liver failure and creatinine of 1.6 mg/dL are ACLF whatever the other organs do. Whether
    # there was dialysis is asked in both trials, and one answer tells the scores of both.
    L: {
        "inr",
        "mean-arterial-pressure",
        "pao2",
        "fio2",
        "west-haven",
        "mechanical-ventilation",
        "vasopressor-support",
        "nct03668171-1-renal-replacement",
    },
    # The diagnosis says that there is ascites, of one grade or another.
    X: {"grades-ascites", "nct03668171-1-renal-replacement"},
}
"""What each verdict can do without."""


def spoilt_one_by_one() -> list[Any]:
    """Return every resource with every way in which it can be spoilt, and once lost."""
    cases = []
    for index, resource in enumerate(CLEAN):
        if resource["resourceType"] == PATIENT:
            continue
        for name, spoil in (("lost", None), *SILENCING.items()):
            other = None if spoil is None else spoil(resource)
            if other is None and spoil is not None:
                continue
            cases.append(pytest.param(index, other, id=f"{resource['id']}-{name}"))
    return cases


@cache
def clean_verdicts() -> dict[str, Verdict]:
    return verdicts(CLEAN)


def rests_on(verdict: Verdict, id_: str) -> bool:
    """Say whether a verdict rests on a resource, and does not only tell why it passed it over."""
    return any(
        fact.source.id == id_ and fact.status is FactStatus.USABLE
        for result in verdict.criteria
        for fact in (evidence.fact for evidence in result.deciding)
        if fact is not None
    )


def check_eligible(verdict: Verdict, resources: list[Resource]) -> None:
    """Check that everything speaks for an eligible patient, and that something on file does."""
    for result in verdict.criteria:
        assert result.passes is True, result.criterion
        shown = [one for one in result.deciding if one.fact is not None]
        used = [one for one in shown if one.fact and one.fact.status is FactStatus.USABLE]
        assert used, f"{result.criterion} passes by nothing"
        # What is shown without being used says why it is not.
        assert all(one in used or one.note in REASONS for one in shown), result.criterion
    assert not verdict.missing_next
    assert not verdict.reasons
    assert any(
        one["resourceType"] == "Consent"
        and one["status"] == "active"
        and verdict.protocol in str(one["provision"])
        for one in resources
    )


def test_the_patient_is_eligible_to_begin_with() -> None:
    for verdict in clean_verdicts().values():
        assert verdict.verdict == "eligible"
        check_eligible(verdict, CLEAN)


@pytest.mark.parametrize(("index", "spoilt"), spoilt_one_by_one())
def test_what_has_no_say_lets_nobody_in(index: int, spoilt: Resource | None) -> None:
    rest = CLEAN[:index] + CLEAN[index + 1 :]
    found = verdicts([*rest, spoilt] if spoilt else rest)
    id_ = CLEAN[index]["id"]
    for trial, verdict in found.items():
        if verdict.verdict == "eligible":
            check_eligible(verdict, rest)
            assert not rests_on(verdict, id_), trial
            dispensable = any(name in id_ for name in DISPENSABLE[trial])
            assert dispensable or not rests_on(clean_verdicts()[trial], id_), trial


ADVERSE = {
    "bleeding": ({"diagnoses": {"bleeding": "K92.2"}}, {L, X}),
    "cancer": ({"diagnoses": {"cancer": "C18.7"}}, {L, X}),
    "lung": ({"diagnoses": {"severe lung disease": "313299006"}}, {L, X}),
    "bile duct": ({"diagnoses": {"obstruction": "K83.1"}}, {L, X}),
    "pregnancy": ({"diagnoses": {"pregnancy": "Z33.1"}}, {L, X}),
    "sepsis": ({"diagnoses": {"sepsis": "A41.9"}}, {X}),
    "drugs": ({"diagnoses": {"opioid dependence": "F11.20"}}, {L}),
    "immunosuppression": ({"diagnoses": {"immunosuppression": "D84.821"}}, {L}),
    "dialysis": ({"procedures": {"dialysis": "302497006"}}, {L, X}),
    "transplantation": ({"procedures": {"transplantation": "18027006"}}, {L}),
    "HIV": ({"tests": {"HIV": "positive"}}, {L, X}),
    "GOLD": ({"grades": {"GOLD": "3"}}, {L, X}),
    "prednisolone": ({"drugs": {"prednisolone": "H02AB06"}}, {L}),
    "AFP": ({"results": {"AFP": ">300 ng/mL"}}, {L}),
    "consent": ({"consent": {L: "inactive", X: "inactive"}}, {L, X}),
    "stupor": ({"diagnoses": {"hepatic coma": "K72.91"}}, {L, X}),
    "in a trial": ({"studies": {"elsewhere": "on-study"}}, {L, X}),
}
"""What speaks against a patient, and in which trials, after all was answered."""

DOUBTS: dict[str, Spoil] = {
    "certain": lambda one: one,
    "provisional": proof("provisional"),
    "only-recorded": lambda one: (
        {("recordedDate" if name == "onsetDateTime" else name): one[name] for name in one}
        if "onsetDateTime" in one
        else None
    ),
    "without-any-date": without("onsetDateTime", "performedDateTime", "dateTime"),
    "in-progress": status("in-progress", "Procedure"),
    "being-prepared": status("preparation", "Procedure"),
    "day-only": day_only,
}
"""How doubtful it may be, and still nobody may pass over it."""


def doubtful() -> list[Any]:
    """Return what speaks against a patient, in every doubt that its resource can be in."""
    zone = base_patient("clean").zone
    cases = []
    for name, (sections, trials) in ADVERSE.items():
        for after in Chart("p", zone).learn(sections, "2024-03-15 11:00"):
            learnt = {"lastUpdated": "2024-03-15T11:00:00Z"}
            one = {**after, "id": f"after-{after['id']}", "meta": learnt}
            against = {trial for trial in trials if trial in str(one)} or trials
            for doubt, spoil in DOUBTS.items():
                if spoilt := spoil(one):
                    cases.append(pytest.param(spoilt, against, id=f"{name}-{doubt}"))
    return cases


@pytest.mark.parametrize(("spoilt", "against"), doubtful())
def test_a_doubt_after_the_answers_is_not_passed_over(spoilt: Resource, against: set[str]) -> None:
    found = verdicts([*CLEAN, spoilt])
    assert "eligible" not in {found[trial].verdict for trial in against}


@st.composite
def spoilt_records(draw: Any) -> list[Resource]:
    """Draw the clean patient with up to three resources lost, spoilt or contradicted."""
    resources = copy.deepcopy(CLEAN)
    for _ in range(draw(st.integers(1, 3))):
        index = draw(st.integers(0, len(resources) - 1))
        chosen = resources[index]
        if chosen["resourceType"] == PATIENT:
            continue
        how = draw(st.sampled_from(["lost", "doubled", *SPOILS]))
        if how == "lost":
            resources.pop(index)
            continue
        spoil = SPOILS[draw(st.sampled_from(sorted(SPOILS)))] if how == "doubled" else SPOILS[how]
        other = spoil(chosen)
        if other is None:
            continue
        if how == "doubled":
            resources.append({**contradicted(other), "id": f"{chosen['id']}-again"[-64:]})
        else:
            resources[index] = other
    return resources


def contradicted(one: Resource) -> Resource:
    """Say the opposite, or ten times as much."""
    other = copy.deepcopy(one)
    if "valueQuantity" in other:
        other["valueQuantity"]["value"] *= 10
    for item in other.get("item", ()):
        for answer in item["answer"]:
            coding = answer.get("valueCoding", {})
            if coding.get("code") in {"yes", "no"}:
                coding["code"] = {"yes": "no", "no": "yes"}[coding["code"]]
    if other["resourceType"] == "Consent":
        other["status"] = "inactive"
    return other


@given(spoilt_records())
def test_eligible_means_that_everything_is_known_and_said(resources: list[Resource]) -> None:
    for verdict in verdicts(resources).values():
        if verdict.verdict == "eligible":
            check_eligible(verdict, resources)


@given(spoilt_records(), st.randoms(use_true_random=False))
def test_the_order_in_which_resources_come_does_not_matter(
    resources: list[Resource], chance: random.Random
) -> None:
    shuffled = list(resources)
    chance.shuffle(shuffled)
    assert verdicts(shuffled) == verdicts(resources)
