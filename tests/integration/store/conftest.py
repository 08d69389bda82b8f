"""An open store on each kind of database."""

from collections.abc import Iterator

import pytest

from aclf_fhir.store import Store


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with Store.open(database_url) as opened:
        yield opened
