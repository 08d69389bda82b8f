"""`aclf-fhir verify`: qualify an installation with worked cases."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from aclf_fhir.catalog import load_catalog, own_cases
from aclf_fhir.cli.console import results
from aclf_fhir.errors import FACES, AclfError, Category
from aclf_fhir.workflows.verify import verify_cases

__all__ = ["verify_command"]


def verify_command(
    *,
    cases: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Worked cases, as JSON; the project's own if left out.",
        ),
    ] = None,
    mappings: Annotated[Path | None, typer.Option(exists=True, file_okay=False)] = None,
    trials: Annotated[Path | None, typer.Option(exists=True, file_okay=False)] = None,
) -> None:
    """Recompute worked cases and print every difference.

    The exit code is 0 only if every case passed and none was left out as not supported.
    """
    file = cases or own_cases()
    try:
        content = json.loads(file.read_bytes(), parse_float=Decimal)
    except ValueError as error:
        raise AclfError.of(
            Category.INVALID, str(file), f"cannot be read as JSON ({type(error).__name__})"
        ) from error
    report = verify_cases(content, catalog=load_catalog(mappings=mappings, trials=trials))
    for line in report.lines:
        results().print(line, markup=False, soft_wrap=True)
    if not report.is_clean:
        raise typer.Exit(FACES[Category.INVALID].exit_code)
