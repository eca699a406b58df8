import asyncio
import os
import signal
import socket

import aiohttp
import pytest

from client.shutdown import stopped_by_signals
from server.config import ServerConfig
from server.errors import ServerStartError
from server.run import running_server


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


async def test_a_signal_stops_the_server_and_frees_its_port(web_root):
    """As `visavis serve` runs it."""
    async with stopped_by_signals(), running_server(ServerConfig(port=0, web_root=web_root)) as server:
        with socket.create_connection((server.host, server.port)):
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
    with socket.create_server((server.host, server.port)):
        pass
