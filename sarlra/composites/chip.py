"""What one chip says of the acquisitions of a track, each held against the median of the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import bottleneck
import numpy as np
from numpy.typing import NDArray

from sarlra.composites.corrections import Correction, moved
from sarlra.composites.darkening import darkened, land
from sarlra.composites.median import to_db
from sarlra.composites.quality import SHIFT_PX
from sarlra.composites.registration import CrossSpectrum, added, cross_spectrum, shift_of
from sarlra.composites.robust import median_of
from sarlra.composites.stripes import stripe_score
from sarlra.composites.without import Sorted, sort

F32 = NDArray[np.float32]

#: Pixels of land that a chip must have to say something.
_LEAST_PX = 1000


@dataclass
class Note:
    """What the chips have said of one acquisition so far; shares come with their pixels."""

    compared: bool = False
    spectrum: CrossSpectrum | None = None
    levels: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    valid: list[tuple[float, int]] = field(default_factory=list)
    snow: list[tuple[float, int]] = field(default_factory=list)
    flood: list[tuple[float, int]] = field(default_factory=list)
    stripes: list[float] = field(default_factory=list)
    fringe: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Chip:
    """The images of a track on a chip in dB, by polarisation, and what all are held against.

    ``means`` are those of all acquisitions, (rows, columns); ``heading`` is that of the track
    against grid north, in degrees.
    """

    polarisations: tuple[str, ...]
    stacks: tuple[Sorted, ...]
    means: tuple[F32, ...]
    heading: float


def make_chip(polarisations: Sequence[str], stacks: Sequence[F32], heading: float) -> Chip:
    """A chip of stacks (acquisition, rows, columns), float32, dB, NaN = no data; two or more."""
    means = tuple(bottleneck.nanmean(stack, axis=0) for stack in stacks)
    return Chip(tuple(polarisations), tuple(sort(stack) for stack in stacks), means, heading)


def measure(note: Note, chip: Chip, index: int) -> None:
    """Hold an acquisition against the others; it touches nothing but its own note."""
    first = chip.stacks[0]
    known = first.others(index) * 2 > len(first.stack) - 1
    if not known.any():
        return
    valid = np.isfinite(first.stack[index])
    note.valid.append((float(valid[known].mean()), int(known.sum())))
    references = [stack.without(index) for stack in chip.stacks]
    ground = land(references)
    usable = int((ground & valid & known).sum())
    if usable < _LEAST_PX:
        return
    images = [np.where(ground, stack.stack[index], np.float32(np.nan)) for stack in chip.stacks]
    spectrum = None
    for image, reference in zip(images, references, strict=True):
        spectrum = added(spectrum, cross_spectrum(image, reference))
    note.spectrum = added(note.spectrum, spectrum)
    # What follows compares pixel with pixel: an image that lies beside is moved back before.
    place = shift_of(spectrum) or (0.0, 0.0)
    images = [_at(image, place) for image in images]
    for pol, image, reference, mean in zip(
        chip.polarisations, images, references, chip.means, strict=True
    ):
        # Levels are taken against the mean of all: one that is off moves it for all alike, and
        # only differences between levels count in the end.
        difference = _known(image - mean)
        if difference.size < _LEAST_PX:
            continue
        note.levels[pol].append(median_of(difference))
        against = _known(image - reference)
        if against.size:
            offset = np.float32(median_of(against))
            note.stripes.append(stripe_score(image - offset, reference, chip.heading))
    snow, flood = darkened(images[0], references[0], ground)
    note.snow.append((snow, usable))
    note.flood.append((flood, usable))


def _known(values: F32) -> F32:
    return values[np.isfinite(values)]


def _at(image: F32, shift_px: tuple[float, float]) -> F32:
    """An image in dB moved back; NaN where it then has nothing."""
    if np.hypot(*shift_px) < SHIFT_PX:
        return image
    rim = Correction(shift_px).reach
    padded = np.pad(np.power(np.float32(10), image / 10), rim, constant_values=np.nan)
    return to_db(moved(padded, shift_px, rim))
