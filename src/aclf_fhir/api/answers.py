"""From results and errors to HTTP answers: the one place where a category becomes a status."""

from base64 import b64encode
from collections.abc import Iterable
from datetime import datetime
from email.utils import format_datetime

from fastapi import Response

from aclf_fhir.errors import AclfError, Category, Issue
from aclf_fhir.publication.bundle import BundleEntry, bundle_bytes
from aclf_fhir.publication.operation_outcome import operation_outcome
from aclf_fhir.workflows.history import HistoryEntry

__all__ = [
    "FHIR_JSON",
    "FhirResponse",
    "etag",
    "history",
    "outcome",
    "picture",
    "problem",
    "resource",
    "searchset",
]

FHIR_JSON = "application/fhir+json"


class FhirResponse(Response):
    """FHIR JSON; R4 http.html#mime-type."""

    media_type = FHIR_JSON


def problem(error: AclfError) -> FhirResponse:
    """Answer an error as an OperationOutcome with every issue."""
    headers = {}
    if error.category in {Category.UNAVAILABLE, Category.TOO_MANY}:
        headers["Retry-After"] = "2"
    if error.category is Category.TOO_LARGE:
        headers["Connection"] = "close"  # the rest of the body is not read
    return FhirResponse(operation_outcome(error.issues), error.http, headers)


def outcome(issues: Iterable[Issue], status: int = 200) -> FhirResponse:
    """Answer an OperationOutcome that is no error."""
    return FhirResponse(operation_outcome(issues), status)


def picture(svg: bytes, *, as_resource: bool) -> Response:
    """Answer a picture as it is, or as a Binary for who asked for FHIR (R4 binary.html#rest)."""
    if as_resource:
        data = b64encode(svg)
        return FhirResponse(
            b'{"resourceType":"Binary","contentType":"image/svg+xml","data":"' + data + b'"}'
        )
    # It is looked at, never run: no script, nothing from elsewhere.
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return Response(svg, media_type="image/svg+xml", headers={"Content-Security-Policy": policy})


def etag(version: int) -> str:
    """Return the ETag of a version (R4 http.html#versioning)."""
    return f'W/"{version}"'


def resource(
    body: bytes | None,
    *,
    version: int,
    last_updated: datetime,
    status: int = 200,
    location: str = "",
) -> FhirResponse:
    """Answer one resource version, or only its headers where `body` is None."""
    headers = {
        "ETag": etag(version),
        "Last-Modified": format_datetime(last_updated, usegmt=True),
    }
    if location:
        headers["Location"] = location
    return FhirResponse(body, status, headers)


def searchset(
    matches: Iterable[tuple[str, bytes]],
    *,
    links: Iterable[tuple[str, str]],
    total: int | None,
    pending: int,
) -> FhirResponse:
    """Answer one page of a search.

    Parameters
    ----------
    matches
        Absolute URL and body of each match.
    links
        Relation and URL.
    total
        Matches on all pages, None if they were not counted.
    pending
        Subjects still to be evaluated; said in an entry of its own.
    """
    entries = [BundleEntry(full_url=url, resource=body, mode="match") for url, body in matches]
    if pending:
        warning = Issue(
            Category.UNAVAILABLE,
            "",
            f"{pending} subjects are still being evaluated; their derived resources may be older.",
            "Ask again in a moment.",
            severity="warning",
        )
        entries.append(BundleEntry(resource=operation_outcome([warning]), mode="outcome"))
    return FhirResponse(bundle_bytes("searchset", entries, links, total))


def history(
    entries: Iterable[HistoryEntry], *, url: str, path: str, links: Iterable[tuple[str, str]]
) -> FhirResponse:
    """Answer one page of the versions of a resource.

    Which of POST and PUT made the first version is not kept: both are told as the PUT that
    would have the same effect.

    Parameters
    ----------
    url, path
        Absolute and relative URL of the resource.
    links
        Relation and URL.
    """
    return FhirResponse(
        bundle_bytes(
            "history",
            [
                BundleEntry(
                    full_url=url,
                    resource=entry.served.body if entry.served else None,
                    method="PUT" if entry.served else "DELETE",
                    url=path,
                    status=_status_of(entry),
                    etag=etag(entry.version),
                    last_modified=entry.last_updated,
                )
                for entry in entries
            ],
            links,
        )
    )


def _status_of(entry: HistoryEntry) -> str:
    if entry.served is None:
        return "204 No Content"
    return "201 Created" if entry.created else "200 OK"
