"""What a report says, as plain data: the content of report.json."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.avatar_layout import MAGIC, MAX_AVATAR_BYTES, SECTION, split_sections, version_of
from codec.paper_avatar import PaperAvatar
from codec.paper_head import MAX_PAPER_BYTES, PAPER_MAGIC
from enrolment.coverage import head_angles
from enrolment.evaluate import Evaluation, Scores
from enrolment.job_codec import Avatar, Snapshot
from enrolment.job_types import EnrolmentJob, Kept
from enrolment.job_work import JobState
from enrolment.take import Take
from tracker.detection import BLENDSHAPE_NAMES

REPORT_VERSION = 1
_EXPRESSIONS = {
    "mouth open": ("jawOpen",),
    "smile": ("mouthSmileLeft", "mouthSmileRight"),
    "eyes closed": ("eyeBlinkLeft", "eyeBlinkRight"),
    "brows up": ("browInnerUp",),
    "pucker": ("mouthPucker",),
}


@dataclass(frozen=True, eq=False)
class ReportSource:
    """Everything that a report is made from.

    Args:
        job, take, avatar, kept, state: see enrolment.job.
        snapshot: the avatar as a file, and what is known of the tracker with it.
        stopped: the training was ended before its time.
        warnings: one sentence each.
    """

    job: EnrolmentJob
    take: Take
    avatar: Avatar
    snapshot: Snapshot
    kept: Kept
    state: JobState
    stopped: bool
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Judged:
    """How the avatar does on pictures of the take.

    Args:
        held_out: they were not learned from.
        open_loop: driven by what the tracker says.
        closed_loop: with the parameters corrected against the picture; None where that is not done.
    """

    held_out: bool
    open_loop: Evaluation
    closed_loop: Evaluation | None


def report_json(source: ReportSource, judged: Judged) -> dict[str, Any]:
    """The content of report.json; numbers that are not finite are null."""
    job, take, state = source.job, source.take, source.state
    return {
        "version": REPORT_VERSION,
        "name": job.name,
        "avatar": {
            "id": source.kept.avatar_id,
            "place": source.kept.place,
            "profile": job.profile.value,
            "gaussians": source.avatar.count,
            "bytes": len(source.snapshot.data),
            "sections": section_sizes(source.snapshot.data),
            **_network_size(source.avatar),
        },
        "clip": {
            "file": job.clip.name,
            "pictures": len(take),
            "held_out": int(take.held_out.sum()),
            "hold_out": job.hold_out.value,
            "seconds": _finite(float(take.time_s[-1] - take.time_s[0])),
            "head_model_id": take.head_model_id,
            "focal_px": _finite(float(take.K[0, 0])),
        },
        "coverage": coverage(take),
        "warnings": list(source.warnings),
        "training": {
            "backend": job.backend.value,
            "budget_s": job.budget_s,
            "trained_s": state.trained_s,
            "stopped": source.stopped,
            "points": [{key: _finite(value) for key, value in asdict(point).items()} for point in state.points],
        },
        "stages_s": {str(stage): round(seconds, 3) for stage, seconds in state.stage_s.items()},
        "judged_on": _judged_on(source, judged),
        "scores": scores_json(judged),
    }


def _judged_on(source: ReportSource, judged: Judged) -> str:
    if source.job.photo:
        return "the photo itself"
    return "held-out pictures" if judged.held_out else "training pictures"


def scores_json(judged: Judged) -> dict[str, dict[str, float | None]]:
    """Means of every score, open and closed loop."""
    scores = {"open_loop": _means(judged.open_loop.mean)}
    if judged.closed_loop is not None:
        times = judged.closed_loop.closed_loop_ms
        milliseconds = float(np.median(times)) if len(times) else None
        scores["closed_loop"] = _means(judged.closed_loop.mean) | {"closed_loop_ms": milliseconds}
    return scores


def section_sizes(data: bytes) -> dict[str, int]:
    """Bytes of each section of an avatar file, headers included, in its order."""
    magic, most = (PAPER_MAGIC, MAX_PAPER_BYTES) if data.startswith(PAPER_MAGIC) else (MAGIC, MAX_AVATAR_BYTES)
    sections = split_sections(data, magic, version_of(data), most)
    return {tag: SECTION.size + len(stored) for tag, _, _, stored in sections}


def all_angles(take: Take) -> NDArray[np.float64]:
    """[T, 3] yaw, pitch and roll of the head in every picture, degrees (enrolment.coverage.head_angles)."""
    return np.array([head_angles(take.params(index)) for index in range(len(take))])


def coverage(take: Take) -> dict[str, Any]:
    """Which turns of the head, degrees, and which expressions, 0..1, the training pictures show."""
    angles, scores = all_angles(take)[take.train_indices], take.scores[take.train_indices]
    turns = {
        name: [round(float(values.min()), 1), round(float(values.max()), 1)]
        for name, values in zip(("yaw_deg", "pitch_deg", "roll_deg"), angles.T, strict=True)
    }
    expressions = {
        name: round(float(scores[:, [BLENDSHAPE_NAMES.index(each) for each in names]].mean(axis=1).max()), 2)
        for name, names in _EXPRESSIONS.items()
    }
    return {**turns, "expressions": expressions}


def _network_size(avatar: Avatar) -> dict[str, int]:
    return {"network_numbers": avatar.parameter_count} if isinstance(avatar, PaperAvatar) else {}


def _means(mean: Scores) -> dict[str, float | None]:
    return {name: _finite(value) for name, value in asdict(mean).items()}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
