"""`aclf-fhir server check`."""

from typing import Annotated

import typer
from rich.table import Table

from aclf_fhir.cli.console import results, say
from aclf_fhir.errors import FACES, Category
from aclf_fhir.remote import Capability, FhirServer, RetryPolicy, check_server

__all__ = ["check"]

_SHOWN = {"there": "[green]there[/]", "missing": "[red]missing[/]", "absent": "[yellow]absent[/]"}


def check(
    url: Annotated[str, typer.Argument(help="Base URL, such as https://HOST/fhir.")],
) -> None:
    """Say what the gateway needs from a FHIR server, and what of it is missing there.

    Only reads the CapabilityStatement; nothing is sent.
    """
    server = FhirServer(url, retry=RetryPolicy(attempts=3))
    capability = Capability.of(server)
    findings = check_server(capability)
    table = Table(title=f"{capability.software or 'A server'}, FHIR {capability.fhir_version}")
    for column in ("needed", "what for", "here"):
        table.add_column(column)
    for finding in findings:
        table.add_row(finding.what, finding.why, _SHOWN[finding.state])
    results().print(table)
    missing = [finding for finding in findings if finding.state == "missing"]
    if missing:
        say(f"{len(missing)} of {len(findings)} needs are not met.")
        raise typer.Exit(FACES[Category.UNSUPPORTED].exit_code)
    say("The gateway can work with this server.")
