"""Points that were measured before, so that a report that was interrupted goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from enrolment.checkpoint import write_bytes
from visavis.bench.rd.points import Point
from visavis.bench.rd.quality import Quality

VERSION = 2
"""Of what is measured and how: older points are measured again."""


class PointCache:
    """One JSON file for each clip and method.

    Args:
        folder: made when something is kept.
        clip: name of the clip.
        method: name of the curve.
        inputs: bytes that decide the points, e.g. the pictures; points for other ones are forgotten.
    """

    def __init__(self, folder: Path, clip: str, method: str, inputs: list[bytes]) -> None:
        self._path = folder / f"{clip}-{method}.json"
        digest = hashlib.sha256(str(VERSION).encode())
        for each in inputs:
            digest.update(hashlib.sha256(each).digest())
        self._inputs = digest.hexdigest()
        self._points: dict[str, Point] = {}
        try:
            stored = json.loads(self._path.read_text("utf-8"))
            if stored["inputs"] == self._inputs:
                self._points = {each["setting"]: _point(each) for each in stored["points"]}
        except (OSError, ValueError, KeyError, TypeError):
            pass  # nothing is known yet

    def find(self, setting: str) -> Point | None:
        """The point of a setting, if it was measured."""
        return self._points.get(setting)

    def keep(self, point: Point) -> None:
        """Writes a point down.

        Raises:
            OSError: the disk refuses.
        """
        if self._points.get(point.setting) == point:
            return
        self._points[point.setting] = point
        content = {"inputs": self._inputs, "points": [asdict(each) for each in self._points.values()]}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(self._path, json.dumps(content, indent=1).encode())


def _point(stored: dict[str, Any]) -> Point:
    quality = Quality(**stored["quality"])
    return Point(stored["setting"], stored["kbps"], quality, stored["encode_ms"], stored["decode_ms"])
