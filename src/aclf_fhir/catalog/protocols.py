"""Builds the trial protocols of `trials/`."""

from collections.abc import Mapping
from typing import Any

from aclf_fhir.catalog.files import DataFile
from aclf_fhir.catalog.issues import Findings

__all__ = ["Protocols", "build_protocols"]

Protocols = Mapping[str, Any]


def build_protocols(
    files: list[DataFile], findings: Findings
) -> tuple[Protocols, dict[str, str]]:
    """Build every protocol, and the names each one is known by."""
    return {}, {}
