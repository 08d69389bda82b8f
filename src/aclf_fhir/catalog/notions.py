"""Builds value sets and grade scales."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from aclf_fhir.catalog.analytes import Entry, analyte_code, entries
from aclf_fhir.catalog.files import DataFile
from aclf_fhir.catalog.issues import Findings
from aclf_fhir.catalog.trees import (
    branch,
    code_problem,
    codings,
    number,
    prefixes,
    span,
    text,
    texts,
)
from aclf_fhir.catalog.yaml_text import Tree
from aclf_fhir.codes import Coding
from aclf_fhir.mapping.models import GradeScale, Strength, ValueSet
from aclf_fhir.record import FactKind
from aclf_fhir.units import Interval

__all__ = ["build_scales", "build_value_sets", "expected_answer", "read_answer"]


def build_value_sets(files: list[DataFile], findings: Findings) -> dict[str, ValueSet]:
    """Build every value set, and note what contradicts itself."""
    return {
        entry.id: _value_set(entry, findings) for entry in entries(files, "value_sets", findings)
    }


def _value_set(entry: Entry, findings: Findings) -> ValueSet:
    """Build one value set; codes under `values` are definite where no strength lists them."""
    exact: dict[Coding, Strength] = {}
    stems: dict[Coding, Strength] = {}
    values: dict[Coding, str] = {}
    for strength in Strength:
        for where, coding in _members(entry, branch(entry.tree, strength), strength, findings):
            _add(entry, where, coding, strength, exact=exact, stems=stems, findings=findings)
    listed = exact.keys() | stems.keys()
    for value in branch(entry.tree, "values"):
        path = f"values.{value}"
        tree = branch(branch(entry.tree, "values"), value)
        for where, coding in _members(entry, tree, path, findings):
            members = prefixes(coding) or [coding]
            if listed.isdisjoint(members):
                strength = Strength.DEFINITE
                _add(entry, where, coding, strength, exact=exact, stems=stems, findings=findings)
            values.update(dict.fromkeys(members, value))
    excluded = {
        stem
        for _, coding in _members(entry, branch(entry.tree, "excluded"), "excluded", findings)
        for stem in prefixes(coding) or [coding]
    }
    for coding in sorted(excluded & (exact.keys() | stems.keys())):
        findings.add(entry.file, f"{entry.path}.excluded", f"{coding.code} is also a member")
    return ValueSet(
        id=entry.id,
        title=text(entry.tree, "title"),
        kind=FactKind(text(entry.tree, "kind")),
        codes=exact,
        prefixes=stems,
        excluded=frozenset(excluded),
        lifelong=bool(entry.tree.get("lifelong")),
        values=values,
        plausible_rates=_rates(entry, findings),
        source=text(entry.tree, "source"),
    )


def _rates(entry: Entry, findings: Findings) -> dict[str, Interval]:
    """Read the rates a drug can be given at, by unit."""
    found = {}
    tree = branch(entry.tree, "plausible_rates")
    for unit in tree:
        ends = branch(tree, unit)
        low, high = number(ends, "low"), number(ends, "high")
        if low >= high:
            where = f"{entry.path}.plausible_rates.{unit}"
            findings.add(entry.file, where, "low is not below high")
        found[unit] = Interval(low, high)
    return found


def _members(
    entry: Entry, tree: Mapping[str, Tree], section: str, findings: Findings
) -> Iterator[tuple[str, Coding]]:
    """Yield place and coding of every code in one section."""
    for path, coding, _ in codings(tree):
        where = f"{entry.path}.{section}.{path}"
        problem = code_problem(coding)
        if problem:
            findings.add(entry.file, where, problem)
        else:
            yield where, coding


def _add(
    entry: Entry,
    where: str,
    coding: Coding,
    strength: Strength,
    *,
    exact: dict[Coding, Strength],
    stems: dict[Coding, Strength],
    findings: Findings,
) -> None:
    """Add a code or its prefixes; one code proves one thing."""
    expanded = prefixes(coding)
    target = exact if expanded is None else stems
    for member in expanded or [coding]:
        if member in target:
            findings.add(entry.file, where, f"{member.code} is already there as {target[member]}")
        target[member] = strength


def build_scales(files: list[DataFile], findings: Findings) -> dict[str, GradeScale]:
    """Build every grade scale, and note what contradicts itself."""
    return {entry.id: _scale(entry, findings) for entry in entries(files, "scales", findings)}


def _scale(entry: Entry, findings: Findings) -> GradeScale:
    """Build one scale."""
    tree = entry.tree
    ends = tree.get("grades")
    ordinal = Interval(_grade(ends[0]), _grade(ends[1])) if isinstance(ends, list) else None
    values = frozenset(texts(tree, "values"))
    codes = []
    for path, coding, code in codings(branch(tree, "codes")):
        problem = code_problem(coding)
        if problem:
            findings.add(entry.file, f"{entry.path}.codes.{path}", problem)
        codes.append(analyte_code(coding, code))  # type: ignore[arg-type] # the schema has checked the shape
    answers = {}
    for path, coding, answer in codings(branch(tree, "answers")):
        where = f"{entry.path}.answers.{path}"
        problem = code_problem(coding)
        if problem:
            findings.add(entry.file, where, problem)
        read = read_answer(answer, ordinal=ordinal, values=values)
        if read is None:
            findings.add(
                entry.file, where, "not a value of this scale", expected_answer(ordinal, values)
            )
        else:
            answers[coding] = read
    return GradeScale(
        id=entry.id,
        title=text(tree, "title"),
        codes=tuple(codes),
        answers=answers,
        ordinal=ordinal,
        max_age=span(tree, "max_age"),
        source=text(tree, "source"),
    )


def _grade(tree: Tree) -> Decimal:
    """Take a number for a grade; anything else is below every scale."""
    return tree if isinstance(tree, Decimal) else Decimal(-1)


def read_answer(
    answer: Tree, *, ordinal: Interval | None, values: frozenset[str]
) -> Interval | frozenset[str] | None:
    """Read what an answer code proves.

    Parameters
    ----------
    answer
        A grade (`2`), two grades from and to (`[2, 4]`), a value (`mild`) or several.
    ordinal
        The ends of an ordinal scale, None for a nominal one.
    values
        The values of a nominal scale.

    Returns
    -------
    Interval or frozenset or None
        None if the answer is not one of this scale.
    """
    listed = answer if isinstance(answer, list) else [answer]
    if ordinal is None:
        chosen = frozenset(str(item) for item in listed)
        return chosen if chosen <= values else None
    grades = [_grade(item) for item in listed]
    if not all(ordinal.contains(grade) for grade in grades) or grades != sorted(grades):
        return None
    return Interval(grades[0], grades[-1]) if len(grades) <= 2 else None


def expected_answer(ordinal: Interval | None, values: frozenset[str]) -> str:
    """Say what an answer of a scale looks like."""
    if ordinal is None:
        return f"expected one or more of: {', '.join(sorted(values))}"
    return f"expected a grade from {ordinal.low} to {ordinal.high}, or two of them"
