"""Judges an avatar and writes its report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from codec.paper_avatar import PaperAvatar
from enrolment.checkpoint import write_bytes
from enrolment.job_parts import Evaluate
from enrolment.job_training import preview_picture
from enrolment.report.content import Judged, ReportSource, report_json, scores_json
from enrolment.report.page import report_html
from enrolment.report.pictures import contact_sheet, side_views

__all__ = ["ReportSource", "write_report"]

MOST_TRAINING_PICTURES = 100
"""So many are judged where none are held out."""


def write_report(
    folder: Path,
    source: ReportSource,
    evaluate: Evaluate,
    on_step: Callable[[str, float], None] = lambda doing, share: None,
) -> tuple[Path, dict[str, dict[str, float | None]]]:
    """Writes report.html and report.json into a folder, which is made.

    Args:
        folder: where they go; what they replace is lost.
        source: what to tell of.
        evaluate: judges the avatar.
        on_step: told what is done, and the finished share.

    Returns:
        report.html, and the held-out scores (report.content.scores_json), empty where nothing was held out.

    Raises:
        OSError: the disk is full, ...; a file is written completely or not at all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    judged = _judge(source, evaluate, on_step)
    content = report_json(source, judged)
    on_step("drawing the report", 0.9)
    rows = contact_sheet(source.take, judged.closed_loop or judged.open_loop)
    known = source.snapshot.corrections
    views = side_views(source.take, source.job.head, source.avatar, known, preview_picture(source.take))
    page = folder / "report.html"
    write_bytes(page, report_html(content, source, rows, views).encode())
    write_bytes(folder / "report.json", (json.dumps(content, indent=2, allow_nan=False) + "\n").encode())
    return page, scores_json(judged) if judged.held_out else {}


def _judge(source: ReportSource, evaluate: Evaluate, on_step: Callable[[str, float], None]) -> Judged:
    take, head, avatar, known = source.take, source.job.head, source.avatar, source.snapshot.corrections
    held_out = bool(take.held_out.any())
    chosen = take.held_out_indices if held_out else _some_training_pictures(take.train_indices)
    indices = [int(index) for index in chosen]
    on_step("judging it, open loop", 0.0)
    open_loop = evaluate(take, head, avatar, known, indices, False)
    closed_loop = None
    if not source.job.photo and not isinstance(avatar, PaperAvatar):
        on_step("judging it, closed loop", 0.45)
        closed_loop = evaluate(take, head, avatar, known, indices, True)
    return Judged(held_out, open_loop, closed_loop)


def _some_training_pictures(indices: np.ndarray) -> np.ndarray:
    start = max(0, (len(indices) - MOST_TRAINING_PICTURES) // 2)
    return indices[start : start + MOST_TRAINING_PICTURES]
