"""Many records: read in order, worked on in chunks, none hidden and none deadly."""

from aclf_fhir.batch.rejects import Rejected, Rejects
from aclf_fhir.batch.sending import Progress, Refusal, SendSummary, send
from aclf_fhir.batch.sources import Item, Sources, read_sources

__all__ = [
    "Item",
    "Progress",
    "Refusal",
    "Rejected",
    "Rejects",
    "SendSummary",
    "Sources",
    "read_sources",
    "send",
]
