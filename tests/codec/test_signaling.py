import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.signaling import (
    MAX_MESSAGE_BYTES,
    UNSET,
    Assign,
    Error,
    ErrorCode,
    Hello,
    Hosted,
    IceCandidate,
    IceServer,
    Join,
    Joined,
    Leave,
    Member,
    MemberJoined,
    MemberLeft,
    MemberUpdated,
    Notice,
    PartAddress,
    Relayed,
    SessionDescription,
    Signal,
    SignalData,
    SignalingError,
    Unassign,
    Update,
    Welcome,
    WorkerHello,
    WorkerWelcome,
    parse_part_message,
    parse_server_message,
    parse_signal_data,
    parse_worker_command,
    parse_worker_message,
)

AVATAR_ID = "0123456789abcdef" * 4
ADA = Member("m1", "Ada", AVATAR_ID, "browser", 1, False, True)
BEN = Member("m2", "Ben 🦊", None, "bot", 2, True, False)
DATA = SignalData("leg", 3, description=SessionDescription("offer", "v=0\r\n")).to_data()

EXAMPLES = [
    (
        parse_part_message,
        Hello("page", "t.o.k"),
        {"type": "hello", "part": "page", "token": "t.o.k", "version": 1},
    ),
    (
        parse_part_message,
        Join("Ada", None, True, False),
        {"type": "join", "name": "Ada", "avatar_id": None, "muted": True, "camera_on": False},
    ),
    (parse_part_message, Update(), {"type": "update"}),
    (
        parse_part_message,
        Update(name="Ben", avatar_id=None, muted=True),
        {"type": "update", "name": "Ben", "avatar_id": None, "muted": True},
    ),
    (
        parse_part_message,
        Signal(PartAddress("m2", "client"), "page", DATA),
        {"type": "signal", "to": {"member_id": "m2", "part": "client"}, "part": "page", "data": DATA},
    ),
    (parse_part_message, Leave(), {"type": "leave"}),
    (
        parse_server_message,
        Welcome("m1", "lobby", (IceServer(("stun:a",)), IceServer(("turn:b",), "u", "c")), "r.t", "none"),
        {
            "type": "welcome",
            "member_id": "m1",
            "room": "lobby",
            "ice_servers": [{"urls": ["stun:a"]}, {"urls": ["turn:b"], "username": "u", "credential": "c"}],
            "resume_token": "r.t",
            "hosted": "none",
            "version": 1,
        },
    ),
    (parse_server_message, Hosted("lost"), {"type": "hosted", "state": "lost"}),
    (
        parse_server_message,
        Joined(ADA, (BEN,)),
        {
            "type": "joined",
            "member": {
                "member_id": "m1",
                "name": "Ada",
                "avatar_id": AVATAR_ID,
                "kind": "browser",
                "order": 1,
                "muted": False,
                "camera_on": True,
            },
            "members": [
                {
                    "member_id": "m2",
                    "name": "Ben 🦊",
                    "avatar_id": None,
                    "kind": "bot",
                    "order": 2,
                    "muted": True,
                    "camera_on": False,
                }
            ],
        },
    ),
    (parse_server_message, Joined(ADA, (), "r.t2"), None),
    (parse_server_message, Joined(ADA, (), None, "0a" * 32), None),
    (parse_server_message, MemberJoined(BEN), None),
    (parse_server_message, MemberUpdated(BEN), None),
    (
        parse_server_message,
        MemberLeft("m1", "lost"),
        {"type": "member_left", "member_id": "m1", "reason": "lost"},
    ),
    (
        parse_server_message,
        Relayed(PartAddress("m1", "page"), DATA),
        {"type": "signal", "from": {"member_id": "m1", "part": "page"}, "data": DATA},
    ),
    (parse_server_message, Notice("Hello."), {"type": "notice", "text": "Hello."}),
    (
        parse_server_message,
        Error(ErrorCode.ROOM_FULL, "Full.", False),
        {"type": "error", "error_code": "room_full", "detail": "Full.", "fatal": False},
    ),
    (
        parse_worker_message,
        WorkerHello("w.t", 4, ("m1",)),
        {"type": "hello", "token": "w.t", "capacity": 4, "members": ["m1"], "version": 1},
    ),
    (parse_worker_command, WorkerWelcome(), {"type": "welcome", "version": 1}),
    (
        parse_worker_command,
        Assign("m1", "a.t"),
        {"type": "assign", "member_id": "m1", "attach_token": "a.t"},
    ),
    (parse_worker_command, Unassign("m1"), {"type": "unassign", "member_id": "m1"}),
]


@pytest.mark.parametrize(("parse", "message", "values"), EXAMPLES, ids=lambda x: getattr(type(x), "__name__", ""))
def test_messages_have_the_documented_form_and_round_trip(parse, message, values):
    text = message.to_json()
    assert parse(text) == message
    if values is not None:
        assert json.loads(text) == values
    assert parse(json.dumps({**json.loads(text), "from_the_future": 1})) == message


def test_every_field_of_every_message_is_needed_or_documented_as_optional():
    optional = {("update", key) for key in ("name", "avatar_id", "muted", "camera_on")}
    optional |= {("joined", "resume_token"), ("joined", "room_nonce"), ("hello", "members")}
    for parse, message, _ in EXAMPLES:
        values = json.loads(message.to_json())
        for key in values:
            without = json.dumps({name: value for name, value in values.items() if name != key})
            if (values["type"], key) in optional:
                parse(without)
                continue
            with pytest.raises(SignalingError) as caught:
                parse(without)
            assert caught.value.error_code == "bad_message"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '"hello"',
        "null",
        "{}",
        '{"type": 1}',
        '{"type": "nonsense"}',
        '{"type": ["leave"]}',
        '{"type": "leave", "x": NaN}',
        '{"type": "leave", "x": 1e999}',
        '{"type": "leave", "x": "\\ud800"}',
        '{"type": "leave", "x": ' + "[" * 30_000 + "]" * 30_000 + "}",
        '{"type": "leave", "x": ' + "[" * 20 + "]" * 20 + "}",
        '{"type": "leave", "x": ' + "9" * 5_000 + "}",
        '{"type": "leave", "x": "' + "x" * MAX_MESSAGE_BYTES + '"}',
        '{"type": "leave", "x": "' + "ü" * (MAX_MESSAGE_BYTES // 2) + '"}',
        '{"type": "hello", "version": true, "part": "page", "token": "t"}',
        '{"type": "hello", "version": 1.0, "part": "page", "token": "t"}',
        '{"type": "hello", "version": 1, "part": "server", "token": "t"}',
        '{"type": "hello", "version": 1, "part": "page", "token": ""}',
        '{"type": "hello", "version": 1, "part": "page", "token": "' + "t" * 5_000 + '"}',
        '{"type": "update", "name": ""}',
        '{"type": "update", "name": "   "}',
        '{"type": "update", "name": null}',
        '{"type": "update", "name": "a\\nb"}',
        '{"type": "update", "name": "a\\u202eb"}',
        '{"type": "update", "name": "' + "n" * 41 + '"}',
        '{"type": "update", "muted": 1}',
        '{"type": "update", "avatar_id": "../../etc/passwd"}',
        '{"type": "signal", "to": "m1", "part": "page", "data": {}}',
        '{"type": "signal", "to": {"member_id": "m 1", "part": "page"}, "part": "page", "data": {}}',
        '{"type": "signal", "to": {"member_id": "m1", "part": "bot"}, "part": "page", "data": {}}',
        '{"type": "signal", "to": {"member_id": "m1", "part": "page"}, "part": "page", "data": []}',
    ],
)
def test_bad_messages_are_refused(text):
    with pytest.raises(SignalingError) as caught:
        parse_part_message(text)
    assert caught.value.error_code == "bad_message"
    assert caught.value.detail.endswith(".")
    assert len(caught.value.detail) < 200


def test_data_that_grows_beyond_a_message_when_it_is_relayed_is_refused():
    numbers = "[" + ",".join(["1e15"] * 12_000) + "]"
    text = '{"type":"signal","to":{"member_id":"m1","part":"page"},"part":"page","data":{"x":' + numbers + "}}"
    assert len(text) < MAX_MESSAGE_BYTES
    with pytest.raises(SignalingError, match="too long to be relayed"):
        parse_part_message(text)


def test_names_lose_the_spaces_around_them():
    assert parse_part_message('{"type": "update", "name": "  Ada L. "}') == Update(name="Ada L.")


def test_update_tells_null_from_absent():
    assert parse_part_message('{"type": "update"}').avatar_id is UNSET
    assert parse_part_message('{"type": "update", "avatar_id": null}').avatar_id is None


def test_secrets_stay_out_of_repr():
    shown = repr(
        [
            Hello("page", "s3cret"),
            Joined(ADA, (), "s3cret"),
            Assign("m1", "s3cret"),
            WorkerHello("s3cret", 1),
            IceServer(("turn:a",), "u", "s3cret"),
        ]
    )
    assert "s3cret" not in shown


@pytest.mark.parametrize(
    "data",
    [
        SignalData("leg", 1, description=SessionDescription("answer", "v=0")),
        SignalData("face", 0, candidate=IceCandidate("candidate:1 1 udp 1 10.0.0.1 9 typ host", "0", 0)),
        SignalData("face", 2, candidate=IceCandidate("", None, None)),
        SignalData("voice", 7, candidate=None),
        SignalData("voice", 7, request=True),
    ],
)
def test_signal_data_round_trips(data):
    assert parse_signal_data(json.loads(json.dumps(data.to_data()))) == data


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "chat"},
        {"session": -1},
        {"session": 2**53},
        {"description": None},
        {"description": {"type": "rollback", "sdp": "v=0"}},
        {"description": {"type": "offer", "sdp": "x" * 50_000}},
        {"request": True},
        {"candidate": None},
    ],
)
def test_bad_signal_data_is_refused(change):
    with pytest.raises(SignalingError):
        parse_signal_data({**DATA, **change})
    with pytest.raises(SignalingError):
        parse_signal_data({"kind": "leg", "session": 1, "request": False})


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(EXAMPLES), st.data())
def test_a_message_with_any_field_replaced_parses_or_is_refused(example, data):
    parse, message, _ = example
    values = json.loads(message.to_json())
    key = data.draw(st.sampled_from(sorted(values)))
    text = json.dumps({**values, key: data.draw(JSON_VALUES)})
    try:
        parsed = parse(text)
    except SignalingError:
        return
    assert parse(parsed.to_json()) == parsed


@given(st.text(max_size=200))
def test_any_text_is_refused_or_parsed(text):
    with pytest.raises(SignalingError):
        parse_server_message(text)


def test_members_are_values():
    assert replace(ADA, name="Eve") != ADA
