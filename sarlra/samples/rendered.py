"""Patches of simulated worlds, straight from the rendered acquisitions.

The same patches come of a world that is written as an archive, searched, composited and cut, which
a test holds against this way; but training needs many worlds, and files would only be thrown away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sarlra.composites.median import nanmedian, to_db
from sarlra.recipe import Recipe
from sarlra.samples.patches import cut_image, cut_patches
from sarlra.scenes.model import OrbitState
from sarlra.simulation.backscatter import make_backdrop
from sarlra.simulation.events_table import find_profile
from sarlra.simulation.geometry import View
from sarlra.simulation.ground import Ground, make_ground
from sarlra.simulation.layout import Layout, make_layout
from sarlra.simulation.parameters import Cover
from sarlra.simulation.render import Moment, render
from sarlra.simulation.timetable import Pass, plan_passes
from sarlra.simulation.views import make_views
from sarlra.terrain.sphere import incidence_at

Product = Literal["10m", "30m"]
#: Days before and after the event.
Buffers = tuple[int, int]
_F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Rendered:
    """All grid patches that one track of a world sees.

    Parameters
    ----------
    orbit_state
        Of the track.
    windows
        For each pair of buffers ``(n, 64, 64, bands)`` float32 dB, NaN = no data.
    share
        Of landslide pixels in each patch, ``(n,)`` float64.
    acquisitions
        For each pair of buffers how many came before and after.
    incidence
        Degrees on the ellipsoid in the middle of the world.
    slid
        ``(n, 64, 64)`` bool: landslides whose surface changed.
    river_bed
        ``(n, 64, 64)`` bool: water and gravel before the event.
    """

    orbit_state: OrbitState
    windows: Mapping[Buffers, _F32]
    share: NDArray[np.float64]
    acquisitions: Mapping[Buffers, tuple[int, int]]
    incidence: float
    slid: NDArray[np.bool_]
    river_bed: NDArray[np.bool_]


def rendered_world(
    profile: str,
    seed: int,
    recipe: Recipe,
    buffers: Sequence[Buffers],
    *,
    size_px: int = 2048,
    product: Product = "10m",
) -> tuple[Rendered, ...]:
    """All patches of one simulated world, by track, for several buffers at once.

    The acquisitions are those of the longest buffers, so that patches of equal buffers differ by
    the draw of weather and speckle where they were rendered along with other ones.

    Parameters
    ----------
    profile, seed, size_px
        As in :func:`sarlra.simulation.world.simulate`.
    recipe
        Polarisations, windows and tiles of the grid on which patches are cut.
    buffers
        Pairs of days before and after.
    product
        ``10m`` as the Planetary Computer's RTC; ``30m`` as OPERA's: power averaged over 3 x 3
        pixels, and brought back to 10 m by bilinear resampling as the composites do.

    Returns
    -------
    tuple of Rendered
        Of each track the same cells for all buffers: those with enough data.
    """
    kind = find_profile(profile)
    layout = make_layout(size_px, kind.epsg, kind.centre)
    ground = make_ground(seed, layout, kind)
    longest = max(pre for pre, _ in buffers), max(post for _, post in buffers)
    passes = plan_passes(seed, layout, kind.origin, *longest)
    rows, cols = _on_grid(layout, recipe)
    burnt = (ground.landslides.label > 0)[rows, cols]
    masks = cut_image(_masks(ground)[rows, cols], recipe.window_px)
    tracks = []
    for state, view in make_views(ground).items():
        ours = [p for p in passes if p.orbit_state == state]
        images = _images(ground, view, ours, recipe, product, longest, (rows, cols))
        windows, share = {}, np.empty(0)
        for pair in buffers:
            bands = _composite(images, pair)
            bands[~view.seen[rows, cols]] = np.nan
            windows[pair], share = cut_patches(bands, burnt, recipe)
        first = windows[buffers[0]]
        keep = np.isnan(first).any(axis=-1).mean(axis=(1, 2)) <= recipe.max_nodata
        counts = {pair: (len(_before(images, pair)), len(_after(images, pair))) for pair in buffers}
        middle = float(incidence_at(view.swath.centre_range))
        tracks.append(
            Rendered(
                state, {p: w[keep] for p, w in windows.items()}, share[keep], counts, middle,
                slid=masks[keep, ..., 0], river_bed=masks[keep, ..., 1],
            )
        )  # fmt: skip
    return tuple(tracks)


def _masks(ground: Ground) -> NDArray[np.bool_]:
    """(rows, columns, 2): visible landslides, and river beds."""
    visible = np.concatenate([[False], ground.landslides.visible])
    bed = np.isin(ground.cover.classes, (Cover.WATER, Cover.GRAVEL))
    return np.stack([visible[ground.landslides.label], bed], axis=-1)


def _images(
    ground: Ground,
    view: View,
    passes: list[Pass],
    recipe: Recipe,
    product: Product,
    longest: Buffers,
    part: tuple[slice, slice],
) -> dict[float, _F32]:
    """By day from the event: (polarisations, rows, columns) dB of the part on the grid."""
    backdrop = make_backdrop(ground, view)
    pols = [("VV", "VH").index(name) for name in recipe.polarisations]
    images = {}
    for number in passes:
        if not -longest[0] <= number.day <= longest[1]:
            continue
        moment = Moment(number.day, float(number.time.timetuple().tm_yday), number.number)
        power = render(ground, view, moment, backdrop=backdrop)[pols]
        if product == "30m":
            power = np.stack([_coarse(image) for image in power])
        images[number.day] = to_db(power[(slice(None), *part)])
    return images


def _before(images: Mapping[float, _F32], buffers: Buffers) -> list[_F32]:
    return [image for day, image in images.items() if -buffers[0] <= day < 0]


def _after(images: Mapping[float, _F32], buffers: Buffers) -> list[_F32]:
    return [image for day, image in images.items() if 0 < day <= buffers[1]]


def _composite(images: Mapping[float, _F32], buffers: Buffers) -> _F32:
    """(rows, columns, bands) float32 dB."""
    post = nanmedian(np.stack(_after(images, buffers)))
    change = post - nanmedian(np.stack(_before(images, buffers)))
    return np.moveaxis(np.concatenate([post, change]), 0, -1).copy()


def _coarse(power: _F32) -> _F32:
    """Averages over 3 x 3 pixels, resampled bilinearly to the finer grid."""
    averaged = ndimage.uniform_filter(power, 3, mode="nearest")[1::3, 1::3]
    rows, cols = (np.arange(size, dtype=np.float64) for size in power.shape)
    at = np.meshgrid((rows - 1) / 3, (cols - 1) / 3, indexing="ij")
    fine: _F32 = ndimage.map_coordinates(averaged, at, order=1, mode="nearest")
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
