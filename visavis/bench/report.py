"""The shape of a measurement: a readable table, and JSON with the machine it was taken on."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """One measured number: `name` is stable across versions, `better` says which direction is an improvement."""

    name: str
    value: float
    unit: str
    better: Literal["higher", "lower"]


def machine() -> dict[str, object]:
    """What the figures were taken on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def show(console: Console, title: str, figures: Sequence[Figure]) -> None:
    """Prints the table."""
    table = Table(title=title, title_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("unit")
    table.add_column("better")
    for figure in figures:
        table.add_row(figure.name, f"{figure.value:.4g}", figure.unit, figure.better)
    console.print(table)


def write_json(path: Path, figures: Sequence[Figure]) -> None:
    """Writes machine, command and figures."""
    command = " ".join(["visavis", *sys.argv[1:]])
    content = {"machine": machine(), "command": command, "figures": [asdict(figure) for figure in figures]}
    path.write_text(json.dumps(content, indent=2) + "\n")
