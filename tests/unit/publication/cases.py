"""Invented evaluations for the tests of publication."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from aclf_fhir.evaluation import Choice, ScoreEvaluation
from aclf_fhir.record import Fact, FactKind, SentValue, SourceVersion
from aclf_fhir.scores import SCORES, ScoreValue, compute
from aclf_fhir.units import Interval, TimeRange

T = datetime(2024, 3, 9, 8, tzinfo=UTC)
K = datetime(2024, 3, 9, 9, 30, tzinfo=UTC)
SUBJECT = "patient-4711"


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
