"""Both directions together against an inventory, beside each alone where both saw."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sarlra.catalog.fused import fused_table
from sarlra.catalog.lattices import ZoneLattices, place_of, zone_lattices
from sarlra.catalog.read import Files, grid_of_item, read_visibility
from sarlra.detection.fuse import FUSED_THRESHOLD, Fused, fuse
from sarlra.evaluation.scores import Detections, score_detections, touching
from sarlra.evaluation.slides import Slides, table_of
from sarlra.evaluation.windows import Windows, joined, windows_of_tile, zones_in_utm
from sarlra.inventories.inventory import Inventory
from sarlra.samples.cells import looked_at
from sarlra.samples.draw import TEST_RATIO
from sarlra.terrain.choice import DemSource
from sarlra.terrain.codes import Visibility

Document = dict[str, Any]
_BOTH = 3


@dataclass(frozen=True, slots=True)
class FusedScore:
    """What the two directions found together.

    Parameters
    ----------
    windows
        Those of known class that any direction saw. Landslide counts where either sees it.
    compared
        ``ascending``, ``descending`` and ``together``: the same windows, those that both
        directions saw, by each alone and by both; each by its threshold.
    detections
        The confirmed ones, over all of the event.
    """

    windows: Windows
    compared: Mapping[str, Windows]
    detections: Detections

    def as_json(self) -> dict[str, Any]:
        """The scores as plain values."""
        return {
            "patch": self.windows.thinned().counts().as_json() | {"background_ratio": TEST_RATIO},
            "patch_natural": self.windows.counts().as_json(),
            "seen_by_both": {
                name: windows.thinned().counts().as_json()
                for name, windows in self.compared.items()
            },
            "detections": self.detections.as_json(),
        }


def score_fused(
    files: Files, items: Sequence[Document], inventory: Inventory, dem: DemSource | None
) -> FusedScore | None:
    """Fuse the items of an event and score that; None where only one direction was made.

    Raises
    ------
    CatalogError
        A file of an item cannot be read, or the items are of several grids.
    """
    if len({item["properties"]["sat:orbit_state"] for item in items}) < 2:
        return None
    slides = Slides(inventory, dem)
    windows: dict[str, list[Windows]] = defaultdict(list)
    tables = []
    for zone in zone_lattices(files, items):
        fused = fuse(zone.tracks)
        table = fused_table(zone, fused)
        tables.append(table[table["confirmed"]])
        _look(files, zone, fused, inventory, slides, windows)
    whole = gpd.GeoDataFrame(pd.concat(tables, ignore_index=True), geometry="geometry", crs=4326)
    hits, found = touching(whole.geometry, inventory.landslides.geometry)
    judged = looked_at(whole.geometry.to_numpy(), (inventory.mapped, inventory.unmapped))
    return FusedScore(
        joined(windows["all"]),
        {name: joined(windows[name]) for name in ("ascending", "descending", "together")},
        score_detections(hits, judged, table_of(inventory, slides.seen, found)),
    )


def _look(
    files: Files,
    zone: ZoneLattices,
    fused: Fused,
    inventory: Inventory,
    slides: Slides,
    windows: dict[str, list[Windows]],
) -> None:
    """Add the windows of a zone, tile by tile."""
    tiles: dict[str, list[Document]] = defaultdict(list)
    for document in zone.documents:
        tiles[document["properties"]["sarlra:tile"]].append(document)
    zones = zones_in_utm(inventory, zone.epsg)
    for _, documents in sorted(tiles.items()):
        tile, recipe = grid_of_item(documents[0])
        place = place_of(documents[0], zone)
        seen = _seen_by_any(files, documents)
        both = fused.seen_by[place] == _BOTH
        layers = {
            "all": fused.score[place],
            "together": np.where(both, fused.score[place], np.nan),
            "ascending": np.where(both, fused.ascending[place], np.nan),
            "descending": np.where(both, fused.descending[place], np.nan),
        }
        for name, score in layers.items():
            windows[name].append(
                windows_of_tile(
                    tile, recipe, np.asarray(score, np.float32), seen, FUSED_THRESHOLD,
                    inventory, zones,
                )
            )  # fmt: skip
        slides.look(tile, recipe, fused.score[place], seen)


def _seen_by_any(files: Files, documents: Sequence[Document]) -> NDArray[np.uint8] | None:
    """Visibility on the pixels of a tile: of each pixel that of the track that sees it best."""
    best: NDArray[np.uint8] | None = None
    for document in documents:
        codes = read_visibility(files, document)
        if codes is None:
            return None  # what one track saw is not known
        if best is None:
            best = codes
        else:
            better = (codes == Visibility.VISIBLE) | (best == Visibility.OUTSIDE)
            best = np.where(better, codes, best).astype(np.uint8)
    return best
