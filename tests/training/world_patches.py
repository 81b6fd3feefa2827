"""Patches in a store without simulating a world: noise, and a brighter change on landslides."""

from __future__ import annotations

import numpy as np

from sarlra.training.worlds import Store, World


def put_patches(world: World, store: Store, slides: int = 12, background: int = 200) -> None:
    """Patches as a world would give them: noise, brighter change on landslides."""
    rng = np.random.default_rng(world.seed)
    arrays = {}
    for state in ("ascending", "descending"):
        share = np.r_[np.full(slides, 0.2), np.zeros(background)]
        rank = np.r_[np.zeros(slides), (np.arange(background) + 1) / slides]
        for pre, post in store.buffers:
            windows = rng.normal(0, 1, (len(share), 64, 64, 4)).astype(np.float32)
            windows[:slides, 20:40, 20:40, 2] += 4
            arrays[f"{state}_{pre}_{post}"] = windows
            arrays[f"{state}_{pre}_{post}_acquisitions"] = np.array([5, 1])
        arrays[f"{state}_share"], arrays[f"{state}_rank"] = share, rank
        arrays[f"{state}_incidence"] = np.array(38.0)
    path = store.path(world)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)  # type: ignore[arg-type]
