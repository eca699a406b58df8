"""Builds the guest avatars: `python -m tools.build_guests` (docs/guests.md).

Deterministic: the same data and versions give the same files. Writes avatar_store/data/guests (avatar files,
portraits, guests.json). With `--sheet DIR` it also writes contact sheets, and with `--only NAME` it builds one
guest for such a sheet and leaves the shipped files alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from pathlib import Path

import numpy as np

from codec.avatar_asset import AvatarAsset
from codec.avatar_file import avatar_id, pack_avatar, unpack_avatar
from renderer.head.open_head import load_open_head
from tools.guests.guest import build_guest, open_studio, sorted_by_face
from tools.guests.people import GUESTS
from tools.guests.preview import contact_sheet, thumbnail, write_png
from tools.open_head.shape import build_bust

ROOT = Path(__file__).resolve().parent.parent
STORE = ROOT / "avatar_store/data/guests"
LICENSE = "CC0-1.0"


def build(only: str | None = None) -> list[tuple[AvatarAsset, bytes, dict[str, int]]]:
    """Builds all guests (or one): the asset as decoded from its file, the file, Gaussians per part."""
    head, bust = load_open_head(), build_bust()
    if not np.allclose(head.v_template, bust.vertices, atol=1e-4):
        raise SystemExit("renderer/head/data is older than tools/open_head: run python -m tools.build_open_head first")
    started = time.monotonic()
    print("preparing the head", flush=True)
    studio = open_studio(head, bust)
    built = []
    for guest in GUESTS:
        if only and guest.name.lower() != only.lower():
            continue
        asset, counts = build_guest(studio, guest)
        data = pack_avatar(sorted_by_face(asset))
        built.append((unpack_avatar(data), data, counts))
        parts = ", ".join(f"{part} {count}" for part, count in counts.items())
        seconds = time.monotonic() - started
        print(
            f"{seconds:5.0f} s  {guest.name}: {asset.count} Gaussians, {len(data) / 1e3:.0f} kB ({parts})", flush=True
        )
    return built


def write(built: list[tuple[AvatarAsset, bytes, dict[str, int]]]) -> None:
    """Replaces the shipped guests."""
    entries = []
    STORE.mkdir(parents=True, exist_ok=True)
    for old in [*STORE.glob("*.vav"), *STORE.glob("*.png")]:
        old.unlink()
    for asset, data, counts in built:
        slug = asset.name.lower()
        (STORE / f"{slug}.vav").write_bytes(data)
        write_png(STORE / f"{slug}.png", thumbnail(asset))
        entries.append(
            {
                "avatar_id": avatar_id(data),
                "name": asset.name,
                "file": f"{slug}.vav",
                "thumbnail": f"{slug}.png",
                "license": LICENSE,
                "gaussians": counts,
            }
        )
    (STORE / "guests.json").write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Builds the guest avatars.")
    parser.add_argument("--only", metavar="NAME", help="build one guest, for a sheet")
    parser.add_argument("--sheet", metavar="DIR", type=Path, help="write contact sheets there")
    options = parser.parse_args()
    built = build(options.only)
    if options.sheet:
        options.sheet.mkdir(parents=True, exist_ok=True)
        for asset, _, _ in built:
            write_png(options.sheet / f"{asset.name.lower()}.png", contact_sheet(asset))
    if not options.only:
        write(built)
        digest = hashlib.sha256(b"".join(data for _, data, _ in built)).hexdigest()
        print(f"wrote {len(built)} guests, {digest[:12]}")


if __name__ == "__main__":
    main()
