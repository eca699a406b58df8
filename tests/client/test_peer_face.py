from __future__ import annotations

from client.peer_face import RESTING_AFTER_S, ShownFace
from codec.face_link import FaceLink
from codec.params import MAX_EXPRESSION, FaceParams
from tests.support.fakes import face_of_gray

EPOCH_MS = 5000


def link_with_a_frame(capture_ms: int, now: float) -> FaceLink:
    sender, link = FaceLink(MAX_EXPRESSION), FaceLink(MAX_EXPRESSION)
    link.receive(sender.send(face_of_gray(100), capture_ms, now), now)
    return link


def test_a_face_eases_to_rest_although_its_connection_has_been_replaced() -> None:
    shown: list[tuple[FaceParams | None, int]] = []
    face = ShownFace(lambda params, capture_ms: shown.append((params, capture_ms)))
    face.frame(link_with_a_frame(40, 10.0), EPOCH_MS, 10.0)
    face.tick(10.05)
    assert [capture_ms for _, capture_ms in shown] == [EPOCH_MS + 40]
    face.tick(10.5)  # the connection has been replaced; nothing came over the new one
    assert shown[-1][0] is not None
    face.tick(10.0 + RESTING_AFTER_S)
    assert shown[-1] == (None, EPOCH_MS + 40)
    face.tick(12.0)
    assert len(shown) == 3
    face.frame(link_with_a_frame(7, 13.0), 6000, 13.0)
    assert shown[-1][0] is not None
    assert shown[-1][1] == 6007
    face.rest()
    face.tick(14.0)
    assert shown[-1] == (None, 0)
