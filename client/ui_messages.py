"""Messages of the `ui` channel between a page and its own client (docs/protocol.md, "Leg")."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from client.enrolment_keys import KEY_CHARS
from client.enrolment_messages import EnrolmentMessage, parse_enrolment
from client.view.atlas import AtlasLayout
from codec.signaling.fields import Fields, bad_message, decode_object, encode_object

MAX_TILES_LISTED = 64
MAX_UI_CHARS = 16_384
MAX_PICTURE_BYTES = 46_000
"""Of a background; in base64 it still fits into the 64 KiB of a data channel's message."""

MAX_PICTURE_CHARS = 4 * -(-MAX_PICTURE_BYTES // 3)
MAX_PITCH_RAD = 1.2
DISTANCE_RANGE = (0.4, 3.0)


@dataclass(frozen=True)
class SetAvatar:
    """The person chose an avatar (None: the default guest); one of their own comes with its key."""

    avatar_id: str | None
    key: str | None = None


@dataclass(frozen=True)
class SetCamera:
    """The camera is on, or the face rests."""

    on: bool


@dataclass(frozen=True)
class SetTiles:
    """Heads on screen: member id (or `self`) to size in pixels, and those who speak."""

    sizes_px: Mapping[str, int]
    speaking: frozenset[str] = frozenset()


@dataclass(frozen=True)
class SetView:
    """From where to look at a head; radians from the front view, 1 = default distance."""

    member_id: str
    yaw: float
    pitch: float
    distance: float
    eye_contact: bool = False
    stereo: bool = False


@dataclass(frozen=True)
class SetStamp:
    """Paint capture times."""

    on: bool


@dataclass(frozen=True)
class SetBackgroundColor:
    """Behind all heads; sRGB, 0..1."""

    color: tuple[float, float, float]


@dataclass(frozen=True)
class SetBackgroundPicture:
    """Behind all heads; the file has not been looked at."""

    jpeg: bytes


UiMessage = (
    SetAvatar | SetCamera | SetTiles | SetView | SetStamp | SetBackgroundColor | SetBackgroundPicture | EnrolmentMessage
)

_COLOR = re.compile("#[0-9a-fA-F]{6}")


def parse_ui(text: str) -> UiMessage | None:
    """One message of the page; None for a type that this version does not know.

    Raises:
        SignalingError: it is malformed (a ValueError).
    """
    fields = Fields(decode_object(text), "ui")
    kind = fields.text("type", 64)
    if len(text) > MAX_UI_CHARS and kind != "background":
        raise bad_message("The ui message is too long.")
    match kind:
        case "avatar":
            key = fields.optional("key", lambda name: fields.text(name, KEY_CHARS, KEY_CHARS), None)
            return SetAvatar(fields.avatar_id(), key)
        case "camera":
            return SetCamera(fields.flag("on"))
        case "tiles":
            tiles = fields.objects("tiles", MAX_TILES_LISTED)
            speaking = [tile.member_id() for tile in tiles if tile.optional("speaking", tile.flag, False)]
            return SetTiles({tile.member_id(): _size(tile) for tile in tiles}, frozenset(speaking))
        case "view":
            distance = min(max(_number(fields, "distance"), DISTANCE_RANGE[0]), DISTANCE_RANGE[1])
            pitch = min(max(_number(fields, "pitch"), -MAX_PITCH_RAD), MAX_PITCH_RAD)
            yaw = math.remainder(_number(fields, "yaw"), math.tau)
            eye_contact, stereo = (fields.optional(key, fields.flag, False) for key in ("eye_contact", "stereo"))
            return SetView(fields.member_id(), yaw, pitch, distance, eye_contact, stereo)
        case "stamp":
            return SetStamp(fields.flag("on"))
        case "background":
            return _background(fields)
        case _:
            return parse_enrolment(kind, fields)


def _background(fields: Fields) -> SetBackgroundColor | SetBackgroundPicture:
    if fields.choice("kind", ("color", "image")) == "color":
        text = fields.text("color", 7)
        if _COLOR.fullmatch(text) is None:
            raise fields.error("color", "a color: # and six hexadecimal digits")
        red, green, blue = bytes.fromhex(text[1:])
        return SetBackgroundColor((red / 255, green / 255, blue / 255))
    text = fields.text("jpeg", MAX_PICTURE_CHARS, 1)
    try:
        return SetBackgroundPicture(base64.b64decode(text, validate=True))
    except ValueError as error:  # binascii.Error, or a character beyond ASCII
        raise fields.error("jpeg", "base64") from error


def _number(fields: Fields, key: str) -> float:
    value = fields.values.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e6:
        raise fields.error(key, "a number")
    return float(value)


def _size(fields: Fields) -> int:
    return min(max(round(_number(fields, "size_px")), 1), 4096)


def atlas_text(layout: AtlasLayout) -> str:
    """The `atlas` message."""
    tiles = [{"member_id": tile.member_id, "x": tile.x, "y": tile.y, "size": tile.size} for tile in layout.tiles]
    return encode_object({"type": "atlas", "width": layout.width, "height": layout.height, "tiles": tiles})


def tracking_text(state: str, fps: float, ms: float) -> str:
    """The `tracking` message; `state` is `face`, `no_face` or `rest`."""
    return encode_object({"type": "tracking", "state": state, "fps": round(fps, 1), "ms": round(ms, 1)})


def peers_text(peers: Sequence[Mapping[str, Any]]) -> str:
    """The `peers` message."""
    return encode_object({"type": "peers", "peers": list(peers)})


def notice_text(text: str) -> str:
    """The `notice` message."""
    return encode_object({"type": "notice", "text": text})
