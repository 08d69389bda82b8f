"""Write `docs/reference/scores/` and `docs/reference/analytes.md` from code and specification.

    python tools/generate_score_pages.py            writes the pages
    python tools/generate_score_pages.py --check    writes nothing, fails if a page is stale

What a page says comes from where it is decided: formula, inputs and bands from the declaration of
the score, its table from the docstring, cases from `tests/spec/scores/`, disagreements from
`docs/clarifications.md`, codes and units from `mappings/`.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from spec_cases import ScoreSpec, read_spec, score_files

from aclf_fhir.catalog import load_catalog
from aclf_fhir.codes import LOINC
from aclf_fhir.mapping.models import Analyte
from aclf_fhir.scores import SCORES, Score, ScoreInput
from aclf_fhir.units import Interval

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
SCORE_PAGES = REFERENCE / "scores"
ANALYTES_PAGE = REFERENCE / "analytes.md"
CLARIFICATIONS = ROOT / "docs" / "clarifications.md"

NOTE = "<!-- Written by tools/generate_score_pages.py; change what it reads, not this page. -->"
VERIFICATION = {
    "V2": "V2: checked against two independent sources",
    "V1": "V1: checked against one source",
    "M": "M: not yet verified; every result carries the flag `formula_unverified`",
}
FROM = {
    "analyte": "measured",
    "course": "from several values over time",
    "grade": "graded by a person",
    "support": "support given",
    "drug": "drug given",
    "age": "date of birth",
    "sex": "sex at birth where recorded, else administrative sex",
    "score": "another score",
    "finding": "condition, or another score",
    "supplied": "supplied by the site",
}

CATALOG = load_catalog()
Row = Iterable[object]


# ── Markdown ─────────────────────────────────────────────────────────────────────────────────────


def plain(text: object) -> str:
    """Write text so that Markdown shows it as it is; code spans and links stay."""
    parts = re.split(r"(`[^`]*`|\[[^\]]*\]\([^)]*\))", str(text))
    for index in range(0, len(parts), 2):
        escaped = parts[index].replace("&", "&amp;").replace("<", "&lt;")
        parts[index] = escaped.replace("*", r"\*").replace("|", r"\|")
    return "".join(parts)


def table(heads: Row, rows: Iterable[Row]) -> str:
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(str(cell) or "–" for cell in line) + " |" for line in lines)


def linked(text: str, own: str) -> str:
    """Link the names of other scores to their pages."""

    def link(found: re.Match[str]) -> str:
        name = found[1]
        return f"[`{name}`]({name}.md)" if name in SCORES and name != own else found[0]

    return re.sub(r"`([a-z0-9_]+)`", link, plain(text))


def with_dois(text: str) -> str:
    return re.sub(r"doi:(10\.\S+?)(?=[.;,]?(\s|$))", r"[doi:\1](<https://doi.org/\1>)", plain(text))


def number(value: Decimal) -> str:
    return f"{value.normalize():f}"


def limits(values: Interval) -> str:
    """Write a band with its ends, closed or open."""
    if values.low is None:
        return f"{'≤' if values.high_closed else '<'} {values.high}"
    low = f"{'≥' if values.low_closed else '>'} {values.low}"
    if values.high is None:
        return low
    return f"{low}, {'≤' if values.high_closed else '<'} {values.high}"


# ── Docstrings ───────────────────────────────────────────────────────────────────────────────────


class Told:
    """The docstring of a score's function, taken apart."""

    def __init__(self, score: Score) -> None:
        self.name = score.id
        text = inspect.getdoc(score.function) or ""
        head, *sections = re.split(r"^(\w+)\n-{3,}\n", text, flags=re.MULTILINE)
        self.sections = dict(zip(sections[::2], sections[1::2], strict=True))
        self.summary, *self.body = [block.strip("\n") for block in re.split(r"\n\s*\n", head)]
        self.body = [block for block in self.body if block]

    def parameter(self, name: str) -> str:
        """Return what is said of a parameter, here or where the text points to."""
        blocks = re.split(r"^(?=\S)", self.sections["Parameters"], flags=re.MULTILINE)
        for block in blocks:
            names, _, said = block.partition("\n")
            if name in [each.strip() for each in names.split(",")]:
                elsewhere = re.fullmatch(r"As in `(\w+)`\.", one_line(said))
                if elsewhere and elsewhere[1] in SCORES:
                    return Told(SCORES[elsewhere[1]]).parameter(name)
                return one_line(said)
        return ""

    def returned(self) -> str:
        """Return what is said of the result, without its type."""
        return one_line(self.sections["Returns"].partition("\n")[2])

    def references(self) -> list[str]:
        """Return each reference on one line; a line that goes on starts in lower case."""
        joined = re.sub(r"\n\s*(?=[a-z])", " ", self.sections["References"].strip())
        return joined.splitlines()


def one_line(text: str) -> str:
    return " ".join(text.split())


def simple_table(block: str) -> str:
    """Turn a table as docstrings have it into Markdown; a row that starts empty goes on."""
    lines = block.splitlines()
    starts = [found.start() for found in re.finditer("=+", lines[0])]
    ends = [*starts[1:], None]
    rows: list[list[str]] = []
    for line in lines[1:]:
        if line.startswith("=="):
            rows.append([])
            continue
        cells = [line[start:end].strip() for start, end in zip(starts, ends, strict=True)]
        if rows and rows[-1] and not cells[0]:
            rows[-1] = [f"{old}\n{new}".strip() for old, new in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
    head, *body = [[plain(cell).replace("\n", "<br>") for cell in row] for row in rows if row]
    return table(head, body)


def formula_of(score: Score, told: Told) -> tuple[str, list[str]]:
    """Return the formula as printed, and the paragraphs that say something else."""
    short = one_line(score.formula)
    formula, rest = short, []
    for block in told.body:
        text = one_line(block)
        if short in text and not block.startswith("=="):
            formula = text
        elif text not in short:
            rest.append(block)
    return formula, rest


# ── Pages ────────────────────────────────────────────────────────────────────────────────────────


def page(score: Score, spec: ScoreSpec, clarified: list[list[str]]) -> str:
    told = Told(score)
    formula, rest = formula_of(score, told)
    module = score.function.__module__.removeprefix("aclf_fhir.").replace(".", "/")
    parts = [
        f"# {score.title}",
        NOTE,
        plain(told.summary),
        table(("Id", f"`{score.id}`"), facts(score, module)),
        "## Formula",
        f"```text\n{formula}\n```",
        *(simple_table(b) if b.startswith("==") else linked(one_line(b), score.id) for b in rest),
        "## Inputs",
        table(
            ("Input", "Name", "Unit", "Accepted", "LOINC", "Changes at", "Needed", "Taken from"),
            (input_row(each, score) for each in score.inputs),
        ),
        "Both ends of a range are accepted, and what lies outside is an error. A result that needs"
        " what is missing is `indeterminate`, with bounds or the grades that remain possible.",
        *remarks(score, told),
        "## Result",
        linked(told.returned(), score.id),
        *bands(score),
        "## Worked example",
        *example(spec),
        "## Cases",
        *cases(spec),
        "## Disagreements and choices",
        *choices(clarified, score.id),
        "## Sources",
        "\n".join(f"- {with_dois(reference)}" for reference in told.references()),
    ]
    return "\n\n".join(parts) + "\n"


def facts(score: Score, module: str) -> Iterator[Row]:
    yield "Version of the implementation", score.version
    yield "Verification", VERIFICATION[score.verification]
    yield "Citation", citation(score)
    code = f"LOINC {score.loinc}, and " if score.loinc else ""
    yield "Code", f"{code}`{score.id}` of the project's code system `scores`"
    yield "Module", f"`{module}.py`"


def citation(score: Score) -> str:
    return with_dois(f"{score.citation}. doi:{score.doi}" if score.doi else score.citation)


def input_row(declared: ScoreInput, score: Score) -> Row:
    arguments = {each.name: each for each in score.arguments}
    cuts = arguments.get(declared.name, declared).cuts
    accepted = ", ".join(f"`{value}`" for value in declared.values)
    if not declared.values:
        low, high = declared.limits
        accepted = f"{number(low)} to {number(high)}{', whole' if declared.whole else ''}"
    return (
        f"`{declared.name}`",
        plain(declared.title),
        plain(declared.unit),
        accepted,
        declared.loinc or "",
        ", ".join(map(number, cuts)),
        "yes" if declared.required else "no",
        taken_from(declared, score.id),
    )


def taken_from(declared: ScoreInput, own: str) -> str:
    where = FROM[declared.kind]
    if declared.concept in SCORES and declared.concept != own:
        return f"{where}: [`{declared.concept}`]({declared.concept}.md)"
    if declared.concept in CATALOG.analytes:
        return f"{where}: [`{declared.concept}`](../analytes.md#{declared.concept})"
    return where


def remarks(score: Score, told: Told) -> Iterator[str]:
    """Say what the declaration cannot: of codes, and of what is derived from the inputs."""
    own = {each.name for each in score.inputs}
    lines = [
        f"- {plain(each.title)}: {linked(said, score.id)}"
        for each in dict.fromkeys((*score.inputs, *score.arguments))
        if (each.values or each.name not in own) and (said := told.parameter(each.parameter))
    ]
    if lines:
        yield "\n".join(dict.fromkeys(lines))


def bands(score: Score) -> Iterator[str]:
    if score.bands:
        rows = [(band.label, limits(band.values)) for band in score.bands]
        yield "Categories are decided on the unrounded value."
        yield table(("Category", "Value"), rows)


def example(spec: ScoreSpec) -> Iterator[str]:
    """Show a published example, else the case that says most."""
    case = max(
        spec.cases,
        key=lambda each: (
            each["id"].startswith("published"),
            each["expect"].get("status", "ok") == "ok",
            "value" in each["expect"],
            len(each["expect"]),
            len(each.get("with", {})),
        ),
    )
    if not case["id"].startswith("published"):
        yield (
            "No worked example was found in the publication of this score or in an open"
            " calculator; this one was worked by hand."
        )
    inputs = {**spec.base, **case.get("with", {})}
    yield table(
        ("Input", "As sent"), ((f"`{key}`", written(value)) for key, value in inputs.items())
    )
    yield table(
        ("Result", "Value"),
        ((f"`{key}`", written(value)) for key, value in case["expect"].items()),
    )
    yield f"Source: {with_dois(case.get('source', spec.source))}."


def cases(spec: ScoreSpec) -> Iterator[str]:
    yield (
        f"From `tests/spec/scores/{spec.score}.yaml`, recomputed by every test run and by"
        f" `aclf-fhir verify`. Source, where a case has none of its own: {with_dois(spec.source)}."
    )
    if spec.base:
        base = ", ".join(f"`{key}` {written(value)}" for key, value in spec.base.items())
        yield f"Where a case says nothing else: {base}."
    yield table(
        ("Case", "Inputs", "Expected", "Remark"),
        (
            (
                plain(each["id"]),
                listed(each.get("with", {})),
                listed(each["expect"]),
                with_dois(each.get("source", "")),
            )
            for each in spec.cases
        ),
    )


def listed(values: dict[str, Any]) -> str:
    return ", ".join(f"`{key}` {written(value)}" for key, value in values.items())


def written(value: object) -> str:
    """Write a value of a case as its file does."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "; ".join(f"{key} {written(each)}" for key, each in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(written, value)) or "none"
    return plain(value)


def choices(clarified: list[list[str]], score: str) -> Iterator[str]:
    rows = [
        (issue, choice, reason, module)
        for issue, choice, reason, scores, module in clarified
        if scores == "all" or f"`{score}`" in scores
    ]
    yield table(("Issue", "Choice", "Reason", "Module"), rows)
    yield (
        "From [clarifications](../../clarifications.md#scores); how missing and inexact inputs are"
        " read stands [there, too](../../clarifications.md#what-is-not-known)."
    )


def clarifications() -> list[list[str]]:
    """Return the rows about scores; each names the scores it is about, or all."""
    text = CLARIFICATIONS.read_text(encoding="utf-8")
    section = text.partition("## Scores\n")[2].partition("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("|")
    ][2:]
    for row in rows:
        if len(row) != 5:
            raise SystemExit(f"docs/clarifications.md: five columns are needed: {row[0]}")
        unknown = {*re.findall(r"`(\w+)`", row[3])} - set(SCORES)
        if unknown or (row[3] != "all" and "`" not in row[3]):
            raise SystemExit(f"docs/clarifications.md: no score {row[3]}: {row[0]}")
    return rows


def index() -> str:
    parts = [
        "# Scores",
        NOTE,
        "Every score the gateway computes: formula, table, inputs, cases and what was chosen where"
        " sources disagree. How an installation is shown to compute them right:"
        " [qualify an installation](../../how-to/qualify-an-installation.md).",
        table(
            ("Score", "Id", "Verification", "LOINC", "Citation"),
            (
                (
                    f"[{plain(score.title)}]({score.id}.md)",
                    f"`{score.id}`",
                    score.verification,
                    score.loinc or "",
                    citation(score),
                )
                for score in SCORES.values()
            ),
        ),
        "\n".join(f"- {text}" for text in VERIFICATION.values()),
        "Codes, units and age limits of what is measured: [analytes](../analytes.md).",
    ]
    return "\n\n".join(parts) + "\n"


# ── Analytes ─────────────────────────────────────────────────────────────────────────────────────


def analytes() -> str:
    parts = [
        "# Analytes",
        NOTE,
        "What laboratories and bedside devices measure: the codes an analyte is known by, the units"
        " it is accepted in, and how old a value may be. The data are in `mappings/analytes/`; a"
        " site adds its local codes and spellings in `mappings/sites/`.",
    ]
    for analyte in sorted(CATALOG.analytes.values(), key=lambda each: each.id):
        parts += [f"## {analyte.id}", *analyte_parts(analyte)]
    return "\n\n".join(parts) + "\n"


def analyte_parts(analyte: Analyte) -> Iterator[str]:
    codes = [code.coding for code in analyte.codes]
    loinc = ", ".join(code.code for code in codes if code.system == LOINC)
    other = ", ".join(code.code for code in codes if code.system != LOINC)
    plausible = analyte.plausible
    yield plain(f"{analyte.title}, in {analyte.unit}.")
    yield table(
        ("LOINC", loinc),
        [
            *([("Other codes", plain(other))] if other else []),
            ("Plausible", f"{plausible.low} to {plausible.high}; outside it is held"),
            ("Age limit", f"{age(analyte.max_age)}"),
            *([("Molar mass, g/mol", analyte.molar_mass)] if analyte.molar_mass else []),
            ("Source", plain(analyte.source)),
        ],
    )
    groups: dict[str, list[str]] = {}
    for unit, factor in analyte.units.factors.items():
        groups.setdefault(str(factor), []).append(f"`{unit}`")
    yield table(
        ("Units", f"Factor to {plain(analyte.unit)}"),
        ((", ".join(units), factor) for factor, units in groups.items()),
    )


def age(limit: timedelta) -> str:
    hours = limit // timedelta(hours=1)
    return f"{hours} h" if hours <= 72 else f"{hours // 24} d"


# ── Files ────────────────────────────────────────────────────────────────────────────────────────


def pages() -> dict[Path, str]:
    clarified = clarifications()
    specs = {path.stem: read_spec(path) for path in score_files()}
    wanted = {
        SCORE_PAGES / f"{score.id}.md": page(score, specs[score.id], clarified)
        for score in SCORES.values()
    }
    return {**wanted, SCORE_PAGES / "index.md": index(), ANALYTES_PAGE: analytes()}


def main(arguments: list[str]) -> int:
    wanted = pages()
    present = {
        path: path.read_text(encoding="utf-8")
        for path in [*sorted(SCORE_PAGES.glob("*.md")), ANALYTES_PAGE]
        if path.is_file()
    }
    stale = sorted(
        path.relative_to(ROOT).as_posix()
        for path in {*wanted, *present}
        if wanted.get(path) != present.get(path)
    )
    if "--check" in arguments:
        for name in stale:
            print(f"{name} is stale: run tools/generate_score_pages.py", file=sys.stderr)
        return 1 if stale else 0
    SCORE_PAGES.mkdir(parents=True, exist_ok=True)
    for path in present.keys() - wanted.keys():
        path.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    print(f"{len(wanted)} pages in docs/reference/, {len(stale)} changed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
