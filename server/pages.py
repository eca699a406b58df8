"""The web page and the headers that keep it safe."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from server.errors import ConfigError
from server.origins import is_host_allowed
from server.state import STATE, ServerState

STATIC_FOLDERS = ("src", "styles", "images")
"""Folders of the web root that are public. Tests, generators and package files are not."""

SECURITY_HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'self'",
            "connect-src 'self'",
            "img-src 'self' data: blob:",
            "media-src 'self' mediastream:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    ),
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=()",
    "Referrer-Policy": "no-referrer",  # the address of the page holds the room
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "visavis",
}


def add_pages(app: web.Application, state: ServerState) -> None:
    """Serves `/` and `/static/` from the web root, and sets the headers of every answer.

    Raises:
        ConfigError: the web root has no `index.html`.
    """
    web_root = state.config.web_root
    if not (web_root / "index.html").is_file():
        raise ConfigError(f"There is no index.html in {web_root}: set VISAVIS_WEB_ROOT to the folder web/")
    app.router.add_get("/", _get_index)
    for folder in STATIC_FOLDERS:
        if (web_root / folder).is_dir():
            app.router.add_static(f"/static/{folder}", web_root / folder)
    if state.config.guests_root.is_dir():
        app.router.add_static("/static/guests", state.config.guests_root)
    app.middlewares.append(_check_host)
    app.on_response_prepare.append(_add_headers)


async def _get_index(request: web.Request) -> web.FileResponse:
    return web.FileResponse(request.app[STATE].config.web_root / "index.html")


@web.middleware
async def _check_host(request: web.Request, handler: Handler) -> web.StreamResponse:
    if not is_host_allowed(request.app[STATE].config, request.host):
        raise web.HTTPMisdirectedRequest(text="This server is only known as localhost.")
    return await handler(request)


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-cache")  # may be kept, but is asked for anew: an update shows
