"""`/`, `/docs`, `/health`, `/ready`: what is there for people and for supervisors.

The page is written here from the OpenAPI description. It loads nothing from elsewhere: a
script from another host would run beside patient data.
"""

from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from aclf_fhir.settings import software_version

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% } td { padding: .3rem .6rem; vertical-align: top;
border-top: 1px solid #ddd } td:first-child { font-weight: 600; width: 4rem }
code { background: #f4f4f4; padding: .1rem .25rem }
"""


@router.get("/")
async def start() -> RedirectResponse:
    """Lead to the documentation."""
    return RedirectResponse("/docs", status_code=307)


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """Show every endpoint."""
    described: list[FastAPI] = request.app.state.described
    rows = [row for app in described for row in _rows(app.openapi(), app.state.mounted_at)]
    base = str(request.base_url).rstrip("/")
    page = f"""<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>aclf-fhir {escape(software_version())}</title><style>{_STYLE}</style></head><body>
<h1>aclf-fhir {escape(software_version())}</h1>
<p>A FHIR R4 (4.0.1) gateway: hospital results in; liver scores, trial eligibility and
outcomes out, with the evidence attached.</p>
<p>Start with <a href="/fhir/metadata"><code>/fhir/metadata</code></a>; machines read
<a href="/openapi.json"><code>/openapi.json</code></a>.</p>
<pre><code>curl -H 'Content-Type: application/fhir+json' -d @bundle.json {escape(base)}/fhir
curl '{escape(base)}/fhir/Observation?patient=ID&amp;_count=5'
curl '{escape(base)}/fhir/Patient/ID/$screen?asOf=last'</code></pre>
<table>{"".join(rows)}</table></body></html>"""
    return HTMLResponse(page)


@router.get("/health")
async def health() -> JSONResponse:
    """Say that the process answers."""
    return JSONResponse({"status": "up", "version": software_version()})


@router.get("/ready")
async def ready(request: Request) -> JSONResponse:
    """Say that the database answers; 503 with an OperationOutcome if it does not."""
    await run_in_threadpool(_look, request)
    return JSONResponse({"status": "ready"})


def _look(request: Request) -> None:
    with request.app.state.gateway.store.read() as reader:
        reader.watermark()


def _rows(description: dict[str, Any], mounted_at: str) -> list[str]:
    rows = []
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            text = operation.get("description", "").partition("\n\n")[0]
            rows.append(
                f"<tr><td>{escape(method.upper())}</td>"
                f"<td><code>{escape(mounted_at + path)}</code><br>{escape(text)}</td></tr>"
            )
    return rows
