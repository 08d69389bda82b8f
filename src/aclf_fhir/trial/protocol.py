"""The data of a protocol's file become its frozen models."""

from collections.abc import Callable, Mapping
from typing import Any

from aclf_fhir.errors import AclfError, Category, Issue
from aclf_fhir.trial.combined import AllOf
from aclf_fhir.trial.criteria import Reader
from aclf_fhir.trial.models import (
    Arm,
    Criterion,
    DeathBy,
    Dose,
    Example,
    OutcomeDefinition,
    Protocol,
    Question,
    Remission,
    Role,
    Survival,
)
from aclf_fhir.trial.node import Attestation, Node
from aclf_fhir.trial.person import Consent
from aclf_fhir.trial.situation import Item

__all__ = [
    "Arm",
    "Criterion",
    "DeathBy",
    "Dose",
    "Example",
    "OutcomeDefinition",
    "Protocol",
    "Question",
    "Remission",
    "Survival",
    "build_protocol",
]

Data = Mapping[str, Any]
_YES_NO = {"yes": "Yes", "no": "No", "unknown": "Not known"}


def build_protocol(data: Data, source: str) -> Protocol:
    """Build a protocol from the data of its file.

    Parameters
    ----------
    data
        Valid against `mappings/schemas/trial.schema.json`; numbers are decimals.
    source
        The file, for error messages.

    Returns
    -------
    Protocol
        `AclfError` (invalid) with every problem if the file contradicts itself.
    """
    span = data.get("max_span")
    reader = Reader(source)
    if span is not None:
        reader.max_span = reader.period(span, "max_span").delta
    registered: Data = data["registered"]
    protocol = Protocol(
        id=data["id"],
        version=str(data["version"]),
        effective=str(data["effective"]),
        title=registered["title"],
        short_title=registered["short_title"],
        registry_id=registered["registry_id"],
        sponsor=registered["sponsor"],
        status=registered["status"],
        phase=registered.get("phase", ""),
        identifiers=tuple(registered.get("identifiers", ())),
        sites=tuple(registered.get("sites", ())),
        target=_whole(registered.get("target")),
        enrolled=_whole(registered.get("enrolled")),
        masking=registered.get("masking", ""),
        time_zero=data["time_zero"],
        arms=tuple(Arm(**arm) for arm in data.get("arms", ())),
        schedule=tuple(
            Dose(day_offset=int(dose["day_offset"]), title=dose["title"])
            for dose in data.get("schedule", ())
        ),
        dose=data.get("dose", ""),
        stratification=data.get("stratification", ""),
        scores=tuple(data["scores"]),
        inclusion=_criteria(reader, data, "inclusion"),
        exclusion=_criteria(reader, data, "exclusion"),
        outcomes=tuple(
            _outcome(reader, each, f"outcomes[{index}]")
            for index, each in enumerate(data.get("outcomes", ()))
        ),
        items={each["code"]: _item(reader, each) for each in data["items"]},
        questions={each["id"]: Question(**each) for each in data.get("questions", ())},
        examples=_examples(reader, data.get("examples", ())),
    )
    problems = _problems(protocol)
    if problems:
        raise AclfError.all_of(
            Issue(Category.INVALID, f"{source}: {where}", what) for where, what in problems
        )
    return protocol


def _whole(value: object) -> int | None:
    return None if value is None else int(str(value))


def _criteria(reader: Reader, data: Data, role: Role) -> tuple[Criterion, ...]:
    found: list[Criterion] = []
    for index, each in enumerate(data[role]):
        where = f"{role}[{index}]"
        applies = each.get("applies_to")
        found.append(
            Criterion(
                id=each["id"],
                role=role,
                text=each["text"],
                source=each["source"],
                node=reader.node(each, where),
                reading=each.get("reading", ""),
                questions=tuple(each.get("questions", ())),
                decided_by=each["decided_by"],
                applies_to=None if applies is None else reader.node(applies, f"{where}.applies_to"),
            )
        )
    return tuple(found)


def _item(reader: Reader, data: Data) -> Item:
    answers: Mapping[str, str] = data.get("answers", {})
    if data["type"] == "yes-no":
        answers = _YES_NO
    valid = reader.period(data["valid"], f"items.{data['code']}.valid").delta
    return Item(
        code=data["code"],
        text=data["text"],
        type=data["type"],
        answers=answers,
        low=_whole(data.get("low")),
        high=_whole(data.get("high")),
        unit=data.get("unit", ""),
        valid=valid,
        supplier=data.get("supplier", "investigator"),
        named=data.get("named", "") == "yes",
        of_signing=data.get("of_signing", "") == "yes",
    )


def _death_by(_: Reader, data: Data, where: str, common: Data) -> OutcomeDefinition:
    del data, where
    return DeathBy(**common)


def _survival(reader: Reader, data: Data, where: str, common: Data) -> OutcomeDefinition:
    calendar = data.get("calendar")
    period = None if calendar is None else reader.period(calendar, f"{where}.calendar")
    return Survival(calendar=period, **common)


def _remission(reader: Reader, data: Data, where: str, common: Data) -> OutcomeDefinition:
    node = reader.node(data["criteria"], f"{where}.criteria")
    return Remission(tolerance=int(data["tolerance"]), node=node, **common)


_OUTCOMES: dict[str, Callable[[Reader, Data, str, Data], OutcomeDefinition]] = {
    "death": _death_by,
    "survival": _survival,
    "remission": _remission,
}


def _outcome(reader: Reader, data: Data, where: str) -> OutcomeDefinition:
    (kind,) = (key for key in data if key in _OUTCOMES)
    common = {
        "id": data["id"],
        "title": data["title"],
        "text": data["text"],
        "source": data["source"],
        "day": int(data[kind]["day"]),
        "primary": data.get("primary", "") == "yes",
        "reading": data.get("reading", ""),
        "questions": tuple(data.get("questions", ())),
    }
    return _OUTCOMES[kind](reader, data[kind], f"{where}.{kind}", common)


def _examples(reader: Reader, data: list[Data]) -> tuple[Example, ...]:
    """Read the examples; one that is `like` another states only what differs."""
    found: dict[str, Example] = {}
    for each in data:
        facts: dict[str, dict[str, object]] = {}
        if "like" in each:
            if each["like"] not in found:
                raise reader.wrong(f"examples.{each['id']}.like", "no earlier example of that name")
            facts = {kind: dict(part) for kind, part in found[each["like"]].facts.items()}
        for kind, part in each.get("facts", {}).items():
            facts.setdefault(kind, {}).update(part)
        for path in each.get("without", ()):
            kind, _, name = path.partition(".")
            if facts.get(kind, {}).pop(name, None) is None:
                raise reader.wrong(f"examples.{each['id']}.without", f"nothing called {path}")
        found[each["id"]] = Example(
            id=each["id"],
            verdict=each["verdict"],
            because=tuple(each.get("because", ())),
            facts=facts,
            note=each.get("note", ""),
        )
    return tuple(found.values())


def _problems(protocol: Protocol) -> list[tuple[str, str]]:
    """Say where a protocol contradicts itself."""
    found: list[tuple[str, str]] = []
    ids = [criterion.id for criterion in protocol.criteria]
    found += [(id_, "two criteria have this id") for id_ in ids if ids.count(id_) > 1]
    for criterion in protocol.criteria:
        found += [
            (criterion.id, f"there is no question {question}")
            for question in criterion.questions
            if question not in protocol.questions
        ]
        for node in criterion.nodes():
            found += _attestation_problems(protocol, criterion.id, node)
    for outcome in protocol.outcomes:
        nodes = outcome.node.walk() if isinstance(outcome, Remission) else ()
        for node in nodes:
            found += _attestation_problems(protocol, outcome.id, node)
    if not any(_requires_consent(criterion.node) for criterion in protocol.inclusion):
        found.append(("inclusion", "no inclusion criterion requires an active Consent"))
    names = set(ids)
    found += [
        (f"examples.{example.id}", f"there is no criterion {id_}")
        for example in protocol.examples
        for id_ in example.because
        if id_ not in names
    ]
    return found


def _requires_consent(node: Node) -> bool:
    """Say whether a node cannot be met without an active Consent."""
    if node.ask:
        return False
    if isinstance(node, AllOf):
        return any(_requires_consent(child) for child in node.nodes)
    return isinstance(node, Consent) and node.status == "active"


def _attestation_problems(protocol: Protocol, where: str, node: Node) -> list[tuple[str, str]]:
    if not isinstance(node, Attestation):
        return []
    item = protocol.items.get(node.item)
    if item is None:
        return [(where, f"there is no attestation item {node.item}")]
    unknown = (node.met | node.not_met) - set(item.answers)
    both = node.met & node.not_met
    return [
        *((where, f"{node.item} has no answer {code}") for code in sorted(unknown)),
        *((where, f"{node.item}: {code} decides both ways") for code in sorted(both)),
    ]
