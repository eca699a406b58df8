"""The choice of a head model on the command line."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from visavis.errors import CommandError

if TYPE_CHECKING:
    from renderer.head.model import HeadModel


class Head(StrEnum):
    """The head models that there are."""

    OPEN = "open"
    FLAME = "flame"


def load_head(head: Head) -> HeadModel:
    """Loads a head model.

    Raises:
        CommandError: FLAME is wanted and not installed.
    """
    if head is Head.OPEN:
        from renderer.head.open_head import load_open_head

        return load_open_head()
    from assets.store import default_asset_store
    from tracker.flame_install import find_head

    store = default_asset_store()
    asset = store.find(head.value)
    if asset is None:
        raise CommandError("FLAME is not installed: get its file and run `visavis assets install flame --from FILE`.")
    return find_head(asset.edition, store)
