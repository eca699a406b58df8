"""The pictures of a take as `paper` avatars learn from them: FlashAvatar's loss (Xiang et al., CVPR 2024)."""

from __future__ import annotations

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray
from torch import Tensor  # pyright: ignore[reportMissingImports]

from enrolment.take import Take
from enrolment.torch_training.losses import huber
from enrolment.torch_training.paper_splats import Attributes, Binding
from enrolment.torch_training.pictures import Pictures, mouth_mask
from enrolment.torch_training.rasterize import rasterize_on
from renderer.avatar.avatar_model import skull_rotation
from renderer.avatar.paper_model import condition_vector, without_head_pose
from renderer.head.model import HeadModel
from renderer.head.pose import FLIP, pose_vertices

HUBER_DELTA = 0.1
MOUTH_WEIGHT = 40.0
WHITE = (1.0, 1.0, 1.0)


class PaperScene:
    """The P pictures of a take that are not held out, and where Gaussians are in them before the network moves them.

    Args:
        take: the pictures.
        head: the head model that the take's vectors drive.
        shape_offsets: [V, 3] metres, the person's head = v_template + shape_offsets.
        binding: where the Gaussians sit.
        device: where the work is done.
        threads: for the processor.

    Attributes:
        conditions: [P, CONDITION_SIZE] what the network is told of each picture.

    Raises:
        CudaUnavailableError: `cuda` was asked for in vain.
    """

    def __init__(
        self,
        take: Take,
        head: HeadModel,
        shape_offsets: NDArray[np.float32],
        binding: Binding,
        device: torch.device,
        threads: int,
    ) -> None:
        self._take, self._device = take, device
        self._rasterize = rasterize_on(device, threads)
        mouths = np.stack([mouth_mask(take.landmarks_px[index]) for index in take.train_indices])
        self._pictures = Pictures(take, take.train_indices, mouths, device)
        self._instants = _Instants(take, head, shape_offsets, device)
        self.conditions = self._instants.conditions
        self._corners = torch.from_numpy(head.faces[binding.faces_bound].astype(np.int64)).to(device)
        self._barycentrics = torch.from_numpy(binding.barycentrics).to(device)

    def __len__(self) -> int:
        return len(self._pictures)

    def loss(self, attributes: Attributes, output: Tensor, index: int, size: int, terms: int) -> Tensor:
        """[] how unlike a picture and what is drawn of it are.

        Args:
            attributes: the Gaussians.
            output: [N, OUTPUT_SIZE] what the network says, before the tanh.
            index: which picture, 0 .. P - 1.
            size: pixels a side.
            terms: coefficients of the harmonics that count.
        """
        instants = self._instants
        points = (self._barycentrics[..., None] * instants.vertices[index][self._corners]).sum(1)
        batch = attributes.pose(output, points, instants.skulls[index], instants.translations[index], terms)
        picture = self._rasterize(batch, [self._take.camera(size)], [WHITE])
        which = torch.tensor([index], device=self._device)
        target = self._pictures.over(which, torch.ones(1, 3, device=self._device), size)
        picture = self._pictures.only_known(picture, target)
        weights = 1 + MOUTH_WEIGHT * self._pictures.masks(which, size)
        return huber(picture, target, HUBER_DELTA, weights)


class _Instants:
    """What the take says of each of the P pictures to learn from, on a device.

    Attributes:
        vertices: [P, V, 3] the mesh in the head frame, without the head's rotation and position, metres.
        conditions: [P, CONDITION_SIZE].
        skulls: [P, 3, 3] head frame to camera frame.
        translations: [P, 3] metres.
    """

    def __init__(self, take: Take, head: HeadModel, shape_offsets: NDArray[np.float32], device: torch.device) -> None:
        params = [take.params(int(index)) for index in take.train_indices]
        posed = [pose_vertices(head, shape_offsets, without_head_pose(each)) @ FLIP for each in params]
        self.vertices = _tensor(posed, device)
        self.conditions = _tensor([condition_vector(each) for each in params], device)
        self.skulls = _tensor([skull_rotation(each) for each in params], device)
        self.translations = _tensor([each.translation for each in params], device)


def _tensor(rows: list[NDArray[np.floating]], device: torch.device) -> Tensor:
    return torch.from_numpy(np.stack(rows).astype(np.float32)).to(device)
