"""Which web pages may talk to this server, and whose address a request comes from."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from aiohttp import web

from server.config import ServerConfig


def is_loopback(hostname: str | None) -> bool:
    """Whether a host name or address means this machine."""
    if hostname is None:
        return False
    if hostname == "localhost" or hostname.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False


def is_origin_allowed(config: ServerConfig, origin: str | None, host: str) -> bool:
    """Whether a request with these `Origin` and `Host` headers may be answered.

    Programs that are no browsers send no Origin. A page may come from one of `public_origins`, or from the very host
    that it talks to, if no public origins are set or that host is this machine.
    """
    if origin is None or origin in config.public_origins:
        return True
    try:
        parts = urlsplit(origin)
        hostname = parts.hostname
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or parts.netloc.lower() != host.lower():
        return False
    return is_loopback(hostname) or not config.public_origins


def is_host_allowed(config: ServerConfig, host: str) -> bool:
    """Whether the `Host` header is plausible: a server that listens on this machine only has no other name.

    Otherwise a foreign page could give its own name this machine's address (DNS rebinding) and pass for our page.
    """
    if not is_loopback(config.host):
        return True
    try:
        return is_loopback(urlsplit(f"//{host}").hostname)
    except ValueError:
        return False


def is_request_allowed(config: ServerConfig, request: web.BaseRequest) -> bool:
    """Whether this request comes from a page of ours, or from no page at all."""
    return is_origin_allowed(config, request.headers.get("Origin"), request.host)


def remote_address(config: ServerConfig, request: web.BaseRequest) -> str | None:
    """The caller's address: the socket's, or what the trusted reverse proxy saw."""
    if config.trust_proxy:
        forwarded = request.headers.get("X-Forwarded-For", "")
        last = forwarded.rpartition(",")[2].strip()
        if last:
            return last
    return request.remote
