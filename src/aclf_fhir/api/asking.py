"""What a request asks for beyond its path: media types, preferences, a body within limits."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, cast
from urllib.parse import parse_qsl, urlencode

from fastapi import Request

from aclf_fhir.errors import AclfError, Category, Issue

__all__ = [
    "CURSOR",
    "Preferences",
    "acceptable",
    "asked",
    "base_url",
    "body_of",
    "form_of",
    "page_links",
    "preferences",
    "wants_fhir",
]

CURSOR = "_cursor"
"""Parameter of paging links; opaque to clients."""

_JSON = frozenset({"application/fhir+json", "application/json", "text/json"})
_WIDE = frozenset({"*/*", "application/*", "text/*"})
_FORMATS = _JSON | {"json", "application/fhir json"}
_SVG = "image/svg+xml"
_FORM = "application/x-www-form-urlencoded"
Wish = Literal["", "minimal", "representation", "OperationOutcome"]

_RETURNS = frozenset({"minimal", "representation", "OperationOutcome"})


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the `Prefer` header asks for; "" where it asks for nothing."""

    returns: Wish = ""
    lenient: bool = False


def preferences(request: Request) -> Preferences:
    """Read `Prefer`; what R4 does not define is ignored, as RFC 7240 says."""
    returns, lenient = "", False
    for header in request.headers.getlist("prefer"):
        for wish in header.replace(";", ",").split(","):
            name, _, value = wish.strip().partition("=")
            value = value.strip().strip('"')
            if name.strip() == "return" and value in _RETURNS:
                returns = value
            elif name.strip() == "handling":
                lenient = value == "lenient"
    return Preferences(cast("Wish", returns), lenient)


def acceptable(request: Request) -> None:
    """Refuse a request for anything but FHIR JSON (R4 http.html#mime-type).

    `_format` overrules `Accept`.

    Raises
    ------
    AclfError
        `not_acceptable` (406).
    """
    wanted = request.query_params.get("_format")
    if wanted is not None:
        if wanted.partition(";")[0].strip() not in _FORMATS:
            raise _not_acceptable("http._format", 406)
        return
    accept = request.headers.get("accept")
    if accept and not any(_serves(choice) for choice in accept.split(",")):
        raise _not_acceptable("http.Accept", 406)


def wants_fhir(request: Request) -> bool:
    """Say whether a picture is asked for as a FHIR resource; as SVG if nothing is said.

    Raises
    ------
    AclfError
        `not_acceptable` (406) if neither is asked for.
    """
    wanted = request.query_params.get("_format", "").replace("svg xml", "svg+xml")
    accept = wanted or request.headers.get("accept") or _SVG
    kinds = [choice.partition(";")[0].strip().lower() for choice in accept.split(",")]
    if any(kind in {_SVG, "image/*", "*/*"} for kind in kinds):
        return False
    acceptable(request)
    return True


def _serves(choice: str) -> bool:
    kind, *parameters = (part.strip().lower() for part in choice.split(";"))
    if kind not in _JSON and kind not in _WIDE:
        return False
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "q" and not value.strip("0."):
            return False
        if name == "fhirversion" and value.strip('"') not in {"4.0", "4.0.1"}:
            return False
    return True


async def body_of(request: Request, *, form: bool = False) -> bytes:
    """Read the body, giving up as soon as it is longer than allowed.

    Parameters
    ----------
    form
        Whether a form is expected, and not FHIR JSON.

    Raises
    ------
    AclfError
        `not_acceptable` (415), `too_large` (413).
    """
    _check_content(request, form=form)
    limit: int = request.app.state.settings.max_body_bytes
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    length = 0
    async for chunk in request.stream():
        length += len(chunk)
        if length > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


async def form_of(request: Request) -> list[tuple[str, str]]:
    """Read the parameters of a form.

    Raises
    ------
    AclfError
        As `body_of`; `invalid` if it is not UTF-8.
    """
    body = await body_of(request, form=True)
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict")
    except ValueError:
        raise AclfError(
            Issue(Category.INVALID, "", "The form is not UTF-8.", "Send UTF-8.", unparsable=True)
        ) from None


def _check_content(request: Request, *, form: bool) -> None:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        raise _not_acceptable("http.Content-Encoding", 415)
    sent = request.headers.get("content-type")
    if sent is None:
        return
    kind, *parameters = (part.strip().lower() for part in sent.split(";"))
    if kind not in ({_FORM} if form else _JSON):
        raise _not_acceptable("http.Content-Type", 415)
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        value = value.strip('"')
        if (name == "charset" and value not in {"utf-8", "utf8"}) or (
            name == "fhirversion" and value not in {"4.0", "4.0.1"}
        ):
            raise _not_acceptable("http.Content-Type", 415)


def _not_acceptable(location: str, status: int) -> AclfError:
    if location == "http.Content-Encoding":
        remedy = "Send the body as it is."
    else:
        remedy = "Use application/fhir+json in UTF-8, FHIR 4.0; XML is not supported."
    message = "names a format that this server does not speak"
    return AclfError(Issue(Category.NOT_ACCEPTABLE, location, message, remedy, http=status))


def _too_large(limit: int) -> AclfError:
    return AclfError.of(
        Category.TOO_LARGE,
        "",
        f"The body is longer than {limit} bytes.",
        "Send it in several smaller Bundles.",
    )


def asked(request: Request) -> list[tuple[str, str]]:
    """Return the parameters of the URL in their order."""
    return list(request.query_params.multi_items())


def base_url(request: Request, path: str = "/fhir") -> str:
    """Return the URL of an endpoint, as the client reached it."""
    return f"{str(request.base_url).rstrip('/')}{path}"


def page_links(
    url: str, parameters: Iterable[tuple[str, str]], next_cursor: str | None
) -> list[tuple[str, str]]:
    """Return the `self` and `next` links of a page."""
    listed = list(parameters)
    links = [("self", _with_query(url, listed))]
    if next_cursor is not None:
        kept = [(name, value) for name, value in listed if name != CURSOR]
        links.append(("next", _with_query(url, [*kept, (CURSOR, next_cursor)])))
    return links


def _with_query(url: str, parameters: list[tuple[str, str]]) -> str:
    return f"{url}?{urlencode(parameters)}" if parameters else url
