"""Facts, and the record of one subject they make."""

from aclf_fhir.record.fact import (
    UNREAD,
    Fact,
    FactKind,
    FactStatus,
    SentValue,
    SourceVersion,
    Value,
)
from aclf_fhir.record.record import Record

__all__ = [
    "UNREAD",
    "Fact",
    "FactKind",
    "FactStatus",
    "Record",
    "SentValue",
    "SourceVersion",
    "Value",
]
