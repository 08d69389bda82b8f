"""Settings: read once from the environment, then passed down as arguments.

| Variable | Default | What it is |
|---|---|---|
| `ACLF_FHIR_HOST` | `127.0.0.1` | address to bind; loopback only until access control exists |
| `ACLF_FHIR_PORT` | `8000` | port to bind |
| `ACLF_FHIR_DATABASE` | `sqlite:///aclf-fhir.sqlite` | a file here, or a PostgreSQL URL |
| `ACLF_FHIR_SITE` | `default` | whose feed this is: a file of `mappings/sites/` |
| `ACLF_FHIR_AS_OF` | `now` | T of verdicts: `now`, or `last` (each subject's last result) |
| `ACLF_FHIR_MAPPINGS` | – | folder laid over the package's own mappings |
| `ACLF_FHIR_TRIALS` | – | folder laid over the package's own trials |
| `ACLF_FHIR_MAX_BODY_BYTES` | `33554432` | a longer request body is refused with 413 |
| `ACLF_FHIR_MAX_ENTRIES` | `5000` | a Bundle with more entries is refused with 413 |
| `ACLF_FHIR_THREADS` | `64` | requests worked on at the same time |
"""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, Self, cast

from aclf_fhir.errors import AclfError, Category, Issue

__all__ = ["PREFIX", "RELEASED", "Settings", "is_loopback", "software_version"]

PREFIX = "ACLF_FHIR_"
RELEASED = date(2026, 11, 22)
"""Day of this version, the date of its CapabilityStatement."""
_FOR_TESTS = f"{PREFIX}TEST_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this gateway runs; the table above says what each one is."""

    host: str = "127.0.0.1"
    port: int = 8000
    database: str = "sqlite:///aclf-fhir.sqlite"
    site: str = "default"
    as_of: Literal["now", "last"] = "now"
    mappings: Path | None = None
    trials: Path | None = None
    max_body_bytes: int = 32 * 1024 * 1024
    max_entries: int = 5000
    threads: int = 64

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings of an environment; what is not set keeps its default.

        Raises
        ------
        AclfError
            `invalid`, with every variable that cannot be used or that nobody knows.
        """
        issues: list[Issue] = []
        values: dict[str, Any] = {}
        for name in sorted(environment):
            if not name.startswith(PREFIX) or name.startswith(_FOR_TESTS):
                continue
            reader = _READERS.get(name.removeprefix(PREFIX).lower())
            if reader is None:
                known = ", ".join(f"{PREFIX}{key.upper()}" for key in _READERS)
                issues.append(Issue(Category.INVALID, name, "is no setting", f"Known: {known}."))
                continue
            try:
                values[name.removeprefix(PREFIX).lower()] = reader(environment[name])
            except ValueError as error:
                issues.append(Issue(Category.INVALID, name, str(error), "Correct or unset it."))
        if issues:
            raise AclfError.all_of(issues)
        return cls(**values)

    def environment(self) -> dict[str, str]:
        """Return the variables from which `read` makes these settings again."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            f"{PREFIX}{name.upper()}": str(value)
            for name, value in values.items()
            if value is not None
        }

    def check_address(self) -> None:
        """Refuse any address but loopback: nobody is asked who they are yet.

        Raises
        ------
        AclfError
            `forbidden`.
        """
        if not is_loopback(self.host):
            raise AclfError.of(
                Category.FORBIDDEN,
                f"{PREFIX}HOST",
                "The server binds loopback addresses only, as long as it has no access control.",
                "Use 127.0.0.1 or ::1, and a tunnel to reach it from elsewhere.",
            )


def software_version() -> str:
    """Return the version of the installed package."""
    try:
        return version("aclf-fhir")
    except PackageNotFoundError:  # run from a source folder that is not installed
        return "0"


def is_loopback(host: str) -> bool:
    """Tell whether a host to bind is this machine's own loopback interface."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _number(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"is not a whole number from {low} to {high}")
        return int(text)

    return read


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    return text.strip()


def _folder(text: str) -> Path:
    path = Path(_text(text))
    if not path.is_dir():
        raise ValueError("is not a folder")
    return path


def _as_of(text: str) -> Literal["now", "last"]:
    if text not in {"now", "last"}:
        raise ValueError("is neither now nor last")
    return cast("Literal['now', 'last']", text)


_READERS: dict[str, Callable[[str], Any]] = {
    "host": _text,
    "port": _number(0, 65535),
    "database": _text,
    "site": _text,
    "as_of": _as_of,
    "mappings": _folder,
    "trials": _folder,
    "max_body_bytes": _number(1024, 2**31),
    "max_entries": _number(1, 1_000_000),
    "threads": _number(1, 1000),
}
