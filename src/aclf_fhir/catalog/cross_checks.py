"""Checks that need more than one entry: one coding stands for one thing."""

from collections.abc import Mapping

from aclf_fhir.catalog.issues import Findings
from aclf_fhir.codes import Coding
from aclf_fhir.mapping.models import Analyte, GradeScale

__all__ = ["cross_check"]


def cross_check(
    analytes: Mapping[str, Analyte],
    scales: Mapping[str, GradeScale],
    places: Mapping[str, str],
    findings: Findings,
) -> None:
    """Note every coding that stands for two things.

    A look-alike may be shared by several analytes (aPTT is neither INR nor PT), but
    never is the code of one. `places` names the file of `analytes.ID` and `scales.ID`.
    """
    owners: dict[Coding, str] = {}
    for kind, members in (("analytes", analytes), ("scales", scales)):
        for entry in members.values():
            for code in entry.codes:
                path = f"{kind}.{entry.id}.codes"
                owner = owners.setdefault(code.coding, path)
                if owner != path:
                    findings.add(
                        places[f"{kind}.{entry.id}"],
                        path,
                        f"{code.coding} already stands in {owner}",
                        "expected one entry per code; take it out of one of the two",
                    )
    for analyte in analytes.values():
        for coding in analyte.look_alikes:
            if owners.get(coding) == f"analytes.{analyte.id}.codes":
                findings.add(
                    places[f"analytes.{analyte.id}"],
                    f"analytes.{analyte.id}.not_this",
                    f"{coding} is also a code of it",
                )
