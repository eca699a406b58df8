"""Installs SMIRK: checks the user's checkpoint, converts it once, keeps the result."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable
from pathlib import Path

from assets.store import AssetStore
from tracker.smirk.errors import SmirkFileError
from tracker.smirk.session import FRAME_FILE, SHAPE_FILE

EDITION = "smirk-flame-2020"
LICENCE = (
    "SMIRK (Retsinas et al., CVPR 2024), its repository is under MIT. The coefficients are those of FLAME 2020, whose "
    "own licence allows non-commercial scientific research only."
)
_CONVERTER = ("torch", "onnx", "onnxruntime")


def install_smirk(source: Path, store: AssetStore, progress: Callable[[str, float], None]) -> None:
    """Reads a SMIRK checkpoint (`SMIRK_em1.pt`) and installs its encoder as ONNX files.

    Takes some seconds and, only here, PyTorch.

    Args:
        source: the user's file.
        store: where it goes.
        progress: told what is being done and the share that is done (0..1).

    Raises:
        SmirkFileError: the file is not SMIRK's, is broken or hostile, or PyTorch is missing.
        SmirkUnavailable: ONNX Runtime cannot load what was converted.
        AssetError: the store refuses.
    """
    missing = [name for name in _CONVERTER if importlib.util.find_spec(name) is None]
    if missing:
        raise SmirkFileError(f"Converting SMIRK's weights needs {' and '.join(missing)}: pip install 'visavis[smirk]'.")
    progress("Reading the file", 0.0)
    try:
        with source.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SmirkFileError(f"{source} cannot be read: {error.strerror}.") from error
    progress("Checking the weights", 0.1)
    # Not at the top: torch takes seconds to import, and calls do without it.
    from tracker.smirk.checkpoint import load_encoder
    from tracker.smirk.export import export_frame, export_shape

    encoder = load_encoder(source)
    progress("Converting the pose and expression networks", 0.3)
    frame = export_frame(encoder)
    progress("Converting the shape network", 0.7)
    shape = export_shape(encoder)
    progress("Storing", 0.95)
    store.add(
        "smirk",
        {FRAME_FILE: frame, SHAPE_FILE: shape},
        source=source.name,
        sha256=sha256,
        edition=EDITION,
        licence=LICENCE,
    )
    progress("Done", 1.0)
