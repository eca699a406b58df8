"""The server's address as people type it."""

from __future__ import annotations

from yarl import URL

from client.errors import ClientError


def parse_server_url(text: str) -> URL:
    """The address, e.g. `http://127.0.0.1:8080`, as a URL.

    Raises:
        ClientError: it is none.
    """
    try:
        url = URL(text)
        if url.scheme in ("http", "https") and url.host and url.port:
            return url
    except ValueError:
        pass
    raise ClientError(f"{text!r} is no server address: it looks like http://127.0.0.1:8080.")
