"""Builds what units are made of from `mappings/unit_parts.yaml`."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from aclf_fhir.catalog.analytes import entries
from aclf_fhir.catalog.files import DataFile
from aclf_fhir.catalog.issues import Findings
from aclf_fhir.catalog.trees import branch, text, texts
from aclf_fhir.catalog.yaml_text import Tree
from aclf_fhir.units.expression import Part, UnitParts

__all__ = ["build_unit_parts"]

_PLAIN = "number"
"""The dimension of what is only a number, like per cent."""


def build_unit_parts(files: list[DataFile], findings: Findings) -> UnitParts:
    """Build the parts of units; an overlay's entries are added to the package's."""
    prefixes = [
        (_fraction(entry.tree["size"]), texts(entry.tree, "symbols"), texts(entry.tree, "words"))
        for entry in entries(files, "prefixes", findings)
    ]
    units = [
        (
            _part(entry.tree),
            bool(entry.tree.get("prefixes")),
            texts(entry.tree, "symbols"),
            texts(entry.tree, "words"),
        )
        for entry in entries(files, "units", findings)
    ]
    units += [(Part(size), False, names, names) for size, names in _numbers(files)]
    return UnitParts.build(
        prefixes=prefixes,
        units=units,
        powers={
            word: int(power)
            for file in files
            for power in branch(file.tree, "powers")
            for word in texts(branch(file.tree, "powers"), power)
        },
        per=[word for file in files for word in texts(file.tree, "per")],
    )


def _numbers(files: list[DataFile]) -> Iterator[tuple[Fraction, list[str]]]:
    """Yield number words and the names of what is counted, which are ones."""
    for file in files:
        for number in branch(file.tree, "numbers"):
            yield Fraction(number), texts(branch(file.tree, "numbers"), number)
        yield Fraction(1), texts(file.tree, "counted")


def _part(tree: dict[str, Tree]) -> Part:
    dimension = text(tree, "dimension")
    power = tree.get("power")
    count = int(power) if isinstance(power, Decimal) else 1
    return Part(_fraction(tree["size"]), () if dimension == _PLAIN else (dimension,) * count)


def _fraction(size: Tree) -> Fraction:
    """Read `1/1000` or a decimal exactly."""
    return Fraction(str(size))
