"""`aclf-fhir score` and `aclf-fhir screen`: files in, results out, nothing stored."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from aclf_fhir.batch import Sources, read_sources
from aclf_fhir.batch.computing import (
    Asked,
    Reading,
    picture_of,
    read_facts,
    scores_of,
    verdicts_of,
)
from aclf_fhir.catalog import load_catalog
from aclf_fhir.cli.console import progress, results, say
from aclf_fhir.errors import FACES, AclfError, Category
from aclf_fhir.evaluation import ScoreEvaluation
from aclf_fhir.fhir import parse_clock
from aclf_fhir.mapping.models import Disposition
from aclf_fhir.publication import (
    BundleEntry,
    bundle_bytes,
    score_observations,
    verdict_observations,
)
from aclf_fhir.scores import SCORES, ScoreResult
from aclf_fhir.settings import Settings
from aclf_fhir.trial import Verdict

__all__ = ["score", "screen"]


class Output(StrEnum):
    """How results are written."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"


_Source = Annotated[
    Path, typer.Argument(exists=True, help="A folder, an NDJSON file, a resource or a Bundle.")
]
_AsOf = Annotated[
    str, typer.Option(metavar="now|last|INSTANT", help="T: for which instant to answer.")
]
_KnownAt = Annotated[
    str, typer.Option(metavar="now|INSTANT", help="K: with what was known by then.")
]
_Patient = Annotated[str | None, typer.Option(help="Logical id of one Patient; all if left out.")]
_Format = Annotated[Output, typer.Option("--output", "-o", help="How results are written.")]
_Rejects = Annotated[Path, typer.Option(dir_okay=False, help="What could not be used goes here.")]
_Folder = Annotated[
    Path | None, typer.Option(exists=True, file_okay=False, help="Laid over the package's.")
]
_Site = Annotated[str | None, typer.Option(help="A file of mappings/sites/.")]

_ANYWHERE = Decimal(10_000)
"""No score of a patient comes near it: such an end only says that there is none."""
_REJECTS = Path("aclf-fhir.rejects.ndjson")


def score(
    source: _Source,
    *,
    names: Annotated[
        list[str] | None, typer.Option("--score", help="Id of a score; repeat for several.")
    ] = None,
    as_of: _AsOf = "now",
    known_at: _KnownAt = "now",
    patient: _Patient = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE.svg", dir_okay=False, help="Draw one Patient's scores here."),
    ] = None,
    output: _Format = Output.TABLE,
    rejects: _Rejects = _REJECTS,
    site: _Site = None,
    mappings: _Folder = None,
    trials: _Folder = None,
) -> None:
    """Compute scores from FHIR files; the exit code is 10 if a record could not be used."""
    if plot is not None and plot.suffix.lower() != ".svg":
        raise AclfError.of(
            Category.UNSUPPORTED, "--plot", "Pictures are SVG.", "Name a file that ends in .svg."
        )
    asked = _asked(as_of, known_at, patient, site, mappings, trials)
    # A picture shows more than the scores that are named.
    sources, reading = _read(source, asked, None if plot else names)
    found = list(scores_of(reading, asked, names))
    if plot is not None:
        plot.write_bytes(picture_of(reading, asked, names))
        say(f"drawn: {plot}")
    if output is Output.TABLE:
        _print_scores(found)
    else:
        _write(
            output,
            (
                derived.body
                for subject, evaluations in found
                for evaluation in evaluations
                for derived in score_observations(evaluation, site=asked.site, subject=subject)
            ),
        )
    _finish(sources, reading, rejects)


def screen(
    source: _Source,
    *,
    names: Annotated[
        list[str] | None, typer.Option("--trial", help="Id of a trial; repeat for several.")
    ] = None,
    as_of: _AsOf = "now",
    known_at: _KnownAt = "now",
    patient: _Patient = None,
    output: _Format = Output.TABLE,
    rejects: _Rejects = _REJECTS,
    site: _Site = None,
    mappings: _Folder = None,
    trials: _Folder = None,
) -> None:
    """Screen the Patients of FHIR files; the exit code is 10 if a record could not be used."""
    asked = _asked(as_of, known_at, patient, site, mappings, trials)
    sources, reading = _read(source, asked)
    found = list(verdicts_of(reading, asked, names))
    if output is Output.TABLE:
        _print_verdicts(found)
    else:
        _write(
            output,
            (
                derived.body
                for subject, verdicts in found
                for verdict in verdicts
                for derived in verdict_observations(verdict, site=asked.site, subject=subject)
            ),
        )
    _finish(sources, reading, rejects)


def _asked(
    as_of: str,
    known_at: str,
    patient: str | None,
    site: str | None,
    mappings: Path | None,
    trials: Path | None,
) -> Asked:
    settings = Settings()
    catalog = load_catalog(mappings=mappings, trials=trials)
    site = site or settings.site
    zone = catalog.indexes(site).site.zone
    now = datetime.now(UTC)

    def instant(option: str, text: str) -> datetime:
        try:
            return parse_clock(text, zone)
        except AclfError as error:
            first = error.issues[0]
            raise AclfError.of(Category.INVALID, option, first.message, first.remedy) from None

    return Asked(
        catalog=catalog,
        site=site,
        as_of="now" if as_of == "now" else "last" if as_of == "last" else instant("--as-of", as_of),
        known_at=now if known_at == "now" else instant("--known-at", known_at),
        now=now,
        patient=patient,
    )


def _read(source: Path, asked: Asked, scores: list[str] | None = None) -> tuple[Sources, Reading]:
    sources = read_sources(source)
    with progress("reading") as told:
        return sources, read_facts(sources, asked, told, scores)


def _write(output: Output, bodies: Iterable[bytes]) -> None:
    out = sys.stdout.buffer
    if output is Output.JSON:
        entries = (BundleEntry(resource=body) for body in bodies)
        out.write(bundle_bytes("collection", entries) + b"\n")
    else:
        for body in bodies:
            out.write(body + b"\n")
    out.flush()


def _finish(sources: Sources, reading: Reading, rejects: Path) -> None:
    """Say what was not used, and leave with an exit code that says so, too."""
    for path in sources.skipped:
        say(f"{path}: no FHIR, not read")
    counts = reading.dispositions
    say(
        f"{counts[Disposition.MAPPED]} resources mapped,"
        f" {counts[Disposition.NOT_NEEDED]} not needed, {counts[Disposition.HELD]} held"
    )
    passed_over = reading.gathered.passed_over
    if passed_over:
        say(f"{passed_over} not read: no score asked for can depend on them")
    for reason, count in reading.held.most_common():
        say(f"  held: {reason} × {count}")
    sources.rejects.write(rejects)
    if sources.rejects.records:
        say(f"{len(sources.rejects.records)} could not be used; see {rejects}.")
        raise typer.Exit(FACES[Category.INVALID].exit_code)


def _print_scores(found: list[tuple[str, tuple[ScoreEvaluation, ...]]]) -> None:
    table = Table(title="Scores")
    for column in ("patient", "score", "T", "value", "missing or remarks"):
        table.add_column(column, overflow="fold")
    for subject, evaluations in found:
        for evaluation in evaluations:
            result = evaluation.result
            table.add_row(
                subject,
                SCORES[result.score].title,
                evaluation.at.astimezone(UTC).isoformat(timespec="minutes"),
                _value(result),
                ", ".join(result.missing or result.flags) or (result.reason or ""),
            )
        table.add_section()
    results().print(table, markup=False)


def _value(result: ScoreResult) -> str:
    if result.status == "ok":
        shown = result.rounded if result.rounded is not None else result.value
        return f"{shown} ({result.category})" if result.category else str(shown)
    bounds = result.rounded_bounds or result.bounds
    if bounds is not None:
        return f"{_end(bounds.low)} to {_end(bounds.high)}"
    if result.possible:
        return " or ".join(result.possible)
    return result.status


def _end(end: Decimal | None) -> str:
    """Show an end of what is possible with two decimals at most; beyond is anywhere."""
    if end is None or abs(end) >= _ANYWHERE:
        return "…"
    shown = f"{round(end, 2) + 0:.2f}"  # a zero without a sign
    return shown.rstrip("0").rstrip(".")


def _print_verdicts(found: list[tuple[str, tuple[Verdict, ...]]]) -> None:
    table = Table(title="Eligibility")
    for column in ("patient", "trial", "T", "verdict", "decided by", "missing next"):
        table.add_column(column, overflow="fold")
    for subject, verdicts in found:
        for verdict in verdicts:
            failed = [one.criterion for one in verdict.criteria if one.passes is False]
            table.add_row(
                subject,
                verdict.protocol,
                verdict.as_of.astimezone(UTC).isoformat(timespec="minutes"),
                verdict.verdict,
                ", ".join((*verdict.reasons, *failed)),
                ", ".join(f"{need.concept} ({need.supplier})" for need in verdict.missing_next),
            )
        table.add_section()
    results().print(table, markup=False)
