"""Patient → birth date, sex, sex at birth, death."""

from typing import TYPE_CHECKING

from aclf_fhir.mapping.codings import codings_of
from aclf_fhir.mapping.models import SubjectDates
from aclf_fhir.mapping.times import check_time, read_time
from aclf_fhir.record import FactKind
from aclf_fhir.units import TimeRange

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.patient import Patient
    from aclf_fhir.mapping.draft import Draft
    from aclf_fhir.mapping.vocabulary import Vocabulary

__all__ = ["map_patient"]


def map_patient(patient: "Patient", draft: "Draft") -> str:
    """Read one Patient; return the rule it falls under if nothing is needed of it."""
    draft.subject = draft.context.resource_id
    flags, draft.shared = _links(patient)
    birth = read_time(patient.birth_date, draft)
    if birth is not None:
        check_time(draft, birth, "birthDate")
        _state(draft, "birth_date", birth, "birthDate", flags)
    if patient.gender is not None:
        _state(draft, "sex", frozenset({patient.gender}), "gender", flags)
    birth_sex = _birth_sex(patient, draft.context.vocabulary)
    if birth_sex is not None:
        _state(draft, "birth_sex", frozenset({birth_sex}), "extension", flags)
    draft.dates = SubjectDates(birth=birth)
    _death(patient, draft, flags)
    return "patient-without-use"


def _state(
    draft: "Draft",
    concept: str,
    value: TimeRange | frozenset[str],
    path: str,
    flags: frozenset[str],
) -> None:
    draft.add(FactKind.DEMOGRAPHIC, concept, value, path=path, flags=flags)


def _death(patient: "Patient", draft: "Draft", flags: frozenset[str]) -> None:
    """State the death, dated or not; a death is known to the record from its date on."""
    if patient.deceased_date_time is not None:
        path = "deceasedDateTime"
        died = read_time(patient.deceased_date_time, draft)
        if died is None:
            _state(draft, "death", frozenset({"deceased"}), path, flags)
            return
        check_time(draft, died, path)
        draft.add(FactKind.DEMOGRAPHIC, "death", died, path=path, start=died, flags=flags)
    elif patient.deceased_boolean is not None:
        value = frozenset({"deceased" if patient.deceased_boolean else "alive"})
        _state(draft, "death", value, "deceasedBoolean", flags)


def _links(patient: "Patient") -> tuple[frozenset[str], tuple[tuple[str, str], ...]]:
    """Keep the links to other records of the same person: who they are is for people to say."""
    flags = set()
    pairs = set()
    for link in patient.link or ():
        name = (link.type or "seealso").replace("-", "_")
        flags.add(f"link_{name}")
        if link.other.reference is not None:
            pairs.add((f"link_{name}", link.other.reference))
    if patient.active is False:
        flags.add("record_inactive")
    return frozenset(flags), tuple(sorted(pairs))


def _birth_sex(patient: "Patient", vocabulary: "Vocabulary") -> str | None:
    """Read the sex recorded at birth from the extensions in use for it."""
    for extension in patient.extension or ():
        if extension.url.rpartition("/")[2].lower() not in vocabulary.birth_sex_extensions:
            continue
        codes = [extension.value_code or ""]
        if extension.value_coding is not None:
            codes.append(extension.value_coding.code or "")
        codes += [coding.code for coding in codings_of(extension.value_codeable_concept)]
        for code in codes:
            if code in vocabulary.birth_sex:
                return vocabulary.birth_sex[code]
    return None
