"""The exception handlers: whatever goes wrong leaves as an OperationOutcome."""

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from aclf_fhir.api.answers import problem
from aclf_fhir.errors import AclfError, Category, Issue

__all__ = ["install"]

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

_BY_STATUS = {
    400: (Category.INVALID, "The request cannot be read."),
    404: (Category.NOT_FOUND, "There is nothing under this URL."),
    405: (Category.NOT_ACCEPTABLE, "This method is not supported under this URL."),
}


def install(app: FastAPI) -> None:
    """Give an application the handlers."""
    app.add_exception_handler(AclfError, _typed)
    app.add_exception_handler(HTTPException, _of_framework)
    app.add_exception_handler(RequestValidationError, _of_validation)


async def _typed(_request: Request, error: Exception) -> Response:
    if not isinstance(error, AclfError):
        raise error
    return problem(error)


async def _of_framework(request: Request, error: Exception) -> Response:
    """Translate what the framework itself refuses: no such path, no such method."""
    if not isinstance(error, HTTPException):
        raise error
    status = error.status_code
    category, message = _BY_STATUS.get(status, (Category.INVALID, "The request is refused."))
    remedy = "See /docs and the CapabilityStatement."
    answer = problem(AclfError(Issue(category, "", message, remedy, http=status)))
    if status == 405:
        answer.headers["Allow"] = ", ".join(_allowed(request))
    return answer


async def _of_validation(_request: Request, error: Exception) -> Response:
    """Translate what FastAPI found wrong with a path or a query; its texts are left out."""
    if not isinstance(error, RequestValidationError):
        raise error
    issues = [
        Issue(
            Category.INVALID,
            f"http.{place['loc'][-1]}",
            "cannot be used here",
            "See /docs.",
            http=400,
        )
        for place in error.errors()
    ]
    return problem(AclfError.all_of(issues))


def _allowed(request: Request) -> list[str]:
    """Ask every route which methods this path has."""
    allowed = []
    for method in _METHODS:
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.router.routes):
            allowed.append(method)
    return allowed
