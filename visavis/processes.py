"""Child processes of a command: started together, watched, stopped together."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence

STOP_GRACE_S = 5.0
RESTART_FIRST_S = 1.0
RESTART_LONGEST_S = 30.0

PR_SET_PDEATHSIG = 1  # prctl(2)
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _end_with_parent() -> None:
    """Runs in the child before exec: the kernel sends it SIGTERM when we die, however that happens."""
    assert _LIBC is not None
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """One `visavis` sub-command in its own process, whose output lines go to `on_line`."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, on_line: Callable[[str], None]) -> None:
        self.name = name
        self._process = process
        self._on_line = on_line
        self.last_line = ""

    @staticmethod
    async def start(
        name: str,
        arguments: Sequence[str],
        on_line: Callable[[str], None],
        environment: Mapping[str, str] | None = None,
    ) -> Child:
        """Starts `visavis ARGUMENTS` with `environment` on top of ours."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "visavis",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
            start_new_session=True,  # Ctrl-C reaches us first; we stop the children in order
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )
        return Child(name, process, on_line)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    async def run(self) -> int:
        """Forwards output until the process ends; returns its exit status. Cancelling stops the process."""
        try:
            assert self._process.stdout is not None
            async for raw in self._process.stdout:
                line = raw.decode(errors="replace").rstrip()
                if line:
                    self.last_line = line
                    self._on_line(line)
            return await self._process.wait()
        finally:
            await asyncio.shield(self._stop())

    async def _stop(self) -> None:
        if self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_GRACE_S):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


async def keep_running(
    name: str, arguments: Sequence[str], on_line: Callable[[str], None], environment: Mapping[str, str] | None = None
) -> None:
    """Runs a child for ever, starting it again with growing pauses when it dies."""
    pause_s = RESTART_FIRST_S
    loop = asyncio.get_running_loop()
    while True:
        started = loop.time()
        child = await Child.start(name, arguments, on_line, environment)
        status = await child.run()
        if loop.time() - started > RESTART_LONGEST_S:
            pause_s = RESTART_FIRST_S
        on_line(f"{name} ended with status {status}; starting it again in {pause_s:.0f} s")
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, RESTART_LONGEST_S)


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that is free right now (tests and benchmarks)."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
