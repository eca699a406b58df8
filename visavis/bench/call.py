"""`visavis bench call`: how a real three-person call behaves on this machine (browser and two bots)."""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

from visavis.bench.agreement import compare
from visavis.bench.browser import join, member_id, open_browser, open_page, wait_for_heads
from visavis.bench.media import face_motion, write_fake_camera
from visavis.bench.recording import record_tile
from visavis.bench.report import Figure
from visavis.local_room import LocalRoom, open_room
from visavis.processes import free_port
from visavis.sample import fetch_recordings

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

JOINS = 5
BOTS = 2
STEADY_S = 20.0
RECORD_S = 24.0
SETTLE_S = 5.0
"""Rates are averaged over a sliding window; this long after joining they describe the steady state."""


def run(console: Console) -> list[Figure]:
    """Opens the room, measures, and returns the figures of issue "First call"."""
    return asyncio.run(_measure(console))


async def _measure(console: Console) -> list[Figure]:
    recordings = fetch_recordings(console.print)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        console.print("preparing a fake camera")
        camera = folder / "camera.mjpeg"
        write_fake_camera(recordings[0], camera)
        console.print("starting server, hosted client and two bots")
        async with (
            open_room(port=free_port(), room="bench", on_line=_ignore, say=console.print) as room,
            open_browser(camera) as browser,
        ):
            for index, recording in enumerate(recordings):
                await room.start_bot(f"Bot {index + 1}", recording)
            await room.wait_for_members(len(recordings))
            figures = [await _first_head(console, browser, room)]
            console.print(f"steady state for {STEADY_S:.0f} s")
            page = await open_page(browser, room.page_url + "&stamp=1")
            await join(page, "Bench")
            await wait_for_heads(page, len(recordings))
            await asyncio.sleep(SETTLE_S)
            figures += await _steady_state(page, room)
            await page.context.close()
            console.print(f"recording a head for {RECORD_S:.0f} s")
            page = await open_page(browser, room.page_url)
            await join(page, "Bench")
            await wait_for_heads(page, len(recordings))
            recorded = await record_tile(page, await member_id(page, "Bot 1"), RECORD_S)
            await page.context.close()
        console.print("tracking what was received")
        received = folder / "received.webm"
        received.write_bytes(recorded)
        agreement = compare(face_motion(recordings[0]), face_motion(received))
    return [
        *figures,
        Figure("call.jaw_correlation", agreement.jaw_correlation, "", "higher"),
        Figure("call.yaw_correlation", agreement.yaw_correlation, "", "higher"),
    ]


def _ignore(name: str, line: str) -> None:
    """The children's lines are not part of the table."""


async def _first_head(console: Console, browser: Browser, room: LocalRoom) -> Figure:
    seconds: list[float] = []
    for attempt in range(JOINS):
        page = await open_page(browser, room.page_url)
        await join(page, "Bench")
        await page.wait_for_function(
            "() => Object.entries(window.visavis.stats().tiles).some(([k, t]) => k !== 'self' && t.firstMotionAt)"
        )
        script = """() => {
          const stats = window.visavis.stats();
          const heads = Object.entries(stats.tiles).filter(([k, t]) => k !== 'self' && t.firstMotionAt);
          return (Math.min(...heads.map(([, t]) => t.firstMotionAt)) - stats.joinClickedAt) / 1000;
        }"""
        seconds.append(float(await page.evaluate(script)))
        console.print(f"join {attempt + 1} of {JOINS}: first head after {seconds[-1]:.2f} s")
        await page.context.close()
        await room.wait_for_members(BOTS)
    return Figure("call.first_head_s", statistics.median(seconds), "s", "lower")


async def _steady_state(page: Page, room: LocalRoom) -> list[Figure]:
    drawn = "Object.fromEntries(Object.entries(window.visavis.stats().tiles).map(([k, t]) => [k, t.frames]))"
    before, cpu_before, start = await page.evaluate(drawn), _cpu_seconds(room), time.monotonic()
    await asyncio.sleep(STEADY_S)
    after, cpu_after, elapsed = await page.evaluate(drawn), _cpu_seconds(room), time.monotonic() - start
    heads = await wait_for_heads(page, BOTS)
    latencies = await page.evaluate("(ids) => ids.flatMap((id) => window.visavis.stats().tiles[id].latencies)", heads)
    peers: list[dict[str, Any]] = await page.evaluate("window.visavis.state().peers")
    rates = [(after[head] - before[head]) / elapsed for head in heads]
    payload = [peer["payload_kbps_in"] for peer in peers] + [peer["payload_kbps_out"] for peer in peers]
    wire_in = statistics.mean(peer["wire_kbps_in"] for peer in peers)
    wire_out = statistics.mean(peer["wire_kbps_out"] for peer in peers)
    return [
        Figure("call.latency_p50_ms", float(np.percentile(latencies, 50)), "ms", "lower"),
        Figure("call.latency_p95_ms", float(np.percentile(latencies, 95)), "ms", "lower"),
        Figure("call.fps_min", min(rates), "1/s", "higher"),
        Figure("call.face_payload_kbps", statistics.mean(payload), "kbit/s", "lower"),
        Figure("call.face_wire_kbps_in", wire_in, "kbit/s", "lower"),
        Figure("call.face_wire_kbps_out", wire_out, "kbit/s", "lower"),
        Figure("call.face_wire_kbps_pair", wire_in + wire_out, "kbit/s", "lower"),
        *(
            Figure(f"call.cpu_pct_{name}", 100 * (cpu_after[name] - cpu_before[name]) / elapsed, "% of a core", "lower")
            for name in cpu_before
        ),
    ]


def _cpu_seconds(room: LocalRoom) -> dict[str, float]:
    """User and system time of each process of the room so far (Linux: /proc/PID/stat)."""
    ticks = os.sysconf("SC_CLK_TCK")
    seconds: dict[str, float] = {}
    for name, child in room.children.items():
        fields = Path(f"/proc/{child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        seconds[name] = (int(fields[11]) + int(fields[12])) / ticks
    return seconds
