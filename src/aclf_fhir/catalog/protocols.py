"""Builds the trial protocols of `trials/`."""

from collections.abc import Mapping

from aclf_fhir.catalog.files import DataFile
from aclf_fhir.catalog.issues import Findings
from aclf_fhir.codes import CANONICAL_BASE
from aclf_fhir.errors import AclfError
from aclf_fhir.trial.protocol import Protocol, build_protocol

__all__ = ["build_protocols", "study_names"]


def build_protocols(files: list[DataFile], findings: Findings) -> dict[str, Protocol]:
    """Build every protocol; one of the overlay replaces the package's of the same id."""
    built: dict[str, tuple[DataFile, Protocol]] = {}
    for file in files:
        try:
            protocol = build_protocol(file.tree, file.name)
        except AclfError as error:
            findings.issues.extend(error.issues)
            continue
        earlier = built.get(protocol.id)
        if earlier is not None and earlier[0].overlay == file.overlay:
            findings.add(file.name, "id", f"{protocol.id} is also in {earlier[0].name}")
        built[protocol.id] = (file, protocol)
    return {name: protocol for name, (_, protocol) in sorted(built.items())}


def study_names(
    protocols: Mapping[str, Protocol], places: Mapping[str, str], findings: Findings
) -> dict[str, str]:
    """Return the trial id by every name a study can be referred to.

    `places` names the file of each trial.
    """
    names: dict[str, str] = {}
    for protocol in protocols.values():
        registered = (protocol.id, protocol.registry_id, *protocol.identifiers)
        reference = f"ResearchStudy/{protocol.id}"
        for name in (
            *registered,
            *(name.lower() for name in registered),
            reference,
            f"{CANONICAL_BASE}/{reference}",
        ):
            if names.setdefault(name, protocol.id) != protocol.id:
                findings.add(
                    places[protocol.id],
                    "id",
                    f"{name} also names {names[name]}",
                    "expected names that no other study has",
                )
    return names
