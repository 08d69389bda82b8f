"""Command line: read arguments, call one workflow or one server, print the result."""

import os
import sys

from aclf_fhir.cli.app import app
from aclf_fhir.cli.console import report
from aclf_fhir.errors import FACES, AclfError

__all__ = ["main"]


def main() -> None:
    """Run the command; an error leaves with the exit code of its category."""
    try:
        app(prog_name="aclf-fhir")
    except AclfError as error:
        report(error)
        sys.exit(FACES[error.category].exit_code)
    except BrokenPipeError:
        # Who reads the output has seen enough; nothing may be flushed into the closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
