"""Collects what is wrong with the data, with file and path."""

from dataclasses import dataclass, field

from aclf_fhir.errors import Category, Issue

__all__ = ["Findings"]


@dataclass(slots=True)
class Findings:
    """Issues found so far; builders add to it and go on."""

    issues: list[Issue] = field(default_factory=list)

    def add(self, file: str, path: str, message: str, remedy: str = "") -> None:
        """Note one problem at a path of a file."""
        where = f"{file}: {path}" if path else file
        self.issues.append(Issue(Category.INVALID, where, message, remedy))
