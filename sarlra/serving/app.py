"""One application: page, STAC API, files and tiles; it reads and never writes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sarlra import __version__
from sarlra.serving.files import assets_router
from sarlra.serving.index import Index
from sarlra.serving.limits import MAX_BODY_BYTES, MAX_QUERY_BYTES
from sarlra.serving.page import page
from sarlra.serving.results import Results
from sarlra.serving.stac import PREFIX, add_stac_api
from sarlra.serving.tiles import tiles_router

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; {}"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "cross-origin",
    # A file of a stranger that a browser opens runs nothing and belongs to no origin.
    "Content-Security-Policy": _POLICY.format("frame-ancestors 'none'; sandbox allow-downloads"),
}


def make_app(results: Results, hosts: tuple[str, ...] = _LOOPBACK) -> FastAPI:
    """The application over a catalogue that was read.

    Parameters
    ----------
    hosts
        Names by which the server may be addressed (``*`` for any): a page from elsewhere cannot
        read a server on loopback by letting its own name point there.
    """
    index = Index(results)
    html = page(results, index)
    app = FastAPI(
        title="sarlra", version=__version__, openapi_url=f"{PREFIX}/api", docs_url=None,
        redoc_url=None,
    )  # fmt: skip
    add_stac_api(app, results, index)
    app.include_router(assets_router(results))
    app.include_router(tiles_router(results))

    @app.get("/", include_in_schema=False)
    def first_page() -> HTMLResponse:
        policy = _POLICY.format("frame-ancestors 'none'; form-action 'none'")
        return HTMLResponse(html, headers={"Content-Security-Policy": policy})

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


def _service_doc(app: FastAPI) -> str:
    from html import escape

    rows = []
    for path, methods in app.openapi()["paths"].items():
        for method, about in methods.items():
            name = escape(str(about.get("summary", "")))
            rows.append(f"<tr><td>{method.upper()}</td><td>{escape(path)}</td><td>{name}</td></tr>")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>API</title></head>'
        f'<body><h1>API</h1><p><a href="{PREFIX}/api">OpenAPI description</a></p><table><thead>'
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
