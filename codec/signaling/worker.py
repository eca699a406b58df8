"""The messages between a hosted client process (worker) and the server (docs/protocol.md, "Hosted clients")."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from codec.signaling.fields import Fields, decode_object
from codec.signaling.messages import Error, look_up
from codec.signaling.values import MAX_MEMBERS, Message

MAX_CAPACITY = MAX_MEMBERS
"""Most members that one worker may offer to serve."""


@dataclass(frozen=True)
class WorkerHello(Message):
    """First message of a worker.

    Args:
        token: of kind `worker`.
        capacity: how many members it serves at once, including those it serves already.
        members: ids of members that it serves already, when it comes back after a lost socket.
    """

    TYPE: ClassVar[str] = "hello"
    token: str = field(repr=False)
    capacity: int
    members: tuple[str, ...] = ()
    version: int = 1

    @staticmethod
    def from_fields(fields: Fields) -> WorkerHello:
        """Reads the message; the caller checks `version`."""
        return WorkerHello(
            token=fields.token(),
            capacity=fields.integer("capacity", 1, MAX_CAPACITY),
            members=fields.optional("members", lambda key: fields.texts(key, MAX_CAPACITY, 64), ()),
            version=fields.integer("version"),
        )


@dataclass(frozen=True)
class WorkerWelcome(Message):
    """Answer to a worker's `hello`."""

    TYPE: ClassVar[str] = "welcome"
    version: int = 1

    @staticmethod
    def from_fields(fields: Fields) -> WorkerWelcome:
        """Reads the message."""
        return WorkerWelcome(fields.integer("version"))


@dataclass(frozen=True)
class Assign(Message):
    """Serve this member: open `/api/ws` as its client with the attach token."""

    TYPE: ClassVar[str] = "assign"
    member_id: str
    attach_token: str = field(repr=False)

    @staticmethod
    def from_fields(fields: Fields) -> Assign:
        """Reads the message."""
        return Assign(fields.member_id(), fields.token("attach_token"))


@dataclass(frozen=True)
class Unassign(Message):
    """Stop serving this member."""

    TYPE: ClassVar[str] = "unassign"
    member_id: str

    @staticmethod
    def from_fields(fields: Fields) -> Unassign:
        """Reads the message."""
        return Unassign(fields.member_id())


WorkerMessage: TypeAlias = WorkerHello
"""What a worker sends."""

WorkerCommand: TypeAlias = WorkerWelcome | Assign | Unassign | Error
"""What the server sends to a worker."""

_WORKER_MESSAGES: dict[str, type[WorkerMessage]] = {WorkerHello.TYPE: WorkerHello}
_WORKER_COMMANDS: dict[str, type[WorkerCommand]] = {
    message.TYPE: message for message in (WorkerWelcome, Assign, Unassign, Error)
}


def parse_worker_message(text: str) -> WorkerMessage:
    """Parses what a worker sent; for the server.

    Raises:
        SignalingError: `bad_message`.
    """
    values = decode_object(text)
    return look_up(_WORKER_MESSAGES, values).from_fields(Fields(values, values["type"]))


def parse_worker_command(text: str) -> WorkerCommand:
    """Parses what the server sent; for a worker.

    Raises:
        SignalingError: `bad_message`.
    """
    values = decode_object(text)
    return look_up(_WORKER_COMMANDS, values).from_fields(Fields(values, values["type"]))
