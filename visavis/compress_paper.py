"""Compresses an avatar of profile `paper` as the paper does, and compares its stages with Table II there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from rich.box import SIMPLE
from rich.table import Table

from codec.errors import AvatarFileError
from codec.paper_avatar import MAX_HIDDEN_LAYERS, MAX_WIDTH, PaperAvatar
from enrolment.evaluate import SCORED_EVERY, truth
from enrolment.metrics.pixels import Picture, psnr_db
from enrolment.paper_stages import LABELS, MIB, PUBLISHED_MIB, Compression
from enrolment.slim_shots import PICTURES, standard_shots
from enrolment.take import Take
from enrolment.torch_training import why_no_torch
from enrolment.visibility import Shot
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.avatar.paper_model import PaperAvatarModel
from renderer.head.model import HeadModel
from visavis.errors import CommandError
from visavis.worn_avatar import load_avatar

TRAINED_ON = "trained_on"
_WHITE = (1.0, 1.0, 1.0)
_SAME_DB = 100.0
"""What pictures that are the same count as."""
THREADS = 2
MOST_MINUTES = 600.0

Tell = Callable[[str, float], None]


@dataclass(frozen=True)
class Score:
    """What pictures say of an avatar, means over them.

    Args:
        held_out_db: PSNR to pictures of the person that were not learned from; None without any.
        alike_db: PSNR to the same pictures of the uncompressed avatar.
    """

    held_out_db: float | None
    alike_db: float


@dataclass(frozen=True, eq=False)
class Measured:
    """A compression, and the score of each stage, by its name; that of `Compression.trained_on` is TRAINED_ON."""

    compression: Compression
    scores: dict[str, Score]

    @property
    def uncompressed_db(self) -> float | None:
        """The score of the uncompressed avatar, as it was or trained on, whichever is better."""
        found = [self.scores[name].held_out_db for name in ("uncompressed", TRAINED_ON) if name in self.scores]
        known = [score for score in found if score is not None]
        return max(known) if known else None

    def loss_db(self, name: str) -> float | None:
        """What a stage loses in held-out pictures against `uncompressed_db`."""
        before, after = self.uncompressed_db, self.scores[name].held_out_db
        return None if before is None or after is None else before - after


def check_minutes(minutes: float) -> float:
    """As seconds.

    Raises:
        CommandError: so long nobody trains.
    """
    if not 0 < minutes <= MOST_MINUTES:
        raise CommandError(f"--minutes takes more than 0 and at most {MOST_MINUTES:.0f}.")
    return 60 * minutes


def load_paper(named: str) -> PaperAvatarModel:
    """An avatar of profile `paper`, see visavis.worn_avatar.

    Raises:
        CommandError: there is none of this name, it is of another profile, or its network is not the paper's whole one.
    """
    model = load_avatar(named)
    if not isinstance(model, PaperAvatarModel):
        raise CommandError(f"{named} is of profile linear: name an avatar of profile paper (.vap).")
    widths = [len(layer.bias) for layer in model.asset.layers[:-1]]
    if widths != [MAX_WIDTH] * MAX_HIDDEN_LAYERS:
        raise CommandError(
            f"{named} has a network of its own: the paper prunes {MAX_HIDDEN_LAYERS} layers of {MAX_WIDTH}."
        )
    return model


def compress(model: PaperAvatarModel, take: Take | None, seconds: float, tell: Tell) -> Measured:
    """Compresses an avatar and looks at every stage.

    Args:
        model: the avatar.
        take: of the person; None: nothing is trained with pictures, and stages are compared under made-up faces.
        seconds: of training.
        tell: told what is done, and the finished share of it.

    Raises:
        CommandError: PyTorch is missing, or the avatar cannot be compressed.
    """
    missing = why_no_torch()
    if missing is not None:
        raise CommandError(f"The paper's compression trains the network again with {missing}.")
    from enrolment.torch_training.paper_compression import PaperCompression

    try:
        compression = PaperCompression(model.asset, model.head, take, seconds, threads=THREADS, tell=tell).run()
    except AvatarFileError as error:
        raise CommandError(f"The avatar cannot be compressed: {error}.") from error
    avatars = {stage.name: stage.avatar for stage in compression.stages}
    if compression.trained_on is not None:
        avatars[TRAINED_ON] = compression.trained_on
    return Measured(compression, score(avatars, model.head, take, tell))


def score(avatars: dict[str, PaperAvatar], head: HeadModel, take: Take | None, tell: Tell) -> dict[str, Score]:
    """The scores of avatars, the first of which is the one to be like."""
    shots = list(_shots(take))
    width = shots[0][0].camera.width
    renderers = {name: FrameRenderer(PaperAvatarModel(head, avatar), width) for name, avatar in avatars.items()}
    held_out: dict[str, list[float]] = {name: [] for name in avatars}
    alike: dict[str, list[float]] = {name: [] for name in avatars}
    unknown = None if take is None else take.outside()
    for number, (shot, filmed) in enumerate(shots):
        first: Picture | None = None
        for name, renderer in renderers.items():
            drawn = renderer.render_rgb(shot.params, shot.camera, _WHITE)
            if unknown is not None:
                drawn[unknown] = 255
            first = drawn.copy() if first is None else first
            alike[name].append(min(psnr_db(first, drawn), _SAME_DB))
            if filmed is not None:
                held_out[name].append(psnr_db(filmed, drawn))
        tell("comparing pictures", (number + 1) / len(shots))
    return {
        name: Score(float(np.mean(held_out[name])) if held_out[name] else None, float(np.mean(alike[name])))
        for name in avatars
    }


def table(measured: Measured) -> Table:
    """Table II: a row for each stage."""
    found = Table(title="The paper's Table II: MiB, and PSNR in dB", title_justify="left", box=SIMPLE, padding=0)
    found.add_column("stage", no_wrap=True)
    for heading in ("Gaussians", "network", "total", "paper", "differs", "held out", "loss", "alike"):
        found.add_column(heading, justify="right", no_wrap=True)
    for stage in measured.compression.stages:
        found.add_row(
            LABELS[stage.name],
            f"{stage.gaussians_bytes / MIB:.3f}",
            f"{stage.network_bytes / MIB:.3f}",
            f"{stage.total_mib:.3f}",
            f"{PUBLISHED_MIB[stage.name]:.2f}",
            f"{100 * stage.difference:+.1f} %",
            *_scores(measured, stage.name),
        )
    if TRAINED_ON in measured.scores:
        found.add_row("trained on", "", "", "", "", "", *_scores(measured, TRAINED_ON))
    return found


def remarks(measured: Measured, take: Take | None) -> Iterator[str]:
    """What has to be said of the table."""
    compression = measured.compression
    places = len(compression.data) / MIB - compression.stages[-1].total_mib
    yield (
        f"Counted as in the paper: attributes and network. The whole file takes {len(compression.data) / MIB:.3f} MiB: "
        f"{places:.3f} more for the Gaussians' places, the person's shape and headers."
    )
    if take is None:
        yield (
            "Without --take nothing was trained with pictures, and the network was pruned under made-up faces, which "
            "are also what the stages are compared under: the paper's losses are smaller."
        )
    else:
        yield (
            "Losses are against the uncompressed avatar, as it was or trained on for as long with pictures as the "
            "compressed one, whichever is better; alike is the PSNR between their pictures."
        )


def _scores(measured: Measured, name: str) -> tuple[str, str, str]:
    held_out, loss = measured.scores[name].held_out_db, measured.loss_db(name)
    return (
        "-" if held_out is None else f"{held_out:.2f}",
        "-" if loss is None else f"{loss:+.2f}",
        f"{measured.scores[name].alike_db:.1f}",
    )


def _shots(take: Take | None) -> Iterator[tuple[Shot, Picture | None]]:
    """What is drawn, and what it should look like if that is known: held-out pictures, or made-up faces."""
    if take is None:
        yield from ((shot, None) for shot in standard_shots()[0][:PICTURES])
        return
    for index in take.held_out_indices[::SCORED_EVERY]:
        yield Shot(take.params(int(index)), take.camera()), truth(take, int(index))
