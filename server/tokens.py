"""Signed tokens (JWT, HS256): who may join which room, take a member over, attach as its client, or be a worker."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

import jwt

from codec.signaling import ErrorCode, SignalingError, SocketPart, is_room_name

DAY_S = 86_400
_ALGORITHM = "HS256"


@dataclass(frozen=True)
class JoinClaims:
    """May enter `room` as a new member."""

    room: str


@dataclass(frozen=True)
class AttachClaims:
    """May attach as the client of a member, for one assignment of a hosted client."""

    room: str
    member_id: str
    assignment_id: str


@dataclass(frozen=True)
class ResumeClaims:
    """May come back as a part of a member.

    Args:
        order: the member's place in the order of joins, or None if it had not joined.
        assignment_id: for a hosted client, the assignment that it serves.
    """

    room: str
    member_id: str
    part: SocketPart
    order: int | None = None
    assignment_id: str | None = None


@dataclass(frozen=True)
class WorkerClaims:
    """May serve members as a hosted client process."""


@dataclass(frozen=True)
class InviteClaims:
    """May ask for a join token for `room`."""

    room: str


Claims: TypeAlias = JoinClaims | AttachClaims | ResumeClaims | WorkerClaims | InviteClaims
C = TypeVar("C", bound=Claims)

_KINDS: dict[type[Claims], Literal["join", "attach", "resume", "worker", "invite"]] = {
    JoinClaims: "join",
    AttachClaims: "attach",
    ResumeClaims: "resume",
    WorkerClaims: "worker",
    InviteClaims: "invite",
}


class Tokens:
    """Signs and verifies tokens.

    Args:
        secret: any text; the key is derived from it.
        wall_now: Unix time in seconds.
    """

    def __init__(self, secret: str, wall_now: Callable[[], float] = time.time) -> None:
        self._key = hashlib.sha256(b"visavis token key 1\0" + secret.encode()).digest()
        self._wall_now = wall_now

    def sign(self, claims: Claims, ttl_s: float) -> str:
        """The token for `claims`, valid for `ttl_s` seconds from now."""
        fields = {name: value for name, value in vars(claims).items() if value is not None}
        expiry = int(self._wall_now() + ttl_s)
        payload = {"kind": _KINDS[type(claims)], "exp": expiry, "jti": secrets.token_hex(8), **fields}
        return jwt.encode(payload, self._key, algorithm=_ALGORITHM)

    def verify(self, token: str, *allowed: type[C]) -> C:
        """The claims of a token of one of the `allowed` kinds.

        Raises:
            SignalingError: `bad_token`, fatal.
        """
        try:
            payload: dict[str, Any] = jwt.decode(
                token, self._key, algorithms=[_ALGORITHM], options={"verify_exp": False, "require": ["exp", "jti"]}
            )
            expiry = int(payload["exp"])
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise _bad_token("This link or connection is not valid here.") from error
        if expiry <= self._wall_now():
            raise _bad_token("This link or connection has expired: load the page again.")
        for kind in allowed:
            if payload.get("kind") == _KINDS[kind]:
                names = kind.__dataclass_fields__
                return kind(**{name: payload[name] for name in names if name in payload})
        raise _bad_token("This token is for another purpose.")


def make_invite(tokens: Tokens, room: str, ttl_s: float = DAY_S) -> str:
    """An invitation to `room`, for servers that require one.

    Raises:
        ValueError: `room` is no room name.
    """
    if not is_room_name(room):
        raise ValueError(f"{room!r} is no room name: use 1 to 64 letters, digits, _ or -")
    return tokens.sign(InviteClaims(room), ttl_s)


def make_worker_token(secret: str, ttl_s: float = DAY_S) -> str:
    """A token with which a hosted client process may connect to every server that has this `secret`."""
    return Tokens(secret).sign(WorkerClaims(), ttl_s)


def _bad_token(detail: str) -> SignalingError:
    return SignalingError(ErrorCode.BAD_TOKEN, detail, fatal=True)
