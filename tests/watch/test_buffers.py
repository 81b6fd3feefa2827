"""The choice of buffers, by the model's table and without one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from shapely import MultiPolygon, box

from sarlra.events.event import Event
from sarlra.models.metrics import Counts
from sarlra.models.registry import DEFAULT_MODELS, default_model, find_model
from sarlra.recipe import WATCH_BUFFERS
from sarlra.scenes.model import Acquisition, Slice, Track
from sarlra.watch.buffers import Measured, by_buffer, choose_buffers

ORIGIN = datetime(2023, 9, 1, tzinfo=UTC)
EVENT = Event("us1000aa", "M 6.6", (ORIGIN,), MultiPolygon([box(0, 0, 1, 1)]))
ALL = (0.70, 0.75, 0.80, 0.79, 0.78)


def _track(*days: float) -> Track:
    def one(day: float) -> Acquisition:
        moment = ORIGIN + timedelta(days=day)
        scene = Slice(str(day), None, moment, "sentinel-1a", 1, "ascending", None, None, (), 32654,
                      None, None, box(0, 0, 1, 1))  # fmt: skip
        return Acquisition(f"A{day:g}", moment, "sentinel-1a", (scene,))

    made = [one(day) for day in days]
    return Track(1, "ascending", tuple(a for a in made if a.datetime < ORIGIN),
                 tuple(a for a in made if a.datetime > ORIGIN))  # fmt: skip


def _model(*figures: float) -> Any:
    table = {f"{a}-{b}": f for (a, b), f in zip(WATCH_BUFFERS, figures, strict=False)}
    card = {"metrics": {"by_buffer": table}} if figures else {}
    return replace(default_model("VV_VH", "ascending"), card=card)


PRE = (-57.0, -45.0, -33.0, -21.0, -9.0)


@pytest.mark.parametrize(
    ("post", "figures", "name", "n"),
    [
        ((3,), ALL, "60-12", (5, 1)),  # wider windows hold no more yet
        ((3, 15), ALL, "60-24", (5, 2)),
        ((3, 15, 27, 39), ALL, "60-48", (5, 4)),
        ((3, 15, 27, 39, 51), ALL, "60-48", (5, 4)),  # the table says: better than with the fifth
        ((3, 15, 27, 39, 51), (0.7, 0.75, 0.8, 0.79, 0.9), "60-60", (5, 5)),
        ((3, 15), (0.9, 0.75, 0.8, 0.79, 0.78), "60-12", (5, 1)),
        ((3, 15), (), "60-24", (5, 2)),
        ((3, 15, 27, 39, 51), (), "60-60", (5, 5)),
        ((3, 15, 27, 39, 51), (0.9,), "60-60", (5, 5)),  # a table with gaps is no table
        ((14,), ALL, "60-24", (5, 1)),
    ],
)
def test_choices(
    post: tuple[float, ...], figures: tuple[float, ...], name: str, n: tuple[int, int]
) -> None:
    choice = choose_buffers(_track(*PRE, *post), EVENT, _model(*figures))
    assert choice is not None
    assert choice.name == name
    assert (len(choice.track.pre), len(choice.track.post)) == n
    table = by_buffer(_model(*figures).card)
    assert choice.expected == (table[name].f1 if len(table) == 5 else None)
    assert ("least noise" in choice.rule) == (len(table) != 5)


def test_without_one_side_there_is_no_choice() -> None:
    assert choose_buffers(_track(*PRE), EVENT, _model(*ALL)) is None
    assert choose_buffers(_track(3.0), EVENT, _model()) is None


@pytest.mark.parametrize(
    ("card", "table"),
    [
        ({}, {}),
        ({"metrics": None}, {}),
        ({"metrics": {"by_buffer": [1]}}, {}),
        ({"metrics": {"by_buffer": {"60-12": 0.8, "60-24": {"f1": 0.7}, "x": "y", "z": 7}}},
         {"60-12": Measured(0.8), "60-24": Measured(0.7)}),
        ({"metrics": {"by_buffer": {"60-12": {"f1": 0.8, "true_positives": "many"}}}},
         {"60-12": Measured(0.8)}),
    ],
)  # fmt: skip
def test_tables_of_cards(card: dict[str, Any], table: dict[str, Measured]) -> None:
    assert by_buffer(card) == table


def _counted(hits: int, false: int, missed: int) -> dict[str, Any]:
    counts = Counts(hits, false, missed, 3000)
    return counts.as_json()


def test_the_error_of_a_table_is_that_of_drawing_again() -> None:
    (measured,) = by_buffer({"metrics": {"by_buffer": {"60-12": _counted(300, 60, 130)}}}).values()
    rng = np.random.default_rng(0)
    hits = rng.binomial(490, 300 / 490, 20_000)
    drawn = 2 * hits / (2 * hits + 490 - hits)
    assert measured.error == pytest.approx(drawn.std(), rel=0.02)


def test_a_figure_that_is_higher_by_chance_leaves_no_image_unused() -> None:
    """Of 60-12 and 60-24 with F1 of 0.741 and 0.740 the one with two images is taken."""
    narrow, wide, bad = _counted(300, 80, 130), _counted(299, 80, 131), _counted(250, 80, 180)
    card = {"metrics": {"by_buffer": {"60-12": narrow, "60-24": wide}}}
    model = replace(default_model("VV_VH", "ascending"), card=card)
    choice = choose_buffers(_track(*PRE, 3, 15), EVENT, model)
    assert choice is not None
    assert (choice.name, choice.expected) == ("60-24", wide["f1"])
    assert choice.rule.startswith("least noise of those within 0.017 of the highest F1")
    # One that is worse by more than that is not.
    card["metrics"]["by_buffer"]["60-24"] = bad
    other = choose_buffers(_track(*PRE, 3, 15), EVENT, model)
    assert other is not None
    assert (other.name, other.expected) == ("60-12", narrow["f1"])
    assert other.rule.startswith("highest F1 in the table")


@pytest.mark.parametrize("name", sorted({*DEFAULT_MODELS.values()}))
def test_every_model_that_ships_has_the_whole_table(name: str) -> None:
    table = by_buffer(find_model(name).card)
    assert {f"{pre}-{post}" for pre, post in WATCH_BUFFERS} <= set(table)
    assert all(0.005 < measured.error < 0.04 for measured in table.values())
