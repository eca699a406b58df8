"""No Arm machine runs these tests, but LLVM can say what kernels would be there: vectors of NEON, no library calls."""

import re
from typing import Any

import llvmlite.binding as llvm
import numba
import pytest

from renderer.avatar.kernels.layout import AVATAR_STATE
from renderer.avatar.kernels.mesh import pose_mesh
from renderer.backends.kernels.bin import bin_segment
from renderer.backends.kernels.blend import blend_block
from renderer.backends.kernels.layout import RASTER_STATE
from renderer.backends.kernels.project import project

TRIPLE = "aarch64-unknown-linux-gnu"
NEON_FUSED_MULTIPLY_ADD = re.compile(r"\bfml[as]\s+v\d+\.4s")
CALL = re.compile(r"\bbl\s+([\w.$]+)")
PYTHON = re.compile(r"Py|NRT_|numba_|_ZN|memset")
"""What the wrapper that Python calls may use, and the kernel itself."""


RASTER, AVATAR = numba.from_dtype(RASTER_STATE), numba.from_dtype(AVATAR_STATE)
NUMBER, FLOAT = numba.int64, numba.float32


@pytest.fixture(scope="module")
def arm() -> Any:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    return llvm.Target.from_triple(TRIPLE).create_target_machine(cpu="cortex-a76", opt=3)


@pytest.mark.parametrize(
    ("kernel", "arguments"),
    [
        pytest.param(blend_block, (*[NUMBER] * 5, FLOAT, FLOAT), id="blend_block"),
        pytest.param(project, (RASTER, NUMBER), id="project"),
        pytest.param(bin_segment, (RASTER, NUMBER, NUMBER), id="bin_segment"),
        pytest.param(pose_mesh, (AVATAR, NUMBER, NUMBER), id="pose_mesh"),
    ],
)
def test_kernels_become_neon(kernel: Any, arguments: tuple[Any, ...], arm: Any) -> None:
    again = numba.njit(nogil=True, error_model="numpy")(kernel.py_func)  # what comes from the cache has lost its IR
    again.compile(arguments)
    (text,) = again.inspect_llvm().values()
    assert "llvm.x86." not in text
    text = re.sub(r"target triple = .*", f'target triple = "{TRIPLE}"', text)
    text = re.sub(r"target datalayout = .*", "", text)
    text = re.sub(r'"target-(cpu|features)"="[^"]*"', "", text)
    assembly = arm.emit_assembly(llvm.parse_assembly(text))
    assert len(NEON_FUSED_MULTIPLY_ADD.findall(assembly)) > 10
    assert [name for name in set(CALL.findall(assembly)) if not PYTHON.match(name)] == []
