"""Facts, and the record of one subject they make."""

from aclf_fhir.record.fact import (
    AFTER_DEATH,
    UNREAD,
    Fact,
    FactKind,
    FactStatus,
    SentValue,
    SourceVersion,
    Value,
    shows_alive,
)
from aclf_fhir.record.record import Record

__all__ = [
    "AFTER_DEATH",
    "UNREAD",
    "Fact",
    "FactKind",
    "FactStatus",
    "Record",
    "SentValue",
    "SourceVersion",
    "Value",
    "shows_alive",
]
