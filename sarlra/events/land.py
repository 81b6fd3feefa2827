"""Land and sea, offline: the mask of the package global-land-mask (from GLOBE, one kilometre).

The package itself would hold the whole world in memory (0.9 GB); its file is read here row by row,
only as far as is needed.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import IO

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from sarlra.errors import AreaError

#: Pixels per degree of the mask; rows from 90 N, columns from 180 W.
PER_DEGREE = 120
_FILE = "globe_combined_mask_compressed.npz"
_MEMBER = "mask.npy"
_COLUMNS = 360 * PER_DEGREE


@dataclass(frozen=True, slots=True)
class LandMask:
    """Land (True) on pixels of 1/120 degree: (rows, columns), row 0 the northernmost."""

    land: NDArray[np.bool_]
    transform: Affine

    @property
    def share(self) -> float:
        """Of land, by number of pixels."""
        return float(self.land.mean()) if self.land.size else 0.0


def land_mask(bounds: tuple[float, float, float, float]) -> LandMask:
    """The mask around (west, south, east, north) in degrees, within [-180, 180].

    Raises
    ------
    AreaError
        The package's file is missing or another than expected.
    """
    west, south, east, north = bounds
    top = max(0, int(np.floor((90.0 - north) * PER_DEGREE)))
    bottom = min(180 * PER_DEGREE, int(np.ceil((90.0 - south) * PER_DEGREE)))
    left = max(0, int(np.floor((west + 180.0) * PER_DEGREE)))
    right = min(_COLUMNS, int(np.ceil((east + 180.0) * PER_DEGREE)))
    sea = _rows(top, max(bottom, top + 1))[:, left : max(right, left + 1)]
    transform = Affine(
        1 / PER_DEGREE, 0, left / PER_DEGREE - 180.0, 0, -1 / PER_DEGREE, 90.0 - top / PER_DEGREE
    )
    return LandMask(~sea, transform)


def may_have_land(bounds: tuple[float, float, float, float]) -> bool:
    """Whether there is land in, or within a tenth of a degree of, (west, south, east, north)."""
    west, south, east, north = bounds
    rows = slice(max(0, int((90.0 - north) * 10) - 1), int((90.0 - south) * 10) + 2)
    cols = slice(max(0, int((west + 180.0) * 10) - 1), int((east + 180.0) * 10) + 2)
    return bool(_coarse()[rows, cols].any())


@cache
def _coarse() -> NDArray[np.bool_]:
    """Tenths of a degree that hold land: (1800, 3600), read once."""
    block = PER_DEGREE // 10
    whole = np.zeros((1800, 3600), dtype=np.bool_)
    with _mask() as stream:
        for row in range(1800):
            sea = np.frombuffer(stream.read(block * _COLUMNS), dtype=np.bool_)
            whole[row] = ~sea.reshape(block, 3600, block).all(axis=(0, 2))
    return whole


def _rows(first: int, last: int) -> NDArray[np.bool_]:
    """Rows [first, last) of the file's mask, in which the sea is True."""
    with _mask() as stream:
        _skip(stream, first * _COLUMNS)
        data = stream.read((last - first) * _COLUMNS)
        return np.frombuffer(data, dtype=np.bool_).reshape(last - first, _COLUMNS)


@contextmanager
def _mask() -> Iterator[IO[bytes]]:
    """The file's mask at its first byte, in rows of :data:`_COLUMNS`, the sea True."""
    try:
        path = resources.files("global_land_mask") / _FILE
        with (
            zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive,
            archive.open(_MEMBER) as stream,
        ):
            version = np.lib.format.read_magic(stream)
            shape, fortran, dtype = (
                np.lib.format.read_array_header_1_0(stream)
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0(stream)
            )
            if shape != (180 * PER_DEGREE, _COLUMNS) or fortran or dtype != np.bool_:
                raise ValueError(f"the mask is {dtype} {shape}")
            yield stream
    except (OSError, KeyError, ValueError, ModuleNotFoundError, zipfile.BadZipFile) as error:
        raise AreaError(
            f"the land mask cannot be read: {error}", hint="pip install global-land-mask"
        ) from error


def _skip(stream: IO[bytes], count: int) -> None:
    while count > 0:
        got = len(stream.read(min(count, 1 << 24)))
        if not got:
            raise ValueError("the mask ends early")
        count -= got
