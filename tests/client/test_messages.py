import base64
import contextlib
import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar_store.manifest import MAX_MANIFEST_CHARS
from client.control import (
    AvatarGet,
    AvatarProof,
    AvatarShown,
    Bye,
    KeyRequest,
    MotionsKnown,
    PeerHello,
    parse_control,
    to_text,
)
from client.ui_messages import (
    MAX_PICTURE_BYTES,
    MAX_UI_CHARS,
    SetAvatar,
    SetBackgroundColor,
    SetBackgroundPicture,
    SetCamera,
    SetStamp,
    SetTiles,
    SetView,
    atlas_text,
    parse_ui,
)
from client.view.atlas import Atlas
from codec.signaling import SignalingError

AVATAR = "ab" * 32
HELLO = PeerHello("m1", "cd" * 32, AVATAR, 1234, "mediapipe", 50, 1_700_000_000_000)


@pytest.mark.parametrize(
    "message",
    [
        HELLO,
        replace(HELLO, challenge="0f" * 32, manifest="ab\n{}"),
        AvatarShown(AVATAR, 5),
        AvatarShown(AVATAR, 5, "a" * MAX_MANIFEST_CHARS),
        AvatarProof(AVATAR, "5a" * 64),
        AvatarGet(AVATAR, 7),
        MotionsKnown(AVATAR),
        KeyRequest(),
        Bye(),
    ],
)
def test_control_messages_survive_the_wire(message) -> None:
    assert parse_control(to_text(message)) == message


def test_unknown_control_types_and_fields_are_ignored() -> None:
    assert parse_control('{"type": "wave", "hand": "left"}') is None
    assert parse_control('{"type": "bye", "hand": "left"}') == Bye()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '{"type": 3}',
        '{"type": "avatar", "avatar_id": "../../etc/passwd", "avatar_bytes": 5}',
        '{"type": "avatar", "avatar_id": null, "avatar_bytes": 5}',
        '{"type": "avatar", "avatar_id": "' + AVATAR + '", "avatar_bytes": -1}',
        '{"type": "avatar_get", "avatar_id": "' + AVATAR + '", "offset": 1e99}',
        '{"type": "hello"}',
        to_text(HELLO).replace("50", "51"),
        to_text(replace(HELLO, challenge="0f" * 31)),
        to_text(replace(HELLO, challenge="0F" * 32)),
        to_text(replace(HELLO, manifest="")),
        to_text(replace(HELLO, manifest="a" * (MAX_MANIFEST_CHARS + 1))),
        to_text(AvatarProof(AVATAR, "5a" * 63)),
        to_text(AvatarProof(AVATAR, "5z" * 64)),
        to_text(AvatarProof("x", "5a" * 64)),
        "{" * 5000,
        '{"type": "' + "x" * 10_000 + '"}',
    ],
)
def test_malformed_control_messages_are_refused(text: str) -> None:
    with pytest.raises(SignalingError):
        parse_control(text)


def test_the_longest_manifest_fits_into_a_hello() -> None:
    names = replace(HELLO, member_id="m" * 64, head_model_id="h" * 64, extractor="e" * 64, challenge="0f" * 32)
    hello = replace(names, manifest="\u00e9" * MAX_MANIFEST_CHARS)
    assert parse_control(to_text(hello)) == hello


ANYTHING = st.none() | st.booleans() | st.integers() | st.text(max_size=80) | st.lists(st.integers(), max_size=3)


@given(
    st.sampled_from(["hello", "avatar", "avatar_proof"]),
    st.dictionaries(
        st.sampled_from(["avatar_id", "avatar_bytes", "challenge", "manifest", "signature", "version"]), ANYTHING
    ),
)
def test_any_fields_of_ownership_are_taken_or_refused(kind: str, fields: dict) -> None:
    message = json.loads(to_text(HELLO)) | fields | {"type": kind}
    with contextlib.suppress(SignalingError):
        parse_control(json.dumps(message))


@given(st.text())
def test_no_text_breaks_the_parsers(text: str) -> None:
    for parse in (parse_control, parse_ui):
        with contextlib.suppress(SignalingError):
            parse(text)


def test_ui_messages() -> None:
    assert parse_ui('{"type": "avatar", "avatar_id": null}') == SetAvatar(None)
    assert parse_ui('{"type": "camera", "on": false}') == SetCamera(False)
    assert parse_ui('{"type": "stamp", "on": true}') == SetStamp(True)
    tiles = parse_ui('{"type": "tiles", "tiles": [{"member_id": "self", "size_px": 99.5}]}')
    assert tiles == SetTiles({"self": 100})
    tiles = parse_ui(
        '{"type": "tiles", "tiles": [{"member_id": "self", "size_px": 99},'
        ' {"member_id": "a", "size_px": 300, "speaking": true}]}'
    )
    assert tiles == SetTiles({"self": 99, "a": 300}, frozenset({"a"}))


def test_views_are_kept_within_reason() -> None:
    view = parse_ui('{"type": "view", "member_id": "a", "yaw": 7, "pitch": -9, "distance": 0}')
    assert isinstance(view, SetView)
    assert abs(view.yaw - (7 - math.tau)) < 1e-9
    assert -1.5 < view.pitch < 0
    assert view.distance > 0
    for bad in ("NaN", "1e999", '"1"', "null", "true"):
        with pytest.raises(SignalingError):
            parse_ui(f'{{"type": "view", "member_id": "a", "yaw": {bad}, "pitch": 0, "distance": 1}}')


def test_a_view_may_ask_for_eye_contact_and_stereo() -> None:
    text = '{"type": "view", "member_id": "a", "yaw": 0, "pitch": 0, "distance": 1, %s}'
    assert parse_ui(text % '"eye_contact": true, "stereo": null') == SetView("a", 0, 0, 1, True, False)
    assert parse_ui(text % '"stereo": true') == SetView("a", 0, 0, 1, False, True)
    for bad in ('"eye_contact": 1', '"stereo": "yes"'):
        with pytest.raises(SignalingError):
            parse_ui(text % bad)


def test_backgrounds() -> None:
    assert parse_ui('{"type": "background", "kind": "color", "color": "#ff0033"}') == SetBackgroundColor((1, 0, 0.2))
    jpeg = bytes(range(256)) * (MAX_PICTURE_BYTES // 256)
    message = {"type": "background", "kind": "image", "jpeg": base64.b64encode(jpeg).decode()}
    assert parse_ui(json.dumps(message)) == SetBackgroundPicture(jpeg)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"kind": "video"},
        {"kind": "color"},
        {"kind": "color", "color": "red"},
        {"kind": "color", "color": "#12345g"},
        {"kind": "color", "color": "#１２３４５６"},
        {"kind": "image"},
        {"kind": "image", "jpeg": ""},
        {"kind": "image", "jpeg": "abc"},
        {"kind": "image", "jpeg": "ab=c"},
        {"kind": "image", "jpeg": "äöü="},
        {"kind": "image", "jpeg": "AAAA" * (MAX_PICTURE_BYTES // 3 + 2)},
    ],
)
def test_malformed_backgrounds_are_refused(fields: dict[str, str]) -> None:
    with pytest.raises(SignalingError):
        parse_ui(json.dumps({"type": "background"} | fields))


def test_only_backgrounds_may_be_long() -> None:
    padding = " " * MAX_UI_CHARS
    with pytest.raises(SignalingError, match="too long"):
        parse_ui('{"type": "stamp", "on": true}' + padding)
    assert parse_ui('{"type": "background", "kind": "color", "color": "#000000"}' + padding) is not None


def test_atlas_message_names_every_tile() -> None:
    layout = Atlas().update({"a": 200, "self": 100})
    assert atlas_text(layout) == (
        '{"type":"atlas","width":384,"height":256,"tiles":'
        '[{"member_id":"a","x":0,"y":0,"size":256},{"member_id":"self","x":256,"y":0,"size":128}]}'
    )
