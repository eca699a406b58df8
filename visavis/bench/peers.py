"""The other rasterizers that `visavis bench render` compares ours with.

They live with the tests (tests/bench), which only a checkout has, so they are loaded by their path.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from rich.console import Console

CHECKOUT = Path(__file__).parents[2]
FOLDER = CHECKOUT / "tests" / "bench"


def load_peer(name: str, console: Console | None = None) -> ModuleType | None:
    """The module tests/bench/<name>.py; None if it cannot be had, with the reason printed.

    Args:
        name: `torch_rasterizer`, `torch_oracle` (both need PyTorch: the extra `train`) or `scalar_rasterizer`.
        console: for the reason.
    """
    console = console or Console()
    path, known_as = FOLDER / f"{name}.py", f"visavis_bench_peer_{name}"
    if known_as in sys.modules:
        return sys.modules[known_as]
    spec = importlib.util.spec_from_file_location(known_as, path)
    if not path.exists() or spec is None or spec.loader is None:
        console.print(f"not compared with {name}: {path} is not there, this is no checkout")
        return None
    if str(CHECKOUT) not in sys.path:
        sys.path.append(str(CHECKOUT))  # they share scenes with the tests
    module = importlib.util.module_from_spec(spec)
    sys.modules[known_as] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        del sys.modules[known_as]
        console.print(f"not compared with {name}: {error.name} is not installed")
        return None
    return module
