from datetime import UTC, datetime

from aclf_fhir.publication.bundle import BundleEntry, bundle_bytes

STORED = b'{ "resourceType":"Patient", "id":"1", "x":1.20 }'


def test_a_searchset_holds_the_stored_bytes() -> None:
    entry = BundleEntry(full_url="http://a/Patient/1", resource=STORED, mode="match")
    assert (
        bundle_bytes("searchset", [entry], [("self", "http://a?é")], 1)
        == (
            '{"resourceType":"Bundle","type":"searchset","total":1,'
            '"link":[{"relation":"self","url":"http://a?é"}],'
            '"entry":[{"fullUrl":"http://a/Patient/1","resource":'
            '{ "resourceType":"Patient", "id":"1", "x":1.20 },"search":{"mode":"match"}}]}'
        ).encode()
    )


def test_a_search_without_hits_counts_none() -> None:
    assert bundle_bytes("searchset", [], total=0) == (
        b'{"resourceType":"Bundle","type":"searchset","total":0}'
    )


def test_a_response_says_how_each_entry_ended() -> None:
    entry = BundleEntry(
        status="201 Created",
        location="Patient/1/_history/1",
        etag='W/"1"',
        last_modified=datetime(2024, 3, 9, 8, tzinfo=UTC),
        outcome=b'{"resourceType":"OperationOutcome"}',
    )
    assert bundle_bytes("batch-response", [entry]) == (
        b'{"resourceType":"Bundle","type":"batch-response","entry":[{"response":'
        b'{"status":"201 Created","location":"Patient/1/_history/1","etag":"W/\\"1\\"",'
        b'"lastModified":"2024-03-09T08:00:00.000Z",'
        b'"outcome":{"resourceType":"OperationOutcome"}}}]}'
    )


def test_a_history_says_which_request_made_each_version() -> None:
    entry = BundleEntry(method="DELETE", url="Patient/1", status="204 No Content")
    assert bundle_bytes("history", [entry]) == (
        b'{"resourceType":"Bundle","type":"history","entry":[{'
        b'"request":{"method":"DELETE","url":"Patient/1"},'
        b'"response":{"status":"204 No Content"}}]}'
    )
