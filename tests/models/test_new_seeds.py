"""The figures of the cards hold on worlds that neither training nor its tests have seen."""

from __future__ import annotations

import numpy as np
import pytest

from sarlra.evaluation.windows import Windows
from sarlra.models.fill import fill_nodata
from sarlra.models.folders import shipped_folder
from sarlra.models.registry import find_model
from sarlra.models.scoring import load_scorer
from sarlra.recipe import Recipe
from sarlra.samples.labels import LANDSLIDE_SHARE
from sarlra.samples.rendered import rendered_world
from sarlra.samples.split import priorities

SEEDS = range(80_001, 80_006)
#: Edge of a world: large enough for 300 landslide patches.
SIZE_PX = 3072
LEAST = 300
BUFFERS = (60, 12)
SHIPPED = sorted(path.stem for path in shipped_folder().glob("*.json"))


@pytest.fixture(scope="module")
def f1() -> dict[str, list[float]]:
    """F1 of each shipped model on each seed, background drawn down to 10:1."""
    found: dict[str, list[float]] = {name: [] for name in SHIPPED}
    for seed in SEEDS:
        tracks = rendered_world("default", seed, Recipe(), [BUFFERS], size_px=SIZE_PX)
        assert sum(int((track.share > LANDSLIDE_SHARE).sum()) for track in tracks) >= LEAST
        for name in SHIPPED:
            info, parts = find_model(name), []
            for track in tracks:
                if track.orbit_state not in info.orbit_states:
                    continue
                use = (track.share > LANDSLIDE_SHARE) | (track.share == 0)
                bands = [Recipe().bands.index(band) for band in info.bands]
                windows = fill_nodata(track.windows[BUFFERS][use][..., bands].copy(), info.bands)
                score = load_scorer(info).score(windows)
                names = [f"{seed}/{track.orbit_state}/{i}" for i in range(len(score))]
                drawn = priorities(0, "", "new seeds", names)
                truth = track.share[use] > LANDSLIDE_SHARE
                parts.append(Windows(score, score > (info.threshold or 0.6), truth, drawn))
            counts = [part.thinned(10).counts() for part in parts]
            found[name].append(sum(counts[1:], counts[0]).f1)
    return found


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", SHIPPED)
def test_mean_f1_over_new_seeds_is_that_of_the_card(name: str, f1: dict[str, list[float]]) -> None:
    card = find_model(name).card["metrics"]["test_per_event"]["default-10m"]["f1"]
    assert np.mean(f1[name]) == pytest.approx(card, abs=0.05), f1[name]
    assert np.std(f1[name]) > 0
