"""What was received, what became of it, and what was made of it: kept in SQL."""

from aclf_fhir.store.models import (
    Accounting,
    FactChanges,
    Held,
    HeldGroup,
    IndexRows,
    LogEntry,
    Mark,
    Stored,
    StoredVersion,
)
from aclf_fhir.store.query import (
    Clause,
    DateClause,
    DatePrefix,
    DateValue,
    IdClause,
    MissingClause,
    Page,
    ReferenceClause,
    SearchQuery,
    Sort,
    StatusClause,
    StringClause,
    SubjectClause,
    TokenClause,
    TokenValue,
)
from aclf_fhir.store.reader import Reader, TrialReader
from aclf_fhir.store.store import Store
from aclf_fhir.store.transaction import Transaction

__all__ = [
    "Accounting",
    "Clause",
    "DateClause",
    "DatePrefix",
    "DateValue",
    "FactChanges",
    "Held",
    "HeldGroup",
    "IdClause",
    "IndexRows",
    "LogEntry",
    "Mark",
    "MissingClause",
    "Page",
    "Reader",
    "ReferenceClause",
    "SearchQuery",
    "Sort",
    "StatusClause",
    "Store",
    "Stored",
    "StoredVersion",
    "StringClause",
    "SubjectClause",
    "TokenClause",
    "TokenValue",
    "Transaction",
    "TrialReader",
]
