"""What a protocol is in FHIR: ResearchStudy, its code system, its questionnaire."""

from collections.abc import Iterator

from aclf_fhir.codes import CANONICAL_BASE, LOCAL, UCUM, Coding
from aclf_fhir.publication.derived import Derived, Json
from aclf_fhir.publication.elements import (
    Members,
    compact,
    concept,
    extension,
    local,
    meta,
    part,
)
from aclf_fhir.publication.trial_content import protocol_system
from aclf_fhir.trial.models import Protocol
from aclf_fhir.trial.situation import Item

__all__ = ["protocol_code_system", "questionnaire", "research_study"]

_REGISTRY = "https://clinicaltrials.gov"
_R4_EXTENSION = "http://hl7.org/fhir/StructureDefinition"

# ClinicalTrials.gov's recruitment status as R4 says it (research-study-status); the
# registry's `unknown` has no code there and stays without one.
_STATUS = {
    "not_yet_recruiting": "approved",
    "recruiting": "active",
    "enrolling_by_invitation": "active",
    "active_not_recruiting": "closed-to-accrual",
    "suspended": "temporarily-closed-to-accrual",
    "terminated": "administratively-completed",
    "completed": "completed",
    "withdrawn": "withdrawn",
}


_PHASE = "http://terminology.hl7.org/CodeSystem/research-study-phase"
_PHASES = {
    "not applicable": "n-a",
    "early phase 1": "early-phase-1",
    "phase 1": "phase-1",
    "phase 1/phase 2": "phase-1-phase-2",
    "phase 2": "phase-2",
    "phase 2/phase 3": "phase-2-phase-3",
    "phase 3": "phase-3",
    "phase 4": "phase-4",
}


def research_study(protocol: Protocol) -> Derived:
    """Write the ResearchStudy of a protocol.

    Arms are left out: they serve nothing that is computed here, and what a resource of
    both zones does not hold cannot be read off it.
    """
    status = _STATUS.get(protocol.status)
    unknown: Members | None = None
    if status is None:
        unknown = {
            "extension": [{"url": f"{_R4_EXTENSION}/data-absent-reason", "valueCode": "unknown"}]
        }
    resource = compact(
        resourceType="ResearchStudy",
        id=protocol.id,
        meta=meta(),
        extension=[
            extension(
                "protocol-version",
                part("version", valueString=protocol.version),
                part("effective", valueDate=protocol.effective),
            )
        ],
        identifier=[
            {"system": _REGISTRY, "value": protocol.registry_id},
            *({"value": identifier} for identifier in protocol.identifiers),
        ],
        title=protocol.title,
        status=status,
        _status=unknown,
        phase=_phase(protocol.phase),
        description="\n".join(_description(protocol)),
        sponsor={"display": protocol.sponsor},
        site=[{"display": site} for site in protocol.sites],
    )
    return Derived.of(resource)


def _phase(registered: str) -> Members | None:
    code = _PHASES.get(registered.lower())
    codings = [Coding(_PHASE, code)] if code else []
    return concept(*codings, text=registered) if registered else None


def _description(protocol: Protocol) -> Iterator[str]:
    """List the criteria, as Markdown."""
    for title, criteria in (
        ("Inclusion", protocol.inclusion),
        ("Exclusion", protocol.exclusion),
        ("Outcomes", protocol.outcomes),
    ):
        if criteria:
            yield f"{title}:"
            yield from (f"- {one.id}: {one.text}" for one in criteria)


def protocol_code_system(protocol: Protocol) -> Derived:
    """Write the CodeSystem of a protocol's criteria and outcomes."""
    codes = {one.id: one.text for one in protocol.criteria}
    codes |= {one.id: one.title for one in protocol.outcomes}
    codes["verdict"] = "Verdict over all criteria"
    resource = compact(
        resourceType="CodeSystem",
        id=protocol.id,
        meta=meta(),
        url=protocol_system(protocol.id),
        version=protocol.version,
        name=_name(protocol),
        title=protocol.short_title,
        status="active",
        date=protocol.effective,
        caseSensitive=True,
        content="complete",
        count=len(codes),
        concept=[{"code": code, "display": text} for code, text in codes.items()],
    )
    return Derived.of(resource)


def questionnaire(protocol: Protocol) -> Derived:
    """Write the Questionnaire of a protocol's attestation items, in their order."""
    resource = compact(
        resourceType="Questionnaire",
        id=f"{protocol.id}-attestation",
        meta=meta(),
        url=f"{CANONICAL_BASE}/Questionnaire/{protocol.id}-attestation",
        version=protocol.version,
        name=f"{_name(protocol)}_attestation",
        title=f"{protocol.short_title}: what a person must answer",
        status="active",
        subjectType=["Patient"],
        date=protocol.effective,
        item=[_item(item) for item in protocol.items.values()],
    )
    return Derived.of(resource)


def _name(protocol: Protocol) -> str:
    """Return a name a program can use."""
    return protocol.id.upper().replace("-", "_")


_TYPES = {
    "yes-no": "choice",
    "choice": "choice",
    "date": "date",
    "integer": "integer",
    "quantity": "quantity",
}


def _item(item: Item) -> Members:
    """Write one question; bounds and unit are R4's own extensions."""
    return compact(
        extension=[*_bounds(item), *_unit(item)],
        linkId=item.code,
        definition=f"{LOCAL['attestations']}#{item.code}",
        code=[local("attestations", item.code)],
        text=item.text,
        type=_TYPES[item.type],
        answerOption=[
            {"valueCoding": local("attestations", code, text)}
            for code, text in item.answers.items()
        ],
    )


def _bounds(item: Item) -> list[Json]:
    value = "valueInteger" if item.type == "integer" else "valueDecimal"
    return [
        {"url": f"{_R4_EXTENSION}/{name}", value: bound}
        for name, bound in (("minValue", item.low), ("maxValue", item.high))
        if bound is not None
    ]


def _unit(item: Item) -> list[Json]:
    if not item.unit:
        return []
    unit = {"system": UCUM, "code": item.unit, "display": item.unit}
    return [{"url": f"{_R4_EXTENSION}/questionnaire-unitOption", "valueCoding": unit}]
