"""Conversions as a laboratory sends them, through the engine that `verify` uses."""

from aclf_fhir.catalog import load_catalog
from aclf_fhir.workflows.verify import verify_cases
from tools.spec_cases import conversion_cases


def test_conversions() -> None:
    cases = list(conversion_cases())
    assert len({case["id"] for case in cases}) == len(cases)
    report = verify_cases({"cases": cases}, catalog=load_catalog())
    assert report.is_clean, "\n".join(report.lines)
