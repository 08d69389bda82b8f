"""The rules of protocols that carry a case id, through the criterion that screens patients."""

from aclf_fhir.catalog import load_catalog
from aclf_fhir.workflows.verify import verify_cases
from tools.spec_cases import criterion_cases


def test_cases() -> None:
    cases = list(criterion_cases())
    assert cases
    assert len({str(case["id"]) for case in cases}) == len(cases)
    report = verify_cases({"cases": cases}, catalog=load_catalog())
    assert report.is_clean, "\n".join(report.lines)
