"""Collects what is wrong with the data, with file and path."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from aclf_fhir.errors import Category, Issue

__all__ = ["Findings", "meant", "one_of"]


def one_of(name: str, known: Iterable[str]) -> str:
    """Say which names there are, and which of them may have been meant."""
    names = sorted(known)
    return f"{meant(name, names)}expected one of: {', '.join(names)}"


def meant(name: str, known: Sequence[str]) -> str:
    """Ask whether the nearest of the known names was meant; "" if none is near."""
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}? " if near else ""


@dataclass(slots=True)
class Findings:
    """Issues found so far; builders add to it and go on."""

    issues: list[Issue] = field(default_factory=list)

    def add(self, file: str, path: str, message: str, remedy: str = "") -> None:
        """Note one problem at a path of a file."""
        where = f"{file}: {path}" if path else file
        issue = Issue(Category.INVALID, where, message, remedy)
        if issue not in self.issues:
            self.issues.append(issue)
