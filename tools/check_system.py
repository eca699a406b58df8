"""Says in one sentence which system packages are missing. Usage: check_system.py run|test."""

from __future__ import annotations

import ctypes
import shutil
import sys

LIBRARIES = {"libEGL.so.1": "libegl1", "libGLESv2.so.2": "libgles2", "libGL.so.1": "libgl1"}
"""MediaPipe loads the first two, OpenCV the last."""

TEST_PROGRAMS = {"chromium": "chromium", "node": "nodejs", "npm": "npm"}


def missing_packages(purpose: str) -> list[str]:
    """Debian packages that are needed for `purpose` ("run" or "test") and not there."""
    missing = []
    for library, package in LIBRARIES.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(package)
    if purpose == "test":
        missing += [package for program, package in TEST_PROGRAMS.items() if shutil.which(program) is None]
    return missing


def main() -> int:
    """Prints the sentence and returns the exit status."""
    purpose = sys.argv[1] if len(sys.argv) > 1 else "run"
    if not sys.platform.startswith("linux"):
        return 0
    missing = missing_packages(purpose)
    if missing:
        print(f"System packages are missing: run `apt-get install {' '.join(missing)}` first.", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
