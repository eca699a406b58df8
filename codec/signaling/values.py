"""What several messages carry: members, addresses, ICE servers and the data that the server relays unread."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, cast

from codec.signaling.fields import (
    MAX_MESSAGE_BYTES,
    Fields,
    JsonObject,
    bad_message,
    encode_object,
)

PROTOCOL_VERSION = 1

Part: TypeAlias = Literal["page", "client"]
"""An address within a member. A bot is reachable as both."""

SocketPart: TypeAlias = Literal["page", "client", "bot"]
"""What a socket is for: one part, or both (`bot`)."""

MemberKind: TypeAlias = Literal["browser", "bot"]
HostedState: TypeAlias = Literal["ready", "none", "lost", "self"]
SignalKind: TypeAlias = Literal["leg", "face", "voice"]

PARTS: tuple[Part, ...] = ("page", "client")
SOCKET_PARTS: tuple[SocketPart, ...] = ("page", "client", "bot")
MEMBER_KINDS: tuple[MemberKind, ...] = ("browser", "bot")

MAX_ICE_SERVERS = 16
MAX_MEMBERS = 256
"""Most members in one `joined` message; a server's own limit is far below."""

MAX_SDP_CHARS = 48_000


class Unset(Enum):
    """The type of `UNSET`, which marks a field that a message leaves out (null is a value of its own)."""

    UNSET = "unset"


UNSET = Unset.UNSET


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]


def to_plain(value: _Dataclass) -> dict[str, Any]:
    """The JSON form of a dataclass: fields in order, `UNSET` ones and the `None` ones marked `optional` left out."""
    plain: dict[str, Any] = {}
    for item in dataclasses.fields(value):
        content = getattr(value, item.name)
        if content is UNSET or (content is None and item.metadata.get("optional")):
            continue
        plain[item.metadata.get("key", item.name)] = _plain(content)
    return plain


def _plain(content: Any) -> Any:
    if dataclasses.is_dataclass(content) and not isinstance(content, type):
        return to_plain(content)
    if isinstance(content, tuple):
        return [_plain(item) for item in cast(tuple[Any, ...], content)]
    return content


class Message:
    """Base of the signaling messages: frozen dataclasses with a `TYPE` and a JSON form."""

    TYPE: ClassVar[str]

    def to_json(self) -> str:
        """The text to send."""
        return encode_object({"type": self.TYPE, **to_plain(cast(_Dataclass, self))})


@dataclass(frozen=True)
class PartAddress:
    """Where a relayed message goes to or comes from."""

    member_id: str
    part: Part

    @staticmethod
    def from_fields(fields: Fields) -> PartAddress:
        """Reads `{"member_id", "part"}`."""
        return PartAddress(fields.member_id(), fields.choice("part", PARTS))


@dataclass(frozen=True)
class Member:
    """A participant as the others see them.

    Args:
        member_id: unique within the server.
        name: unique within the room, 1 to 40 characters.
        avatar_id: hex SHA-256 of the avatar file, or None while none is chosen.
        kind: a person's browser or a bot.
        order: grows with each join in the room; the larger one offers.
        muted: voice is off.
        camera_on: the face is tracked; otherwise it rests.
    """

    member_id: str
    name: str
    avatar_id: str | None
    kind: MemberKind
    order: int
    muted: bool
    camera_on: bool

    @staticmethod
    def from_fields(fields: Fields) -> Member:
        """Reads a member."""
        return Member(
            member_id=fields.member_id(),
            name=fields.name(),
            avatar_id=fields.avatar_id(),
            kind=fields.choice("kind", MEMBER_KINDS),
            order=fields.integer("order"),
            muted=fields.flag("muted"),
            camera_on=fields.flag("camera_on"),
        )


@dataclass(frozen=True)
class IceServer:
    """A STUN or TURN server in the form of W3C `RTCIceServer`; `repr` keeps the credential to itself."""

    urls: tuple[str, ...]
    username: str | None = field(default=None, metadata={"optional": True})
    credential: str | None = field(default=None, repr=False, metadata={"optional": True})

    @staticmethod
    def from_fields(fields: Fields) -> IceServer:
        """Reads `{"urls", "username"?, "credential"?}`."""
        return IceServer(
            urls=fields.texts("urls", MAX_ICE_SERVERS, 512),
            username=fields.optional("username", lambda key: fields.text(key, 512), None),
            credential=fields.optional("credential", lambda key: fields.text(key, 512), None),
        )


@dataclass(frozen=True)
class SessionDescription:
    """An SDP offer or answer."""

    type: Literal["offer", "answer"]
    sdp: str


@dataclass(frozen=True)
class IceCandidate:
    """One ICE candidate, with the field names of W3C `RTCIceCandidateInit`."""

    candidate: str
    sdpMid: str | None
    sdpMLineIndex: int | None


@dataclass(frozen=True)
class SignalData:
    """What two parts tell each other through `signal`. The server relays it unread; the receiver parses it.

    Exactly one of `description`, `candidate` and `request` is set; a `candidate` of None is the end of candidates.

    Args:
        kind: the connection it is about.
        session: number of the attempt, chosen by the offering side, growing.
        description: offer or answer.
        candidate: an ICE candidate, None at their end, or UNSET.
        request: asks the offering side for a new session.
    """

    kind: SignalKind
    session: int
    description: SessionDescription | Unset = UNSET
    candidate: IceCandidate | Unset | None = UNSET
    request: Literal[True] | Unset = UNSET

    def to_data(self) -> dict[str, Any]:
        """The object to put into a `Signal`."""
        return to_plain(self)


def parse_signal_data(data: JsonObject) -> SignalData:
    """Parses the data of a relayed message, which comes from another part and not from the server.

    Raises:
        SignalingError: `bad_message`.
    """
    fields = Fields(data, "signal.data")
    kinds: tuple[SignalKind, ...] = ("leg", "face", "voice")
    kind: SignalKind = fields.choice("kind", kinds)
    session = fields.integer("session")
    if sum(map(fields.has, ("description", "candidate", "request"))) != 1:
        raise bad_message("signal.data holds not exactly one of description, candidate and request.")
    if fields.has("description"):
        nested = fields.object("description")
        types: tuple[Literal["offer", "answer"], ...] = ("offer", "answer")
        description = SessionDescription(nested.choice("type", types), nested.text("sdp", MAX_SDP_CHARS, 1))
        return SignalData(kind, session, description=description)
    if fields.has("request"):
        return SignalData(kind, session, request=fields.choice("request", (True,)))
    if fields.values["candidate"] is None:
        return SignalData(kind, session, candidate=None)
    nested = fields.object("candidate")
    candidate = IceCandidate(
        candidate=nested.text("candidate", 1_024),
        sdpMid=nested.optional("sdpMid", lambda key: nested.text(key, 64), None),
        sdpMLineIndex=nested.optional("sdpMLineIndex", lambda key: nested.integer(key, 0, 255), None),
    )
    return SignalData(kind, session, candidate=candidate)


def check_data_size(data: JsonObject) -> None:
    """Refuses data that could not be relayed within one message.

    Raises:
        SignalingError: `bad_message`.
    """
    if len(encode_object(data).encode()) > MAX_MESSAGE_BYTES - 512:  # room for the envelope
        raise bad_message("signal.data is too long to be relayed.")
