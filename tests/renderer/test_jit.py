"""Where compiled kernels are kept."""

import os
from pathlib import Path

import pytest

from renderer import jit
from renderer.errors import UnsupportedProcessorError


@pytest.fixture
def fresh_cache_directory():
    return jit.cache_directory.__wrapped__


def test_the_directory_is_named_after_the_sources(
    fresh_cache_directory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(jit.config, "CACHE_DIR", str(tmp_path))
    first = fresh_cache_directory()
    assert first.parent == tmp_path
    assert first == fresh_cache_directory()
    monkeypatch.setattr(jit.numba, "__version__", "another")
    assert fresh_cache_directory() != first


def test_old_versions_are_removed_in_time(
    fresh_cache_directory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(jit.config, "CACHE_DIR", str(tmp_path))
    for age in range(9):
        (tmp_path / f"visavis-{age}").mkdir()
        os.utime(tmp_path / f"visavis-{age}", (1e9 - age, 1e9 - age))
    (tmp_path / "of somebody else").mkdir()
    kept = fresh_cache_directory()
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {kept.name, "visavis-0", "visavis-1", "visavis-2", "visavis-3", "of somebody else"}


def test_a_home_that_cannot_be_written_to_is_no_obstacle(
    fresh_cache_directory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    not_a_directory = tmp_path / "file"
    not_a_directory.write_text("")
    monkeypatch.setattr(jit.config, "CACHE_DIR", str(not_a_directory))
    monkeypatch.setattr(jit.tempfile, "tempdir", str(tmp_path))
    assert fresh_cache_directory().parent == tmp_path


def test_the_setting_of_other_users_of_numba_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(jit.config, "CACHE_DIR", str(tmp_path))
    jit.kernel(lambda x: x)
    assert str(tmp_path) == jit.config.CACHE_DIR


def test_an_old_processor_is_named_instead_of_ending_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    features = {"avx2": True, "fma": True, "f16c": True}
    monkeypatch.setattr(jit.llvmlite.binding, "get_host_cpu_features", lambda: features)
    monkeypatch.setattr(jit.platform, "machine", lambda: "x86_64")
    require_processor = jit.require_processor.__wrapped__
    require_processor()
    features["fma"] = False
    with pytest.raises(UnsupportedProcessorError, match="lacks fma"):
        require_processor()
    monkeypatch.setattr(jit.platform, "machine", lambda: "arm64")
    require_processor()
