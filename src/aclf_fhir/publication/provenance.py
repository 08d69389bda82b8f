"""Who derived what from what, under which rules: one Provenance per evaluation."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum

from aclf_fhir.codes import CANONICAL_BASE, Coding
from aclf_fhir.fhir import format_instant
from aclf_fhir.publication.derived import Derived, Json, derived_id, distinct
from aclf_fhir.publication.elements import (
    Members,
    compact,
    concept,
    date_time,
    extension,
    local,
    meta,
    part,
    reference,
)
from aclf_fhir.record import SourceVersion

__all__ = [
    "EvaluationReason",
    "agent",
    "clocks_extension",
    "gateway_device",
    "policies",
    "provenance",
]

_AGENT_TYPE = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


class EvaluationReason(StrEnum):
    """Why an evaluation was made."""

    NEW_DATA = "new-data"
    CORRECTION = "correction"
    RETRACTION = "retraction"
    REPLAY = "replay"
    RULES_CHANGED = "rules-changed"
    TIME_PASSED = "time-passed"
    REQUESTED = "requested"


def gateway_device(software_version: str) -> Derived:
    """Describe the gateway as a Device; another software version is another Device."""
    resource = compact(
        resourceType="Device",
        id=derived_id("", "Device", "aclf-fhir", software_version),
        meta=meta(),
        status="active",
        deviceName=[{"name": "aclf-fhir", "type": "model-name"}],
        type=concept(text="Clinical decision software"),
        version=[{"value": software_version}],
    )
    return Derived.of(resource)


def provenance(
    *,
    site: str,
    subject: str | None,
    evaluation: str,
    targets: Iterable[SourceVersion],
    sources: Iterable[SourceVersion],
    versions: Mapping[str, str],
    software_version: str,
    recorded: datetime,
    as_of: datetime,
    known_at: datetime,
    reason: EvaluationReason = EvaluationReason.NEW_DATA,
) -> Derived:
    """Write the Provenance of everything one evaluation wrote.

    Parameters
    ----------
    site, subject
        Whose evaluation it was; `subject` is None for a report over many.
    evaluation
        What tells this evaluation from every other of the subject.
    targets
        The versions it wrote; at least one.
    sources
        The resource versions it read. Evidence of every type stands here, also what
        `derivedFrom` cannot point at in R4 (Condition, Procedure, medication).
    versions
        Version by rule: `score/meld_optn`, `protocol/example-aclf-01`, `mapping` …; each
        becomes a `policy` URL.
    software_version
        Version of the gateway, whose Device is the agent.
    recorded
        When it was written.
    as_of, known_at
        T and K.
    reason
        Why it was made.
    """
    written, read = distinct(targets), distinct(sources)
    device = gateway_device(software_version)
    resource = compact(
        resourceType="Provenance",
        id=derived_id(site, "Provenance", subject or "", evaluation),
        meta=meta(),
        extension=[clocks_extension(as_of, known_at)],
        target=[reference(target.reference) for target in written],
        recorded=format_instant(recorded),
        policy=policies(versions),
        reason=[concept(local("evaluation", reason.value))],
        activity=concept(local("evaluation", "evaluate")),
        agent=[agent("assembler", device.reference, f"aclf-fhir {software_version}")],
        entity=[{"role": "source", "what": reference(source.reference)} for source in read],
    )
    return Derived.of(resource, subject=subject, sources=read)


def clocks_extension(as_of: datetime, known_at: datetime) -> Members:
    """Say for which T and K something was evaluated."""
    return extension(
        "clocks",
        part("asOf", valueDateTime=date_time(as_of)),
        part("knownAt", valueDateTime=date_time(known_at)),
    )


def policies(versions: Mapping[str, str]) -> list[Json]:
    """Name the rules that were followed, each with its version, as URLs."""
    return [
        f"{CANONICAL_BASE}/rules/{rule}|{version}" for rule, version in sorted(versions.items())
    ]


def agent(kind: str, who: str, display: str = "") -> Members:
    """Name one who took part; `kind` is a code of R4's provenance-participant-type."""
    return {"type": concept(Coding(_AGENT_TYPE, kind)), "who": reference(who, display)}
