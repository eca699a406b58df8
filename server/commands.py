"""What the sans-IO state machines of the server want done. The shells carry it out, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from codec.signaling import ServerMessage


@dataclass(frozen=True)
class SendToPart:
    """Send a message to a part's socket."""

    connection_id: int
    message: ServerMessage


@dataclass(frozen=True)
class ClosePart:
    """Close a part's socket."""

    connection_id: int
    code: int
    reason: str


@dataclass(frozen=True)
class RequestHosted:
    """A member needs a hosted client; an earlier one is given up."""

    member_id: str


@dataclass(frozen=True)
class ConfirmHosted:
    """The hosted client of a member has attached."""

    member_id: str


@dataclass(frozen=True)
class ReleaseHosted:
    """A member needs its hosted client no more."""

    member_id: str


RoomCommand: TypeAlias = SendToPart | ClosePart | RequestHosted | ConfirmHosted | ReleaseHosted
"""What `server.rooms` asks for."""


@dataclass(frozen=True)
class AssignClient:
    """Tell a worker to serve a member."""

    worker_id: int
    member_id: str


@dataclass(frozen=True)
class UnassignClient:
    """Tell a worker to stop serving a member."""

    worker_id: int
    member_id: str


@dataclass(frozen=True)
class ReportNoneFree:
    """Tell a member that no worker has room for it; it waits in line."""

    member_id: str


@dataclass(frozen=True)
class ReportClientLost:
    """Tell a member's room that no worker serves it any more."""

    member_id: str


WorkerPoolCommand: TypeAlias = AssignClient | UnassignClient | ReportNoneFree | ReportClientLost
"""What `server.workers` asks for."""
