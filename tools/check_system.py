"""Says in one sentence which system packages are missing. Usage: check_system.py run|test."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys

LIBRARIES = {"libEGL.so.1": "libegl1", "libGLESv2.so.2": "libgles2", "libGL.so.1": "libgl1"}
"""MediaPipe loads the first two, OpenCV the last."""

TEST_PROGRAMS = {"chromium": "chromium", "node": "nodejs", "npm": "npm"}

NODE_MAJOR = 18
"""The oldest Node.js that the page's unit tests and TypeScript run on: that of Debian 12."""


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


def old_node() -> str | None:
    """The version of an installed Node.js that is too old, e.g. "v12.22.9"."""
    if shutil.which("node") is None:
        return None
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    major = version.removeprefix("v").split(".")[0]
    return None if major.isdigit() and int(major) >= NODE_MAJOR else version or "unknown"


def main() -> int:
    """Prints the sentence and returns the exit status."""
    purpose = sys.argv[1] if len(sys.argv) > 1 else "run"
    if not sys.platform.startswith("linux"):
        return 0
    missing = missing_packages(purpose)
    if missing:
        print(f"System packages are missing: run `apt-get install {' '.join(missing)}` first.", file=sys.stderr)
        return 1
    if purpose == "test" and (version := old_node()):
        print(f"The tests need Node.js {NODE_MAJOR} or later, but node is {version}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
