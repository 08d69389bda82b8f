"""Other FHIR servers over HTTP."""

from aclf_fhir.remote.capability import Capability, Finding, check_server
from aclf_fhir.remote.server import Answer, FhirServer, RetryPolicy, issues_of

__all__ = [
    "Answer",
    "Capability",
    "FhirServer",
    "Finding",
    "RetryPolicy",
    "check_server",
    "issues_of",
]
