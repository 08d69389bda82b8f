"""`aclf-fhir send`."""

import uuid
from pathlib import Path
from typing import Annotated

import typer

from aclf_fhir.batch import Rejects, SendSummary, Sources, read_sources, send
from aclf_fhir.cli.accounts import account_of, print_account
from aclf_fhir.cli.console import progress, results, say
from aclf_fhir.errors import FACES, AclfError, Category
from aclf_fhir.remote import Capability, FhirServer, RetryPolicy

__all__ = ["print_summary", "send_command"]


def send_command(
    source: Annotated[
        Path, typer.Argument(exists=True, help="A folder, an NDJSON file, a resource or a Bundle.")
    ],
    url: Annotated[str, typer.Argument(help="Base URL of any FHIR R4 server.")],
    *,
    batch: Annotated[int, typer.Option(min=1, max=5000, help="Resources per request.")] = 100,
    state: Annotated[
        Path, typer.Option(dir_okay=False, help="Where an interrupted send goes on from.")
    ] = Path("aclf-fhir-send.state"),
    rejects: Annotated[
        Path, typer.Option(dir_okay=False, help="What could not be read goes here.")
    ] = Path("aclf-fhir-send.rejects.ndjson"),
    attempts: Annotated[
        int, typer.Option(min=1, max=50, help="Tries per request while the server is busy.")
    ] = 8,
) -> None:
    """Send resources to a FHIR server: in order, under their own ids, as often as it takes.

    Sending the same again changes nothing on a server that keeps the rules. The exit code
    is 10 if anything was refused or could not be read.
    """
    server = FhirServer(url, retry=RetryPolicy(attempts=attempts))
    sources = read_sources(source)
    with progress("sending") as told:
        summary = send(
            server,
            sources,
            source=source,
            batch_size=batch,
            push=f"send-{uuid.uuid4()}",
            state=state,
            progress=told,
        )
    print_summary(summary, sources)
    sources.rejects.write(rejects)
    if sources.rejects.records:
        say(f"What could not be read is listed in {rejects}.")
    _print_account(server, summary.push)
    if summary.refusals or sources.rejects.records:
        raise typer.Exit(FACES[Category.INVALID].exit_code)


def _print_account(server: FhirServer, push: str) -> None:
    """Print the account of a server that keeps one; everything is sent, whatever it answers."""
    try:
        if "intake" in Capability.of(server).operations:
            print_account(account_of(server, push))
    except AclfError as error:
        say(f"The server gives no account of the push: {error.issues[0].message}")


def print_summary(summary: SendSummary, sources: Sources) -> None:
    """Print how every resource ended, as the server's answers say."""
    console = results()
    counts = ", ".join(f"{count} × {status}" for status, count in sorted(summary.statuses.items()))
    resumed = " (continued)" if summary.resumed else ""
    console.print(f"Sent {summary.total} resources{resumed}, push {summary.push}: {counts}")
    if summary.held:
        console.print(f"{summary.held} of them the server took with a warning.")
    for path in sources.skipped:
        say(f"{path}: no FHIR, not sent")
    _print_rejects(sources.rejects)
    if not summary.refusals:
        return
    console.print(f"{len(summary.refusals)} refused by the server:")
    for refusal in summary.refusals:
        named = f"{refusal.type}/{refusal.id}" if refusal.id else refusal.type
        line = f"  {named} ({refusal.place}): {refusal.reason}"
        console.print(line, markup=False, soft_wrap=True)


def _print_rejects(rejects: Rejects) -> None:
    for rejected in rejects.records:
        results().print(f"{rejected.place}: {'; '.join(rejected.reasons)}", markup=False)
