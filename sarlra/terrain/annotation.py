"""The annotation of a Sentinel-1 product, read as hostile XML.

Source of the structure: Sentinel-1 Product Specification (S1-RS-MDA-52-7441), product annotation
data set. Documents with a DTD are refused, so there are no entities to expand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree as ET
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from sarlra.errors import TerrainError

F64 = NDArray[np.float64]

MAX_BYTES = 16 * 2**20
"""Real ones have less than 3 MB."""
_MAX_ELEMENTS = 1_000_000
_MAX_DEPTH = 64
_LIGHT_M_S = 299_792_458.0
_GRID = ("line", "pixel", "latitude", "longitude", "height", "incidenceAngle", "slantRangeTime")


@dataclass(frozen=True, slots=True)
class GeolocationGrid:
    """Points on the ground, (lines, pixels) float64 each, pixels from near to far range.

    ``latitude`` and ``longitude`` in degrees (longitudes run on over 180), ``height`` in metres
    over the ellipsoid, ``incidence`` in degrees at that height, ``slant_range`` in metres;
    ``seconds`` of the azimuth time after the first point's.
    """

    latitude: F64
    longitude: F64
    height: F64
    incidence: F64
    slant_range: F64
    seconds: F64


@dataclass(frozen=True, slots=True)
class Orbit:
    """State vectors: ``seconds`` (n,) after the grid's first point; ``position`` (n, 3) in metres
    and ``velocity`` (n, 3) in metres per second, Earth fixed.
    """

    seconds: F64
    position: F64
    velocity: F64


@dataclass(frozen=True, slots=True)
class Annotation:
    """What is used of an annotation. ``heading`` in degrees, [0, 360), of the platform."""

    platform: str
    mode: str
    orbit_state: Literal["ascending", "descending"]
    heading: float
    grid: GeolocationGrid
    orbit: Orbit | None


def read_annotation(path: Path) -> Annotation:
    """:func:`parse_annotation` of a local file.

    Raises
    ------
    TerrainError
        It cannot be read, or is no annotation.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as cause:
        raise TerrainError(f"the annotation {path} cannot be read: {cause.strerror}") from cause
    return parse_annotation(data, str(path))


def parse_annotation(data: bytes, label: str) -> Annotation:
    """Read the annotation of a GRD or SLC product.

    Raises
    ------
    TerrainError
        It is none (also: a noise, calibration or RFI annotation), too large, has a DTD, or its
        grid or numbers make no sense; the message names ``label``.
    """
    try:
        root = _tree(data)
        kind = (root.findtext("adsHeader/productType") or "").strip()
        if root.tag != "product" or kind not in ("GRD", "SLC"):
            raise ValueError(f"its root is <{root.tag:.40}>, its product type {kind!r:.40}")
        grid, epoch = _grid(root)
        state = (root.findtext("generalAnnotation/productInformation/pass") or "").strip().lower()
        if state not in ("ascending", "descending"):
            raise ValueError(f"its pass is {state!r:.40}")
        heading = _number(root, "generalAnnotation/productInformation/platformHeading", -360, 360)
        return Annotation(
            platform=(root.findtext("adsHeader/missionId") or "").strip()[:16],
            mode=(root.findtext("adsHeader/mode") or "").strip()[:16],
            orbit_state="ascending" if state == "ascending" else "descending",
            heading=heading % 360.0,
            grid=grid,
            orbit=_orbit(root, epoch),
        )
    except (ValueError, expat.ExpatError, OverflowError) as cause:
        raise TerrainError(
            f"{label:.300} is no product annotation of Sentinel-1: {cause}",
            hint="give annotation/iw-vv.xml of a GRD product, not its noise, calibration or RFI",
        ) from cause


def _tree(data: bytes) -> ET.Element:
    """Parse with bounds; a DTD is refused, and with it every entity of its own."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES} bytes")
    parser = expat.ParserCreate()
    builder = ET.TreeBuilder()
    depth = elements = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, elements
        depth, elements = depth + 1, elements + 1
        if depth > _MAX_DEPTH or elements > _MAX_ELEMENTS:
            raise ValueError("it has too many elements, or too deep ones")
        builder.start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name)

    def refuse(*_: object) -> None:
        raise ValueError("it has a document type declaration")

    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.Parse(data, True)
    return builder.close()


def _grid(root: ET.Element) -> tuple[GeolocationGrid, datetime]:
    points = root.findall("geolocationGrid/geolocationGridPointList/geolocationGridPoint")
    if not 4 <= len(points) <= 50_000:
        raise ValueError(f"its geolocation grid has {len(points)} points")
    columns = {name: _column(points, name) for name in _GRID}
    times = [_time(point.findtext("azimuthTime")) for point in points]
    lines, pixels = np.unique(columns["line"]), np.unique(columns["pixel"])
    shape = (lines.size, pixels.size)
    order = np.lexsort((columns["pixel"], columns["line"]))
    expected = np.array(np.meshgrid(lines, pixels, indexing="ij")).reshape(2, -1)
    if (
        min(shape) < 2
        or len(points) != lines.size * pixels.size
        or not np.array_equal(np.array([columns["line"], columns["pixel"]])[:, order], expected)
    ):
        raise ValueError("its geolocation grid is not full")
    epoch = times[int(order[0])]
    seconds = np.array([(moment - epoch).total_seconds() for moment in times])

    def part(values: F64) -> F64:
        return np.asarray(values[order].reshape(shape))

    grid = GeolocationGrid(
        latitude=part(columns["latitude"]),
        longitude=np.unwrap(
            np.unwrap(part(columns["longitude"]), period=360.0), axis=0, period=360.0
        ),
        height=part(columns["height"]),
        incidence=part(columns["incidenceAngle"]),
        slant_range=part(columns["slantRangeTime"]) * _LIGHT_M_S / 2,
        seconds=part(seconds),
    )
    _check(grid)
    return grid, epoch


def _check(grid: GeolocationGrid) -> None:
    ranges = (
        ("latitude", grid.latitude, -90.0, 90.0),
        ("longitude", grid.longitude, -540.0, 540.0),
        ("height", grid.height, -1000.0, 10_000.0),
        ("incidence", grid.incidence, 10.0, 70.0),
        ("slant range", grid.slant_range, 5e5, 2e6),
        ("azimuth time", grid.seconds, -3600.0, 3600.0),
    )
    for name, values, low, high in ranges:
        if not (np.isfinite(values).all() and low <= values.min() and values.max() <= high):
            raise ValueError(f"its geolocation grid has impossible values of {name}")
    if not (np.diff(grid.slant_range, axis=1) > 0).all():
        raise ValueError("its slant range does not grow with the pixel")


def _column(points: Sequence[ET.Element], name: str) -> F64:
    texts = [point.findtext(name) for point in points]
    if any(text is None for text in texts):
        raise ValueError(f"a point of its geolocation grid has no {name}")
    return np.array([float(text or "") for text in texts], dtype=np.float64)


def _orbit(root: ET.Element, epoch: datetime) -> Orbit | None:
    vectors = root.findall("generalAnnotation/orbitList/orbit")
    if not 2 <= len(vectors) <= 10_000:
        return None
    seconds = [(_time(v.findtext("time")) - epoch).total_seconds() for v in vectors]
    position = np.stack([_column(vectors, f"position/{axis}") for axis in "xyz"], axis=-1)
    velocity = np.stack([_column(vectors, f"velocity/{axis}") for axis in "xyz"], axis=-1)
    if not (np.isfinite(position).all() and np.isfinite(velocity).all()):
        raise ValueError("its orbit has impossible values")
    return Orbit(np.array(seconds, dtype=np.float64), position, velocity)


def _number(root: ET.Element, path: str, low: float, high: float) -> float:
    text = root.findtext(path)
    value = float("nan") if text is None else float(text)
    if not low <= value <= high:
        raise ValueError(f"its {path.rpartition('/')[2]} is {text!r:.40}")
    return value


def _time(text: str | None) -> datetime:
    moment = datetime.fromisoformat((text or "").strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
