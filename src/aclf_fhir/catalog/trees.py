"""Typed access to trees that a schema has already checked, and to lists of codes."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import cast

from aclf_fhir.catalog.yaml_text import Tree
from aclf_fhir.codes import (
    ATC,
    ICD10,
    ICD10CM,
    ICD10PCS,
    LOCAL,
    LOINC,
    RXNORM,
    SNOMED,
    Coding,
)
from aclf_fhir.codes.check_digits import is_loinc, is_snomed

__all__ = [
    "SYSTEMS",
    "branch",
    "code_problem",
    "codings",
    "items",
    "number",
    "prefixes",
    "span",
    "text",
    "texts",
]

SYSTEMS = {
    "loinc": LOINC,
    "snomed": SNOMED,
    "icd10": ICD10,
    "icd10cm": ICD10CM,
    "icd10pcs": ICD10PCS,
    "rxnorm": RXNORM,
    "atc": ATC,
    "local": LOCAL["findings"],
    "attestation": LOCAL["attestations"],
    "v2_specimen": "http://terminology.hl7.org/CodeSystem/v2-0487",
}
"""Names of the code systems in the data files."""

_HIERARCHIES = frozenset({ATC, ICD10, ICD10CM, ICD10PCS})
_RANGE = re.compile(r"([A-Z])([0-9]{2})-([A-Z])([0-9]{2})", re.ASCII)
_ANSWER = re.compile(r"LA[1-9][0-9]*-[0-9]", re.ASCII)
_SHAPES = {
    RXNORM: re.compile(r"[1-9][0-9]*", re.ASCII),
    ICD10: re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,2})?", re.ASCII),
    ICD10CM: re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?", re.ASCII),
    ICD10PCS: re.compile(r"[0-9A-HJ-NP-Z]{7}", re.ASCII),
    ATC: re.compile(r"[A-Z]([0-9]{2}([A-Z]([A-Z]([0-9]{2})?)?)?)?", re.ASCII),
}
_STEMS = {
    ICD10: re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z])?", re.ASCII),
    ICD10CM: re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,3})?", re.ASCII),
    ICD10PCS: re.compile(r"[0-9A-HJ-NP-Z]{3,6}", re.ASCII),
    ATC: re.compile(r"[A-Z][0-9]{2}([A-Z][A-Z]?)?", re.ASCII),
}


def branch(tree: Mapping[str, Tree], key: str) -> dict[str, Tree]:
    """Return the mapping under `key`, an empty one if it is not there."""
    return cast("dict[str, Tree]", tree.get(key) or {})


def items(tree: Mapping[str, Tree], key: str) -> list[dict[str, Tree]]:
    """Return the list of mappings under `key`, an empty one if it is not there."""
    return cast("list[dict[str, Tree]]", tree.get(key) or [])


def text(tree: Mapping[str, Tree], key: str) -> str:
    """Return the text under `key`, "" if it is not there."""
    return cast("str", tree.get(key) or "")


def texts(tree: Mapping[str, Tree], key: str) -> list[str]:
    """Return the list of texts under `key`, an empty one if it is not there."""
    return [str(item) for item in cast("list[Tree]", tree.get(key) or [])]


def number(tree: Mapping[str, Tree], key: str) -> Decimal:
    """Return the number under `key`."""
    return cast("Decimal", tree[key])


def span(tree: Mapping[str, Tree], key: str) -> timedelta:
    """Return the time span under `key`, `48 h` or `90 d`."""
    count, _, unit = text(tree, key).partition(" ")
    return timedelta(hours=int(count)) if unit == "h" else timedelta(days=int(count))


def codings(
    tree: Mapping[str, Tree], systems: Mapping[str, str] = SYSTEMS
) -> Iterator[tuple[str, Coding, Tree]]:
    """Yield path, coding and entry of every code in a mapping of systems to codes."""
    for name in tree:
        for code, entry in branch(tree, name).items():
            yield f"{name}.{code}", Coding(systems[name], code), entry


def prefixes(coding: Coding) -> list[Coding] | None:
    """Return the prefixes `K70.-`, `K7-` or `C00-C96` stands for, None for one exact code."""
    if coding.system not in _HIERARCHIES:
        return None
    if coding.code.endswith("-"):
        return [Coding(coding.system, coding.code.rstrip("-").rstrip("."))]
    found = _RANGE.fullmatch(coding.code)
    if found is None or found[1] != found[3]:
        return None
    return [
        Coding(coding.system, f"{found[1]}{place:02}")
        for place in range(int(found[2]), int(found[4]) + 1)
    ]


def code_problem(coding: Coding) -> str:
    """Return what is wrong with the form of a code, "" if nothing is."""
    if coding.system == LOINC and not (_ANSWER.fullmatch(coding.code) or is_loinc(coding.code)):
        return f"{coding.code} is not a LOINC code: its check digit is wrong"
    if coding.system == SNOMED and not is_snomed(coding.code):
        return f"{coding.code} is not a SNOMED CT concept id: its check digit is wrong"
    shape = _SHAPES.get(coding.system)
    if shape is None:
        return ""
    stems = prefixes(coding)
    if stems is None:
        return "" if shape.fullmatch(coding.code) else f"{coding.code} is not a code of its system"
    if not stems or not all(_STEMS[coding.system].fullmatch(stem.code) for stem in stems):
        return f"{coding.code} is not a prefix of codes of its system"
    return ""
