"""Results of a search, and what lies behind each."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sarlra.errors import CatalogError
from sarlra.library.html import table_of

if TYPE_CHECKING:
    import geopandas as gpd
    import xarray as xr

    from sarlra.serving.results import Entry, Results

#: A larger picture is not put into a page.
_MAX_PICTURE = 8 * 2**20
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Found(Sequence["Result"]):
    """What a search gave. Shows itself as a table."""

    results: tuple[Result, ...]

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results)

    def __getitem__(self, number: Any) -> Any:
        """A result by its number, or the results of a slice."""
        chosen = self.results[number]
        return Found(chosen) if isinstance(chosen, tuple) else chosen

    def _repr_html_(self) -> str:
        names = ("datetime", "sarlra:track", "sarlra:tile")
        rows = [
            (one.id, *(str(one.properties.get(n, "")) for n in names), one.count)
            for one in self.results
        ]
        head = ("id", *(name.removeprefix("sarlra:") for name in names), "detections")
        return table_of(head, rows)


@dataclass(frozen=True, slots=True)
class Result:
    """One item: a tile, a track, a version. Shows itself as its quick look."""

    source: Results
    entry: Entry

    @property
    def id(self) -> str:
        """Id of the item."""
        return str(self.entry.document["id"])

    @property
    def properties(self) -> dict[str, Any]:
        """Properties of the STAC item, as docs/catalog.md lists them."""
        return dict(self.entry.document["properties"])

    @property
    def count(self) -> str:
        """How many detections the item states; empty where it does not."""
        stated = self.properties.get("sarlra:statistics")
        return str(stated.get("detections", "")) if isinstance(stated, dict) else ""

    def composite(self) -> xr.Dataset:
        """The tile's composite, lazily: read when it is first used.

        Returns
        -------
        xarray.Dataset
            dims (y, x), float32 dB with NaN for no data, ``n_pre`` and ``n_post`` uint16,
            ``visibility`` uint8; y and x are pixel centres in metres of ``spatial_ref``.

        Raises
        ------
        CatalogError
            The item names no composite within the catalogue.
        StoreError
            The composite cannot be opened.
        """
        from sarlra.catalog.read import grid_of_item
        from sarlra.composites.store import open_region

        tile, _ = grid_of_item(self.entry.document)
        return open_region(*self.source.composite_at(self.entry), tile)

    def detections(self) -> gpd.GeoDataFrame:
        """The item's own detections, EPSG:4326, not settled over the tiles' seams."""
        from sarlra.catalog.read import read_detections

        return read_detections(self.source.place, [self.id])

    def scores(self) -> xr.DataArray:
        """Scores of all windows: float32, dims (y, x), NaN is no score; the windows' centres."""
        import numpy as np
        import xarray as xr

        from sarlra.catalog.read import read_raster

        values, at = read_raster(self.source.place, self.id, "scores")
        rows, columns = values.shape[1:]
        x = at.c + at.a * (np.arange(columns) + 0.5)
        y = at.f + at.e * (np.arange(rows) + 0.5)
        return xr.DataArray(values[0], {"y": y, "x": x}, ("y", "x"), name="score")

    def quicklook(self) -> bytes:
        """The picture of the detections over the change, as PNG.

        Raises
        ------
        CatalogError
            There is none, or it is none.
        """
        from sarlra.catalog.names import asset_path

        path = asset_path(self.id, "quicklook")
        with self.source.place.open(path) as stream:
            data = stream.read(_MAX_PICTURE + 1)
        if len(data) > _MAX_PICTURE or not data.startswith(_PNG):
            raise CatalogError(f"{path} is no picture that can be shown")
        return data

    def _repr_html_(self) -> str:
        title = html.escape(str(self.properties.get("title", self.id)))
        try:
            picture = base64.b64encode(self.quicklook()).decode()
        except CatalogError as error:
            return f"<p><b>{title}</b>: {html.escape(error.message)}</p>"
        return (f'<figure><img alt="{title}" style="max-width: 100%" '
                f'src="data:image/png;base64,{picture}"><figcaption>{title}</figcaption></figure>'
                )  # fmt: skip
