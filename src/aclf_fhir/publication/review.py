"""What becomes of a signed decision: read back, and asked about when it would fall otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from aclf_fhir.fhir import format_instant, parse_date_time
from aclf_fhir.publication.criterion import sources_of
from aclf_fhir.publication.derived import Derived, Json, derived_id
from aclf_fhir.publication.elements import (
    Members,
    compact,
    concept,
    local,
    meta,
    profile_url,
    reference,
)
from aclf_fhir.publication.provenance import policies
from aclf_fhir.publication.trial_content import criterion_value, protocol_code, verdict_value
from aclf_fhir.record import SourceVersion
from aclf_fhir.trial.screen import Verdict

__all__ = ["Finding", "SignedDecision", "findings", "read_signed", "review_id", "review_task"]

_VERDICT, _CRITERION = profile_url("verdict"), profile_url("criterion")
_OVERALL = "verdict"
"""Stands for the verdict as a whole, as in the protocol's code system."""


class _Coding(msgspec.Struct, frozen=True):
    system: str = ""
    code: str = ""


class _Concept(msgspec.Struct, frozen=True):
    coding: tuple[_Coding, ...] = ()


class _Meta(msgspec.Struct, frozen=True):
    profile: tuple[str, ...] = ()


class _Resource(msgspec.Struct, rename="camel"):
    resource_type: str
    id: str = ""
    meta: _Meta = _Meta()
    policy: tuple[str, ...] = ()
    code: msgspec.Raw = msgspec.Raw(b"{}")
    effective_date_time: str = ""
    value_codeable_concept: msgspec.Raw = msgspec.Raw(b"{}")


class _Entry(msgspec.Struct):
    resource: msgspec.Raw


class _Bundle(msgspec.Struct):
    id: str
    entry: tuple[_Entry, ...]


_bundle = msgspec.json.Decoder(_Bundle).decode
_resource = msgspec.json.Decoder(_Resource).decode
_concept = msgspec.json.Decoder(_Concept).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedDecision:
    """What a signed document says, as far as later knowledge can be held against it.

    Parameters
    ----------
    id
        Of the document.
    trial
        Which protocol it was judged by.
    as_of
        T.
    outcomes
        Outcome by criterion, as written (`not-met`), and of the whole as `verdict`.
    policy
        The rules in their versions.
    observations
        Verdict and criteria as written, in the order of the document.
    """

    id: str
    trial: str
    as_of: datetime
    outcomes: Mapping[str, str]
    policy: tuple[str, ...]
    observations: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One criterion of a signed decision, as signed and as it would be now.

    Parameters
    ----------
    criterion
        Its id, or `verdict` for the whole.
    text
        What it asks.
    before, after
        Outcome as signed and now.
    reasons
        Why it is unknown now.
    evidence
        The resource versions that decide it now.
    """

    criterion: str
    text: str
    before: str
    after: str
    reasons: tuple[str, ...] = ()
    evidence: tuple[SourceVersion, ...] = ()


def read_signed(body: bytes) -> SignedDecision:
    """Read a document that `signed_document` wrote."""
    bundle = _bundle(body)
    outcomes: dict[str, str] = {}
    observations: list[bytes] = []
    policy: tuple[str, ...] = ()
    trial, as_of = "", ""
    for entry in bundle.entry:
        one = _resource(entry.resource)
        if one.resource_type == "Provenance":
            policy = one.policy
        elif {_VERDICT, _CRITERION} & {*one.meta.profile}:
            code = _concept(one.code).coding[0]
            outcomes[code.code] = _concept(one.value_codeable_concept).coding[0].code
            observations.append(bytes(entry.resource))
            trial, as_of = code.system.rpartition("/")[2], one.effective_date_time
    return SignedDecision(
        id=bundle.id,
        trial=trial,
        as_of=parse_date_time(as_of, UTC).earliest,
        outcomes=outcomes,
        policy=policy,
        observations=tuple(observations),
    )


def findings(signed: SignedDecision, verdict: Verdict) -> tuple[Finding, ...]:
    """Hold a verdict for the signed T against the document, criterion by criterion.

    What decides beside the criteria, a death, is held against the verdict as a whole; of
    the dead no criterion is judged. A criterion that was not signed is left out.
    """
    found: list[Finding] = []
    if verdict.reasons:
        found.append(
            Finding(
                criterion=_OVERALL,
                text="Verdict over all criteria",
                before=signed.outcomes[_OVERALL],
                after=verdict.verdict,
                reasons=verdict.reasons,
                evidence=sources_of(verdict.criteria[0].deciding) if verdict.criteria else (),
            )
        )
    if "deceased" not in verdict.reasons:
        found.extend(
            Finding(
                criterion=one.criterion,
                text=one.text,
                before=signed.outcomes[one.criterion],
                after=one.outcome.value.replace("_", "-"),
                reasons=one.reasons,
                evidence=sources_of(one.deciding),
            )
            for one in verdict.criteria
            if one.criterion in signed.outcomes
        )
    return tuple(found)


def review_id(*, site: str, document: str, criterion: str) -> str:
    """Return the id of the one Task about a criterion of a signed document."""
    return derived_id(site, "Task", document, criterion)


def review_task(
    finding: Finding,
    signed: SignedDecision,
    *,
    site: str,
    subject: str,
    focus: str,
    versions: Mapping[str, str],
    authored: datetime,
    current: bytes | None = None,
) -> Derived | None:
    """Ask a person about a criterion that would now fall otherwise than signed.

    Parameters
    ----------
    finding
        The criterion, as signed and as it would be now.
    signed
        The document.
    site, subject
        Whose it is.
    focus
        Reference of the ResearchSubject.
    versions
        The rules of now; if they are not those of the document, the Task says so.
    authored
        When the Task is opened, if it is.
    current
        The Task as stored. Another outcome asks again; the signed one come back is
        noted and closes nothing: `status` and `note` are a person's.

    Returns
    -------
    Derived | None
        The new body, or None if there is nothing to ask or to note.
    """
    differs = finding.before != finding.after
    known = None if current is None else _task(current)
    if known is None:
        if not differs:
            return None
    elif known.said("after") == finding.after:
        return None
    status = known.status if known is not None and not differs else "requested"
    resource = compact(
        resourceType="Task",
        id=review_id(site=site, document=signed.id, criterion=finding.criterion),
        meta=meta(),
        status=status,
        intent="order",
        code=concept(local("signing", "review"), text="Review a signed decision"),
        description=f"{finding.criterion} of {signed.trial} was signed as {finding.before}"
        f" and would now be {finding.after}.",
        focus=reference(focus),
        **{"for": reference(f"Patient/{subject}")},
        authoredOn=known.authored_on if known else format_instant(authored),
        reasonCode=_reason(signed, versions),
        reasonReference=reference(f"Bundle/{signed.id}"),
        note=list(known.note) if known else [],
        input=_inputs(finding, signed),
    )
    return Derived.of(resource, subject=subject, sources=finding.evidence)


def _reason(signed: SignedDecision, versions: Mapping[str, str]) -> Members:
    """Say whether new knowledge alone can be the reason, or other rules as well."""
    same = [*signed.policy] == policies(versions)
    return concept(local("evaluation", "new-data" if same else "rules-changed"))


def _inputs(finding: Finding, signed: SignedDecision) -> list[Json]:
    value = verdict_value if finding.criterion == _OVERALL else criterion_value
    return [
        _input(
            "criterion",
            valueCodeableConcept=protocol_code(signed.trial, finding.criterion, finding.text),
        ),
        _input("before", **value(finding.before)),
        _input("after", **value(finding.after)),
        *(
            _input("reason", valueCodeableConcept=concept(local("reasons", one)))
            for one in finding.reasons
        ),
        *(_input("evidence", valueReference=reference(one.reference)) for one in finding.evidence),
    ]


def _input(name: str, **value: Json) -> Members:
    return {"type": concept(local("signing", name)), **value}


class _Input(msgspec.Struct, rename="camel"):
    type: _Concept
    value_codeable_concept: _Concept = _Concept()


class _Task(msgspec.Struct, rename="camel"):
    status: str
    authored_on: str
    input: tuple[_Input, ...]
    note: tuple[msgspec.Raw, ...] = ()

    def said(self, name: str) -> str:
        """Return the code of an input."""
        return next(
            one.value_codeable_concept.coding[0].code
            for one in self.input
            if one.type.coding[0].code == name
        )


_task = msgspec.json.Decoder(_Task).decode
