"""Scores for windows, the same whatever else is scored beside them.

The paper's CNN is computed by this package's own kernels (:mod:`sarlra.models.sharing`): each
result is one sum in one order, so a window has one score, to the last bit, alone, in an image, on
any number of threads. Other networks run on TensorFlow, whose kernels may sum in another order for
another batch size: there every batch has the same shape (short ones are padded), kernels are
deterministic and the number of threads is fixed.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sarlra.errors import ModelError
from sarlra.models.cnn import WINDOW_PX
from sarlra.models.engine import import_tensorflow
from sarlra.models.info import ModelInfo
from sarlra.models.keras_file import check_keras_file, load_network
from sarlra.models.layered import LayeredCnn, read_layered
from sarlra.models.registry import read_model

#: Windows per call of the network. 512 is 4 % faster on two cores and takes twice the memory.
BATCH = 256
#: Threads that compute scores.
THREADS = 2
_lock = threading.Lock()
_scorers: dict[str, Scorer] = {}

F32 = NDArray[np.float32]
Positions = NDArray[np.int64]


class Network(Protocol):
    """What computes the scores of one model."""

    @property
    def bands(self) -> int:
        """Bands of the windows that it takes."""

    def score(self, windows: F32) -> F32:
        """See :meth:`Scorer.score`."""

    def score_image(self, bands: Sequence[F32], positions: Positions) -> F32:
        """See :meth:`Scorer.score_image`."""


class Scorer:
    """A loaded network. Safe to use from several threads.

    Made by :func:`load_scorer`. It does not survive a fork: TensorFlow hangs in the child, so a
    child that uses it gets an error instead.
    """

    def __init__(self, info: ModelInfo, network: Network) -> None:
        self.info = info
        self.bands = network.bands
        self._network = network
        self._pid = os.getpid()

    def score(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Score windows.

        Parameters
        ----------
        windows
            ``(n, 64, 64, bands)`` in dB, bands in the order of ``info.bands``, finite: with NaN a
            window's score means nothing (ReLU makes a number of it).

        Returns
        -------
        numpy.ndarray
            ``(n,)`` float32 in [0, 1]: the network's raw output, no probability.

        Raises
        ------
        ModelError
            The windows have another shape than the network takes, or the process was forked.
        """
        if windows.ndim != 4 or windows.shape[1:] != (WINDOW_PX, WINDOW_PX, self.bands):
            raise ModelError(
                f"the model {self.info.name!r} takes windows of (n, 64, 64, {self.bands}), "
                f"not {windows.shape}",
                hint=f"its bands are {', '.join(self.info.bands)}",
            )
        self._check_process()
        return self._network.score(windows)

    def score_image(self, bands: Sequence[F32], positions: Positions) -> F32:
        """Score windows of an image; each has the score that :meth:`score` gives it.

        Parameters
        ----------
        bands
            ``(rows, columns)`` float32 each, dB, in the order of ``info.bands``; finite inside the
            windows.
        positions
            ``(n, 2)``: row, column of the windows' upper left corners, in pixels; all windows lie
            within the image.

        Returns
        -------
        numpy.ndarray
            ``(n,)`` float32 in [0, 1].

        Raises
        ------
        ModelError
            The image has another number of bands than the network takes, or the process was forked.
        IndexError
            A window does not lie within the image.
        """
        if len(bands) != self.bands:
            raise ModelError(
                f"the model {self.info.name!r} takes {self.bands} bands, not {len(bands)}",
                hint=f"its bands are {', '.join(self.info.bands)}",
            )
        shape = np.min([band.shape for band in bands], axis=0)
        outside = (positions < 0).any() or (positions + WINDOW_PX > shape).any()
        if outside:
            raise IndexError(f"a window does not lie within the image of {shape}")
        self._check_process()
        return self._network.score_image(bands, positions)

    def _check_process(self) -> None:
        if os.getpid() != self._pid:
            raise ModelError(
                f"the model {self.info.name!r} was loaded before this process was forked",
                hint="start workers with spawn, not fork",
            )


class _Shared:
    """The paper's CNN on this package's kernels."""

    def __init__(self, network: LayeredCnn) -> None:
        self._network = network
        self.bands = network.bands

    def score(self, windows: F32) -> F32:
        from sarlra.models.sharing import score_windows

        return score_windows(self._network, windows, THREADS)

    def score_image(self, bands: Sequence[F32], positions: Positions) -> F32:
        from sarlra.models.sharing import score_image

        return score_image(self._network, bands, positions, THREADS)


class _Batched:
    """Any network, on TensorFlow; threads take turns."""

    def __init__(self, network: Any) -> None:
        tf = import_tensorflow()
        self.bands = int(network.input_shape[-1])
        shape = (BATCH, *network.input_shape[1:])
        self._lock = threading.Lock()
        self._call = tf.function(
            lambda windows: network(windows, training=False)[:, 0],
            input_signature=[tf.TensorSpec(shape, tf.float32)],
        )
        self._shape = shape

    def score(self, windows: F32) -> F32:
        scores = np.empty(len(windows), dtype=np.float32)
        with self._lock:
            for start in range(0, len(windows), BATCH):
                part = windows[start : start + BATCH]
                scores[start : start + len(part)] = self._score_batch(part)
        return scores

    def score_image(self, bands: Sequence[F32], positions: Positions) -> F32:
        window = (WINDOW_PX, WINDOW_PX)
        views = [np.lib.stride_tricks.sliding_window_view(band, window) for band in bands]
        scores = np.empty(len(positions), dtype=np.float32)
        for start in range(0, len(positions), BATCH):
            rows, columns = positions[start : start + BATCH].T
            windows = np.stack([view[rows, columns] for view in views], axis=-1)
            scores[start : start + len(windows)] = self.score(windows)
        return scores

    def _score_batch(self, part: F32) -> F32:
        tf = import_tensorflow()
        if len(part) < BATCH:
            padded = np.zeros(self._shape, dtype=np.float32)
            padded[: len(part)] = part
        else:
            padded = np.ascontiguousarray(part, dtype=np.float32)
        scores: F32 = self._call(tf.constant(padded)).numpy()[: len(part)]
        return scores


def load_scorer(info: ModelInfo) -> Scorer:
    """Load a model, once per process.

    The paper's CNN is ready in a second, and the first score of an installation compiles its
    kernels (some 10 s, kept on disk). Of any other network the first call imports TensorFlow (10
    to 60 s), sets its threads (1 between, 2 within operations) where nobody did before, and asks
    for deterministic kernels.

    Raises
    ------
    ModelError
        The file has changed since ``info`` was made, is not safe to load, or takes other bands
        than its card says.
    """
    with _lock:
        scorer = _scorers.get(info.sha256)
        if scorer is None or scorer._pid != os.getpid():
            scorer = _scorers[info.sha256] = _load(info)
        return scorer


def _load(info: ModelInfo) -> Scorer:
    data = read_model(info)
    label = str(info.path)
    layered = read_layered(data, check_keras_file(data, label), label)
    network: Network
    network = _Batched(load_network(data, label)) if layered is None else _Shared(layered)
    if network.bands != len(info.bands):
        raise ModelError(
            f"{info.path}: takes {network.bands} bands, but its card says {info.combination}"
        )
    return Scorer(info, network)
