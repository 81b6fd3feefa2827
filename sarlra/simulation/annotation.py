"""The annotation of a GRD product: orbit, heading, and incidence on a geolocation grid.

Only what a user of the geometry reads is written, in the element structure of the Sentinel-1
Product Specification. The Earth is round here and the ground at height 0: latitude and longitude
follow the world's UTM plane, so positions of the orbit agree with slant ranges to some kilometres
only.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt
from pyproj import Transformer

from sarlra.simulation.geometry import Swath
from sarlra.simulation.layout import Layout
from sarlra.simulation.parameters import FAR_INCIDENCE_DEG, LIGHT_M_S, NEAR_INCIDENCE_DEG
from sarlra.simulation.timetable import Pass, SlicePlan
from sarlra.terrain.sphere import (
    GROUND_SPEED_M_S,
    ORBIT_HEIGHT_M,
    ground_range,
    incidence_at,
    look_angle,
    slant_range,
)

F64 = npt.NDArray[np.float64]
_GRID_LINES = 10
_GRID_PIXELS = 21
_SPACING_M = 10.0


def make_annotation(
    layout: Layout, swath: Swath, overflight: Pass, part: SlicePlan, polarisation: str
) -> bytes:
    """The annotation of one slice and polarisation (``vv`` or ``vh``) as XML, UTF-8."""
    near, far = (float(ground_range(a)) for a in (NEAR_INCIDENCE_DEG, FAR_INCIDENCE_DEG))
    samples = int((far - near) / _SPACING_M)
    seconds = (part.stop - part.start).total_seconds()
    lines = int(seconds * GROUND_SPEED_M_S / _SPACING_M)
    root = ET.Element("product")
    _header(root, overflight, part, polarisation)
    general = ET.SubElement(root, "generalAnnotation")
    info = ET.SubElement(general, "productInformation")
    heading = (swath.heading + 180.0) % 360.0 - 180.0
    _texts(
        info,
        ("pass", overflight.orbit_state.capitalize()),
        ("timelinessCategory", "NRT-3h"),
        ("platformHeading", _real(heading)),
        ("projection", "Ground Range"),
        ("radarFrequency", _real(5.405e9)),
    )
    _orbits(general, layout, swath, overflight, part)
    image = ET.SubElement(root, "imageAnnotation")
    middle = float(incidence_at((near + far) / 2))
    _texts(
        ET.SubElement(image, "imageInformation"),
        ("productFirstLineUtcTime", _time(part.start)),
        ("productLastLineUtcTime", _time(part.stop)),
        ("productComposition", "Slice"),
        ("sliceNumber", str(part.number)),
        ("slantRangeTime", _real(2 * float(slant_range(near)) / LIGHT_M_S)),
        ("pixelValue", "Detected"),
        ("outputPixels", "16 bit Unsigned Integer"),
        ("rangePixelSpacing", _real(_SPACING_M)),
        ("azimuthPixelSpacing", _real(_SPACING_M)),
        ("azimuthTimeInterval", _real(seconds / lines)),
        ("numberOfSamples", str(samples)),
        ("numberOfLines", str(lines)),
        ("incidenceAngleMidSwath", _real(middle)),
    )
    _grid(root, layout, swath, overflight, part, (lines, samples), near)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="UTF-8", xml_declaration=True)) + b"\n"


def _header(root: ET.Element, overflight: Pass, part: SlicePlan, polarisation: str) -> None:
    _texts(
        ET.SubElement(root, "adsHeader"),
        ("missionId", "S1A"),
        ("productType", "GRD"),
        ("polarisation", polarisation.upper()),
        ("mode", "IW"),
        ("swath", "IW"),
        ("startTime", _time(part.start)),
        ("stopTime", _time(part.stop)),
        ("absoluteOrbitNumber", str(overflight.absolute_orbit)),
        ("missionDataTakeId", str(overflight.datatake)),
        ("imageNumber", "001" if polarisation == "vv" else "002"),
    )


def _orbits(
    parent: ET.Element, layout: Layout, swath: Swath, overflight: Pass, part: SlicePlan
) -> None:
    """State vectors every 10 s around the slice, Earth fixed, metres and metres per second."""
    begin = part.start.replace(microsecond=0) - timedelta(seconds=65)
    times = [begin + timedelta(seconds=10 * k) for k in range(16)]
    orbits = ET.SubElement(parent, "orbitList", count=str(len(times)))
    for time in times:
        here = _satellite(layout, swath, (time - overflight.time).total_seconds())
        soon = _satellite(layout, swath, (time - overflight.time).total_seconds() + 0.5)
        ago = _satellite(layout, swath, (time - overflight.time).total_seconds() - 0.5)
        orbit = ET.SubElement(orbits, "orbit")
        _texts(orbit, ("time", _time(time)), ("frame", "Earth Fixed"))
        for name, vector in (("position", here), ("velocity", soon - ago)):
            pairs = zip("xyz", vector, strict=True)
            _texts(ET.SubElement(orbit, name), *((axis, _real(float(v))) for axis, v in pairs))


def _satellite(layout: Layout, swath: Swath, seconds: float) -> F64:
    x, y = swath.place(0.0, seconds * GROUND_SPEED_M_S)
    lon, lat = layout.to_lonlat(x, y)
    fixed = Transformer.from_crs(4979, 4978, always_xy=True).transform(
        float(lon), float(lat), ORBIT_HEIGHT_M
    )
    return np.array(fixed, dtype=np.float64)


def _grid(
    root: ET.Element,
    layout: Layout,
    swath: Swath,
    overflight: Pass,
    part: SlicePlan,
    shape: tuple[int, int],
    near: float,
) -> None:
    lines = np.linspace(0, shape[0] - 1, _GRID_LINES).round()
    pixels = np.linspace(0, shape[1] - 1, _GRID_PIXELS).round()
    line, pixel = (a.ravel() for a in np.meshgrid(lines, pixels, indexing="ij"))
    seconds = line / (shape[0] - 1) * (part.stop - part.start).total_seconds()
    lead = (part.start - overflight.time).total_seconds()
    across = near + pixel * _SPACING_M
    x, y = swath.place(across, (lead + seconds) * GROUND_SPEED_M_S)
    lon, lat = layout.to_lonlat(x, y)
    incidence = incidence_at(across)
    look, travel = look_angle(incidence), 2 * slant_range(across) / LIGHT_M_S
    points = ET.SubElement(ET.SubElement(root, "geolocationGrid"), "geolocationGridPointList")
    points.set("count", str(line.size))
    for k in range(line.size):
        time = part.start + timedelta(microseconds=round(float(seconds[k]) * 1e6))
        _texts(
            ET.SubElement(points, "geolocationGridPoint"),
            ("azimuthTime", _time(time)),
            ("slantRangeTime", _real(float(travel[k]))),
            ("line", str(int(line[k]))),
            ("pixel", str(int(pixel[k]))),
            ("latitude", _real(float(lat[k]))),
            ("longitude", _real(float(lon[k]))),
            ("height", _real(0.0)),
            ("incidenceAngle", _real(float(incidence[k]))),
            ("elevationAngle", _real(float(look[k]))),
        )


def _texts(parent: ET.Element, *pairs: tuple[str, str]) -> None:
    for name, text in pairs:
        ET.SubElement(parent, name).text = text


def _real(value: float) -> str:
    return f"{value:.15e}"


def _time(value: datetime) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%S.%f")
