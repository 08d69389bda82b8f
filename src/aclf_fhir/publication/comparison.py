"""What differs between two verdicts, as a Parameters resource."""

from collections.abc import Iterable

from aclf_fhir.publication.derived import Json, write
from aclf_fhir.publication.elements import Members, compact, date_time, moment, reference
from aclf_fhir.trial.comparison import Comparison, CriterionChange, EvidenceChange
from aclf_fhir.trial.judgement import Evidence
from aclf_fhir.trial.screen import CriterionResult, Verdict

__all__ = ["comparison_parameters"]


def comparison_parameters(comparisons: Iterable[Comparison]) -> bytes:
    """Write comparisons, one parameter with parts each; see OperationDefinition `screen-diff`."""
    return write(
        compact(
            resourceType="Parameters",
            parameter=[_group("comparison", *_comparison(one)) for one in comparisons],
        )
    )


def _group(name: str, *parts: Json) -> Members:
    return {"name": name, "part": parts}


def _value(name: str, **value: Json) -> Members:
    return {"name": name, **value}


def _comparison(comparison: Comparison) -> list[Json]:
    return [
        _value("trial", valueCode=comparison.after.protocol),
        _group("before", *_verdict(comparison.before)),
        _group("after", *_verdict(comparison.after)),
        _value("unchanged", valueInteger=comparison.unchanged),
        *(_group("criterion", *_criterion(change)) for change in comparison.criteria),
    ]


def _verdict(verdict: Verdict) -> list[Json]:
    return [
        _value("asOf", valueDateTime=date_time(verdict.as_of)),
        _value("knownAt", valueDateTime=date_time(verdict.known_at)),
        _value("version", valueString=verdict.version),
        _value("verdict", valueCode=verdict.verdict),
        *(_value("reason", valueCode=reason) for reason in verdict.reasons),
    ]


def _criterion(change: CriterionChange) -> list[Json]:
    before, after = change.before, change.after
    known = [one for one in (after, before) if one is not None]
    parts: list[Json] = [
        _value("id", valueCode=known[0].criterion),
        _value("role", valueCode=known[0].role),
        _value("text", valueString=known[0].text),
    ]
    if before is not None:
        parts.append(_group("before", *_result(before)))
    if after is not None:
        parts.append(_group("after", *_result(after)))
    parts.extend(_group("evidence", *_evidence(one)) for one in change.evidence)
    return parts


def _result(result: CriterionResult) -> list[Json]:
    return [
        _value("outcome", valueCode=result.outcome.value.replace("_", "-")),
        *([] if result.passes is None else [_value("passes", valueBoolean=result.passes)]),
        *(_value("reason", valueCode=reason) for reason in result.reasons),
        *(_value("flag", valueCode=flag) for flag in result.flags),
    ]


def _evidence(change: EvidenceChange) -> list[Json]:
    sides = (("before", change.before), ("after", change.after))
    return [
        _value("change", valueCode=change.kind),
        *(_group(name, *_fact(one)) for name, one in sides if one is not None),
    ]


def _fact(evidence: Evidence) -> list[Json]:
    parts: list[Json] = [_value("concept", valueCode=evidence.concept)]
    if evidence.used:
        parts.append(_value("value", valueString=f"{evidence.used} {evidence.unit}".rstrip()))
    parts.extend(
        _value(name, valueString=text)
        for name, text in (
            ("sent", evidence.sent),
            ("conversion", evidence.conversion),
            ("note", evidence.note),
        )
        if text
    )
    if evidence.source is not None:
        parts.append(_value("resource", valueReference=reference(evidence.source.reference)))
    if evidence.drawn is not None:
        parts.append(_value("drawn", **moment("value", evidence.drawn)))
    if evidence.received is not None:
        parts.append(_value("received", valueDateTime=date_time(evidence.received)))
    parts.extend(_value("flag", valueCode=flag) for flag in evidence.flags)
    return parts
