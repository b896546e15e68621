"""The composition root: opens the node and the matcher once, and puts routes, pages and problems together."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI, Request, Response
from starlette.formparsers import MultiPartParser

from api import errors, migrations
from api.accounts import routes as accounts
from api.cases import routes as cases
from api.gallery import routes as gallery
from api.gallery.matcher import Matcher
from api.kit.ids import new_id
from api.kit.node import Node
from api.notices import routes as notices
from api.requests import routes as requests
from api.reunions import routes as reunions
from api.reviews import routes as reviews
from api.search import routes as search
from api.web import pages
from api.worker import Worker
from facematch.errors import ImageTooLarge

JSON_ROUTERS = (
    accounts.router,
    cases.router,
    gallery.router,
    requests.router,
    search.router,
    reviews.router,
    reunions.router,
    notices.router,
)
PICTURES_A_FORM = 5
# Starlette would write larger uploads to the temporary folder in clear; pictures stay in memory until they are sealed.
MultiPartParser.spool_max_size = 1 << 30


def create_app(node: Node, matcher: Matcher) -> FastAPI:
    """The whole service on an open node; refuses a database at another migration (DatabaseOutdated)."""
    migrations.check(node.db)
    app = FastAPI(
        title="Lighthouse",
        version="0.1.0",
        summary="Brings lost people home: portraits in, candidates with honest likelihoods out, two people decide.",
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        responses=errors.PROBLEM_RESPONSES,
    )
    app.state.node = node
    app.state.matcher = matcher
    app.state.problem_help = errors.help_in
    app.state.demo_users = []
    app.middleware("http")(_refuse_floods)
    app.middleware("http")(_name_request)
    errors.install(app)
    for router in JSON_ROUTERS:
        app.include_router(router)
    app.include_router(pages.router)
    pages.mount_static(app)
    app.get("/health", include_in_schema=False)(lambda: {"status": "ok"})
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    worker = Worker(app.state.node, app.state.matcher)
    if app.state.node.settings.embedded_worker:
        worker.start()
    yield
    worker.stop()


async def _refuse_floods(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Bodies are bounded before a byte of them is read; so a body has to say how long it is."""
    limit = request.app.state.node.settings.upload_limit_mb * 1_000_000 * PICTURES_A_FORM
    length = request.headers.get("content-length", "0")
    if "transfer-encoding" in request.headers or not length.isdigit() or int(length) > limit:
        return errors.refuse(request, ImageTooLarge(max_bytes=limit))
    return await call_next(request)


async def _name_request(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    request_id = new_id(request.app.state.node.clock())
    with structlog.contextvars.bound_contextvars(request=request_id):
        response = await call_next(request)
    response.headers["x-request-id"] = request_id
    response.headers.setdefault("x-content-type-options", "nosniff")
    return response
