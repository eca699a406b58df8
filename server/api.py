"""The HTTP endpoints beside the sockets: join tokens, the page's configuration, health and metrics."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from codec.signaling import ErrorCode, Fields, SignalingError, decode_object
from server.origins import is_request_allowed, remote_address
from server.state import STATE, ServerState
from server.tokens import InviteClaims, JoinClaims

MAX_BODY_BYTES = 8_192
MAX_PASSCODE_CHARS = 256
MAX_GUESTS = 64
MAX_INDEX_BYTES = 1_000_000

_STATUS = {
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.BAD_PASSCODE: 403,
    ErrorCode.BAD_TOKEN: 403,
    ErrorCode.BAD_ORIGIN: 403,
}


async def post_token(request: web.Request) -> web.Response:
    """Handles `POST /api/token`: gives a join token for a room to whoever knows the passcode or has an invitation."""
    state = request.app[STATE]
    try:
        room = await _check_token_request(state, request)
    except SignalingError as error:
        state.metrics.refused += 1
        status = next((status for code, status in _STATUS.items() if code == error.error_code), 400)
        return web.json_response({"error_code": error.error_code, "detail": error.detail}, status=status)
    ttl_s = state.config.join_token_s
    token = state.tokens.sign(JoinClaims(room), ttl_s)
    return web.json_response({"token": token, "room": room, "expires_s": ttl_s}, headers={"Cache-Control": "no-store"})


async def _check_token_request(state: ServerState, request: web.Request) -> str:
    if not is_request_allowed(state.config, request):
        raise SignalingError(ErrorCode.BAD_ORIGIN, "This page belongs to another site.")
    address, now = remote_address(state.config, request), state.now()
    if not state.join_limit.take(address, now):
        raise SignalingError(ErrorCode.RATE_LIMITED, "Too many attempts to join. Wait a minute.")
    if request.content_type != "application/json" or (request.content_length or 0) > MAX_BODY_BYTES:
        raise SignalingError(ErrorCode.BAD_MESSAGE, f"Send JSON of at most {MAX_BODY_BYTES} bytes.")
    try:
        text = await request.text()
    except (UnicodeDecodeError, LookupError) as error:
        raise SignalingError(ErrorCode.BAD_MESSAGE, "Send JSON in UTF-8.") from error
    fields = Fields(decode_object(text), "request")
    try:
        room = fields.room()
    except SignalingError as error:
        detail = "A room's name has 1 to 64 letters, digits, _ or -."
        raise SignalingError(ErrorCode.BAD_ROOM, detail) from error
    passcode = fields.optional("passcode", lambda key: fields.text(key, MAX_PASSCODE_CHARS), "")
    _check_passcode(state, address, passcode, now)
    if state.config.require_invite:
        invite = fields.optional("invite", fields.token, "")
        if not invite or state.tokens.verify(invite, InviteClaims).room != room:
            raise SignalingError(ErrorCode.BAD_TOKEN, "This room needs an invitation: ask for a link.")
    return room


def _check_passcode(state: ServerState, address: str | None, passcode: str, now: float) -> None:
    guard = state.passcode_guard
    if guard is None:
        return
    wait_s = guard.wait_s(address, now)
    if wait_s > 0:
        raise SignalingError(ErrorCode.RATE_LIMITED, f"Too many wrong passcodes. Wait {wait_s:.0f} seconds.")
    if not guard.check(address, passcode, now):
        raise SignalingError(ErrorCode.BAD_PASSCODE, "The passcode is wrong.")


async def get_config(request: web.Request) -> web.Response:
    """Handles `GET /api/config`: what the join screen needs to know."""
    state = request.app[STATE]
    guests = await asyncio.to_thread(lambda: read_guests(state.config.guests_root / "guests.json"))
    return web.json_response(
        {
            "guests": guests,
            "passcode_needed": state.config.passcode is not None,
            "invite_needed": state.config.require_invite,
        },
        headers={"Cache-Control": "no-store"},
    )


def read_guests(index_path: Path) -> list[dict[str, str]]:
    """The guest avatars in a list of objects with `avatar_id`, `name` and `thumbnail`.

    Entries without these texts are left out; so is everything when the file is no good.
    """
    try:
        if index_path.stat().st_size > MAX_INDEX_BYTES:
            return []
        index: Any = json.loads(index_path.read_text("utf-8"))
    except (OSError, ValueError):
        return []
    if not isinstance(index, list):
        return []
    guests: list[dict[str, str]] = []
    for entry in cast(list[Any], index)[:MAX_GUESTS]:
        if isinstance(entry, dict):
            values = cast(dict[str, Any], entry)
            guest = {key: values.get(key) for key in ("avatar_id", "name", "thumbnail")}
            if all(isinstance(value, str) for value in guest.values()):
                guests.append(cast(dict[str, str], guest))
    return guests


async def get_health(request: web.Request) -> web.Response:
    """Handles `GET /healthz`."""
    gauges = request.app[STATE].hub.gauges()
    return web.json_response({"status": "ok", "workers": gauges["workers"], "members": gauges["members"]})


async def get_metrics(request: web.Request) -> web.Response:
    """Handles `GET /metrics`, for Prometheus; the reverse proxy keeps it from the public."""
    state = request.app[STATE]
    text = state.metrics.to_text(state.hub.gauges())
    return web.Response(text=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})
