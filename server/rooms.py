"""Rooms, lobbies and members: events in, commands out. No sockets, no clock, no tasks.

A member sits in the lobby of its room from `hello` to `join`. Time enters as `now` (monotonic seconds); deadlines pass
in `tick`.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from codec.signaling import (
    UNSET,
    Error,
    ErrorCode,
    Hosted,
    Join,
    Joined,
    Leave,
    LeaveReason,
    Member,
    MemberJoined,
    MemberLeft,
    MemberUpdated,
    Notice,
    Part,
    PartAddress,
    PartMessage,
    Relayed,
    ServerMessage,
    Signal,
    SignalingError,
    SocketPart,
    Update,
    Welcome,
)
from server.commands import ClosePart, ConfirmHosted, ReleaseHosted, RequestHosted, RoomCommand, SendToPart
from server.config import ServerConfig
from server.ice import ice_servers
from server.metrics import Metrics
from server.seats import Seat, SeatPlan, unique_name
from server.tokens import AttachClaims, JoinClaims, ResumeClaims, Tokens

CLOSE_LEFT = 1000
CLOSE_REFUSED = 1008

PARTS_OF_SOCKET: dict[SocketPart, tuple[Part, ...]] = {
    "page": ("page",),
    "client": ("client",),
    "bot": ("page", "client"),
}


class Rooms:
    """Every room of the server.

    Args:
        config: limits and times.
        tokens: signs resume tokens.
        metrics: counts what happens.
        wall_now: Unix time, for TURN credentials.
    """

    def __init__(
        self, config: ServerConfig, tokens: Tokens, metrics: Metrics, wall_now: Callable[[], float] = time.time
    ) -> None:
        self._config = config
        self._tokens = tokens
        self._metrics = metrics
        self._wall_now = wall_now
        self._seats = SeatPlan(config.max_rooms, config.max_lobby)
        self._sockets: dict[int, tuple[Seat, SocketPart]] = {}

    @property
    def member_count(self) -> int:
        """Members in rooms, lobbies not counted."""
        return sum(seat.member is not None for seat in self._seats.all())

    def is_in_room(self, member_id: str) -> bool:
        """Whether the member has joined."""
        seat = self._seats.get(member_id)
        return seat is not None and seat.member is not None

    @property
    def lobby_count(self) -> int:
        """Members in lobbies."""
        return sum(seat.member is None for seat in self._seats.all())

    @property
    def room_count(self) -> int:
        """Rooms with somebody in them or in their lobby."""
        return self._seats.room_count

    # Sockets -------------------------------------------------------------------------------------------------------

    def enter(
        self, connection_id: int, part: SocketPart, claims: JoinClaims | AttachClaims | ResumeClaims, now: float
    ) -> list[RoomCommand]:
        """A socket said hello with a verified token.

        Raises:
            SignalingError: fatal; the token does not fit, or a limit is reached.
        """
        match claims:
            case JoinClaims():
                if part == "client":
                    raise _refusal(ErrorCode.BAD_TOKEN, "A client attaches with an attach token.")
                kind = "bot" if part == "bot" else "browser"
                seat = self._seats.add(Seat(secrets.token_hex(8), claims.room, kind))
                seat.lobby_deadline = now + self._config.lobby_s
                if kind == "browser":
                    seat.client_deadline = now
            case ResumeClaims():
                if part != claims.part:
                    raise _refusal(ErrorCode.BAD_TOKEN, "This token belongs to another part.")
                seat = self._seats.get(claims.member_id) or self._restore(claims, now)
                seat.order_hint = claims.order if seat.order_hint is None else seat.order_hint
            case AttachClaims():
                found = self._seats.get(claims.member_id)
                if part != "client" or found is None:
                    raise _refusal(ErrorCode.BAD_TOKEN, "There is no such member any more.")
                seat = found
        if part == "client":
            assignment_id = claims.assignment_id if not isinstance(claims, JoinClaims) else None
            if assignment_id is None or seat.assignment_id not in (None, assignment_id):
                raise _refusal(ErrorCode.BAD_TOKEN, "Another hosted client serves this member.")
            seat.assignment_id = assignment_id
        return [*self._seat_socket(seat, connection_id, part), *self.tick(now)]

    def _seat_socket(self, seat: Seat, connection_id: int, part: SocketPart) -> Iterator[RoomCommand]:
        parts = PARTS_OF_SOCKET[part]
        for old in {seat.connections[one] for one in parts if one in seat.connections}:
            del self._sockets[old]
            detail = "This place in the call was taken over by another window or connection."
            yield SendToPart(old, Error(ErrorCode.REPLACED, detail, fatal=True))
            yield ClosePart(old, CLOSE_REFUSED, ErrorCode.REPLACED)
        seat.connections |= dict.fromkeys(parts, connection_id)
        self._sockets[connection_id] = (seat, part)
        if "page" in parts:
            seat.page_deadline = None
        if "client" in parts:
            seat.client_deadline = None
        believed = seat.hosted
        if part == "client":
            seat.hosted, seat.supervised = "ready", True
        welcome = Welcome(
            member_id=seat.member_id,
            room=seat.room,
            ice_servers=ice_servers(self._config, seat.member_id, self._wall_now()),
            resume_token=self._resume_token(seat, part),
            hosted="self" if seat.kind == "bot" else seat.hosted,
        )
        yield SendToPart(connection_id, welcome)
        if seat.member is not None:
            yield SendToPart(connection_id, self._joined(seat, seat.member, part))
        if part == "client":
            yield ConfirmHosted(seat.member_id)
            if believed != "ready":
                yield from _send_to(seat, "page", Hosted("ready"))

    def disconnect(self, connection_id: int, now: float) -> list[RoomCommand]:
        """A socket is gone; one that was replaced or never said hello is no loss."""
        entry = self._sockets.pop(connection_id, None)
        if entry is None:
            return []
        seat, part = entry
        for one in PARTS_OF_SOCKET[part]:
            seat.connections.pop(one, None)
        if part == "client":
            seat.client_deadline = now + (self._config.client_return_s if seat.supervised else 0.0)
        else:
            seat.page_deadline = now + self._config.grace_s
        return self.tick(now)

    def tick(self, now: float) -> list[RoomCommand]:
        """Gives up members that stayed away or never joined, and asks for hosted clients that are missing."""
        commands: list[RoomCommand] = []
        for seat in self._seats.all():
            if seat.page_deadline is not None and seat.page_deadline <= now:
                self._metrics.members_lost += 1
                commands += self._remove(seat, "lost")
            elif seat.lobby_deadline is not None and seat.lobby_deadline <= now:
                commands += [*self._say_lobby_is_over(seat), *self._remove(seat, "lost")]
            elif seat.client_deadline is not None and seat.client_deadline <= now:
                commands += self._replace_client(seat)
        return commands

    def _say_lobby_is_over(self, seat: Seat) -> Iterator[RoomCommand]:
        minutes = max(1, round(self._config.lobby_s / 60))
        detail = f"You have waited here for {minutes} minutes, so your place was given to others. Join to come in."
        yield from _send_to(seat, "page", Error(ErrorCode.NOT_JOINED, detail, fatal=True))

    # Hosted clients --------------------------------------------------------------------------------------------------

    def assign(self, member_id: str) -> str | None:
        """A worker was chosen for the member: the attach token for it, or None if the member is gone."""
        seat = self._seats.get(member_id)
        if seat is None:
            return None
        seat.assignment_id = secrets.token_hex(8)
        seat.supervised = True
        claims = AttachClaims(seat.room, member_id, seat.assignment_id)
        return self._tokens.sign(claims, self._config.attach_timeout_s + 60)

    def none_free(self, member_id: str) -> list[RoomCommand]:
        """No worker has room for the member for the moment."""
        seat = self._seats.get(member_id)
        return list(_send_to(seat, "page", Hosted("none"))) if seat else []

    def client_lost(self, member_id: str) -> list[RoomCommand]:
        """No worker answers for the member's client any more; if its socket is gone too, another one is needed."""
        seat = self._seats.get(member_id)
        if seat is None:
            return []
        seat.supervised = False
        return [] if "client" in seat.connections else self._replace_client(seat)

    def adopt(self, member_id: str) -> bool:
        """A worker that came back says that it serves the member; whether its client is attached."""
        seat = self._seats.get(member_id)
        if seat is None or "client" not in seat.connections:
            return False
        seat.supervised = True
        return True

    def _replace_client(self, seat: Seat) -> list[RoomCommand]:
        seat.client_deadline = None
        seat.assignment_id = None
        commands: list[RoomCommand] = []
        if seat.hosted == "ready":
            seat.hosted = "none"
            self._metrics.clients_lost += 1
            commands += _send_to(seat, "page", Hosted("lost"))
        return [*commands, RequestHosted(seat.member_id)]

    # Messages --------------------------------------------------------------------------------------------------------

    def receive(self, connection_id: int, message: PartMessage, now: float) -> list[RoomCommand]:
        """A message came from a socket that has said hello. One that was closed meanwhile is ignored.

        Raises:
            SignalingError: the message is refused; the socket stays open.
        """
        entry = self._sockets.get(connection_id)
        if entry is None:
            return []
        seat, part = entry
        if isinstance(message, Signal):
            return self._relay(connection_id, seat, message)
        if part == "client":
            raise SignalingError(ErrorCode.BAD_MESSAGE, f"Only a page or a bot sends {message.TYPE}.")
        match message:
            case Join():
                return self._join(connection_id, seat, part, message)
            case Update():
                return self._update(seat, message)
            case Leave():
                return self._remove(seat, "left")
            case _:
                raise SignalingError(ErrorCode.BAD_MESSAGE, "This connection has said hello already.")

    def _join(self, connection_id: int, seat: Seat, part: SocketPart, message: Join) -> list[RoomCommand]:
        if seat.member is not None:
            update = Update(message.name, message.avatar_id, message.muted, message.camera_on)
            commands = self._update(seat, update)
            return [*commands, SendToPart(connection_id, self._joined(seat, seat.member, part))]
        others = self._seats.others(seat)
        if len(others) >= self._config.max_members:
            detail = f"This room is full ({self._config.max_members} people). Try again when somebody has left."
            raise SignalingError(ErrorCode.ROOM_FULL, detail)
        name = unique_name(message.name, (member.name for _, member in others))
        order = self._seats.take_order(seat)
        seat.member = Member(
            seat.member_id, name, message.avatar_id, seat.kind, order, message.muted, message.camera_on
        )
        seat.lobby_deadline = None
        self._metrics.joins += 1
        commands: list[RoomCommand] = []
        for one in seat.connection_ids():
            commands.append(SendToPart(one, self._joined(seat, seat.member, self._sockets[one][1])))
        for other, _ in others:
            commands += _send(other, MemberJoined(seat.member))
        return [*commands, *_notice_name(seat, message.name, name)]

    def _update(self, seat: Seat, message: Update) -> list[RoomCommand]:
        if seat.member is None:
            raise SignalingError(ErrorCode.NOT_JOINED, "Join the room first.")
        old, others = seat.member, self._seats.others(seat)
        name = old.name
        if message.name is not UNSET and message.name != old.name:
            name = unique_name(message.name, (member.name for _, member in others))
        seat.member = replace(
            old,
            name=name,
            avatar_id=old.avatar_id if message.avatar_id is UNSET else message.avatar_id,
            muted=old.muted if message.muted is UNSET else message.muted,
            camera_on=old.camera_on if message.camera_on is UNSET else message.camera_on,
        )
        if seat.member == old:
            return []
        commands: list[RoomCommand] = []
        for one in (seat, *(other for other, _ in others)):
            commands += _send(one, MemberUpdated(seat.member))
        if name != old.name and message.name is not UNSET:
            commands += _notice_name(seat, message.name, name)
        return commands

    def _relay(self, connection_id: int, seat: Seat, message: Signal) -> list[RoomCommand]:
        if seat.connections.get(message.part) != connection_id:
            raise SignalingError(ErrorCode.BAD_MESSAGE, f"This connection is not the {message.part} of its member.")
        target = seat
        if message.to.member_id != seat.member_id:
            if seat.member is None:
                raise SignalingError(ErrorCode.NOT_JOINED, "Join the room first.")
            other = self._seats.get(message.to.member_id)
            if other is None or other.member is None or other.room != seat.room:
                raise SignalingError(ErrorCode.UNKNOWN_MEMBER, "There is no such member in this room.")
            target = other
        relayed = Relayed(PartAddress(seat.member_id, message.part), message.data)
        commands = list(_send_to(target, message.to.part, relayed))
        if commands:
            self._metrics.relayed += 1
        else:
            self._metrics.relay_dropped += 1
        return commands

    # Seats -----------------------------------------------------------------------------------------------------------

    def _restore(self, claims: ResumeClaims, now: float) -> Seat:
        """The seat of a member that this server has forgotten: it starts in the lobby, with its id and order."""
        kind = "bot" if claims.part == "bot" else "browser"
        seat = self._seats.add(Seat(claims.member_id, claims.room, kind, order_hint=claims.order), is_new=False)
        seat.lobby_deadline = now + self._config.lobby_s
        if kind == "browser":
            seat.hosted = "ready"  # a client may well be there and come back next
            seat.page_deadline = now + self._config.grace_s
            seat.client_deadline = now + self._config.client_return_s
        return seat

    def _remove(self, seat: Seat, reason: LeaveReason) -> list[RoomCommand]:
        self._seats.remove(seat)
        commands: list[RoomCommand] = []
        for connection_id in seat.connection_ids():
            del self._sockets[connection_id]
            commands.append(ClosePart(connection_id, CLOSE_LEFT, reason))
        if seat.member is not None:
            for other, _ in self._seats.others(seat):
                commands += _send(other, MemberLeft(seat.member_id, reason))
        if seat.kind == "browser":
            commands.append(ReleaseHosted(seat.member_id))
        return commands

    def _joined(self, seat: Seat, member: Member, part: SocketPart) -> Joined:
        others = tuple(other for _, other in self._seats.others(seat))
        return Joined(member, others, self._resume_token(seat, part), self._seats.nonce(seat))

    def _resume_token(self, seat: Seat, part: SocketPart) -> str:
        assignment_id = seat.assignment_id if part == "client" else None
        claims = ResumeClaims(seat.room, seat.member_id, part, seat.order_hint, assignment_id)
        return self._tokens.sign(claims, self._config.resume_token_s)


def _notice_name(seat: Seat, wanted: str, name: str) -> Iterator[RoomCommand]:
    if name != wanted:
        yield from _send_to(seat, "page", Notice(f"Somebody here is called {wanted} already, so you are {name}."))


def _send_to(seat: Seat, part: Part, message: ServerMessage) -> Iterator[RoomCommand]:
    if part in seat.connections:
        yield SendToPart(seat.connections[part], message)


def _send(seat: Seat, message: ServerMessage) -> list[RoomCommand]:
    return [SendToPart(connection_id, message) for connection_id in seat.connection_ids()]


def _refusal(error_code: ErrorCode, detail: str) -> SignalingError:
    return SignalingError(error_code, detail, fatal=True)
