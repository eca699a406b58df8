"""Every module imports on its own, the core install is enough for it, and light processes stay light."""

import importlib.util
import json
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("assets", "avatar_store", "client", "codec", "enrolment", "renderer", "server", "tracker", "visavis")
HEAVY = ("torch", "gsplat", "numba", "mediapipe", "cv2", "aiortc", "av")

NEEDS_AN_EXTRA = {
    "enrolment.torch_training.latent_splats": "torch",
    "enrolment.torch_training.layer_pruning": "torch",
    "enrolment.torch_training.linear_splats": "torch",
    "enrolment.torch_training.linear_trainer": "torch",
    "enrolment.torch_training.losses": "torch",
    "enrolment.torch_training.paper_compression": "torch",
    "enrolment.torch_training.paper_scene": "torch",
    "enrolment.torch_training.paper_splats": "torch",
    "enrolment.torch_training.paper_trainer": "torch",
    "enrolment.torch_training.paper_tuning": "torch",
    "enrolment.torch_training.pictures": "torch",
    "enrolment.torch_training.rasterize": "torch",
    "enrolment.torch_training.state": "torch",
    "renderer.backends.cuda_batch": "torch",
    "renderer.backends.cuda_frames": "torch",
    "renderer.backends.cuda_head": "torch",
    "renderer.backends.cuda_output": "torch",
    "renderer.backends.cuda_pose": "torch",
    "tracker.smirk.checkpoint": "torch",
    "tracker.smirk.export": "torch",
    "tracker.smirk.network": "torch",
    "tracker.smirk.speed": "torch",
}
"""Modules that convert SMIRK's weights or measure the conversion: extra `smirk`; the insides of the CUDA backend: extra
`cuda`; training with PyTorch: extra `train`. What uses them does without torch (tracker.smirk.install,
tracker.smirk.session, renderer.backends.cuda and renderer.backends.choose import what they need when it is used)."""


def optional_packages() -> set[str]:
    """What only an extra for users brings (so `dev` does not count)."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lines = [line for extra, lines in extras.items() if extra != "dev" for line in lines]
    return {name_of(line) for line in lines} - {name_of(line) for line in project["dependencies"]}


def name_of(requirement: str) -> str:
    """The name in a line such as `torch==2.13.0`."""
    found = re.match(r"[\w.-]+", requirement)
    assert found is not None, requirement
    return found[0]


def modules_of(package: str) -> list[str]:
    found = pkgutil.walk_packages([str(ROOT / package)], prefix=package + ".")
    return [package, *(module.name for module in found if not module.name.endswith("__main__"))]


def last_line_of(code: str) -> Any:
    """Runs `code` in a fresh interpreter; the JSON of the last line that it prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def loaded_modules(statement: str) -> set[str]:
    return set(
        last_line_of(f"import json, sys\n{statement}\nprint(json.dumps([n.split('.')[0] for n in sys.modules]))")
    )


IMPORT_WITHOUT = """
import importlib, json, sys
for name in {absent!r}:
    sys.modules[name] = None  # what Python itself takes for a module that cannot be imported
missing = {{}}
for name in {modules!r}:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in {absent!r}:
            raise
        missing[name] = error.name
print(json.dumps(missing))
"""


def test_every_module_imports_with_the_core_install_in_one_fresh_interpreter_each_package() -> None:
    absent = sorted(optional_packages())
    assert {"gsplat", "onnxruntime", "torch"} <= set(absent)
    missing: dict[str, str] = {}
    for package in PACKAGES:
        missing |= last_line_of(IMPORT_WITHOUT.format(absent=absent, modules=modules_of(package)))
    assert missing == NEEDS_AN_EXTRA


@pytest.mark.parametrize("module", NEEDS_AN_EXTRA)
def test_what_needs_an_extra_imports_with_it(module: str) -> None:
    if importlib.util.find_spec(NEEDS_AN_EXTRA[module]) is None:
        pytest.skip(f"{NEEDS_AN_EXTRA[module]} is not installed")
    assert NEEDS_AN_EXTRA[module] in loaded_modules(f"import {module}")


@pytest.mark.parametrize(
    ("statement", "forbidden"),
    [
        ("import server.app", HEAVY),
        ("import codec.avatar_file, codec.face_link, codec.signaling", (*HEAVY, "asyncio", "aiohttp")),
        ("import visavis.__main__", HEAVY),
        ("import client.bot, client.hosted", ("torch", "gsplat", "onnxruntime")),
        ("import renderer.backends.choose, renderer.backends.cuda", ("torch", "gsplat")),
        ("import client.load_equipment, tracker.extractor", ("torch", "gsplat", "onnxruntime")),
    ],
)
def test_light_imports_stay_light(statement: str, forbidden: tuple[str, ...]) -> None:
    assert loaded_modules(statement) & set(forbidden) == set()
