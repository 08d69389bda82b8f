"""What a code asks for is looked up once per site and kept, within a bound."""

from aclf_fhir.codes import LOINC, Coding
from aclf_fhir.mapping import questions
from aclf_fhir.mapping.questions import Question, read_question
from aclf_fhir.mapping.units_read import Problem
from tests.unit.mapping.worlds import BILIRUBIN, MEAN, context

CODED = (Coding(LOINC, "1975-2"), Coding("urn:invented:lis", "TBIL"))


def test_a_question_is_kept_with_the_codings_as_evidence():
    given = context()
    first = read_question(CODED, given)
    assert isinstance(first, Question)
    assert first.analyte is BILIRUBIN
    assert first.codes == ("http://loinc.org|1975-2", "urn:invented:lis|TBIL")
    assert read_question(CODED, given) is first


def test_unknown_and_contradicting_codes_are_kept_as_such():
    given = context()
    unknown, contradicting = CODED[1:], (CODED[0], MEAN.codes[0].coding)
    for _ in range(2):
        assert read_question(unknown, given) is None
        assert isinstance(read_question(contradicting, given), Problem)


def test_contexts_of_different_sites_share_nothing():
    given, other = context(), context(analytes_by_code={})
    assert read_question(CODED, given) is not None
    assert read_question(CODED, other) is None


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr(questions, "_KEPT", 1)
    given = context()
    for codings in (CODED, CODED[1:], CODED[:1]):
        assert read_question(codings, given) == read_question(codings, context())
    assert list(given.questions) == [CODED]
