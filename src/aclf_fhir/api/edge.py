"""The outermost layer: request ids, one log line per request, no fault without a clean answer."""

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aclf_fhir.api.answers import problem
from aclf_fhir.api.logs import event, loggable, places
from aclf_fhir.errors import AclfError, Category
from aclf_fhir.settings import is_loopback

__all__ = ["Edge"]

_NAME = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class Edge:
    """Gives every request an id, logs how it ended, and answers what nobody caught.

    Sets `request_id` and `push` in the scope's state: the name a client gave its push
    (`X-Push-Id`), else the request's own id. Both are echoed.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = Headers(scope=scope)
        request_id = _named(headers.get("x-request-id")) or str(uuid.uuid4())
        push = headers.get("x-push-id")
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        state["push"] = push or request_id
        status = 0

        async def send_with_ids(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                answer = MutableHeaders(scope=message)
                answer["X-Request-Id"] = request_id
                if push and _named(push):
                    answer["X-Push-Id"] = push
                answer["Cache-Control"] = "no-store"
                answer["X-Content-Type-Options"] = "nosniff"
            await send(message)

        try:
            refused = _refused(scope, headers, push)
            if refused is None:
                await self._app(scope, receive, send_with_ids)
            else:
                await problem(refused)(scope, receive, send_with_ids)
        except ClientDisconnect:
            event(logging.INFO, "client-left", request=loggable(request_id))
        # The last place before the server: what arrives here is a fault of ours, and its
        # text may quote a sender, so neither the answer nor the log repeats it.
        except Exception as error:
            event(logging.ERROR, "fault", request=loggable(request_id), error=places(error))
            if not status:
                await problem(_fault())(scope, receive, send_with_ids)
        finally:
            event(
                logging.INFO,
                "request",
                request=loggable(request_id),
                method=scope["method"],
                route=_route(scope),
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )


def _named(text: str | None) -> str | None:
    return text if text and _NAME.fullmatch(text) else None


def _refused(scope: Scope, headers: Headers, push: str | None) -> AclfError | None:
    """Refuse what came in over a network, whatever address the server was bound to.

    A browser on this machine reaches loopback for any page it shows: a page of another site
    says so in `Origin`, and one whose own name was pointed at 127.0.0.1 (DNS rebinding) in
    `Host`. Both have to name loopback where they are sent.
    """
    server = scope.get("server")
    if server and not _is_local(str(server[0])):
        return AclfError.of(
            Category.FORBIDDEN,
            "",
            "This server answers on loopback addresses only.",
            "Reach it through a tunnel until it has access control.",
        )
    for name, text in (("Host", headers.get("host")), ("Origin", headers.get("origin"))):
        if text is not None and not _names_loopback(text):
            return AclfError.of(
                Category.FORBIDDEN,
                f"http.{name}",
                "does not name this machine's loopback interface",
                "Address the server as localhost, 127.0.0.1 or [::1].",
            )
    if push and not _named(push):
        return AclfError.of(
            Category.INVALID,
            "http.X-Push-Id",
            "is not 1 to 128 letters, digits or any of . _ : -",
            "Choose another name for the push.",
        )
    return None


def _is_local(host: str) -> bool:
    """Tell whether a bound address is no other than loopback; a name or a path has none."""
    return is_loopback(host) or not (":" in host or host.replace(".", "").isdigit())


_NAMED_HOST = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://)?([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]*)?", re.I
)


def _names_loopback(text: str) -> bool:
    """Tell whether a Host (`localhost:8000`) or an Origin (`http://localhost`) is loopback."""
    named = _NAMED_HOST.fullmatch(text)
    return named is not None and is_loopback(named[1].lower().removesuffix("."))


def _route(scope: Scope) -> str:
    """Name the route by its template: the path itself may hold an identifier."""
    return getattr(scope.get("route"), "path", "-")


def _fault() -> AclfError:
    return AclfError.of(
        Category.FAULT,
        "",
        "The gateway failed on this request; nothing of it was kept.",
        "Report it with the X-Request-Id of this answer.",
    )
