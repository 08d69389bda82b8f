"""Builds the rules by which Observations without a use are set aside."""

from collections.abc import Mapping

from aclf_fhir.catalog.files import DataFile
from aclf_fhir.catalog.trees import SYSTEMS, branch, text, texts
from aclf_fhir.mapping.models import Analyte, LookAlike, NotNeededRules

__all__ = ["build_not_needed"]


def build_not_needed(files: list[DataFile], *, analytes: Mapping[str, Analyte]) -> NotNeededRules:
    """Build the rules from the last file there is: an overlay's replaces the package's."""
    tree = files[-1].tree if files else {}
    look, standard, category = (
        branch(tree, name) for name in ("look_alike", "standard_code", "category")
    )
    return NotNeededRules(
        look_alikes={
            coding: LookAlike(analyte.id, reason)
            for analyte in analytes.values()
            for coding, reason in analyte.look_alikes.items()
        },
        systems=frozenset(SYSTEMS[name] for name in texts(standard, "systems")),
        words=tuple(word.casefold() for word in texts(standard, "words")),
        unless=tuple(word.casefold() for word in texts(standard, "unless")),
        categories=frozenset(texts(category, "categories")),
        look_alike_rule=text(look, "rule"),
        standard_code_rule=text(standard, "rule"),
        category_rule=text(category, "rule"),
        texts={text(rule, "rule"): text(rule, "text") for rule in (look, standard, category)},
    )
