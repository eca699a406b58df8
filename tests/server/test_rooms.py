"""Rooms as a pure state machine: no sockets, a clock that is a number."""

import contextlib

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from codec.signaling import (
    Error,
    Hosted,
    Join,
    Joined,
    Leave,
    MemberJoined,
    MemberLeft,
    PartAddress,
    Relayed,
    Signal,
    SignalingError,
    Update,
    Welcome,
)
from server.commands import ClosePart, ConfirmHosted, ReleaseHosted, RequestHosted, SendToPart
from server.config import ServerConfig
from server.metrics import Metrics
from server.rooms import Rooms
from server.seats import unique_name
from server.tokens import AttachClaims, JoinClaims, ResumeClaims, Tokens

SECRET = "a secret for tests only"
TOKENS = Tokens(SECRET, lambda: 0.0)


def make_rooms(**limits) -> Rooms:
    return Rooms(ServerConfig(secret=SECRET, **limits), TOKENS, Metrics(), lambda: 0.0)


def sent(commands, connection_id: int) -> list:
    return [c.message for c in commands if isinstance(c, SendToPart) and c.connection_id == connection_id]


def enter(rooms: Rooms, connection_id: int, now: float = 0.0, part="page", room="demo") -> Welcome:
    return sent(rooms.enter(connection_id, part, JoinClaims(room), now), connection_id)[0]


def join(rooms: Rooms, connection_id: int, name: str = "Ada", now: float = 0.0) -> Joined:
    commands = rooms.receive(connection_id, Join(name, None, False, True), now)
    return next(message for message in sent(commands, connection_id) if isinstance(message, Joined))


def attach(rooms: Rooms, connection_id: int, member_id: str, now: float = 0.0) -> list:
    token = rooms.assign(member_id)
    assert token is not None
    return rooms.enter(connection_id, "client", TOKENS.verify(token, AttachClaims), now)


def test_a_browser_asks_for_a_hosted_client_and_a_bot_does_not():
    rooms = make_rooms()
    commands = rooms.enter(1, "page", JoinClaims("demo"), 0.0)
    member_id = sent(commands, 1)[0].member_id
    assert commands[1:] == [RequestHosted(member_id)]
    commands = attach(rooms, 2, member_id)
    assert ConfirmHosted(member_id) in commands
    assert sent(commands, 1) == [Hosted("ready")]
    commands = rooms.enter(3, "bot", JoinClaims("demo"), 0.0)
    assert [type(command) for command in commands] == [SendToPart]


def test_a_page_alone_keeps_its_member_and_a_client_alone_does_not():
    rooms = make_rooms(grace_s=15)
    member_id = enter(rooms, 1).member_id
    attach(rooms, 2, member_id)
    join(rooms, 1)
    enter(rooms, 3, part="bot")
    join(rooms, 3, "Ben")
    assert rooms.disconnect(1, 100.0) == []
    assert rooms.tick(114.9) == []
    commands = rooms.tick(115.0)
    assert sent(commands, 3) == [MemberLeft(member_id, "lost")]
    assert ClosePart(2, 1000, "lost") in commands
    assert ReleaseHosted(member_id) in commands
    assert rooms.disconnect(2, 116.0) == []
    assert rooms.member_count == 1


def test_a_lost_client_may_return_within_its_time():
    rooms = make_rooms(client_return_s=5)
    member_id = enter(rooms, 1).member_id
    token = sent(attach(rooms, 2, member_id), 2)[0].resume_token
    assert rooms.disconnect(2, 10.0) == []
    commands = rooms.enter(3, "client", TOKENS.verify(token, ResumeClaims), 14.0)
    assert sent(commands, 1) == []  # the page never hears of it, so its leg goes on
    rooms.disconnect(3, 20.0)
    assert rooms.tick(24.9) == []
    assert rooms.tick(25.0) == [SendToPart(1, Hosted("lost")), RequestHosted(member_id)]
    assert rooms.tick(100.0) == []
    attach(rooms, 4, member_id, 100.0)
    with pytest.raises(SignalingError, match="Another hosted client"):
        rooms.enter(5, "client", TOKENS.verify(token, ResumeClaims), 100.0)


def test_a_client_without_its_worker_is_replaced_only_when_its_socket_goes_too():
    rooms = make_rooms(client_return_s=5)
    member_id = enter(rooms, 1).member_id
    attach(rooms, 2, member_id)
    assert rooms.client_lost(member_id) == []
    assert rooms.adopt(member_id)  # the worker was only disconnected
    assert rooms.client_lost(member_id) == []
    assert rooms.disconnect(2, 10.0) == [SendToPart(1, Hosted("lost")), RequestHosted(member_id)]
    assert not rooms.adopt(member_id)


def test_an_old_attach_token_is_worth_nothing():
    rooms = make_rooms()
    member_id = enter(rooms, 1).member_id
    old = rooms.assign(member_id)
    rooms.assign(member_id)
    with pytest.raises(SignalingError) as caught:
        rooms.enter(2, "client", TOKENS.verify(old, AttachClaims), 0.0)
    assert caught.value.error_code == "bad_token"


def test_after_a_restart_everyone_gets_their_place_back_in_any_order():
    rooms = make_rooms()
    for connection_id, name in ((1, "Ada"), (2, "Ben"), (3, "Cy")):
        enter(rooms, connection_id, part="bot")
        joined = join(rooms, connection_id, name)
    tokens = {}
    for connection_id, name in ((1, "Ada"), (2, "Ben"), (3, "Cy")):
        joined = join(rooms, connection_id, name)
        tokens[name] = (joined.member, TOKENS.verify(joined.resume_token, ResumeClaims))
    rooms = make_rooms()
    enter(rooms, 9, part="bot")
    assert join(rooms, 9, "New").member.order == 1
    for connection_id, name in ((3, "Cy"), (1, "Ada"), (2, "Ben")):
        member, claims = tokens[name]
        rooms.enter(connection_id, "bot", claims, 0.0)
        again = join(rooms, connection_id, name).member
        assert again.member_id == member.member_id
        assert again.order == (member.order if name != "Ada" else 4)  # hers was taken by the newcomer


def test_a_resumed_page_whose_client_does_not_return_gets_another():
    rooms = make_rooms(client_return_s=5)
    commands = rooms.enter(1, "page", ResumeClaims("demo", "m1", "page", 4), 100.0)
    assert sent(commands, 1)[0].hosted == "ready"
    assert rooms.tick(104.9) == []
    assert rooms.tick(105.0) == [SendToPart(1, Hosted("lost")), RequestHosted("m1")]


def test_signals_to_a_part_that_is_away_are_dropped():
    rooms = make_rooms()
    for connection_id, name in ((1, "Ada"), (2, "Ben")):
        enter(rooms, connection_id, part="bot")
        member = join(rooms, connection_id, name).member
    rooms.disconnect(2, 1.0)
    signal = Signal(PartAddress(member.member_id, "client"), "client", {})
    assert rooms.receive(1, signal, 1.0) == []
    commands = rooms.receive(1, Signal(PartAddress(member.member_id, "client"), "page", {}), 1.0)
    assert commands == []


def test_members_of_a_room_get_its_nonce_and_another_room_has_another():
    rooms = make_rooms()
    for number, room in enumerate(("demo", "demo", "other")):
        enter(rooms, number, room=room)
    nonces = [join(rooms, number).room_nonce for number in range(3)]
    assert nonces[0] == nonces[1] != nonces[2]
    assert all(nonce is not None and len(bytes.fromhex(nonce)) == 32 for nonce in nonces)
    for number in (0, 1):
        rooms.receive(number, Leave(), 1.0)
    enter(rooms, 5)
    assert join(rooms, 5).room_nonce not in nonces


def test_limits_of_rooms_and_lobbies():
    rooms = make_rooms(max_rooms=2, max_lobby=2)
    enter(rooms, 1, room="one")
    enter(rooms, 2, room="two")
    with pytest.raises(SignalingError) as caught:
        enter(rooms, 3, room="three")
    assert (caught.value.error_code, caught.value.fatal) == ("too_many_rooms", True)
    enter(rooms, 4, room="one")
    with pytest.raises(SignalingError) as caught:
        enter(rooms, 5, room="one")
    assert (caught.value.error_code, caught.value.fatal) == ("room_full", True)
    rooms.receive(2, Leave(), 0.0)
    enter(rooms, 6, room="three")
    rooms.enter(7, "page", ResumeClaims("three", "m7", "page", 1), 0.0)
    rooms.enter(8, "page", ResumeClaims("three", "m8", "page", 2), 0.0)  # who comes back finds the lobby open


def test_a_lobby_is_no_place_to_stay():
    rooms = make_rooms(lobby_s=600)
    waiting, joined = enter(rooms, 1).member_id, enter(rooms, 2).member_id
    attach(rooms, 3, waiting)
    join(rooms, 2)
    assert rooms.tick(599.9) == []
    commands = rooms.tick(600.0)
    error = sent(commands, 1)[0]
    assert (error.error_code, error.fatal) == ("not_joined", True)
    assert "10 minutes" in error.detail
    assert [command.connection_id for command in commands if isinstance(command, ClosePart)] == [1, 3]
    assert commands[-1] == ReleaseHosted(waiting)
    assert rooms.tick(10_000.0) == []
    assert (rooms.is_in_room(joined), rooms.lobby_count) == (True, 0)


def test_who_comes_back_to_the_lobby_after_a_restart_may_wait_as_long():
    rooms = make_rooms(lobby_s=600)
    rooms.enter(1, "page", ResumeClaims("demo", "m1", "page", 1), 100.0)
    assert not any(isinstance(command, ClosePart) for command in rooms.tick(699.9))
    assert ClosePart(1, 1000, "lost") in rooms.tick(700.0)


@pytest.mark.parametrize(
    ("wanted", "taken", "name"),
    [
        ("Ada", [], "Ada"),
        ("Ada", ["Ben"], "Ada"),
        ("Ada", ["Ada"], "Ada (2)"),
        ("Ada", ["ada", "Ada (2)"], "Ada (3)"),
        ("Ａda", ["Ada"], "Ａda (2)"),
        ("A  da", ["A da"], "A  da (2)"),
        ("n" * 40, ["n" * 40], "n" * 36 + " (2)"),
    ],
)
def test_unique_names(wanted, taken, name):
    assert unique_name(wanted, taken) == name


class RoomsUnderStress(RuleBasedStateMachine):
    """Whatever happens, what clients were told agrees with what the rooms hold."""

    def __init__(self) -> None:
        super().__init__()
        self.rooms = make_rooms(max_members=3, max_lobby=4, max_rooms=2)
        self.now = 0.0
        self.next_id = 1
        self.open: dict[int, tuple[str, str]] = {}  # connection -> (member id, part)
        self.resume: dict[str, str] = {}
        self.seen: dict[int, set[str]] = {}  # connection of a joined member -> the others, as it was told

    def run(self, commands) -> None:
        for command in commands:
            if isinstance(command, ClosePart):
                self.open.pop(command.connection_id, None)
                self.seen.pop(command.connection_id, None)
            elif isinstance(command, SendToPart):
                assert command.connection_id in self.open, "a message to a closed connection"
                self.read(command.connection_id, command.message)

    def read(self, connection_id: int, message) -> None:
        match message:
            case Joined():
                self.seen[connection_id] = {member.member_id for member in message.members}
                assert message.member.name not in [member.name for member in message.members]
                assert message.member.order not in [member.order for member in message.members]
            case MemberJoined():
                assert message.member.member_id not in self.seen[connection_id]
                self.seen[connection_id].add(message.member.member_id)
            case MemberLeft():
                self.seen[connection_id].remove(message.member_id)
            case Error() | Relayed():
                pass

    def hello(self, part: str, claims) -> None:
        connection_id, self.next_id = self.next_id, self.next_id + 1
        self.open[connection_id] = ("", part)
        try:
            commands = self.rooms.enter(connection_id, part, claims, self.now)
        except SignalingError:
            del self.open[connection_id]
            return
        welcome = next(message for message in sent(commands, connection_id) if isinstance(message, Welcome))
        self.open[connection_id] = (welcome.member_id, part)
        self.resume[welcome.member_id] = welcome.resume_token
        self.run(commands)

    @rule(room=st.sampled_from(["one", "two", "three"]), part=st.sampled_from(["page", "bot"]))
    def enter(self, room, part):
        self.hello(part, JoinClaims(room))

    @rule(data=st.data())
    def come_back(self, data):
        if self.resume:
            claims = TOKENS.verify(self.resume[data.draw(st.sampled_from(list(self.resume)))], ResumeClaims)
            self.hello(claims.part, claims)

    @rule(data=st.data())
    def attach(self, data):
        pages = [member_id for member_id, part in self.open.values() if part == "page"]
        if pages:
            token = self.rooms.assign(data.draw(st.sampled_from(pages)))
            if token is not None:
                self.hello("client", TOKENS.verify(token, AttachClaims))

    @rule(
        data=st.data(),
        message=st.sampled_from([Join("Ada", None, False, True), Update(name="Ben"), Update(muted=True), Leave()]),
    )
    def say(self, data, message):
        if self.open:
            connection_id = data.draw(st.sampled_from(sorted(self.open)))
            with contextlib.suppress(SignalingError):
                self.run(self.rooms.receive(connection_id, message, self.now))

    @rule(data=st.data())
    def drop(self, data):
        if self.open:
            connection_id = data.draw(st.sampled_from(sorted(self.open)))
            del self.open[connection_id]
            self.seen.pop(connection_id, None)
            self.run(self.rooms.disconnect(connection_id, self.now))

    @rule(seconds=st.sampled_from([1.0, 6.0, 16.0]))
    def wait(self, seconds):
        self.now += seconds
        self.run(self.rooms.tick(self.now))

    @invariant()
    def limits_hold(self):
        assert self.rooms.room_count <= 2
        assert self.rooms.member_count <= 6
        assert all(len(others) < 3 for others in self.seen.values())

    def teardown(self):
        for connection_id in list(self.open):
            self.rooms.disconnect(connection_id, self.now)
        self.rooms.tick(self.now + 1_000)
        assert (self.rooms.room_count, self.rooms.member_count, self.rooms.lobby_count) == (0, 0, 0)


RoomsUnderStress.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestRoomsUnderStress = RoomsUnderStress.TestCase
