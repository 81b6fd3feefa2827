"""An inventory to a file; equal inventories give equal bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import geopandas as gpd
import pyogrio
from shapely import MultiPolygon

from sarlra.errors import OutputError
from sarlra.inventories.inventory import Inventory

_DRIVERS = {".gpkg": "GPKG", ".geojson": "GeoJSON", ".parquet": "GeoParquet"}


def write_inventory(inventory: Inventory, out: Path) -> None:
    """Write an inventory as GeoPackage, GeoJSON or GeoParquet, by the ending of ``out``.

    Only a GeoPackage has room for the mapped and unmapped areas (layers ``mapped_area`` and
    ``unmapped_area`` beside ``landslides``), so that it reads back as the same inventory.

    Raises
    ------
    OutputError
        The ending is another, or the file cannot be written. Nothing is left half written.
    """
    driver = _DRIVERS.get(out.suffix.lower())
    if driver is None:
        raise OutputError(
            f"{out} ends in none of {', '.join(_DRIVERS)}", hint="a GeoPackage keeps everything"
        )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".inventory-", dir=out.parent) as folder:
            part = Path(folder) / f"inventory{out.suffix.lower()}"
            _write(inventory, part, driver)
            part.replace(out)
    except (OSError, ValueError, pyogrio.errors.DataSourceError) as error:
        raise OutputError(f"inventory {out} cannot be written: {error}") from error


def _write(inventory: Inventory, path: Path, driver: str) -> None:
    if driver == "GeoParquet":
        inventory.landslides.to_parquet(path, index=False)
        return
    if driver == "GeoJSON":
        pyogrio.write_dataframe(inventory.landslides, path, driver=driver)
        return
    # The container notes when it was written: a fixed time keeps equal inventories equal.
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2000-01-01T00:00:00.000Z"})
    try:
        pyogrio.write_dataframe(inventory.landslides, path, layer="landslides", driver=driver)
        for layer, zone in (
            ("mapped_area", inventory.mapped),
            ("unmapped_area", inventory.unmapped),
        ):
            if zone is not None:
                pyogrio.write_dataframe(_frame(zone), path, layer=layer, driver=driver, append=True)
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _frame(zone: MultiPolygon) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=[zone], crs=4326)
