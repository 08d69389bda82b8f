"""The invariants of R4 that no single element's definition can express.

Each rule is one function over a node: a decoded struct in the quick pass, or a
`collecting.View` of plain JSON, which answers the same attribute names. An
absent element is None in both. A rule returns True when the node conforms.

Covered: all error-level constraints of the datatypes (without ElementDefinition)
and of the resource types that the gateway maps or writes. Consent ppc-2 to ppc-5
are left out: R4 4.0.1 publishes them with the placeholder system `something`, so
they never apply. Constraints on `contained` and on references stand in `validation`.
The module is long because it is one list of short rules.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec

__all__ = ["RULES", "Rule", "is_present", "resource_head"]

UCUM = "http://unitsofmeasure.org"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"

Test = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """One invariant of one struct.

    It holds in any case where the element that `when` names is absent, or the one that
    `unless` names is there: the quick pass spares itself the call.
    """

    key: str
    message: str
    holds: Test
    when: str = ""
    unless: str = ""


RULES: dict[str, list[Rule]] = {}
"""The rules of each struct, by its name."""


def _rule(
    structs: str, key: str, message: str, when: str = "", unless: str = ""
) -> Callable[[Test], Test]:
    def register(test: Test) -> Test:
        for struct in structs.split():
            RULES.setdefault(struct, []).append(Rule(key, message, test, when, unless))
        return test

    return register


def is_present(node: Any, choice: str) -> bool:
    """Whether one of the elements of a `value[x]` is there."""
    names = node.choices[choice][1]
    if isinstance(node, msgspec.Struct):
        values = _reader(type(node), names)(node)
        return values.count(None) < len(values)
    return any(
        getattr(node, name) is not None or getattr(node, name + "_ext") is not None
        for name in names.split()
    )


@cache
def _reader(struct: type[msgspec.Struct], names: str) -> Callable[[Any], tuple[Any, ...]]:
    """Return what reads some elements and their siblings at once; two or more of them."""
    listed = names.split()
    siblings = [f"{name}_ext" for name in listed if f"{name}_ext" in struct.__struct_fields__]
    return attrgetter(*listed, *siblings)


class _HeadMeta(msgspec.Struct, rename="camel"):
    version_id: str | None = None


class _Head(msgspec.Struct, rename="camel"):
    resource_type: str | None = None
    meta: _HeadMeta | None = None


_head = msgspec.json.Decoder(_Head).decode


def resource_head(resource: Any) -> tuple[str | None, str | None]:
    """Return the type and the version of a resource inside another one."""
    if not isinstance(resource, msgspec.Raw):
        return resource.resource_type, None if resource.meta is None else resource.meta.version_id
    try:
        head = _head(resource)
    except (ValueError, RecursionError):  # not JSON, or not UTF-8
        return None, None
    return head.resource_type, None if head.meta is None else head.meta.version_id


# Datatypes


@_rule(
    "Quantity Age Count Distance Duration",
    "qty-3",
    "a unit code needs its system",
    "code",
    unless="system",
)
def _(q: Any) -> bool:
    return q.code is None or q.system is not None


@_rule("Age", "age-1", "a positive value with a UCUM code of time is needed")
def _(q: Any) -> bool:
    return (
        (q.code is not None or q.value is None)
        and q.system in (None, UCUM)
        and (q.value is None or q.value > 0)
    )


@_rule("Distance", "dis-1", "a value with a UCUM code of length is needed")
def _(q: Any) -> bool:
    return (q.code is not None or q.value is None) and q.system in (None, UCUM)


@_rule("Duration", "drt-1", "a unit code of time needs a value and the UCUM system", "code")
def _(q: Any) -> bool:
    return q.code is None or (q.system == UCUM and q.value is not None)


@_rule("Count", "cnt-3", "a whole number with the UCUM code 1 is needed")
def _(q: Any) -> bool:
    return (
        (q.code is not None or q.value is None)
        and q.system in (None, UCUM)
        and q.code in (None, "1")
        and (q.value is None or "." not in str(q.value))
    )


@_rule("Period", "per-1", "start lies after end", "end")
def _(p: Any) -> bool:
    return p.start is None or p.end is None or _in_order(p.start, p.end)


def _in_order(start: str, end: str) -> bool:
    """Compare two FHIR dateTimes; of unlike precision, as far as both go."""
    if len(start) > 10 and len(end) > 10:
        try:
            return datetime.fromisoformat(start) <= datetime.fromisoformat(end)
        except ValueError:  # a leap second, or a malformed date that is reported as such
            return start[:17] <= end[:17]
    shared = min(len(start), len(end), 10)
    return start[:shared] <= end[:shared]


@_rule("Range", "rng-2", "low is higher than high", "high")
def _(r: Any) -> bool:
    low, high = r.low, r.high
    if low is None or high is None or low.value is None or high.value is None:
        return True
    if (low.system, low.code, low.unit) != (high.system, high.code, high.unit):
        return True
    return bool(Decimal(low.value) <= Decimal(high.value))


@_rule("Ratio", "rat-1", "numerator and denominator are needed together")
def _(r: Any) -> bool:
    if r.numerator is None:
        return r.denominator is None and r.extension is not None
    return r.denominator is not None


@_rule("ContactPoint", "cpt-2", "a value needs a system", "value", unless="system")
def _(c: Any) -> bool:
    return c.value is None or c.system is not None or c.system_ext is not None


@_rule("Attachment", "att-1", "data need a contentType", "data", unless="content_type")
def _(a: Any) -> bool:
    return a.data is None or a.content_type is not None or a.content_type_ext is not None


@_rule("Extension", "ext-1", "either a value or nested extensions, not both, not neither")
def _(e: Any) -> bool:
    return (e.extension is not None) != is_present(e, "value")


@_rule("Expression", "exp-1", "an expression or a reference is needed", unless="expression")
def _(e: Any) -> bool:
    return e.expression is not None or e.reference is not None


@_rule("DataRequirementCodeFilter", "drq-1", "either a path or a searchParam, not both")
@_rule("DataRequirementDateFilter", "drq-2", "either a path or a searchParam, not both")
def _(f: Any) -> bool:
    return (f.path is not None) != (f.search_param is not None)


@_rule("TriggerDefinition", "trd-1", "either timing or data, not both")
def _(t: Any) -> bool:
    return t.data is None or not is_present(t, "timing")


@_rule("TriggerDefinition", "trd-2", "a condition needs data", "condition")
def _(t: Any) -> bool:
    return t.condition is None or t.data is not None


@_rule("TriggerDefinition", "trd-3", "the type asks for a name, a timing or data")
def _(t: Any) -> bool:
    if t.type == "named-event":
        return t.name is not None
    if t.type == "periodic":
        return is_present(t, "timing")
    return t.type is None or not t.type.startswith("data-") or t.data is not None


@_rule("TimingRepeat", "tim-1", "a duration needs its unit", "duration")
def _(r: Any) -> bool:
    return r.duration is None or r.duration_unit is not None


@_rule("TimingRepeat", "tim-2", "a period needs its unit", "period")
def _(r: Any) -> bool:
    return r.period is None or r.period_unit is not None


@_rule("TimingRepeat", "tim-4", "a duration is not negative", "duration")
def _(r: Any) -> bool:
    return r.duration is None or r.duration >= 0


@_rule("TimingRepeat", "tim-5", "a period is not negative", "period")
def _(r: Any) -> bool:
    return r.period is None or r.period >= 0


@_rule("TimingRepeat", "tim-6", "periodMax needs a period", "period_max")
def _(r: Any) -> bool:
    return r.period_max is None or r.period is not None


@_rule("TimingRepeat", "tim-7", "durationMax needs a duration", "duration_max")
def _(r: Any) -> bool:
    return r.duration_max is None or r.duration is not None


@_rule("TimingRepeat", "tim-8", "countMax needs a count", "count_max")
def _(r: Any) -> bool:
    return r.count_max is None or r.count is not None


@_rule("TimingRepeat", "tim-9", "an offset needs a when other than C, CM, CD, CV", "offset")
def _(r: Any) -> bool:
    if r.offset is None:
        return True
    return r.when is not None and not {"C", "CM", "CD", "CV"}.intersection(r.when)


@_rule("TimingRepeat", "tim-10", "either timeOfDay or when, not both", "time_of_day")
def _(r: Any) -> bool:
    return r.time_of_day is None or r.when is None


# Resources


@_rule("PatientContact", "pat-1", "contact details or an organization are needed", unless="name")
def _(c: Any) -> bool:
    return any(x is not None for x in (c.name, c.telecom, c.address, c.organization))


@_rule("Observation", "obs-6", "dataAbsentReason stands beside a value", "data_absent_reason")
def _(o: Any) -> bool:
    return o.data_absent_reason is None or not is_present(o, "value")


@_rule(
    "Observation",
    "obs-7",
    "a component has the code of the Observation, which has a value too",
    "component",
)
def _(o: Any) -> bool:
    if o.component is None or o.code is None or not o.code.coding or not is_present(o, "value"):
        return True
    return not any(
        coding in o.code.coding
        for component in o.component
        if component.code is not None
        for coding in component.code.coding or ()
    )


@_rule("ObservationReferenceRange", "obs-3", "low, high or text is needed", unless="low")
def _(r: Any) -> bool:
    return any(x is not None for x in (r.low, r.high, r.text, r.text_ext))


def _has_code(concept: Any, system: str, codes: set[str]) -> bool:
    return concept is not None and any(
        coding.system == system and coding.code in codes for coding in concept.coding or ()
    )


@_rule("Condition", "con-4", "abated needs a clinicalStatus of inactive, resolved or remission")
def _(c: Any) -> bool:
    return not is_present(c, "abatement") or _has_code(
        c.clinical_status, CLINICAL, {"resolved", "remission", "inactive"}
    )


@_rule("Condition", "con-5", "entered in error has no clinicalStatus", "clinical_status")
def _(c: Any) -> bool:
    return c.clinical_status is None or not _has_code(
        c.verification_status, VERIFICATION, {"entered-in-error"}
    )


@_rule("ConditionStage", "con-1", "a summary or an assessment is needed", unless="summary")
def _(s: Any) -> bool:
    return s.summary is not None or s.assessment is not None


@_rule("ConditionEvidence", "con-2", "a code or a detail is needed", unless="code")
def _(e: Any) -> bool:
    return e.code is not None or e.detail is not None


@_rule("MedicationAdministrationDosage", "mad-1", "a dose or a rate is needed", unless="dose")
def _(d: Any) -> bool:
    return d.dose is not None or is_present(d, "rate")


@_rule("ServiceRequest", "prr-1", "orderDetail needs a code", "order_detail", unless="code")
def _(s: Any) -> bool:
    return s.order_detail is None or s.code is not None


@_rule("Consent", "ppc-1", "a policy or a policyRule is needed", unless="policy")
def _(c: Any) -> bool:
    return c.policy is not None or c.policy_rule is not None


@_rule(
    "QuestionnaireResponseItem",
    "qrs-1",
    "items lie beneath the item or its answers, not both",
    "answer",
)
def _(i: Any) -> bool:
    return i.answer is None or i.item is None


@_rule("FamilyMemberHistory", "fhs-1", "either age or born, not both")
def _(f: Any) -> bool:
    return not (is_present(f, "age") and is_present(f, "born"))


@_rule("FamilyMemberHistory", "fhs-2", "estimatedAge needs an age", "estimated_age")
def _(f: Any) -> bool:
    return f.estimated_age is None or is_present(f, "age")


@_rule("Organization", "org-1", "a name or an identifier is needed", unless="name")
def _(o: Any) -> bool:
    return o.name is not None or o.identifier is not None


@_rule("Organization", "org-2", "an organization has no home address", "address")
def _(o: Any) -> bool:
    return all(address.use != "home" for address in o.address or ())


@_rule("Organization", "org-3", "an organization has no home telecom", "telecom")
def _(o: Any) -> bool:
    return all(telecom.use != "home" for telecom in o.telecom or ())


@_rule("MeasureReport", "mrp-1", "data collection carries no groups")
def _(m: Any) -> bool:
    return m.type != "data-collection" or m.group is None


@_rule("MeasureReportGroupStratifierStratum", "mrp-2", "either a value or components, not both")
def _(s: Any) -> bool:
    return (s.value is not None) != (s.component is not None)


# Bundle

_REQUESTS = {"batch", "transaction", "history"}
_RESPONSES = {"batch-response", "transaction-response", "history"}


@_rule("Bundle", "bdl-1", "only a searchset or a history has a total", "total")
def _(b: Any) -> bool:
    return b.total is None or b.type in ("searchset", "history")


@_rule("Bundle", "bdl-2", "only a searchset has entry.search")
def _(b: Any) -> bool:
    return b.type == "searchset" or all(e.search is None for e in b.entry or ())


@_rule("Bundle", "bdl-3", "entry.request is needed in a batch, transaction or history, only there")
def _(b: Any) -> bool:
    return all((e.request is not None) == (b.type in _REQUESTS) for e in b.entry or ())


@_rule("Bundle", "bdl-4", "entry.response is needed in a response or history, only there")
def _(b: Any) -> bool:
    return all((e.response is not None) == (b.type in _RESPONSES) for e in b.entry or ())


@_rule("Bundle", "bdl-7", "two entries have the same fullUrl and version")
def _(b: Any) -> bool:
    if b.type == "history":
        return True
    urls = [
        (e.full_url, e.resource is not None and resource_head(e.resource)[1])
        for e in b.entry or ()
        if e.full_url is not None
    ]
    return len(urls) == len(set(urls))


@_rule("Bundle", "bdl-9", "a document needs an identifier with system and value")
def _(b: Any) -> bool:
    return b.type != "document" or (
        b.identifier is not None
        and b.identifier.system is not None
        and b.identifier.value is not None
    )


@_rule("Bundle", "bdl-10", "a document needs a timestamp")
def _(b: Any) -> bool:
    return b.type != "document" or b.timestamp is not None


@_rule("Bundle", "bdl-11", "a document starts with a Composition")
def _(b: Any) -> bool:
    return b.type != "document" or _first_type(b) == "Composition"


@_rule("Bundle", "bdl-12", "a message starts with a MessageHeader")
def _(b: Any) -> bool:
    return b.type != "message" or _first_type(b) == "MessageHeader"


def _first_type(bundle: Any) -> str | None:
    first = bundle.entry[0].resource if bundle.entry else None
    return None if first is None else resource_head(first)[0]


@_rule("BundleEntry", "bdl-5", "a resource, a request or a response is needed", unless="resource")
def _(e: Any) -> bool:
    return any(x is not None for x in (e.resource, e.request, e.response))


@_rule("BundleEntry", "bdl-8", "fullUrl names a version", "full_url")
def _(e: Any) -> bool:
    return e.full_url is None or "/_history/" not in e.full_url
