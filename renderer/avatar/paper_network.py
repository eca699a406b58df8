"""The network of profile `paper` on all Gaussians of an avatar, fast.

With FlashAvatar's sizes it multiplies five matrices of 256 x 256 by 256 numbers of every Gaussian, 330,000
multiplications each. BLAS, through numpy, does that near the processor's limit and with the GIL released; the
environment decides with how many threads (OPENBLAS_NUM_THREADS, which the command line sets to 1). In between, one
kernel adds the biases and takes max(0, x).

Several threads may share a frame as in renderer.backends.kernels.parallel: whoever is free takes the next chunk, and at
the end the owner waits only for helpers that are in the middle of one.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.paper_avatar import ENCODED_SIZE
from renderer.avatar.kernels.paper import add_and_rectify
from renderer.avatar.paper_model import PaperAvatarModel
from renderer.backends.buffers import aligned

Floats = NDArray[np.float32]

CHUNK = 384
"""Gaussians at a time, so that the activations before and after a layer (256 x 384 float32 each) and its weights stay
in 1 MB of L2 cache. On an AMD EPYC with that much, 256 to 640 are equal within 3 %, and 128 is 6 % slower."""


@dataclass(frozen=True, eq=False)
class _Inner:
    """A hidden layer behind the first one: weights [outputs, inputs], bias [outputs]."""

    weights: Floats
    bias: Floats


@dataclass(frozen=True, eq=False)
class _Chunk:
    """Gaussians start .. end - 1.

    Args:
        start: the first.
        end: one past the last.
        constant: [width, end - start] the part of the first layer that is the same in every frame.
    """

    start: int
    end: int
    constant: Floats


class OffsetNetwork:
    """Activations are [features, Gaussians]; nothing large is allocated by a frame.

    The first layer acts on the encoded position and on the condition separately. The one product is worked out once for
    each Gaussian, the other once for each frame; their sum is all that is left to do.

    Args:
        model: the avatar.
        outputs: [OUTPUT_SIZE, S] float32, where the outputs go; S is a multiple of 16.
        threads: how many threads may work on a frame.
    """

    def __init__(self, model: PaperAvatarModel, outputs: Floats, threads: int = 1) -> None:
        first, *inner, last = model.asset.layers
        weights = first.weights.astype(np.float64)
        width, padded = weights.shape[1], outputs.shape[1]
        constant = np.zeros((width, padded), np.float32)
        constant[:, : model.count] = (model.encoded @ weights[:ENCODED_SIZE] + first.bias).T
        self._of_condition = np.ascontiguousarray(weights[ENCODED_SIZE:].T)  # [width, CONDITION_SIZE]
        self._frame_bias = np.zeros(width, np.float32)
        self._inner = [
            _Inner(np.ascontiguousarray(layer.weights.T, np.float32), np.array(layer.bias, np.float32))
            for layer in inner
        ]
        self._last = np.ascontiguousarray(last.weights.T, np.float32)
        self._last_bias = last.bias.astype(np.float32)
        self._outputs = outputs
        ends = [min(start + CHUNK, padded) for start in range(0, padded, CHUNK)]
        starts = [0, *ends[:-1]]
        self._chunks = [
            _Chunk(start, end, np.ascontiguousarray(constant[:, start:end]))
            for start, end in zip(starts, ends, strict=True)
        ]
        widest = max([width, *(len(layer.bias) for layer in self._inner)])
        size = widest * min(CHUNK, padded)
        self._activations = [(aligned((size,), np.float32), aligned((size,), np.float32)) for _ in range(threads)]
        self._waiting: deque[_Chunk] = deque()
        self._at_work = [threading.Lock() for _ in range(1, threads)]

    def set_condition(self, condition: NDArray[np.float64]) -> None:
        """Sets what the next `run` is told: [CONDITION_SIZE], see codec.paper_avatar. Not during a `run`."""
        self._frame_bias[:] = self._of_condition @ condition

    def run(self) -> None:
        """Fills the outputs, before the tanh."""
        self._waiting.extend(self._chunks)
        self._work(0)
        for helper in self._at_work:
            with helper:  # it is in no chunk, and there are none left
                pass
        for output, bias in zip(self._outputs, self._last_bias, strict=True):  # in one call, numpy would allocate
            np.add(output, bias, out=output)

    def help(self, worker: int) -> None:
        """A helper's part of `run`, in another thread: takes chunks while there are any.

        Args:
            worker: the helper's number, 1 .. threads - 1; no two threads use the same at a time.
        """
        with self._at_work[worker - 1]:
            self._work(worker)

    def _work(self, worker: int) -> None:
        while True:
            try:
                chunk = self._waiting.popleft()
            except IndexError:
                return
            self._run_chunk(chunk, worker)

    def _run_chunk(self, chunk: _Chunk, worker: int) -> None:
        here, there = self._activations[worker]
        columns = chunk.end - chunk.start
        values = _as_matrix(here, len(self._frame_bias), columns)
        add_and_rectify(values, chunk.constant, self._frame_bias)
        for layer in self._inner:
            product = _as_matrix(there, len(layer.bias), columns)
            np.matmul(layer.weights, values, out=product)
            add_and_rectify(product, product, layer.bias)
            values, here, there = product, there, here
        np.matmul(self._last, values, out=self._outputs[:, chunk.start : chunk.end])


def _as_matrix(memory: Floats, rows: int, columns: int) -> Floats:
    return memory[: rows * columns].reshape(rows, columns)
