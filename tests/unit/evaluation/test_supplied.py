from dataclasses import replace
from decimal import Decimal

import pytest

from aclf_fhir.evaluation import Choice, Reason, Snapshot, evaluate
from aclf_fhir.evaluation.supplied import choose_supplied
from aclf_fhir.record import Fact, FactStatus
from aclf_fhir.units import Interval
from tests.unit.evaluation.facts import T, found, measured, record, rules

DAY = 24
SITE = replace(
    rules(),
    constants={
        "pt_control": Decimal("12.5"),
        "pt_mean_normal": Decimal(12),
        "isi": Decimal(1),
    },
)


def exact(text: str) -> Interval:
    return Interval.exact(Decimal(text))


def control(*facts: Fact, declared: bool = True) -> Choice:
    known = SITE if declared else rules()
    return choose_supplied(record(*facts), "pt_control", known, at=T, name="pt_control", unit="s")


def test_the_control_of_the_site_and_the_one_sent() -> None:
    assert control().value == exact("12.5")
    assert (control().fact, control().why) == (None, "declared by the site")
    assert control(measured("pt_control", "13 s")).value == exact("13")
    assert control(declared=False).reason is Reason.NO_DATA
    disputed = measured("pt_control", "13 s", status=FactStatus.CONFLICTING)
    assert control(disputed).reason is Reason.CONFLICTING


@pytest.mark.parametrize(("days", "value"), [(89, "13"), (90, "13"), (90.1, "12.5")])
def test_a_control_holds_for_90_days(days: float, value: str) -> None:
    assert control(measured("pt_control", "13 s", days * DAY)).value == exact(value)


def test_scores_of_the_prothrombin_time() -> None:
    time = measured("prothrombin_time", "19.5 s")
    facts = record(time, measured("bilirubin_total", "2.25 mg/dL"))
    maddrey = evaluate(facts, "maddrey_df", SITE).result
    assert maddrey.value == Decimal("34.45")
    assert evaluate(facts, "inr_from_pt", SITE).result.rounded == Decimal("1.63")
    # 100 x 0.4 C / (PT - 0.6 C), C = 12.5
    assert evaluate(facts, "pta_from_pt", SITE).result.rounded == Decimal("41.7")
    assert evaluate(facts, "maddrey_df", rules()).result.missing == ("pt_control",)
    assert evaluate(facts, "inr_from_pt", rules()).result.missing == ("pt_mean_normal", "isi")


def test_what_the_site_declares_is_named_in_the_result() -> None:
    time, bilirubin = measured("prothrombin_time", "19.5 s"), measured("bilirubin_total", "2 mg/dL")
    facts = record(time, bilirubin)
    assert evaluate(facts, "maddrey_df", SITE).result.flags == ("pt_control_of_site",)
    inr = evaluate(facts, "inr_from_pt", SITE)
    assert inr.result.flags == ("isi_of_site", "pt_mean_normal_of_site")
    whys = {choice.input: choice.why for choice in inr.choices if choice.fact is None}
    assert whys == {"isi": "declared by the site", "pt_mean_normal": "declared by the site"}
    pugh = evaluate(facts, "child_pugh_pt", SITE)
    assert "pt_control_of_site" in pugh.result.flags


def test_what_is_sent_comes_before_what_the_site_declares() -> None:
    sent = (measured("pt_mean_normal", "13 s"), measured("isi", "1.2 1"))
    inr = evaluate(record(measured("prothrombin_time", "26 s"), *sent), "inr_from_pt", SITE)
    # 2 ^ 1.2
    assert (inr.result.rounded, inr.result.flags) == (Decimal("2.30"), ())
    assert set(inr.facts) >= set(sent)


def test_prolongation_over_the_control() -> None:
    def prolongation(*facts: Fact, declared: bool = True) -> Choice:
        snapshot = Snapshot(record(*facts), SITE if declared else rules())
        return snapshot.analyte("pt_prolongation", "s", "pt_prolongation")

    time = measured("prothrombin_time", "18.5 s")
    assert prolongation(time).value == exact("6.0")
    assert prolongation(time).fact == time
    sent = measured("pt_control", "12 s")
    assert prolongation(time, sent).facts == (time, sent)
    assert prolongation().concept == "prothrombin_time"
    assert prolongation(time, declared=False).concept == "pt_control"
    low = prolongation(measured("prothrombin_time", "<10 s"), measured("pt_control", ">12 s"))
    assert low.value == Interval(None, Decimal(-2), high_closed=False, low_closed=False)
    high = prolongation(measured("prothrombin_time", ">20 s"), measured("pt_control", "<12 s"))
    assert high.value == Interval(Decimal(8), None, low_closed=False, high_closed=False)


def test_hbv_sofa_is_never_computed() -> None:
    result = evaluate(record(), "cossh_aclf", SITE)
    hbv_sofa = next(choice for choice in result.choices if choice.input == "hbv_sofa")
    assert (hbv_sofa.value, hbv_sofa.reason) == (None, Reason.NO_DATA)


def test_shock_is_a_finding() -> None:
    stated = evaluate(record(found("shock")), "nacseld_aclf", rules())
    assert next(choice for choice in stated.choices if choice.input == "shock").value == {"yes"}
