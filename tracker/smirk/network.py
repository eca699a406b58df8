"""SMIRK's encoder (Retsinas et al., CVPR 2024) as a torch module with the parameter names of the published weights.

Three backbones, each the features of a "minimalistic" MobileNetV3 (Howard et al., ICCV 2019: ReLU only, no squeeze and
excitation, 3 x 3 kernels), averaged over the picture and read out by one linear layer. The names are those of timm's
`tf_mobilenetv3_{small,large}_minimal_100` with `features_only`, whose arithmetic this repeats: TensorFlow's padding
(an even picture under a 3 x 3 kernel of stride 2 gets one line more at the right and at the bottom) and batch
normalization with epsilon 0.001.

Only this module, `checkpoint` and `export` import torch; nothing that runs during a call does.
"""

from __future__ import annotations

from collections import OrderedDict

import torch  # pyright: ignore[reportMissingImports]
from torch import Tensor, nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional as F  # pyright: ignore[reportMissingImports]

EXPRESSION, SHAPE = 50, 300
"""Coefficients of FLAME 2020 that the encoder gives."""
_EYELIDS, _JAW, _ROTATION, _CAMERA = 2, 3, 3, 3
_JAW_ASIDE = 0.2
"""Largest turn of the jaw about y and z, radians."""
_FIRST_SCALE = 7.0
"""Scale of an untrained camera: the face fills the crop, as the authors start it."""

_STEM = 16
# One list per stage of (expanded channels, output channels, stride).
_Stages = list[list[tuple[int, int, int]]]
_SMALL_FIRST_STRIDE, _SMALL_LAST = 2, 576
_SMALL: _Stages = [
    [(72, 24, 2), (88, 24, 1)],
    [(96, 40, 2), (240, 40, 1), (240, 40, 1)],
    [(120, 48, 1), (144, 48, 1)],
    [(288, 96, 2), (576, 96, 1), (576, 96, 1)],
]
_LARGE_FIRST_STRIDE, _LARGE_LAST = 1, 960
_LARGE: _Stages = [
    [(64, 24, 2), (72, 24, 1)],
    [(72, 40, 2), (120, 40, 1), (120, 40, 1)],
    [(240, 80, 2), (200, 80, 1), (184, 80, 1), (184, 80, 1)],
    [(480, 112, 1), (672, 112, 1)],
    [(672, 160, 2), (960, 160, 1), (960, 160, 1)],
]


class _HalvingConv(nn.Conv2d):
    """3 x 3 convolution of stride 2 over a picture of even size, padded as TensorFlow does."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(F.pad(input, (0, 1, 0, 1)))


def _conv3x3(inputs: int, outputs: int, stride: int, groups: int = 1) -> nn.Conv2d:
    if stride == 2:
        return _HalvingConv(inputs, outputs, 3, stride=2, groups=groups, bias=False)
    return nn.Conv2d(inputs, outputs, 3, padding=1, groups=groups, bias=False)


def _conv1x1(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 1, bias=False)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class _SeparableBlock(nn.Module):
    """Depthwise, then pointwise convolution."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.conv_dw = _conv3x3(channels, channels, stride, groups=channels)
        self.bn1 = _norm(channels)
        self.conv_pw = _conv1x1(channels, channels)
        self.bn2 = _norm(channels)
        self._skips = stride == 1

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv_pw(F.relu(self.bn1(self.conv_dw(x)))))
        return y + x if self._skips else y


class _InvertedResidual(nn.Module):
    """Expands, filters every channel by itself, projects."""

    def __init__(self, inputs: int, expanded: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv_pw = _conv1x1(inputs, expanded)
        self.bn1 = _norm(expanded)
        self.conv_dw = _conv3x3(expanded, expanded, stride, groups=expanded)
        self.bn2 = _norm(expanded)
        self.conv_pwl = _conv1x1(expanded, outputs)
        self.bn3 = _norm(outputs)
        self._skips = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv_pw(x)))
        y = F.relu(self.bn2(self.conv_dw(y)))
        y = self.bn3(self.conv_pwl(y))
        return y + x if self._skips else y


class _PointwiseBlock(nn.Module):
    """The last stage: one 1 x 1 convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = _conv1x1(inputs, outputs)
        self.bn1 = _norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn1(self.conv(x)))


class _Backbone(nn.Module):
    """[B, 3, 224, 224] to [B, C] features."""

    def __init__(self, stages: _Stages, first_stride: int, last: int) -> None:
        super().__init__()
        self.conv_stem = _conv3x3(3, _STEM, 2)
        self.bn1 = _norm(_STEM)
        blocks: list[nn.Module] = [nn.Sequential(_SeparableBlock(_STEM, first_stride))]
        channels = _STEM
        for stage in stages:
            layers: list[nn.Module] = []
            for expanded, outputs, stride in stage:
                layers.append(_InvertedResidual(channels, expanded, outputs, stride))
                channels = outputs
            blocks.append(nn.Sequential(*layers))
        blocks.append(nn.Sequential(_PointwiseBlock(channels, last)))
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(F.relu(self.bn1(self.conv_stem(x)))).mean((2, 3))


class _PoseEncoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = _Backbone(_SMALL, _SMALL_FIRST_STRIDE, _SMALL_LAST)
        readout = nn.Linear(_SMALL_LAST, _ROTATION + _CAMERA)
        with torch.no_grad():
            readout.weight.mul_(0.001)
            readout.bias[_ROTATION] = _FIRST_SCALE
        self.pose_cam_layers = nn.Sequential(readout)

    def forward(self, x: Tensor) -> Tensor:
        return self.pose_cam_layers(self.encoder(x))


class _ShapeEncoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = _Backbone(_LARGE, _LARGE_FIRST_STRIDE, _LARGE_LAST)
        self.shape_layers = nn.Sequential(nn.Linear(_LARGE_LAST, SHAPE))

    def forward(self, x: Tensor) -> Tensor:
        return self.shape_layers(self.encoder(x))


class _ExpressionEncoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = _Backbone(_LARGE, _LARGE_FIRST_STRIDE, _LARGE_LAST)
        self.expression_layers = nn.Sequential(nn.Linear(_LARGE_LAST, EXPRESSION + _EYELIDS + _JAW))

    def forward(self, x: Tensor) -> Tensor:
        return self.expression_layers(self.encoder(x))


class SmirkEncoder(nn.Module):
    """The three networks. Crops are [B, 3, 224, 224] RGB in 0..1 (tracker.smirk.crop)."""

    def __init__(self) -> None:
        super().__init__()
        self.pose_encoder = _PoseEncoder()
        self.shape_encoder = _ShapeEncoder()
        self.expression_encoder = _ExpressionEncoder()

    def frame(self, crops: Tensor) -> OrderedDict[str, Tensor]:
        """What changes from picture to picture.

        Returns:
            rotation [B, 3] axis-angle, camera [B, 3] (scale, x, y) of tracker.smirk.camera, expression [B, 50],
            eyelids [B, 2] closure of the left and right eye in 0..1, jaw [B, 3] axis-angle.
        """
        pose, face = self.pose_encoder(crops), self.expression_encoder(crops)
        eyelids, opening, aside = EXPRESSION, EXPRESSION + _EYELIDS, EXPRESSION + _EYELIDS + 1
        return OrderedDict(
            rotation=pose[:, :_ROTATION],
            camera=pose[:, _ROTATION:],
            expression=face[:, :eyelids],
            eyelids=face[:, eyelids:opening].clamp(0, 1),
            jaw=torch.cat([F.relu(face[:, opening:aside]), face[:, aside:].clamp(-_JAW_ASIDE, _JAW_ASIDE)], 1),
        )

    def shape(self, crops: Tensor) -> Tensor:
        """[B, 300] identity coefficients of FLAME 2020."""
        return self.shape_encoder(crops)
