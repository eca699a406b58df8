"""No source file grows past what a reader can hold (CONTRIBUTING.md: think at 400 lines, never past 600)."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
CEILING = 600


def test_no_source_file_is_longer_than_the_ceiling() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*.py", "*.js", "*.css", "*.html", "*.sh"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert listed
    lengths = {name: len((ROOT / name).read_text().splitlines()) for name in listed if (ROOT / name).exists()}
    assert {name: n for name, n in lengths.items() if n > CEILING} == {}
