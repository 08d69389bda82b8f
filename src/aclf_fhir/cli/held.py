"""`aclf-fhir held`: the work list of a database, read and replayed where the server runs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from aclf_fhir.cli.console import progress, results, say
from aclf_fhir.errors import FACES, Category
from aclf_fhir.fhir import format_instant
from aclf_fhir.settings import Settings, software_version
from aclf_fhir.workflows import worklist
from aclf_fhir.workflows.gateway import Gateway
from aclf_fhir.workflows.opening import close_gateway, open_gateway

__all__ = ["list_command", "replay_command", "show_command"]

_Database = Annotated[
    str | None, typer.Option("--database", help="sqlite:///FILE or postgresql://HOST/NAME.")
]
_Site = Annotated[str | None, typer.Option("--site", help="A file of mappings/sites/.")]
_Folder = Annotated[
    Path | None, typer.Option(exists=True, file_okay=False, help="Laid over the package's.")
]
_Reason = Annotated[str | None, typer.Option("--reason", help="Only what is held for this.")]


def list_command(
    *,
    reason: _Reason = None,
    database: _Database = None,
    site: _Site = None,
    mappings: _Folder = None,
    trials: _Folder = None,
) -> None:
    """List what is held, by reason and code, with how many subjects it keeps waiting."""
    with _opened(database=database, site=site, mappings=mappings, trials=trials) as gateway:
        found = worklist.held(gateway, reason=reason)
    table = Table(title="Held: stored, not used yet")
    for name in ("reason", "code"):
        table.add_column(name, overflow="fold")
    for name in ("resources", "subjects blocked"):
        table.add_column(name, justify="right")
    for group in found.groups:
        table.add_row(group.reason, group.detail, str(group.resources), str(group.subjects))
    results().print(table, markup=False)
    resources = {(item.type, item.id) for item in found.items}
    subjects = {item.subject for item in found.items if item.subject}
    results().print(f"{len(resources)} resources of {len(subjects)} subjects are held.")


def show_command(
    resource: Annotated[str, typer.Argument(help="Which one: Type/id.")],
    *,
    database: _Database = None,
    site: _Site = None,
    mappings: _Folder = None,
    trials: _Folder = None,
) -> None:
    """Show why a resource is held, where in it, since when; then what was received."""
    type_, _, id_ = resource.partition("/")
    with _opened(database=database, site=site, mappings=mappings, trials=trials) as gateway:
        stored, items = worklist.held_resource(gateway, type_, id_)
    console = results()
    for item in items:
        holding = item.holding
        said = f"{holding.reason}: {holding.detail}" if holding.detail else str(holding.reason)
        place = f" at {holding.location}" if holding.location else ""
        since = format_instant(item.since)
        console.print(f"{said}{place}, since {since}", markup=False, soft_wrap=True)
    console.print(stored.body.decode(), markup=False, soft_wrap=True)


def replay_command(
    *,
    reason: _Reason = None,
    database: _Database = None,
    site: _Site = None,
    mappings: _Folder = None,
    trials: _Folder = None,
) -> None:
    """Map what is held again, by the data files as they are now; nobody sends it again.

    A running server, or the next one that starts, brings the scores up to date. The exit
    code is 10 if something could not be mapped at all.
    """
    with (
        _opened(database=database, site=site, mappings=mappings, trials=trials) as gateway,
        progress("replaying") as told,
    ):
        done = worklist.replay(gateway, reason=reason, progress=told)
    results().print(
        f"Replayed {done.tried}: {done.mapped} mapped, {done.not_needed} not needed,"
        f" {done.held} still held, {done.failed} failed."
    )
    if done.failed:
        say("What failed is no longer valid by this version; it stays held.")
        raise typer.Exit(FACES[Category.INVALID].exit_code)


@contextmanager
def _opened(**given: Any) -> Iterator[Gateway]:
    """Open a database that is there already; a server may run on it meanwhile."""
    settings = replace(
        Settings.read(os.environ),
        **{name: value for name, value in given.items() if value is not None},
    )
    gateway = open_gateway(
        database=settings.database,
        site=settings.site,
        mappings=settings.mappings,
        trials=settings.trials,
        software_version=software_version(),
        serving=False,
    )
    try:
        yield gateway
    finally:
        close_gateway(gateway)
