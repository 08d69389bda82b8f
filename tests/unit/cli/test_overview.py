import pytest

from aclf_fhir.cli.overview import Row, print_overview


def test_a_verdict_that_a_start_on_study_fixed_names_its_day(
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = Row(
        "p",
        verdicts={"nct1": "eligible", "nct2": "ineligible"},
        statuses={"nct1": "on-study", "nct2": "potential-candidate"},
        frozen={"nct1": "2024-03-05"},
    )
    print_overview([row])
    out = capsys.readouterr().out
    assert out.count("on 2024-03-05") == 1
    assert "on-study" in out
    assert "potential-candidate" not in out
