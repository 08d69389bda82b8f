"""Runs the cases in the YAML files beside it; each reads as a sentence and an example."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from aclf_fhir.catalog import load_catalog
from aclf_fhir.codes import SNOMED, Coding
from aclf_fhir.fhir import parse_resource
from aclf_fhir.mapping import Holding, MappingContext, MappingOutcome, SubjectDates, map_resource
from aclf_fhir.record import Fact
from aclf_fhir.units import Interval, TimeRange

HERE = Path(__file__).parent
KNOWN = datetime(2024, 7, 1, 12, 0, tzinfo=UTC)
"""When the gateway learnt every resource of the cases."""

ATTESTATIONS = frozenset(
    {"he-grade", "ascites-grade", "symptom-burden", "decompensation-onset-date"}
    | {"weight-for-dosing", "listed-for-transplant"}
)


class _Loader(yaml.SafeLoader):
    """Reads numbers as decimals, and dates and `yes` as the text they are."""


def _decimal(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal:
    return Decimal(str(loader.construct_scalar(node)))


_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_encode = msgspec.json.Encoder(decimal_format="number").encode


def _files() -> list[Path]:
    return sorted(HERE.glob("*.yaml"))


def _load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - our own files, read as the catalog reads them
    return content


def _cases() -> Iterator[Any]:
    for path in _files():
        content = _load(path)
        for case in content["cases"]:
            yield pytest.param(content, case, id=f"{path.stem}:{case['id']}")


@lru_cache(maxsize=1)
def _catalog() -> Any:
    return load_catalog(mappings=HERE / "catalog")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


SUBJECTS = {
    "alive": SubjectDates(
        birth=TimeRange(_instant("1970-05-01T00:00:00Z"), _instant("1970-05-01T23:59:59Z"))
    ),
    "dead": SubjectDates(
        birth=TimeRange(_instant("1960-01-01T00:00:00Z"), _instant("1960-12-31T23:59:59Z")),
        death=TimeRange.exact(_instant("2024-06-20T10:00:00Z")),
    ),
    "undated": SubjectDates(),
}


def _context(content: dict[str, Any], site: str, case: dict[str, Any]) -> MappingContext:
    others = content.get("resources", {})

    def resolve(reference: str) -> Any:
        found = others.get(reference)
        return None if found is None else parse_resource(_encode(found))

    context: MappingContext = (
        _catalog()
        .indexes(site)
        .context(
            resource_id="r1",
            version=1,
            known=KNOWN,
            subject_dates=SUBJECTS.get,
            resolve=resolve,
        )
    )
    own = replace(
        context.site,
        decimal_comma=case.get("decimal_comma", False),
        set_aside=frozenset({Coding("urn:invented:ward", "OF-NO-USE")}),
        specimen_codes={
            Coding("urn:invented:lab", "ASC"): Coding(SNOMED, "309201001"),
            Coding("", "Aszites"): Coding(SNOMED, "309201001"),
        },
    )
    return msgspec.structs.replace(
        context,
        site=own,
        attestation_items=ATTESTATIONS,
        trials={**context.trials, "ResearchStudy/nct00000001": "nct00000001"}
        | {"NCT00000001": "nct00000001", "https://study.example/consent": "nct00000001"}
        | {"nct03668171": "nct03668171"}
        | {"https://aclf-fhir.example/fhir/Questionnaire/listed": "nct00000001"},
    )


def _number(value: Decimal | None) -> str:
    return "" if value is None else format(value.normalize(), "f")


def _written(value: Any) -> Any:
    """Write a value the way the cases do."""
    if isinstance(value, Interval):
        if value.is_exact:
            return _number(value.low)
        left = "[" if value.low_closed and value.low is not None else "("
        right = "]" if value.high_closed and value.high is not None else ")"
        return f"{left}{_number(value.low)}, {_number(value.high)}{right}"
    if isinstance(value, TimeRange):
        ends = [end.isoformat().replace("+00:00", "Z") for end in (value.earliest, value.latest)]
        return ends[0] if value.is_exact else "/".join(ends)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [list(item) if isinstance(item, tuple) else item for item in value]
    return value


def _fact(fact: Fact, wanted: dict[str, Any]) -> dict[str, Any]:
    sent = fact.sent
    everything = {
        **{name: _written(getattr(fact, name)) for name in Fact.__struct_fields__},
        "kind": fact.kind.value,
        "status": fact.status.value,
        "source": fact.source.path,
        "sent": None if sent is None else [sent.text, sent.unit, _written(sent.value), sent.ucum],
    }
    return {name: everything[name] for name in wanted}


def _holding(holding: Holding, wanted: dict[str, Any]) -> dict[str, Any]:
    everything = {
        "reason": holding.reason.value,
        "at": holding.location,
        "detail": holding.detail,
    }
    return {name: everything[name] for name in wanted}


def _as_text(value: Any) -> Any:
    """Compare numbers of a case as text."""
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return str(value)
    return value


def _check(outcome: MappingOutcome, expect: dict[str, Any]) -> None:
    assert outcome.disposition.value == expect["disposition"], outcome
    assert outcome.rule == expect.get("rule", ""), outcome
    facts = expect.get("facts", [])
    wanted = [{name: _as_text(value) for name, value in fact.items()} for fact in facts]
    if "facts" in expect or expect["disposition"] == "mapped":
        assert [_fact(*pair) for pair in zip(outcome.facts, wanted, strict=True)] == wanted
    held = expect.get("held", [])
    assert [_holding(*pair) for pair in zip(outcome.holdings, held, strict=True)] == held
    if "waits_for" in expect:
        assert list(outcome.waits_for) == expect["waits_for"]


@pytest.mark.parametrize(("content", "case"), list(_cases()))
def test_case(content: dict[str, Any], case: dict[str, Any]) -> None:
    resource = {**content.get("defaults", {}), **case["resource"]}
    resource = {name: value for name, value in resource.items() if value is not None}
    context = _context(content, case.get("site", "default"), case)
    _check(map_resource(parse_resource(_encode(resource)), context), case["expect"])


def test_ids_are_unique() -> None:
    ids = [case.id for case in _cases()]
    assert len(ids) == len(set(ids))
