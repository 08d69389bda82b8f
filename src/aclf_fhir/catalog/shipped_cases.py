"""Where the project's own cases lie: in the wheel as package data, else in the repository."""

from pathlib import Path

from aclf_fhir.catalog.files import data_root

__all__ = ["own_cases"]

_NAME = "score_cases.json"


def own_cases() -> Path:
    """Return the file of the specification's cases, in the format of `aclf-fhir verify`."""
    packaged = data_root() / "cases" / _NAME
    return packaged if packaged.is_file() else data_root() / "tests" / "spec" / "cases" / _NAME
