"""The account of a push, read from `$intake` of a gateway."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from rich.table import Table

from aclf_fhir.cli.console import results
from aclf_fhir.remote import FhirServer

__all__ = ["Account", "account_of", "print_account"]


@dataclass(slots=True)
class Account:
    """Where every entry of a push ended.

    Parameters
    ----------
    counts
        `total`, `stored`, `duplicate`, `refused`, `mapped`, `not-needed`, `held`, `unsettled`;
        `unread` counts Bundles refused whole.
    rules
        Not needed, by rule.
    held
        Held of this push, by reason and detail; a resource may be held for several.
    refused
        Refused, by type and reason.
    """

    counts: dict[str, int] = field(default_factory=dict)
    rules: dict[str, int] = field(default_factory=dict)
    held: list[tuple[str, str, int]] = field(default_factory=list)
    refused: list[tuple[str, str, int]] = field(default_factory=list)


def account_of(server: FhirServer, push: str) -> Account:
    """Ask a gateway how the entries of a push ended."""
    account = Account()
    for name, value, parts in _parameters(server, f"$intake?push={push}"):
        if name == "rule":
            account.rules[str(parts["rule"])] = int(parts["count"])
        elif name == "holding":
            account.held.append((parts["reason"], parts.get("detail", ""), int(parts["count"])))
        elif name == "reason":
            account.refused.append(
                (parts.get("type", ""), parts.get("detail", ""), int(parts["count"]))
            )
        elif isinstance(value, int):
            account.counts[name] = value
    return account


def print_account(account: Account) -> None:
    """Print an account so that the sums can be checked by eye."""
    counts = account.counts
    table = Table(title="Where every pushed resource ended", show_header=False)
    table.add_column(overflow="fold")
    table.add_column(justify="right")
    table.add_row("pushed", str(counts.get("total", 0)), style="bold")
    table.add_row("  stored", str(counts.get("stored", 0)))
    table.add_row("  duplicate", str(counts.get("duplicate", 0)))
    table.add_row("  refused", str(counts.get("refused", 0)))
    if counts.get("unread"):
        table.add_row("Bundles refused whole", str(counts["unread"]), style="bold")
    for type_, detail, count in account.refused:
        named = f"{type_}: {detail}" if type_ else detail
        table.add_row(f"    {named}", str(count), style="dim")
    table.add_section()
    table.add_row("stored and duplicate were", "", style="bold")
    table.add_row("  mapped", str(counts.get("mapped", 0)))
    table.add_row("  not needed", str(counts.get("not-needed", 0)))
    for rule, count in sorted(account.rules.items(), key=lambda pair: -pair[1]):
        table.add_row(f"    by rule {rule}", str(count), style="dim")
    table.add_row("  held", str(counts.get("held", 0)))
    for reason, detail, count in account.held:
        table.add_row(f"    {reason}{': ' if detail else ''}{detail}", str(count), style="dim")
    if counts.get("unsettled"):
        table.add_row("  neither (deletions)", str(counts["unsettled"]))
    results().print(table, markup=False)


def _parameters(server: FhirServer, path: str) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Yield name, value and parts of each parameter."""
    answer = server.expect(server.request("GET", path))
    for parameter in msgspec.json.decode(answer.body).get("parameter", ()):
        parts = {part["name"]: _value(part) for part in parameter.get("part", ())}
        yield parameter["name"], _value(parameter), parts


def _value(parameter: dict[str, Any]) -> Any:
    return next((value for name, value in parameter.items() if name.startswith("value")), None)
