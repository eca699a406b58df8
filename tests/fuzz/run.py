"""Runs one of the targets with atheris: see tests/fuzz/README.md."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

FINDINGS = Path(__file__).parent / "findings"


def main(name: str, corpus: Path, *options: str) -> None:
    """Fuzzes the target `name` from its seeds and whatever else is in `corpus`; `options` are those of libFuzzer."""
    atheris: Any = importlib.import_module("atheris")  # installed by the extra `fuzz` alone
    with atheris.instrument_imports(include=["codec"]):
        target = importlib.import_module(f"tests.fuzz.{name}")
    corpus.mkdir(parents=True, exist_ok=True)
    for seed, data in target.seeds():
        (corpus / seed).write_bytes(data)
    findings = FINDINGS / name
    findings.mkdir(parents=True, exist_ok=True)
    atheris.Setup([name, str(corpus), f"-artifact_prefix={findings}/", *options], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
