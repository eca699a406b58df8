"""The messages between a part and the server (docs/protocol.md, "Signaling messages")."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias, TypeVar

from codec.avatar_proof import NONCE_BYTES
from codec.signaling.fields import MAX_SENTENCE_CHARS, Fields, JsonObject, bad_message, decode_object
from codec.signaling.values import (
    MAX_ICE_SERVERS,
    MAX_MEMBERS,
    PARTS,
    SOCKET_PARTS,
    UNSET,
    HostedState,
    IceServer,
    Member,
    Message,
    Part,
    PartAddress,
    SocketPart,
    Unset,
    check_data_size,
)

T = TypeVar("T")
LeaveReason: TypeAlias = Literal["left", "lost"]


@dataclass(frozen=True)
class Hello(Message):
    """First message of a part. `token` is a join, resume or (for a client) attach token."""

    TYPE: ClassVar[str] = "hello"
    part: SocketPart
    token: str = field(repr=False)
    version: int = 1

    @staticmethod
    def from_fields(fields: Fields) -> Hello:
        """Reads the message; the caller checks `version`."""
        return Hello(fields.choice("part", SOCKET_PARTS), fields.token(), fields.integer("version"))


@dataclass(frozen=True)
class Join(Message):
    """Enter the room; after a resume, say again who one is."""

    TYPE: ClassVar[str] = "join"
    name: str
    avatar_id: str | None
    muted: bool
    camera_on: bool

    @staticmethod
    def from_fields(fields: Fields) -> Join:
        """Reads the message."""
        return Join(fields.name(), fields.avatar_id(), fields.flag("muted"), fields.flag("camera_on"))


@dataclass(frozen=True)
class Update(Message):
    """Change what the others see; `UNSET` fields stay as they are."""

    TYPE: ClassVar[str] = "update"
    name: str | Unset = UNSET
    avatar_id: str | Unset | None = UNSET
    muted: bool | Unset = UNSET
    camera_on: bool | Unset = UNSET

    @staticmethod
    def from_fields(fields: Fields) -> Update:
        """Reads the message."""
        return Update(
            name=fields.name() if fields.has("name") else UNSET,
            avatar_id=fields.avatar_id() if fields.has("avatar_id") else UNSET,
            muted=fields.flag("muted") if fields.has("muted") else UNSET,
            camera_on=fields.flag("camera_on") if fields.has("camera_on") else UNSET,
        )


@dataclass(frozen=True)
class Signal(Message):
    """Relay `data` (see `SignalData`) from this part to another one."""

    TYPE: ClassVar[str] = "signal"
    to: PartAddress
    part: Part
    data: JsonObject = field(repr=False)

    @staticmethod
    def from_fields(fields: Fields) -> Signal:
        """Reads the message; `data` is only checked to be an object that fits into a relayed message."""
        data = fields.object("data").values
        check_data_size(data)
        return Signal(PartAddress.from_fields(fields.object("to")), fields.choice("part", PARTS), data)


@dataclass(frozen=True)
class Leave(Message):
    """Leave the room for good."""

    TYPE: ClassVar[str] = "leave"

    @staticmethod
    def from_fields(fields: Fields) -> Leave:
        """Reads the message, which has no fields."""
        return Leave()


@dataclass(frozen=True)
class Welcome(Message):
    """Answer to `hello`. `hosted` tells whether the hosted client is attached (`self` for a bot)."""

    TYPE: ClassVar[str] = "welcome"
    member_id: str
    room: str
    ice_servers: tuple[IceServer, ...]
    resume_token: str = field(repr=False)
    hosted: HostedState
    version: int = 1

    @staticmethod
    def from_fields(fields: Fields) -> Welcome:
        """Reads the message."""
        states: tuple[HostedState, ...] = ("ready", "none", "self")
        return Welcome(
            member_id=fields.member_id(),
            room=fields.room(),
            ice_servers=tuple(map(IceServer.from_fields, fields.objects("ice_servers", MAX_ICE_SERVERS))),
            resume_token=fields.token("resume_token"),
            hosted=fields.choice("hosted", states),
            version=fields.integer("version"),
        )


@dataclass(frozen=True)
class Hosted(Message):
    """To a page: its hosted client attached (`ready`), is missing (`none`) or died and is being replaced (`lost`)."""

    TYPE: ClassVar[str] = "hosted"
    state: HostedState

    @staticmethod
    def from_fields(fields: Fields) -> Hosted:
        """Reads the message."""
        states: tuple[HostedState, ...] = ("ready", "none", "lost")
        return Hosted(fields.choice("state", states))


@dataclass(frozen=True)
class Joined(Message):
    """Answer to `join`: who one is and who else is there. A `resume_token` replaces that of `welcome`.

    `room_nonce` is for proofs (codec.avatar_proof); servers of before do not have it.
    """

    TYPE: ClassVar[str] = "joined"
    member: Member
    members: tuple[Member, ...]
    resume_token: str | None = field(default=None, repr=False, metadata={"optional": True})
    room_nonce: str | None = field(default=None, repr=False, metadata={"optional": True})

    @staticmethod
    def from_fields(fields: Fields) -> Joined:
        """Reads the message."""
        return Joined(
            member=Member.from_fields(fields.object("member")),
            members=tuple(map(Member.from_fields, fields.objects("members", MAX_MEMBERS))),
            resume_token=fields.optional("resume_token", fields.token, None),
            room_nonce=fields.optional("room_nonce", lambda key: fields.hexadecimal(key, NONCE_BYTES), None),
        )


@dataclass(frozen=True)
class MemberJoined(Message):
    """Somebody entered the room."""

    TYPE: ClassVar[str] = "member_joined"
    member: Member

    @staticmethod
    def from_fields(fields: Fields) -> MemberJoined:
        """Reads the message."""
        return MemberJoined(Member.from_fields(fields.object("member")))


@dataclass(frozen=True)
class MemberUpdated(Message):
    """A member, possibly oneself, looks different from now on."""

    TYPE: ClassVar[str] = "member_updated"
    member: Member

    @staticmethod
    def from_fields(fields: Fields) -> MemberUpdated:
        """Reads the message."""
        return MemberUpdated(Member.from_fields(fields.object("member")))


@dataclass(frozen=True)
class MemberLeft(Message):
    """A member is gone: it left, or its connection was lost for too long."""

    TYPE: ClassVar[str] = "member_left"
    member_id: str
    reason: LeaveReason

    @staticmethod
    def from_fields(fields: Fields) -> MemberLeft:
        """Reads the message."""
        reasons: tuple[LeaveReason, ...] = ("left", "lost")
        return MemberLeft(fields.member_id(), fields.choice("reason", reasons))


@dataclass(frozen=True)
class Relayed(Message):
    """A relayed `signal`; `sender` is stamped by the server."""

    TYPE: ClassVar[str] = "signal"
    sender: PartAddress = field(metadata={"key": "from"})
    data: JsonObject = field(repr=False)

    @staticmethod
    def from_fields(fields: Fields) -> Relayed:
        """Reads the message; `data` comes from another part: read it with `parse_signal_data`."""
        return Relayed(PartAddress.from_fields(fields.object("from")), fields.object("data").values)


@dataclass(frozen=True)
class Notice(Message):
    """One sentence for the person."""

    TYPE: ClassVar[str] = "notice"
    text: str

    @staticmethod
    def from_fields(fields: Fields) -> Notice:
        """Reads the message."""
        return Notice(fields.text("text", MAX_SENTENCE_CHARS, 1))


@dataclass(frozen=True)
class Error(Message):
    """A refusal. With `fatal` the server closes the socket next."""

    TYPE: ClassVar[str] = "error"
    error_code: str
    detail: str
    fatal: bool

    @staticmethod
    def from_fields(fields: Fields) -> Error:
        """Reads the message; codes that this version does not know are kept as they are."""
        detail = fields.text("detail", MAX_SENTENCE_CHARS)
        return Error(fields.text("error_code", 64, 1), detail, fields.flag("fatal"))


PartMessage: TypeAlias = Hello | Join | Update | Signal | Leave
"""What a part sends."""

ServerMessage: TypeAlias = (
    Welcome | Hosted | Joined | MemberJoined | MemberUpdated | MemberLeft | Relayed | Notice | Error
)
"""What the server sends to a part."""

_PART_MESSAGES: dict[str, type[PartMessage]] = {
    message.TYPE: message for message in (Hello, Join, Update, Signal, Leave)
}
_SERVER_MESSAGES: dict[str, type[ServerMessage]] = {
    message.TYPE: message
    for message in (Welcome, Hosted, Joined, MemberJoined, MemberUpdated, MemberLeft, Relayed, Notice, Error)
}


def parse_part_message(text: str) -> PartMessage:
    """Parses what a part sent; for the server.

    Raises:
        SignalingError: `bad_message`.
    """
    values = decode_object(text)
    return look_up(_PART_MESSAGES, values).from_fields(Fields(values, values["type"]))


def parse_server_message(text: str) -> ServerMessage:
    """Parses what the server sent; for a part.

    Raises:
        SignalingError: `bad_message`.
    """
    values = decode_object(text)
    return look_up(_SERVER_MESSAGES, values).from_fields(Fields(values, values["type"]))


def look_up(messages: dict[str, T], values: JsonObject) -> T:
    """The class for `values["type"]`.

    Raises:
        SignalingError: `bad_message` when there is none.
    """
    name = values.get("type")
    if not isinstance(name, str) or name not in messages:
        raise bad_message("The message has no type, or one that is unknown here.")
    return messages[name]
