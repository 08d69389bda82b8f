"""What criteria, verdicts and outcomes say in FHIR, from codes alone.

As `score_content`: nothing here knows a subject or a fact, so both zones use it.
"""

from datetime import datetime

from aclf_fhir.codes import Coding, local_system
from aclf_fhir.publication.derived import Json
from aclf_fhir.publication.elements import (
    Members,
    absent,
    component,
    concept,
    date_time,
    extension,
    local,
    part,
    reference,
)

__all__ = [
    "ANSWERS",
    "answer_value",
    "criterion_value",
    "fresh_component",
    "protocol_code",
    "protocol_system",
    "role_component",
    "verdict_code",
    "verdict_extension",
    "verdict_value",
]

_YES_NO = "http://terminology.hl7.org/CodeSystem/v2-0136"
ANSWERS = {"yes": Coding(_YES_NO, "Y"), "no": Coding(_YES_NO, "N")}
"""How an outcome's answer is coded; an unknown one is a dataAbsentReason."""


def protocol_system(trial: str) -> str:
    """Return the code system of one protocol's criteria and outcomes."""
    return local_system(trial)


def protocol_code(trial: str, code: str, text: str = "") -> Members:
    """Name a criterion or an outcome of a protocol."""
    return concept(Coding(protocol_system(trial), code), text=text)


def verdict_code(trial: str) -> Members:
    """Name the verdict of a protocol, which is also known across protocols."""
    return concept(Coding(protocol_system(trial), "verdict"), local("criteria", "verdict"))


def criterion_value(outcome: str) -> Members:
    """Build the value of a criterion: met, not met, unknown, not applicable."""
    code = outcome.replace("_", "-")
    return {"valueCodeableConcept": concept(local("criteria", code), text=code.replace("-", " "))}


def verdict_extension(
    verdict: str, version: str, fresh_until: datetime | None, panel: str = ""
) -> Members:
    """Build the machine's verdict on a ResearchSubject, beside the status a person gives it.

    T is not part of it (the panel has it), so that a verdict found again changes nothing.
    """
    parts: list[Json] = [
        part("verdict", valueCode=verdict),
        part("protocolVersion", valueString=version),
    ]
    if fresh_until is not None:
        parts.append(part("freshUntil", valueDateTime=date_time(fresh_until)))
    if panel:
        parts.append(part("panel", valueReference=reference(panel)))
    return extension("subject-verdict", *parts)


def verdict_value(verdict: str) -> Members:
    """Build the value of a verdict: eligible, ineligible, undetermined."""
    return {"valueCodeableConcept": concept(local("verdicts", verdict), text=verdict)}


def answer_value(answer: str) -> Members:
    """Build the value of an outcome: yes, no, or unknown."""
    coding = ANSWERS.get(answer)
    if coding is None:
        return {"dataAbsentReason": absent("unknown")}
    return {"valueCodeableConcept": concept(coding, text=answer)}


def role_component(role: str) -> Members:
    """Say on which side a criterion stands: an exclusion that is met keeps a subject out."""
    return component("role", {"valueCodeableConcept": concept(local("criteria", role))})


def fresh_component(fresh_until: datetime | None) -> list[Json]:
    """Say until when the evidence stays fresh, if it does not for ever."""
    if fresh_until is None:
        return []
    return [component("fresh-until", {"valueDateTime": date_time(fresh_until)})]
