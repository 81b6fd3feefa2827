"""Windows against which a model's scores are explained: ``NAME.background.npz`` beside its file.

The file is optional. The card's entry ``background`` names its sha256, so that it is checked like
the network. Windows are kept in steps of a quarter dB, far below speckle, band by band: 0.7 MB for
64 windows of four bands, where half precision takes 1.9 MB.
"""

from __future__ import annotations

import io
import zipfile
from lzma import LZMAError
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarlra.errors import ModelError
from sarlra.models.card import card_bytes, parse_card
from sarlra.models.files import read_bounded, sha256, write_atomically
from sarlra.models.info import ModelInfo

#: How many windows a background has.
COUNT = 64
_MAX_BYTES = 64 * 2**20
#: Code 0 and the step of the codes, dB: to 23.75 dB.
_LOWEST_DB, _STEP_DB = -40.0, 0.25
_EPOCH = (1980, 1, 1, 0, 0, 0)

Windows = NDArray[np.float32]


def background_file(model: Path) -> Path:
    """Where the background of a model's file lies."""
    return model.with_suffix(".background.npz")


def read_background(info: ModelInfo) -> Windows | None:
    """The background stored with a model: ``(n, 64, 64, bands)`` float32 dB, finite.

    None where the model's card names none: imported weights have none.

    Raises
    ------
    ModelError
        The file is missing or not the one that the card names, or holds something else.
    """
    entry = info.card.get("background")
    if not isinstance(entry, dict):
        return None
    path = background_file(info.path)
    if not path.is_file():
        raise ModelError(
            f"{path}: the card of {info.name} names a background, but it is not there",
            hint="fetch the model again, or make one with `sarlra models background`",
        )
    data = read_bounded(path)
    if (found := sha256(data)) != entry.get("sha256"):
        raise ModelError(f"{path}: is not the background that the card names: sha256 {found}")
    return _unpack(data, str(path), len(info.bands))


def store_background(info: ModelInfo, windows: Windows) -> Path:
    """Write a background beside a model and name it in the card; equal windows, equal bytes.

    Raises
    ------
    ModelError
        The windows do not fit the model, are not finite, or the model has no card.
    OutputError
        The folder cannot be written.
    """
    if windows.ndim != 4 or windows.shape[1:] != (64, 64, len(info.bands)) or not len(windows):
        raise ModelError(
            f"a background of {info.name} has windows of (n, 64, 64, {len(info.bands)}), "
            f"not {windows.shape}"
        )
    if not np.isfinite(windows).all():
        raise ModelError(f"the background of {info.name} has windows with no data")
    card_path = info.path.with_suffix(".json")
    if not card_path.is_file():
        raise ModelError(f"{info.path}: has no card to name a background in")
    data = _pack(windows)
    card = parse_card(read_bounded(card_path), str(card_path))
    entry = {"sha256": sha256(data), "windows": len(windows)}
    path = background_file(info.path)
    write_atomically(path, data)
    write_atomically(card_path, card_bytes(card.model_copy(update={"background": entry})))
    return path


def spread_over_level(windows: Windows, number: int = COUNT) -> Windows:
    """So many of some windows, from dark to bright at even steps of their order by the mean of the
    first band, so that water, fields and slopes are there; all, where there are not so many.
    """
    order = np.argsort(windows[..., 0].mean(axis=(1, 2), dtype=np.float64), kind="stable")
    places = np.linspace(0, len(order) - 1, min(number, len(order))).round().astype(int)
    return np.ascontiguousarray(windows[order[places]])


def _pack(windows: Windows) -> bytes:
    """As an archive of NumPy's, without the time of writing."""
    codes = np.clip(np.rint((windows - _LOWEST_DB) / _STEP_DB), 0, 255).astype(np.uint8)
    array = io.BytesIO()
    np.save(array, np.ascontiguousarray(np.moveaxis(codes, -1, 0)), allow_pickle=False)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        member = zipfile.ZipInfo("windows.npy", _EPOCH)
        archive.writestr(member, array.getvalue(), zipfile.ZIP_LZMA)
    return packed.getvalue()


def _unpack(data: bytes, label: str, bands: int) -> Windows:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            sizes = [member.file_size for member in archive.infolist()]
            if len(sizes) != 1 or sizes[0] > _MAX_BYTES:
                raise ValueError(f"it has {len(sizes)} members")
        with np.load(io.BytesIO(data), allow_pickle=False) as held:
            codes: Any = held["windows"]
        if codes.dtype != np.uint8 or codes.ndim != 4 or codes.shape[::2] != (bands, 64):
            raise ValueError(f"it holds {codes.dtype} {codes.shape}")
        if not codes.shape[1] or codes.shape[3] != 64:
            raise ValueError(f"it holds {codes.shape}")
    except (ValueError, KeyError, OSError, zipfile.BadZipFile, EOFError, LZMAError) as error:
        raise ModelError(f"{label}: is no background of windows: {error}") from error
    windows = codes.astype(np.float32) * np.float32(_STEP_DB) + np.float32(_LOWEST_DB)
    return np.ascontiguousarray(np.moveaxis(windows, 0, -1))
