"""Everything that can go wrong, in one list.

An error says what happened, to which input, and what to do. Code outside this package sees only
these classes (and programming errors); libraries' own exceptions are chained as ``__cause__``.
"""

from __future__ import annotations


class SarlraError(Exception):
    """The base of all errors of this package.

    Parameters
    ----------
    message
        What happened, and to which input.
    hint
        What the user can do about it; shown after the message.
    """

    #: Exit code of the command line for this kind of error.
    exit_code: int = 1
    #: A stable, machine-readable name, used in JSON output and in outcomes of jobs.
    code: str = "error"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message} ({self.hint})"

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword arguments do not survive the default pickling of exceptions; errors travel
        # between dask processes.
        return (_rebuild, (type(self), self.message, self.hint))


def _rebuild(kind: type[SarlraError], message: str, hint: str | None) -> SarlraError:
    return kind(message, hint=hint)


class InputError(SarlraError):
    """Something that the user gave cannot be used."""

    exit_code = 2
    code = "input"


class EventError(InputError):
    """The text, file or id given as an event is no event."""

    code = "event"


class AreaError(InputError):
    """The area of interest is empty, malformed, too large, or outside the source."""

    code = "area"


class SourceError(InputError):
    """The source of acquisitions is unknown or cannot be read as one."""

    code = "source"


class RecipeError(InputError):
    """A choice of the recipe is not valid, alone or with the others."""

    code = "recipe"


class ModelError(InputError):
    """A model cannot be found, read, verified, or does not fit the composite."""

    code = "model"


class OutputError(InputError):
    """The output exists and is something else, or cannot be written."""

    code = "output"


class TerrainError(InputError):
    """A DEM, or the geometry of a track, cannot be had or used."""

    code = "terrain"


class NoAcquisitionsError(SarlraError):
    """No track has both pre and post acquisitions: there is nothing to compare."""

    exit_code = 3
    code = "no-acquisitions"


class SearchError(SarlraError):
    """The search answered with an error, too slowly, or not completely."""

    exit_code = 4
    code = "search"


class AssetError(SarlraError):
    """An asset cannot be opened or read: missing, refused, truncated or corrupt."""

    exit_code = 4
    code = "asset"


class SigningError(AssetError):
    """No token could be had for a container, or it was refused."""

    code = "signing"


class StoreError(SarlraError):
    """Writing to the store would damage it, or failed."""

    exit_code = 5
    code = "store"


class CatalogError(SarlraError):
    """An item or collection is not valid STAC, or its assets do not match it."""

    exit_code = 5
    code = "catalog"


class JobsFailedError(SarlraError):
    """The run ended, but some jobs failed; the others' results stand."""

    exit_code = 6
    code = "jobs-failed"
