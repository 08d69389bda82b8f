"""A client of one FHIR R4 server: timeouts, retries, and errors that say what to do."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Literal
from urllib.parse import urlsplit

import msgspec
import requests
from urllib3.exceptions import NewConnectionError

from aclf_fhir.errors import AclfError, Category, Issue

__all__ = ["Answer", "FhirServer", "RetryPolicy", "issues_of"]

_BUSY = frozenset({429, 502, 503, 504})
_FAILED = frozenset({500})
"""Where it may do no harm, what failed once is written again, too; a read is not."""
_NOT_STARTED = frozenset({429, 503})
"""Answers after which nothing was done: even a create may be sent again."""

_CATEGORIES = {
    401: Category.UNAUTHENTICATED,
    403: Category.FORBIDDEN,
    404: Category.NOT_FOUND,
    405: Category.NOT_ACCEPTABLE,
    406: Category.NOT_ACCEPTABLE,
    409: Category.CONFLICT,
    410: Category.GONE,
    412: Category.PRECONDITION,
    413: Category.TOO_LARGE,
    415: Category.NOT_ACCEPTABLE,
    429: Category.TOO_MANY,
}

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long a busy server is asked again.

    Parameters
    ----------
    attempts
        Requests in all, the first one included.
    first_s, longest_s
        The pause doubles from the first to the longest, each with jitter: half of it
        is certain, half by chance, so that many senders do not come back together.
    patience_s
        The longest `Retry-After` that is waited for.
    """

    attempts: int = 8
    first_s: float = 0.5
    longest_s: float = 30.0
    patience_s: float = 300.0

    def pause_s(self, attempt: int, chance: float) -> float:
        """Return the pause after the attempt of this number, counted from 1."""
        longest: float = min(self.longest_s, self.first_s * 2.0 ** (attempt - 1))
        return longest * (0.5 + chance / 2)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether it is a success."""
        return 200 <= self.status < 300


class _OutcomeIssue(msgspec.Struct):
    severity: str = ""
    code: str = ""
    diagnostics: str = ""
    details: dict[str, msgspec.Raw] = {}
    expression: list[str] = []


class _Outcome(msgspec.Struct, rename="camel"):
    resource_type: str = ""
    issue: list[_OutcomeIssue] = []


_outcome = msgspec.json.Decoder(_Outcome).decode


def issues_of(body: bytes) -> list[str]:
    """Return the texts of an OperationOutcome; none if the body is no such resource."""
    try:
        outcome = _outcome(body)
    except msgspec.DecodeError:
        return []
    if outcome.resource_type != "OperationOutcome":
        return []
    return [issue.diagnostics or _text(issue) or issue.code for issue in outcome.issue]


def _text(issue: _OutcomeIssue) -> str:
    raw = issue.details.get("text")
    try:
        return msgspec.json.decode(raw, type=str) if raw is not None else ""
    except msgspec.DecodeError:
        return ""


@dataclass(slots=True)
class FhirServer:
    """One FHIR R4 server, spoken to in JSON.

    Parameters
    ----------
    base
        Its base URL, such as `http://127.0.0.1:8000/fhir`.
    retry
        How long it is asked again when it is busy or away.
    timeouts_s
        For connecting, and for each read.
    sleep, chance
        How to wait, and where the jitter comes from.
    """

    base: str
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    timeouts_s: tuple[float, float] = (10.0, 120.0)
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.SystemRandom().random
    _session: requests.Session = field(default_factory=requests.Session, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.base)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise AclfError.of(
                Category.INVALID,
                "URL",
                "is not the base URL of a FHIR server",
                "Give it as https://HOST/PATH.",
            )
        self.base = self.base.rstrip("/")
        # A proxy of the environment must not see what stays on this machine.
        self._session.trust_env = parts.hostname not in _LOOPBACK

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def request(
        self,
        method: Literal["GET", "POST", "PUT"],
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
    ) -> Answer:
        """Send one request, again while the server is busy or away.

        Parameters
        ----------
        method, path
            The path is relative to the base URL; "" is the base itself.
        body
            FHIR JSON.
        headers
            On top of those every FHIR request carries.
        repeatable
            Whether doing it twice does no harm. If not, it is sent again only after an
            answer or a failure that proves that nothing was done.

        Raises
        ------
        AclfError
            `unavailable`, if the server could not be reached within the attempts.
        """
        url = f"{self.base}/{path}" if path else self.base
        sent = {"Accept": "application/fhir+json", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/fhir+json"
        attempt = 0
        while True:
            attempt += 1
            last = attempt >= self.retry.attempts
            try:
                response = self._session.request(
                    method,
                    url,
                    data=body,
                    headers=sent,
                    timeout=self.timeouts_s,
                    allow_redirects=method == "GET",
                )
            except (requests.ConnectionError, requests.Timeout) as error:
                if last or not (repeatable or _never_arrived(error)):
                    raise _away(error) from error
                self.pause(attempt)
                continue
            except requests.RequestException as error:
                raise _away(error) from error
            again = _NOT_STARTED
            if repeatable:
                again = _BUSY if body is None else _BUSY | _FAILED
            if response.status_code not in again or last:
                return Answer(response.status_code, response.headers, response.content)
            self._wait(attempt, response.headers.get("Retry-After"))

    def pause(self, attempt: int) -> None:
        """Wait as after the attempt of this number, counted from 1."""
        self.sleep(self.retry.pause_s(attempt, self.chance()))

    def expect(self, answer: Answer) -> Answer:
        """Return a success as it is.

        Raises
        ------
        AclfError
            Of the category of its status, with what the server said about it.
        """
        if answer.ok:
            return answer
        said = issues_of(answer.body) or [_phrase(answer.status)]
        category = _CATEGORIES.get(
            answer.status, Category.INVALID if answer.status < 500 else Category.UNAVAILABLE
        )
        raise AclfError.all_of(
            Issue(category, "", f"The server answered {answer.status}: {text}") for text in said
        )

    def _wait(self, attempt: int, retry_after: str | None) -> None:
        wanted = _seconds(retry_after)
        if wanted is not None and wanted > self.retry.patience_s:
            raise AclfError.of(
                Category.UNAVAILABLE,
                "",
                f"The server asks to come back in {wanted:.0f} s.",
                "Run the command again then; it goes on where it stopped.",
            )
        pause = self.retry.pause_s(attempt, self.chance())
        self.sleep(pause if wanted is None else max(wanted, 0.0) + pause * self.chance())


def _seconds(retry_after: str | None) -> float | None:
    """Read `Retry-After`: seconds, or an HTTP date (RFC 9110 §10.2.3)."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    # A date of the server's can only be compared with this machine's clock.
    return (moment - datetime.now(UTC)).total_seconds()  # noqa: TID251 - see above


def _never_arrived(error: requests.RequestException) -> bool:
    """Tell whether a failed request surely did not reach the server."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, NewConnectionError)


def _away(error: requests.RequestException) -> AclfError:
    # The text of a library's error repeats the URL, which may hold an identifier.
    return AclfError.of(
        Category.UNAVAILABLE,
        "",
        f"The server does not answer ({type(error).__name__}).",
        "See that it runs and can be reached, then try again.",
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no reason given"
