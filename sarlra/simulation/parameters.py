"""The numbers of the simulated world, in one place, each with where it comes from.

"Chosen" marks a number that was picked to give a plausible picture and that claims no source.
"Measured" marks one that was set from a series of 21 real acquisitions (OPERA RTC-S1, 30 m, track
137, California, 2021 to 2025; :mod:`sarlra.evaluation.realism` compares the two).
Levels are gamma0 in dB at a local incidence angle of 38 deg, C band.

General sources of levels and of their trend with incidence: F. T. Ulaby and M. C. Dobson, Handbook
of Radar Scattering Statistics for Terrain (1989). Of the change over landslides: A. C. Mondini et
al., Earth-Science Reviews 216 (2021), 103574, and K. Burrows et al., Natural Hazards and Earth
System Sciences 20 (2020), 3197-3214: the sign and size of the change in amplitude depend on the
former cover and on the local geometry. No single number below is quoted from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Cover(IntEnum):
    """Classes of the surface; the values index :data:`SURFACES`."""

    FOREST = 0
    GRASS = 1
    CROP = 2
    ROCK = 3
    WATER = 4
    BUILT = 5
    GRAVEL = 6
    SCAR = 7
    DEPOSIT = 8
    CLEARCUT = 9
    FLOOD = 10
    SHRUB = 11
    SPARSE = 12
    SEA = 13


@dataclass(frozen=True, slots=True)
class Surface:
    """How a class scatters.

    Parameters
    ----------
    vv, vh
        Level in dB at 38 deg.
    trend_vv, trend_vh
        dB per degree of local incidence. Volume scatterers are flat in gamma0, surfaces fall.
    texture
        Standard deviation in dB of the lasting texture.
    moisture_vv, moisture_vh
        dB per unit of the wetness index (about -1 dry to 1 wet).
    season_vv, season_vh
        Amplitude in dB of the yearly cycle.
    coherence
        Correlation of speckle between any two acquisitions of a track: the bare ground of dry
        country stays as it is, canopies move.
    """

    vv: float
    vh: float
    trend_vv: float
    trend_vh: float
    texture: float
    moisture_vv: float
    moisture_vh: float
    season_vv: float
    season_vh: float
    coherence: float


#: Order of magnitude after Ulaby & Dobson 1989 (trees, grasses, shrubs, soil and rock, urban);
#: decimals chosen, except for grass, shrub, sparse ground and sea, which are measured. The moisture
#: columns of these say by how much the real cover brightened from dry days to wet ones.
SURFACES: dict[Cover, Surface] = {
    Cover.FOREST: Surface(-7.8, -13.3, -0.02, -0.02, 0.8, 0.35, 0.3, 0.3, 0.5, 0.05),
    Cover.GRASS: Surface(-10.2, -17.1, -0.06, -0.04, 0.8, 1.05, 1.1, 0.3, 0.4, 0.12),
    Cover.CROP: Surface(-10.8, -17.5, -0.07, -0.04, 0.6, 1.4, 1.1, 0.9, 1.2, 0.1),
    Cover.ROCK: Surface(-9.6, -17.6, -0.09, -0.05, 1.6, 0.5, 0.4, 0.1, 0.1, 0.35),
    Cover.WATER: Surface(-18.5, -28.0, -0.10, -0.02, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0),
    Cover.BUILT: Surface(-4.0, -11.5, 0.0, 0.0, 3.0, 0.4, 0.4, 0.0, 0.0, 0.2),
    Cover.GRAVEL: Surface(-11.5, -20.0, -0.09, -0.05, 1.0, 1.2, 1.0, 0.0, 0.0, 0.25),
    # A scar is rough bare soil or rock: the volume term of the canopy (most of VH) is gone, and
    # VV rises on slopes that face the radar and falls on those that face away.
    Cover.SCAR: Surface(-11.0, -19.5, -0.14, -0.07, 1.1, 1.3, 1.0, 0.0, 0.0, 0.2),
    # A deposit is a jumble of blocks and logs: rougher, so brighter in both and flatter in angle.
    Cover.DEPOSIT: Surface(-8.8, -16.6, -0.09, -0.05, 1.3, 1.1, 0.8, 0.0, 0.0, 0.2),
    Cover.CLEARCUT: Surface(-9.8, -16.8, -0.05, -0.03, 0.9, 1.1, 0.9, 0.2, 0.2, 0.1),
    Cover.FLOOD: Surface(-17.0, -26.0, -0.10, -0.02, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    Cover.SHRUB: Surface(-8.9, -14.7, -0.04, -0.03, 0.8, 0.5, 0.55, 0.1, 0.15, 0.15),
    Cover.SPARSE: Surface(-12.0, -22.8, -0.09, -0.05, 0.8, 2.0, 3.0, 0.1, 0.2, 0.3),
    Cover.SEA: Surface(-16.6, -28.8, -0.15, -0.03, 0.3, 0.0, 0.0, 0.0, 0.0, 0.0),
}

REFERENCE_INCIDENCE = 38.0
"""Local incidence in degrees at which the levels of :data:`SURFACES` hold (chosen)."""

ENL = 4.4
"""Equivalent number of looks of an IW GRDH product (``sar:looks_equivalent_number`` of its STAC
items; Sentinel-1 Product Definition)."""

SPECKLE_SIGMA_PX = 0.85
"""Width of the Gaussian that correlates speckle: its full width at half maximum is the 20 m of the
product's resolution (Sentinel-1 Product Definition: 20 x 22 m), on 10 m pixels. The looks that are
left after multilooking to 30 m agree with those of the real series (about 8)."""

CALIBRATION_DB = 0.2
"""Standard deviation of an acquisition's radiometric offset (chosen, within the mission's 1 dB
three-sigma requirement)."""

NOISE_FLOOR_DB = -27.0
"""Thermal noise as gamma0 (measured from the excess spread of VH on sparse ground; the requirement
is a NESZ under -22 dB)."""

NOISE_LEFT = 0.2
"""Share of the mean noise power that noise removal leaves (chosen); its fluctuation stays."""

LEAST_DB = -38.0
"""What noise removal would make darker than this, or negative, is written as this (chosen)."""

SEA_WIND_DB = (3.0, 0.7)
"""Standard deviation in dB between acquisitions of the sea's level in VV and VH with the wind
(measured)."""

DRY_SPREAD = 0.12
"""Standard deviation of the wetness index between acquisitions without rain (measured)."""

OLD_PROCESSOR_DB = 1.5
"""Radiometric offset of the superseded copy of a slice, so that using it shows (chosen)."""

AREA_MIN_M2 = 800.0
"""Smaller ones are left out, as inventories do (chosen)."""
AREA_MAX_M2 = 350_000.0
"""Larger ones would not fit the slopes of the world (chosen)."""

REPEAT_DAYS = 12
REPEAT_ORBITS = 175
"""Sentinel-1 orbit: repeat of 12 days and 175 orbits."""
NEAR_INCIDENCE_DEG = 29.0
FAR_INCIDENCE_DEG = 46.0
"""Incidence at the edges of the IW swath."""
SLICE_SECONDS = 25.0
LIGHT_M_S = 299_792_458.0
