"""One application: map page, STAC API, files, tiles and downloads of a catalogue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pandas as pd
from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sarlra import __version__
from sarlra.serving.downloads import downloads_router
from sarlra.serving.files import assets_router
from sarlra.serving.limits import MAX_BODY_BYTES, MAX_QUERY_BYTES
from sarlra.serving.live import Live
from sarlra.serving.online import OnlineLayers
from sarlra.serving.page import page
from sarlra.serving.results import Results
from sarlra.serving.reviews import ReviewDesk, reviews_router
from sarlra.serving.stac import PREFIX, add_stac_api
from sarlra.serving.tiles import tiles_router
from sarlra.serving.viewer import FOLDER, is_built, policy

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; {}"
_PAGE_TYPES = {
    ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css",
    ".svg": "image/svg+xml", ".png": "image/png",
}  # fmt: skip
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "cross-origin",
    # A file of a stranger that a browser opens runs nothing and belongs to no origin.
    "Content-Security-Policy": _POLICY.format("frame-ancestors 'none'; sandbox allow-downloads"),
}


def make_app(
    results: Results,
    hosts: tuple[str, ...] = _LOOPBACK,
    online: OnlineLayers | None = None,
    desk: ReviewDesk | None = None,
    ranked: pd.DataFrame | None = None,
) -> FastAPI:
    """The application over a catalogue that was read; while it runs, changes are read again.

    Parameters
    ----------
    hosts
        Names by which the server may be addressed (``*`` for any): a page from elsewhere cannot
        read a server on loopback by letting its own name point there.
    online
        Layers from other hosts that the page may show; none if not given.
    desk
        Where reviews lie; without one there are none.
    ranked
        What of :func:`sarlra.serving.downloads.read_triage` goes with the detections.
    """
    live = Live(results)

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        with live.watched():
            yield

    app = FastAPI(
        title="sarlra", version=__version__, openapi_url=f"{PREFIX}/api", docs_url=None,
        redoc_url=None, lifespan=running,
    )  # fmt: skip
    add_stac_api(app, live)
    app.include_router(assets_router(live))
    app.include_router(tiles_router(live))
    app.include_router(downloads_router(live, ranked))
    if desk is not None:
        app.include_router(reviews_router(live, desk))
    _add_pages(app, live, online, desk)

    @app.get(f"{PREFIX}/api.html", include_in_schema=False, name="swagger_ui_html")
    def service_doc() -> HTMLResponse:
        return HTMLResponse(_service_doc(app))

    @app.middleware("http")
    async def guard(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        if len(request.scope.get("query_string", b"")) > MAX_QUERY_BYTES:
            return JSONResponse({"description": "the query is too long"}, 414)
        answer = await call_next(request)
        for name, value in _HEADERS.items():
            answer.headers.setdefault(name, value)
        return answer

    app.add_middleware(BoundedBody, most=MAX_BODY_BYTES)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)
    return app


def _add_pages(
    app: FastAPI, live: Live, online: OnlineLayers | None, desk: ReviewDesk | None
) -> None:
    """The map at ``/``, what it is told, and the list, which needs no script, at ``/list``."""
    map_policy = {"Content-Security-Policy": policy(online.origins() if online else ())}
    plain = _POLICY.format("frame-ancestors 'none'; form-action 'none'")

    @app.get("/list", include_in_schema=False)
    def list_page() -> HTMLResponse:
        html = page(live.now, is_built())
        return HTMLResponse(html, headers={"Content-Security-Policy": plain})

    @app.get("/", include_in_schema=False)
    def first_page() -> Response:
        if not is_built():
            return list_page()
        headers = {**map_policy, "Cache-Control": "no-cache"}
        return FileResponse(FOLDER / "index.html", headers=headers)

    @app.get("/config.json", include_in_schema=False)
    def config() -> JSONResponse:
        told = {
            "version": __version__,
            "reading": live.now.number,
            "online": online.model_dump() if online else None,
            "reviews": desk is not None,
            "reviews_writable": desk is not None and desk.token is not None,
        }
        return JSONResponse(told, headers={"Cache-Control": "no-cache"})

    @app.get("/map/{name}", include_in_schema=False)
    def part(name: str) -> Response:
        file = FOLDER / name
        kind = _PAGE_TYPES.get(file.suffix)
        if kind is None or file.parent != FOLDER or not file.is_file():
            return JSONResponse({"detail": "there is no such part of the page"}, 404)
        # The names of the page's parts change with their content.
        headers = {**map_policy, "Cache-Control": "max-age=31536000, immutable"}
        return FileResponse(file, media_type=kind, headers=headers)


def _service_doc(app: FastAPI) -> str:
    from html import escape

    rows = []
    for path, methods in app.openapi()["paths"].items():
        for method, about in methods.items():
            name = escape(str(about.get("summary", "")))
            rows.append(f"<tr><td>{method.upper()}</td><td>{escape(path)}</td><td>{name}</td></tr>")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>API</title></head>'
        f'<body><h1>API</h1><p><a href="api">OpenAPI description</a></p><table><thead>'
        "<tr><th>method</th><th>path</th><th>what</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></body></html>"
    )


class BoundedBody:
    """Refuses bodies over a size, also those that do not say how long they are."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body up to the bound, then hand it on."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        body = b""
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            if len(body) > self._most:
                answer = JSONResponse({"description": f"more than {self._most} bytes"}, 413)
                await answer(scope, receive, send)
                return
            if not message.get("more_body", False):
                break
        sent = False

        async def replay() -> Message:
            nonlocal sent
            if sent:
                return await receive()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)
