"""Scores for windows, the same whatever else is scored beside them.

TensorFlow's kernels may sum in another order for another batch size, so every batch has the same
shape: short ones are padded. With deterministic kernels and a fixed number of threads a window
then has one score, on one machine, alone or among thousands.
"""

from __future__ import annotations

import os
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarlra.errors import ModelError
from sarlra.models.engine import import_tensorflow
from sarlra.models.files import read_bounded, sha256
from sarlra.models.keras_file import load_network
from sarlra.models.registry import ModelInfo

#: Windows per call of the network. 512 is 4 % faster on two cores and takes twice the memory.
BATCH = 256
_lock = threading.Lock()
_scorers: dict[str, Scorer] = {}


class Scorer:
    """A loaded network. Safe to use from several threads, which then take turns.

    Made by :func:`load_scorer`. It does not survive a fork: TensorFlow hangs in the child, so a
    child that uses it gets an error instead.
    """

    def __init__(self, info: ModelInfo, network: Any) -> None:
        tf = import_tensorflow()
        self.info = info
        self.bands = int(network.input_shape[-1])
        shape = (BATCH, *network.input_shape[1:])
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._call = tf.function(
            lambda windows: network(windows, training=False)[:, 0],
            input_signature=[tf.TensorSpec(shape, tf.float32)],
        )
        self._shape = shape

    def score(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Score windows.

        Parameters
        ----------
        windows
            ``(n, 64, 64, bands)`` in dB, bands in the order of ``info.bands``, finite: with NaN a
            window's score means nothing (TensorFlow's ReLU makes a number of it).

        Returns
        -------
        numpy.ndarray
            ``(n,)`` float32 in [0, 1]: the network's raw output, no probability.

        Raises
        ------
        ModelError
            The windows have another shape than the network takes, or the process was forked.
        """
        if windows.ndim != 4 or windows.shape[1:] != self._shape[1:]:
            raise ModelError(
                f"the model {self.info.name!r} takes windows of (n, 64, 64, {self.bands}), "
                f"not {windows.shape}",
                hint=f"its bands are {', '.join(self.info.bands)}",
            )
        if os.getpid() != self._pid:
            raise ModelError(
                f"the model {self.info.name!r} was loaded before this process was forked",
                hint="start workers with spawn, not fork",
            )
        scores = np.empty(len(windows), dtype=np.float32)
        with self._lock:
            for start in range(0, len(windows), BATCH):
                part = windows[start : start + BATCH]
                scores[start : start + len(part)] = self._score_batch(part)
        return scores

    def _score_batch(self, part: NDArray[np.float32]) -> NDArray[np.float32]:
        tf = import_tensorflow()
        if len(part) < BATCH:
            padded = np.zeros(self._shape, dtype=np.float32)
            padded[: len(part)] = part
        else:
            padded = np.ascontiguousarray(part, dtype=np.float32)
        scores: NDArray[np.float32] = self._call(tf.constant(padded)).numpy()[: len(part)]
        return scores


def load_scorer(info: ModelInfo) -> Scorer:
    """Load a model, once per process.

    The first call imports TensorFlow (10 to 60 s), sets its threads (1 between, 2 within
    operations) where nobody did before, and asks for deterministic kernels.

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
    data = read_bounded(info.path)
    if (found := sha256(data)) != info.sha256:
        raise ModelError(
            f"{info.path}: has changed: sha256 {found}, expected {info.sha256}",
            hint="fetch or import the model again",
        )
    network = load_network(data, str(info.path))
    if network.input_shape[-1] != len(info.bands):
        raise ModelError(
            f"{info.path}: takes {network.input_shape[-1]} bands, but its card says "
            f"{info.combination}"
        )
    return Scorer(info, network)
