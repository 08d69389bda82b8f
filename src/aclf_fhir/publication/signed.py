"""A signed decision: a document Bundle that says what was decided, on what, by whom.

The document stands alone: the verdict with every criterion, the evidence as it was
stored in the versions cited, who signed what in which sense, and the rules in their
versions. A hash over all of it but the Provenance that names the hash shows later that
nothing was altered.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

import msgspec

from aclf_fhir.codes import CANONICAL_BASE
from aclf_fhir.fhir import format_instant
from aclf_fhir.publication.criterion import verdict_observations
from aclf_fhir.publication.derived import Derived, Json, derived_id, write
from aclf_fhir.publication.elements import (
    Members,
    compact,
    concept,
    date_time,
    extension,
    local,
    meta,
    reference,
)
from aclf_fhir.publication.provenance import (
    agent,
    clocks_extension,
    gateway_device,
    policies,
)
from aclf_fhir.record import SourceVersion
from aclf_fhir.trial.screen import Verdict

__all__ = ["MEANINGS", "SIGNATURE_TYPE", "Frozen", "Signature", "content_hash", "signed_document"]

SIGNATURE_TYPE = "urn:iso-astm:E1762-95:2013"
MEANINGS = {
    "1.2.840.10065.1.12.1.1": "Author's Signature",
    "1.2.840.10065.1.12.1.5": "Verification Signature",
    "1.2.840.10065.1.12.1.6": "Validation Signature",
    "1.2.840.10065.1.12.1.13": "Review Signature",
}
"""What a signature under a decision can mean: those of R4's signature-type that fit one."""

_IDENTIFIERS = f"{CANONICAL_BASE}/NamingSystem/signed-document"


@dataclass(frozen=True, slots=True)
class Frozen:
    """One stored resource version, as it is served."""

    source: SourceVersion
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who signs, in which sense, when.

    Parameters
    ----------
    signer
        Reference of the Practitioner or PractitionerRole, `Practitioner/123`.
    meaning
        A key of `MEANINGS`.
    acknowledged
        Every flag of the verdict.
    at
        The instant of signing.
    """

    signer: str
    meaning: str
    acknowledged: tuple[str, ...]
    at: datetime


def signed_document(
    verdict: Verdict,
    *,
    site: str,
    subject: str,
    study: Derived,
    moved: Frozen,
    people: Sequence[Frozen],
    evidence: Sequence[Frozen],
    signature: Signature,
    versions: Mapping[str, str],
    software_version: str,
) -> tuple[Derived, Derived]:
    """Freeze a verdict as a document, and write the Provenance that bears the signature.

    Parameters
    ----------
    verdict
        What is signed; nothing in it may be open.
    site, subject
        Whose verdict it is.
    study
        The ResearchStudy.
    moved
        The ResearchSubject in the version the signer saw.
    people
        The Patient and the signer; further entries of nobody else.
    evidence
        Every resource version that the verdict cites.
    signature
        Who signs.
    versions
        Version by rule, as in `provenance`.
    software_version
        Version of the gateway.

    Returns
    -------
    tuple[Derived, Derived]
        The Bundle, and the Provenance, which is also its last entry.
    """
    panel, *criteria = verdict_observations(verdict, site=site, subject=subject)
    trial, clocks = verdict.protocol, (date_time(verdict.as_of), date_time(verdict.known_at))
    identity = derived_id(site, "Bundle", subject, trial, *clocks)
    device = gateway_device(software_version)
    cited = sorted(evidence, key=lambda one: one.source.reference)
    sections: list[Json] = [
        _section("Verdict", _verdict_text(verdict, signature), [panel.reference]),
        _section("Criteria", _criteria_text(verdict), [one.reference for one in criteria]),
        *_flags(verdict, signature.acknowledged),
        _section(
            "Evidence",
            _lines("The resources in the versions that were judged."),
            [one.source.reference for one in cited],
        ),
        _section(
            "Study and subject",
            _lines(f"Study {trial}, protocol file version {verdict.version}."),
            [study.reference, moved.source.reference],
        ),
    ]
    composition = compact(
        resourceType="Composition",
        id=identity,
        meta=meta(),
        status="final",
        type=concept(local("signing", "signed-verdict"), text="Signed eligibility decision"),
        subject=reference(f"Patient/{subject}"),
        date=format_instant(signature.at),
        author=[reference(signature.signer)],
        title=f"Eligibility for {trial}",
        attester=[
            {
                "mode": "professional",
                "time": format_instant(signature.at),
                "party": reference(signature.signer),
            }
        ],
        event=[{"period": {"end": date_time(verdict.as_of)}}],
        section=sections,
    )
    listed: list[tuple[str, bytes]] = [
        (f"Composition/{identity}", write(composition)),
        *((one.reference, one.body) for one in (study, device, panel, *criteria)),
    ]
    stored = {one.source.reference: one for one in (moved, *people, *cited)}
    listed.extend((f"{one.source.type}/{one.source.id}", one.body) for one in stored.values())
    entries = [_entry(target, body) for target, body in listed]
    digest = content_hash(entries)
    proof = _provenance(
        verdict,
        identity=derived_id(site, "Provenance", subject, "signature", identity),
        subject=subject,
        targets=[f"Bundle/{identity}", moved.source.reference],
        digest=digest,
        signature=signature,
        versions=versions,
        device=device,
        cited=[one.source for one in cited],
    )
    bundle = compact(
        resourceType="Bundle",
        id=identity,
        meta=meta(),
        identifier={"system": _IDENTIFIERS, "value": digest},
        type="document",
        timestamp=format_instant(signature.at),
        entry=[*entries, _entry(proof.reference, proof.body)],
    )
    sources = [one.source for one in cited]
    return Derived.of(bundle, subject=subject, sources=sources), proof


def content_hash(entries: Sequence[Mapping[str, Json]]) -> str:
    """Return the hash of entries: SHA-256 of their canonical JSON, as `sha256:` and hex.

    Canonical JSON has no white space, members in alphabetical order, numbers with the
    digits they were written with, and UTF-8 (R4 json.html#canonical).
    """
    plain = json.loads(write({"entry": entries}), parse_float=_digits, parse_int=_digits)
    canonical = msgspec.json.encode(plain["entry"], order="sorted")
    return f"sha256:{hashlib.sha256(canonical).hexdigest()}"


def _digits(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


def _entry(target: str, body: bytes) -> dict[str, Json]:
    """Write an entry; the URL is the project's own base, whatever server holds a copy."""
    return {"fullUrl": f"{CANONICAL_BASE}/{target}", "resource": msgspec.Raw(body)}


def _provenance(
    verdict: Verdict,
    *,
    identity: str,
    subject: str,
    targets: Iterable[str],
    digest: str,
    signature: Signature,
    versions: Mapping[str, str],
    device: Derived,
    cited: Iterable[SourceVersion],
) -> Derived:
    """Write who signed, when and in which sense; no key signs yet, so there is no `data`."""
    resource = compact(
        resourceType="Provenance",
        id=identity,
        meta=meta(),
        extension=[
            clocks_extension(verdict.as_of, verdict.known_at),
            extension("content-hash", valueString=digest),
        ],
        target=[reference(target) for target in targets],
        recorded=format_instant(signature.at),
        policy=policies(versions),
        activity=concept(local("signing", "sign")),
        agent=[
            agent("attester", signature.signer),
            agent("assembler", device.reference),
        ],
        entity=[{"role": "source", "what": reference(one.reference)} for one in cited],
        signature=[
            {
                "type": [
                    {
                        "system": SIGNATURE_TYPE,
                        "code": signature.meaning,
                        "display": MEANINGS[signature.meaning],
                    }
                ],
                "when": format_instant(signature.at),
                "who": reference(signature.signer),
            }
        ],
    )
    return Derived.of(resource, subject=subject, sources=cited)


# ── Sections ─────────────────────────────────────────────────────────────────────────


def _section(title: str, text: str, entries: Iterable[str] = ()) -> Members:
    return compact(
        title=title, text=_narrative(text), entry=[reference(target) for target in entries]
    )


def _flags(verdict: Verdict, acknowledged: Sequence[str]) -> list[Json]:
    """List the flags that were acknowledged, each with the criteria that raise it."""
    if not acknowledged:
        return []
    raised = {
        flag: [one.criterion for one in verdict.criteria if flag in one.flags]
        for flag in acknowledged
    }
    return [
        {
            "title": "Acknowledged flags",
            "section": [
                {
                    "title": flag,
                    "code": concept(local("flags", flag)),
                    "text": _narrative(_lines(f"Raised by {', '.join(criteria)}.")),
                }
                for flag, criteria in raised.items()
            ],
        }
    ]


def _verdict_text(verdict: Verdict, signature: Signature) -> str:
    return _lines(
        f"Verdict: {verdict.verdict}.",
        f"Judged for {date_time(verdict.as_of)} with what was known at"
        f" {date_time(verdict.known_at)}.",
        f"{MEANINGS[signature.meaning]} of {signature.signer},"
        f" {format_instant(signature.at)}. Flags acknowledged:"
        f" {', '.join(signature.acknowledged) or 'there were none'}.",
    )


def _criteria_text(verdict: Verdict) -> str:
    rows = "".join(
        f"<tr><td>{escape(one.criterion)}</td><td>{escape(one.role)}</td>"
        f"<td>{escape(one.text)}</td><td>{one.outcome.value.replace('_', ' ')}</td></tr>"
        for one in verdict.criteria
    )
    return f"<table>{rows}</table>"


def _lines(*lines: str) -> str:
    return "".join(f"<p>{escape(line)}</p>" for line in lines)


def _narrative(inner: str) -> Members:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">{inner}</div>'
    return {"status": "generated", "div": div}
