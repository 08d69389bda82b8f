"""Standard output for results, standard error for talk; both plain where nobody watches."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from aclf_fhir.errors import AclfError

__all__ = ["progress", "report", "results", "say"]

_WIDE = 200
"""Columns of a table that goes to a file or a pipe: nothing is folded there."""


def results() -> Console:
    """Return the console results go to."""
    return Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False)


def say(text: str) -> None:
    """Tell the person at the terminal something; never part of the results."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(escape(text))


def report(error: AclfError) -> None:
    """Print every issue of an error."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    for issue in error.issues:
        place = f"{issue.location}: " if issue.location else ""
        console.print(f"[bold red]{issue.category}[/] {escape(place + issue.message)}")
        if issue.remedy:
            console.print(f"  {escape(issue.remedy)}")


@contextmanager
def progress(text: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar while the block runs, if a person watches.

    Yields
    ------
    Callable
        Takes how much is done, and of how much.
    """
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
