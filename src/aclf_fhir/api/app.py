"""The application: settings in, one ASGI app out."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial

import anyio.to_thread
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from aclf_fhir.api import faults, operations, pages, signing, site, trials
from aclf_fhir.api.edge import Edge
from aclf_fhir.evaluator import Evaluator
from aclf_fhir.settings import Settings, software_version
from aclf_fhir.workflows.gateway import Gateway
from aclf_fhir.workflows.opening import close_gateway, open_gateway
from aclf_fhir.workflows.trial_reading import TrialDesk

__all__ = ["create_app"]


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the application.

    Parameters
    ----------
    settings
        How it runs; read from the environment if None.

    Raises
    ------
    AclfError
        `invalid` for settings that cannot be used, `forbidden` for an address that is
        not loopback.
    """
    settings = Settings.read(os.environ) if settings is None else settings
    settings.check_address()
    trial_zone = _application("aclf-fhir, trial zone")
    trial_zone.include_router(trials.router)
    trial_zone.state.settings = settings
    trial_zone.state.mounted_at = "/trials"
    app = _application("aclf-fhir")
    # Operations first: `Patient/{id}/$score` would also be the read of a resource `$score`.
    app.include_router(operations.router)
    app.include_router(operations.pictures)
    app.include_router(signing.router)
    app.include_router(site.router)
    app.include_router(pages.router)
    # An application of its own: from inside it, the gateway and its store are not reachable.
    app.mount("/trials", trial_zone)
    app.state.settings = settings
    app.state.offered = frozenset(
        getattr(route, "name", "")
        for router in (operations.router, operations.pictures, signing.router, site.router)
        for route in router.routes
    )
    app.state.mounted_at = ""
    app.state.described = [app, trial_zone]
    app.state.trial_zone = trial_zone
    app.add_middleware(Edge)
    return app


def _application(title: str) -> FastAPI:
    app = FastAPI(
        title=title,
        version=software_version(),
        description="FHIR R4 (4.0.1) gateway for liver scores and trial eligibility.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan if title == "aclf-fhir" else None,
    )
    faults.install(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    anyio.to_thread.current_default_thread_limiter().total_tokens = settings.threads
    gateway = await run_in_threadpool(
        open_gateway,
        database=settings.database,
        site=settings.site,
        as_of=settings.as_of,
        mappings=settings.mappings,
        trials=settings.trials,
        base=f"http://{settings.host}:{settings.port}/fhir" if settings.port else "",
        software_version=software_version(),
    )
    evaluator = Evaluator(gateway)
    app.state.gateway = gateway
    app.state.trial_zone.state.desks = _desks(gateway)
    evaluator.start()
    try:
        yield
    finally:
        await run_in_threadpool(evaluator.stop)
        await run_in_threadpool(close_gateway, gateway)


def _desks(gateway: Gateway) -> dict[str, TrialDesk]:
    """Open one desk per trial; each is handed the way into its own zone and no other."""

    def pending(marked_by: datetime) -> int:
        with gateway.store.read() as reader:
            return reader.pending(gateway.site, due_before=gateway.clock(), marked_by=marked_by)

    return {
        trial: TrialDesk(
            trial=trial,
            open=partial(gateway.store.read_trial, trial),
            pending=pending,
            zone=gateway.site_map.zone,
            clock=gateway.clock,
        )
        for trial in gateway.catalog.protocols
    }
