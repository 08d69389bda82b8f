"""What a sender is told about each resource: stored, duplicate, not needed, held, refused."""

from http import HTTPStatus

from aclf_fhir.api.answers import FhirResponse, etag, outcome, resource
from aclf_fhir.api.asking import Preferences
from aclf_fhir.errors import AclfError, Category, Issue
from aclf_fhir.fhir import splice_meta
from aclf_fhir.mapping.models import Disposition, HeldReason, Holding
from aclf_fhir.publication.bundle import BundleEntry, BundleType, bundle_bytes
from aclf_fhir.publication.operation_outcome import operation_outcome
from aclf_fhir.workflows.bundles import BundleReceipt
from aclf_fhir.workflows.intake import Receipt

__all__ = ["answer_bundle", "answer_write"]

_HELD_AS = {
    HeldReason.UNKNOWN_PATIENT: Category.NOT_FOUND,
    HeldReason.REFERENCE_UNKNOWN: Category.NOT_FOUND,
    HeldReason.STATUS_CONFLICT: Category.CONFLICT,
}
"""What kind of issue a holding is; whatever else holds is something not supported."""


def answer_write(
    receipt: Receipt, wishes: Preferences, base: str, *, posted: bool = False
) -> FhirResponse:
    """Answer a create or an update.

    R4 leaves the default of `Prefer: return` open: here it is the representation, but an
    OperationOutcome where the resource is held, which only an explicit `representation`
    overrules. Who `posted` has to be told the id, even where the resource was known.
    """
    status = HTTPStatus.CREATED if receipt.created else HTTPStatus.OK
    held = receipt.disposition is Disposition.HELD
    location = f"{base}/{_versioned(receipt)}" if receipt.created or posted else ""
    told = wishes.returns == "OperationOutcome" or (held and wishes.returns != "representation")
    if told:
        answer = outcome(_issues(receipt), status)
        headers = resource(
            None,
            version=receipt.version,
            last_updated=receipt.last_updated,
            location=location,
        ).headers
        for name in ("etag", "last-modified", "location"):
            if name in headers:
                answer.headers[name] = headers[name]
        return answer
    return resource(
        None if wishes.returns == "minimal" else _body(receipt),
        version=receipt.version,
        last_updated=receipt.last_updated,
        status=status,
        location=location,
    )


def answer_bundle(receipt: BundleReceipt, wishes: Preferences) -> FhirResponse:
    """Answer a batch or transaction: one response per entry, in their order."""
    entries = [_entry(index, entry, wishes) for index, entry in enumerate(receipt.entries)]
    kind: BundleType = "batch-response" if receipt.type == "batch" else "transaction-response"
    return FhirResponse(bundle_bytes(kind, entries))


def _entry(index: int, receipt: Receipt | AclfError, wishes: Preferences) -> BundleEntry:
    if isinstance(receipt, AclfError):
        return BundleEntry(status=_status(receipt.http), outcome=operation_outcome(receipt.issues))
    told = receipt.disposition is Disposition.HELD or wishes.returns == "OperationOutcome"
    issues = [issue.under(f"Bundle.entry[{index}].resource") for issue in _issues(receipt)]
    return BundleEntry(
        resource=_body(receipt) if wishes.returns == "representation" else None,
        status=_status(201 if receipt.created else 200),
        location=_versioned(receipt),
        etag=etag(receipt.version),
        last_modified=receipt.last_updated,
        outcome=operation_outcome(issues) if told else None,
    )


def _status(code: int) -> str:
    return f"{code} {HTTPStatus(code).phrase}"


def _versioned(receipt: Receipt) -> str:
    return f"{receipt.type}/{receipt.id}/_history/{receipt.version}"


def _body(receipt: Receipt) -> bytes:
    return splice_meta(
        receipt.body,
        id=receipt.id,
        version_id=str(receipt.version),
        last_updated=receipt.last_updated,
    )


def _issues(receipt: Receipt) -> list[Issue]:
    """Say how a resource ended."""
    if receipt.disposition is Disposition.HELD:
        return [_held(receipt, holding) for holding in receipt.holdings]
    if receipt.outcome == "duplicate":
        text = f"Nothing new: this is version {receipt.version}."
    else:
        text = f"Stored as version {receipt.version}."
    if receipt.disposition is Disposition.NOT_NEEDED:
        text += f" Not needed, by the rule {receipt.rule}."
    return [Issue(Category.UNSUPPORTED, receipt.type, text, severity="information")]


def _held(receipt: Receipt, holding: Holding) -> Issue:
    detail = f": {holding.detail}" if holding.detail else ""
    return Issue(
        _HELD_AS.get(holding.reason, Category.UNSUPPORTED),
        holding.location or receipt.type,
        f"Stored, but held and not used yet ({holding.reason}{detail}).",
        "It stands on the work list ($held) and is used as soon as that is solved.",
        severity="warning",
    )
