"""Keras, on TensorFlow unless training chose otherwise, imported late and set up the same way."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from sarlra.errors import ModelError

logger = logging.getLogger(__name__)
Backend = Literal["tensorflow", "jax", "torch"]
_THREADS = 2
_backend: Backend = "tensorflow"


def train_on(backend: Backend) -> None:
    """Choose what Keras runs on in this process, before it is imported; for training only.

    The stored network is the same kind of file. Scores are never computed on another backend than
    TensorFlow, or by this package's own kernels (:mod:`sarlra.models.scoring`).
    """
    global _backend
    _backend = backend


def import_keras() -> Any:
    """Import Keras with the chosen backend, whatever the user's ``keras.json`` says.

    Takes 10 to 60 s the first time in a process, and fixes what would make results depend on the
    machine before anything is computed: one thread between and two within operations, where
    nobody set them, and deterministic kernels. TensorFlow's own log is kept to warnings unless
    ``TF_CPP_MIN_LOG_LEVEL`` says otherwise.

    Raises
    ------
    ModelError
        Keras was imported before with another backend.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    os.environ["KERAS_BACKEND"] = _backend
    with _quiet():
        import keras

        if (found := keras.backend.backend()) != _backend:
            raise ModelError(
                f"Keras runs on {found} in this process, not on {_backend}",
                hint="it was imported before; start another process",
            )
        if _backend == "tensorflow":
            _fix_threads_and_kernels()
        keras.ops.zeros(1)  # what is said of the processor is said at the first use
    return keras


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what TensorFlow's libraries write past its own log from standard error.

    They write to the file descriptor before any setting is read. Where TensorFlow is there
    already, or its log was asked for, nothing is kept.
    """
    if "tensorflow" in sys.modules or os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0":
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123  (a device, not a file of ours)
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def import_tensorflow() -> Any:
    """Import TensorFlow as :func:`import_keras` does.

    Raises
    ------
    ModelError
        Keras runs on another backend in this process.
    """
    if _backend != "tensorflow":
        raise ModelError(
            f"this process trains on {_backend}", hint="scores are computed in another process"
        )
    import_keras()
    import tensorflow as tf

    return tf


def _fix_threads_and_kernels() -> None:
    import tensorflow as tf

    try:
        if tf.config.threading.get_intra_op_parallelism_threads() == 0:
            tf.config.threading.set_intra_op_parallelism_threads(_THREADS)
        if tf.config.threading.get_inter_op_parallelism_threads() == 0:
            tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:  # somebody computed already: the pools cannot be changed any more
        logger.debug("TensorFlow was in use before: its thread pools stay as they are")
    tf.config.experimental.enable_op_determinism()
