"""`visavis avatars`: what is in the store, and the key that says whose it is (docs/avatar-store.md)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from visavis.errors import CommandError

if TYPE_CHECKING:
    from avatar_store.store import AvatarStore

app = typer.Typer(help="Avatars in the store, and the key that says whose they are.", no_args_is_help=True)

AvatarArgument = Annotated[
    str, typer.Argument(help="A handle, an id or its beginning, a guest's name, or a file.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
KB = 1000


@app.command("list")
def list_avatars(as_json: JsonOption = False) -> None:
    """All avatars: your own, those that others have sent, the guests."""
    from visavis.avatar_shelf import shelf

    with Console(stderr=True).status("reading the store"):
        rows = shelf(_store())
    if as_json:
        typer.echo(json.dumps(rows))
        return
    table = Table("handle", "name", "kind", "id", "kB", "owner", "last used")
    for row in rows:
        table.add_row(
            ", ".join(row["handles"]),
            row["name"],
            row["kind"],
            row["id"][:12],
            f"{row['bytes'] / KB:.0f}",
            (row["owner"] or "")[:9],
            _day(row["used"]),
        )
    Console(markup=False, highlight=False).print(table)  # names are no markup


@app.command("show")
def show(avatar: AvatarArgument, as_json: JsonOption = False) -> None:
    """One avatar: its sections, its owner, and whether the signature holds."""
    from visavis.avatar_shelf import describe, find_shelved

    store = _store()
    told = describe(store, find_shelved(store, avatar))
    if as_json:
        typer.echo(json.dumps(told))
        return
    values = told | {
        "handles": ", ".join(told["handles"]),
        "created": _day(told["created"]),
        "sections": ", ".join(f"{section['tag']} {section['bytes']}" for section in told["sections"]),
    }
    for name, value in values.items():
        if value not in (None, ""):
            typer.echo(f"{name}: {value}")


@app.command("export")
def export(
    avatar: AvatarArgument,
    out: Annotated[Path, typer.Option("-o", "--out", help="The file to write.", show_default=False)],
) -> None:
    """Write an avatar to a file, and its manifest beside it."""
    from visavis.avatar_shelf import export_avatar, find_shelved

    for path in export_avatar(find_shelved(_store(), avatar), out):
        typer.echo(f"wrote {path}")


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="An avatar file.", show_default=False)],
    handle: Annotated[str | None, typer.Option("--as", help="A name for it, if it is your own.")] = None,
) -> None:
    """Take a file into the store, verified: as your own if it is yours or nobody's."""
    from visavis.avatar_shelf import import_avatar

    avatar, kind = import_avatar(_store(), file, handle)
    typer.echo(f"imported {avatar} ({kind})")


@app.command("forget")
def forget(avatar: AvatarArgument, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete an avatar for good, with all that is remembered of it."""
    from visavis.avatar_shelf import find_shelved, forget_avatar

    store = _store()
    found = find_shelved(store, avatar)
    if not yes and not typer.confirm(f"Delete {found.kind} avatar {found.avatar_id[:12]} for good?"):
        raise CommandError("Nothing was deleted.")
    forget_avatar(store, found)
    typer.echo(f"deleted {found.avatar_id}")


@app.command("key")
def key(
    set_passphrase: Annotated[bool, typer.Option("--set-passphrase", help="Lock the key; asks for it.")] = False,
    remove_passphrase: Annotated[bool, typer.Option("--remove-passphrase", help="Unlock the key for good.")] = False,
    as_json: JsonOption = False,
) -> None:
    """The key that your avatars belong to: made when it is needed first."""
    from avatar_store import keys
    from avatar_store.open_store import local_root

    if set_passphrase and remove_passphrase:
        raise CommandError("Say either --set-passphrase or --remove-passphrase.")
    root = local_root()
    old = keys.passphrase_from_environment()
    if old is None and keys.is_locked(root):
        old = typer.prompt("Passphrase", hide_input=True)
    if set_passphrase:
        new = typer.prompt("New passphrase", hide_input=True, confirmation_prompt=True)
        owner = keys.set_passphrase(root, old, new)
    elif remove_passphrase:
        owner = keys.set_passphrase(root, old, None)
    else:
        owner = keys.load_owner_key(root, old)
    told: dict[str, Any] = {
        "fingerprint": keys.fingerprint(owner.public),
        "public_key": owner.public.hex(),
        "file": str(keys.key_path(root)),
        "passphrase": keys.is_locked(root),
    }
    if as_json:
        typer.echo(json.dumps(told))
        return
    for name, value in (told | {"passphrase": "yes" if told["passphrase"] else "no"}).items():
        typer.echo(f"{name}: {value}")


def _store() -> AvatarStore:
    from avatar_store.open_store import default_store

    return default_store()


def _day(time_s: float | None) -> str:
    return "" if time_s is None else f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%d}"
