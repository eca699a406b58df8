from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'visavis[smirk]'")

PUBLISHED_KEYS = 762
PUBLISHED_SHAPES = {
    "pose_encoder.encoder.conv_stem.weight": (16, 3, 3, 3),
    "pose_encoder.encoder.blocks.0.0.conv_dw.weight": (16, 1, 3, 3),
    "pose_encoder.encoder.blocks.2.0.bn3.running_var": (40,),
    "pose_encoder.encoder.blocks.5.0.conv.weight": (576, 96, 1, 1),
    "pose_encoder.pose_cam_layers.0.weight": (6, 576),
    "shape_encoder.encoder.blocks.3.1.conv_pw.weight": (200, 80, 1, 1),
    "shape_encoder.encoder.blocks.6.0.bn1.num_batches_tracked": (),
    "shape_encoder.shape_layers.0.bias": (300,),
    "expression_encoder.encoder.blocks.5.2.conv_pwl.weight": (160, 960, 1, 1),
    "expression_encoder.encoder.blocks.6.0.conv.weight": (960, 160, 1, 1),
    "expression_encoder.expression_layers.0.weight": (55, 960),
}


def test_the_weights_have_the_published_names_and_shapes(encoder):
    state = encoder.state_dict()
    assert len(state) == PUBLISHED_KEYS
    assert {name: tuple(state[name].shape) for name in PUBLISHED_SHAPES} == PUBLISHED_SHAPES
    counts = [sum(value.numel() for value in part.state_dict().values()) for part in encoder.children()]
    assert [round(count / 1e6, 2) for count in counts] == [0.44, 1.73, 1.49]


def test_halving_pads_right_and_below_as_tensorflow_does(encoder):
    """The first convolution sees the picture's first line and column whole, and one black line beyond the last."""
    stem = encoder.pose_encoder.encoder.conv_stem
    with torch.inference_mode():
        corner = torch.zeros(1, 3, 8, 8)
        corner[..., 0, 0] = 1
        first = stem(corner)[0, :, 0, 0]
        torch.testing.assert_close(first, stem.weight[:, :, 0, 0].sum(1))
        assert stem(corner).shape == (1, 16, 4, 4)


def test_outputs_stay_within_what_flame_takes(encoder):
    crops = torch.rand(4, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        encoder.expression_encoder.expression_layers[0].weight.mul_(50)
        frame = encoder.frame(crops)
        encoder.expression_encoder.expression_layers[0].weight.div_(50)
    assert {name: tuple(value.shape) for name, value in frame.items()} == {
        "rotation": (4, 3),
        "camera": (4, 3),
        "expression": (4, 50),
        "eyelids": (4, 2),
        "jaw": (4, 3),
    }
    assert frame["expression"].abs().max() > 3  # the limits below were put to the test
    assert ((frame["eyelids"] >= 0) & (frame["eyelids"] <= 1)).all()
    assert (frame["jaw"][:, 0] >= 0).all()
    assert (frame["jaw"][:, 1:].abs() <= 0.2).all()
    assert encoder.shape(crops).shape == (4, 300)


def test_an_untrained_camera_sees_a_face_that_fills_the_crop(encoder):
    with torch.inference_mode():
        assert encoder.frame(torch.zeros(1, 3, 224, 224))["camera"][0, 0] == pytest.approx(7, abs=0.5)
