"""Scores of all windows of one tile: four ways side by side, and the machine's limit.

    python benchmarks/scores.py [--filters 32] [--rounds 5] [--out docs/results]

An image of 4096 x 4096 pixels of 4 bands has 16,129 windows of 64 pixels at stride 32. The ways:

predict   as the public tool does: all windows copied into one array, ``model.predict``, batch 512
function  windows copied batch by batch into one ``tf.function``, batch 512
sarlra    as a job does
matmul    the machine's rate of large products of matrices in float32, for the limit

With 32 filters it is the shipped model; with 64 the same network with random weights.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.side_by_side import compare, finish, machine, serve

WAYS = ("predict", "function", "sarlra", "matmul")
WINDOW, STRIDE, BATCH = 64, 32, 512
LEVELS = (-10.5, -17.0, -0.2, -0.1)


def image(size: int) -> list[NDArray[np.float32]]:
    """Speckle of a few looks over ground that changes slowly, and places that changed."""
    rng = np.random.default_rng(7)
    bands = []
    for level in LEVELS:
        ground = ndimage.zoom(rng.normal(0, 2.5, (size // 64 + 2,) * 2), 64, order=1)
        noise = rng.normal(0, 1.8, (size, size)).astype(np.float32)
        bands.append(noise + ground[:size, :size].astype(np.float32) + np.float32(level))
    return bands


def positions(size: int) -> NDArray[np.int64]:
    """Upper left corners of all windows."""
    first = np.arange(0, size - WINDOW + 1, STRIDE)
    return np.stack(np.meshgrid(first, first, indexing="ij"), axis=-1).reshape(-1, 2)


def model_file(filters: int, folder: Path) -> Path:
    """The shipped model, or one of random weights, made once."""
    from sarlra.models.registry import find_model

    if filters == 32:
        return find_model("sim-cnn32-vv-vh-ascending").path
    file = folder / f"random-{filters}.keras"
    if not file.exists():
        from sarlra.models.cnn import build_cnn
        from sarlra.models.packing import pack_network

        network = build_cnn(4, filters, 0.5, list(LEVELS), [20.0, 20.0, 7.0, 7.0])
        rng = np.random.default_rng(5)
        network.set_weights([
            np.abs(w) if "variance" in v.name else w + rng.normal(0, 0.02, w.shape)
            for v, w in zip(network.weights, network.get_weights(), strict=True)
        ])  # fmt: skip
        file.write_bytes(pack_network(network))
    return file


def windows_at(bands: list[NDArray[np.float32]], corners: NDArray[np.int64]) -> Any:
    """Copies of windows: (n, 64, 64, bands)."""
    result = np.empty((len(corners), WINDOW, WINDOW, len(bands)), np.float32)
    for n, (row, column) in enumerate(corners):
        for number, band in enumerate(bands):
            result[n, ..., number] = band[row : row + WINDOW, column : column + WINDOW]
    return result


def prepare(way: str, size: int, file: Path, scores: Path) -> Callable[[], Any]:
    """One turn of a way; its scores are written beside, for comparison."""
    if way == "matmul":
        return matmul
    bands, corners = image(size), positions(size)
    score = {"predict": predict, "function": function, "sarlra": sarlra}[way](file)

    def run() -> dict[str, float]:
        started = time.perf_counter()
        found = score(bands, corners)
        seconds = time.perf_counter() - started
        np.save(scores / f"{way}.npy", found)
        return {"windows_per_s": len(corners) / seconds}

    return run


def predict(file: Path) -> Any:
    """The public tool's way."""
    network = load(file)

    def score(bands: Any, corners: Any) -> Any:
        return network.predict(windows_at(bands, corners), batch_size=BATCH, verbose=0)[:, 0]

    return score


def function(file: Path) -> Any:
    """A plain compiled graph, fed batch by batch."""
    import tensorflow as tf

    network = load(file)
    call = tf.function(lambda x: network(x, training=False)[:, 0])

    def score(bands: Any, corners: Any) -> Any:
        parts = range(0, len(corners), BATCH)
        return np.concatenate(
            [call(windows_at(bands, corners[n : n + BATCH])).numpy() for n in parts]
        )

    return score


def load(file: Path) -> Any:
    """The network as Keras loads it, with TensorFlow's own settings."""
    import keras

    return keras.saving.load_model(file, compile=False)


def sarlra(file: Path) -> Any:
    """What a job calls."""
    from sarlra.detection.lattice import score_positions
    from sarlra.models.registry import find_model
    from sarlra.models.scoring import load_scorer

    info = find_model(str(file))
    scorer = load_scorer(info)
    return lambda bands, corners: score_positions(bands, corners, scorer, info.bands)


def matmul() -> dict[str, float]:
    """Products of square matrices."""
    a = np.ones((4096, 4096), np.float32)
    a @ a
    started = time.perf_counter()
    a @ a
    return {"gflop_s": 2 * 4096**3 / (time.perf_counter() - started) / 1e9}


def operations(filters: int) -> int:
    """Multiplications and additions of the network for one window on its own."""
    convolutions = 9 * filters * (4 * 64**2 + filters * (32**2 + 16**2))
    return 2 * (convolutions + 64 * 3 * filters * 8 * filters)


def operations_shared(filters: int) -> int:
    """The same, with what windows of a large image share counted once.

    A cell of a stride has 32, 16 and 8 rows at the three levels, and beside them 1 or 2 at either
    end which differ as zeros begin there.
    """
    convolutions = 9 * filters * (4 * 34**2 + filters * (20**2 + 12**2))
    return 2 * (convolutions + 64 * 3 * filters * 8 * filters)


def main() -> None:
    """Compare, or serve one way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--filters", type=int, choices=(32, 64), default=32)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="small, one round")
    parser.add_argument("--out", type=Path, help="folder for the result")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        file = model_file(given.filters, given.folder)
        serve(prepare(given.way, given.size, file, given.folder))
        return
    size, rounds = (320, 1) if given.quick else (given.size, given.rounds)
    about = machine()
    with tempfile.TemporaryDirectory() as text:
        more = ["--filters", str(given.filters), "--size", str(size), "--folder", text]
        ways = compare(__file__, WAYS, rounds, more)
        found = {way: np.load(Path(text) / f"{way}.npy") for way in WAYS[:3]}
    rate, number = ways["matmul"]["gflop_s"] * 1e9, len(positions(size))
    sarlra_s = ways["sarlra"]["s"]
    shared = operations_shared(given.filters) * number / rate
    result = {
        "machine": about, "filters": given.filters, "windows": number,
        "image_mib": 4 * 4 * size**2 / 2**20, "ways": ways,
        "limit_s": round(operations(given.filters) * number / rate, 3),
        "limit_shared_s": round(shared, 3),
        "sarlra_of_predict": round(sarlra_s / ways["predict"]["s"], 3),
        "sarlra_of_function": round(sarlra_s / ways["function"]["s"], 3),
        "sarlra_of_limit": round(sarlra_s * rate / operations(given.filters) / number, 3),
        "sarlra_of_limit_shared": round(sarlra_s / shared, 3),
        "largest_difference": float(np.abs(found["sarlra"] - found["predict"]).max()),
        "largest_difference_of_function": float(np.abs(found["function"] - found["predict"]).max()),
        "scores_from_to": [float(found["sarlra"].min()), float(found["sarlra"].max())],
    }  # fmt: skip
    finish(f"scores-{given.filters}", result, given.out)


if __name__ == "__main__":
    main()
