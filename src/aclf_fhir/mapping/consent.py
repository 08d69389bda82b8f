"""Consent → consent to, or refusal of, a study."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from aclf_fhir.mapping.codings import codings_of
from aclf_fhir.mapping.studies import study_of
from aclf_fhir.mapping.subjects import read_subject
from aclf_fhir.mapping.times import check_time, period_span, read_time
from aclf_fhir.record import FactKind

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.consent import Consent, ConsentProvision
    from aclf_fhir.mapping.draft import Draft

__all__ = ["map_consent"]

UNSPECIFIED = "unspecified"


def map_consent(consent: "Consent", draft: "Draft") -> str:
    """Read one Consent; return the rule it falls under if nothing is needed of it.

    It names a study by `policy.uri` or `provision.data.reference`. A research consent
    that names none is kept as `unspecified`: a ResearchSubject may point to it.
    """
    provisions = tuple(_provisions(consent.provision))
    named = dict.fromkeys(_studies(consent, provisions, draft))
    research = any(coding.code == "research" for coding in codings_of(consent.scope))
    if not named and not research:
        return "consent-not-research"
    read_subject(draft, consent.patient, "patient")
    start = read_time(consent.date_time, draft)
    if start is not None:
        check_time(draft, start, "dateTime")
    period = period_span(None if consent.provision is None else consent.provision.period, draft)
    # A draft is not signed; an active consent whose provision denies is a refusal.
    status = "proposed" if consent.status == "draft" else consent.status or UNSPECIFIED
    if status == "active" and consent.provision is not None and consent.provision.type == "deny":
        status = "rejected"
    qualifiers = {"research"} if research else set()
    if any(entry.verified is False for entry in consent.verification or ()):
        qualifiers.add("unverified")
    draft.shared = _signers(consent)
    for study in named or {UNSPECIFIED: None}:
        draft.add(
            FactKind.CONSENT,
            study,
            frozenset({status}),
            path="status",
            start=start,
            end=period.end,
            qualifiers=frozenset(qualifiers),
        )
    return ""


def _provisions(provision: "ConsentProvision | None") -> "Iterator[ConsentProvision]":
    if provision is None:
        return
    yield provision
    for nested in provision.provision or ():
        yield from _provisions(nested)


def _studies(
    consent: "Consent", provisions: "tuple[ConsentProvision, ...]", draft: "Draft"
) -> Iterator[str]:
    """Yield the trials the consent names."""
    trials = draft.context.trials
    for policy in consent.policy or ():
        for uri in (policy.uri, policy.authority):
            if uri is not None and uri in trials:
                yield trials[uri]
    for provision in provisions:
        for data in provision.data or ():
            study = study_of(data.reference, draft.context)
            if study is not None:
                yield study


def _signers(consent: "Consent") -> tuple[tuple[str, str], ...]:
    pairs = {
        ("signer", reference.reference)
        for reference in consent.performer or ()
        if reference.reference is not None
    }
    return tuple(sorted(pairs))
