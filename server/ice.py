"""The STUN and TURN servers that members use, with time-limited TURN credentials."""

from __future__ import annotations

import base64
import hashlib
import hmac

from codec.signaling import IceServer
from server.config import ServerConfig


def ice_servers(config: ServerConfig, member_id: str, wall_now: float) -> tuple[IceServer, ...]:
    """The ICE servers for one member.

    The credential is that of coturn's `use-auth-secret` (draft-uberti-behave-turn-rest-00): the user name is
    `<expiry>:<member_id>`, the password base64(HMAC-SHA1(secret, user name)).
    """
    servers: list[IceServer] = []
    if config.stun_urls:
        servers.append(IceServer(config.stun_urls))
    if config.turn_urls and config.turn_secret:
        username = f"{int(wall_now) + config.turn_ttl_s}:{member_id}"
        digest = hmac.new(config.turn_secret.encode(), username.encode(), hashlib.sha1).digest()
        servers.append(IceServer(config.turn_urls, username, base64.b64encode(digest).decode()))
    return tuple(servers)
