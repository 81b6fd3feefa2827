"""The acquisitions of the world as files with their STAC items."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sarlra.simulation.annotation import make_annotation
from sarlra.simulation.backscatter import Backdrop
from sarlra.simulation.faults import Fault, fringe, shifted, striped
from sarlra.simulation.files import Written, write_cog
from sarlra.simulation.footprint import NODATA, cut_out, frame_of, outline, slice_mask
from sarlra.simulation.geometry import View
from sarlra.simulation.ground import Ground
from sarlra.simulation.items import grd_id, grd_item, rtc_id, rtc_item
from sarlra.simulation.noise import F32, Mask, stream
from sarlra.simulation.parameters import OLD_PROCESSOR_DB
from sarlra.simulation.render import Moment, render
from sarlra.simulation.timetable import Pass, SlicePlan

Items = tuple[dict[str, Any], ...]


def write_pass(
    ground: Ground,
    view: View,
    backdrop: Backdrop,
    overflight: Pass,
    out: Path,
    faults: tuple[Fault, ...] = (),
) -> Items:
    """Render an acquisition, with the faults that are its own, and write its slices.

    Writes ``rtc/RTC_ID/iw-vv.rtc.tiff`` (and vh) and ``annotation/GRD_ID/iw-vv.xml`` (and vh, and
    the GRD item itself as ``GRD_ID.json``) under ``out``.

    Returns
    -------
    The RTC item and the GRD item of every slice, hrefs relative to ``out``; slices in which no
    pixel of the world lies are left out.
    """
    moment = Moment(overflight.day, float(overflight.time.timetuple().tm_yday), overflight.number)
    image = render(ground, view, moment, backdrop=backdrop)
    own = [f for f in faults if (f.orbit_state, f.number) == _name(overflight)]
    for fault in own:
        rng = stream(ground.seed, f"fault-{overflight.orbit_state}", overflight.number)
        if fault.kind == "shift":
            image = shifted(image, fault.shift_px)
        elif fault.kind == "stripes":
            image = striped(image, ground.layout, view, rng)
    frayed = ground.profile.radar.fringes or any(f.kind == "fringe" for f in own)
    items: list[dict[str, Any]] = []
    for part in overflight.slices:
        mask = slice_mask(ground.layout, view, part)
        if mask.any():
            held = _frayed(ground, image, mask, overflight, part) if frayed else image
            items += _write_slice(ground, view, held, mask, overflight, part, out)
    return tuple(items)


def _name(overflight: Pass) -> tuple[str, int]:
    return (overflight.orbit_state, overflight.number)


def _frayed(ground: Ground, image: F32, mask: Mask, overflight: Pass, part: SlicePlan) -> F32:
    """The slice with a border of zeros and, further in, of values near zero."""
    rng = stream(ground.seed, f"fringe-{overflight.orbit_state}", overflight.number, part.number)
    zero, low = fringe(mask, rng)
    held = image.copy()
    held[:, low] *= np.float32(1e-4)
    held[:, zero] = 0.0
    return held


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON, indented, UTF-8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _write_slice(
    ground: Ground,
    view: View,
    image: F32,
    mask: Mask,
    overflight: Pass,
    part: SlicePlan,
    out: Path,
) -> list[dict[str, Any]]:
    layout = ground.layout
    frame = frame_of(ground.seed, mask, overflight, part)
    footprint = outline(layout, view.swath, part)
    pols = ground.profile.radar.polarisations
    name, source = rtc_id(overflight, part, pols), grd_id(overflight, part, pols)
    gain = np.float32(10 ** (OLD_PROCESSOR_DB / 10)) if part.superseded else np.float32(1.0)
    assets: dict[str, tuple[str, Written]] = {}
    for pol, pol_name in enumerate(pols):
        href = f"rtc/{name}/iw-{pol_name}.rtc.tiff"
        scene = cut_out(image[pol] * gain, mask, frame)
        written = write_cog(
            out / href, scene, frame.transform(layout), layout.epsg, nodata=float(NODATA)
        )
        assets[pol_name] = (f"./{href}", written)
        note = out / "annotation" / source / f"iw-{pol_name}.xml"
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_bytes(make_annotation(layout, view.swath, overflight, part, pol_name))
    grd_href = f"./annotation/{source}/{source}.json"
    near = {p: f"./iw-{p}.xml" for p in pols}
    write_json(out / grd_href, grd_item(overflight, part, footprint, near))
    notes = {p: f"./annotation/{source}/iw-{p}.xml" for p in pols}
    return [
        rtc_item(layout, overflight, part, footprint, frame, assets, grd_href),
        grd_item(overflight, part, footprint, notes),
    ]
