"""Without atheris: the seeds of each fuzz target, what fuzzing has found, and a few damages of both."""

from __future__ import annotations

from pathlib import Path
from random import Random
from types import ModuleType

import pytest

from tests.fuzz import fuzz_face_packets, fuzz_paper_file, fuzz_stream_file

FINDINGS = Path(__file__).parent / "findings"
TARGETS = (fuzz_face_packets, fuzz_paper_file, fuzz_stream_file)
DAMAGES = 4


def name_of(target: ModuleType) -> str:
    return target.__name__.rpartition(".")[2]


def inputs(target: ModuleType) -> list[tuple[str, bytes]]:
    found = [(path.name, path.read_bytes()) for path in sorted((FINDINGS / name_of(target)).glob("*"))]
    return [*target.seeds(), *found]


def damaged(data: bytes, random: Random) -> bytes:
    """With a part left out, repeated, or other bytes in it."""
    start = random.randrange(len(data) + 1)
    end = min(len(data), start + random.randrange(1, 9))
    other = random.choice((b"", 2 * data[start:end], random.randbytes(end - start)))
    return data[:start] + other + data[end:]


@pytest.mark.parametrize(
    ("target", "data"),
    [pytest.param(target, data, id=f"{name_of(target)}-{name}") for target in TARGETS for name, data in inputs(target)],
)
def test_seeds_findings_and_damages_break_nothing(target: ModuleType, data: bytes) -> None:
    random = Random(len(data))
    for candidate in (data, *(damaged(data, random) for _ in range(DAMAGES))):
        target.check(candidate)


@pytest.mark.parametrize("target", TARGETS, ids=name_of)
def test_seeds_have_names_of_their_own(target: ModuleType) -> None:
    names = [name for name, _ in target.seeds()]
    assert len(names) == len(set(names)) > 10


def test_the_seeds_reach_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nothing would be checked."""
    shown: list[float] = []
    monkeypatch.setattr(fuzz_face_packets.ShownFaces, "check", lambda _, __, now: shown.append(now))
    counts: dict[str, int] = {}
    for name, data in fuzz_face_packets.seeds():
        shown.clear()
        fuzz_face_packets.check(data)
        counts[name] = len(shown)
    assert min(counts.values()) >= 2
    assert counts["burst_50_4"] >= 13
