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
RECORD_S = 31.0
"""One round of the second recording, in which jaw and head move most."""
SETTLE_S = 5.0
"""Avatars and first key frames are through this long after joining."""


def run(console: Console) -> list[Figure]:
    """Opens the room, measures and returns the figures."""
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
            recorded = await record_tile(page, await member_id(page, "Bot 2"), RECORD_S)
            await page.context.close()
        console.print("tracking what was received")
        received = folder / "received.webm"
        received.write_bytes(recorded)
        agreement = compare(face_motion(recordings[1]), face_motion(received))
    return [
        *figures,
        Figure("call.jaw_correlation", agreement.jaw_correlation, "", "higher"),
        Figure("call.yaw_correlation", agreement.yaw_correlation, "", "higher"),
    ]


def _ignore(name: str, line: str) -> None:
    """The children's lines are not part of the table."""


async def _first_head(console: Console, browser: Browser, room: LocalRoom) -> Figure:
    """Join click to the first picture of a head that shows what its camera saw (a stamp proves it)."""
    seconds: list[float] = []
    for attempt in range(JOINS):
        page = await open_page(browser, room.page_url + "&stamp=1")
        await join(page, "Bench")
        first = "Math.min(...Object.entries(window.visavis.stats().tiles)" + (
            ".filter(([k, t]) => k !== 'self' && t.firstCaptureAt).map(([, t]) => t.firstCaptureAt))"
        )
        await page.wait_for_function(f"() => Number.isFinite({first})")
        seconds.append(float(await page.evaluate(f"() => ({first} - window.visavis.stats().joinClickedAt) / 1000")))
        console.print(f"join {attempt + 1} of {JOINS}: first head after {seconds[-1]:.2f} s")
        await page.context.close()
        await room.wait_for_members(BOTS)
    return Figure("call.first_head_s", statistics.median(seconds), "s", "lower")


async def _steady_state(page: Page, room: LocalRoom) -> list[Figure]:
    """Rates, latency, bytes and processor time over STEADY_S."""
    heads = await wait_for_heads(page, BOTS)
    before, cpu_before, start = await _tiles(page), _cpu_seconds(room), time.monotonic()
    samples: list[dict[str, Any]] = []
    while (elapsed := time.monotonic() - start) < STEADY_S:
        await asyncio.sleep(1.0)
        samples += await page.evaluate("() => window.visavis.state().peers")
    after, cpu_after = await _tiles(page), _cpu_seconds(room)
    elapsed = time.monotonic() - start
    rates = [(after[head]["captures"] - before[head]["captures"]) / elapsed for head in heads]
    latencies = [ms for head in heads for ms in after[head]["latencies"][len(before[head]["latencies"]) :]]

    def mean(name: str) -> float:
        return statistics.mean(sample[name] for sample in samples)

    return [
        Figure("call.latency_p50_ms", float(np.percentile(latencies, 50)), "ms", "lower"),
        Figure("call.latency_p95_ms", float(np.percentile(latencies, 95)), "ms", "lower"),
        Figure("call.fps_min", min(rates), "1/s", "higher"),
        Figure("call.face_payload_kbps", (mean("payload_kbps_in") + mean("payload_kbps_out")) / 2, "kbit/s", "lower"),
        Figure("call.face_payload_kbps_in", mean("payload_kbps_in"), "kbit/s", "lower"),
        Figure("call.face_payload_kbps_out", mean("payload_kbps_out"), "kbit/s", "lower"),
        Figure("call.face_wire_kbps_in", mean("wire_kbps_in"), "kbit/s", "lower"),
        Figure("call.face_wire_kbps_out", mean("wire_kbps_out"), "kbit/s", "lower"),
        Figure("call.face_wire_kbps_pair", mean("wire_kbps_in") + mean("wire_kbps_out"), "kbit/s", "lower"),
        *(
            Figure(
                f"call.cpu_pct_{name.lower().replace(' ', '_')}",
                100 * (cpu_after[name] - cpu_before[name]) / elapsed,
                "% of a core",
                "lower",
            )
            for name in cpu_before
        ),
    ]


async def _tiles(page: Page) -> dict[str, dict[str, Any]]:
    return await page.evaluate("() => window.visavis.stats().tiles")


def _cpu_seconds(room: LocalRoom) -> dict[str, float]:
    """User and system time of each process of the room so far (Linux: /proc/PID/stat)."""
    ticks = os.sysconf("SC_CLK_TCK")
    seconds: dict[str, float] = {}
    for name, child in room.children.items():
        fields = Path(f"/proc/{child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        seconds[name] = (int(fields[11]) + int(fields[12])) / ticks
    return seconds
