"""`aclf-fhir catalog check`."""

from pathlib import Path
from typing import Annotated

import typer

from aclf_fhir.catalog import check, load_catalog
from aclf_fhir.cli.console import results
from aclf_fhir.errors import AclfError

__all__ = ["check_command"]


def check_command(
    folder: Annotated[
        Path | None,
        typer.Argument(
            exists=True,
            file_okay=False,
            help="A site's own mappings and trials; the package's alone if left out.",
        ),
    ] = None,
) -> None:
    """Check data files against their schemas and against each other."""
    issues = check(folder)
    if issues:
        raise AclfError.all_of(issues)
    if folder is not None:
        results().print("Nothing to complain about.")
        return
    catalog = load_catalog()
    results().print(
        f"Nothing to complain about: {len(catalog.analytes)} analytes,"
        f" {len(catalog.value_sets)} value sets, {len(catalog.scales)} scales,"
        f" {len(catalog.sites)} sites, {len(catalog.protocols)} trials"
        f" (version {catalog.version})."
    )
