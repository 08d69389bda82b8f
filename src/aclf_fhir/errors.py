"""The closed set of things that can go wrong, and the faces each one shows.

One cause has one `Category`. An edge (HTTP, OperationOutcome, HL7 v2, command
line) translates a category once, with `FACES`, and nowhere else. An `Issue`
says where (FHIRPath, or a segment and field such as `OBX-5`), what, and what
to do about it; it never holds a patient value or identifier.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from typing import Literal, Self

__all__ = ["FACES", "MOST_ISSUES", "AclfError", "Category", "Face", "Issue", "first_issues"]

MOST_ISSUES = 200
"""How many problems of one resource are listed: nobody reads more, and a body can hold millions."""


class Category(StrEnum):
    """What kind of thing went wrong."""

    INVALID = "invalid"
    UNSUPPORTED = "unsupported"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    FORBIDDEN = "forbidden"
    UNAVAILABLE = "unavailable"
    UNAUTHENTICATED = "unauthenticated"
    GONE = "gone"
    PRECONDITION = "precondition"
    TOO_LARGE = "too_large"
    NOT_ACCEPTABLE = "not_acceptable"
    TOO_MANY = "too_many"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Face:
    """How a category looks from outside.

    Parameters
    ----------
    http
        HTTP status code.
    issue_type
        OperationOutcome.issue.code (R4 value set issue-type).
    acknowledgment
        HL7 v2 MSA-1 (table 0008), or None where v2 has no such case.
    error_code
        HL7 v2 ERR-3 (table 0357), or None.
    exit_code
        Exit code of the command line.
    """

    http: int
    issue_type: str
    acknowledgment: str | None
    error_code: str | None
    exit_code: int


FACES: dict[Category, Face] = {
    Category.INVALID: Face(422, "invalid", "AE", "102", 10),
    Category.UNSUPPORTED: Face(422, "not-supported", "AR", "200", 11),
    Category.NOT_FOUND: Face(404, "not-found", "AR", "204", 12),
    Category.CONFLICT: Face(409, "conflict", "AR", "205", 13),
    Category.FORBIDDEN: Face(403, "forbidden", "AR", "207", 14),
    Category.UNAVAILABLE: Face(503, "transient", "AR", "206", 15),
    Category.UNAUTHENTICATED: Face(401, "login", "AR", "207", 16),
    Category.GONE: Face(410, "deleted", None, None, 17),
    Category.PRECONDITION: Face(412, "conflict", None, None, 18),
    Category.TOO_LARGE: Face(413, "too-long", "AR", "207", 19),
    Category.NOT_ACCEPTABLE: Face(406, "not-supported", None, None, 11),
    Category.TOO_MANY: Face(429, "throttled", "AR", "206", 15),
    Category.FAULT: Face(500, "exception", "AR", "207", 1),
}


@dataclass(frozen=True, slots=True)
class Issue:
    """One problem at one place.

    Parameters
    ----------
    category
        What kind of problem.
    location
        FHIRPath (`Observation.valueQuantity.code`), `OBX-5`, a file and path, or "".
    message
        What is wrong, without patient values or identifiers.
    remedy
        What the sender can do about it, or "".
    severity
        OperationOutcome severity.
    unparsable
        True where the input could not even be read as JSON (HTTP 400, not 422).
    http
        A status that differs from the category's own (405 and 415 of
        `not_acceptable`), or None.
    """

    category: Category
    location: str
    message: str
    remedy: str = ""
    severity: Literal["fatal", "error", "warning", "information"] = "error"
    unparsable: bool = False
    http: int | None = None

    def under(self, prefix: str) -> Self:
        """Return the same issue with its location inside `prefix`.

        `Observation.status` under `Bundle.entry[3].resource` becomes
        `Bundle.entry[3].resource.status`.
        """
        _, dot, rest = self.location.partition(".")
        return replace(self, location=f"{prefix}{dot}{rest}" if self.location else prefix)


def first_issues(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """Return all issues or, of very many, the first ones and a word that there are more."""
    waiting = iter(issues)
    listed = tuple(islice(waiting, MOST_ISSUES))
    if next(waiting, None) is None:
        return listed
    message = f"There are more problems than the {MOST_ISSUES} listed."
    return (*listed, Issue(listed[0].category, "", message, "Mend these first."))


class AclfError(Exception):
    """A typed error: one category and every issue found, the first one leading."""

    def __init__(self, *issues: Issue) -> None:
        if not issues:
            message = "an AclfError needs at least one issue"
            raise ValueError(message)
        super().__init__(issues[0].message)
        self.issues: tuple[Issue, ...] = issues

    @classmethod
    def of(cls, category: Category, location: str, message: str, remedy: str = "") -> Self:
        """Build an error with a single issue."""
        return cls(Issue(category, location, message, remedy))

    @classmethod
    def all_of(cls, issues: Iterable[Issue]) -> Self:
        """Build an error from several issues."""
        return cls(*issues)

    def under(self, prefix: str) -> Self:
        """Return the same error with every location inside `prefix`, if there is one."""
        return type(self)(*(issue.under(prefix) for issue in self.issues)) if prefix else self

    @property
    def category(self) -> Category:
        """The category of the leading issue."""
        return self.issues[0].category

    @property
    def http(self) -> int:
        """The HTTP status of the leading issue."""
        first = self.issues[0]
        if first.http is not None:
            return first.http
        return 400 if first.unparsable else FACES[first.category].http
