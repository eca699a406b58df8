import os
import signal
import socket
import threading

import aiohttp
import pytest

from server.config import ServerConfig
from server.errors import ServerStartError
from server.run import run_server, running_server


async def test_a_running_server_answers_at_its_url(web_root):
    async with (
        running_server(ServerConfig(port=0, web_root=web_root)) as server,
        aiohttp.ClientSession() as session,
        session.get(server.url + "/healthz") as response,
    ):
        assert (await response.json())["status"] == "ok"
    assert server.port > 0


async def test_a_port_in_use_is_one_clear_sentence(web_root):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerStartError) as caught:
            async with running_server(ServerConfig(port=port, web_root=web_root)):
                pass
    assert str(caught.value) == f"Port {port} is already in use: choose another with --port"


async def test_an_address_of_another_machine_is_one_clear_sentence(web_root):
    with pytest.raises(ServerStartError, match=r"192\.0\.2\.1 is not an address of this machine"):
        async with running_server(ServerConfig(host="192.0.2.1", port=0, web_root=web_root)):
            pass


def test_a_server_stops_on_a_signal(web_root):
    """Runs in the main thread, as signal handlers need it; the signal comes once the server listens."""
    ready: list[int] = []

    def stop(server) -> None:
        ready.append(server.port)
        threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGTERM)).start()

    run_server(ServerConfig(port=0, web_root=web_root), on_ready=stop)
    assert ready[0] > 0
