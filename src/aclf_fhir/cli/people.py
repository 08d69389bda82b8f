"""`people.yaml`: what people decided about subjects, in the order in which it was decided.

```yaml
acts:
  - trial: example-aclf-01      # id of the trial
    patient: invented-1        # logical id of the Patient
    status: on-study           # ResearchSubject.status from then on
    start: 2024-03-05T09:00:00+01:00   # ResearchSubject.period.start, where the status has one
    reason: criterion-failed   # status-reason, where the move needs one
    after: invented/screening  # folders or files pushed before the act, relative to people.yaml
```

`after` may be one path or a list; without it, all data are pushed first. Data that no act
waits for are pushed after the last act.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import yaml

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.publication import STATUS_REASON
from aclf_fhir.remote import FhirServer

__all__ = ["Act", "perform", "read_acts"]

_ATTEMPTS = 5


class Act(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One person's decision about one subject."""

    trial: Annotated[str, msgspec.Meta(min_length=1)]
    patient: Annotated[str, msgspec.Meta(min_length=1)]
    status: Annotated[str, msgspec.Meta(min_length=1)]
    start: str | None = None
    after: list[str] = []
    reason: str | None = None

    def waits_for(self, path: Path, folder: Path) -> bool:
        """Tell whether a file has to be pushed before this act."""
        relative = path.relative_to(folder)
        return any(relative.is_relative_to(one) for one in self.after)


@dataclass(frozen=True, slots=True)
class _Plan:
    acts: list[Act]


def read_acts(folder: Path) -> list[Act]:
    """Read the decisions that lie beside the data; none if there is no such file.

    Raises
    ------
    AclfError
        `invalid`, if the file is not as described above.
    """
    path = folder / "people.yaml"
    if not path.exists():
        return []
    try:
        # BaseLoader makes no dates or booleans of plain words.
        tree = yaml.load(path.read_text("utf-8"), yaml.BaseLoader)  # noqa: S506 - only strings come of it
        for act in tree["acts"]:
            if isinstance(act.get("after"), str):
                act["after"] = [act["after"]]
        return msgspec.convert(tree, _Plan).acts
    except (yaml.YAMLError, msgspec.ValidationError, KeyError, TypeError, AttributeError) as error:
        raise AclfError.of(
            Category.INVALID, str(path), f"cannot be used: {error}", "See `aclf-fhir demo --help`."
        ) from error


def perform(server: FhirServer, act: Act) -> str:
    """Move a ResearchSubject as a person would: read, decide, write what was read.

    Returns
    -------
    str
        The reference of the ResearchSubject.

    Raises
    ------
    AclfError
        `not_found` if the machine has made no such subject, or what the server says.
    """
    study = f"ResearchStudy/{act.trial}"
    query = f"ResearchSubject?patient={act.patient}&study={study}"
    for attempt in range(1, _ATTEMPTS + 1):
        found = server.expect(server.request("GET", query))
        entries = msgspec.json.decode(found.body).get("entry", [])
        subjects = [one["resource"] for one in entries if one["search"]["mode"] == "match"]
        if not subjects:
            raise AclfError.of(
                Category.NOT_FOUND,
                "people.yaml",
                f"{act.patient} is no subject of {act.trial}: the verdict is ineligible, or none",
            )
        subject = subjects[0]
        subject["status"] = act.status
        if act.start is not None:
            subject["period"] = {"start": act.start}
        said = [one for one in subject.pop("extension", ()) if one["url"] != STATUS_REASON]
        if act.reason is not None:
            said.append({"url": STATUS_REASON, "valueCode": act.reason})
        if said:
            subject["extension"] = said
        reference = f"ResearchSubject/{subject['id']}"
        answer = server.request(
            "PUT",
            reference,
            body=msgspec.json.encode(subject),
            headers={"If-Match": f'W/"{subject["meta"]["versionId"]}"'},
        )
        # A verdict that changed in between makes a new version: look again before deciding.
        if answer.status != 412 or attempt == _ATTEMPTS:
            break
    server.expect(answer)
    return reference
