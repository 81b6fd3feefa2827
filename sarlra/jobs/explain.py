"""Explaining windows of a composite: which ones, on which workers, and what is already there.

Every window is a file of its own, written as soon as its worker has answered, so that work that
was cut off goes on. The files depend on the window, the model and the background alone: they are
the same for any number of workers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sarlra.detection.composite_file import CompositeFile
from sarlra.detection.windows import gather
from sarlra.errors import OutputError
from sarlra.evaluation.contributions import Explainer, make_explainer
from sarlra.evaluation.explained import Explained, explain_window, key_of, pack, unpack
from sarlra.jobs.spread import spread
from sarlra.models.files import read_bounded, write_atomically
from sarlra.models.fill import fill_nodata
from sarlra.models.info import ModelInfo

F32 = NDArray[np.float32]
Spot = tuple[int, int]

WINDOWS, TIMING = "windows", "timing.json"
#: Windows that a worker is given at a time.
_AT_ONCE = 4
_explainers: dict[str, Explainer] = {}


@dataclass(frozen=True, slots=True)
class Piece:
    """Some windows for a worker; ``windows`` (n, 64, 64, bands) float32 dB, finite."""

    model: ModelInfo
    background: F32
    windows: F32


@dataclass(frozen=True, slots=True)
class Cut:
    """Windows of a composite: ``windows`` (n, 64, 64, bands) float32 dB, filled where there is no
    data, and ``known`` (n, 64, 64), where there is.
    """

    spots: tuple[Spot, ...]
    windows: F32
    known: NDArray[np.bool_]


def cut(composite: CompositeFile, spots: Sequence[Spot], bands: tuple[str, ...]) -> Cut:
    """Read windows, given by their upper left pixels; all lie within the composite."""
    edge = 64
    windows = np.empty((len(spots), edge, edge, len(bands)), np.float32)
    for row in sorted({spot[0] for spot in spots}):
        layers = composite.read(row, row + edge, True)
        chosen = [number for number, spot in enumerate(spots) if spot[0] == row]
        places = np.array([(0, spots[number][1]) for number in chosen], np.int64)
        windows[chosen] = gather(layers, places, edge)
    known = np.asarray(np.isfinite(windows).all(axis=-1))
    return Cut(tuple(spots), fill_nodata(windows, bands), known)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a folder holds already of some windows: by their place in the cut, and the keys."""

    keys: tuple[str, ...]
    found: dict[int, Explained]


def look_up(wanted: Cut, model: ModelInfo, background: F32, out: Path) -> Standing:
    """Read what was explained before; files of other windows or models count for nothing."""
    seconds = _read_timing(out)
    keys, found = [], {}
    for number, spot in enumerate(wanted.spots):
        keys.append(key_of(wanted.windows[number], model.sha256, background))
        path = file_of(out, spot)
        if path.is_file():
            data, took = read_bounded(path), seconds.get(path.stem, float("nan"))
            if (held := unpack(data, keys[-1], model.bands, took)) is not None:
                found[number] = held
    return Standing(tuple(keys), found)


def explain(
    wanted: Cut,
    model: ModelInfo,
    background: F32,
    out: Path,
    cluster: str,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Explained]:
    """Explain windows, those that are not in the folder yet; in the order of the cut.

    Parameters
    ----------
    background
        ``(m, 64, 64, bands)`` float32 dB, finite.
    out
        Folder; a file per window goes to ``windows``.
    cluster
        As :func:`sarlra.jobs.spread.spread` takes it.
    progress
        Called with the number of windows done.

    Raises
    ------
    SarlraError
        A worker fails; what was done stays, and the same call goes on from there.
    """
    standing = look_up(wanted, model, background, out)
    found = dict(standing.found)
    missing = [n for n in range(len(wanted.spots)) if n not in found]
    parts = [missing[at : at + _AT_ONCE] for at in range(0, len(missing), _AT_ONCE)]
    seconds = _read_timing(out)
    progress(len(found))

    def keep(place: int, answers: list[Explained]) -> None:
        for number, answer in zip(parts[place], answers, strict=True):
            found[number] = answer
            path = file_of(out, wanted.spots[number])
            write_atomically(path, pack(answer, standing.keys[number]))
            seconds[path.stem] = round(answer.seconds, 3)
        _write_timing(out, seconds)
        progress(len(found))

    pieces = [Piece(model, background, wanted.windows[part]) for part in parts]
    spread(explain_piece, pieces, cluster, keep=keep)
    return [found[number] for number in range(len(wanted.spots))]


def explain_piece(piece: Piece) -> list[Explained]:
    """Explain the windows of a piece; the network is loaded once per process."""
    digest = hashlib.sha256(np.ascontiguousarray(piece.background).tobytes()).hexdigest()
    name = f"{piece.model.sha256} {digest}"
    if name not in _explainers:
        _explainers.clear()  # one at a time: each holds a compiled gradient
        _explainers[name] = make_explainer(piece.model, piece.background)
    return [explain_window(_explainers[name], w, piece.model.bands) for w in piece.windows]


def file_of(out: Path, spot: Spot) -> Path:
    """Where a window's explanation lies."""
    return out / WINDOWS / f"{spot[0]:05d}-{spot[1]:05d}.npz"


def _read_timing(out: Path) -> dict[str, float]:
    path = out / TIMING
    try:
        held = json.loads(path.read_text()) if path.is_file() else {}
    except (OSError, ValueError):
        return {}
    return {str(k): float(v) for k, v in held.items()} if isinstance(held, dict) else {}


def _write_timing(out: Path, seconds: dict[str, float]) -> None:
    try:
        text = json.dumps(dict(sorted(seconds.items())), indent=1) + "\n"
        write_atomically(out / TIMING, text.encode())
    except OSError as error:
        raise OutputError(f"{out / TIMING}: cannot be written: {error}") from error
