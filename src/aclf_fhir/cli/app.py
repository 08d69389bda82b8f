"""The commands, put together."""

import typer

from aclf_fhir.cli import catalog, computing, demo, held, sending, serve, server, verify

__all__ = ["app"]

app = typer.Typer(
    name="aclf-fhir",
    help="A FHIR R4 gateway: hospital results in; liver scores and trial eligibility out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_server = typer.Typer(help="Other FHIR servers.", no_args_is_help=True)
_catalog = typer.Typer(help="The data files: mappings and trials.", no_args_is_help=True)

_held = typer.Typer(help="The work list: what is stored, not used yet.", no_args_is_help=True)

app.command("serve")(serve.serve)
app.command("score")(computing.score)
app.command("screen")(computing.screen)
app.command("send")(sending.send_command)
app.command("verify")(verify.verify_command)
app.command("demo")(demo.demo)
_server.command("check")(server.check)
_catalog.command("check")(catalog.check_command)
_held.command("list")(held.list_command)
_held.command("show")(held.show_command)
_held.command("replay")(held.replay_command)
# A group with a single command needs a callback, or it would become that command.
_server.callback()(lambda: None)
_catalog.callback()(lambda: None)
app.add_typer(_server, name="server")
app.add_typer(_catalog, name="catalog")
app.add_typer(_held, name="held")
