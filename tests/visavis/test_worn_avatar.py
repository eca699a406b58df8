from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from codec.paper_avatar import CONDITION_SIZE, ENCODED_SIZE, OUTPUT_SIZE, DenseLayer, PaperAvatar
from codec.paper_file import pack_paper_avatar
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.paper_model import PaperAvatarModel
from renderer.head.open_head import load_open_head
from visavis.errors import CommandError
from visavis.worn_avatar import load_avatar


def paper_bytes(head_model_id: str | None = None) -> bytes:
    """Three grey Gaussians that stay where they are."""
    head = load_open_head()
    zeros = np.zeros((3, 3), np.float32)
    avatar = PaperAvatar(
        head_model_id=head_model_id or head.model_id,
        name="Ada",
        shape_offsets=np.zeros_like(head.v_template),
        faces_bound=np.array([0, 5, 900], np.int32),
        barycentrics=zeros + np.float32(1 / 3),
        log_scales=zeros - 6,
        quats=np.tile(np.array([1, 0, 0, 0], np.float32), (3, 1)),
        logit_opacities=zeros[0],
        sh0=zeros,
        sh_rest=np.zeros((3, 0, 3), np.float32),
        layers=(
            DenseLayer(np.zeros((ENCODED_SIZE + CONDITION_SIZE, 4), np.float32), np.zeros(4, np.float32)),
            DenseLayer(np.zeros((4, OUTPUT_SIZE), np.float32), np.zeros(OUTPUT_SIZE, np.float32)),
        ),
    )
    return pack_paper_avatar(avatar)


def test_avatars_of_either_profile_can_be_worn(tmp_path: Path) -> None:
    path = tmp_path / "ada.vap"
    path.write_bytes(paper_bytes())
    model = load_avatar(str(path))
    assert isinstance(model, PaperAvatarModel)
    assert (model.count, model.asset.name) == (3, "Ada")
    assert isinstance(load_avatar("kofi"), AvatarModel)


def test_what_cannot_be_worn_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "ada.vap"
    for content, message in (
        (paper_bytes()[:-1], "truncated"),
        (bytes(9_000_000), "bytes"),
        (b"\x89VAP" + bytes(9_000_000), "8388608 are allowed"),
        (paper_bytes("5c" * 32), "head model that is not here"),
    ):
        path.write_bytes(content)
        with pytest.raises(CommandError, match=message):
            load_avatar(str(path))
    with pytest.raises(CommandError, match="no avatar"):
        load_avatar("nobody-of-that-name")
