"""Issues as an OperationOutcome: the one place where an `Issue` becomes FHIR."""

import re
from collections.abc import Iterable

from aclf_fhir.errors import FACES, Issue
from aclf_fhir.publication.derived import Json, write
from aclf_fhir.publication.elements import compact, concept, local

__all__ = ["operation_outcome"]

# `Observation.status` and `Bundle.entry[3].resource`, but not `OBX-5` or a file's path.
_FHIRPATH = re.compile(r"[A-Z][A-Za-z]*(?:[.\[].*)?")

_ALL_WELL: Json = {
    "severity": "information",
    "code": "informational",
    "details": {"text": "No problem was found."},
}


def operation_outcome(issues: Iterable[Issue]) -> bytes:
    """Write an OperationOutcome.

    Parameters
    ----------
    issues
        In the order to be shown. Without any, the outcome says that all is well.

    Returns
    -------
    bytes
        Each issue with its R4 code from `FACES`, its category and message as `details`,
        message, place and remedy as `diagnostics`, and its FHIRPath as `expression`
        (a place that is no FHIRPath, such as `OBX-5`, stands in `diagnostics` only).
    """
    entries = [_issue(issue) for issue in issues]
    return write({"resourceType": "OperationOutcome", "issue": entries or [_ALL_WELL]})


def _sentences(message: str, remedy: str) -> str:
    """Join what is wrong and what to do; a message may have ended its sentence itself."""
    if not remedy:
        return message
    return f"{message}{'' if message.endswith(('.', '!', '?')) else '.'} {remedy}"


def _issue(issue: Issue) -> Json:
    is_path = _FHIRPATH.fullmatch(issue.location) is not None
    message = f"{issue.location}: {issue.message}" if issue.location else issue.message
    return compact(
        severity=issue.severity,
        code="informational"
        if issue.severity == "information"
        else FACES[issue.category].issue_type,
        details=concept(local("errors", issue.category.value), text=issue.message),
        diagnostics=_sentences(message, issue.remedy),
        expression=[issue.location] if is_path else None,
    )
