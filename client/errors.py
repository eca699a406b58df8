"""Errors of the client.

    ClientError             something that the person should read; `str(error)` is one sentence for them
    ├── MediaError          the camera file cannot be used
    ├── JoinRefused         the server does not let this participant in (`error_code`, docs/protocol.md)
    └── ServerUnreachable   no connection to the server could be made

A peer's bad input is no error: it is counted, and at worst its connection is closed with a notice.
"""

from __future__ import annotations


class ClientError(Exception):
    """Base of everything that ends a participant; the message is one sentence for the person."""


class MediaError(ClientError):
    """The file that shall be the camera is no video, has no face, ends early, ..."""


class JoinRefused(ClientError):
    """The server refused; `error_code` is the stable code of docs/protocol.md."""

    def __init__(self, error_code: str, detail: str) -> None:
        super().__init__(detail)
        self.error_code = error_code


class ServerUnreachable(ClientError):
    """The server does not answer at all."""
