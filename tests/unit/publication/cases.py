"""Invented evaluations for the tests of publication."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from aclf_fhir.evaluation import Choice, Reason, ScoreEvaluation
from aclf_fhir.publication import (
    Derived,
    Frozen,
    Listed,
    Signature,
    research_study,
    signed_document,
)
from aclf_fhir.record import Fact, FactKind, SentValue, SourceVersion
from aclf_fhir.scores import SCORES, ScoreValue, compute
from aclf_fhir.trial.judgement import Distance, Evidence, Need, Outcome
from aclf_fhir.trial.models import Arm, Criterion, DeathBy, Protocol
from aclf_fhir.trial.outcomes import OutcomeResult
from aclf_fhir.trial.person import Age
from aclf_fhir.trial.screen import CriterionResult, Verdict
from aclf_fhir.trial.situation import Item
from aclf_fhir.units import Interval, TimeRange

T = datetime(2024, 3, 9, 8, tzinfo=UTC)
K = datetime(2024, 3, 9, 9, 30, tzinfo=UTC)
SUBJECT = "patient-4711"
TRIAL = "example-aclf-01"


def listed(name: str = "s1", since: datetime = K, status: str = "screening") -> Listed:
    return Listed(
        reference=f"ResearchSubject/{name}", verdict="eligible", status=status, since=since
    )


def exact(text: str) -> Interval:
    return Interval.exact(Decimal(text))


def measured(
    concept: str,
    text: str,
    unit: str,
    *,
    hours: int = 0,
    type_: str = "Observation",
    version: int = 1,
) -> Fact:
    """Return a measurement drawn some hours before T."""
    value = exact(text)
    return Fact(
        subject=SUBJECT,
        kind=FactKind.MEASUREMENT,
        concept=concept,
        value=value,
        unit=unit,
        start=TimeRange.exact(T - timedelta(hours=hours)),
        known=K,
        source=SourceVersion(type_, f"{concept.replace('_', '-')}-{hours}", version),
        sent=SentValue(text, unit, value, unit),
    )


def chosen(fact: Fact, input_: str, *, passed_over: Iterable[tuple[Fact, str]] = ()) -> Choice:
    assert isinstance(fact.value, Interval)
    return Choice(
        input=input_,
        concept=fact.concept,
        fact=fact,
        value=fact.value,
        unit=fact.unit,
        age=timedelta(0),
        why="newest within the age limit",
        passed_over=tuple(passed_over),
        flags=fact.flags,
    )


def evaluated(
    score: str, choices: Iterable[Choice] = (), values: Mapping[str, ScoreValue] | None = None
) -> ScoreEvaluation:
    """Evaluate a score from choices; `values` are inputs without a choice behind them."""
    choices = tuple(choices)
    given = {choice.input: choice.value for choice in choices} | dict(values or {})
    return ScoreEvaluation(
        score=score,
        result=compute(score, given),
        choices=choices,
        span=timedelta(hours=2),
        span_exceeded=False,
        at=T,
        fresh_until=None,
    )


def inputs(score: str) -> dict[str, ScoreValue]:
    """Return a plausible value for every input of a score: its first code, or its middle."""
    found: dict[str, ScoreValue] = {}
    for declared in SCORES[score].inputs:
        if declared.values:
            found[declared.name] = frozenset(declared.values[:1])
        elif declared.low is not None and declared.high is not None:
            middle = (declared.low + declared.high) / 2
            found[declared.name] = Interval.exact(
                Decimal(int(middle)) if declared.whole else middle
            )
    return found


def meld() -> ScoreEvaluation:
    bilirubin = measured("bilirubin_total", "12.0", "mg/dL")
    older = measured("bilirubin_total", "205.2", "umol/L", hours=30, version=2)
    return evaluated(
        "meld_optn",
        [
            chosen(bilirubin, "bilirubin", passed_over=[(older, "stale")]),
            chosen(measured("creatinine", "1.90", "mg/dL", hours=2), "creatinine"),
            chosen(measured("inr", "1.8", "{INR}", type_="DiagnosticReport"), "inr"),
            Choice(
                input="dialysis",
                concept="renal_replacement",
                value=frozenset({"no"}),
                why="complete feed",
            ),
        ],
    )


BILIRUBIN = Evidence(
    concept="bilirubin_total",
    fact=measured("bilirubin_total", "205.2", "umol/L"),
    sent="205.2 umol/L",
    used="12",
    conversion="205.2 umol/L / 17.1 = 12 mg/dL",
    unit="mg/dL",
    drawn=TimeRange.exact(T),
    received=K,
    source=SourceVersion("Observation", "bilirubin-4711", 2, "Observation.valueQuantity"),
    flags=("unit_mapped",),
    note="newest within the age limit",
)
CIRRHOSIS = Evidence(
    concept="cirrhosis",
    used="present",
    drawn=TimeRange(T - timedelta(days=30), T - timedelta(days=2)),
    source=SourceVersion("Condition", "cirrhosis-4711", 1),
)
FEED = Evidence(concept="renal_replacement", note="feed declared complete")


def verdict(**changes: object) -> Verdict:
    """Return an undetermined verdict with a criterion of each kind."""
    criteria = (
        CriterionResult(
            criterion="I1",
            role="inclusion",
            text="Bilirubin at least 12 mg/dL",
            source="4.1.1",
            outcome=Outcome.MET,
            passes=True,
            deciding=(BILIRUBIN, CIRRHOSIS),
            distance=Distance(Decimal("0.0"), "mg/dL", Decimal(12)),
            flags=("rounding_sensitive",),
            note="Seen by Doctor Who on the ward.",
            fresh_until=T + timedelta(hours=48),
        ),
        CriterionResult(
            criterion="E1",
            role="exclusion",
            text="On renal replacement therapy",
            source="4.2.1",
            outcome=Outcome.UNKNOWN,
            passes=None,
            reasons=(Reason.NO_DATA, Reason.NEEDS_ATTESTATION),
            deciding=(FEED,),
            proposal=Outcome.NOT_MET,
            missing=(Need("attestation", "renal-replacement", "investigator"),),
        ),
        CriterionResult(
            criterion="E2",
            role="exclusion",
            text="Pregnant",
            source="4.2.2",
            outcome=Outcome.NOT_APPLICABLE,
            passes=True,
        ),
    )
    given: dict[str, object] = {
        "protocol": TRIAL,
        "version": "2.0",
        "verdict": "undetermined",
        "criteria": criteria,
        "reasons": ("death-date-unknown",),
        "missing_next": (Need("attestation", "renal-replacement", "investigator"),),
        "flags": ("rounding_sensitive",),
        "as_of": T,
        "known_at": K,
        "fresh_until": T + timedelta(hours=48),
    }
    return Verdict(**(given | changes))


def signable() -> Verdict:
    """Return the verdict with its open criterion settled: eligible, with a flag."""
    first, second, third = verdict().criteria
    settled = replace(second, outcome=Outcome.NOT_MET, passes=True, reasons=(), missing=())
    return verdict(
        verdict="eligible",
        criteria=(replace(first, note=""), replace(settled, proposal=None), third),
        reasons=(),
        missing_next=(),
    )


def frozen(type_: str, id_: str, version: int, **elements: object) -> Frozen:
    """Return a resource as it is stored and served."""
    meta = {"versionId": str(version), "lastUpdated": "2024-03-01T09:00:00.000Z"}
    body = {"resourceType": type_, "id": id_, "meta": meta, **elements}
    return Frozen(SourceVersion(type_, id_, version), json.dumps(body).encode())


def signed(given: Verdict | None = None, **changes: object) -> tuple[Derived, Derived]:
    """Return the signed document and its Provenance."""
    about = {"reference": f"Patient/{SUBJECT}"}
    arguments: dict[str, object] = {
        "site": "north",
        "subject": SUBJECT,
        "study": research_study(protocol()),
        "moved": frozen(
            "ResearchSubject",
            "s",
            3,
            status="screening",
            study={"reference": f"ResearchStudy/{TRIAL}"},
            individual=about,
        ),
        "people": (
            frozen("Patient", SUBJECT, 4, birthDate="1970-05-01"),
            frozen("Practitioner", "p", 1),
        ),
        "evidence": (
            frozen(
                "Observation",
                "bilirubin-4711",
                2,
                status="final",
                code={"text": "Bilirubin"},
                subject=about,
            ),
            frozen("Condition", "cirrhosis-4711", 1, subject=about),
            frozen("Patient", SUBJECT, 4, birthDate="1970-05-01"),
        ),
        "signature": Signature(
            signer="Practitioner/p",
            meaning="1.2.840.10065.1.12.1.5",
            acknowledged=("rounding_sensitive",),
            at=K + timedelta(minutes=5),
        ),
        "versions": {"mapping": "1", f"protocol/{TRIAL}": "2.0"},
        "software_version": "0.1.0",
    }
    return signed_document(given or signable(), **(arguments | changes))


def outcome(**changes: object) -> OutcomeResult:
    """Return an outcome that is decided: a death on day 40."""
    given: dict[str, object] = {
        "outcome": "O1",
        "title": "Death by week 12",
        "value": "yes",
        "due": date(2024, 6, 1),
        "evidence": (
            Evidence(
                concept="death",
                used="2024-04-18T04:00:00+00:00",
                source=SourceVersion("Patient", SUBJECT, 3),
                drawn=TimeRange.exact(datetime(2024, 4, 18, 4, tzinfo=UTC)),
            ),
        ),
        "competing": (CIRRHOSIS,),
        "variants": {"transplant_free": "no", "from_first_dose": "unknown"},
        "flags": ("transplanted",),
        "note": "Died at home.",
        "as_of": T,
        "known_at": K,
    }
    return OutcomeResult(**(given | changes))


def protocol(**changes: object) -> Protocol:
    """Return a fictional protocol."""
    adult = Age(minimum=18, maximum=75)
    given: dict[str, object] = {
        "id": TRIAL,
        "version": "2.0",
        "effective": "2024-01-01",
        "title": "An invented trial of acute-on-chronic liver failure",
        "short_title": "Invented",
        "registry_id": "NCT00000000",
        "identifiers": ("2020-000000-00",),
        "sponsor": "An invented hospital",
        "status": "terminated",
        "time_zero": "randomisation",
        "phase": "Phase 2",
        "sites": ("An invented ward",),
        "arms": (Arm(id="A", title="Verum-4711", kind="experimental"),),
        "inclusion": (
            Criterion(id="I1", role="inclusion", text="Adult", source="4.1", node=adult),
        ),
        "exclusion": (
            Criterion(id="E1", role="exclusion", text="Too old", source="4.2", node=adult),
        ),
        "outcomes": (
            DeathBy(id="O1", title="Death by week 12", text="Dead on day 84", source="O1", day=84),
        ),
        "items": {
            item.code: item
            for item in (
                Item(
                    code="consent-signed",
                    text="Has consent been signed?",
                    type="yes-no",
                    answers={"yes": "Yes", "no": "No"},
                ),
                Item(code="decompensation-onset-date", text="Since when?", type="date"),
                Item(code="he-grade", text="West Haven?", type="integer", low=0, high=4),
                Item(code="weight-for-dosing", text="Weight?", type="quantity", unit="kg", low=20),
            )
        },
    }
    return Protocol(**(given | changes))
