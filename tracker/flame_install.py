"""Installs a FLAME file as a head model, and finds installed head models."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np

from assets.flame_file import EDITIONS, FlameFile, read_flame
from assets.store import Asset, AssetStore
from renderer.head.flame_head import make_flame_head
from renderer.head.model import HeadModel
from renderer.head.open_head import load_open_head
from renderer.head.storage import load_head, pack_head
from tracker.adopt_head import adopt_head

HEAD_FILE = "head.npz"
"""The head model (renderer.head.storage)."""
IDENTITY_FILE = "identity.npy"
"""[V, 3, 300] float16: directions of identity, metres per standard deviation."""


def install_flame(
    source: Path, store: AssetStore, progress: Callable[[str, float], None], *, edition: str | None = None
) -> Asset:
    """Reads a FLAME file, makes a head model of it and stores that in place of an earlier one. Takes seconds.

    Args:
        source: the user's file (assets.flame_file).
        store: where it goes.
        progress: told what is being done and the share that is done (0..1).
        edition: key of assets.flame_file.EDITIONS, for a file that does not tell it.

    Raises:
        FlameFileError, UnsafePickle: the file is none of FLAME's, is broken or hostile.
        HeadModelError: its mesh is not that of a head with open eyes.
        NoFaceFound: MediaPipe sees no face in drawings of the head.
        TrackerAssetError: MediaPipe's model is missing.
        AssetError: the store refuses.
    """
    progress("reading the file", 0.0)
    file = read_flame(source, edition)
    progress("making eyelids and charts", 0.1)
    bare = flame_head(file)
    head = adopt_head(bare, load_open_head(), lambda step, share: progress(step, 0.35 + 0.55 * share))
    progress("storing", 0.92)
    identity = io.BytesIO()
    np.save(identity, file.shapedirs.astype(np.float16), allow_pickle=False)
    files: dict[str, Path | bytes] = {HEAD_FILE: pack_head(head), IDENTITY_FILE: identity.getvalue()}
    asset = store.add(
        "flame", files, source=file.source, sha256=file.sha256, edition=file.edition, licence=EDITIONS[file.edition]
    )
    progress("done", 1.0)
    return asset


def flame_head(file: FlameFile) -> HeadModel:
    """The head model of a FLAME file without landmarks.

    Raises:
        HeadModelError: its mesh is not that of a head with open eyes.
    """
    return make_flame_head(
        file.edition,
        v_template=file.v_template,
        faces=file.faces,
        expressiondirs=file.expressiondirs,
        posedirs=file.posedirs,
        J_regressor=file.J_regressor,
        lbs_weights=file.lbs_weights,
    )


def find_head(wanted: str, store: AssetStore) -> HeadModel:
    """The head model of that name or id: the open head, or an installed FLAME.

    Raises:
        HeadModelError: it is not installed.
        AssetDamaged: an installed file has changed.
    """
    asset = store.find("flame")
    return load_head(wanted, [] if asset is None else [asset.path(HEAD_FILE)])
