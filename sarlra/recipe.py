"""Every choice that changes a number of the result, in one frozen, hashed object."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sarlra.errors import RecipeError

Polarisations = tuple[Literal["VV"]] | tuple[Literal["VV"], Literal["VH"]]

#: The buffers of the paper (days before, days after).
PAPER_BUFFERS = (
    (365, 12), (240, 12), (120, 12), (60, 12), (60, 24),
    (60, 48), (12, 12), (24, 24), (48, 48), (60, 60),
)  # fmt: skip
#: Buffers that a watched event goes through (days before, days after).
WATCH_BUFFERS = ((60, 12), (60, 24), (60, 48), (48, 48), (60, 60))


class Recipe(BaseModel):
    """What is done to the acquisitions of a track, from file to detection.

    Source of the defaults: Nava et al. 2026, sections 2 and 3, as resolved in ``docs/method.md``.
    Equal recipes have equal hashes, in any version of Python and on any machine.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    polarisations: Polarisations = ("VV", "VH")
    """Which bands the composite has: VV alone or VV and VH."""
    pre_days: Annotated[int, Field(ge=1, le=3660)] = 60
    """Pre window: [first origin - pre_days, first origin)."""
    post_days: Annotated[int, Field(ge=1, le=3660)] = 12
    """Post window: (last origin, last origin + post_days]."""
    resolution: Annotated[float, Field(gt=0, le=1000)] = 10.0
    """Edge of a pixel of the target grid in metres."""
    tile_px: Annotated[int, Field(ge=256, le=16384)] = 4096
    """Edge of a tile in pixels."""
    loader: Literal["stackstac", "odc"] = "stackstac"
    """What builds the lazy stacks; the two agree to 1e-5 dB where no warp is needed."""
    erode_before: str = "2018-03-13"
    """Acquisitions before this day (IPF 2.90) have border fringes of zeros that are eroded."""
    erode_px: Annotated[int, Field(ge=0, le=64)] = 8
    """By how many target pixels the valid edge of such an acquisition is eroded."""
    radiometry: Literal["gamma0", "sigma0e"] = "gamma0"
    """What the post bands are: gamma0 after terrain correction as it comes, or brought back to
    sigma0 on the ellipsoid. Change bands are the same in both."""
    visibility_buffer: Annotated[float, Field(ge=0, le=500)] = 0.0
    """Safety buffer around layover and shadow in metres."""
    min_slope: Annotated[float, Field(ge=0, le=60)] = 0.0
    """Slope mask in degrees: a window with no more than 5 % of its pixels this steep (that is, no
    room for a patch that counts as landslide) gets no score but a reason. 0 masks nothing."""
    window_px: Literal[64] = 64
    """Edge of a window in pixels."""
    stride_px: Literal[32] = 32
    """Step between windows in pixels."""
    max_nodata: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """A window with a larger share of pixels without data gets no score but a reason."""
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    """Scores over this are candidates; None takes the model card's, 0.6 where it has none."""
    overlap: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Non-maximum suppression: IoU above which the lower score of two windows is dropped."""

    quality: bool = False
    """Whether each acquisition is held against its stack, and corrected or left out."""

    @model_validator(mode="after")
    def _tile_is_whole_strides(self) -> Self:
        if self.tile_px % 256:
            raise ValueError(f"tile_px must be a multiple of 256, not {self.tile_px}")
        return self

    @property
    def bands(self) -> tuple[str, ...]:
        """The bands of the composite in the order in which a model takes them."""
        pols = [p.lower() for p in self.polarisations]
        return tuple([f"post_{p}" for p in pols] + [f"diff_{p}" for p in pols])

    @property
    def combination(self) -> Literal["VV", "VV_VH"]:
        """The paper's name of the polarisations."""
        return "VV_VH" if len(self.polarisations) == 2 else "VV"

    @property
    def halo_px(self) -> int:
        """What a tile reads beyond its lower and right edges."""
        return self.window_px - self.stride_px

    def canonical(self) -> str:
        """The recipe as JSON with sorted keys and no spaces.

        Choices that came later are left out where they choose what was done before, so that what
        was made then keeps its hash.
        """
        later = {"quality"} if not self.quality else set()
        choices = self.model_dump(mode="json", exclude=later)
        return json.dumps(choices, sort_keys=True, separators=(",", ":"))

    def hash(self) -> str:
        """sha256 of :meth:`canonical`, as hex."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()


def make_recipe(**choices: Any) -> Recipe:
    """Build a recipe from a user's choices.

    Raises
    ------
    RecipeError
        A choice is unknown or out of range; the message names it.
    """
    try:
        return Recipe(**choices)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "recipe"
        raise RecipeError(f"recipe: {name}: {first['msg']} (got {first.get('input')!r})") from error


def parse_buffers(text: str) -> tuple[int, int]:
    """Read ``60-12`` as (days before, days after).

    Raises
    ------
    RecipeError
        The text has another form.
    """
    before, dash, after = text.partition("-")
    if not (dash and before.isdecimal() and after.isdecimal()):
        raise RecipeError(
            f"buffers {text!r} are not two whole numbers of days",
            hint="give them as PRE-POST, such as 60-12",
        )
    return int(before), int(after)
