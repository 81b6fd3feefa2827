"""Patches of a dataset for training, batch by batch, without loading all of it.

An epoch goes through the chunks of the array in an order drawn anew, ``POOL`` chunks at a time; the
patches of a pool are mixed before they leave as batches. So a batch holds patches of many cases
and places, every patch comes exactly once, and memory holds one pool (128 MiB of four bands).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sarlra.errors import InputError
from sarlra.samples.draw import TEST_RATIO
from sarlra.samples.patches import Patches
from sarlra.samples.split import SPLITS, UNSEEN
from sarlra.samples.store import CHUNK, Dataset
from sarlra.scenes.model import OrbitState

#: Chunks that are mixed at a time.
POOL = 64

F32 = NDArray[np.float32]
Batch = tuple[F32, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which patches of a dataset.

    Parameters
    ----------
    layer
        Array of the dataset, such as ``VV_VH/60-12``.
    split
        ``training``, ``validation``, ``test`` or ``unseen``.
    ratio
        Background patches per landslide patch, at most; per area and direction.
    scheme
        ``random`` or ``blocked`` split.
    orbit_state
        One direction of flight; None for both.
    cases
        Only these; None for all.
    """

    layer: str
    split: str
    ratio: float = TEST_RATIO
    scheme: Literal["random", "blocked"] = "random"
    orbit_state: OrbitState | None = None
    cases: tuple[str, ...] | None = None


def select(dataset: Dataset, selection: Selection) -> NDArray[np.int64]:
    """The rows of a selection, ascending.

    Raises
    ------
    InputError
        The selection names what is not there, or no patch is in it.
    """
    if selection.split not in (*SPLITS, UNSEEN):
        raise InputError(f"split {selection.split!r} is none of {', '.join((*SPLITS, UNSEEN))}")
    table = dataset.table
    end = "" if selection.scheme == "random" else "_blocked"
    dataset.array(selection.layer)
    chosen = table[f"has_{selection.layer.partition('/')[0]}"] & (
        table[f"split{end}"] == selection.split
    )
    chosen &= table[f"ratio{end}"] <= selection.ratio
    if selection.orbit_state is not None:
        chosen &= table["orbit_state"] == selection.orbit_state
    if selection.cases is not None:
        chosen &= table["case"].isin(selection.cases)
    rows = np.flatnonzero(chosen.to_numpy())
    if not len(rows):
        raise InputError(
            f"no patch of dataset {dataset.folder} is in {selection}",
            hint="see sarlra dataset show for what it holds",
        )
    return rows


def batches(
    dataset: Dataset, selection: Selection, batch_size: int, *, seed: int | None = None
) -> Iterator[Batch]:
    """One epoch.

    Parameters
    ----------
    seed
        Draws the order; a training gives another for each epoch. None takes rows as they lie.

    Yields
    ------
    windows, labels
        ``(b, 64, 64, bands)`` float32 dB, NaN = no data; ``(b,)`` float32, 1 for landslide. All
        batches have ``batch_size`` patches but the last.

    Raises
    ------
    InputError
        See :func:`select`; or the batch size is not positive.
    """
    if batch_size < 1:
        raise InputError(f"batches of {batch_size} patches cannot be made")
    rows = select(dataset, selection)
    array = dataset.array(selection.layer)
    labels = dataset.table["landslide"].to_numpy(dtype=np.float32)
    rng = None if seed is None else np.random.default_rng(seed)
    chunks = np.unique(rows // CHUNK)
    if rng is not None:
        rng.shuffle(chunks)
    held: list[Batch] = []
    for start in range(0, len(chunks), POOL):
        pool = chunks[start : start + POOL]
        own = np.concatenate([rows[rows // CHUNK == chunk] for chunk in pool])
        windows = np.concatenate([_read(array, int(chunk), rows) for chunk in pool])
        if rng is not None:
            order = rng.permutation(len(own))
            own, windows = own[order], windows[order]
        if held:
            windows = np.concatenate([held[0][0], windows])
            own_labels = np.concatenate([held[0][1], labels[own]])
        else:
            own_labels = labels[own]
        whole = len(windows) // batch_size * batch_size
        for at in range(0, whole, batch_size):
            yield windows[at : at + batch_size], own_labels[at : at + batch_size]
        held = [(windows[whole:].copy(), own_labels[whole:])] if whole < len(windows) else []
    yield from held


def _read(array: Any, chunk: int, rows: NDArray[np.int64]) -> F32:
    first = chunk * CHUNK
    low, high = np.searchsorted(rows, [first, first + CHUNK])
    part: F32 = np.asarray(array[first : min(first + CHUNK, array.shape[0])])
    return part[rows[low:high] - first]


def tf_batches(
    dataset: Dataset,
    selection: Selection,
    batch_size: int,
    *,
    seed: int | None = None,
    prepare: Callable[[F32], F32] = lambda windows: windows,
) -> Any:
    """The epochs of a training as a ``tf.data.Dataset``; a new order each time it is gone through.

    Parameters
    ----------
    prepare
        Done to each batch of windows, such as filling of no data.

    Returns
    -------
    tf.data.Dataset of (windows, labels) as :func:`batches` gives them, read ahead by one batch. It
    reads in threads of this process and forks nothing.
    """
    import tensorflow as tf

    bands = dataset.array(selection.layer).shape[-1]
    select(dataset, selection)
    epoch = iter(range(2**31))

    def generate() -> Iterator[Batch]:
        own = None if seed is None else seed + next(epoch)
        for windows, labels in batches(dataset, selection, batch_size, seed=own):
            yield prepare(windows), labels

    signature = (
        tf.TensorSpec((None, 64, 64, bands), tf.float32),
        tf.TensorSpec((None,), tf.float32),
    )
    return tf.data.Dataset.from_generator(generate, output_signature=signature).prefetch(1)


def load(dataset: Dataset, selection: Selection) -> Patches:
    """A selection in memory, in the order of rows; for parts that are known to be small."""
    parts = list(batches(dataset, selection, 1024))
    rows = select(dataset, selection)
    return Patches(
        np.concatenate([windows for windows, _ in parts]),
        np.concatenate([labels for _, labels in parts]).astype(bool),
        dataset.table["case"].to_numpy(dtype=str)[rows],
    )
