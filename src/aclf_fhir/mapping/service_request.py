"""ServiceRequest → listing for liver transplantation; no other order is read."""

from typing import TYPE_CHECKING

from aclf_fhir.mapping.codings import as_evidence, codings_of, read_notions
from aclf_fhir.mapping.models import HeldReason, Strength
from aclf_fhir.mapping.subjects import read_subject
from aclf_fhir.mapping.times import check_time, read_recorded, read_time
from aclf_fhir.record import FactKind, FactStatus

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.service_request import ServiceRequest
    from aclf_fhir.mapping.draft import Draft

__all__ = ["map_service_request"]

_KINDS = frozenset({FactKind.FINDING, FactKind.PROCEDURE})
_LISTING = "transplant_waitlist"
_OPERATION = "liver_transplantation"
_WISHES = frozenset({"proposal", "plan", "option"})
_OVER = frozenset({"completed", "revoked"})


def map_service_request(request: "ServiceRequest", draft: "Draft") -> str:
    """Read one order; return the rule it falls under if nothing is needed of it.

    An order for the operation is a listing for it. Any other order, whatever its
    code, proves nothing done (trials.md: never infer from orders).
    """
    codings = codings_of(request.code)
    notions = read_notions(codings, draft.context, _KINDS)
    listing = notions.found.get(_LISTING) or notions.found.get(_OPERATION)
    if listing is None and not notions.contradiction:
        return "order-without-use"
    if request.do_not_perform:
        return "do-not-perform"
    status = request.status or "unknown"
    if status == "draft":
        return "draft"
    read_subject(draft, request.subject)
    if listing is None:
        draft.block(HeldReason.CONTRADICTING_CODES, "code", notions.contradiction)
        return ""
    if status == "unknown":
        draft.status = FactStatus.PRELIMINARY
    start = read_time(request.authored_on, draft)
    if start is not None:
        check_time(draft, start, "authoredOn")
    found = {listing.strength.value, "history" if status in _OVER else "active"}
    # Listed but inactive, or only proposed: a person must look.
    if status == "on-hold" or request.intent in _WISHES:
        found.add(Strength.REVIEW.value)
    encounter = request.encounter
    if encounter is not None and encounter.reference is not None:
        draft.shared = (("encounter", encounter.reference),)
    draft.add(
        FactKind.FINDING,
        _LISTING,
        frozenset({"present"}),
        path="code",
        start=start,
        recorded=read_recorded(request.authored_on, draft),
        qualifiers=frozenset(found),
        codes=as_evidence(codings),
    )
    return ""
