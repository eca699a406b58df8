"""Mattes without holes and without flicker."""

from __future__ import annotations

import cv2
import numpy as np

from enrolment.take_matte import calm, fill_holes


def face_at(x: float, y: float, radius: float) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, 478)
    return (np.array([x, y]) + radius * np.column_stack([np.cos(angles), np.sin(angles)])).astype(np.float32)


def person() -> np.ndarray:
    alpha = np.zeros((200, 200), np.uint8)
    cv2.circle(alpha, (100, 80), 45, 255, -1)
    cv2.rectangle(alpha, (20, 130), (180, 199), 255, -1)
    cv2.rectangle(alpha, (85, 115), (115, 135), 255, -1)
    return alpha


def test_holes_are_filled_and_the_outline_stays() -> None:
    whole, face = person(), face_at(100, 80, 35)
    holed = whole.copy()
    cv2.circle(holed, (110, 75), 12, 0, -1)  # glasses
    cv2.circle(holed, (60, 160), 3, 90, -1)  # a button
    np.testing.assert_array_equal(fill_holes(holed, face), whole)


def test_an_arm_akimbo_and_the_background_are_no_holes() -> None:
    alpha, face = person(), face_at(100, 80, 35)
    cv2.rectangle(alpha, (30, 150), (60, 180), 0, -1)
    alpha[190:, 90:110] = 0  # open to the border
    np.testing.assert_array_equal(fill_holes(alpha, face), alpha)


def test_a_flicker_goes_and_motion_stays() -> None:
    time_s = np.arange(9) / 25
    moving = np.zeros((9, 8, 40), np.uint8)
    for index in range(9):
        moving[index, :, : 4 * index + 4] = 255
    calmed = moving.copy()
    calm(calmed, time_s)
    np.testing.assert_array_equal(calmed, moving)
    flickering = moving.copy()
    flickering[4, 2:4, 1:3] = 0
    calm(flickering, time_s)
    np.testing.assert_array_equal(flickering, moving)


def test_pictures_far_apart_are_no_neighbors() -> None:
    alphas = np.zeros((3, 4, 4), np.uint8)
    alphas[1] = 255
    calm(alphas, np.array([0.0, 1.0, 2.0]))
    assert (alphas[1] == 255).all()
