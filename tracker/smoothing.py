"""One-Euro filters (Casiez, Roussel, Vogel, CHI 2012): calm at rest, quick in motion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class OneEuroSettings:
    """How one group of parameters is smoothed.

    Args:
        min_cutoff_hz: cutoff at rest; lower is calmer.
        beta: cutoff gained per unit of speed (Hz per unit/s); higher follows faster.
        speed_cutoff_hz: cutoff of the speed estimate.
    """

    min_cutoff_hz: float
    beta: float
    speed_cutoff_hz: float = 2.0


class OneEuroFilter:
    """Smooths a vector; the cutoff follows the speed of the whole vector, so that its direction is kept."""

    def __init__(self, settings: OneEuroSettings) -> None:
        self._settings = settings
        self._value: Vector | None = None
        self._speed = np.zeros(0)
        self._time_s = 0.0

    def __call__(self, value: Vector, time_s: float) -> Vector:
        """Returns the smoothed value; a time that does not grow returns the previous one."""
        value = np.asarray(value, np.float64)
        if self._value is None:
            self._value, self._speed, self._time_s = value.copy(), np.zeros_like(value), time_s
            return value.copy()
        interval = time_s - self._time_s
        if interval <= 0:
            return self._value.copy()
        self._time_s = time_s
        speed_gain = _gain(self._settings.speed_cutoff_hz, interval)
        self._speed += speed_gain * ((value - self._value) / interval - self._speed)
        cutoff = self._settings.min_cutoff_hz + self._settings.beta * float(np.linalg.norm(self._speed))
        self._value = self._value + _gain(cutoff, interval) * (value - self._value)
        return self._value.copy()

    def reset(self) -> None:
        """Forgets the past: the next value passes unchanged."""
        self._value = None


class LandmarkSmoother:
    """Smooths every coordinate of landmarks by itself, by its speed in face sizes per second, as MediaPipe does.

    The numbers and the rule (the speed of the unsmoothed values) are those of MediaPipe's FaceLandmarker in video mode
    (landmarks_smoothing_calculator.cc, one_euro_filter.cc).
    """

    _SETTINGS = OneEuroSettings(min_cutoff_hz=0.05, beta=80.0, speed_cutoff_hz=1.0)

    def __init__(self) -> None:
        self._value: Vector | None = None
        self._raw = self._speed = np.zeros(0)
        self._time_s = 0.0

    def __call__(self, landmarks: Vector, time_s: float) -> Vector:
        """Returns [n, d] smoothed landmarks in the unit of `landmarks` [n, d]; `time_s` must grow."""
        if self._value is None:
            self._value, self._raw, self._speed = landmarks, landmarks, np.zeros_like(landmarks)
        else:
            interval = time_s - self._time_s
            size = float(np.ptp(landmarks[:, :2], axis=0).mean())
            speed_gain = _gain(self._SETTINGS.speed_cutoff_hz, interval)
            self._speed = self._speed + speed_gain * ((landmarks - self._raw) / (size * interval) - self._speed)
            cutoff = self._SETTINGS.min_cutoff_hz + self._SETTINGS.beta * np.abs(self._speed)
            self._value = self._value + _gain(cutoff, interval) * (landmarks - self._value)
            self._raw = landmarks
        self._time_s = time_s
        return self._value

    def reset(self) -> None:
        """Forgets the past: the next landmarks pass unchanged."""
        self._value = None


_Cutoff = TypeVar("_Cutoff", float, Vector)


def _gain(cutoff_hz: _Cutoff, interval_s: float) -> _Cutoff:
    omega = 2 * np.pi * cutoff_hz * interval_s
    return omega / (omega + 1)


SETTINGS = {
    "expression": OneEuroSettings(min_cutoff_hz=2.0, beta=1.5, speed_cutoff_hz=3.0),  # standard deviations
    "global_rotation": OneEuroSettings(min_cutoff_hz=2.0, beta=40.0),  # rad
    "translation": OneEuroSettings(min_cutoff_hz=1.5, beta=150.0),  # m
    "jaw_pose": OneEuroSettings(min_cutoff_hz=3.0, beta=60.0, speed_cutoff_hz=6.0),  # rad
    # A blink lasts 150 ms, four pictures: the filter may only calm an eye that is still.
    "eyelids": OneEuroSettings(min_cutoff_hz=2.0, beta=15.0, speed_cutoff_hz=12.0),
    "gaze": OneEuroSettings(min_cutoff_hz=2.0, beta=25.0, speed_cutoff_hz=6.0),  # rad; saccades are jumps
    "torso": OneEuroSettings(min_cutoff_hz=1.5, beta=40.0),  # rad and m; as calm as the skull, not tuned
}
"""Per field of FaceParams; jitter and lag on recorded calls decided (docs/tracking.md)."""


class ParamsSmoother:
    """One filter per field of FaceParams."""

    def __init__(self) -> None:
        self._filters = {name: OneEuroFilter(settings) for name, settings in SETTINGS.items()}

    def __call__(self, params: FaceParams, time_s: float) -> FaceParams:
        """Returns the smoothed parameters of the picture at `time_s`."""
        smooth = {name: filter_(getattr(params, name), time_s) for name, filter_ in self._filters.items()}
        return FaceParams(**{name: value.astype(np.float32) for name, value in smooth.items()})

    def reset(self) -> None:
        """Forgets the past, for a face that has just (re)appeared."""
        for filter_ in self._filters.values():
            filter_.reset()
