"""Health check of the hosted client: exit status 0 while it is connected to the server ($VISAVIS_SERVER)."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

ESTABLISHED = "01"
DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


def is_connected(tables: list[str], port: int) -> bool:
    """Whether a connection to `port` stands, by the content of /proc/net/tcp and tcp6."""
    for table in tables:
        for line in table.splitlines()[1:]:
            columns = line.split()
            if len(columns) > 3 and columns[3] == ESTABLISHED and int(columns[2].rpartition(":")[2], 16) == port:
                return True
    return False


def main() -> int:
    """Returns the exit status."""
    server = urlsplit(os.environ.get("VISAVIS_SERVER", "http://127.0.0.1:8080"))
    port = server.port or DEFAULT_PORTS.get(server.scheme, 80)
    tables = [path.read_text() for path in map(Path, ("/proc/net/tcp", "/proc/net/tcp6")) if path.exists()]
    return 0 if is_connected(tables, port) else 1


if __name__ == "__main__":
    sys.exit(main())
