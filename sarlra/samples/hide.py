"""Taking data away from patches, so that a network learns that an edge of the data is no change."""

from __future__ import annotations

import numpy as np

from sarlra.samples.patches import Patches


def hide_edges(patches: Patches, share: float, most: float, rng: np.random.Generator) -> Patches:
    """Put a straight edge of the data through some of the patches.

    Scenes end along slanted lines, and windows that hold up to ``recipe.max_nodata`` of no data
    are scored. Without such patches in training, the filled part of a window looks like change.

    Parameters
    ----------
    patches
        Not changed.
    share
        Of the patches that get an edge.
    most
        Largest share of a patch's pixels that is hidden; how much is uniform from 0 to this.
    rng
        Draws the patches, and the side and slant of each edge.

    Returns
    -------
    Patches
        Same order and labels. A landslide patch keeps its label although a part of its landslide
        may be hidden, as in a real scene.
    """
    windows = patches.windows.copy()
    edge = windows.shape[1]
    rows, cols = np.mgrid[0:edge, 0:edge] - (edge - 1) / 2
    chosen = np.flatnonzero(rng.random(len(patches)) < share)
    angles = rng.uniform(0, 2 * np.pi, len(chosen))
    hidden = rng.uniform(0, most, len(chosen))
    for index, angle, part in zip(chosen, angles, hidden, strict=True):
        distance = np.cos(angle) * cols + np.sin(angle) * rows
        windows[index][distance < np.quantile(distance, part)] = np.nan
    return Patches(windows, patches.labels, patches.events)
