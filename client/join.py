"""Asking the server for a join token (docs/protocol.md, HTTP)."""

from __future__ import annotations

import aiohttp

from client.errors import JoinRefused, ServerUnreachable
from client.server_url import parse_server_url
from codec.signaling import ErrorCode
from codec.signaling.fields import decode_object

TIMEOUT = aiohttp.ClientTimeout(total=10)
MAX_ANSWER_BYTES = 65_536


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body.

    Raises:
        ValueError: it is longer than an answer of a visavis server.
    """
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) > MAX_ANSWER_BYTES:
            raise ValueError("the answer is too long")
    return bytes(body)


async def fetch_join_token(
    server_url: str, room: str, *, passcode: str | None = None, invite: str | None = None
) -> str:
    """A token with which to enter `room`.

    Raises:
        ClientError: `server_url` is no address.
        JoinRefused: the server says no, or is not a visavis server.
        ServerUnreachable: there is no server.
    """
    body = {"room": room, "passcode": passcode, "invite": invite}
    url = parse_server_url(server_url) / "api/token"
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT) as http,
            http.post(url, json={key: value for key, value in body.items() if value is not None}) as response,
        ):
            answer = decode_object((await _read(response)).decode())
    except (TimeoutError, aiohttp.ClientConnectionError, OSError) as error:
        raise ServerUnreachable(f"The server at {url.origin()} cannot be reached.") from error
    except (aiohttp.ClientError, ValueError) as error:
        raise JoinRefused(ErrorCode.BAD_MESSAGE, f"There is no visavis server at {url.origin()}.") from error
    token = answer.get("token")
    if response.status != 200 or not isinstance(token, str):
        detail = answer.get("detail")
        sentence = detail if isinstance(detail, str) else f"There is no visavis server at {url.origin()}."
        raise JoinRefused(str(answer.get("error_code", "")), sentence)
    return token
