"""What contributions should say on simulated events: a real model, a small world."""

from __future__ import annotations

import numpy as np
import pytest

from sarlra.errors import InputError
from sarlra.evaluation.contributions import TOLERANCE
from sarlra.evaluation.sanity import check_contributions
from sarlra.models.registry import default_model
from sarlra.recipe import make_recipe
from sarlra.samples.rendered import rendered_world


@pytest.mark.slow
def test_contributions_lie_in_landslides_and_random_weights_destroy_that() -> None:
    info = default_model("VV", "descending")
    assert info.threshold is not None
    found = check_contributions(info, info.threshold, 1, size_px=1024, windows=6)
    assert found.true.hits.of == found.random.hits.of >= 5
    assert found.true.auc > 0.7
    assert found.true.hits.share is not None
    assert found.true.hits.share > 3 * found.true.chance
    assert 0.25 < found.random.auc < found.true.auc - 0.1
    assert found.additivity_largest <= TOLERANCE
    assert sum(found.share_by_band.values()) == pytest.approx(1)
    assert 0.4 < found.change_share < 1
    assert found.positive_inside > found.true.chance
    assert found.background_on_beds.of > found.false_alarms_on_beds.of
    assert set(found.outlines) >= {"change", "change and contributions"}
    assert all(one.windows == found.true.hits.of for one in found.outlines.values())
    assert found.highest_on_beds.of == round(0.05 * found.background_on_beds.of)
    for beds in (found.beds, found.touching):
        assert 0 < beds.windows <= 6
        assert beds.more[1] <= beds.more[0] <= beds.more[2]
        assert beds.more[0] == pytest.approx(beds.positive - beds.pixels)
    assert found.touching.pixels >= 0.05
    said = found.as_json()["findings"]
    assert len(said) == 8
    assert said[0].startswith("contributions lie in the landslides")


def test_masks_of_rendered_windows_fit_their_share() -> None:
    recipe = make_recipe(polarisations=("VV",))
    for track in rendered_world("default", 5, recipe, [(12, 12)], size_px=512):
        share = track.slid.mean(axis=(1, 2))
        assert (share <= track.share + 1e-9).all()  # some landslides do not change the surface
        assert (share > 0).any()
        assert track.river_bed.any()
        assert not (track.slid & track.river_bed).any(axis=(1, 2)).all()
        assert np.isfinite(track.windows[(12, 12)]).any()


def test_a_model_that_finds_nothing_cannot_be_checked() -> None:
    with pytest.raises(InputError, match="finds no landslide window"):
        check_contributions(default_model("VV", "descending"), 1.0, 1, size_px=512)
