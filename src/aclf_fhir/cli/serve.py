"""`aclf-fhir serve`."""

import os
import signal
import socket
import sys
import threading
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
import uvicorn

from aclf_fhir.cli.console import say
from aclf_fhir.errors import AclfError, Category
from aclf_fhir.settings import Settings
from aclf_fhir.workflows.opening import close_gateway, open_gateway

__all__ = ["Clock", "bind", "serve"]

_DRAIN_S = 20
_TURN_S = 0.0005
"""How long a thread computes while another one waits for its turn.

The writer gives its turn away with each statement. At Python's 5 ms a turn, it waits for
the evaluator more than it writes.
"""
_STDIN = 0


class Clock(StrEnum):
    """The T of published verdicts."""

    NOW = "now"
    LAST = "last"


def serve(
    *,
    host: Annotated[str | None, typer.Option(help="Address to bind; loopback only.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="0 takes a free one.")] = None,
    database: Annotated[
        str | None, typer.Option(help="sqlite:///FILE or postgresql://HOST/NAME.")
    ] = None,
    site: Annotated[str | None, typer.Option(help="A file of mappings/sites/.")] = None,
    as_of: Annotated[
        Clock | None, typer.Option(help="T of verdicts: now, or each subject's last result.")
    ] = None,
    mappings: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Laid over the package's.")
    ] = None,
    trials: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Laid over the package's.")
    ] = None,
    with_parent: Annotated[bool, typer.Option(hidden=True)] = False,
    listening_on: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Start the gateway. What is not given comes from ACLF_FHIR_* variables, then defaults."""
    given: dict[str, Any] = {
        "host": host,
        "port": port,
        "database": database,
        "site": site,
        "as_of": None if as_of is None else as_of.value,
        "mappings": mappings,
        "trials": trials,
    }
    settings = replace(
        Settings.read(os.environ),
        **{name: value for name, value in given.items() if value is not None},
    )
    settings.check_address()
    if listening_on is None:
        listening = bind(settings.host, settings.port)
    else:
        listening = socket.socket(fileno=listening_on)  # the parent has bound it
    _check(settings)
    settings = replace(settings, port=listening.getsockname()[1])
    os.environ.update(settings.environment())
    if with_parent:
        threading.Thread(target=_leave_with_parent, daemon=True).start()
    _run(settings, listening)


def _run(settings: Settings, listening: socket.socket) -> None:
    sys.setswitchinterval(_TURN_S)
    config = uvicorn.Config(
        "aclf_fhir.api:create_app",
        factory=True,
        access_log=False,  # it would show query strings; the application logs its own line
        log_config={
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"event": {"()": "aclf_fhir.api.logs.EventFormatter"}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "event"}},
            "root": {"handlers": ["stderr"], "level": "INFO"},
        },
        server_header=False,
        timeout_graceful_shutdown=_DRAIN_S,
        timeout_keep_alive=75,
    )
    server = uvicorn.Server(config)
    # uvicorn stops cleanly, then raises the signal once more for whoever was there before it.
    signal.signal(signal.SIGTERM, _stopped)
    signal.signal(signal.SIGINT, _stopped)
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    say(f"aclf-fhir: http://{shown}:{settings.port}/ (Ctrl-C stops it)")
    server.run(sockets=[listening])
    if not server.started:
        raise AclfError.of(
            Category.UNAVAILABLE, "", "The server did not start.", "The lines above say why."
        )
    say("aclf-fhir: stopped")


def _check(settings: Settings) -> None:
    """Open everything once: what is wrong with it is told here, with its exit code."""
    gateway = open_gateway(
        database=settings.database,
        site=settings.site,
        as_of=settings.as_of,
        mappings=settings.mappings,
        trials=settings.trials,
    )
    close_gateway(gateway)


def bind(host: str, port: int) -> socket.socket:
    """Take a port and listen on it; nobody else can from then on.

    Raises
    ------
    AclfError
        `unavailable`, if it is taken or may not be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host.strip("[]"), port))
    except OSError as error:
        listening.close()
        raise AclfError.of(
            Category.UNAVAILABLE,
            "port",
            f"{port} cannot be bound ({error.strerror}).",
            "Choose another one with --port.",
        ) from error
    listening.listen(2048)
    return listening


def _stopped(_signal: int, _frame: FrameType | None) -> None:
    """Take note of nothing: the server has already stopped, and that is no failure."""


def _leave_with_parent() -> None:
    """Stop when standard input closes, which it does however the parent ends."""
    while os.read(_STDIN, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
