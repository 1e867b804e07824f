"""How many shards each of several consumers should hold: as equal as it goes, moving few."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def excess(owner: str, held: Mapping[str, int], shards: int) -> int:
    """Give how many shards this consumer has too many (negative: too few).

    `held` has every living consumer, this one too. All come to the same answer from the same
    counts: the ones that hold most keep the larger shares.
    """
    ranked = sorted(held, key=lambda name: (-held[name], name))
    each, over = divmod(shards, len(ranked))
    return held[owner] - each - (ranked.index(owner) < over)
