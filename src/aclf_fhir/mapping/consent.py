"""Consent → consent to, or refusal of, a study."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from aclf_fhir.mapping.codings import codings_of
from aclf_fhir.mapping.studies import study_of
from aclf_fhir.mapping.subjects import read_subject
from aclf_fhir.mapping.times import Span, check_time, period_span, read_time
from aclf_fhir.record import FactKind

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.consent import Consent, ConsentProvision
    from aclf_fhir.mapping.draft import Draft
    from aclf_fhir.units import TimeRange

__all__ = ["map_consent"]

UNSPECIFIED = "unspecified"


class _Named(NamedTuple):
    """A study the consent names, when the naming provision holds, and whether it denies."""

    study: str
    span: Span
    denied: bool


def map_consent(consent: "Consent", draft: "Draft") -> str:
    """Read one Consent; return the rule it falls under if nothing is needed of it.

    It names a study by `policy.uri` or `provision.data.reference`. A research consent
    that names none is kept as `unspecified`: a ResearchSubject may point to it.
    A consent begins when it is signed, but no sooner than its provision's period: one
    that is not yet valid does not count. A refusal counts from its date. Without
    dateTime the consent is `undated`: it may be older or newer than any other.
    """
    root = consent.provision
    whole = period_span(None if root is None else root.period, draft)
    named = [*_by_policy(consent, whole, draft)]
    if root is not None:
        named += _by_provision(root, Span(), draft, nested=False)
    research = any(coding.code == "research" for coding in codings_of(consent.scope))
    if not named and not research:
        return "consent-not-research"
    read_subject(draft, consent.patient, "patient")
    signed = read_time(consent.date_time, draft)
    if signed is not None:
        check_time(draft, signed, "dateTime")
    # A draft is not signed; an active consent whose provision denies is a refusal.
    status = "proposed" if consent.status == "draft" else consent.status or UNSPECIFIED
    denies_all = root is not None and root.type == "deny"
    qualifiers = {"research"} if research else set()
    if signed is None:
        qualifiers.add("undated")
    if any(entry.verified is False for entry in consent.verification or ()):
        qualifiers.add("unverified")
    draft.shared = _signers(consent)
    for study in dict.fromkeys(each.study for each in named) or (UNSPECIFIED,):
        about = [each for each in named if each.study == study]
        denied = denies_all or any(each.denied for each in about)
        state = "rejected" if status == "active" and denied else status
        span = whole
        for each in about:
            span = _narrowed(span, each.span)
        counts_at_once = state in ("rejected", "inactive")
        draft.add(
            FactKind.CONSENT,
            study,
            frozenset({state}),
            path="status",
            start=signed if counts_at_once else _later(signed, span.start),
            end=whole.end if counts_at_once else span.end,
            qualifiers=frozenset(qualifiers),
        )
    return ""


def _by_policy(consent: "Consent", span: Span, draft: "Draft") -> Iterator[_Named]:
    """Yield the trials whose policy the consent names."""
    trials = draft.context.trials
    for policy in consent.policy or ():
        for uri in (policy.uri, policy.authority):
            if uri is not None and uri in trials:
                yield _Named(trials[uri], span, denied=False)


def _by_provision(
    provision: "ConsentProvision", within: Span, draft: "Draft", *, nested: bool
) -> Iterator[_Named]:
    """Yield the trials whose data a provision or one inside it is about.

    A nested denial refuses the studies it names itself; one that names none (of some
    use, of some recipient) is no refusal of the study.
    """
    span = _narrowed(within, period_span(provision.period, draft))
    for data in provision.data or ():
        study = study_of(data.reference, draft.context)
        if study is not None:
            yield _Named(study, span, denied=nested and provision.type == "deny")
    for inner in provision.provision or ():
        yield from _by_provision(inner, span, draft, nested=True)


def _narrowed(outer: Span, inner: Span) -> Span:
    """Return when both hold."""
    end = inner.end
    if outer.end is not None and (end is None or outer.end.latest < end.latest):
        end = outer.end
    return Span(_later(outer.start, inner.start), end)


def _later(one: "TimeRange | None", other: "TimeRange | None") -> "TimeRange | None":
    """Return the later of two moments, either of which may be unknown."""
    if one is None or other is None:
        return other if one is None else one
    return other if other.earliest > one.earliest else one


def _signers(consent: "Consent") -> tuple[tuple[str, str], ...]:
    pairs = {
        ("signer", reference.reference)
        for reference in consent.performer or ()
        if reference.reference is not None
    }
    return tuple(sorted(pairs))
