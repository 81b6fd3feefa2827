"""Patches of simulated worlds, straight from the rendered acquisitions.

The same patches come of a world that is written as an archive, searched, composited and cut, which
a test holds against this way; but training needs many worlds, and files would only be thrown away.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sarlra.recipe import Recipe
from sarlra.samples.labels import LANDSLIDE_SHARE
from sarlra.samples.patches import Patches, cut_patches, join
from sarlra.simulation.backscatter import make_backdrop
from sarlra.simulation.events_table import find_profile
from sarlra.simulation.geometry import View
from sarlra.simulation.ground import Ground, make_ground
from sarlra.simulation.layout import Layout, make_layout
from sarlra.simulation.render import Moment, render
from sarlra.simulation.timetable import Pass, plan_passes
from sarlra.simulation.views import make_views

#: Bands of the arrays that stacks are made of.
_POLARISATIONS = {"VV": 0, "VH": 1}


def rendered_patches(
    profile: str,
    seed: int,
    recipe: Recipe,
    *,
    size_px: int = 2048,
    product: Literal["10m", "30m"] = "10m",
) -> Patches:
    """The patches of one simulated world, both directions.

    Parameters
    ----------
    profile, seed, size_px
        As in :func:`sarlra.simulation.world.simulate`.
    recipe
        Polarisations, buffers, windows and tiles of the grid on which patches are cut.
    product
        ``10m`` as the Planetary Computer's RTC; ``30m`` as OPERA's: power averaged over 3 x 3
        pixels, and brought back to 10 m by bilinear resampling as the composites do.

    Returns
    -------
    Patches
        ``events`` names profile and product. Patches in (0, 5 %] of landslide are left out.
    """
    kind = find_profile(profile)
    layout = make_layout(size_px, kind.epsg, kind.centre)
    ground = make_ground(seed, layout, kind)
    passes = plan_passes(seed, layout, kind.origin, recipe.pre_days, recipe.post_days)
    name = f"{profile}-{product}"
    parts = []
    for state, view in make_views(ground).items():
        ours = [p for p in passes if p.orbit_state == state]
        bands = _composite(ground, view, ours, recipe, product)
        rows, cols = _on_grid(layout, recipe)
        burnt = (ground.landslides.label > 0)[rows, cols]
        windows, share = cut_patches(bands[rows, cols], burnt, recipe)
        keep = np.isnan(windows).any(axis=-1).mean(axis=(1, 2)) <= recipe.max_nodata
        keep &= (share > LANDSLIDE_SHARE) | (share == 0)
        labels = share[keep] > LANDSLIDE_SHARE
        parts.append(Patches(windows[keep], labels, np.full(len(labels), name)))
    return join(parts)


def _composite(
    ground: Ground, view: View, passes: list[Pass], recipe: Recipe, product: str
) -> NDArray[np.float32]:
    """(rows, columns, bands) float32 dB, NaN outside the swath."""
    backdrop = make_backdrop(ground, view)
    stacks: dict[bool, list[NDArray[np.float32]]] = {False: [], True: []}
    for number in passes:
        if not -recipe.pre_days <= number.day <= recipe.post_days:
            continue
        moment = Moment(number.day, float(number.time.timetuple().tm_yday), number.number)
        power = render(ground, view, moment, backdrop=backdrop)
        if product == "30m":
            power = np.stack([_coarse(image) for image in power])
        stacks[number.day > 0].append(10 * np.log10(power))
    pols = [_POLARISATIONS[name] for name in recipe.polarisations]
    post = np.median(np.stack(stacks[True]), axis=0)[pols]
    change = post - np.median(np.stack(stacks[False]), axis=0)[pols]
    bands = np.concatenate([post, change]).astype(np.float32)
    bands[:, ~view.seen] = np.nan
    return np.moveaxis(bands, 0, -1)


def _coarse(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Averages over 3 x 3 pixels, resampled bilinearly to the finer grid."""
    averaged = ndimage.uniform_filter(power, 3, mode="nearest")[1::3, 1::3]
    rows, cols = (np.arange(size, dtype=np.float64) for size in power.shape)
    at = np.meshgrid((rows - 1) / 3, (cols - 1) / 3, indexing="ij")
    fine: NDArray[np.float32] = ndimage.map_coordinates(averaged, at, order=1, mode="nearest")
    return fine


def _on_grid(layout: Layout, recipe: Recipe) -> tuple[slice, slice]:
    """The part of the world that the fixed grid's patches fill: tiles start at multiples of
    their edge, which is a whole number of patches.
    """
    edge = recipe.window_px * recipe.resolution
    right, bottom = layout.left + layout.size, layout.top - layout.size
    step = recipe.resolution
    cols = (-(-layout.left // edge) * edge, right // edge * edge)
    rows = (layout.top // edge * edge, -(-bottom // edge) * edge)
    return (
        slice(round((layout.top - rows[0]) / step), round((layout.top - rows[1]) / step)),
        slice(round((cols[0] - layout.left) / step), round((cols[1] - layout.left) / step)),
    )
