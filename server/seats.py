"""Members' places: who sits where, with which sockets, since when one of them is missing, and how many may."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from codec.avatar_proof import NONCE_BYTES
from codec.signaling import MAX_NAME_CHARS, ErrorCode, Member, MemberKind, Part, SignalingError


@dataclass(eq=False)
class Seat:
    """The state of one member, in the lobby or in the room.

    Args:
        member_id: unique within the server.
        room: name of the room.
        kind: a person's browser or a bot.
        order_hint: the order it had before the server forgot it.
        member: what the others see; None in the lobby.
        connections: the socket of each part; a bot has one socket for both.
        page_deadline: when the member is given up, while its page is gone.
        lobby_deadline: when the seat is given up, unless it joins.
        client_deadline: when another hosted client is asked for, while there is none; None when it was asked for.
        assignment_id: which hosted client may attach.
        hosted: what the page believes: whether its hosted client is there.
        supervised: a worker answers for the hosted client, so a lost socket may come back.
    """

    member_id: str
    room: str
    kind: MemberKind
    order_hint: int | None = None
    member: Member | None = None
    connections: dict[Part, int] = field(default_factory=lambda: {})
    page_deadline: float | None = None
    lobby_deadline: float | None = None
    client_deadline: float | None = None
    assignment_id: str | None = None
    hosted: Literal["ready", "none"] = "none"
    supervised: bool = False

    def connection_ids(self) -> tuple[int, ...]:
        """Its sockets, each once."""
        return tuple(dict.fromkeys(self.connections.values()))


class SeatPlan:
    """All seats of the server, by member and by room. A room exists while somebody sits in it or in its lobby.

    Args:
        max_rooms: rooms at once.
        max_lobby: members in the lobby of one room.
    """

    def __init__(self, max_rooms: int, max_lobby: int) -> None:
        self._max_rooms = max_rooms
        self._max_lobby = max_lobby
        self._seats: dict[str, Seat] = {}
        self._rooms: dict[str, list[Seat]] = {}
        self._next_order: dict[str, int] = {}
        self._nonces: dict[str, str] = {}

    @property
    def room_count(self) -> int:
        """Rooms with somebody in them or in their lobby."""
        return len(self._rooms)

    def all(self) -> tuple[Seat, ...]:
        """Every seat, as of now."""
        return tuple(self._seats.values())

    def get(self, member_id: str) -> Seat | None:
        """The seat of a member."""
        return self._seats.get(member_id)

    def add(self, seat: Seat, *, is_new: bool = True) -> Seat:
        """Puts a seat into the lobby of its room; one that comes back is not kept out by a full lobby.

        Raises:
            SignalingError: fatal; there are too many rooms, or too many members wait in this lobby.
        """
        room = self._rooms.get(seat.room, [])
        if not room and len(self._rooms) >= self._max_rooms:
            detail = "This server has no room left for another call. Try again later."
            raise SignalingError(ErrorCode.TOO_MANY_ROOMS, detail, fatal=True)
        if is_new and sum(other.member is None for other in room) >= self._max_lobby:
            detail = "Too many people are waiting to enter this room. Try again later."
            raise SignalingError(ErrorCode.ROOM_FULL, detail, fatal=True)
        self._rooms.setdefault(seat.room, []).append(seat)
        self._nonces.setdefault(seat.room, secrets.token_hex(NONCE_BYTES))
        self._seats[seat.member_id] = seat
        return seat

    def remove(self, seat: Seat) -> None:
        """Takes a seat away."""
        del self._seats[seat.member_id]
        room = self._rooms[seat.room]
        room.remove(seat)
        if not room:
            del self._rooms[seat.room]
            self._next_order.pop(seat.room, None)
            del self._nonces[seat.room]

    def nonce(self, seat: Seat) -> str:
        """What members' proofs are made for, hex: random, of this room as long as it exists."""
        return self._nonces[seat.room]

    def others(self, seat: Seat) -> list[tuple[Seat, Member]]:
        """Who else is in the room of this seat, lobby excluded, in the order of joins."""
        room = self._rooms.get(seat.room, [])
        joined = [(other, other.member) for other in room if other is not seat and other.member is not None]
        return sorted(joined, key=lambda entry: entry[1].order)

    def take_order(self, seat: Seat) -> int:
        """The next number in the order of joins, or the one that the seat had before unless somebody else has it."""
        order, next_order = seat.order_hint, self._next_order.get(seat.room, 1)
        if order is None or any(member.order == order for _, member in self.others(seat)):
            order = next_order
        self._next_order[seat.room] = max(next_order, order + 1)
        seat.order_hint = order
        return order


def unique_name(wanted: str, taken: Iterable[str]) -> str:
    """`wanted`, or `wanted (2)` and so on when somebody has a name that looks the same."""
    folded = {_fold(name) for name in taken}
    if _fold(wanted) not in folded:
        return wanted
    number = 2
    while True:
        suffix = f" ({number})"
        name = wanted[: MAX_NAME_CHARS - len(suffix)].rstrip() + suffix
        if _fold(name) not in folded:
            return name
        number += 1


def _fold(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
