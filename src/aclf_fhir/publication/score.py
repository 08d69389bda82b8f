"""A score of one subject at one instant as an Observation, with its evidence."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from aclf_fhir.codes import LOINC, Coding
from aclf_fhir.evaluation import Choice, ScoreEvaluation
from aclf_fhir.publication.derived import Derived, Json, ObservationStatus, derived_id, distinct
from aclf_fhir.publication.elements import (
    Members,
    absent,
    amount,
    categories,
    compact,
    component,
    concept,
    date_time,
    extension,
    local,
    meta,
    moment,
    part,
    quantity,
    reference,
)
from aclf_fhir.publication.score_content import (
    score_code,
    score_components,
    score_method,
    score_value,
)
from aclf_fhir.record import Fact, SourceVersion
from aclf_fhir.scores import SCORES
from aclf_fhir.units import Interval

__all__ = ["derived_from", "score_observation", "score_observations", "score_panel"]

_CHILD_PUGH_TOTAL = "98152-2"
_CHILD_PUGH_PANEL = Coding(LOINC, "98153-0")

# The types that Observation.derivedFrom may point at in R4 (4.0.1, §10.1.4).
_DERIVABLE = frozenset(
    {
        "DocumentReference",
        "ImagingStudy",
        "Media",
        "MolecularSequence",
        "Observation",
        "QuestionnaireResponse",
    }
)


def score_observations(
    evaluation: ScoreEvaluation,
    *,
    site: str,
    subject: str,
    subject_reference: str = "",
    status: ObservationStatus = "final",
) -> tuple[Derived, ...]:
    """Publish one score: its Observation, and the panel it belongs to where there is one.

    Parameters
    ----------
    evaluation
        The result, with the facts chosen for it.
    site, subject
        Whose score it is.
    subject_reference
        What `Observation.subject` points at, `Patient/{subject}` by default.
    status
        `amended` for a later version; `revise` sets it, too.
    """
    observation = score_observation(
        evaluation,
        site=site,
        subject=subject,
        subject_reference=subject_reference,
        status=status,
    )
    if SCORES[evaluation.score].loinc != _CHILD_PUGH_TOTAL:
        return (observation,)
    panel = score_panel(
        evaluation,
        observation,
        site=site,
        subject_reference=subject_reference,
        status=status,
    )
    return (observation, panel)


def score_observation(
    evaluation: ScoreEvaluation,
    *,
    site: str,
    subject: str,
    subject_reference: str = "",
    status: ObservationStatus = "final",
) -> Derived:
    """Write the Observation of one score; parameters as in `score_observations`.

    Its identity is subject, score and T. `issued` is left out: when the gateway wrote
    it says `meta.lastUpdated`. Evidence that `derivedFrom` cannot point at in R4 stands
    in the component of its input, and in the Provenance of the evaluation.
    """
    result, choices = evaluation.result, evaluation.choices
    score = SCORES[evaluation.score]
    sources = distinct(fact.source for fact in evaluation.facts)
    components = score_components(result, score)
    components.extend(_input(choice) for choice in choices)
    if evaluation.span is not None:
        components.append(component("span", {"valueQuantity": _minutes(evaluation.span)}))
    resource = compact(
        resourceType="Observation",
        id=_id(site, subject, evaluation.score, evaluation.at),
        meta=meta("score"),
        status=status,
        category=categories("score"),
        code=score_code(score),
        subject=reference(subject_reference or f"Patient/{subject}"),
        effectiveDateTime=date_time(evaluation.at),
        **score_value(result, score),
        method=score_method(score),
        derivedFrom=derived_from(sources),
        component=components,
    )
    return Derived.of(resource, subject=subject, sources=sources)


def score_panel(
    evaluation: ScoreEvaluation,
    observation: Derived,
    *,
    site: str,
    subject_reference: str = "",
    status: ObservationStatus = "final",
) -> Derived:
    """Write the Child-Pugh panel (LOINC 98153-0) with the total as its member."""
    subject = observation.subject or ""
    score = SCORES[evaluation.score]
    resource = compact(
        resourceType="Observation",
        id=_id(site, subject, f"{score.id}-panel", evaluation.at),
        meta=meta("score-panel"),
        status=status,
        category=categories("score"),
        code=concept(
            _CHILD_PUGH_PANEL,
            local("scores", f"{score.id}-panel", f"{score.title}, panel"),
            text=f"{score.title}, panel",
        ),
        subject=reference(subject_reference or f"Patient/{subject}"),
        effectiveDateTime=date_time(evaluation.at),
        hasMember=[reference(observation.reference)],
    )
    return Derived.of(resource, subject=subject, sources=observation.sources)


def derived_from(sources: Iterable[SourceVersion]) -> list[Json]:
    """List each source version that `derivedFrom` may point at."""
    return [reference(source.reference) for source in sources if source.type in _DERIVABLE]


def _id(site: str, subject: str, score: str, at: datetime) -> str:
    return derived_id(site, "Observation", subject, "score", score, date_time(at))


def _input(choice: Choice) -> Members:
    """Show one input: value and unit used, where from, why this one, what was passed over."""
    parts = _choice_parts(choice)
    return component(
        f"input.{choice.input}",
        _used(choice),
        extension=[extension("input-choice", *parts)] if parts else None,
    )


def _used(choice: Choice) -> Members:
    value = choice.value
    if isinstance(value, Interval):
        return amount(value, choice.unit)
    if value is None:
        return {"dataAbsentReason": absent("unknown", choice.reason or choice.why)}
    if len(value) == 1:
        return {"valueCodeableConcept": concept(local("answers", *value))}
    return {"dataAbsentReason": absent("unknown", f"one of: {', '.join(sorted(value))}")}


def _choice_parts(choice: Choice) -> list[Json]:
    parts: list[Json] = [part("why", valueString=choice.why)] if choice.why else []
    parts.extend({"extension": _fact_parts(fact), "url": "source"} for fact in choice.facts)
    parts.extend(
        {"extension": [*_fact_parts(fact), part("reason", valueString=why)], "url": "passedOver"}
        for fact, why in choice.passed_over
    )
    parts.extend(part("flag", valueCode=flag) for flag in sorted(choice.flags))
    return parts


def _fact_parts(fact: Fact) -> list[Json]:
    """Show a fact: the version it came from, its time, the value as sent."""
    parts: list[Json] = [part("resource", valueReference=reference(fact.source.reference))]
    if fact.start is not None:
        parts.append(part("effective", **moment("value", fact.start)))
    if fact.sent is not None:
        parts.append(part("sent", valueString=f"{fact.sent.text} {fact.sent.unit}".rstrip()))
    return parts


def _minutes(span: timedelta) -> Members:
    return quantity(span // timedelta(minutes=1), "min")
