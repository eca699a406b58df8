from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from enrolment import evaluate as evaluation
from enrolment.evaluate import evaluate, mean_scores, truth
from enrolment.follow import LEAD_IN, Followed
from enrolment.take import SIDE
from renderer.head.open_head import load_open_head
from tests.support.drawn_takes import drawn_person, drawn_take


def test_the_right_avatar_scores_best():
    """Its own pictures again, up to the rounding of colors behind a soft edge."""
    take, head = drawn_take(10), load_open_head()
    right = evaluate(take, head, drawn_person(), range(10), False, None, stride=3)
    asset = drawn_person()
    wrong = evaluate(take, head, replace(asset, sh0=asset.sh0 + np.float32(0.2)), range(10), False, None, stride=3)
    assert right.indices.tolist() == [0, 3, 6, 9]
    assert right.mean.psnr_db > 45
    assert right.mean.face_psnr_db > 42
    assert right.mean.ssim > 0.995
    assert right.mean.lpips is None
    assert right.mean.face_lpips is None
    for name in ("psnr_db", "face_psnr_db", "ssim", "face_ssim"):
        assert getattr(wrong.mean, name) < getattr(right.mean, name)
    assert wrong.mean.face_psnr_db < wrong.mean.psnr_db  # white around the head is always right
    assert len(right.closed_loop_ms) == 0
    assert right.renders is None


def test_renders_and_means():
    take, head = drawn_take(10), load_open_head()
    found = evaluate(
        take, head, drawn_person(), take.held_out_indices, False, lambda a, b: 0.5, stride=1, keep_renders=True
    )
    assert found.indices.tolist() == [8, 9]
    assert found.renders is not None
    assert np.abs(found.renders[1].astype(int) - truth(take, 9)).max() <= 8
    assert found.mean.psnr_db == pytest.approx(np.mean([picture.psnr_db for picture in found.pictures]))
    assert found.mean.lpips == found.mean.face_lpips == 0.5
    assert found.mean == mean_scores(found.pictures)


def test_no_pictures():
    with pytest.raises(ValueError, match="no pictures"):
        evaluate(drawn_take(10), load_open_head(), drawn_person(), [], False, None)


def test_every_picture_is_followed_in_order_and_some_are_scored(monkeypatch):
    asked: list[tuple[list[int], bool, int]] = []

    def corrected(take, head, asset, indices, closed_loop, corrections=None, lead_in=0) -> Followed:
        asked.append((list(indices), closed_loop, lead_in))
        right = [drawn_take(10).params(int(index)) for index in indices]
        return Followed(right, np.arange(len(indices)) + 5.0)

    monkeypatch.setattr(evaluation, "follow", corrected)
    take = drawn_take(10)
    astray = replace(take, vectors=np.roll(take.vectors, 5, axis=0))
    found = evaluate(astray, load_open_head(), drawn_person(), [2, 3, 4, 6, 7], True, None, stride=2)
    assert asked == [([2, 3, 4, 6, 7], True, LEAD_IN)]
    assert found.indices.tolist() == [2, 4, 7]
    assert min(picture.psnr_db for picture in found.pictures) > 45  # drawn with what follow said, each with its own
    assert found.closed_loop_ms.tolist() == [5, 6, 7, 8, 9]


def test_what_the_recording_does_not_show_does_not_count():
    """Bars: black in the take's pictures, nothing of the person in its mattes, but shoulders in what is drawn."""
    take = drawn_take(10)
    images, alphas = take.images.copy(), take.alphas.copy()
    for outside in (np.s_[:, :40], np.s_[:, -90:]):
        images[outside], alphas[outside] = 0, 0
    barred = replace(take, images=images, alphas=alphas, inner=(0, 40, SIDE, SIDE - 90))
    scores = [
        evaluate(each, load_open_head(), drawn_person(), [8, 9], False, None).mean.psnr_db
        for each in (barred, replace(barred, inner=take.inner))
    ]
    assert scores[0] > 45
    assert scores[1] < 30
