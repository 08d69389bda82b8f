"""Which of our trials a reference names."""

from typing import TYPE_CHECKING

from aclf_fhir.codes import CANONICAL_BASE
from aclf_fhir.mapping.references import literal_reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aclf_fhir.fhir.r4.datatypes import Reference
    from aclf_fhir.mapping.models import MappingContext

__all__ = ["study_of", "trial_named"]


def study_of(reference: "Reference", context: "MappingContext") -> str | None:
    """Return the trial id, by literal reference or by identifier; None if it is not ours."""
    return trial_named(reference, context.trials)


def trial_named(reference: "Reference", trials: "Mapping[str, str]") -> str | None:
    """Do what `study_of` does, given the trial id by every name a study is known by."""
    text = reference.reference
    if text is not None:
        for name in (text, literal_reference(reference), text.removeprefix(f"{CANONICAL_BASE}/")):
            if name is not None and name in trials:
                return trials[name]
    identifier = reference.identifier
    if identifier is None or identifier.value is None:
        return None
    return trials.get(identifier.value) or trials.get(identifier.value.lower())
