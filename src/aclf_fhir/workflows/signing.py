"""`$sign`: an investigator's signature freezes a verdict; what stands open refuses it.

The verdict is judged anew for the signed T with all that is known (K), never read from
what was published. The document is written once and by nobody altered; the subject's
status does not move: enrolling somebody is another act.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from aclf_fhir.errors import AclfError, Category, Issue
from aclf_fhir.fhir import parse_reference
from aclf_fhir.publication import (
    MEANINGS,
    Frozen,
    Signature,
    research_study,
    signed_document,
    verdict_observations,
)
from aclf_fhir.record import SourceVersion
from aclf_fhir.store import Reader, Stored, Transaction
from aclf_fhir.trial import Protocol, Verdict, screen
from aclf_fhir.workflows.evaluating import ensure_evaluated
from aclf_fhir.workflows.gateway import Gateway
from aclf_fhir.workflows.indexing import subject_of
from aclf_fhir.workflows.publishing import put_derived
from aclf_fhir.workflows.reviewing import protocol_rules, signed_decisions
from aclf_fhir.workflows.screening import AskedInstant, record_for
from aclf_fhir.workflows.serving import Served, present, served, version_number
from aclf_fhir.workflows.verdicts import blinded, enrolment_of, read_subject

__all__ = ["sign"]

_SIGNERS = ("Practitioner", "PractitionerRole")
_AGAINST = frozenset({"ineligible", "not-registered", "withdrawn"})
"""ResearchSubject.status by which a person has said no already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """What is to be signed, and everything the document holds beside it."""

    protocol: Protocol
    subject: str
    moved: Stored
    verdict: Verdict
    people: tuple[Frozen, ...]
    evidence: tuple[Frozen, ...]


def sign(
    gateway: Gateway,
    research_subject: str,
    *,
    signer: str,
    meaning: str,
    acknowledged: Iterable[str],
    as_of: AskedInstant,
    if_match: str | None,
) -> Served:
    """Sign the verdict on a subject; return the document once it is durable.

    Parameters
    ----------
    research_subject
        Logical id of the ResearchSubject.
    signer
        Reference of a stored Practitioner or PractitionerRole.
    meaning
        A key of `MEANINGS`.
    acknowledged
        The flags the signer has seen: all there are, and no others.
    as_of
        T. After enrolment the verdict that counts is the one at enrolment.
    if_match
        Version of the ResearchSubject that the signer decided on.

    Raises
    ------
    AclfError
        `conflict` with every criterion that is open or fails, every flag that is not
        acknowledged, or for what is signed already; `precondition` for another
        version than `if_match`; `invalid`, `not_found`, `gone`.
    """
    if meaning not in MEANINGS:
        raise AclfError.of(
            Category.INVALID,
            "Parameters.parameter.meaning",
            "is no meaning of a signature here",
            f"Known: {', '.join(f'{code} ({name})' for code, name in MEANINGS.items())}.",
        )
    with gateway.store.read() as reader:
        patient, _ = _whose(gateway, reader, research_subject)
    ensure_evaluated(gateway, [patient])
    with gateway.store.read() as reader:
        case = _case(gateway, reader, research_subject, signer, as_of, if_match)
        flags = _signable(case.verdict, acknowledged)

    def write(tx: Transaction) -> Stored | None:
        _check_unchanged(tx, gateway, case)
        _refuse_signed(tx, gateway, case)
        document, proof = signed_document(
            case.verdict,
            site=gateway.site,
            subject=case.subject,
            study=research_study(case.protocol),
            moved=_frozen(case.moved),
            people=case.people,
            evidence=case.evidence,
            signature=Signature(signer=signer, meaning=meaning, acknowledged=flags, at=tx.known),
            versions=protocol_rules(gateway, case.protocol),
            software_version=gateway.software_version,
        )
        put_derived(tx, gateway, document)
        put_derived(tx, gateway, proof)
        return tx.current(gateway.site, document.type, document.id)

    return served(present(gateway.store.write(write), "Bundle"))


def _whose(gateway: Gateway, reader: Reader, identity: str) -> tuple[str, Stored]:
    """Return the Patient of a ResearchSubject that the gateway made, and the subject."""
    moved = present(reader.current(gateway.site, "ResearchSubject", identity), "ResearchSubject")
    patient = subject_of(read_subject(moved))
    if not moved.derived or not patient:
        raise AclfError.of(
            Category.UNSUPPORTED,
            "ResearchSubject",
            "is not one that this gateway judges",
            "Sign the ResearchSubject that the gateway made.",
        )
    return patient, moved


def _case(
    gateway: Gateway,
    reader: Reader,
    identity: str,
    signer: str,
    as_of: AskedInstant,
    if_match: str | None,
) -> _Case:
    patient, moved = _whose(gateway, reader, identity)
    _check_version(moved, if_match)
    subject = read_subject(moved)
    study = parse_reference((subject.study.reference if subject else "") or "").id
    protocol = gateway.catalog.protocols.get(study or "")
    if protocol is None:
        raise AclfError.of(
            Category.UNSUPPORTED,
            "ResearchSubject.study",
            "has no protocol here any more",
            "Install its protocol file.",
        )
    if subject is not None and subject.status in _AGAINST:
        raise AclfError.of(
            Category.CONFLICT,
            "ResearchSubject.status",
            f"is {subject.status}: a person has decided against this subject",
            "Move the subject back to screening first.",
        )
    now = gateway.clock()
    if isinstance(as_of, datetime) and as_of > now:
        raise AclfError.of(
            Category.INVALID,
            "Parameters.parameter.asOf",
            "lies in the future",
            "Sign for an instant that has come.",
        )
    record = record_for(
        patient,
        reader.facts(gateway.site, patient),
        as_of=as_of,
        known_at=reader.watermark(),
        now=now,
    )
    enrolment = enrolment_of(subject, gateway.site_map.zone)
    if enrolment is not None and enrolment.start < record.as_of:
        record = record.at(enrolment.start)
    verdict = screen(protocol, blinded(gateway, reader, record), gateway.rules)
    panel, *_ = verdict_observations(verdict, site=gateway.site, subject=patient)
    person = present(reader.current(gateway.site, "Patient", patient), "Patient")
    return _Case(
        protocol=protocol,
        subject=patient,
        moved=moved,
        verdict=verdict,
        people=(_frozen(person), _frozen(_signer(gateway, reader, signer))),
        evidence=tuple(_cited(gateway, reader, source) for source in panel.sources),
    )


def _check_version(moved: Stored, if_match: str | None) -> None:
    named = (if_match or "").removeprefix("W/").strip('"')
    if version_number(named) == moved.version:
        return
    raise AclfError.of(
        Category.PRECONDITION,
        "ResearchSubject",
        "If-Match does not name the current version" if named else "If-Match is missing",
        "Read the subject and its verdict, decide, and send the version you read as If-Match.",
    )


def _signer(gateway: Gateway, reader: Reader, reference: str) -> Stored:
    """Return who signs: a signature by somebody not on file would name nobody."""
    parsed = parse_reference(reference)
    stored = None
    if parsed.kind == "relative" and parsed.type in _SIGNERS and parsed.id:
        stored = reader.current(gateway.site, parsed.type, parsed.id)
    if stored is None or stored.deleted:
        raise AclfError.of(
            Category.INVALID,
            "Parameters.parameter.signer",
            f"names no stored {' or '.join(_SIGNERS)}",
            "Push the resource of the person who signs, and name it as `Practitioner/id`.",
        )
    return stored


def _frozen(stored: Stored) -> Frozen:
    source = SourceVersion(stored.type, stored.id, stored.version)
    return Frozen(source, served(stored).body)


def _cited(gateway: Gateway, reader: Reader, source: SourceVersion) -> Frozen:
    stored = reader.version(gateway.site, source.type, source.id, source.version)
    return _frozen(present(stored, source.type))


# ── What refuses a signature ─────────────────────────────────────────────────────────


def _signable(verdict: Verdict, acknowledged: Iterable[str]) -> tuple[str, ...]:
    """Return the flags, all acknowledged, of a verdict that can be signed."""
    issues = [
        _open(
            f"Criterion {one.criterion}",
            "is open" if one.passes is None else "fails",
            one.reasons,
            one.text,
        )
        for one in verdict.criteria
        if not one.passes
    ]
    if verdict.verdict != "eligible" and (verdict.reasons or not issues):
        issues.append(_open("The verdict", f"is {verdict.verdict}", verdict.reasons, ""))
    seen = frozenset(acknowledged)
    for flag in verdict.flags:
        if flag not in seen:
            raised = ", ".join(one.criterion for one in verdict.criteria if flag in one.flags)
            issues.append(
                Issue(
                    Category.CONFLICT,
                    "Parameters.parameter.acknowledge",
                    f"The flag {flag} of {raised} is not acknowledged.",
                    "Look at it; to sign nevertheless, name it in `acknowledge`.",
                )
            )
    if issues:
        raise AclfError.all_of(issues)
    if seen.difference(verdict.flags):
        raise AclfError.of(
            Category.INVALID,
            "Parameters.parameter.acknowledge",
            "names a flag that the verdict does not have",
            f"It has: {', '.join(verdict.flags) or 'none'}.",
        )
    return verdict.flags


def _open(what: str, says: str, reasons: Sequence[str], text: str) -> Issue:
    why = f" ({', '.join(reasons)})" if reasons else ""
    return Issue(
        Category.CONFLICT,
        "",
        f"{what} {says}{why}{f': {text}' if text else '.'}",
        "Supply what is missing; nobody sets an outcome.",
    )


def _refuse_signed(tx: Transaction, gateway: Gateway, case: _Case) -> None:
    """Refuse to sign again for the same T while nothing that was judged has changed."""
    rendered = verdict_observations(case.verdict, site=gateway.site, subject=case.subject)
    bodies = tuple(one.body for one in rendered)
    for decision in signed_decisions(gateway, tx, case.subject):
        if decision.observations == bodies:
            raise AclfError.of(
                Category.CONFLICT,
                f"Bundle/{decision.id}",
                "is signed for the same instant on the same knowledge",
                "Read that document; sign again for another instant if you must.",
            )


def _check_unchanged(tx: Transaction, gateway: Gateway, case: _Case) -> None:
    """Refuse if anything about the subject arrived since the verdict was judged."""
    moved = tx.current(gateway.site, "ResearchSubject", case.moved.id)
    changed = moved is None or moved.version != case.moved.version
    if changed or tx.mark_of(gateway.site, case.subject) is not None:
        raise AclfError.of(
            Category.PRECONDITION,
            "ResearchSubject",
            "Something about this subject arrived while it was signed.",
            "Read the subject and its verdict again, and decide on what they say now.",
        )
