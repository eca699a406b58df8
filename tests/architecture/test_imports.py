"""Every module imports on its own, and light processes stay light."""

import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("assets", "avatar_store", "client", "codec", "renderer", "server", "tracker", "visavis")
HEAVY = ("torch", "gsplat", "numba", "mediapipe", "cv2", "aiortc", "av")


def loaded_modules(statement: str) -> set[str]:
    code = f"import json, sys\n{statement}\nprint(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_every_module_imports_in_one_fresh_interpreter_each_package() -> None:
    for package in PACKAGES:
        names = [package]
        for module in pkgutil.walk_packages([str(ROOT / package)], prefix=package + "."):
            if not module.name.endswith("__main__"):
                names.append(module.name)
        loaded_modules("\n".join(f"import {name}" for name in names))


@pytest.mark.parametrize(
    ("statement", "forbidden"),
    [
        ("import server.app", HEAVY),
        ("import codec.avatar_file, codec.face_link, codec.signaling", (*HEAVY, "asyncio", "aiohttp")),
        ("import visavis.__main__", HEAVY),
        ("import client.bot, client.hosted", ("torch", "gsplat")),
    ],
)
def test_light_imports_stay_light(statement: str, forbidden: tuple[str, ...]) -> None:
    assert loaded_modules(statement) & set(forbidden) == set()
