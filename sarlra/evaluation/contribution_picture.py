"""A picture of one explained window, after figure 6 of the paper: bands, and what each adds.

Above the bands as the network sees them, below what each pixel of them adds to the score, all on
one scale: red raises the landslide score, blue lowers it.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarlra.evaluation.ablation import short
from sarlra.evaluation.explained import Explained

F32 = NDArray[np.float32]

#: Of absolute contributions, the share that the scale of colours holds.
_WITHIN = 0.995
_CHANGE_DB = 6.0
_TRUTH = "#00a651"


def scale_of(explained: Sequence[Explained]) -> float:
    """End of the colours of contributions, one for several windows: pictures can be compared."""
    values = np.abs(np.concatenate([one.values.ravel() for one in explained]))
    limit = float(np.quantile(values, _WITHIN))
    return limit if limit > 0 else 1.0


def draw_window(
    window: F32,
    explained: Explained,
    limit: float,
    title: str,
    foot: str,
    truth: NDArray[np.bool_] | None,
) -> bytes:
    """A PNG; the same for the same arguments.

    Parameters
    ----------
    window
        ``(64, 64, bands)`` dB.
    limit
        End of the colours of contributions.
    truth
        ``(64, 64)``: landslide, outlined in green; None where not known.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    bands = explained.without.bands
    columns = len(bands) + 1
    figure = Figure(figsize=(2.35 * columns + 0.9, 5.9), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, columns)
    blame = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
    shares = explained.shares
    drawn: dict[str, Any] = {}
    for number, name in enumerate(bands):
        change = name.startswith("diff_")
        look = (
            {"cmap": "PuOr_r", "vmin": -_CHANGE_DB, "vmax": _CHANGE_DB}
            if change
            else {"cmap": "gray", **_grey(window[..., number])}
        )
        drawn["change" if change else "image"] = panels[0, number].imshow(
            window[..., number], **look
        )
        panels[0, number].set_title(f"{short(name)}, dB", fontsize=9)
        drawn["blame"] = panels[1, number].imshow(explained.values[..., number], **blame)
        panels[1, number].set_title(f"from {short(name)}: {shares[name]:.0%}", fontsize=9)
    mean = explained.values.mean(axis=-1)
    panels[1, -1].imshow(mean, **blame)
    panels[1, -1].set_title("mean over bands", fontsize=9)
    # A score near 1 falls little wherever a part is covered: each picture has its own scale.
    fall = max(float(np.abs(explained.occlusion).max()), 1e-6)
    panels[0, -1].imshow(explained.occlusion, cmap="RdBu_r", vmin=-fall, vmax=fall)
    panels[0, -1].set_title(f"fall of the score where\n80 m are covered: to {fall:.2g}", fontsize=9)
    for panel in panels.ravel():
        panel.set_xticks([])
        panel.set_yticks([])
        if truth is not None and truth.any() and not truth.all():
            panel.contour(truth.astype(float), levels=[0.5], colors=_TRUTH, linewidths=1.0)
    bar = figure.colorbar(drawn["blame"], ax=panels[1, :].tolist(), shrink=0.9, extend="both")
    bar.set_label("contribution to the score", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    bar = figure.colorbar(drawn["change"], ax=panels[0, :].tolist(), shrink=0.9, extend="both")
    bar.set_label("change, dB", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    figure.suptitle(title, fontsize=11, parse_math=False)
    figure.supxlabel("\n".join(textwrap.wrap(foot, 24 * columns)), fontsize=8, parse_math=False)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110, metadata={"Software": None})
    return stream.getvalue()


def _grey(values: F32) -> dict[str, float]:
    low, high = np.quantile(values, [0.02, 0.98])
    return {"vmin": float(low), "vmax": float(max(high, low + 0.1))}
