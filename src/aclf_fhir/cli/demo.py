"""`aclf-fhir demo`: a gateway on loopback, fed with examples, shown in one table."""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Annotated

import requests
import typer

from aclf_fhir.batch import Item, Sources, read_sources, send
from aclf_fhir.cli.accounts import account_of, print_account
from aclf_fhir.cli.console import progress, results, say
from aclf_fhir.cli.overview import Row, overview, print_overview
from aclf_fhir.cli.people import Act, perform, read_acts
from aclf_fhir.cli.serve import bind
from aclf_fhir.errors import AclfError, Category
from aclf_fhir.remote import FhirServer
from aclf_fhir.settings import PREFIX

__all__ = ["demo"]

_HOST = "127.0.0.1"
_DATABASE = Path("build/demo.sqlite")
_LOG = Path("build/demo.log")
_START_S = 60.0
_STOP_S = 30.0


class _StopRequestedError(Exception):
    """Somebody wants the demo to end."""


def demo(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="Examples, with people.yaml.")
    ],
    *,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on loopback.")] = 8000,
    site: Annotated[
        str, typer.Option(help="Whose feed it is: a file of mappings/sites/.")
    ] = "demo",
) -> None:
    """Start a gateway with an empty database, push examples through it, show what comes out.

    What people decided stands in FOLDER/people.yaml: a list `acts` of trial, patient,
    status, start and after (the folders pushed before the act). The server stays up until
    Ctrl-C.
    """
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    acts, sources = read_acts(folder), read_sources(folder)
    try:
        with _serving(port, site) as process:
            server = FhirServer(f"http://{_HOST}:{port}/fhir")
            _show(server, folder, acts, sources)
            say("The server stays up. Ctrl-C stops it.")
            process.wait()
            raise AclfError.of(
                Category.UNAVAILABLE, "", "The server has ended.", f"See {_LOG} for why."
            )
    except _StopRequestedError:
        say("Stopped.")


def _stop(_signal: int, _frame: FrameType | None) -> None:
    # Only the first one counts; stopping cleanly takes a moment.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise _StopRequestedError


@contextmanager
def _serving(port: int, site: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the server beside this process, on a database that was not there before.

    The port is taken here and handed down: what answers on it is this server and no other,
    and where somebody else has it, nothing of theirs is touched.
    """
    with bind(_HOST, port) as listening:
        process = _start(port, site, listening)
    try:
        _wait_until_ready(process, port)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _start(port: int, site: str, listening: socket.socket) -> "subprocess.Popen[bytes]":
    _DATABASE.parent.mkdir(exist_ok=True)
    for suffix in ("", "-wal", "-shm"):
        Path(f"{_DATABASE}{suffix}").unlink(missing_ok=True)
    command = [sys.executable, "-m", "aclf_fhir.cli", "serve", "--host", _HOST]
    command += ["--port", str(port), "--listening-on", str(listening.fileno())]
    command += ["--database", f"sqlite:///{_DATABASE}"]
    command += ["--site", site, "--as-of", "last", "--with-parent"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    with _LOG.open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - our own program, no shell
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=clean,
            pass_fds=(listening.fileno(),),
        )


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + _START_S
    with requests.Session() as session:
        session.trust_env = False
        while process.poll() is None and time.monotonic() < deadline:
            try:
                if session.get(f"http://{_HOST}:{port}/ready", timeout=5).ok:
                    break
            except requests.RequestException:
                pass  # not listening yet
            time.sleep(0.05)
    if process.poll() is not None or time.monotonic() >= deadline:
        lines = _LOG.read_text("utf-8", "replace").strip().splitlines()
        raise AclfError.of(
            Category.UNAVAILABLE,
            "",
            f"The server did not start: {lines[-1] if lines else 'it said nothing'}",
            f"See {_LOG}, or choose another port with --port.",
        )


def _show(server: FhirServer, folder: Path, acts: list[Act], sources: Sources) -> None:
    started = time.monotonic()
    push = f"demo-{uuid.uuid4()}"
    say(f"Pushing {len(sources.items)} resources of {folder} to {server.base} …")
    for part, due in _steps(folder, acts, sources):
        with progress("pushing") as told:
            send(
                server,
                replace(sources, items=part),
                source=folder,
                batch_size=200,
                push=push,
                progress=told,
            )
        for act in due:
            reference = perform(server, act)
            say(f"A person moves {reference} ({act.patient}, {act.trial}) to {act.status}.")
    rows = overview(server)
    print_overview(rows)
    print_account(account_of(server, push))
    for path in sources.skipped:
        say(f"{path}: no FHIR, not pushed")
    for rejected in sources.rejects.records:
        say(f"{rejected.place}: {'; '.join(rejected.reasons)}")
    _print_ways(server, rows, push)
    say(f"That took {time.monotonic() - started:.1f} s.")


def _steps(
    folder: Path, acts: list[Act], sources: Sources
) -> Iterator[tuple[list[Item], list[Act]]]:
    """Yield what to push and whom to move then, in the order of the acts."""
    left = list(sources.items)
    for act in (act for act in acts if act.after):
        part: list[Item] = []
        rest: list[Item] = []
        for item in left:
            (part if act.waits_for(item.path, folder) else rest).append(item)
        left = rest
        yield part, [act]
    yield left, [act for act in acts if not act.after]


def _print_ways(server: FhirServer, rows: list[Row], push: str) -> None:
    """Print where to go on; every line works as it stands."""
    base, root = server.base, server.base.removesuffix("/fhir")
    shown = max(rows, key=lambda row: (len(row.outcomes), len(row.statuses), len(row.scores)))
    trials = sorted({trial for row in rows for trial in row.verdicts})
    ways = [
        ("all endpoints", f"{root}/docs"),
        ("what the server does", f"{base}/metadata"),
        ("one patient's scores", f"{base}/Observation?patient={shown.patient}&category=score"),
        ("why", f"{base}/Provenance?patient={shown.patient}"),
        ("any score, any instant", f"{base}/Patient/{shown.patient}/$score?asOf=last"),
        ("eligibility", f"{base}/Patient/{shown.patient}/$screen?asOf=last"),
        ("the work list", f"{base}/$held"),
        ("this push", f"{base}/$intake?push={push}"),
        *((f"{trial} sees", f"{root}/trials/{trial}/fhir/ResearchSubject") for trial in trials),
    ]
    console = results()
    console.print("Go on:")
    for what, url in ways:
        console.print(f"  {what + ':':<24} curl -s '{url}'", markup=False, soft_wrap=True)
