"""Settings of the server, all from environment variables `VISAVIS_*` (docs/hosting.md lists them)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from server.errors import ConfigError

T = TypeVar("T", int, float)

_ROOT = Path(__file__).resolve().parent.parent
DEFAULT_WEB_ROOT = _ROOT / "web"
DEFAULT_GUESTS_ROOT = _ROOT / "avatar_store" / "data" / "guests"
MIN_SECRET_CHARS = 16

# RFC 7064 and 7065; browsers refuse a whole list of servers for one address that does not follow them.
_ICE_URL = re.compile(
    r"(stuns?|turns?):([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?(?P<query>\?transport=(udp|tcp))?"
)


def _is_ice_url(url: str) -> bool:
    match = _ICE_URL.fullmatch(url)
    if match is None or (match["query"] and url.startswith("stun")):
        return False
    return match["port"] is None or 1 <= int(match["port"]) <= 65_535


def _new_secret() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True)
class ServerConfig:
    """Everything that the server can be told.

    Args:
        host: address to listen at.
        port: TCP port; 0 takes a free one.
        secret: signs all tokens; hosted clients in other processes and a restarted server need the same one.
        passcode: asked for before a join, or None.
        require_invite: a join needs an invitation token, part of the link.
        web_root: folder of the page (`index.html`, `src`, `styles`, `images`).
        guests_root: folder of the guest avatars: `guests.json` and the pictures for the join screen.
        public_origins: origins, such as `https://call.example.org`, from which browsers may connect. Empty: the
            origin that the request itself is addressed to.
        trust_proxy: take the caller's address from the last entry of `X-Forwarded-For`.
        max_rooms: rooms at once.
        max_members: members in one room.
        max_lobby: members waiting in the lobby of one room.
        max_connections: sockets at once.
        messages_per_s: messages a socket may send in the long run.
        message_burst: messages a socket may send at once (ICE candidates come in bursts).
        joins_per_minute: join tokens per address, in the long run and at once.
        lobby_s: how long somebody may wait in a lobby, where a hosted client is taken already, without joining.
        grace_s: how long a member whose page is gone keeps its place.
        client_return_s: how long a hosted client whose socket is gone may take to come back.
        attach_timeout_s: how long an assigned hosted client may take to attach.
        hello_timeout_s: how long a new socket may take to say hello.
        heartbeat_s: interval of WebSocket pings.
        join_token_s: validity of a join token.
        resume_token_s: validity of a resume token.
        stun_urls: STUN servers given to everyone, e.g. `stun:turn.example.org:3478`.
        turn_urls: TURN servers given to everyone.
        turn_secret: coturn's `static-auth-secret`; makes the time-limited credentials.
        turn_ttl_s: validity of these credentials; peers that connect later in a call use them too.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    secret: str = field(default_factory=_new_secret, repr=False)
    passcode: str | None = field(default=None, repr=False)
    require_invite: bool = False
    web_root: Path = DEFAULT_WEB_ROOT
    guests_root: Path = DEFAULT_GUESTS_ROOT
    public_origins: tuple[str, ...] = ()
    trust_proxy: bool = False
    max_rooms: int = 100
    max_members: int = 8
    max_lobby: int = 8
    max_connections: int = 1_024
    messages_per_s: float = 60.0
    message_burst: int = 240
    joins_per_minute: int = 120
    lobby_s: float = 600.0
    grace_s: float = 15.0
    client_return_s: float = 5.0
    attach_timeout_s: float = 10.0
    hello_timeout_s: float = 10.0
    heartbeat_s: float = 10.0
    join_token_s: int = 300
    resume_token_s: int = 86_400
    stun_urls: tuple[str, ...] = ()
    turn_urls: tuple[str, ...] = ()
    turn_secret: str | None = field(default=None, repr=False)
    turn_ttl_s: int = 43_200

    def __post_init__(self) -> None:
        """Checks what is easily got wrong.

        Raises:
            ConfigError: with a sentence that names the setting.
        """
        if len(self.secret) < MIN_SECRET_CHARS:
            raise ConfigError(f"VISAVIS_SECRET needs at least {MIN_SECRET_CHARS} characters: openssl rand -base64 32")
        if not 0 <= self.port <= 65_535:
            raise ConfigError(f"VISAVIS_PORT is {self.port}, which is no port number")
        if self.turn_urls and not self.turn_secret:
            raise ConfigError("VISAVIS_TURN_URLS needs VISAVIS_TURN_SECRET, the static-auth-secret of coturn")
        for origin in self.public_origins:
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or origin != f"{parts.scheme}://{parts.netloc}":
                raise ConfigError(f"VISAVIS_PUBLIC_ORIGINS holds {origin!r}; an origin looks like https://example.org")
        for urls, schemes in ((self.stun_urls, ("stun", "stuns")), (self.turn_urls, ("turn", "turns"))):
            for url in urls:
                scheme = url.partition(":")[0]
                if scheme not in schemes or not _is_ice_url(url):
                    raise ConfigError(
                        f"{url!r} is no {schemes[0].upper()} address; one looks like {schemes[0]}:host:3478"
                    )


def config_from_environment(environment: Mapping[str, str], **overrides: Any) -> ServerConfig:
    """The configuration that `VISAVIS_*` variables give; empty ones count as absent.

    Args:
        environment: usually `os.environ`.
        overrides: fields of ServerConfig that win over the environment; None means no override.

    Raises:
        ConfigError: a variable is malformed or out of range.
    """
    values: dict[str, Any] = {}
    for name, read in _READERS.items():
        text = environment.get(f"VISAVIS_{name.upper()}", "").strip()
        if text:
            values[name] = read(f"VISAVIS_{name.upper()}", text)
    values |= {name: value for name, value in overrides.items() if value is not None}
    return replace(ServerConfig(), **values)


def _text(_: str, text: str) -> str:
    return text


def _path(_: str, text: str) -> Path:
    return Path(text).expanduser()


def _texts(_: str, text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def _flag(variable: str, text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise ConfigError(f"{variable} is {text!r}, expected 1 or 0")


def _number(kind: type[T], minimum: float, maximum: float) -> Callable[[str, str], T]:
    def read(variable: str, text: str) -> T:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not minimum <= value <= maximum:
            raise ConfigError(f"{variable} is {text!r}, expected a number from {minimum:g} to {maximum:g}")
        return value

    return read


_READERS: dict[str, Callable[[str, str], Any]] = {
    "host": _text,
    "port": _number(int, 0, 65_535),
    "secret": _text,
    "passcode": _text,
    "require_invite": _flag,
    "web_root": _path,
    "guests_root": _path,
    "public_origins": _texts,
    "trust_proxy": _flag,
    "max_rooms": _number(int, 1, 100_000),
    "max_members": _number(int, 1, 64),
    "max_lobby": _number(int, 1, 256),
    "max_connections": _number(int, 1, 100_000),
    "messages_per_s": _number(float, 1, 10_000),
    "message_burst": _number(int, 1, 100_000),
    "joins_per_minute": _number(int, 1, 100_000),
    "lobby_s": _number(float, 10, 86_400),
    "grace_s": _number(float, 0, 3_600),
    "client_return_s": _number(float, 0, 3_600),
    "attach_timeout_s": _number(float, 1, 3_600),
    "hello_timeout_s": _number(float, 1, 3_600),
    "heartbeat_s": _number(float, 1, 3_600),
    "join_token_s": _number(int, 10, 86_400),
    "resume_token_s": _number(int, 10, 2_592_000),
    "stun_urls": _texts,
    "turn_urls": _texts,
    "turn_secret": _text,
    "turn_ttl_s": _number(int, 60, 604_800),
}
