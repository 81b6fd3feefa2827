"""The simulated events that ship, as data: six to learn from, two never shown to a model.

The settings follow the kinds of terrain in which the paper's events lie, so that each event
differs from the others in relief, cover, weather and landslides; names and numbers are chosen, and
none of them reproduces a real inventory. Densities and clustering give natural ratios of background
to landslide patches of about 4 to 20 (the paper's events: from 8). The two unseen events draw their
landslides, covers and incidences from ranges outside those of the six. Committed before the first
training; no number here was set on a model's result.

Areas of landslides: rho = 1.40 and s = -132 m2 are those of Malamud, Turcotte, Guzzetti &
Reichenbach, Earth Surface Processes and Landforms 29 (2004), 687-711; their a is 1280 m2, and the
multiples of it here are chosen: satellite inventories miss the small ones.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from sarlra.errors import InputError
from sarlra.simulation.parameters import Cover
from sarlra.simulation.profile import (
    Disturbance,
    Failure,
    Greenery,
    Profile,
    Radar,
    Relief,
    Weather,
)

_TILE = 40_960.0

DEFAULT = Profile(
    name="default",
    role="default",
    number=0,
    epsg=32654,
    centre=(13 * _TILE, 115.5 * _TILE),
    origin=datetime(2023, 9, 5, 18, 7, 59, tzinfo=UTC),
    worlds=(1, 1),
)

EVENTS: tuple[Profile, ...] = (
    Profile(
        name="conifer-hills",  # low, steep-sided hills under forest; very many shallow slides
        role="train",
        number=1,
        epsg=32654,
        centre=(500_000.0, 4_720_000.0),
        origin=datetime(2019, 9, 10, 3, 20, tzinfo=UTC),
        worlds=(3, 4),
        relief=Relief(height=0.6, limit_deg=28.0),
        failure=Failure(
            per_km2=2.2, clustering=2.6,
            a_m2=5120.0, aspect=170.0, ratio=2.6,
        ),
        weather=Weather(wet_chance=0.45),
    ),
    Profile(
        name="alpine-gorges",  # high, bare crests with wet snow, large rock slides
        role="train",
        number=2,
        epsg=32647,
        centre=(560_000.0, 3_290_000.0),
        origin=datetime(2020, 11, 15, 22, 5, tzinfo=UTC),
        worlds=(1, 2),
        relief=Relief(height=1.7, limit_deg=34.0),
        greenery=Greenery(
            second=Cover.SPARSE, second_share=0.15, tree_line=0.62, high=Cover.ROCK, farmed=False
        ),
        weather=Weather(wet_chance=0.2, wet_mean=0.5, snow_line=0.8, snow_chance=0.5),
        failure=Failure(
            per_km2=0.8, clustering=2.2,
            a_m2=7680.0, slope_min=27.0, slope_full=40.0, aspect=110.0, ratio=3.4
        ),
        disturbance=Disturbance(clearcuts=0.0, flood=False),
        radar=Radar(descending_incidence=39.0),
    ),
    Profile(
        name="rain-forest-ranges",  # tropical, wet, tall forest; many and large slides
        role="train",
        number=3,
        epsg=32754,
        centre=(640_000.0, 9_340_000.0),
        origin=datetime(2018, 6, 20, 15, 44, tzinfo=UTC),
        worlds=(4, 5),
        relief=Relief(height=1.2, limit_deg=31.0),
        greenery=Greenery(second_share=0.04, tree_line=0.97),
        weather=Weather(wet_chance=0.7, wet_mean=0.9),
        failure=Failure(
            per_km2=1.6, clustering=2.6,
            a_m2=6400.0, aspect=200.0, aspect_gain=0.6, renewed=(0.75, 1.0)
        ),
        disturbance=Disturbance(fields=0.2, clearcuts=0.2),
    ),
    Profile(
        name="volcanic-island",  # steep cone by the sea, dry season, shrub and grass
        role="train",
        number=4,
        epsg=32750,
        centre=(430_000.0, 9_070_000.0),
        origin=datetime(2021, 8, 8, 11, 46, tzinfo=UTC),
        worlds=(1, 4),
        relief=Relief(height=1.0, limit_deg=32.0, drowned=0.2),
        greenery=Greenery(second=Cover.SHRUB, second_share=0.35, tree_line=0.8, high=Cover.GRASS),
        weather=Weather(wet_chance=0.15, wet_mean=0.5),
        failure=Failure(
            per_km2=1.4, clustering=2.4,
            a_m2=3840.0, slope_min=26.0, slope_full=38.0, ratio=3.8,
        ),
        disturbance=Disturbance(fields=0.3, clearcuts=0.03, flood=False, ships=6.0),
        radar=Radar(descending_incidence=42.0),
    ),
    Profile(
        name="grazed-andes",  # pasture and shrub over deep valleys, few slides
        role="train",
        number=5,
        epsg=32618,
        centre=(600_000.0, 390_000.0),
        origin=datetime(2022, 1, 12, 19, 3, tzinfo=UTC),
        worlds=(1, 2),
        relief=Relief(height=0.9, limit_deg=29.0),
        greenery=Greenery(
            slopes=Cover.GRASS, second=Cover.FOREST, second_share=0.4, tree_line=0.9,
            high=Cover.SHRUB,
        ),
        weather=Weather(wet_chance=0.5, wet_mean=0.7),
        failure=Failure(
            per_km2=0.8, a_m2=5120.0, invisible=0.15, renewed=(0.55, 1.0),
        ),
        disturbance=Disturbance(fields=0.5, clearcuts=0.08),
        radar=Radar(descending_incidence=33.0),
    ),
    Profile(
        name="monsoon-terraces",  # Himalayan foothills, farmed; VV alone, fringes of 2015
        role="train",
        number=6,
        epsg=32645,
        centre=(380_000.0, 3_090_000.0),
        origin=datetime(2016, 5, 2, 6, 11, tzinfo=UTC),
        worlds=(3, 4),
        relief=Relief(height=1.4, limit_deg=31.5),
        greenery=Greenery(second=Cover.GRASS, second_share=0.3, tree_line=0.85, high=Cover.ROCK),
        weather=Weather(wet_chance=0.4, wet_mean=0.8, snow_line=0.93, snow_chance=0.4),
        failure=Failure(
            per_km2=1.3, clustering=2.4,
            a_m2=3840.0, slope_min=25.0, aspect=190.0, aspect_gain=0.8,
        ),
        disturbance=Disturbance(fields=0.6, clearcuts=0.03, buildings=0.15),
        radar=Radar(polarisations=("vv",), fringes=True),
    ),
    Profile(
        name="limestone-peninsula",  # unseen: shrub and grass by the sea, storm after the event
        role="unseen",
        number=7,
        epsg=32618,
        centre=(640_000.0, 2_030_000.0),
        origin=datetime(2021, 8, 14, 12, 29, tzinfo=UTC),
        worlds=(3, 3),
        relief=Relief(height=1.1, limit_deg=33.0, drowned=0.12),
        greenery=Greenery(
            slopes=Cover.SHRUB, second=Cover.GRASS, second_share=0.35, tree_line=0.94,
            high=Cover.FOREST,
        ),
        weather=Weather(wet_chance=0.6, wet_mean=1.2),
        failure=Failure(
            per_km2=1.3, clustering=2.2,
            rho=1.3, a_m2=4480.0, slope_min=23.0, slope_full=36.0, aspect=20.0,
            aspect_gain=1.0, ratio=4.2, renewed=(0.5, 1.0), invisible=0.18, deposit=(0.25, 0.6),
        ),
        disturbance=Disturbance(fields=0.7, clearcuts=0.05, ships=8.0),
        radar=Radar(descending_incidence=31.0),
    ),
    Profile(
        name="caldera-slopes",  # unseen: few, small slides in plantation forest
        role="unseen",
        number=8,
        epsg=32647,
        centre=(620_000.0, 20_560.0),
        origin=datetime(2022, 2, 25, 1, 39, tzinfo=UTC),
        worlds=(1, 2),
        relief=Relief(height=0.8, limit_deg=36.0),
        greenery=Greenery(second=Cover.CLEARCUT, second_share=0.08, tree_line=0.96),
        weather=Weather(wet_chance=0.8, wet_mean=0.6),
        failure=Failure(
            per_km2=0.6, rho=1.6, a_m2=8960.0, slope_min=24.0, slope_full=33.0, aspect=300.0,
            aspect_gain=0.5, ratio=2.2, renewed=(0.6, 0.95), invisible=0.14,
        ),
        disturbance=Disturbance(fields=0.3, clearcuts=0.35, buildings=0.1),
        radar=Radar(descending_incidence=44.0),
    ),
)  # fmt: skip

#: Like the real series of :mod:`sarlra.evaluation.realism`: chaparral, grass, arid slopes, sea.
CALIFORNIA = Profile(
    name="dry-coast",
    role="check",
    number=9,
    epsg=32611,
    centre=(300_000.0, 3_800_000.0),
    origin=datetime(2021, 11, 1, 2, 0, tzinfo=UTC),
    worlds=(1, 1),
    relief=Relief(height=0.6, limit_deg=27.0, drowned=0.15),
    greenery=Greenery(
        slopes=Cover.SHRUB, second=Cover.SPARSE, second_share=0.35, tree_line=0.85,
        high=Cover.GRASS, farmed=False,
    ),
    weather=Weather(wet_chance=0.5, wet_mean=1.6),
    disturbance=Disturbance(clearcuts=0.0, flood=False),
)  # fmt: skip

#: The default event with one thing changed, to see what a model's scores depend on; same seeds give
#: the same relief, landslides and passes as the default event has.
CHANGED: tuple[Profile, ...] = (
    replace(
        DEFAULT, name="default-some-snow", role="check", number=10,
        weather=Weather(snow_line=0.5, snow_chance=0.5),
    ),
    replace(
        DEFAULT, name="default-snow", role="check", number=11,
        weather=Weather(snow_line=0.5, snow_chance=1.0),
    ),
    replace(
        DEFAULT, name="default-part-sparse", role="check", number=12,
        greenery=Greenery(second=Cover.SPARSE, second_share=0.4),
    ),
    replace(
        DEFAULT, name="default-sparse", role="check", number=13,
        greenery=Greenery(slopes=Cover.SPARSE, second=Cover.SPARSE),
    ),
)  # fmt: skip


def find_profile(name: str) -> Profile:
    """The event of that name.

    Raises
    ------
    InputError
        There is none.
    """
    table = {p.name: p for p in (DEFAULT, *EVENTS, CALIFORNIA, *CHANGED)}
    if name not in table:
        raise InputError(f"no simulated event {name!r}", hint=f"choose of {', '.join(table)}")
    return table[name]
