"""The paper's compression of a `paper` avatar, stage by stage: latents, fewer layers, half precision, entropy coding.

docs/avatar-profiles.md says which stage of the paper's Table II is which.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch  # pyright: ignore[reportMissingImports]

from codec.latent_avatar import LatentPaperAvatar
from codec.paper_avatar import PaperAvatar
from codec.paper_v1_file import pack_latent
from codec.params import FaceParams
from enrolment.paper_latents import camera_centers, direct_ranges, first_latents, rounded, settled
from enrolment.paper_stages import Compression, final_stage, half_stage, latent_stage, uncompressed_stage
from enrolment.slim_shots import standard_shots
from enrolment.take import Take
from enrolment.torch_training.latent_splats import LatentSplats
from enrolment.torch_training.layer_pruning import Distillation
from enrolment.torch_training.paper_scene import PaperScene
from enrolment.torch_training.paper_splats import OffsetNetwork, PaperSplats, bind
from enrolment.torch_training.paper_tuning import Tuned, tune
from enrolment.torch_training.state import bfloat16_is_faster, torch_threads
from renderer.avatar.paper_model import condition_vector
from renderer.head.model import HeadModel

LATENTS_SHARE, PRUNING_SHARE = 0.3, 0.35
"""Of the time; the rest is for training everything together, rounded as the file has it."""

Tell = Callable[[str, float], None]
"""Told what is done, and the finished share of it, 0..1."""


class PaperCompression:
    """Compresses one avatar.

    Args:
        avatar: what to compress; it fits `head` (renderer.avatar.paper_model has checked it).
        head: its head model.
        take: the recording it was learned from; its pictures that are not held out are learned from again. None: what
            it loses is not trained away, and its network is pruned under made-up faces.
        seconds: of training, about; comparing takes up to as many again.
        seed: of all that is random.
        threads: for PyTorch and drawing.
        tell: see Tell.
        clock: seconds.
        train_on: whether to train the uncompressed avatar for as long, to compare with.

    Raises:
        AvatarFileError: the avatar has no harmonics, or places that are none.
    """

    def __init__(
        self,
        avatar: PaperAvatar,
        head: HeadModel,
        take: Take | None,
        seconds: float,
        *,
        seed: int = 0,
        threads: int = 2,
        tell: Tell = lambda doing, share: None,
        clock: Callable[[], float] = time.perf_counter,
        train_on: bool = True,
    ) -> None:
        self._given, self._avatar = avatar, settled(avatar)
        self._seconds, self._seed, self._threads, self._tell, self._clock = seconds, seed, threads, tell, clock
        self._train_on = train_on
        self._device = torch.device("cpu")
        self._binding = bind(head, self._avatar.shape_offsets, (self._avatar.faces_bound, self._avatar.barycentrics))
        self._faces = _faces(take)
        conditions = np.stack([condition_vector(face) for face in self._faces]).astype(np.float32)
        self._conditions = torch.from_numpy(conditions).to(self._device)
        self._scene: PaperScene | None = None
        if take is not None:
            shape = self._avatar.shape_offsets
            self._scene = PaperScene(take, head, shape, self._binding, self._device, threads)
        self._terms = self._avatar.sh_rest.shape[1]
        with torch_threads(threads):
            self._half_precision = bfloat16_is_faster(self._device)

    def run(self) -> Compression:
        """All stages.

        Raises:
            AvatarFileError: the training went astray.
        """
        with torch.random.fork_rng(devices=[]), torch_threads(self._threads):
            torch.manual_seed(self._seed)
            return self._run()

    def _run(self) -> Compression:
        start, latents = first_latents(self._avatar, self._binding.neutral, camera_centers(self._faces))
        splats = LatentSplats(start, latents, self._device)
        decoders = sum(decoder.size for decoder in latents.decoders)
        network = OffsetNetwork(self._binding.neutral, hidden_layers=len(start.layers) - 1).to(self._device)
        network.load(start.layers)
        self._tune("latents", splats, network, LATENTS_SHARE)
        in_latents = replace(splats.avatar(start), layers=network.layers())

        whole = Distillation(
            in_latents,
            network,
            self._binding.neutral,
            self._conditions,
            half_precision=self._half_precision,
            seed=self._seed,
        )
        whole.run(self._share("pruning", self._seconds * PRUNING_SHARE))
        ranges = direct_ranges(in_latents)
        splats.ranges = torch.from_numpy(ranges).to(self._device)
        self._tune("training everything together", splats, whole.student, 1 - LATENTS_SHARE - PRUNING_SHARE)
        splats.ranges = None
        pruned = replace(splats.avatar(start), layers=whole.student.layers())
        small = rounded(pruned, splats.latents(), ranges)
        data = pack_latent(small)
        stages = (
            uncompressed_stage(self._given),
            latent_stage("latents", in_latents, decoders),
            latent_stage("pruned", pruned, decoders),
            half_stage(_halved(pruned, small), decoders),
            final_stage(small, data),
        )
        return Compression(stages, data, self._trained_on())

    def _trained_on(self) -> PaperAvatar | None:
        """The uncompressed avatar after as many seconds of training with pictures."""
        if self._scene is None or not self._train_on:
            return None
        splats = PaperSplats(self._binding, harmonics=self._terms, hidden_layers=len(self._avatar.layers) - 1)
        splats.load(self._avatar)
        self._tune("training the uncompressed one on", splats.to(self._device), splats.network, 1 - PRUNING_SHARE)
        avatar = self._avatar
        return splats.avatar(avatar.head_model_id, avatar.name, avatar.shape_offsets, self._binding)

    def _tune(self, doing: str, splats: Tuned, network: OffsetNetwork, share: float) -> None:
        if self._scene is None:
            return
        network.half_precision = self._half_precision
        tune(splats, network, self._scene, self._terms, self._share(doing, self._seconds * share), self._seed)
        network.half_precision = False

    def _share(self, doing: str, seconds: float) -> Callable[[], float]:
        """Says what share of the seconds from now on is over, and tells it."""
        started = self._clock()

        def share() -> float:
            done = min((self._clock() - started) / seconds, 1.0)
            self._tell(doing, done)
            return done

        return share


def _faces(take: Take | None) -> list[FaceParams]:
    """What the avatar is looked at with: the pictures that are not held out, or made-up faces."""
    if take is not None:
        return [take.params(int(index)) for index in take.train_indices]
    return [FaceParams.from_vector(vector) for vector in standard_shots()[1]]


def _halved(pruned: PaperAvatar, small: LatentPaperAvatar) -> PaperAvatar:
    """Color and scale in half precision, and what the file has of everything else."""
    names = ("sh0", "log_scales")
    return replace(small.avatar(), **{n: getattr(pruned, n).astype(np.float16).astype(np.float32) for n in names})
