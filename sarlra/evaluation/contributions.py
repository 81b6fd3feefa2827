"""What each pixel and band contributes to a score: SHAP values by expected gradients.

Source: Erion et al. 2021, Nature Machine Intelligence 3, 620-631 (expected gradients, the method of
the shap library's ``GradientExplainer``): the mean, over background windows and places on the
straight way from one to the window, of the gradient times the difference. Two things are done
otherwise than there, because its random samples miss the sum by 0.23 in the median with 200 of them
(speckle makes the way bend):

- Every background window counts alike. Places on the way are even steps, and the steps of each
  background window are shifted against the others' (by a van der Corput sequence), so that all
  ways together are sampled 64 times as densely as one. Nothing is drawn: the same window has the
  same contributions.
- Gradients are those of the log-odds, which do not vanish where the sigmoid is flat. Each pair is
  brought to the score by the rescale rule of DeepLIFT (Shrikumar et al. 2017): times the difference
  of the scores over that of the log-odds.

The contributions of a window add up to its score minus the base value, which is the mean score of
the background, but for the error of the steps. Steps are halved until that is under
:data:`TOLERANCE`, or there are :data:`MOST_STEPS`; what is left is in the result.
:meth:`Explainer.explain_with_shap` asks the library itself, as a check.

``DeepExplainer`` does not know the layers of these networks under Keras 3 (it fails at the
resizing), and once tried it spoils the gradients of the process; it is not used.
"""

from __future__ import annotations

import threading
import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import qmc

from sarlra.errors import InputError, ModelError
from sarlra.models.engine import import_keras, import_tensorflow
from sarlra.models.info import ModelInfo
from sarlra.models.keras_file import load_network
from sarlra.models.registry import read_model

F32 = NDArray[np.float32]

#: How far contributions may add up to something else than score minus base value.
TOLERANCE = 0.05
#: Steps on the way from a background window, at first and at most.
STEPS, MOST_STEPS = 4, 64
#: Log-odds nearer to each other than this are the same: the sigmoid's slope stands for a quotient.
_NO_WAY = 1e-3
_BATCH = 50
_AT_ONCE = 16
#: shap draws from NumPy's global generator, with a seed: one at a time.
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Contributions:
    """Contributions to the scores of n windows.

    Parameters
    ----------
    values
        ``(n, 64, 64, bands)`` float32: over 0 raises the score.
    score
        ``(n,)`` float32: the network's.
    base
        Mean score of the background.
    gradients
        ``(n,)`` int64: how many gradients are behind each window.
    seconds
        Wall time of each window.
    """

    values: F32
    score: F32
    base: float
    gradients: NDArray[np.int64]
    seconds: NDArray[np.float64]

    @property
    def residual(self) -> NDArray[np.float64]:
        """``(n,)``: sum of the contributions minus (score - base)."""
        sums = self.values.sum(axis=(1, 2, 3), dtype=np.float64)
        return np.asarray(sums - (self.score.astype(np.float64) - self.base))

    @property
    def mean_over_bands(self) -> F32:
        """``(n, 64, 64)``: as on the paper's maps."""
        return np.asarray(self.values.mean(axis=-1), dtype=np.float32)


class Explainer:
    """Explains one network against one background. Scores are of the network itself.

    Parameters
    ----------
    network
        Keras model, ``(n, 64, 64, bands)`` to ``(n, 1)``, whose last layer is dense with a sigmoid.
    background
        ``(m, 64, 64, bands)`` float32 dB, finite.

    Raises
    ------
    InputError
        The background does not fit the network.
    ModelError
        The network ends otherwise.
    """

    def __init__(self, network: Any, background: F32) -> None:
        if background.ndim != 4 or background.shape[1:] != tuple(network.input_shape[1:]):
            raise InputError(
                f"the background has windows of {background.shape[1:]}, the network takes "
                f"{tuple(network.input_shape[1:])}"
            )
        self._log_odds = _before_sigmoid(network)
        self._background = np.ascontiguousarray(background, dtype=np.float32)
        self._shift = _spread(len(background))
        self._gradient = _gradient_of(self._log_odds, self._background.shape)
        self._batch = _compiled(self._log_odds, (_AT_ONCE, *self._background.shape[1:]))
        self._base_odds = self._odds(self._background)
        self.base = float(expit(self._base_odds).mean())

    def _odds(self, windows: F32) -> NDArray[np.float64]:
        found = np.empty(len(windows))
        for at in range(0, len(windows), _AT_ONCE):
            part = windows[at : at + _AT_ONCE]
            # Kernels may sum in another order for another batch: all batches have one shape.
            padded = np.zeros((_AT_ONCE, *windows.shape[1:]), dtype=np.float32)
            padded[: len(part)] = part
            found[at : at + len(part)] = self._batch(padded).numpy()[: len(part), 0]
        return found

    def scores(self, windows: F32) -> F32:
        """Raw outputs, ``(n,)`` float32."""
        return np.asarray(expit(self._odds(windows)), dtype=np.float32)

    def explain(
        self, windows: F32, *, tolerance: float = TOLERANCE, most_steps: int = MOST_STEPS
    ) -> Contributions:
        """Contributions of windows, ``(n, 64, 64, bands)`` float32 dB, finite.

        The same window has the same values, whatever is explained beside it.
        """
        odds = self._odds(windows)
        score = np.asarray(expit(odds), dtype=np.float32)
        values = np.zeros(windows.shape, dtype=np.float32)
        gradients = np.zeros(len(windows), dtype=np.int64)
        seconds = np.zeros(len(windows))
        for number, window in enumerate(windows):
            started = time.perf_counter()
            factors = self._factors(float(odds[number])).astype(np.float32)
            places = self._first_places(STEPS)
            total = self._sum_of_gradients(window, places)
            while True:
                parts = total / np.float32(len(places)) * (window - self._background)
                parts *= factors[:, None, None, None]
                values[number] = parts.mean(axis=0, dtype=np.float64)
                missed = float(values[number].sum(dtype=np.float64)) - float(score[number])
                if abs(missed + self.base) <= tolerance or len(places) * 2 > most_steps:
                    break
                between = (places + 0.5 / len(places)) % 1.0
                total += self._sum_of_gradients(window, between)
                places = np.concatenate([places, between])
            gradients[number] = places.size
            seconds[number] = time.perf_counter() - started
        return Contributions(values, score, self.base, gradients, seconds)

    def _first_places(self, steps: int) -> NDArray[np.float64]:
        """``(steps, m)``: places on the way from each background window, 0 to 1."""
        return np.asarray((np.arange(steps)[:, None] + self._shift) / steps)

    def _sum_of_gradients(self, window: F32, places: NDArray[np.float64]) -> F32:
        """Sum over places of the gradients of the log-odds, for each background window."""
        difference = window - self._background
        total = np.zeros(self._background.shape, dtype=np.float32)
        for place in places.astype(np.float32):
            at = self._background + place[:, None, None, None] * difference
            total += self._gradient(at).numpy()
        return total

    def _factors(self, odds: float) -> NDArray[np.float64]:
        """From log-odds to scores, for each background window."""
        way = odds - self._base_odds
        near = np.abs(way) < _NO_WAY
        slope = expit(odds) * (1.0 - expit(odds))
        quotient = (expit(odds) - expit(self._base_odds)) / np.where(near, 1.0, way)
        return np.asarray(np.where(near, slope, quotient))

    def explain_with_shap(self, window: F32, samples: int, seed: int = 0) -> NDArray[np.float64]:
        """Contributions of one window to its **log-odds** by the library's own sampling,
        ``(64, 64, bands)``.
        """
        from shap import GradientExplainer

        with _lock, warnings.catch_warnings():
            # Keras remarks that shap hands it lists; nothing is wrong with that.
            warnings.filterwarnings("ignore", message="The structure of `inputs`")
            state = np.random.get_state()
            try:
                explainer = GradientExplainer(self._log_odds, self._background, batch_size=_BATCH)
                found = explainer.shap_values(window[None], nsamples=samples, rseed=seed)
            finally:
                np.random.set_state(state)
        return np.asarray(found, dtype=np.float64).reshape(window.shape)

    def log_odds_contributions(self, window: F32, steps: int = MOST_STEPS) -> NDArray[np.float64]:
        """What :meth:`explain_with_shap` estimates, by steps."""
        total = self._sum_of_gradients(window, self._first_places(steps)).astype(np.float64)
        return np.asarray((total / steps * (window - self._background)).mean(axis=0))


def _spread(number: int) -> NDArray[np.float64]:
    """Shifts in (0, 1), evenly spread, neighbours far apart: the order of van der Corput's."""
    # In one dimension Halton's sequence is van der Corput's.
    order = np.argsort(qmc.Halton(1, scramble=False).random(number)[:, 0], kind="stable")
    shifts = np.empty(number)
    shifts[order] = (np.arange(number) + 0.5) / number
    return shifts


def _compiled(network: Any, shape: tuple[int, ...]) -> Any:
    """A network as a compiled function of windows of one shape."""
    tf = import_tensorflow()

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32)])  # type: ignore[untyped-decorator]
    def run(windows: Any) -> Any:
        return network(windows, training=False)

    return run


def _gradient_of(network: Any, shape: tuple[int, ...]) -> Any:
    """A compiled function: the gradient of the network's output by its input, for a full batch."""
    tf = import_tensorflow()

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32)])  # type: ignore[untyped-decorator]
    def gradient(windows: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(windows)
            output = network(windows, training=False)
        return tape.gradient(output, windows)

    return gradient


def _before_sigmoid(network: Any) -> Any:
    """The network up to its log-odds."""
    keras = import_keras()
    last = network.layers[-1]
    activation = getattr(getattr(last, "activation", None), "__name__", "")
    if last.__class__.__name__ != "Dense" or activation != "sigmoid":
        raise ModelError(
            f"the network ends in {last.__class__.__name__} with {activation or 'no activation'}",
            hint="only networks that end in a dense layer with a sigmoid are explained",
        )
    linear = keras.layers.Dense(1, name="log_odds")
    bare = keras.Model(network.input, linear(last.input))
    linear.set_weights(last.get_weights())
    return bare


def make_explainer(info: ModelInfo, background: F32, *, randomised: int | None = None) -> Explainer:
    """An explainer of a stored model.

    Parameters
    ----------
    randomised
        A seed: all weights are drawn anew, as before training. What it then shows has nothing to
        do with landslides: a check of the method (Adebayo et al. 2018).

    Raises
    ------
    ModelError
        The file has changed since ``info`` was made, or the network cannot be explained.
    InputError
        The background does not fit it.
    """
    data = read_model(info)
    network = load_network(data, str(info.path))
    if randomised is not None:
        _randomise(network, np.random.default_rng(randomised))
    return Explainer(network, background)


def _randomise(network: Any, rng: np.random.Generator) -> None:
    """Weights as He et al. 2015 draw them, no biases, batch normalisation that does nothing: units
    are alive, which those with shuffled weights of a trained network often are not.
    """
    for layer in network.layers:
        if layer.__class__.__name__ == "Normalization":  # that of the input stays
            continue
        drawn = []
        for variable, held in zip(layer.weights, layer.get_weights(), strict=True):
            if held.ndim >= 2:
                fan_in = float(np.prod(held.shape[:-1]))
                drawn.append(rng.normal(0.0, np.sqrt(2.0 / fan_in), held.shape))
            else:
                ones = variable.name in ("gamma", "moving_variance")
                drawn.append(np.ones(held.shape) if ones else np.zeros(held.shape))
        layer.set_weights(drawn)
