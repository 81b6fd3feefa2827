"""The tracks over a world."""

from __future__ import annotations

from sarlra.simulation.geometry import OrbitState, View, make_swath, make_view
from sarlra.simulation.ground import Ground


def make_views(ground: Ground) -> dict[OrbitState, View]:
    """The two tracks over a world: ascending in far range, so that the swath's edge cuts a corner
    of the world, and descending at the incidence of the profile.
    """
    layout, radar = ground.layout, ground.profile.radar
    return {
        "ascending": make_view(
            layout, ground.terrain, make_swath(layout, "ascending", cut=radar.far_cut)
        ),
        "descending": make_view(
            layout,
            ground.terrain,
            make_swath(layout, "descending", incidence=radar.descending_incidence),
        ),
    }
