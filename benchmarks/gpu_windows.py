"""Windows per second on an accelerator, against its arithmetic and its memory.

    KERAS_BACKEND=jax python benchmarks/gpu_windows.py [--out result.json]

The shipped CNN (32 filters) and one of 64 filters, at batch sizes from 256 to 16,384, with windows
on the device and, for the largest batch, sent from the host. Beside them, in the same run: what
the device multiplies (large square matrices) and copies. ``float32`` computes in full precision,
``tf32`` lets the device round the factors of products to 10 bits, ``bfloat16`` computes in that
type. Scores are held against those of the first precision on the same windows.

Needs numpy, keras and one backend (jax, torch or tensorflow); of sarlra only its light modules.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

import sarlra
from sarlra.models.engine import import_keras, train_on

BACKEND: Any = os.environ.get("KERAS_BACKEND", "jax")
SHIPPED = Path(sarlra.__file__).parent / "models/shipped/sim-cnn32-vv-vh-ascending.keras"
BATCHES = (256, 512, 1024, 2048, 4096, 8192, 16384)
DTYPES = ("float32", "tf32", "bfloat16")
#: Large enough that a product is bound by arithmetic, a copy by memory.
MATRIX, COPY_BYTES = 8192, 2**30

Score = Callable[[Any], Any]


def networks(bfloat16: bool) -> dict[str, Any]:
    """The networks measured: trained weights with 32 filters, random ones with 64."""
    keras = import_keras()
    from sarlra.models.cnn import build_cnn
    from sarlra.models.keras_file import load_network

    shipped = load_network(SHIPPED.read_bytes(), SHIPPED.name)
    norm = shipped.get_layer("standardise").get_config()
    keras.utils.set_random_seed(5)
    keras.config.set_dtype_policy("mixed_bfloat16" if bfloat16 else "float32")
    small = build_cnn(4, 32, 0.5, norm["mean"], norm["variance"])
    small.set_weights(shipped.get_weights())
    large = build_cnn(4, 64, 0.5, norm["mean"], norm["variance"])
    return {"cnn32": small, "cnn64": large}


def operations(network: Any) -> int:
    """Multiplications and additions for one window."""
    total = 0
    for layer in network.layers:
        kind, out = type(layer).__name__, layer.output.shape
        if kind == "Conv2D":
            rows, columns, filters = out[1:]
            kernel = layer.kernel.shape
            total += 2 * rows * columns * filters * kernel[0] * kernel[1] * kernel[2]
        elif kind == "Dense":
            total += 2 * layer.kernel.shape[0] * layer.kernel.shape[1]
    return int(total)


def traffic(network: Any, width: int) -> int:
    """Bytes of one window if every convolution, pooling and dense layer reads and writes memory."""
    total = 0
    for layer in network.layers:
        if type(layer).__name__ in ("Conv2D", "MaxPooling2D", "Resizing", "Dense"):
            total += sum(int(np.prod(t.shape[1:])) for t in (layer.input, layer.output))
    return total * width


class Jax:
    """Compiled by XLA."""

    def __init__(self) -> None:
        import jax

        self.jax = jax
        self.version = jax.__version__
        self.device = str(jax.devices()[0].device_kind)

    def precision(self, dtype: str) -> None:
        """How products of float32 are computed from here on."""
        name = "highest" if dtype == "float32" else "tensorfloat32"
        self.jax.config.update("jax_default_matmul_precision", name)

    def score(self, network: Any) -> Score:
        """The network, compiled."""
        weights = [v.value for v in network.trainable_variables]
        others = [v.value for v in network.non_trainable_variables]
        jitted = self.jax.jit(
            lambda w, o, x: network.stateless_call(w, o, x, training=False)[0][:, 0]
        )
        return lambda windows: jitted(weights, others, windows)

    def put(self, array: Any) -> Any:
        """Onto the device."""
        return self.jax.device_put(array)

    def wait(self, value: Any) -> None:
        """Until computed."""
        self.jax.block_until_ready(value)

    def matmul(self, size: int, dtype: str) -> Callable[[], Any]:
        """A product of two square matrices."""
        jnp = self.jax.numpy
        kind = jnp.bfloat16 if dtype == "bfloat16" else jnp.float32
        a = self.jax.random.normal(self.jax.random.key(1), (size, size), kind)
        multiply = self.jax.jit(lambda x, y: x @ y)
        return lambda: multiply(a, a)

    def copy(self, size: int) -> Callable[[], Any]:
        """Reads and writes so many bytes each."""
        jnp = self.jax.numpy
        a = jnp.zeros(size // 4, jnp.float32)
        add = self.jax.jit(lambda x: x + 1)
        return lambda: add(a)


class Torch:
    """Eager, or through torch.compile where asked for."""

    def __init__(self, compiled: bool = False) -> None:
        import torch

        self.torch, self.compiled = torch, compiled
        self.version = torch.__version__
        self.cuda = torch.cuda.is_available()
        self.place = "cuda" if self.cuda else "cpu"
        self.device = torch.cuda.get_device_name() if self.cuda else "cpu"

    def precision(self, dtype: str) -> None:
        """How products of float32 are computed from here on."""
        self.torch.backends.cuda.matmul.allow_tf32 = dtype != "float32"
        self.torch.backends.cudnn.allow_tf32 = dtype != "float32"
        self.torch.backends.cudnn.benchmark = True

    def score(self, network: Any) -> Score:
        """The network without gradients."""
        network.eval()
        call = self.torch.compile(network) if self.compiled else network

        def run(windows: Any) -> Any:
            with self.torch.inference_mode():
                return call(windows, training=False)[:, 0]

        return run

    def put(self, array: Any) -> Any:
        """Onto the device."""
        return self.torch.as_tensor(array, device=self.place)

    def wait(self, value: Any) -> None:  # noqa: ARG002
        """Until computed."""
        if self.cuda:
            self.torch.cuda.synchronize()

    def matmul(self, size: int, dtype: str) -> Callable[[], Any]:
        """A product of two square matrices."""
        kind = self.torch.bfloat16 if dtype == "bfloat16" else self.torch.float32
        a = self.torch.randn(size, size, dtype=kind, device=self.place)
        return lambda: a @ a

    def copy(self, size: int) -> Callable[[], Any]:
        """Reads and writes so many bytes each."""
        a = self.torch.zeros(size // 4, device=self.place)
        return lambda: a + 1


class TensorFlow:
    """A tf.function; here so that the script can be tried on a machine without the others."""

    def __init__(self) -> None:
        import tensorflow as tf

        self.tf = tf
        self.version = tf.__version__
        found = tf.config.list_physical_devices("GPU")
        self.device = found[0].name if found else "cpu"

    def precision(self, dtype: str) -> None:
        """How products of float32 are computed from here on."""
        self.tf.config.experimental.enable_tensor_float_32_execution(dtype != "float32")

    def score(self, network: Any) -> Score:
        """The network, traced."""
        traced: Score = self.tf.function(lambda x: network(x, training=False)[:, 0])
        return traced

    def put(self, array: Any) -> Any:
        """Onto the device."""
        return self.tf.constant(array)

    def wait(self, value: Any) -> None:
        """Until computed."""
        value.numpy()

    def matmul(self, size: int, dtype: str) -> Callable[[], Any]:
        """A product of two square matrices."""
        kind = self.tf.bfloat16 if dtype == "bfloat16" else self.tf.float32
        a = self.tf.ones((size, size), dtype=kind)
        multiply = self.tf.function(lambda: self.tf.reduce_max(a @ a))
        return lambda: multiply()

    def copy(self, size: int) -> Callable[[], Any]:
        """Reads and writes so many bytes each."""
        a = self.tf.zeros(size // 4)
        add = self.tf.function(lambda: (a + 1)[:1])
        return lambda: add()


def seconds(run: Callable[[], Any], wait: Callable[[Any], None], least: float) -> float:
    """Median over five rounds of the time of one call; a round lasts ``least`` seconds or more."""
    wait(run())
    started = time.perf_counter()
    wait(run())
    calls = max(1, round(least / max(time.perf_counter() - started, 1e-6)))
    times = []
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(calls):
            last = run()
        wait(last)
        times.append((time.perf_counter() - started) / calls)
    return statistics.median(times)


def windows(number: int) -> Any:
    """(number, 64, 64, 4) float32 in dB, as different from each other as real ones."""
    rng = np.random.default_rng(8)
    level = rng.normal(0, 1, (number, 1, 1, 4)) * (4, 4, 1.5, 1.5) + (-10.5, -17, 0, 0)
    noise = rng.normal(0, 2, (min(number, 256), 64, 64, 4))
    return (level + np.resize(noise, (number, 64, 64, 4))).astype(np.float32)


def measure(
    device: Any, batches: tuple[int, ...], dtypes: tuple[str, ...], least: float, matrix: int
) -> list[dict[str, Any]]:
    """All figures of a device, one row per network, precision and batch size."""
    size = COPY_BYTES if matrix == MATRIX else 2**24
    bandwidth = 2 * size / seconds(device.copy(size), device.wait, least)
    host = windows(max(batches))
    rows = []
    exact: dict[str, Any] = {}
    for dtype in dtypes:
        device.precision(dtype)
        rate = 2 * matrix**3 / seconds(device.matmul(matrix, dtype), device.wait, least)
        for name, network in networks(dtype == "bfloat16").items():
            score = device.score(network)
            found = np.asarray(import_keras().ops.convert_to_numpy(score(device.put(host[:256]))))
            found = found.astype(np.float32)
            reference = exact.setdefault(name, found)
            flop, moved = operations(network), traffic(network, 2 if dtype == "bfloat16" else 4)
            for batch in batches:
                try:
                    there = device.put(host[:batch])
                    time_s = seconds(lambda: score(there), device.wait, least)  # noqa: B023
                    sent_s = None
                    if batch == max(batches):
                        sent_s = seconds(lambda: score(device.put(host)), device.wait, least)  # noqa: B023
                except Exception as error:  # a batch can be too large for the memory
                    rows.append({"network": name, "dtype": dtype, "batch": batch,
                                 "error": str(error).splitlines()[0][:200]})  # fmt: skip
                    break
                per_s = batch / time_s
                rows.append({
                    "network": name, "dtype": dtype, "batch": batch,
                    "windows_per_s": round(per_s),
                    "windows_per_s_from_host": None if sent_s is None else round(batch / sent_s),
                    "flop_per_window": flop, "bytes_per_window": moved,
                    "matmul_tflop_s": round(rate / 1e12, 3),
                    "bandwidth_gb_s": round(bandwidth / 1e9, 1),
                    "of_matmul": round(per_s * flop / rate, 4),
                    "of_bandwidth": round(per_s * moved / bandwidth, 4),
                    "largest_difference": float(np.abs(found - reference).max()),
                })  # fmt: skip
                sys.stderr.write(f"{rows[-1]}\n")
    return rows


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="write the JSON here, too")
    parser.add_argument("--batches", type=int, nargs="+", default=list(BATCHES))
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES, default=list(DTYPES))
    parser.add_argument("--seconds", type=float, default=1.0, help="least length of a round")
    parser.add_argument("--compile", action="store_true", help="torch: through torch.compile")
    parser.add_argument("--quick", action="store_true", help="small and short, to try it")
    given = parser.parse_args()
    train_on(BACKEND)
    keras = import_keras()
    device: Any = {"jax": Jax, "tensorflow": TensorFlow}.get(BACKEND, Torch)()
    if given.compile:
        device = Torch(compiled=True)
    batches = (8, 16) if given.quick else tuple(given.batches)
    least, matrix = (0.01, 256) if given.quick else (given.seconds, MATRIX)
    rows = measure(device, batches, tuple(given.dtypes), least, matrix)
    result = {
        "device": device.device, "backend": BACKEND, "backend_version": device.version,
        "compiled": given.compile or BACKEND != "torch",
        "keras": keras.__version__, "python": platform.python_version(), "rows": rows,
    }  # fmt: skip
    text = json.dumps(result, indent=1) + "\n"
    if given.out:
        given.out.write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
