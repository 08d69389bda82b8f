"""ResearchSubject: a person moves its status, the machine writes its verdict beside it."""

from typing import TYPE_CHECKING

import msgspec

from aclf_fhir.publication.derived import Derived, derived_id, write
from aclf_fhir.publication.elements import Members, compact, meta, profile_url, reference
from aclf_fhir.publication.trial_content import verdict_extension
from aclf_fhir.trial.life_cycle import MADE
from aclf_fhir.trial.screen import Verdict

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4 import ResearchSubject

__all__ = ["STATUS_REASON", "machine_verdict", "research_subject", "research_subject_id"]

STATUS_REASON = profile_url("status-reason")
"""The extension in which a person says why a subject has its status."""

_VERDICT = profile_url("subject-verdict")

# The members that stand before `extension` in R4.
_BEFORE_EXTENSION = (
    "resourceType",
    "id",
    "meta",
    "implicitRules",
    "language",
    "text",
    "contained",
)

_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


class _Url(msgspec.Struct):
    url: str = ""


_url = msgspec.json.Decoder(_Url).decode
_plain = msgspec.json.Decoder().decode


def research_subject_id(*, site: str, subject: str, trial: str) -> str:
    """Return the id of the one ResearchSubject of a subject in a trial."""
    return derived_id(site, "ResearchSubject", subject, trial)


def machine_verdict(subject: "ResearchSubject") -> str:
    """Return the verdict that stands beside a subject's status, "" if there is none."""
    for said in subject.extension or ():
        for one in said.extension or ():
            if said.url == _VERDICT and one.url == "verdict":
                return one.value_code or ""
    return ""


def research_subject(
    verdict: Verdict,
    *,
    site: str,
    subject: str,
    panel: str,
    subject_reference: str = "",
    current: bytes | None = None,
) -> Derived | None:
    """Write a subject's verdict; create the subject at the first one that is not ineligible.

    Parameters
    ----------
    verdict
        The machine's verdict.
    site, subject
        Whose it is.
    panel
        Reference of the verdict Observation.
    subject_reference
        What `individual` points at, `Patient/{subject}` by default.
    current
        The ResearchSubject as stored, None if there is none yet. Only the verdict in it
        is replaced: every other member keeps its bytes, `status` above all.

    Returns
    -------
    Derived | None
        The new body, or None if there is nothing to write.
    """
    says = verdict_extension(verdict.verdict, verdict.version, verdict.fresh_until, panel)
    if current is not None:
        body = _with_verdict(current, says)
        if body is None:
            return None
        identity = msgspec.json.decode(_members(current)["id"], type=str)
        return Derived("ResearchSubject", identity, body, subject)
    if verdict.verdict == "ineligible":
        return None
    resource = compact(
        resourceType="ResearchSubject",
        id=research_subject_id(site=site, subject=subject, trial=verdict.protocol),
        meta=meta(),
        extension=[says],
        status=MADE,
        study=reference(f"ResearchStudy/{verdict.protocol}"),
        individual=reference(subject_reference or f"Patient/{subject}"),
    )
    return Derived.of(resource, subject=subject)


def _with_verdict(current: bytes, says: Members) -> bytes | None:
    """Replace the verdict and not a byte else; None if it says the same already."""
    members = _members(current)
    others = _items(members["extension"]) if "extension" in members else []
    kept = [other for other in others if _url(other).url != _VERDICT]
    mine = write(says)
    theirs = [_plain(other) for other in others if _url(other).url == _VERDICT]
    if theirs == [_plain(mine)]:
        return None
    before = {name: members.pop(name) for name in _BEFORE_EXTENSION if name in members}
    members.pop("extension", None)
    return write({**before, "extension": [*kept, msgspec.Raw(mine)], **members})
