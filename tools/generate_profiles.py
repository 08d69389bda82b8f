"""Write `profiles/`: the code systems, extensions, profiles and operations the project owns.

    python tools/generate_profiles.py            writes the files
    python tools/generate_profiles.py --check    writes nothing, fails if a file is stale

Codes that the program knows come from the program (scores, reasons, errors, evaluations), those
of mappings from their files; what only people know, texts above all, stands here and in
`profile_texts.py`. Nothing comes from `trials/`: a new protocol is one file and no profile.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from profile_texts import (
    CATEGORIES,
    COMPONENTS,
    CRITERIA,
    DETAILS,
    ERRORS,
    EVALUATION,
    EXTENSIONS,
    FLAGS,
    FOLLOW_UP_REASONS,
    OPERATIONS,
    ORIGIN,
    PROFILES,
    SCORE_REASONS,
    SIGNING,
    SUBJECT_REASONS,
    TRIAL_REASONS,
    VERDICTS,
)

from aclf_fhir.catalog.yaml_text import read_yaml
from aclf_fhir.codes import CANONICAL_BASE
from aclf_fhir.errors import Category
from aclf_fhir.evaluation import Reason
from aclf_fhir.publication import EvaluationReason
from aclf_fhir.scores import SCORES, Score, ScoreResult, ScoreValue, compute
from aclf_fhir.trial.life_cycle import REASONS
from aclf_fhir.units import Interval

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "profiles"
VERSION = "0.1.0"

Resource = dict[str, Any]


def resources() -> Iterator[Resource]:
    yield from code_systems()
    yield from (extension(name, *texts) for name, texts in EXTENSIONS.items())
    yield from (profile(name, *texts) for name, texts in PROFILES.items())
    yield from (operation(name, texts) for name, texts in OPERATIONS.items())


def canonical(type_: str, name: str, title: str, description: str) -> Resource:
    """Say what every definition says first, in R4's order."""
    return {
        "resourceType": type_,
        "id": name,
        "url": f"{CANONICAL_BASE}/{type_}/{name}",
        "version": VERSION,
        "name": "".join(word.capitalize() for word in name.split("-")),
        "title": title,
        "status": "active",
        "experimental": False,
        "publisher": "aclf-fhir",
        "description": description,
    }


# ── Code systems ─────────────────────────────────────────────────────────────────────────────────


def code_systems() -> Iterator[Resource]:
    yield code_system("origin", "Origin", "Where a resource comes from.", ORIGIN)
    yield code_system("categories", "Categories", "Sorts of derived Observations.", CATEGORIES)
    yield code_system(
        "scores",
        "Scores",
        "One code per score and variant; a revised formula is a new code.",
        dict(score_codes()),
    )
    yield code_system(
        "score-versions",
        "Score versions",
        "The version of an implementation; it changes when a result can change.",
        {f"{one.id}-{one.version}": f"{one.title}, version {one.version}" for one in scores()},
    )
    yield code_system("grades", "Grades", "Categories of the scores.", dict(grades()))
    yield code_system(
        "components", "Components", "Parts of derived Observations.", dict(components())
    )
    yield code_system("criteria", "Criteria", "Roles and outcomes of criteria.", CRITERIA)
    yield code_system("verdicts", "Verdicts", "What a protocol finds of a subject.", VERDICTS)
    yield code_system(
        "reasons",
        "Reasons",
        "Why a score, a criterion or an outcome has no definite value.",
        {**chosen(TRIAL_REASONS, Reason), **FOLLOW_UP_REASONS, **SCORE_REASONS},
    )
    yield code_system(
        "flags",
        "Flags",
        "What a reader of a result must know. Protocols may add flags of their own.",
        dict(flags()),
        "fragment",
    )
    yield code_system(
        "answers", "Answers", "Coded inputs of scores, and yes, no, unknown.", answers()
    )
    yield code_system(
        "findings",
        "Findings",
        "What no standard code carries: local questions and answers that mappings read.",
        mapped("local"),
    )
    yield code_system(
        "attestations",
        "Attestations",
        "What a person attests, and how. Only what mappings read as a grade is listed here: the "
        "items of a protocol stand in its Questionnaire, so that a new protocol is one file.",
        mapped("attestation"),
        "fragment",
    )
    yield code_system(
        "evaluation",
        "Evaluation",
        "What an evaluation does, and why it was made.",
        {"evaluate": EVALUATION["evaluate"], **chosen(EVALUATION, EvaluationReason)},
    )
    yield code_system(
        "signing", "Signing", "What a signed decision and its review consist of.", SIGNING
    )
    yield code_system(
        "subject-reasons",
        "Reasons of a subject's status",
        "Why a person moved a ResearchSubject.",
        chosen(SUBJECT_REASONS, sorted(frozenset[str]().union(*REASONS.values()))),
    )
    yield code_system("errors", "Errors", "What can go wrong.", chosen(ERRORS, Category))


def code_system(
    name: str, title: str, description: str, codes: Mapping[str, str], content: str = "complete"
) -> Resource:
    return {
        **canonical("CodeSystem", name, title, description),
        "caseSensitive": True,
        "content": content,
        "count": len(codes),
        "concept": [{"code": code, "display": display} for code, display in codes.items()],
    }


def chosen(texts: Mapping[str, str], members: Iterable[str]) -> dict[str, str]:
    """Give each member of a closed list its text; one without a text stops the tool."""
    return {str(member): texts[str(member)] for member in members}


def scores() -> list[Score]:
    return [SCORES[name] for name in sorted(SCORES)]


def score_codes() -> Iterator[tuple[str, str]]:
    for score in scores():
        yield score.id, score.title
        if score.loinc == "98152-2":
            yield f"{score.id}-panel", f"{score.title}, panel"


def grades() -> Iterator[tuple[str, str]]:
    for score in scores():
        for label in labels(score):
            yield f"{score.id}.{label.replace(' ', '-')}", f"{score.title}: {label}"


def labels(score: Score) -> list[str]:
    """Return every category a score can give: what is possible when nothing is known."""
    return [*(compute(score.id, {}).possible or [band.label for band in score.bands])]


def answers() -> dict[str, str]:
    codes = {code for score in scores() for one in score.inputs for code in one.values}
    return {code: code.replace("_", " ") for code in sorted(codes | {"yes", "no", "unknown"})}


def trees(folder: str) -> Iterator[Any]:
    for path in sorted((ROOT / folder).rglob("*.yaml")):
        tree, issues = read_yaml(path.read_text(), file=path.name)
        if issues:
            message = f"{path.name}: {issues[0].message}"
            raise ValueError(message)
        yield tree


def mapped(word: str) -> dict[str, str]:
    """Collect the codes that mapping files list under one of our own systems."""
    found: dict[str, str] = {}

    def walk(tree: Any, title: str) -> None:
        if isinstance(tree, dict):
            title = str(tree.get("title", title))
            for key, value in tree.items():
                if key == word and isinstance(value, dict):
                    for code, entry in value.items():
                        found.setdefault(code, text_of(code, entry, title))
                walk(value, title)
        elif isinstance(tree, list):
            for value in tree:
                walk(value, title)

    for tree in trees("mappings"):
        walk(tree, "")
    return dict(sorted(found.items()))


def text_of(code: str, entry: Any, title: str) -> str:
    note = entry.get("note") if isinstance(entry, dict) else None
    return f"{title}: {note or code.replace('-', ' ')}"


def components() -> Iterator[tuple[str, str]]:
    yield from COMPONENTS.items()
    found = [result for score in scores() for result in samples(score)]
    points = {name for result in found for name in result.components}
    yield from ((f"points.{name}", f"Points for {name}") for name in sorted(points))
    details = {name for result in found for name in result.details} | set(DETAILS)
    for name in sorted(details):
        yield f"detail.{name}", DETAILS.get(name, name.replace("_", " ").capitalize())
    inputs = {one.name: one.title for score in scores() for one in score.inputs}
    yield from ((f"input.{name}", f"Input: {inputs[name]}") for name in sorted(inputs))


def flags() -> Iterator[tuple[str, str]]:
    sampled = {flag for score in scores() for one in samples(score) for flag in one.flags}
    for flag in sorted(sampled | set(FLAGS)):
        yield flag, FLAGS.get(flag, flag.replace("_", " ").capitalize())


def samples(score: Score) -> Iterator[ScoreResult]:
    """Compute a score from nothing, from its lowest inputs, its highest, and those between."""
    yield compute(score.id, {})
    for share in (Decimal(0), Decimal("0.5"), Decimal(1)):
        values: dict[str, ScoreValue] = {}
        for one in score.inputs:
            if one.values:
                values[one.name] = frozenset({one.values[int(share * (len(one.values) - 1))]})
            elif one.low is not None and one.high is not None:
                number = one.low + (one.high - one.low) * share
                values[one.name] = Interval.exact(Decimal(int(number)) if one.whole else number)
        yield compute(score.id, values)


# ── Structure definitions ────────────────────────────────────────────────────────────────────────


def structure(
    name: str, title: str, description: str, kind: str, type_: str, elements: list[Resource]
) -> Resource:
    context = [] if kind == "resource" else elements.pop(0)["context"]
    return {
        **canonical("StructureDefinition", name, title, description),
        "fhirVersion": "4.0.1",
        "kind": kind,
        "abstract": False,
        **({"context": context} if context else {}),
        "type": type_,
        "baseDefinition": f"http://hl7.org/fhir/StructureDefinition/{type_}",
        "derivation": "constraint",
        "differential": {"element": elements},
    }


def profile(
    name: str, title: str, description: str, type_: str, rows: Iterable[tuple[str, int, str, str]]
) -> Resource:
    elements = [{"id": type_, "path": type_, "short": title}]
    elements += [
        {"id": path, "path": path, "short": short, "min": low, "max": high}
        for path, low, high, short in rows
    ]
    return structure(name, title, description, "resource", type_, elements)


def extension(
    name: str,
    title: str,
    description: str,
    context: str,
    values: tuple[str, ...],
    parts: tuple[tuple[str, str, int, str, str], ...],
) -> Resource:
    elements: list[Resource] = [
        {"context": [{"type": "element", "expression": context}]},
        {"id": "Extension", "path": "Extension", "short": title, "definition": description},
    ]
    if parts:
        elements.append(
            {
                "id": "Extension.extension",
                "path": "Extension.extension",
                "slicing": {
                    "discriminator": [{"type": "value", "path": "url"}],
                    "rules": "closed",
                },
            }
        )
    for part, type_, low, high, short in parts:
        elements += part_elements(part, type_, low, high, short)
    url = f"{CANONICAL_BASE}/StructureDefinition/{name}"
    elements.append({"id": "Extension.url", "path": "Extension.url", "fixedUri": url})
    value: Resource = {"id": "Extension.value[x]", "path": "Extension.value[x]"}
    elements.append(
        {**value, "min": 1, "type": [{"code": code} for code in values]}
        if values
        else {**value, "max": "0"}
    )
    return structure(name, title, description, "complex-type", "Extension", elements)


def part_elements(part: str, type_: str, low: int, high: str, short: str) -> list[Resource]:
    slice_ = f"Extension.extension:{part}"
    path = "Extension.extension"
    elements: list[Resource] = [
        {"id": slice_, "path": path, "sliceName": part, "short": short, "min": low, "max": high},
        {"id": f"{slice_}.url", "path": f"{path}.url", "fixedUri": part},
    ]
    if type_:
        value = {"id": f"{slice_}.value[x]", "path": f"{path}.value[x]"}
        elements.append({**value, "min": 1, "type": [{"code": code} for code in type_.split()]})
    return elements


# ── Operations ───────────────────────────────────────────────────────────────────────────────────


def operation(name: str, texts: Mapping[str, Any]) -> Resource:
    types = list(texts["types"])
    return {
        **canonical("OperationDefinition", name, texts["title"], texts["description"]),
        "kind": "operation",
        "affectsState": texts.get("affectsState", False),
        "code": name,
        **({"resource": types} if types else {}),
        "system": texts.get("system", True),
        "type": False,
        "instance": bool(types),
        "parameter": [parameter(*row) for row in texts["parameters"]],
    }


def parameter(name: str, use: str, low: int, high: str, type_: Any, text: str) -> Resource:
    stated = {"name": name, "use": use, "min": low, "max": high, "documentation": text}
    if isinstance(type_, str):
        return {**stated, "type": type_}
    return {**stated, "part": [parameter(*row) for row in type_]}


# ── Files ────────────────────────────────────────────────────────────────────────────────────────


def files() -> dict[Path, str]:
    return {
        OUTPUT / f"{one['resourceType']}-{one['id']}.json": json.dumps(
            one, indent=2, ensure_ascii=False
        )
        + "\n"
        for one in resources()
    }


def main() -> int:
    wanted = files()
    present = {path: path.read_text() for path in sorted(OUTPUT.glob("*.json"))}
    stale = sorted(
        path.name for path in {*wanted, *present} if wanted.get(path) != present.get(path)
    )
    if "--check" in sys.argv[1:]:
        for name in stale:
            print(f"profiles/{name} is stale: run tools/generate_profiles.py", file=sys.stderr)
        return 1 if stale else 0
    OUTPUT.mkdir(exist_ok=True)
    for path in present.keys() - wanted.keys():
        path.unlink()
    for path, text in wanted.items():
        path.write_text(text)
    print(f"{len(wanted)} files in profiles/, {len(stale)} changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
