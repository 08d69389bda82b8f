"""Builds the words that say how something was found from `mappings/vocabulary.yaml`."""

from collections.abc import Iterator, Mapping
from typing import cast

from aclf_fhir.catalog.files import DataFile
from aclf_fhir.catalog.issues import Findings, one_of
from aclf_fhir.catalog.trees import branch, code_problem, texts
from aclf_fhir.catalog.yaml_text import Tree
from aclf_fhir.codes import Coding
from aclf_fhir.mapping.vocabulary import Answer, TextPattern, Vocabulary

__all__ = ["build_vocabulary"]


def build_vocabulary(files: list[DataFile], findings: Findings) -> Vocabulary:
    """Build the vocabulary; a later file adds to an earlier one, and its entries win."""
    reader = _Reader(files, findings)
    return Vocabulary(
        answers=cast("dict[Coding, Answer]", reader.named_codes("answers")),
        answer_words=cast("dict[str, Answer]", reader.named_texts("answer_words")),
        # A grade may come without any unit.
        grade_units=frozenset({"", *reader.texts("grade_units")}),
        birth_sex=reader.named_texts("birth_sex"),
        birth_sex_extensions=frozenset(reader.texts("birth_sex_extensions")),
        encounter_classes=reader.named_codes("encounter_classes"),
        death_dispositions=reader.codes("death_dispositions"),
        vessels=reader.named_codes("vessels"),
        urine=reader.codes("urine"),
        fluid_sites=reader.named_codes("fluid_sites"),
        fluid_words={
            name: _pattern([branch(tree, name) for tree in reader.trees("fluid_words")]).compiled()
            for name in dict.fromkeys(name for tree in reader.trees("fluid_words") for name in tree)
        },
        blood_words=_pattern(reader.trees("blood_words")).compiled(),
        routes=reader.named_codes("routes"),
    )


def _pattern(trees: list[dict[str, Tree]]) -> TextPattern:
    return TextPattern(
        parts=tuple(text for tree in trees for text in texts(tree, "parts")),
        beginnings=tuple(text for tree in trees for text in texts(tree, "beginnings")),
        words=tuple(text for tree in trees for text in texts(tree, "words")),
    )


class _Reader:
    """Reads a section of every file, the package's first."""

    def __init__(self, files: list[DataFile], findings: Findings) -> None:
        self.files = files
        self.findings = findings
        self.systems = {
            name: texts(branch(file.tree, "systems"), name)
            for file in files
            for name in branch(file.tree, "systems")
        }

    def trees(self, section: str) -> list[dict[str, Tree]]:
        """Return the section of every file."""
        return [branch(file.tree, section) for file in self.files]

    def texts(self, section: str) -> list[str]:
        """Return a list of texts."""
        return [text for file in self.files for text in texts(file.tree, section)]

    def named_texts(self, section: str) -> dict[str, str]:
        """Return the name that each text stands under."""
        return {
            text: name
            for tree in self.trees(section)
            for name in tree
            for text in texts(tree, name)
        }

    def named_codes(self, section: str) -> dict[Coding, str]:
        """Return the name that each code stands under."""
        return {
            coding: name
            for file in self.files
            for name, tree in branch(file.tree, section).items()
            for coding in self._codings(file, f"{section}.{name}", cast("dict[str, Tree]", tree))
        }

    def codes(self, section: str) -> frozenset[Coding]:
        """Return the codes of a section without names."""
        return frozenset(
            coding
            for file in self.files
            for coding in self._codings(file, section, branch(file.tree, section))
        )

    def _codings(self, file: DataFile, path: str, tree: Mapping[str, Tree]) -> Iterator[Coding]:
        """Yield each code in every system its short name stands for."""
        for name in tree:
            where = f"{path}.{name}"
            if name not in self.systems:
                what = f"{name} is not one of systems"
                self.findings.add(file.name, where, what, one_of(name, self.systems))
            for code in branch(tree, name):
                for system in self.systems.get(name, ()):
                    coding = Coding(system, code)
                    problem = code_problem(coding)
                    if problem:
                        self.findings.add(file.name, f"{where}.{code}", problem)
                    yield coding
