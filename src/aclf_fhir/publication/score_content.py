"""What a score says in FHIR, from the result alone.

Nothing here knows a subject, a fact or a source, so both zones render from it:
the site's Observation adds the evidence, the trial's has none to add.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from aclf_fhir.codes import LOINC, Coding
from aclf_fhir.publication.derived import Json
from aclf_fhir.publication.elements import (
    ABSENT,
    Members,
    absent,
    amount,
    component,
    concept,
    extension,
    flag_components,
    local,
    quantity,
    reason_components,
)
from aclf_fhir.scores import Score, ScoreResult
from aclf_fhir.units import Interval, round_half_up

__all__ = ["score_code", "score_components", "score_method", "score_value"]

SCORE_UNIT = "{score}"
DECIMALS = 4
"""Places of the unrounded value."""


def score_code(score: Score) -> Members:
    """Name the score: its LOINC code where one is verified, and always the project's own."""
    own = local("scores", score.id, score.title)
    codings: list[Coding | Members] = [Coding(LOINC, score.loinc)] if score.loinc else []
    return concept(*codings, own, text=score.title)


def score_method(score: Score) -> Members:
    """Name the formula's version, and mark how far its text was verified."""
    return concept(
        local("score-versions", f"{score.id}-{score.version}"),
        text=f"{score.title}, version {score.version}",
        extensions=[extension("formula-verification", valueCode=score.verification)],
    )


def grade(score: Score, category: str) -> Members:
    """Name a category of a score (`B` of Child-Pugh); the text is as published."""
    return concept(local("grades", f"{score.id}.{category.replace(' ', '-')}"), text=category)


def score_value(result: ScoreResult, score: Score) -> Members:
    """Build value[x], or dataAbsentReason with the missing inputs; then interpretation.

    The main value is rounded as published; the unrounded one is a component.
    """
    if result.status != "ok" or result.value is None:
        return {"dataAbsentReason": _why_absent(result)}
    members: Members = {}
    if isinstance(result.value, bool):
        members["valueBoolean"] = result.value
    elif isinstance(result.value, str):
        members["valueCodeableConcept"] = grade(score, result.value)
    else:
        rounded = result.rounded
        if rounded is None:
            rounded = _shown(result.value)
        members["valueQuantity"] = quantity(rounded, score.unit or SCORE_UNIT)
    if result.category is not None:
        members["interpretation"] = [grade(score, result.category)]
    return members


def score_components(result: ScoreResult, score: Score) -> list[Json]:
    """List what belongs to the value: unrounded, per organ, bounds, details, flags."""
    unit = score.unit or SCORE_UNIT
    components: list[Json] = []
    if isinstance(result.value, Decimal):
        unrounded = quantity(_shown(result.value), unit)
        components.append(component("unrounded", {"valueQuantity": unrounded}))
    components.extend(_points(organ, points) for organ, points in result.components.items())
    for name, bounds in (("bounds", result.bounds), ("rounded-bounds", result.rounded_bounds)):
        if bounds is not None:
            components.append(component(name, amount(bounds, unit)))
    if result.status != "ok":
        components.extend(
            component("possible", {"valueCodeableConcept": grade(score, category)})
            for category in result.possible
        )
    elif result.reason is not None:
        components.extend(reason_components([result.reason]))
    for name, detail in _flat(result.details):
        components.append(component(f"detail.{name}", _detail(detail)))
    components.extend(flag_components(result.flags))
    return components


def _shown(value: Decimal) -> Decimal:
    return round_half_up(value, DECIMALS)


def _why_absent(result: ScoreResult) -> Members:
    missing = [extension("missing-input", valueCode=name) for name in result.missing]
    if result.reason is None:
        text = "Not decided: an input allows several values."
        if missing:
            text = f"Not computable; missing: {', '.join(result.missing)}"
        return absent("unknown", text, missing)
    standard = "not-applicable" if result.reason == "not_applicable" else "error"
    return concept(
        Coding(ABSENT, standard),
        local("reasons", result.reason),
        text=f"Not computable: {result.reason.replace('_', ' ')}",
        extensions=missing,
    )


def _points(organ: str, points: int | None) -> Members:
    value: Members = {"dataAbsentReason": absent("unknown")}
    if points is not None:
        value = {"valueQuantity": quantity(points, SCORE_UNIT)}
    return component(f"points.{organ}", value)


def _flat(details: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, detail in sorted(details.items()):
        if isinstance(detail, Mapping):
            yield from _flat(detail, f"{prefix}{name}.")
        elif detail is not None:
            yield f"{prefix}{name}", detail


def _detail(detail: object) -> Members:
    if isinstance(detail, bool):
        return {"valueBoolean": detail}
    if isinstance(detail, int):
        return {"valueInteger": detail}
    if isinstance(detail, Decimal):
        return {"valueQuantity": quantity(_shown(detail), "")}
    if isinstance(detail, Interval):
        return amount(detail, "")
    if isinstance(detail, str):
        return {"valueString": detail}
    if isinstance(detail, tuple):
        return {"valueString": ", ".join(str(one) for one in detail) or "none"}
    message = f"a score detail cannot be a {type(detail).__name__}"
    raise TypeError(message)
