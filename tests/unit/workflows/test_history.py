"""Pages of versions, deletions among them."""

from datetime import UTC, datetime, timedelta

from aclf_fhir.store import Stored
from aclf_fhir.workflows.history import Span, history_of

T = datetime(2024, 3, 5, tzinfo=UTC)


def version(number: int, *, deleted: bool = False) -> Stored:
    return Stored(
        site="north",
        type="Patient",
        id="p1",
        version=number,
        last_updated=T + timedelta(hours=number),
        body=b"" if deleted else b'{"resourceType":"Patient"}',
        content_hash=b"",
        deleted=deleted,
        derived=False,
        disposition=None,
        rule="",
        seq=10 * number,
    )


def span(count: int) -> Span:
    return Span(count=count, since=None, before=None)


FOUND = [version(4), version(3, deleted=True), version(2), version(1)]


def test_a_deletion_has_no_body_and_what_follows_it_is_created_anew() -> None:
    page = history_of(FOUND, span(50))
    assert [entry.served is None for entry in page.entries] == [False, True, False, False]
    assert [entry.created for entry in page.entries] == [True, False, False, True]
    assert page.next_cursor is None


def test_the_version_beyond_a_page_says_what_the_last_one_was() -> None:
    page = history_of(FOUND[:2], span(1))
    assert [entry.created for entry in page.entries] == [True]
    assert page.next_cursor == "40"


def test_a_full_page_is_the_last_one_if_nothing_follows() -> None:
    page = history_of(FOUND, span(4))
    assert len(page.entries) == 4
    assert page.next_cursor is None
    assert history_of(FOUND[:1], span(0)).next_cursor is None
