"""A verdict as a panel Observation, and each of its criteria as a member."""

from collections.abc import Iterable

from aclf_fhir.publication.derived import Derived, Json, derived_id, distinct
from aclf_fhir.publication.elements import (
    Members,
    absent,
    categories,
    compact,
    component,
    concept,
    date_time,
    extension,
    flag_components,
    meta,
    moment,
    part,
    quantity,
    reason_components,
    reference,
    study_extension,
)
from aclf_fhir.publication.score import derived_from
from aclf_fhir.publication.trial_content import (
    criterion_value,
    fresh_component,
    protocol_code,
    role_component,
    verdict_code,
    verdict_value,
)
from aclf_fhir.record import SourceVersion
from aclf_fhir.trial.judgement import Distance, Evidence, Need
from aclf_fhir.trial.screen import CriterionResult, Verdict

__all__ = ["evidence_component", "sources_of", "verdict_id", "verdict_observations"]


def verdict_id(*, site: str, subject: str, trial: str) -> str:
    """Return the id of the one verdict of a subject in a trial."""
    return derived_id(site, "Observation", subject, "verdict", trial)


def verdict_observations(
    verdict: Verdict, *, site: str, subject: str, subject_reference: str = ""
) -> tuple[Derived, ...]:
    """Publish a verdict: the panel first, then each criterion in the protocol's order.

    Parameters
    ----------
    verdict
        With every criterion and what decided it.
    site, subject
        Whose verdict it is. Subject and trial (and criterion) are the identity: another
        result is another version.
    subject_reference
        What `Observation.subject` points at, `Patient/{subject}` by default.
    """
    about = reference(subject_reference or f"Patient/{subject}")
    criteria = [
        _criterion(verdict, result, site=site, subject=subject, about=about)
        for result in verdict.criteria
    ]
    resource = compact(
        resourceType="Observation",
        id=verdict_id(site=site, subject=subject, trial=verdict.protocol),
        meta=meta("verdict"),
        extension=[study_extension(verdict.protocol)],
        status="final",
        category=categories("verdict"),
        code=verdict_code(verdict.protocol),
        subject=about,
        effectiveDateTime=date_time(verdict.as_of),
        **verdict_value(verdict.verdict),
        method=_method(verdict),
        hasMember=[reference(criterion.reference) for criterion in criteria],
        component=[
            *reason_components(verdict.reasons),
            *(_missing(need) for need in verdict.missing_next),
            *flag_components(verdict.flags),
            *fresh_component(verdict.fresh_until),
        ],
    )
    sources = [source for criterion in criteria for source in criterion.sources]
    return (Derived.of(resource, subject=subject, sources=sources), *criteria)


def _criterion(
    verdict: Verdict, result: CriterionResult, *, site: str, subject: str, about: Members
) -> Derived:
    trial = verdict.protocol
    sources = sources_of(result.deciding)
    resource = compact(
        resourceType="Observation",
        id=derived_id(site, "Observation", subject, "criterion", trial, result.criterion),
        meta=meta("criterion"),
        extension=[study_extension(trial)],
        status="final",
        category=categories("criterion"),
        code=protocol_code(trial, result.criterion, result.text),
        subject=about,
        effectiveDateTime=date_time(verdict.as_of),
        **criterion_value(result.outcome.value),
        note=[{"text": result.note}] if result.note else None,
        method=_method(verdict),
        derivedFrom=derived_from(sources),
        component=_components(result),
    )
    return Derived.of(resource, subject=subject, sources=sources)


def _method(verdict: Verdict) -> Members:
    return concept(text=f"Protocol {verdict.protocol}, version {verdict.version}")


def _components(result: CriterionResult) -> list[Json]:
    passes: Members = {"dataAbsentReason": absent("unknown")}
    if result.passes is not None:
        passes = {"valueBoolean": result.passes}
    proposal = result.proposal
    return [
        role_component(result.role),
        component("passes", passes),
        *reason_components(result.reasons),
        *([component("proposal", criterion_value(proposal.value))] if proposal else []),
        *(evidence_component(evidence) for evidence in result.deciding),
        *_distance(result.distance),
        *(_missing(need) for need in result.missing),
        *flag_components(result.flags),
        *fresh_component(result.fresh_until),
    ]


def _distance(distance: Distance | None) -> list[Json]:
    if distance is None:
        return []
    return [
        component(name, {"valueQuantity": quantity(number, distance.unit)})
        for name, number in (("distance", distance.value), ("limit", distance.limit))
    ]


def sources_of(deciding: Iterable[Evidence]) -> tuple[SourceVersion, ...]:
    """Return the resource versions that evidence came from."""
    return distinct(evidence.source for evidence in deciding if evidence.source is not None)


def evidence_component(evidence: Evidence, code: str = "evidence") -> Members:
    """Show one fact: the value used, and as parts of an extension where it comes from."""
    value: Members = {"dataAbsentReason": absent("unknown")}
    if evidence.used:
        value = {"valueString": f"{evidence.used} {evidence.unit}".rstrip()}
    return component(code, value, extension=[extension("evidence", *_evidence_parts(evidence))])


def _evidence_parts(evidence: Evidence) -> list[Json]:
    parts: list[Json] = [part("concept", valueCode=evidence.concept)]
    if evidence.source is not None:
        parts.append(part("resource", valueReference=reference(evidence.source.reference)))
    parts.extend(
        part(name, valueString=text)
        for name, text in (
            ("sent", evidence.sent),
            ("conversion", evidence.conversion),
            ("note", evidence.note),
        )
        if text
    )
    if evidence.drawn is not None:
        parts.append(part("drawn", **moment("value", evidence.drawn)))
    if evidence.received is not None:
        parts.append(part("received", valueDateTime=date_time(evidence.received)))
    parts.extend(part("flag", valueCode=flag) for flag in evidence.flags)
    return parts


def _missing(need: Need) -> Members:
    """Show a missing fact: what kind of which concept, and who can supply it."""
    parts = (
        part("kind", valueCode=need.kind),
        part("concept", valueCode=need.concept),
        part("supplier", valueString=need.supplier),
    )
    text = f"{need.concept} ({need.kind}), from {need.supplier}"
    return component(
        "missing-next", {"valueString": text}, extension=[extension("missing-fact", *parts)]
    )
