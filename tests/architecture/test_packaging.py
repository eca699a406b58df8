"""The generic top-level names belong to this distribution alone, and versions are pinned."""

import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("assets", "avatar_store", "client", "codec", "renderer", "server", "tracker", "visavis")


def test_top_level_packages_are_ours_alone() -> None:
    owners = packages_distributions()
    assert {name: set(owners.get(name, [])) - {"visavis"} for name in PACKAGES} == {name: set() for name in PACKAGES}


def test_every_dependency_is_pinned_in_constraints() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().split()}
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = {item.split(";")[0].split("=")[0].split(">")[0].split("<")[0].strip().lower() for item in wanted}
    assert names - pinned == set()


def test_core_install_needs_neither_torch_nor_gsplat() -> None:
    pinned = (ROOT / "constraints.txt").read_text().lower()
    assert "torch" not in pinned
    assert "gsplat" not in pinned
