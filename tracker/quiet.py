"""Keeps the start-up chatter of native libraries off standard error."""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

STDERR_FD = 2

_redirecting = threading.Lock()
"""Two redirections that overlap would each take the other's file for standard error, and leave it so."""

_CHATTER = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog"
    rb"|^[IW]\d{4} \d\d:\d\d:"  # glog lines of level info and warning
    rb"|^INFO: "  # TensorFlow Lite
)


@contextmanager
def native_chatter_dropped() -> Iterator[None]:
    """Holds back what is written to file descriptor 2 meanwhile, then passes on all but known chatter.

    MediaPipe's C++ code writes there directly and offers no switch. The redirection is process-wide, so keep the block
    short; lines of other threads are delayed, not lost.
    """
    with _redirecting:
        try:
            saved = os.dup(STDERR_FD)
        except OSError:  # a daemon without standard error
            yield
            return
        with tempfile.TemporaryFile() as held:
            os.dup2(held.fileno(), STDERR_FD)
            try:
                yield
            finally:
                os.dup2(saved, STDERR_FD)
                os.close(saved)
                held.seek(0)
                for line in held:
                    if not _CHATTER.search(line):
                        os.write(STDERR_FD, line)
