"""Writes a made-up head in the layouts of FLAME's files, to try `visavis assets install flame` without FLAME.

Usage: `python -m tools.make_synthetic_flame FOLDER` in the repository root. The files hold the open head (CC0) without
its shoulders, refined to FLAME's size; nothing of FLAME is in them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tools.synthetic_flame.geometry import synthetic_flame
from tools.synthetic_flame.layouts import chumpy_layout, npz_layout, open_layout


def main(folder: Path) -> None:
    arrays = synthetic_flame()
    folder.mkdir(parents=True, exist_ok=True)
    for name, layout in (
        ("generic_model.pkl", chumpy_layout),
        ("flame2023.pkl", chumpy_layout),
        ("flame2023_Open.pkl", open_layout),
        ("flame2023_Open.npz", npz_layout),
    ):
        path = folder / name
        path.write_bytes(layout(arrays))
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
