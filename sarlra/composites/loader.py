"""The seam between a composite and what builds its lazy stacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import dask.array as da

from sarlra.composites.pixels import PixelGrid
from sarlra.errors import RecipeError
from sarlra.recipe import Recipe
from sarlra.scenes.model import Slice
from sarlra.scenes.signing import SigningPolicy


class StackLoader(Protocol):
    """Builds the stack of one block of a composite, without reading anything.

    Both implementations read through :func:`sarlra.composites.reader.read_asset`: they differ in
    the graphs that they build, never in a pixel.
    """

    def __call__(
        self,
        slices: Sequence[Slice],
        polarisations: Sequence[str],
        grid: PixelGrid,
        signing: SigningPolicy | None,
    ) -> da.Array:
        """Stack slices on a grid.

        Parameters
        ----------
        slices
            At least one; their order is that of the stack.
        polarisations
            In capitals; every slice has them.
        grid
            The pixels of the block.
        signing
            How assets are signed when they are opened. Graphs hold unsigned hrefs and this.

        Returns
        -------
        (polarisation, slice, rows, columns), float32, linear power, NaN = no data, in one chunk.
        """


def get_loader(recipe: Recipe) -> StackLoader:
    """The loader that a recipe names."""
    if recipe.loader == "stackstac":
        from sarlra.composites.stackstac_loader import load_with_stackstac

        return load_with_stackstac
    if recipe.loader == "odc":
        from sarlra.composites.odc_loader import load_with_odc

        return load_with_odc
    raise RecipeError(f"unknown loader {recipe.loader!r}", hint="stackstac or odc")
