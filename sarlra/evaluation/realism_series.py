"""The two series that are held against each other: a real one, and a simulated one of its dates."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio

from sarlra.errors import InputError
from sarlra.simulation.backscatter import make_backdrop
from sarlra.simulation.events_table import CALIFORNIA
from sarlra.simulation.ground import make_ground
from sarlra.simulation.layout import make_layout
from sarlra.simulation.render import Moment, render
from sarlra.simulation.views import make_views

F64 = npt.NDArray[np.float64]
_TOWN = "T137-292319-IW2"
"""A burst over a town: left out, its levels cannot be told from those of shrub."""
_SIM_PX = 576


def read_series(items: Path) -> tuple[F64, F64]:
    """Read a series of bursts that share their dates.

    Parameters
    ----------
    items
        ItemCollection with ``opera:burst_id``, assets ``vv`` and ``vh`` and relative hrefs.

    Returns
    -------
    gamma0 in linear power, float64, (bursts, dates, 2, rows, columns), and the day of the year of
    the dates.

    Raises
    ------
    InputError
        The file is no such collection, or the bursts differ in dates or shape.
    """
    try:
        found: dict[str, dict[str, F64]] = {}
        for feature in json.loads(items.read_text(encoding="utf-8"))["features"]:
            name, date = feature["properties"]["opera:burst_id"], feature["properties"]["datetime"]
            paths = [items.parent / feature["assets"][p]["href"] for p in ("vv", "vh")]
            if name != _TOWN:
                found.setdefault(name, {})[date[:10]] = np.stack([_read(p) for p in paths])
    except (OSError, ValueError, KeyError, TypeError, rasterio.errors.RasterioError) as error:
        raise InputError(
            f"{items} is no readable series of bursts: {error}", hint="give its items.json"
        ) from error
    dates = [sorted(series) for series in found.values()]
    shapes = {image.shape for series in found.values() for image in series.values()}
    if len({tuple(d) for d in dates}) != 1 or len(shapes) != 1 or len(dates[0]) < 4:
        raise InputError(f"the bursts of {items} differ in dates or shape, or have under 4 dates")
    series = np.stack([np.stack([found[b][d] for d in dates[0]]) for b in sorted(found)])
    days = np.array(dates[0], dtype="datetime64[D]")
    return series, (days - days.astype("datetime64[Y]")).astype(np.float64) + 1.0


def simulate_series(seed: int, days_of_year: F64, size_px: int = _SIM_PX) -> F64:
    """A simulated series at 30 m in the form of :func:`read_series`, one burst, no earthquake."""
    layout = make_layout(size_px, CALIFORNIA.epsg, CALIFORNIA.centre)
    ground = make_ground(seed, layout, CALIFORNIA)
    view = make_views(ground)["descending"]
    backdrop = make_backdrop(ground, view)
    images = []
    for number, day in enumerate(days_of_year):
        power = render(ground, view, Moment(-1.0, float(day), number), backdrop=backdrop)
        images.append(multilook(power, 3))
    return np.stack(images)[None]


def multilook(power: npt.NDArray[np.floating], factor: int) -> F64:
    """Mean of linear power over blocks of ``factor`` x ``factor`` pixels of the last two axes."""
    rows, cols = (n // factor for n in power.shape[-2:])
    whole = power[..., : rows * factor, : cols * factor].astype(np.float64)
    blocks = whole.reshape(*power.shape[:-2], rows, factor, cols, factor)
    return np.asarray(blocks.mean(axis=(-3, -1)))


def _read(path: Path) -> F64:
    with rasterio.open(path) as raster:
        image = raster.read(1).astype(np.float64)
    return np.asarray(np.where(np.isfinite(image), image, 0.0))
