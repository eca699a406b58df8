"""The z-buffer loop of renderer.head.draw."""

from __future__ import annotations

import numpy as np

from renderer.jit import kernel


@kernel
def cast_triangles(xy, inverse_depth, faces, buffer, seen, weights):
    """Draws every triangle that faces the camera into the buffers.

    Args:
        xy: [V, 2] pixels.
        inverse_depth: [V].
        faces: [F, 3].
        buffer: [h, w] largest inverse depth so far, zero at first.
        seen: [h, w] triangle at that depth.
        weights: [h, w, 3] its perspective-correct barycentrics.
    """
    size = len(buffer)
    for face in range(len(faces)):
        i, j, k = faces[face]
        ax, ay, bx, by, cx, cy = xy[i, 0], xy[i, 1], xy[j, 0], xy[j, 1], xy[k, 0], xy[k, 1]
        double_area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        # Counter-clockwise from outside is clockwise in an image whose y points down: negative faces the camera.
        if not double_area < -1e-9:
            continue
        left, right = max(0, int(np.ceil(min(ax, bx, cx) - 0.5))), min(size - 1, int(np.floor(max(ax, bx, cx) - 0.5)))
        top, bottom = max(0, int(np.ceil(min(ay, by, cy) - 0.5))), min(size - 1, int(np.floor(max(ay, by, cy) - 0.5)))
        for row in range(top, bottom + 1):
            py = row + 0.5
            for column in range(left, right + 1):
                px = column + 0.5
                wb = ((px - ax) * (cy - ay) - (cx - ax) * (py - ay)) / double_area
                wc = ((bx - ax) * (py - ay) - (px - ax) * (by - ay)) / double_area
                wa = 1 - wb - wc
                if wa < -1e-9 or wb < -1e-9 or wc < -1e-9:
                    continue
                a, b, c = wa * inverse_depth[i], wb * inverse_depth[j], wc * inverse_depth[k]
                depth = a + b + c
                if depth > buffer[row, column]:
                    buffer[row, column] = depth
                    seen[row, column] = face
                    weights[row, column, 0] = a / depth
                    weights[row, column, 1] = b / depth
                    weights[row, column, 2] = c / depth
